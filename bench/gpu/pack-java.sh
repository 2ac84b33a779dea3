#!/usr/bin/env bash
# Packs a Java runtime and ONNX Runtime's natives for CUDA 13 into OUT/jre and OUT/lib, for a GPU machine that has a driver, the CUDA libraries of
# pip's packages and no registry.
#   JAVA_HOME=JDK pack-java.sh OUT
# jdk.security.auth is there for Spark: Hadoop logs in by it.
set -euo pipefail
out=$(realpath -m "$1") here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get() { "$here/../../mvnw" -q -B dependency:copy -Dartifact="$1" -DoutputDirectory="$work" -Dmdep.useBaseVersion=true; }
get org.bytedeco:onnxruntime:1.28.0-1.5.14:jar:linux-x86_64-gpu
get com.microsoft.onnxruntime:onnxruntime_gpu:1.28.0
mkdir -p "$out/lib"
unzip -q -o -j "$work"/onnxruntime-1.28.0-1.5.14-linux-x86_64-gpu.jar '*/libonnxruntime.so.1' '*/libonnxruntime_providers_cuda.so' \
  '*/libonnxruntime_providers_shared.so' -d "$out/lib"
mv "$out/lib/libonnxruntime.so.1" "$out/lib/libonnxruntime.so"
unzip -q -o -j "$work"/onnxruntime_gpu-1.28.0.jar 'ai/onnxruntime/native/linux-x64/libonnxruntime4j_jni.so' -d "$out/lib"
modules=java.se,jdk.unsupported,jdk.incubator.vector,jdk.zipfs,jdk.crypto.ec,jdk.management,jdk.jfr,jdk.httpserver,jdk.security.auth
"$JAVA_HOME/bin/jlink" --add-modules "$modules" --strip-debug --no-man-pages --no-header-files --output "$out/jre"
