#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# image.sh DIR: the image that scripts/build-image left there. It holds the agent, its libraries and
# no way to run anything else; it is labelled, its bill of materials is whole, and from inside its
# root the agent tells of a real NFLOG drop with the DaemonSet's one capability. Of scripts/check.
# shellcheck source=tests/image/common.inc
. "$(dirname "$0")/common.inc"

step Content "one program"
find "$rootfs" -type f -perm /111 ! -path '*/usr/lib/*' -printf '/%P\n' > "$work/programs"
[[ $(< "$work/programs") == /usr/bin/kube-nflog ]] || fail "it holds programs: $(cat "$work/programs")"
[[ -s $rootfs/etc/ssl/certs/ca-certificates.crt ]] || fail "it has no CA roots"
for name in /usr/bin/kube-nflog /kube-iptables-tailer; do
  chroot "$rootfs" "$name" --version | grep -q '^kube-nflog ' || fail "$name does not run"
done

step Labels "who it runs as, what it is"
jq -e '.config | .User == "0:0" and .Entrypoint == ["/usr/bin/kube-nflog"] and
  .Labels["org.opencontainers.image.licenses"] == "Apache-2.0" and
  (.Labels["org.opencontainers.image.revision"] | length > 6)' "$config" > /dev/null ||
  fail "the configuration is another: $(cat "$config")"

step SBOM "each library's package is in it, with its licence"
sbom=$rootfs/usr/share/kube-nflog/sbom.spdx.json
jq -e '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and
  (.documentNamespace | startswith("urn:")) and (.creationInfo | .created and (.creators | length > 0)) and
  ([.packages[] | .SPDXID and .name and .versionInfo and .downloadLocation and (.externalRefs | length == 1)] | all) and
  ([.packages[].SPDXID] | length == (unique | length)) and
  (([.packages[].SPDXID] + ["SPDXRef-DOCUMENT"]) as $known |
    [.relationships[] | .spdxElementId, .relatedSpdxElement] - $known == [])' "$sbom" > /dev/null ||
  fail "it is not SPDX"
for package in libcurl4 libc6 libstdc++6 libsystemd0 ca-certificates rapidjson-dev; do
  jq -e --arg name $package '.packages[] | select(.name == $name)' "$sbom" > /dev/null || fail "$package is not in it"
done
for package in $(jq -r '.packages[].name' "$sbom"); do
  [[ -s $rootfs/usr/share/doc/$package/copyright ]] || fail "$package has no licence"
done
say "            $(jq '.packages | length' "$sbom") packages"

step Check "from inside, read-only, with NET_ADMIN alone"
mkdir "$work/root"
mount --bind "$rootfs" "$work/root"
mount -o remount,bind,ro "$work/root"
# Only its own files and, as a hostPath would be, the Pods to tell of.
mount -t tmpfs pods "$work/root/usr/share/kube-nflog"
cp "$work/pods.json" "$work/root/usr/share/kube-nflog/"
offline=(--sink=stdout --pods=/usr/share/kube-nflog/pods.json --node-name="$NODE_NAME")
readonly_agent=(setpriv --no-new-privs --inh-caps=-all '--bounding-set=-all,+net_admin,+sys_chroot'
  chroot "$work/root")
log_and_drop -o cali-ledger
"${readonly_agent[@]}" /usr/bin/kube-nflog "${offline[@]}" --source=nflog --check > "$work/findings" ||
  fail "it fails: $(cat "$work/findings")"
for found in capability 'group 100' rules pods; do
  grep -q "^ok  *$found" "$work/findings" || fail "not ok is $found: $(cat "$work/findings")"
done

step Run "a real drop, as read-only and with as little"
# launch_agent looks for the program by its path outside; inside it has its own.
launch_agent() {
  "${readonly_agent[@]}" /usr/bin/kube-nflog "${offline[@]}" "$@" >> "$work/events" 2>> "$work/agent.log" &
  agent=$!
}
start_agent
checkout_tries "$ledger_ipv4" tcp/5432
expect_both 4 1 "on port 5432/TCP"
say "            memory: $(awk '$1 == "VmRSS:" { print $2, $3 }' "/proc/$agent/status") resident"
stop_agent
