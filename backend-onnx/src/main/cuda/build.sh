#!/bin/sh
# Builds libluciole_cuda.so:  build.sh OUT_DIR [FLAGS]    Needs a C compiler and nothing of CUDA's; see luciole.c.
set -eu
cd "$(dirname "$0")"
if ! command -v cc >/dev/null; then
  echo "no C compiler: the backend is built without its CUDA operators"
  exit 0
fi
out=$1; shift
mkdir -p "$out"
cc -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -Wl,-z,nodelete -Wl,-s -Wa,-I. "$@" -o "$out/libluciole_cuda.so" luciole.c -ldl -lpthread
