#!/bin/sh
# Builds the C libraries of the operators, or a program around one:
#   build.sh OUT_DIR [FLAG…]              OUT_DIR/libluciole_cuda.so from luciole.c
#   build.sh --cpu OUT_DIR [FLAG…]        OUT_DIR/libluciole_cpu.so from ../cpu/luciole_cpu.c
#   build.sh --program SOURCE OUT [FLAG…] OUT from SOURCE, which includes luciole.c or luciole_cpu.c (tests)
# Needs a C compiler (cc or $CC) with the C library's headers, and nothing of CUDA's; see README.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-cc}
if ! printf '#include <dlfcn.h>\n#include <stdio.h>\n' | $cc -E -x c - >/dev/null 2>&1; then
  cat >&2 <<'MESSAGE'

The libraries of Luciole's kernels (backend-onnx/src/main/cuda and src/main/cpu) are part of the build on Linux x86-64 and need a C compiler
with the C library's headers; no `cc` that has them was found. Do one of these:
  - install a compiler:  apt-get install gcc libc6-dev   (Fedora: dnf install gcc glibc-devel; Alpine: apk add gcc musl-dev), or name one
    with CC=…;
  - build without the libraries; ONNX Runtime's own operators then serve GPUs and CPUs, and are slower:
      ./mvnw -Dcuda.skip=true verify
      MAVEN_OPTS=-Dcuda.skip=true ./luciole demo

MESSAGE
  exit 1
fi
absolute() { case $1 in /*) echo "$1" ;; *) echo "$PWD/$1" ;; esac; }
# All that a distribution's compiler sets by default and that changes the code is set here, and no path and
# no time gets into the file: the same compiler makes the same bytes in every folder (.ci/release-dry-run.sh compares).
flags="-O2 -std=gnu11 -Wall -Wextra -Wa,-I. -march=x86-64 -mtune=generic -fno-ident -U_FORTIFY_SOURCE
  -fstack-protector-strong -fcf-protection=full"
link="-Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--hash-style=gnu -Wl,-s"
if [ "$1" = --program ]; then
  source=$(absolute "$2") out=$(absolute "$3")
  shift 3
  mkdir -p "$(dirname "$out")"
  cd "$here"
  exec $cc $flags -I. -I../cpu "$@" -o "$out" "$source" -ldl -lpthread -lm
fi
name=libluciole_cuda.so source=luciole.c
if [ "$1" = --cpu ]; then
  name=libluciole_cpu.so source=luciole_cpu.c here=$here/../cpu
  shift
fi
out=$(absolute "$1")
shift
mkdir -p "$out"
cd "$here"
exec $cc $flags -fPIC -shared -fvisibility=hidden $link "$@" -o "$out/$name" "$source" -ldl -lpthread
