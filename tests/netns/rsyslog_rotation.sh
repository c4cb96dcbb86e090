#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real rsyslog writes 20,000 lines a second, and a real logrotate rotates the log every two seconds. By rename and
# create nothing is lost; by copytruncate no more than the rotated files themselves lack. Ten seconds of each;
# ROTATION_SECONDS says another time.
root=$(cd "$(dirname "$(realpath "$0")")/../.." && pwd)
[[ ${KUBE_NFLOG_INSIDE_NODE:-} ]] || ( # in there is no way to the package archive
  set -euo pipefail
  . "$root/scripts/lib/say.sh"
  . "$root/scripts/lib/packages.sh"
  unpack_packages "$(dirname "${KUBE_NFLOG:-$root/build/kube-nflog}")/syslog" usr/sbin/rsyslogd \
    rsyslog libestr0 libfastjson4 logrotate libpopt0
) || exit 1
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

readonly seconds=${ROTATION_SECONDS:-10} rate=20000 port=5140 log=$work/logs/iptables.log
syslog=$(dirname "$agent_binary")/syslog
libraries=$(dirname "$(find "$syslog" -name 'libestr.so.0')")
mkdir "$work/logs"

start_rsyslog() {
  cat > "$work/rsyslog.conf" << END
global(workDirectory="$work" maxMessageSize="8k")
module(load="imptcp")
input(type="imptcp" port="$port" address="127.0.0.1")
action(type="omfile" file="$log" template="RSYSLOG_TraditionalFileFormat")
END
  LD_LIBRARY_PATH=$libraries "$syslog/usr/sbin/rsyslogd" -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" \
    -M "$libraries/rsyslog" 2>> "$work/rsyslog.err" &
  wait_until 10 test -s "$work/rsyslog.pid" || fail "rsyslog does not start: $(cat "$work/rsyslog.err")"
  wait_until 10 grep -q ':1414 ' /proc/net/tcp || fail "rsyslog does not listen: $(cat "$work/rsyslog.err")"
}

rotate() { # every two seconds, until killed
  while sleep 2; do
    LD_LIBRARY_PATH=$libraries "$syslog/usr/sbin/logrotate" --force --state "$work/logrotate.state" \
      "$work/logrotate.conf" 2>> "$work/logrotate.err" || true
  done
}

lines_in_files() { cat "$work"/logs/* | grep -c 'URGP=0 $' || true; }
seen_all() { (($(metric seen_total) >= written)); }
# The daemon has written what it was sent, as far as it is not lost.
daemon_is_done() { [[ $(stat -c %Y.%s "$log") == "${before:-}" ]] || { before=$(stat -c %Y.%s "$log") && false; }; }

rotation() { # NAME LINE...: logrotate's configuration for the log
  local name=$1 rotator
  shift
  rm -f "$work"/logs/* "$work/logrotate.state"
  touch "$log"
  printf '%s\n' "$log {" 'rotate 1000' nocompress "$@" '}' > "$work/logrotate.conf"
  kill -HUP "$(cat "$work/rsyslog.pid")"
  start_agent --source=file --log-file="$log" --log-prefix=policy-drop:
  rotate &
  rotator=$!
  written=$("$root/tests/netns/syslog_flood.py" "$port" "$rate" "$seconds")
  kill "$rotator"
  wait "$rotator" || true
  [[ -e $log.2 ]] || fail "logrotate has not rotated twice: $(cat "$work/logrotate.err")"
}

report() {
  say "$1, $(find "$work/logs" -name '*.log.*' | wc -l) times: written $written, seen $(metric seen_total)," \
    "in the files $(lines_in_files), undecodable $(metric 'lost_total{where="undecodable"}')," \
    "truncations without a copy $(metric log_truncations_total)"
}

start_rsyslog
rotation rename create 'postrotate' "kill -HUP $(cat "$work/rsyslog.pid")" endscript
wait_until 30 seen_all || true
report 'rename and create'
expect_metric seen_total "$written" 1
expect_metric 'lost_total{where="undecodable"}' 0
expect_metric log_truncations_total 0
expect_ledger_balances
stop_agent

rotation copytruncate copytruncate
wait_until 30 daemon_is_done || fail 'rsyslog does not come to an end'
sleep 1
report copytruncate
(($(metric seen_total) >= $(lines_in_files))) || fail 'more is lost than the rotation itself lost'
(($(metric seen_total) <= written)) || fail 'lines are read twice'
expect_ledger_balances
stop_agent
kill "$(cat "$work/rsyslog.pid")"
