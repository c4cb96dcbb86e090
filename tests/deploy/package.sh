#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The host's package on a machine that a real systemd runs (systemd-nspawn, on a copy of this one that ends with the
# test): the page's commands install and start it, systemd finds nothing wrong with the unit, it tells of a real drop in
# the journal, ends within its time, and a purge leaves nothing.
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/../netns/common.inc"

build=$(dirname "$agent_binary")
step Package "by cpack"
(cd "$build" && cpack -B "$work/build" > "$work/cpack.log" 2>&1) || fail "cpack: $(cat "$work/cpack.log")"
package=$(echo "$work"/build/kube-nflog_*.deb)
[[ $(dpkg-deb --field "$package" Depends) == *libcurl4* ]] || fail "it does not name the libraries that it needs"
[[ $(dpkg-deb --field "$package" Depends) != *-dev* ]] || fail "it needs development packages"

step Boot "systemd, on a copy"
mkdir "$work"/{upper,scratch,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$work/root"
: > "$work/root/etc/machine-id" # its own, made at the start
# A control group for it, in each hierarchy that it uses: those that it makes stay otherwise.
name=$(mktemp --dry-run kube-nflog.XXXXXX)
readarray -t cgroups < <({
  findmnt --noheadings --output TARGET --types cgroup2
  findmnt --noheadings --output TARGET --types cgroup --options name=systemd
} | sed "s,$,/$name,")
mkdir "${cgroups[@]}"
end_all() {
  finish
  if [[ ${nspawn:-} ]]; then kill -KILL "$(systemd_pid)" "$nspawn" 2> /dev/null || true; fi
  wait_until 5 no_cgroups || true
}
no_cgroups() {
  find "${cgroups[@]}" -depth -type d -exec rmdir {} \; 2> /dev/null || true
  [[ ! $(find "${cgroups[@]}" -maxdepth 0 2> /dev/null) ]]
}
trap end_all EXIT
# basic.target: none of this machine's services.
boot() {
  local directory
  for directory in "${cgroups[@]}"; do echo 0 > "$directory/cgroup.procs"; done
  exec "$@"
}
boot systemd-nspawn --quiet --directory="$work/root" --register=no --keep-unit --link-journal=no --resolv-conf=off \
  --timezone=off --capability=CAP_NET_ADMIN --bind-ro="$work/build:/srv/build" --boot systemd.unit=basic.target \
  < /dev/null > "$work/console" 2>&1 &
nspawn=$!
systemd_pid() { pgrep --parent "$nspawn" --exact systemd; }
inside() { nsenter --target "$(systemd_pid)" --all -- "$@"; }
booted() { [[ $(inside systemctl is-active basic.target 2> /dev/null) == active ]]; }
wait_until 60 booted || fail "it does not boot: $(tail -n 20 "$work/console")"

# The page's own commands, but for the editor and the look that has no end.
commands() { "$root/tests/page_block" "$root/deploy/README.md" 'A host without Kubernetes' | grep -E "$1"; }
step Install "by apt, as the page says"
install=$(commands '&& apt install ')
inside sh -c "cd /srv && DEBIAN_FRONTEND=noninteractive ${install##*&& } --yes" > "$work/apt.log" 2>&1 ||
  fail "apt: $(cat "$work/apt.log")"
inside systemd-analyze verify --man=no kube-nflog.service > "$work/verify" 2>&1 || fail "the unit: $(cat "$work/verify")"
[[ ! -s $work/verify ]] || fail "the unit: $(cat "$work/verify")"
exposure=$(inside systemd-analyze security --no-pager kube-nflog.service | tail -n 1)
[[ $exposure == *OK* ]] || fail "the unit: $exposure"
say "            ${exposure#* }"
! inside systemctl is-active --quiet kube-nflog || fail "it runs before it was told what to read"

step Run "by systemd, as another user with one capability"
cp "$work/pods.json" "$work/root/etc/kube-nflog/pods.json" # as the editor would
chmod 644 "$work/root/etc/kube-nflog/pods.json"
log_and_drop -o cali-ledger
start=$(commands '^systemctl enable --now ')
inside sh -c "${start%% && *}" > "$work/start" 2>&1 || fail "it does not start: $(cat "$work/start")"
agent_reads() { awk '$1 == 100 { found = 1 } END { exit !found }' /proc/net/netfilter/nfnetlink_log; }
journal() { inside journalctl --no-pager --output=cat --unit=kube-nflog; }
wait_until 10 agent_reads || fail "it does not read: $(journal)"
status=$(inside cat "/proc/$(inside systemctl show --value --property=MainPID kube-nflog)/status")
grep -Eq '^Uid:\s+[1-9]' <<< "$status" || fail "it runs as root"
grep -Eq '^CapEff:\s+0+$' <<< "$status" || fail "it kept its capability: $(grep Cap <<< "$status")"
checkout_tries "$ledger_ipv4" tcp/5432
journal_has() { (($(journal | grep -c "$1") > 0)); } # -q would leave too early, and journalctl fail
told() { journal_has 'payments/ledger.*5432/TCP'; }
wait_until 10 told || fail "it does not tell: $(journal)"
started=$SECONDS
inside systemctl stop kube-nflog
((SECONDS - started <= 5)) || fail "it took $((SECONDS - started)) s to end"
[[ $(inside systemctl show --value --property=Result kube-nflog) == success ]] || fail "it ended badly: $(journal)"

step Kubeconfig "root's alone, as the page says"
install -m 600 /dev/stdin "$work/root/etc/kube-nflog/kubeconfig" << END
{kind: Config, apiVersion: v1, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
  clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: u, user: {token: secret}}]}
END
"$root/tests/page_block" "$root/deploy/README.md" 'With a kubeconfig' > "$work/root/srv/commands"
inside sh -e /srv/commands > "$work/start" 2>&1 || fail "it does not start: $(cat "$work/start")"
asks() { journal_has 'API server https://127.0.0.1:1 by .*/run/credentials/kube-nflog.service/kubeconfig'; }
wait_until 10 asks || fail "it does not read it: $(journal)"
[[ $(inside systemctl is-active kube-nflog) == active ]] || fail "it ended: $(journal)"
rm -r "$work/root/etc/systemd/system/kube-nflog.service.d" "$work/root/etc/kube-nflog/kubeconfig"

step Purge "nothing stays"
inside apt purge --yes kube-nflog > "$work/apt.log" 2>&1 || fail "apt: $(cat "$work/apt.log")"
left=$(cd "$work/root" && find etc lib/systemd usr/bin usr/share/doc var/lib -path var/lib/dpkg -prune -o -name '*kube-nflog*' -print)
[[ ! $left ]] || fail "there is still: $left"
kill -TERM "$nspawn" # as a power button
wait "$nspawn" || fail "systemd did not end well: $(tail -n 5 "$work/console")"
