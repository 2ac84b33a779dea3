#!/bin/sh
# Luciole in its precisions against sentence-transformers in fp32 and bf16, on the same checkpoint, texts and cores, one after another.
#
#   CP=... MODEL=DIR [JAVA=java] [PYTHON=python3] [CPUS=0,1] [SCALE=1] [ROUNDS=1] [WHO="fp32 peer-fp32 bf16 peer-bf16 int8"] [OPTIONS=luciole.KEY=VALUE] [PREFIX=command]
#   bench/cpu/run.sh OUT_DIR
#
# CP       the class path: 'bench/target/classes:bench/target/lib/*' after ./mvnw -pl bench -am package
# MODEL    a checkpoint of BGE-M3's layout
# CPUS     the processors to use
# SCALE    multiplies the number of texts; 1 takes about 4 minutes for a model of BGE-M3's size on two cores with AVX-512
# ROUNDS   how often those of WHO take turns, each time in processes of their own, every second time in the other order: where a process's memory
#          comes to lie changes its speed, the peer's too; the ratios of all rounds are told in the end
# WHO      Luciole's precisions, and the peer's with peer-; PRECISION:FORM is a precision with luciole.onnx.form=FORM, such as int8:loop
# OPTIONS  more settings of Luciole's, such as luciole.onnx.runs=4
# PREFIX   what to run each process with, such as 'flock /tmp/lock chrt -r 5' on a machine that others use, too
#
# Dense vectors only, since the peer has no others. The JVM has a heap of 512 MB. Prints load time, memory (VmHWM is the peak; RssAnon is
# memory of the process's own, RssFile is mapped files', which the system takes back when it needs it) and tokens/s.
set -eu
out=${1:?where to} ; mkdir -p "$out"
JAVA=${JAVA:-java} PYTHON=${PYTHON:-python3} CPUS=${CPUS:-0,1} SCALE=${SCALE:-1} ROUNDS=${ROUNDS:-1} OPTIONS=${OPTIONS:-} PREFIX=${PREFIX:-}
WHO=${WHO:-fp32 peer-fp32 bf16 peer-bf16 int8}
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC2086
run() { $PREFIX taskset -c "$CPUS" "$@"; }
java() {
  run "$JAVA" -Xmx512m -XX:MaxDirectMemorySize=3g --enable-native-access=ALL-UNNAMED -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$CP" "$@"
}

java io.luciole.bench.TextFiles "$MODEL" "$out" u24:24:$((48 * SCALE)) u128:128:$((16 * SCALE)) u512:512:$((4 * SCALE)) mixed:mixed:$((12 * SCALE))
files="$out/u24.jsonl $out/u128.jsonl $out/u512.jsonl $out/mixed.jsonl"
reversed=$(for who in $WHO; do echo "$who"; done | tac)
{
  lscpu | grep -E 'Model name|^CPU\(s\)'
  grep -m1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -E '^(avx2|avx512f|avx512_vnni|avx512_bf16|avx_vnni|amx_int8)$' | tr '\n' ' '; echo
  round=0
  while [ "$((round += 1))" -le "$ROUNDS" ]; do
    order=$WHO
    [ $((round % 2)) = 1 ] || order=$reversed
    for who in $order; do
      echo "round $round of $ROUNDS: $who"
      precision=${who%%:*} form=auto
      [ "$precision" = "$who" ] || form=${who#*:}
      # shellcheck disable=SC2086
      case $who in
        peer-*) PRECISION=${who#peer-} run "$PYTHON" "$here/peer.py" "$MODEL" 4,16 1 $files ;;
        *) java io.luciole.bench.EncodeBenchmark luciole.model="$MODEL" luciole.backend=onnx luciole.device=cpu luciole.precision="$precision" \
             luciole.onnx.form="$form" $OPTIONS luciole.outputs=dense outputs=dense passes=1 queries=20 $files ;;
      esac
    done
  done
} 2>&1 | tee "$out/cpu.txt"
# Of each text file and each of WHO: tokens/s of all rounds, and the ratio to the faster peer of each round, the middle one in front (of an
# even number, the lower). A query's line has the ms of the median instead.
awk '
  function sorted(n,   i, j, t) { for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (q[j] < q[i]) { t = q[i]; q[i] = q[j]; q[j] = t } }
  /^round / { r = $2; rounds = r > rounds ? r : rounds; who = $5; if (!(who in known)) { known[who] = 1; name[++names] = who } }
  / tokens\/s/ {
    f = $2; for (i = 2; i <= NF; i++) if ($i ~ /^tokens\/s/) { s = $(i - 1); v[who, f, r] = s; if (who ~ /^peer-/ && s > peer[f, r]) peer[f, r] = s }
    if (!(f in seen)) { seen[f] = 1; file[++n] = f }
  }
  / one query of up to 21 / { for (i = 2; i < NF; i++) if ($i == "p50") query[who] = query[who] " " $(i + 1) }
  END {
    for (k = 1; k <= n; k++) for (w = 1; w <= names; w++) {
      f = file[k]; who = name[w]; m = 0; all = ""
      for (i = 1; i <= rounds; i++) if ((who, f, i) in v) { all = all " " v[who, f, i]; if (peer[f, i] > 0) q[++m] = v[who, f, i] / peer[f, i] }
      sorted(m)
      printf "%s %s tokens/s%s", f, who, all
      if (m) { printf "; to the faster peer %.2f of", q[int((m + 1) / 2)]; for (i = 1; i <= m; i++) printf " %.2f", q[i] }
      print ""
    }
    for (w = 1; w <= names; w++) if (name[w] in query) print "one query of 21 tokens, p50 ms", name[w] query[name[w]]
  }' "$out/cpu.txt" | tee "$out/ratios.txt"
