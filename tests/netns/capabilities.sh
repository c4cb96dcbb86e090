#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Without CAP_NET_ADMIN: exit status 77, saying so. With nothing else it works, and keeps nothing.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

run_as=(setpriv --inh-caps=-all --bounding-set=-net_admin)
refuses 77 'NET_ADMIN' --source=nflog

run_as=(setpriv --no-new-privs --inh-caps=-all "--bounding-set=-all,+net_admin")
log_and_drop -o cali-ledger
start_agent
for set in CapInh CapPrm CapEff CapAmb; do
  held=$(awk -v set="$set:" '$1 == set { print $2 }' "/proc/$agent/status")
  [[ $held == 0000000000000000 ]] || fail "still holds $set $held"
done
checkout_tries "$ledger_ipv4" tcp/5432
expect_events 2 'on port 5432/TCP'
