#!/usr/bin/env bash
# What `poolwatch export` says of a simulated pool, judged by Prometheus: promtool checks the text and the alert rules of
# docs/export.md, and a real Prometheus scrapes it (as OpenMetrics) until it has the series.
# Usage: .ci/export.sh path/to/poolwatch
set -euo pipefail
binary=$(realpath "${1:-target/release/poolwatch}")
cd "$(dirname "$0")/.."
if ! command -v promtool >/dev/null || ! command -v prometheus >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null
fi
work=$(mktemp -d)
pids=()
end() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap end EXIT
export HOME=$work POOLWATCH_PASSWORD=poolwatch
unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME

# until SECONDS COMMAND...: tries until it succeeds.
until_ok() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            echo "never succeeded: $*" >&2
            return 1
        fi
        sleep 0.2
    done
}

mkfifo "$work/input"
"$binary" sim --scenario mirror-rebuild --listen 127.0.0.1:0 --json <"$work/input" >"$work/sim" 2>"$work/sim.err" &
pids+=($!)
exec 3>"$work/input"
until_ok 30 grep -q '"url"' "$work/sim"
url=$(head -1 "$work/sim" | python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["pools"][0]["url"])')
"$binary" export "$url" --listen 127.0.0.1:0 >"$work/export" 2>"$work/export.err" &
pids+=($!)
until_ok 30 grep -q metrics "$work/export"
metrics=$(sed 's/: metrics.*//' "$work/export")
until_ok 60 sh -c "curl -s '$metrics' | grep -q '^poolwatch_host_live{'"

echo "promtool check metrics"
curl -s "$metrics" | promtool check metrics

echo "promtool check rules"
python3 - "$work/rules.yml" <<'PY'
import re, sys
page = open("docs/export.md").read()
rules = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.S) if block.startswith("groups:")]
assert len(rules) == 1, rules
open(sys.argv[1], "w").write(rules[0])
PY
promtool check rules "$work/rules.yml"

echo "prometheus scrapes it"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=${metrics#http://}
cat >"$work/prometheus.yml" <<YML
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: ["$work/rules.yml"]
scrape_configs: [{ job_name: poolwatch, static_configs: [{ targets: ["${address%/metrics}"] }] }]
YML
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address="127.0.0.1:$port" \
    >"$work/prometheus.log" 2>&1 &
pids+=($!)
ask() { curl -sG "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1"; }
has() { ask "$1" | python3 -c 'import json, sys; sys.exit(not json.load(sys.stdin)["data"]["result"])'; }
until_ok 60 has 'poolwatch_up == 1'
has 'up{job="poolwatch"} == 1'
has 'count(poolwatch_host_live) >= 3'
has 'poolwatch_reboot_next == 1'
curl -s "http://127.0.0.1:$port/api/v1/metadata?metric=poolwatch_age_seconds" | grep -q '"unit":"seconds"' # only OpenMetrics has units
curl -s "http://127.0.0.1:$port/api/v1/targets" | python3 -c '
import json, sys
(target,) = json.load(sys.stdin)["data"]["activeTargets"]
assert target["health"] == "up" and not target["lastError"], target
'
echo "export: ok"
