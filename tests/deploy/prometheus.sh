#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real Prometheus scrapes the agent, knows every expression of the alerts, of the pages and of
# the dashboard, and what they ask for is there; promtool has nothing to say on the page, and the alerts' tests pass.
tools=${KUBE_NFLOG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kube-nflog}/prometheus
if [[ ! ${KUBE_NFLOG_INSIDE_NODE:-} ]]; then # which has no network
  (
    root=$(dirname "$0")/../..
    . "$root/scripts/lib/say.sh"
    . "$root/scripts/lib/packages.sh"
    unpack_packages "$tools" usr/bin/prometheus prometheus
  )
fi
# shellcheck source=tests/netns/common.inc
. "$(dirname "$0")/../netns/common.inc"

promtool=$tools/usr/bin/promtool
readonly alerts=$root/deploy/prometheus/alerts.yaml dashboard=$root/deploy/grafana/dashboard.json

step Alerts "promtool tests them; each has its entry in the runbook"
cp "$alerts" "$root/tests/deploy/alerts.test.yaml" "$work/"
"$promtool" check rules "$work/alerts.yaml" > "$work/promtool" 2>&1 || fail "$(cat "$work/promtool")"
(cd "$work" && "$promtool" test rules alerts.test.yaml) > "$work/promtool" 2>&1 || fail "$(cat "$work/promtool")"
alerts_of() { sed -n "s/^ *- alert: \(.*\)/\1/p" "$alerts" | sort; }
for alert in $(alerts_of); do
  grep -q "$alert" "$work/alerts.test.yaml" || fail "no test of $alert"
  grep -q "runbook: deploy/RUNBOOK.md#${alert,,}$" "$alerts" || fail "$alert names no entry of the runbook"
done
diff <(alerts_of) <(sed -n 's/^## \(KubeNflog.*\)/\1/p' "$root/deploy/RUNBOOK.md" | sort) ||
  fail "alerts and the runbook's entries differ"

step Page "promtool has nothing to say"
log_and_drop -o cali-ledger
start_agent
checkout_tries "$ledger_ipv4" tcp/5432
expect_metric seen_total 1
curl -fs "http://$probes/metrics" > "$work/page"
"$promtool" check metrics < "$work/page" > "$work/promtool" 2>&1 || fail "$(cat "$work/promtool")"

step Scrape "by a real Prometheus, which knows every metric that alerts and dashboard name"
cat > "$work/prometheus.yaml" << END
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts.yaml]
scrape_configs: [{job_name: kube-nflog, static_configs: [{targets: ["$probes"]}]}]
END
"$tools/usr/bin/prometheus" --config.file="$work/prometheus.yaml" --storage.tsdb.path="$work/tsdb" \
  --web.listen-address=127.0.0.1:9090 --log.level=warn > "$work/prometheus.log" 2>&1 &
prometheus=$!
ask() { curl -fsS -m 5 --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query; }
has_scraped() { ask 'kube_nflog_seen_total == 1' 2> /dev/null | jq -e '.data.result | length == 1' > /dev/null; }
wait_until 30 has_scraped || fail "Prometheus has not scraped: $(tail -n 3 "$work/prometheus.log")"

# In the dashboard's variables' place, something that they may stand for.
# shellcheck disable=SC2016  # Grafana's own $
{
  jq -r '.. | .expr? // empty' "$dashboard" |
    sed 's/\$__rate_interval/5m/g; s/\$__range/1h/g; s/\$instance/.*/g'
  sed -n '/^### Am I losing drops/,/^|/ s/^    //p' "$root/README.md"
  grep -oE '`[a-z_]+ ?(by )?\([^`]*`' "$root/deploy/RUNBOOK.md" | tr -d '`'
  jq -r '.data.groups[].rules[].query' < <(curl -fsS http://127.0.0.1:9090/api/v1/rules)
} > "$work/expressions"
(($(wc -l < "$work/expressions") > 20)) || fail "there are too few: $(cat "$work/expressions")"
while IFS= read -r expression; do
  ask "$expression" | jq -e '.status == "success"' > /dev/null || fail "Prometheus refuses: $expression"
  # shellcheck disable=SC2013  # words are meant
  for name in $(grep -o 'kube_nflog_[a-z0-9_]*' <<< "$expression" | sort -u); do
    grep -q "^${name}[{ ]" "$work/page" || fail "the agent has no $name: $expression"
  done
done < "$work/expressions"
# Each value of a label that is asked for exists, too.
for pair in $(grep -oE '(where|why|source|code|verb)=~?"[a-z0-9_|]+"' "$work/expressions" | tr -d '~' | sort -u); do
  for value in $(cut -d '"' -f 2 <<< "$pair" | tr '|' ' '); do
    grep -q "${pair%%=*}=\"$value\"" "$work/page" || fail "the agent has no ${pair%%=*}=\"$value\""
  done
done
[[ $(ask 'ALERTS' | jq '.data.result | length') == 0 ]] || fail "an alert on an agent that is well: $(ask ALERTS)"
kill "$prometheus"
wait "$prometheus" 2> /dev/null || true
