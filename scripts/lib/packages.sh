# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Which Debian 12 packages each task needs, and how the missing ones get installed. None of them
# starts a daemon. Needs say.sh.

declare -A packages=(
  [build]='g++ cmake ninja-build ccache pkg-config libnetfilter-log-dev libmnl-dev libnfnetlink-dev
    libcurl4-openssl-dev libssl-dev rapidjson-dev libexpected-dev libcli11-dev libspdlog-dev libfmt-dev
    prometheus-cpp-dev libcivetweb-dev libcap-ng-dev libc-ares-dev libyaml-cpp-dev libsystemd-dev
    libgtest-dev libgmock-dev python3'
  [node]='iproute2 iptables nftables python3'
  [cluster]='curl jq openssl ca-certificates'
  [test]='curl jq systemd-journal-remote dnsmasq-base'
  [deploy]='curl jq python3 systemd systemd-container'
  [npm]='npm'
  [image]='mmdebstrap buildah jq qemu-user-static'
  [bench]='libbenchmark-dev'
  [check]='clang clang-format clang-tidy shellcheck'
)

# need_packages GROUP...: installs what is missing of these groups, and needs root only then.
need_packages() {
  local group package have missing=()
  for group in "$@"; do
    for package in ${packages[$group]}; do
      have=$(dpkg-query -W -f='${Status}' "$package" 2> /dev/null) || true
      [[ $have == *' installed' ]] || missing+=("$package")
    done
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || die "needs root to install: ${missing[*]}"
  step Packages "installing ${#missing[@]}: ${missing[*]}"
  run_shown apt-get update -q
  DEBIAN_FRONTEND=noninteractive run_shown apt-get install -y -q --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${missing[@]}"
}

# unpack_packages DIR FILE PACKAGE...: for packages that would start a daemon; without their dependencies. Done already
# if DIR has FILE.
unpack_packages() {
  local dir=$1 file=$2 archive package
  shift 2
  [[ ! -x $dir/$file ]] || return 0
  archive=$(mktemp -d)
  chmod 755 "$archive"
  step Packages "unpacking $*"
  (cd "$archive" && { apt-get download -q "$@" || { apt-get update -q && apt-get download -q "$@"; }; }) \
    &> "$archive/log" || { cat "$archive/log" >&2; die "cannot download $*"; }
  for package in "$archive"/*.deb; do dpkg-deb --extract "$package" "$dir"; done
  rm -rf "$archive"
}
