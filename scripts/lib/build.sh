# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Configures and builds the project, with progress on screen. Needs say.sh and packages build.

# The second compiler, with what finds wrong addresses and undefined behaviour. One build for all
# that wants it: unit tests, the real kernel's, and the search for inputs that break a parser.
# shellcheck disable=SC2034  # used by those who source this
readonly address_build=(-DCMAKE_CXX_COMPILER=clang++ -DKUBE_NFLOG_WERROR=ON -DKUBE_NFLOG_BENCH=ON
  -DKUBE_NFLOG_FUZZ=ON "-DKUBE_NFLOG_SANITIZE=fuzzer-no-link,address,undefined"
  "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1")

# build_project DIR TARGET [CMAKE_ARGUMENT...]
build_project() {
  local dir=$1 target=$2 root started=$SECONDS
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  shift 2
  run_shown cmake -S "$root" -B "$dir" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_COMPILER_LAUNCHER=ccache "$@"
  run_shown ninja -C "$dir" -j "$(nproc)" "$target"
  step Build "$target in ${dir#"$root/"}/ is up to date ($((SECONDS - started)) s)"
}
