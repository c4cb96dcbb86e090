#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The kernel's entries in a journal make the same Events, each once: over rotation, vacuum, damage
# and restarts. The journals are real files, made by systemd-journal-remote.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

readonly remote=/lib/systemd/systemd-journal-remote state=$work/state
journals=$work/journals
mkdir "$journals"
boot=$(tr -d - < /proc/sys/kernel/random/boot_id)

# entry FIELD=VALUE...: one, in the export format, of now.
entry() {
  local micros=${EPOCHREALTIME/./}
  printf '%s\n' "__REALTIME_TIMESTAMP=$micros" "__MONOTONIC_TIMESTAMP=$((micros - booted))" \
    "_BOOT_ID=$boot" "$@" ''
}
booted=$((${EPOCHREALTIME/./} - 60000000))

# to NAME: the entries on stdin are appended to this journal file, which is made if it is new.
to() { "$remote" -o "$journals/$1" - > "$work/remote.log" 2>&1 || fail "$(cat "$work/remote.log")"; }

readonly from_kernel=(_TRANSPORT=kernel SYSLOG_IDENTIFIER=kernel SYSLOG_FACILITY=0 PRIORITY=4)
# drop PORT [FIELD=VALUE...]: what the LOG target writes of one packet to ledger.
drop() {
  local fields=("${from_kernel[@]}")
  if (($# > 1)); then fields=("${@:2}"); fi
  entry "${fields[@]}" "MESSAGE=$(drop_line "$1")"
}
drop_line() {
  printf 'policy-drop: IN=cali-a OUT=cali-b MAC= SRC=%s DST=%s LEN=60 TOS=0x00 PREC=0x00 TTL=63 ' \
    "$checkout_ipv4" "$ledger_ipv4"
  printf 'ID=1 DF PROTO=TCP SPT=40000 DPT=%s WINDOW=64240 RES=0x00 SYN URGP=0 ' "$1"
}

readonly received="Packet dropped when receiving traffic from shop/checkout (IP: $checkout_ipv4)"

start_reader() {
  start_agent --source=journal --journal-dir="$journals" --state-dir="$state" \
    --repeat-interval=100ms --update-interval=100ms
}

# What cannot be read is one paragraph, and what to do.
refuses 66 "$work/none: No such file.* mount the node's" --source=journal --journal-dir="$work/none"
refuses 66 "$journals: there are no journal files.* mount the node's" --source=journal --journal-dir="$journals"
refuses 66 '/var/log/journal and /run/log/journal: there are no' --source=journal
truncate -s 4096 "$journals/empty.journal"
refuses 66 'none with an entry that can be read' --source=journal --journal-dir="$journals"
rm "$journals/empty.journal"

# From before the start. The last entry is no kernel's.
{ drop 99; entry _TRANSPORT=journal MESSAGE=hello; } | to system.journal
chmod 600 "$journals/system.journal"
run_as=(setpriv --reuid=65534 --clear-groups)
refuses 66 'permission denied.* group systemd-journal' --source=journal --journal-dir="$journals"
run_as=()

start_reader
expect_metric 'source_active{source="journal"}' 1
{ drop 5432; drop 5432; entry "${from_kernel[@]}" 'MESSAGE=cali-b: link becomes ready'; } |
  to system.journal
expect_event "$ledger" 2 "$received on port 5432/TCP: by rule \"policy-drop:\"."
expect_events 0 'on port 99'

# What a process says is no drop, whatever it calls itself: by syslog, natively, or in /dev/kmsg,
# where the kernel forces another facility on it.
{
  drop 666 _TRANSPORT=syslog SYSLOG_IDENTIFIER=kernel SYSLOG_FACILITY=0
  drop 666 _TRANSPORT=journal SYSLOG_IDENTIFIER=kernel
  drop 666 _TRANSPORT=kernel SYSLOG_IDENTIFIER=kernel SYSLOG_FACILITY=1
  drop 667 _TRANSPORT=kernel SYSLOG_IDENTIFIER=kernel # as an old journald writes the kernel's
} | to system.journal
expect_events 2 'on port 667/TCP'
expect_events 0 'on port 666'
expect_metric seen_total 3

# What journald had lost before it wrote anything; but not who only says so.
missed=(MESSAGE_ID=e9bf28e6e834481bb6f48f548ad13606 "MESSAGE=Missed 12 kernel messages")
{
  entry _TRANSPORT=driver SYSLOG_IDENTIFIER=systemd-journald "${missed[@]}"
  entry _TRANSPORT=journal SYSLOG_IDENTIFIER=systemd-journald "${missed[@]}"
} | to system.journal
expect_metric 'lost_total{where="kmsg_overrun"}' 12
expect_metric seen_total 3

# A message may be binary, long, or not there. None of these is a line of the LOG target that can be
# read: the long one might have been, and so might the one that is gone.
binary() { # an entry whose message is stdin
  local message=$work/message
  cat > "$message"
  entry "${from_kernel[@]}" | sed '$d'
  printf 'MESSAGE\n'
  python3 -c 'import os, struct, sys
sys.stdout.buffer.write(struct.pack("<Q", os.path.getsize(sys.argv[1])))' "$message"
  cat "$message"
  printf '\n\n'
}
{
  printf 'a-drop\0b\n\xff IN=\0 OUT=\n' | binary
  { drop_line 668; head -c 100000 /dev/zero | tr '\0' x; } | binary
  entry "${from_kernel[@]}"
  { printf '\1\2'; drop_line 669; } | binary
} | to system.journal
expect_events 2 'on port 669/TCP'
expect_events 0 'on port 668'
expect_metric 'lost_total{where="undecodable"}' 3

# Rotation: the file is renamed, and a new one begun. Vacuum: the old one goes.
mv "$journals/system.journal" "$journals/system@1.journal"
drop 7001 | to system.journal
expect_events 2 'on port 7001/TCP'
drop 7002 | to system.journal
rm "$journals/system@1.journal"
drop 7003 | to system.journal
expect_events 2 'on port 7003/TCP'
expect_events 2 'on port 7002/TCP'
stop_agent

# A restart goes on where it was: what came meanwhile counts, nothing counts twice.
drop 7003 | to system.journal
mv "$journals/system.journal" "$journals/system@2.journal"
drop 7004 | to system.journal
: > "$work/events"
start_reader
expect_event "$ledger" 2 "$received on port 7003/TCP: by rule \"policy-drop:\"." # one of them before
expect_events 2 'on port 7004/TCP'
expect_metric seen_total 2

# So does one after kill -9, once the position is kept (once a second). Here that entry is vacuumed meanwhile.
drop 7005 | to system.journal
expect_events 2 'on port 7005/TCP'
sleep 5
kill -9 "$agent"
wait "$agent" || true
drop 7006 | to next.journal
rm "$journals/system.journal" "$journals/system@2.journal"
: > "$work/events"
start_reader
expect_events 2 .
expect_events 2 'on port 7006/TCP'

# A damaged file takes no other file's entries with it.
python3 - "$journals/next.journal" << 'END'
import sys
with open(sys.argv[1], "r+b") as file:
    file.seek(4096)
    file.write(b"\xff" * 65536)
END
drop 7007 | to third.journal
expect_events 2 'on port 7007/TCP'
stop_agent
start_reader
drop 7008 | to third.journal
expect_events 2 'on port 7008/TCP'

# More than one call reads.
for _ in {1..6}; do for _ in {1..500}; do drop 8000; done; done | to third.journal
expect_metric seen_total 3001 20
stop_agent
(($(total "^$ledger .*on port 8000/TCP") == 3000)) || fail "$(events)"

# A position that is none is told of, and the end taken.
"$root/tests/netns/write_position.py" "$state" journal nonsense
: > "$work/events"
start_reader
grep -q 'position kept is not used.*nonsense' "$work/agent.log" || fail 'not told of the position'
drop 9000 | to third.journal
expect_events 2 'on port 9000/TCP'
expect_events 2 .
stop_agent

# Without --journal-dir, this machine's own.
journals=/run/log/journal/$(cat /etc/machine-id)
mkdir -p "$journals"
drop 9001 | to system.journal
start_agent --source=journal
drop 9002 | to system.journal
expect_events 2 'on port 9002/TCP'
expect_events 0 'on port 9001'
stop_agent

# Where kube-iptables-tailer read the journal, so do we; with --source=auto, if NFLOG cannot be had.
run_as=(env JOURNAL_DIRECTORY="$journals")
start_agent
expect_metric 'source_active{source="journal"}' 1
stop_agent
run_as=(env JOURNAL_DIRECTORY="$journals" KUBE_NFLOG_SOURCE=auto setpriv --inh-caps=-all --bounding-set=-net_admin)
start_agent --log-file="$work/none.log"
expect_metric 'source_active{source="journal"}' 1
grep -q 'Reading the journal instead of NFLOG' "$work/agent.log" || fail 'does not say why'
