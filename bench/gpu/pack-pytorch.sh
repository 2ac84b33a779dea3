#!/usr/bin/env bash
# PyTorch for CUDA 12 and what it needs of CUDA into OUT/pytorch, for a GPU machine that has a driver and no registry. Called by pack.sh.
#   pack-pytorch.sh OUT [ARCHITECTURE]      90 by default: H100, H200
# There:  PYTORCH_LIBRARY_PATH=DIR PYTORCH_VERSION=2.7.1 PYTORCH_FLAVOR=cu128 LD_LIBRARY_PATH=DIR
# The code of other architectures is zeroed (slim_cuda.py). Libraries of which an encoder calls nothing (cuFFT, cuRAND, cuSPARSE, cuFile,
# nvJitLink) are empty ones of their names, since PyTorch's calls are bound when they are made. 1.7 GB, 340 MB packed.
set -euo pipefail
out=$(realpath -m "$1") architecture=${2:-90}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() { "$here/../../mvnw" -q -B dependency:copy -Dartifact="$1" -DoutputDirectory="$work" -Dmdep.useBaseVersion=true; }
get org.bytedeco:pytorch:2.7.1-1.5.12:jar:linux-x86_64-gpu
get org.bytedeco:openblas:0.3.30-1.5.12:jar:linux-x86_64
get org.bytedeco:cuda:12.6-9.5-1.5.11:jar:linux-x86_64-redist
mkdir -p "$work/all" "$out/pytorch"
for jar in "$work"/*.jar; do
  unzip -q -o -j "$jar" '*.so*' -d "$work/all"
  rm "$jar"
done
for library in libtorch_cuda.so libcublasLt.so.12 libcublas.so.12; do
  python3 "$here/slim_cuda.py" "$work/all/$library" "$out/pytorch/$library" "$architecture"
done
for library in libc10.so libc10_cuda.so libgomp.so.1 libtorch.so libtorch_cpu.so libopenblas.so.0 libgfortran.so.5 libquadmath.so.0 \
  libcudart.so.12 libcupti.so.12 libcudnn.so.9 libcudnn_graph.so.9; do
  cp "$work/all/$library" "$out/pytorch/"
done
for library in libcufile.so.0 libcufft.so.11 libcurand.so.10 libcusparse.so.12 libnvJitLink.so.12; do
  echo | ${CC:-cc} -shared -o "$out/pytorch/$library" "-Wl,-soname,$library" -xc -
done
