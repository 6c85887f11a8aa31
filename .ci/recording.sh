#!/bin/bash
# What recording costs: .ci/recording.sh BINARY [SECONDS]
# Records the simulated pool of 64 hosts and 2,000 guests for so long (an hour unless told otherwise) on its virtual clock, says what a day of it takes, and
# how long it takes to go to moments of it: the whole program, from its start to its end, with the index read.
set -eu
binary=$1
seconds=${2:-3600}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HOME=$folder
"$binary" record --scenario big --duration "$seconds" -o "$folder/big.jsonl.zst"
size=$(stat -c %s "$folder/big.jsonl.zst")
text=$(zstd -dcq "$folder/big.jsonl.zst" 2>/dev/null | wc -c || true)
echo "$seconds s of 64 hosts: $size bytes packed, $text unpacked; a day: $((size * 86400 / seconds / 1000000)) MB"
# What others read it with. The first line is the header, and every line is one JSON object.
zstdcat "$folder/big.jsonl.zst" | jq -c . | wc -l | { read -r lines; echo "$lines lines, as zstdcat and jq read them"; }
[ "$(zstdcat "$folder/big.jsonl.zst" | head -1 | jq -r .schema)" = poolwatch-recording/1 ]
for part in 3 37 61 83 99; do
    at=$((seconds * part / 100))
    begin=$(date +%s%N)
    "$binary" replay "$folder/big.jsonl.zst" --json --at "+${at}s" > "$folder/state.json"
    end=$(date +%s%N)
    echo "to ${at} s: $(((end - begin) / 1000000)) ms"
done
