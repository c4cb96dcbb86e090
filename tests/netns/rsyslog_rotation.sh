#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real rsyslog writes 20,000 lines a second, and a real logrotate rotates the log every two seconds. By rename and
# create nothing is lost, nor told twice when the agent is restarted every three seconds, or killed at any moment; by
# copytruncate no more is lost than the rotated files themselves lack. Ten seconds of each; ROTATION_SECONDS says another
# time.
# Alone: it writes 20,000 lines a second.
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

follow() { # [FLAG]...: an agent that reads the log
  start_agent --source=file --log-file="$log" --log-prefix=policy-drop: "$@"
}

new_log() {
  : > "$work/events"
  rm -f "$work"/logs/* "$work/logrotate.state"
  touch "$log"
  kill -HUP "$(cat "$work/rsyslog.pid")"
}

# begin_rotation LINE...: of logrotate's configuration for the log.
begin_rotation() {
  printf '%s\n' "$log {" 'rotate 1000' nocompress "$@" '}' > "$work/logrotate.conf"
  rotate &
  rotator=$!
  "$root/tests/netns/syslog_flood.py" "$port" "$rate" "$seconds" > "$work/written" &
  flood=$!
}

end_rotation() {
  wait "$flood" || fail 'cannot send to rsyslog'
  kill "$rotator"
  wait "$rotator" || true
  written=$(cat "$work/written")
  [[ -e $log.2 ]] || fail "logrotate has not rotated twice: $(cat "$work/logrotate.err")"
  wait_until 60 daemon_is_done || fail 'rsyslog does not come to an end'
}

in_files() { cat "$work"/logs/* | grep -c 'URGP=0 $' || true; }
daemon_is_done() { # the log has not changed for a second
  local before
  before=$(stat -c '%i %s' "$log")
  sleep 1
  [[ $(stat -c '%i %s' "$log") == "$before" ]]
}

# What a slow reader has not read yet is not lost, and would be told by the next process.
wait_for_reader() { wait_until 90 reader_is_done || fail 'the agent does not come to an end'; }
reader_is_done() { # it has seen nothing new for a second; it counts 8,192 lines at once
  local before
  before=$(metric seen_total) || return 1
  sleep $((patience > 1 ? 5 : 1))
  [[ $(metric seen_total) == "$before" ]]
}

report() {
  say "$1, $(find "$work/logs" -name '*.log.*' | wc -l) times: written $written, in the files $(in_files), $2"
}

seen() {
  echo "seen $(metric seen_total), undecodable $(metric 'lost_total{where="undecodable"}')," \
    "truncations without a copy $(metric log_truncations_total)"
}

start_rsyslog
rename=(create postrotate "kill -HUP $(cat "$work/rsyslog.pid")" endscript)

new_log
follow
begin_rotation "${rename[@]}"
end_rotation
wait_for_reader
report 'rename and create' "$(seen)"
expect_metric seen_total "$written"
expect_metric 'lost_total{where="undecodable"}' 0
expect_metric log_truncations_total 0
stop_agent
(($(total .) == written)) || fail "told $(total .), not $written"

kill_agent() {
  kill -KILL "$agent"
  wait "$agent" 2> /dev/null || true
}

# interrupted WORD SLEEP END: so often, by such a command; sums over all Events, whichever process told them last.
interrupted() {
  new_log
  rm -rf "$work/state"
  follow --state-dir="$work/state"
  begin_rotation "${rename[@]}"
  local times=0
  while sleep "$("$2")" && kill -0 "$flood" 2> /dev/null; do
    "$3"
    times=$((times + 1))
    follow --state-dir="$work/state"
  done
  end_rotation
  wait_for_reader
  stop_agent
  report "the same, $times times $1" "told $(total .)"
  (($(total .) == written)) || fail "told $(total .), not $written"
}
every_three_seconds() { echo 3; }
at_random() { echo "$((RANDOM % 2 + 1)).$((RANDOM % 900 + 100))"; }
interrupted restarted every_three_seconds stop_agent
interrupted killed at_random kill_agent

new_log
follow
begin_rotation copytruncate
end_rotation
wait_for_reader
report copytruncate "$(seen)"
seen=$(metric seen_total) undecodable=$(metric 'lost_total{where="undecodable"}')
((seen >= $(in_files))) || fail 'more is lost than the rotation itself lost'
((seen <= written)) || fail 'lines are read twice'
# A line that was being written is cut in two: the one half has no end, the other no prefix.
headless=$(metric 'suppressed_total{why="unknown_prefix"}')
rotations=$(find "$work/logs" -name '*.log.*' | wc -l)
stop_agent
(($(total .) + undecodable + headless == seen)) || fail "told $(total .) of $seen, $headless without a prefix"
((undecodable + headless <= 2 * rotations)) || fail 'more lines are cut than two in each rotation'
kill "$(cat "$work/rsyslog.pid")"
