#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whether the program really has what CMakeLists.txt hardens it with: flags get lost. Run by ctest
# with the program's path; a build with sanitizers has none of it, and skips.
set -euo pipefail

program=$1
lacks() {
  echo "$program lacks $*" >&2
  failed=yes
}
failed=

if grep -aq -e __asan_init -e __tsan_init -e __ubsan_handle "$program"; then
  echo "sanitizers instead of hardening" && exit 77
fi
header=$(readelf -hW "$program")
segments=$(readelf -lW "$program")
dynamic=$(readelf -dW "$program")
symbols=$(readelf -sW --dyn-syms "$program")

grep -q 'Type: *DYN' <<< "$header" || lacks "PIE"
grep -q GNU_RELRO <<< "$segments" || lacks "RELRO"
grep -Eq '\((FLAGS|FLAGS_1|BIND_NOW)\).*(BIND_NOW|NOW)' <<< "$dynamic" || lacks "immediate binding (full RELRO)"
grep -Eq 'GNU_STACK.*RWE' <<< "$segments" && lacks "a stack that is not executable"
grep -Eq '^ *LOAD.*RWE' <<< "$segments" && lacks "segments that are either writable or executable"
grep -q '__stack_chk_fail' <<< "$symbols" || lacks "stack protectors"
grep -Eq '__(memcpy|read|recv|recvfrom|poll|snprintf|fprintf|strncpy|memset|memmove)_chk' <<< "$symbols" ||
  lacks "fortified calls (_FORTIFY_SOURCE)"
grep -q '__glibcxx_assert_fail' <<< "$symbols" || lacks "the standard library's assertions"
grep -q 'TEXTREL' <<< "$dynamic" && lacks "position-independent text"
grep -Eq 'RPATH|RUNPATH' <<< "$dynamic" && lacks "freedom from a library path of its own"
if [[ $(uname -m) == x86_64 ]]; then
  # The program's own mark (IBT, SHSTK) is not to be had: Debian 12's start-up objects lack it, and
  # the linker marks only what is whole. But our functions are ready for it.
  code=$(objdump -d --no-show-raw-insn "$program")
  (($(grep -c endbr64 <<< "$code") > 1000)) || lacks "landing pads (CET)"
  grep -q 'or[ql]  *[$]0x0,(%rsp)' <<< "$code" || lacks "probes of large stack frames (stack-clash protection)"
fi
[[ ! $failed ]]
