# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Configures and builds the project, with progress on screen. Needs say.sh and packages build.

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
