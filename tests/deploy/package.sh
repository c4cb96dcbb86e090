#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The host's package, made by cpack, installed by dpkg on a copy of this system (an overlay that ends with the test):
# systemd finds nothing wrong with its unit, the agent starts as the unit says, tells of a real drop, and a purge leaves
# nothing.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/../netns/common.inc"

agent_reads() { awk '$1 == 100 { found = 1 } END { exit !found }' /proc/net/netfilter/nfnetlink_log; }
build=$(dirname "$agent_binary")
step Package "by cpack"
(cd "$build" && cpack -B "$work/package" > "$work/cpack.log" 2>&1) || fail "cpack: $(cat "$work/cpack.log")"
package=$(echo "$work"/package/kube-nflog_*.deb)
[[ $(dpkg-deb --field "$package" Depends) == *libcurl4* ]] || fail "it does not name the libraries that it needs"
[[ $(dpkg-deb --field "$package" Depends) != *-dev* ]] || fail "it needs development packages"

step Install "by dpkg, on a copy"
mkdir "$work"/{upper,scratch,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$work/root"
for dir in proc dev; do mount --rbind "/$dir" "$work/root/$dir"; done
mount -t tmpfs run "$work/root/run"
inside() { chroot "$work/root" "$@"; }
cp "$package" "$work/root/tmp/kube-nflog.deb"
inside dpkg --install /tmp/kube-nflog.deb > "$work/dpkg.log" 2>&1 || fail "dpkg: $(cat "$work/dpkg.log")"
rm "$work/root/tmp/kube-nflog.deb"
inside systemd-analyze verify --man=no kube-nflog.service > "$work/verify" 2>&1 || fail "the unit: $(cat "$work/verify")"
[[ ! -s $work/verify ]] || fail "the unit: $(cat "$work/verify")"
exposure=$(inside systemd-analyze security --offline=true --no-pager kube-nflog.service | tail -n 1)
[[ $exposure == *OK* ]] || fail "the unit: $exposure"
say "            ${exposure#* }"

step Run "as the unit says, another user with one capability"
unit=$work/root/lib/systemd/system/kube-nflog.service
[[ $(sed -n 's/^ExecStart=//p' "$unit") == /usr/bin/kube-nflog ]] || fail "the unit starts something else"
[[ $(sed -n 's/^AmbientCapabilities=//p' "$unit") == CAP_NET_ADMIN ]] || fail "the unit gives other capabilities"
cp "$work/pods.json" "$work/root/etc/kube-nflog/pods.json"
chmod 644 "$work/root/etc/kube-nflog/pods.json"
log_and_drop -o cali-ledger
as_the_unit=(setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs '--inh-caps=-all,+net_admin'
  '--ambient-caps=-all,+net_admin' '--bounding-set=-all,+net_admin' env -i)
grep -v '^#' "$work/root/etc/default/kube-nflog" | grep . > "$work/environment"
readarray -t environment < "$work/environment"
chroot "$work/root" "${as_the_unit[@]}" "${environment[@]}" /usr/bin/kube-nflog > "$work/told" 2> "$work/agent.log" &
agent=$!
wait_until 10 agent_reads || fail "it does not read: $(cat "$work/agent.log")"
checkout_tries "$ledger_ipv4" tcp/5432
told() { grep -q 'payments/ledger.*5432/TCP' "$work/told"; }
wait_until 10 told || fail "it does not tell: $(cat "$work/told" "$work/agent.log")"
kill -TERM "$agent"
wait "$agent" || fail "it ended with $?"

step Purge "nothing stays"
inside dpkg --purge kube-nflog > "$work/dpkg.log" 2>&1 || fail "dpkg: $(cat "$work/dpkg.log")"
left=$(cd "$work/root" && find etc lib/systemd usr/bin usr/share/doc var/lib -path var/lib/dpkg -prune -o -name '*kube-nflog*' -print)
[[ ! $left ]] || fail "there is still: $left"
