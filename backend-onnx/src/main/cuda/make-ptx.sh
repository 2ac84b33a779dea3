#!/bin/sh
# Compiles kernels.cu and hopper.cu to PTX, which is kept in the repository so that a build needs no CUDA toolkit. Run it after a change.
set -eu
cd "$(dirname "$0")"
nvcc -O3 -std=c++17 -arch=compute_80 -ptx -o kernels.ptx kernels.cu
nvcc -O3 -std=c++17 -gencode arch=compute_90a,code=compute_90a -ptx -o hopper.ptx hopper.cu
# Nothing in them is newer than that, and drivers refuse what claims to be newer than they are.
sed -i -e 's/^\.version .*/.version 7.1/' -e '/^\/\//d' kernels.ptx
sed -i -e 's/^\.version .*/.version 8.0/' -e '/^\/\//d' hopper.ptx
