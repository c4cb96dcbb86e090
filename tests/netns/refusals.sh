#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A start that cannot work ends at once with one paragraph and its own exit status.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/common.inc"

refuses 64 'no-such-flag' --no-such-flag
refuses 64 '70000' --nflog-group=70000
refuses 64 'soon' --repeat-interval=soon
refuses 64 'group 2.*(Calico|Felix)' --nflog-group=2
refuses 66 "$work/no-such-file" --pods="$work/no-such-file"
refuses 66 "$work/no-such/iptables.log" --source=file --log-file="$work/no-such/iptables.log"
echo '{"kind": "PodList", "items": [' > "$work/half.json"
refuses 66 "$work/half.json" --pods="$work/half.json"

# Port 9478 taken by another.
"$talk" serve tcp/9478 > "$work/server" &
wait_until 5 test -s "$work/server"
refuses 69 '127.0.0.1:9478' --listen=127.0.0.1:9478
