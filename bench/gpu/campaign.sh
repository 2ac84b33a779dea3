#!/usr/bin/env bash
# Everything that is to be measured on a GPU, one step after another, each with a limit and a log of its own, so that one that fails costs no other.
#   campaign.sh DIR LOGS [STEP …]       steps: models score kernels djl agreement speed djl-speed spark cores; all of them by default
# DIR has what the machine lacks, as pack.sh packs it. The CUDA libraries of ONNX Runtime are those of pip's packages. On a machine with several GPUs start one
# campaign for each (DEVICE, taskset). Prints the last lines of each log. In the environment: DEVICE (default cuda:0), PRECISION (fp16), LAYERS (24), SCALE (1: of the numbers
# of texts), LIMIT (seconds of a step, 420); DEVICE=cpu PRECISION=fp32 LAYERS=1 SCALE=0.01 tries the script on a machine without a GPU.
set -uo pipefail
dir=$(realpath "$1") logs=$(realpath -m "$2")
shift 2
here=$(cd "$(dirname "$0")" && pwd)
device=${DEVICE:-cuda:0} precision=${PRECISION:-fp16} layers=${LAYERS:-24} scale=${SCALE:-1}
mkdir -p "$logs"
of_pip=$(python3 -c 'import glob, site; print(":".join(glob.glob(site.getsitepackages()[0] + "/nvidia/*/lib")))' 2>/dev/null)
onnx="$dir/lib:$of_pip"
common=(--add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)
[ ! -d "$dir/lib" ] || common+=("-Donnxruntime.native.path=$dir/lib")
java=("$dir/jre/bin/java" "${common[@]}")
threads=$(($(nproc) * 3 / 4))
[ "$threads" -gt 0 ] || threads=1
settings=("luciole.device=$device" "luciole.precision=$precision" luciole.token-budget=32768 "luciole.tokenizer-threads=$threads")
# pack-pytorch.sh has no libraries for the CPU alone: there the class path has them.
[ "$device" = cpu ] || of_pytorch=("PYTORCH_LIBRARY_PATH=$dir/pytorch" PYTORCH_VERSION=2.7.1 PYTORCH_FLAVOR=cu128)

count() { python3 -c "print(max(20, int($1 * $scale)))"; }
onnx() { LD_LIBRARY_PATH="$onnx" "$@"; }
torch() { (
  [ "$device" = cpu ] || export "${of_pytorch[@]}" LD_LIBRARY_PATH="$dir/pytorch"
  "$@"
) }
tests() { "${java[@]}" "-Dluciole.cache=$dir/cache" -cp "$dir/jars/*:$(printf '%s:' "$dir"/tests/*)" org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=summary --include-tag=gpu "$@"; }

models() {
  python3 "$dir/make_random_m3.py" "$dir/mini-m3" "$dir/model" "$layers" || return
  mkdir -p "$dir/texts"
  local kind
  for kind in u32:40000 u128:20000 u512:8000 u2048:2000 u8192:500 mix:12000; do
    python3 "$dir/make_texts.py" "$dir/corpus.jsonl" "$dir/mini-m3/tokenizer.json" "$dir/texts/${kind%:*}.jsonl" "${kind%:*}" "$(count "${kind#*:}")" &
  done
  wait
  head -n "$(count 300)" "$dir/texts/mix.jsonl" > "$dir/texts/few.jsonl"
}
score() { onnx "${java[@]}" -cp "$dir/jars/*" io.luciole.bench.ScoreBenchmark "$dir/score" "layers=$layers" "pairs=$(count 16000)" "${settings[@]}"; }
kernels() { onnx tests --select-package=io.luciole.onnx; }
djl() { torch tests --select-package=io.luciole.djl; }
agreement() {
  # ONNX Runtime on the CPU: one process cannot have its CUDA 13 and PyTorch's CUDA 12, whose cuDNN has the same name.
  torch "${java[@]}" -cp "$dir/jars/*" io.luciole.bench.Agreement "luciole.model=$dir/model" "${settings[@]}" \
    a.luciole.backend=onnx a.luciole.device=cpu a.luciole.precision=fp32 b.luciole.backend=djl "$dir/texts/few.jsonl"
}
speed() { JAVA="${java[*]}" onnx ./run.sh "$dir/jars" "$dir/model" "$dir/texts" "$device"; }
djl-speed() { BACKEND=djl PEER=0 QUERIES=100 JAVA="${java[*]}" torch ./run.sh "$dir/jars" "$dir/model" "$dir/texts" "$device"; }
cores() {
  # The processor beside the GPU. One runs on 16 cores first, since time is short.
  printf '#!/bin/sh\nexec %s "$@"\n' "${java[*]}" > "$dir/java"
  chmod +x "$dir/java"
  local n runs most
  most=$(nproc)
  for n in 16 8 4 2 1; do
    [ "$n" -le "$most" ] || continue
    for runs in 1 2 4; do
      [ "$runs" = 1 ] || [ $((n / runs)) -ge 4 ] || continue
      echo "cores $n runs $runs"
      CP="$dir/jars/*" MODEL="$dir/model" JAVA="$dir/java" CPUS=0-$((n - 1)) SCALE=$(((n + 1) / 2)) WHO="int8$([ "$runs" != 1 ] || echo ' peer-bf16')" \
        OPTIONS="luciole.onnx.runs=$runs" ../cpu/run.sh "$dir/cores" | grep -E 'tokens/s|VmHWM|p50'
    done
  done
}
spark() { DEVICES=$device JAVA="${java[*]}" onnx ./spark.sh "$dir/spark" "$dir/model" "$(count 200000)"; }

cd "$here"
if [ "${1:-}" = only ]; then
  "$2"
  exit
fi
[ $# -gt 0 ] || set -- models score kernels djl agreement speed djl-speed spark cores
for name in "$@"; do
  start=$SECONDS rc=0
  timeout -k 10 "${LIMIT:-420}" "$here/campaign.sh" "$dir" "$logs" only "$name" > "$logs/$name.log" 2>&1 || rc=$?
  printf '==> %s: rc %s after %s s\n' "$name" "$rc" $((SECONDS - start))
  grep -vE '^WARNING|^\s*at ' "$logs/$name.log" | tail -n 12 | cut -c1-300
done
