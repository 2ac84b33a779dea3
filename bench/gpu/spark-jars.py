"""Cuts the jars of Spark down to what a job on local[*] loads, for a machine that takes few megabytes and no downloads.

    java -Xlog:class+load:file=LOG … io.luciole.spark.Throughput starter 500     # on any machine, with the whole class path
    python3 spark-jars.py LOG OUT

Writes a jar of the same name to OUT for each jar that LOG names. Small ones are copied, since what a log message or an error loads is not
in LOG; of the others it takes the loaded classes with their nested ones, and small resources. 374 MB become 69, without ONNX Runtime and
tokenizers, which are taken whole where they are.
"""

import collections
import pathlib
import re
import shutil
import sys
import zipfile

WHOLE = ("onnxruntime", "tokenizers-", "junit", "assertj")
LARGEST_RESOURCE = 300_000
SMALL_JAR = 2_000_000


def top(path):
    """The outermost class of a class file's path."""
    return path.removesuffix(".class").split("$")[0]


log, out = sys.argv[1:]
loaded = collections.defaultdict(set)
for line in open(log, errors="replace"):
    found = re.search(r"\] ([\w.$/+-]+) source: file:(\S+\.jar)", line)
    if found:
        loaded[found.group(2)].add(top(found.group(1).split("+")[0].replace(".", "/")))
out = pathlib.Path(out)
out.mkdir(parents=True, exist_ok=True)
total = 0
for jar, classes in loaded.items():
    name = pathlib.Path(jar).name
    if name.startswith(WHOLE):
        continue
    if pathlib.Path(jar).stat().st_size < SMALL_JAR:
        shutil.copy(jar, out / name)
        total += (out / name).stat().st_size
        continue
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(out / name, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            is_class = entry.filename.endswith(".class")
            if top(entry.filename) in classes if is_class else not entry.is_dir() and entry.file_size < LARGEST_RESOURCE:
                target.writestr(entry.filename, source.read(entry))
    total += (out / name).stat().st_size
print(f"{len(list(out.iterdir()))} jars, {total / 1e6:.1f} MB")
