#!/usr/bin/env bash
# All that campaign.sh needs on a GPU machine that has a driver, Python and no registry, in parts that such a machine's uplink takes.
#   pack.sh OUT SCRIPTS CORPUS [MEGABYTES]
# SCRIPTS    folder with make_random_m3.py and make_texts.py
# CORPUS     a corpus.jsonl ({"text": …} a line) to make texts from
# MEGABYTES  of a part: 46 by default
# In the environment: SLIM=1 leaves out PyTorch and Spark, which most steps do without: 253 MB in six parts, and a few minutes.
# Writes OUT/partNN/partNN, and keeps what it packs in OUT/all. There:  cat part* | xz -dc -T0 | tar x -C DIR, then campaign.sh DIR LOGS.
# Compiles with JAVA_HOME, and takes a quarter of an hour on two cores.
set -euo pipefail
out=$(realpath -m "$1") scripts=$(realpath "$2") corpus=$(realpath "$3") size=${4:-46}
here=$(cd "$(dirname "$0")" && pwd)
all=$out/all
rm -rf "$out"
mkdir -p "$all"
cd "$here/../.."
classpath() { ./mvnw -q -B test-compile dependency:build-classpath -Dmdep.includeScope=test "$@"; }
classpath -Dmdep.outputFile=target/gpu-classpath -pl bench,backend-onnx,backend-djl -am
./mvnw -q -B dependency:copy -Dartifact=org.junit.platform:junit-platform-console-standalone:6.1.3 -DoutputDirectory="$out"
"$here/pack-java.sh" "$all"
python3 "$here/pack-jars.py" "$all" "$out"/junit-*.jar
[ -n "${SLIM-}" ] || "$here/pack-pytorch.sh" "$all"
cp -r testkit/src/main/resources/mini-m3 "$all/mini-m3"
cp "$scripts/make_random_m3.py" "$scripts/make_texts.py" "$all/"
cp "$corpus" "$all/corpus.jsonl"

if [ -z "${SLIM-}" ]; then
  classpath -Pspark -Dmdep.outputFile="$out/spark-classpath" -pl spark -am
  mkdir -p "$all/spark"
  for module in core lucene testkit backend-onnx spark; do cp -r "$module/target/classes/." "$all/spark/classes"; done
  cp -r spark/target/test-classes "$all/spark/test-classes"
  # A small job on this machine tells which classes of Spark are loaded; it takes longer than the ten seconds between two heartbeats.
  mkdir "$out/jars"
  tr : '\n' < "$out/spark-classpath" | grep '\.jar$' | xargs -I{} ln -s {} "$out/jars/"
  ln -s "$all/spark/classes" "$all/spark/test-classes" "$out/jars/"
  DEVICES=cpu PRECISION=fp32 JAVA="$JAVA_HOME/bin/java -Xlog:class+load:file=$out/loaded" "$here/spark.sh" "$out/jars" "$all/mini-m3" 4000
  python3 "$here/spark-jars.py" "$out/loaded" "$all/spark"
  cp "$all"/jars/onnxruntime*.jar "$all"/jars/tokenizers-*.jar "$all"/jars/api-*.jar "$all/spark/"
  # The same job by what is packed alone.
  DEVICES=cpu PRECISION=fp32 JAVA="$all/jre/bin/java -Donnxruntime.native.path=$all/lib" "$here/spark.sh" "$all/spark" "$all/mini-m3" 4000
fi

tar c -C "$all" . | xz -T0 -3 | split -b "${size}000000" -d - "$out/part"
for part in "$out"/part*; do
  mv "$part" "$part.x"
  mkdir "$part"
  mv "$part.x" "$part/$(basename "$part")"
done
du -shc "$out"/part*
