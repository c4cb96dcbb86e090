# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# How the scripts speak: steps, failures, and long commands that show they are alive. Sourced by
# every script here.

# shellcheck disable=SC2034  # used by those who source this
if [[ -t 1 ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi
readonly bold dim red green plain

say() { printf '%s\n' "$*"; }
step() { printf '%s%-12s%s%s\n' "$bold" "$1" "$plain" "${*:2}"; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Echoes only the newest line of its input: in place on a terminal, else one in ten seconds.
show_newest_line() {
  local line last=$SECONDS
  while IFS= read -r line; do
    if [[ -t 1 ]]; then
      printf '\r\e[K  %s%.76s%s' "$dim" "$line" "$plain"
    elif ((SECONDS - last >= 10)); then
      printf '  %.97s\n' "$line"
      last=$SECONDS
    fi
  done
  if [[ -t 1 ]]; then printf '\r\e[K'; fi
}

# run_shown CMD...: runs CMD with its output folded into one living line; its end is shown when CMD
# fails.
run_shown() {
  local log status=0
  log=$(mktemp)
  "$@" 2>&1 < /dev/null | tee "$log" | show_newest_line || status=$?
  if ((status)); then tail -n 60 "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

# wait_until SECONDS CMD...: tries CMD until it succeeds; fails when the time is over.
wait_until() {
  local end=$((SECONDS + $1 + 1)) # SECONDS are whole ones
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}
