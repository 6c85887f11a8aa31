#!/usr/bin/env bash
# The fuzz targets, built and run for a while each: `.ci/fuzz.sh [SECONDS] [TARGET...]`. Needs a nightly compiler (`rustup toolchain install nightly`) and a C++
# compiler, not cargo-fuzz: coverage is asked of the compiler itself. Without a nightly it says so and does nothing.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(crash_archive crash_log recording)
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "no nightly compiler: fuzz targets left out"
    exit 0
fi
triple=$(rustc -vV | sed -n 's/^host: //p')
pass="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
pass="$pass -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/fuzz
RUSTFLAGS="--cfg fuzzing $pass -Cdebug-assertions -Coverflow-checks" \
    cargo +nightly build --release --target "$triple" --config profile.release.opt-level=1 --config profile.release.lto=false
for target in "${targets[@]}"; do
    corpus=corpus/$target
    mkdir -p "$corpus" "artifacts/$target"
    # Something to begin with, of what is in the tree.
    case $target in
        recording) cp -f ../recordings/*.zst "$corpus/" ;;
        crash_log) for file in ../src/crash/classify/tests/*.txt; do (printf '\1'; head -c 3000 "$file") >"$corpus/$(basename "$file")"; done ;;
        crash_archive) tar cf "$corpus/seed.tar" -C ../src/crash/classify/tests o2cb.txt xhad.txt && gzip -kf "$corpus/seed.tar" && bzip2 -kf "$corpus/seed.tar" ;;
    esac
    echo "=== $target, $seconds s"
    "$CARGO_TARGET_DIR/$triple/release/$target" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=25 -max_len=200000 \
        -artifact_prefix="artifacts/$target/" -print_final_stats=1 "$corpus" 2>&1 | grep -E "^(stat::|==|SUMMARY|#[0-9]+.*DONE)|panicked|ERROR|ALARM" || true
    if [ -n "$(ls "artifacts/$target")" ]; then
        echo "$target: broken by what is in fuzz/artifacts/$target"
        exit 1
    fi
done
