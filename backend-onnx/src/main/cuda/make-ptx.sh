#!/bin/sh
# Compiles the kernels to PTX, which is kept in the repository so that a build needs no CUDA toolkit. Run it after a change.
set -eu
cd "$(dirname "$0")"
# NAME, for cards from ARCHITECTURE on, the version of PTX that has all it uses: drivers refuse what claims to be newer than they are.
compile() {
  nvcc -O3 -std=c++17 -arch="$2" -ptx -o "$1.ptx" "$1.cu"
  sed -i -e "s/^\\.version .*/.version $3/" -e '/^\/\//d' "$1.ptx"
}
compile kernels compute_80 7.1
compile small compute_90 8.1
compile hopper compute_90a 8.0
