#!/usr/bin/env bash
# The GPU benchmark: texts to vectors through the engine, and sentence-transformers on the same files and checkpoint.
#   run.sh JARS MODEL TEXTS [DEVICES]
# JARS     folder of the jars: bench with its dependencies
#          (mvn -pl bench -am package dependency:copy-dependencies -DincludeScope=runtime)
# MODEL    a checkpoint of BGE-M3, or one of its size with random weights
# TEXTS    folder with mix.jsonl, u32.jsonl, u512.jsonl, u8192.jsonl, … ({"text": …} a line)
# DEVICES  such as cuda:0 (the default) or cuda:0,cuda:1
# For a machine with several GPUs the peer can have one of its own: PEER=0 here, and peer.py beside it.
# In the environment: BACKEND (onnx or djl; default onnx), JAVA (a command and its options; default java), PRECISION (fp16 or fp8; default fp16), PEER=0 to leave
# sentence-transformers out.
# CUDA 12 needs onnxruntime_gpu among the jars in place of onnxruntime; CUDA 13 a folder named by
# -Donnxruntime.native.path in JAVA. Python needs torch, and sentence-transformers for the peer.
set -euo pipefail
jars=$1 model=$2 texts=$3 devices=${4:-cuda:0}
here=$(cd "$(dirname "$0")" && pwd)
java=${JAVA:-java}
count=$(tr , '\n' <<<"$devices" | wc -l)
nvidia-smi --query-gpu=name,driver_version,power.limit --format=csv,noheader
peak=$(python3 "$here/peak.py")
echo "a matrix product of 8192x8192x8192 in fp16 reaches $peak TFLOP/s"
files=()
for name in ${FILES:-u32 u128 u512 u2048 u8192 mix}; do
  [ ! -e "$texts/$name.jsonl" ] || files+=("$texts/$name.jsonl")
done
$java -cp "$jars/*" io.luciole.bench.EncodeBenchmark luciole.backend="${BACKEND:-onnx}" luciole.model="$model" luciole.device="$devices" luciole.precision="${PRECISION:-fp16}" \
  luciole.outputs=dense,sparse luciole.token-budget="${BUDGET:-32768}" luciole.tokenizer-threads="${THREADS:-$(($(nproc) * 3 / 4))}" \
  peak=$((peak * count)) repeat="${REPEAT:-1}" warm="${WARM:-3}" passes="${PASSES:-3}" queries="${QUERIES:-300}" "${files[@]}"
if [ "${PEER:-1}" != 0 ]; then
  python3 "$here/peer.py" "$model" "${files[@]}" 2>/dev/null
fi
