#!/bin/sh
# Luciole in fp32 and int8 against sentence-transformers in fp32, on the same checkpoint, texts and cores, one after another.
#
#   CP=... MODEL=DIR [JAVA=java] [PYTHON=python3] [CPUS=0,1] [SCALE=1] [ROUNDS=1] bench/cpu/run.sh OUT_DIR
#
# CP       the class path: 'bench/target/classes:bench/target/lib/*' after ./mvnw -pl bench -am package
# MODEL    a checkpoint of BGE-M3's layout
# CPUS     the processors to use
# SCALE    multiplies the number of texts; 1 takes about 4 minutes for a model of BGE-M3's size on two cores with AVX-512
# ROUNDS   how often fp32, the peer and int8 take turns, each time in processes of their own: where a process's memory comes to lie changes its
#          speed, the peer's too; the ratios of all rounds are told in the end
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
    order="fp32 peer int8"
    [ $((round % 2)) = 1 ] || order="int8 peer fp32"
    echo "round $round of $ROUNDS: $order"
    for who in $order; do
      # shellcheck disable=SC2086
      if [ "$who" = peer ]; then
        taskset -c "$CPUS" "$PYTHON" "$here/peer.py" "$MODEL" 4,16 1 $files
      else
        java io.luciole.bench.EncodeBenchmark luciole.model="$MODEL" luciole.backend=onnx luciole.device=cpu luciole.precision="$who" luciole.outputs=dense \
          outputs=dense passes=1 queries=20 $files
      fi
    done
  done
} 2>&1 | tee "$out/cpu.txt"
# Tokens/s against the peer's of the same round: the rounds' ratios in order, the middle one in front (of an even number, the lower).
awk '
  /^round / { r = $2 }
  /, opened in / { who = /, int8,/ ? "int8" : "fp32" }
  /^sentence-transformers .* threads:/ { who = "peer" }
  / tokens\/s/ { for (i = 2; i <= NF; i++) if ($i ~ /^tokens\/s/) v[who, $2, r] = $(i - 1); if (!($2 in seen)) { seen[$2] = 1; file[++n] = $2 } }
  END {
    for (f = 1; f <= n; f++) for (w = 1; w <= 2; w++) {
      who = w == 1 ? "fp32" : "int8"; m = 0
      for (i = 1; i <= r; i++) if (v["peer", file[f], i] > 0 && v[who, file[f], i] > 0) q[++m] = v[who, file[f], i] / v["peer", file[f], i]
      for (i = 1; i <= m; i++) for (j = i + 1; j <= m; j++) if (q[j] < q[i]) { t = q[i]; q[i] = q[j]; q[j] = t }
      if (m) { printf "%s %s against the peer: %.2f of", file[f], who, q[int((m + 1) / 2)]; for (i = 1; i <= m; i++) printf " %.2f", q[i]; print "" }
    }
  }' "$out/cpu.txt" | tee "$out/ratios.txt"
