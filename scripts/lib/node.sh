# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A Kubernetes node and its Pods out of network namespaces: the demo runs inside one, and the tests
# on the real kernel and the real API server do.
#
# The node is a private set of network, mount and PID namespaces with its own /run. Everything in it
# (Pods, rules, processes, scratch files) ends with the script that entered it, even when that is
# killed with -9. Pods are routed as Calico routes them: one veth pair each and host routes, no
# bridge. Needs say.sh.

# shellcheck disable=SC2034  # NODE_NAME is for those who source this
readonly NODE_NAME=node-1 NODE_IPV4=10.0.0.11 NODE_IPV6=fd00::11

inside_node() { [[ -n ${KUBE_NFLOG_INSIDE_NODE:-} ]]; }

# node_enter "$0" "$@": runs the calling script again, inside a node; there it sets the node up.
node_enter() {
  if ! inside_node; then
    ((EUID == 0)) || die "needs root, to make network namespaces"
    export KUBE_NFLOG_INSIDE_NODE=1
    exec unshare --net --mount --pid --fork --kill-child --mount-proc "$@"
  fi
  # As process 1 of its namespace a script does not die of signals that it does not handle.
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mount -t tmpfs -o mode=755 node-run /run
  mkdir /run/scratch
  export TMPDIR=/run/scratch
  ip link set lo up
  ip address add "$NODE_IPV4/32" dev lo
  ip address add "$NODE_IPV6/128" dev lo nodad
  echo 1 > /proc/sys/net/ipv4/ip_forward
  echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
}

# node_add_pod NAME IPV4 IPV6: NAME has at most 10 characters; the node's end of its cable is
# cali-NAME.
node_add_pod() {
  local name=$1 ipv4=$2 ipv6=$3 cable=cali-$1
  ip netns add "$name"
  ip link add "$cable" type veth peer name eth0 netns "$name"
  ip link set "$cable" addrgenmode none
  ip address add fe80::1/64 dev "$cable" nodad
  ip link set "$cable" up
  ip route add "$ipv4" dev "$cable"
  ip route add "$ipv6" dev "$cable"
  ip -netns "$name" -batch - << END
link set lo up
link set eth0 addrgenmode none
address add $ipv4/32 dev eth0
address add $ipv6/128 dev eth0 nodad
address add fe80::2/64 dev eth0 nodad
link set eth0 up
route add 0.0.0.0/0 via inet6 fe80::1 dev eth0
route add ::/0 via fe80::1 dev eth0
END
}

# in_pod NAME CMD...
in_pod() { nsenter --net="/run/netns/$1" -- "${@:2}"; }
