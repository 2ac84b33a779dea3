#!/bin/sh
# Luciole in fp32 and int8 against sentence-transformers in fp32, on the same checkpoint, texts and cores, one after another.
#
#   CP=... MODEL=DIR [JAVA=java] [PYTHON=python3] [CPUS=0,1] [SCALE=1] [ROUNDS=1] bench/cpu/run.sh OUT_DIR
#
# CP       the class path: 'bench/target/classes:bench/target/lib/*' after ./mvnw -pl bench -am package
# MODEL    a checkpoint of BGE-M3's layout
# CPUS     the processors to use
# SCALE    multiplies the number of texts; 1 takes about 4 minutes for a model of BGE-M3's size on two cores with AVX-512
# ROUNDS   how often fp32, the peer and int8 take turns; on a noisy machine compare the best lines of several
#
# Dense vectors only, since the peer has no others. The JVM has a heap of 512 MB. Prints load time, memory (VmHWM is the peak; RssAnon is
# memory of the process's own, RssFile is mapped files', which the system takes back when it needs it) and tokens/s.
set -eu
out=${1:?where to} ; mkdir -p "$out"
JAVA=${JAVA:-java} PYTHON=${PYTHON:-python3} CPUS=${CPUS:-0,1} SCALE=${SCALE:-1} ROUNDS=${ROUNDS:-1}
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
java() { taskset -c "$CPUS" "$JAVA" -Xmx512m --enable-native-access=ALL-UNNAMED -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$CP" "$@"; }

java io.luciole.bench.TextFiles "$MODEL" "$out" short:16:$((96 * SCALE)) u128:128:$((16 * SCALE)) u512:512:$((4 * SCALE)) mixed:mixed:$((12 * SCALE))
files="$out/short.jsonl $out/u128.jsonl $out/u512.jsonl $out/mixed.jsonl"
{
  lscpu | grep -E 'Model name|^CPU\(s\)' ; grep -m1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -E '^(avx2|avx512f|avx512_vnni|avx_vnni|amx_int8)$' | tr '\n' ' '; echo
  round=0
  while [ "$((round += 1))" -le "$ROUNDS" ]; do
    echo "round $round of $ROUNDS"
    for precision in fp32 int8; do
      # shellcheck disable=SC2086
      java io.luciole.bench.EncodeBenchmark luciole.model="$MODEL" luciole.backend=onnx luciole.device=cpu luciole.precision=$precision luciole.outputs=dense \
        outputs=dense passes=1 queries=20 $files
      # shellcheck disable=SC2086
      [ $precision = int8 ] || taskset -c "$CPUS" "$PYTHON" "$here/peer.py" "$MODEL" 4,16 1 $files
    done
  done
} 2>&1 | tee "$out/cpu.txt"
