"""Packs jars and class folders for a GPU machine that has no registry: natives of other platforms, and those that other parts bring, are left out.

    ./mvnw test-compile dependency:build-classpath -Dmdep.includeScope=test -Dmdep.outputFile=target/gpu-classpath -pl bench,backend-onnx,backend-djl -am
    python3 pack-jars.py OUT [MORE.jar …]       # MORE: such as JUnit's console launcher

Writes OUT/jars and OUT/tests. A module's classes become a jar of its name. ONNX Runtime's natives come with pack-java.sh, PyTorch's with
pack-pytorch.sh. Called by pack.sh.
"""

import pathlib
import re
import shutil
import sys
import zipfile

# What Linux x86-64 does not load, in any of the jars' ways to name it.
FOREIGN = re.compile(r"(?i)(\.dll|\.dylib|\.jnilib)$|(^|[/._-])(osx|macos|mac|darwin|win|windows|aarch64|arm64|ppc64le|s390x|riscv64)([/._-]|$)|^ai/onnxruntime/native/")
LEFT_OUT = re.compile(r"pytorch-native|bytedeco|spotbugs")

root = pathlib.Path(__file__).resolve().parents[2]
out, *more = map(pathlib.Path, sys.argv[1:])
jars = out / "jars"
jars.mkdir(parents=True)
found = set()
for listing in root.glob("*/target/gpu-classpath"):
    found |= {pathlib.Path(p) for p in listing.read_text().strip().split(":")}
found = {p for p in found if p.suffix == ".jar" and not LEFT_OUT.search(str(p)) and root not in p.parents}
for jar in sorted(found.union(more)):
    with zipfile.ZipFile(jar) as source, zipfile.ZipFile(jars / jar.name, "w", zipfile.ZIP_STORED) as target:
        for entry in source.infolist():
            if entry.filename.endswith(".class") or not FOREIGN.search(entry.filename):
                target.writestr(entry.filename, source.read(entry))
for classes in root.glob("*/target/classes"):
    with zipfile.ZipFile(jars / f"luciole-{classes.parts[-3]}.jar", "w", zipfile.ZIP_STORED) as target:
        for file in sorted(p for p in classes.rglob("*") if p.is_file()):
            target.write(file, file.relative_to(classes))
# As folders: some tests look for files beside their classes.
for classes in root.glob("backend-*/target/test-classes"):
    shutil.copytree(classes, out / "tests" / classes.parts[-3])
print(f"{len(list(jars.iterdir()))} jars")
