#!/usr/bin/env bash
# How much of the engine's throughput a Spark job on local[*] leaves on a GPU: 200,000 passages, in turns with the engine alone.
#   spark.sh JARS MODEL [DOCUMENTS]
# JARS     folder of the jars and class folders: Spark cut down by spark-jars.py, Luciole's classes and spark/target/test-classes,
#          onnxruntime_gpu and tokenizers
# MODEL    a checkpoint of BGE-M3, or one of its size with random weights
# In the environment: JAVA (a command and its options; default java), DEVICES (default cuda:0), PRECISION (default fp16).
# The Java needs the module jdk.security.auth, which Hadoop logs in by..
set -euo pipefail
jars=$1 model=$2 documents=${3:-200000}
opens=()
for package in lang lang.invoke lang.reflect io net nio util util.concurrent util.concurrent.atomic; do
  opens+=("--add-opens=java.base/java.$package=ALL-UNNAMED")
done
for package in jdk.internal.ref sun.nio.ch sun.nio.cs sun.util.calendar; do
  opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
done
${JAVA:-java} "${opens[@]}" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -Dluciole.device="${DEVICES:-cuda:0}" -Dluciole.precision="${PRECISION:-fp16}" -Dluciole.outputs=dense,sparse \
  -cp "$jars/*:$jars/classes:$jars/test-classes" io.luciole.spark.Throughput "$model" "$documents"
