#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# arm64.sh DIR: the image for arm64 that scripts/build-image left there. All of it is for that processor, and qemu, which
# has no NFLOG to offer, runs its agent on a log file that grows. Of scripts/check.
# shellcheck source=tests/image/common.inc
. "$(dirname "$0")/common.inc"

step Labels "for arm64"
[[ $(jq -r '.os + "/" + .architecture' "$config") == linux/arm64 ]] || fail "it is for another processor"
while read -r file; do
  [[ $(od -An -t u2 -j 18 -N 2 "$file") -eq 183 ]] || fail "$file is for another processor" # EM_AARCH64, elf.h
done < <(find "$rootfs/usr/lib/" "$rootfs/usr/bin/" -type f)
jq -e '[.packages[] | select(.name == "libcurl4") | .externalRefs[].referenceLocator | contains("arch=arm64")] == [true]' \
  "$rootfs/usr/share/kube-nflog/sbom.spdx.json" > /dev/null || fail "its SBOM is of another"

step Run "its agent, by qemu, on a log file"
mkdir "$work/root"
mount --bind "$rootfs" "$work/root"
mount -t tmpfs pods "$work/root/usr/share/kube-nflog"
cp "$work/pods.json" "$(command -v qemu-aarch64-static)" "$work/root/usr/share/kube-nflog/"
log=$work/root/usr/share/kube-nflog/iptables.log
: > "$log"
emulated=(chroot "$work/root" /usr/share/kube-nflog/qemu-aarch64-static /usr/bin/kube-nflog)
"${emulated[@]}" --version | grep -q '^kube-nflog ' || fail "it does not run"
offline=(--sink=stdout --pods=/usr/share/kube-nflog/pods.json --node-name="$NODE_NAME")
# launch_agent looks for the program by its path outside; inside it has its own.
launch_agent() {
  "${emulated[@]}" "${offline[@]}" "$@" >> "$work/events" 2>> "$work/agent.log" &
  agent=$!
}
start_agent --source=file --log-file=/usr/share/kube-nflog/iptables.log
log_lines >> "$log" << END
my-drop: $checkout_ipv4 $ledger_ipv4 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=40000 DPT=5432 WINDOW=64240 RES=0x00 SYN URGP=0
END
expect_both 4 1 'on port 5432/TCP: by rule "my-drop:"'
stop_agent
