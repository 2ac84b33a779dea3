#!/bin/sh
# The starter model on a CPU: this build, another one, and Python's onnxruntime on the same export in batches of 32, in turns.
#
#   CP=... OLD_CP=... NPL=DIR MODEL=FILE.onnx TOKENIZER=FILE.json [JAVA=java] [PYTHON=python3] [CPUS=0,1] [TEXTS=1000] [ROUNDS=3] [PASSES=3]
#   [QUERIES=100] [PREFIX=command] [RUN=command] bench/cpu/starter.sh OUT_DIR
#
# CP, OLD_CP  class paths: 'bench/target/classes:bench/target/lib/*' of two checkouts after ./mvnw -pl bench -am package; without OLD_CP there are two
# NPL         the collection in BEIR's layout; its first TEXTS documents are embedded
# MODEL, TOKENIZER   the resources of luciole-starter-model
# PREFIX      what to run each command with, such as 'chrt -f 10' on a machine that others use, too
# RUN         what to run Java alone with, such as bench/cpu/avx2.sh (whose ONNXRUNTIME must be set): AVX2's kernels. Python keeps its own
#
# Each round runs each in a process of its own; the order is turned round every second time. Prints tokens/s and the median time of one query of three
# lengths, of every round, and in the end a table: medians over the rounds, and the ratio of this build to each other one.
set -eu
out=${1:?where to} ; mkdir -p "$out"
JAVA=${JAVA:-java} PYTHON=${PYTHON:-python3} CPUS=${CPUS:-0,1} TEXTS=${TEXTS:-1000} ROUNDS=${ROUNDS:-3} PASSES=${PASSES:-3} QUERIES=${QUERIES:-100}
: "${CP:?the class path of this build}" "${NPL:?the folder of NPL}" "${MODEL:?the export}" "${TOKENIZER:?its tokenizer}"
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
head -n "$TEXTS" "$NPL/corpus.jsonl" > "$out/npl.jsonl"

# luciole CLASS_PATH
luciole() {
  # shellcheck disable=SC2086
  taskset -c "$CPUS" ${PREFIX:-} ${RUN:-} "$JAVA" -Xmx1g --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$1" io.luciole.bench.EncodeBenchmark luciole.model=starter luciole.backend=onnx \
    luciole.device=cpu luciole.outputs=dense outputs=dense passes="$PASSES" queries="$QUERIES" "$out/npl.jsonl"
}

{
  lscpu | grep -E 'Model name|^CPU\(s\)' ; grep -m1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -E '^(avx2|avx512f|avx512_vnni|avx_vnni|amx_int8)$' | tr '\n' ' '; echo
  round=0
  while [ "$((round += 1))" -le "$ROUNDS" ]; do
    order="new ${OLD_CP:+old} python"
    [ $((round % 2)) = 1 ] || order="python ${OLD_CP:+old} new"
    for who in $order; do
      echo "run $round $who"
      case $who in
        new) luciole "$CP" ;;
        old) luciole "${OLD_CP:-}" ;;
        # shellcheck disable=SC2086
        python) taskset -c "$CPUS" ${PREFIX:-} "$PYTHON" "$here/starter.py" "$MODEL" "$TOKENIZER" "$out/npl.jsonl" "$PASSES" "$QUERIES" ;;
      esac
    done
  done
} 2>&1 | grep -vE '^WARNING|CudaUtils|^Picked up' | tee "$out/starter.txt"
awk '
  function median(key,    n, i, j, t, v) {
    n = count[key]
    for (i = 1; i <= n; i++) v[i] = value[key, i]
    for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
    return n ? v[int((n + 1) / 2)] : 0
  }
  function keep(what, x) {
    if (!(what in known)) { known[what] = 1; row[++rows] = what }
    value[who, what, ++count[who, what]] = x
  }
  $1 == "run" { who = $3 }
  / tokens\/s/ { for (i = 2; i <= NF; i++) if ($i ~ /^tokens\/s/) keep("tokens/s", $(i - 1)) }
  /one query of up to/ { tokens = ""; for (i = 2; i < NF; i++) { if ($(i + 1) == "tokens") tokens = $i; if ($i == "p50") keep("ms, query of " tokens " tokens", $(i + 1)) } }
  END {
    printf "| | this build | the other build | onnxruntime in Python | this to the other | this to Python |\n|---|---|---|---|---|---|\n"
    for (r = 1; r <= rows; r++) {
      what = row[r]; n = median("new" SUBSEP what); o = median("old" SUBSEP what); p = median("python" SUBSEP what)
      fast = what == "tokens/s"
      printf "| %s | %s | %s | %s | %s | %s |\n", what, n, o ? o : "–", p ? p : "–",
        o && n ? sprintf("%.2f", fast ? n / o : o / n) : "–", p && n ? sprintf("%.2f", fast ? n / p : p / n) : "–"
    }
    print "Ratios above 1: this build is faster."
  }' "$out/starter.txt" | tee "$out/table.md"
