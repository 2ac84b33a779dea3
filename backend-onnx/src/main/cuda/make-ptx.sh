#!/bin/sh
# Compiles kernels.cu to kernels.ptx, which is kept in the repository so that a build needs no CUDA toolkit. Run it after a change.
set -eu
cd "$(dirname "$0")"
nvcc -O3 -std=c++17 -arch=compute_80 -ptx -o kernels.ptx kernels.cu
# Nothing in it is newer than that, and drivers refuse what claims to be newer than they are.
sed -i -e 's/^\.version .*/.version 7.1/' -e '/^\/\//d' kernels.ptx
