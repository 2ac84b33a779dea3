#!/bin/sh
# Runs Java with ONNX Runtime as on a processor with AVX2 and no more, on an x86-64 that has AVX-512, VNNI or AMX:
#
#   ONNXRUNTIME=onnxruntime-1.28.0.jar [JAVA_HOME=...] [CC=cc] bench/cpu/avx2.sh COMMAND
#
#   bench/cpu/avx2.sh java -cp 'bench/target/classes:bench/target/lib/*' io.luciole.bench.EncodeBenchmark luciole.model=starter ...
#   bench/cpu/avx2.sh ./mvnw -pl backend-onnx -am test -Dtest=StarterFixtureTest -Dsurefire.failIfNoSpecifiedTests=false
#
# COMMAND is java, or something that starts it and hands its environment on, which needs JAVA_HOME.
#
# ONNX Runtime asks the processor with the instruction CPUID, which a process cannot be kept from. So a copy of its library has UD2 in place of each
# CPUID, and a preloaded library (avx2.c) answers for it. The kernels that ONNX Runtime then takes are its own for AVX2: bytes are multiplied by
# VPMADDUBSW, which saturates, and floats in vectors of 256 bits. Luciole reads /proc/cpuinfo, which shows no AVX-512 where unshare may hide it
# (as root); elsewhere its own kernels are switched off by luciole.onnx.form=loop, which engines read and a test that opens a backend itself does
# not. The JVM keeps its instructions. Speeds are those of AVX2's kernels on this processor, not of an old processor.
#
# Of the tests, NativeFoldersTest and ClassLoadersTest fail by this: they are about where ONNX Runtime's library is unpacked, which is given here.
#
# Needs cc, objdump, readelf, python3 and a JDK's libjsig.so. The work folder is removed at the end.
set -eu
jar=${ONNXRUNTIME:?the jar onnxruntime-VERSION.jar}
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
home=${JAVA_HOME:-$(java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.home = //p')}
[ -e "$home/lib/libjsig.so" ] || { echo "avx2.sh: expected $home/lib/libjsig.so, found none: set JAVA_HOME to a JDK" >&2; exit 2; }

"${CC:-cc}" -O2 -Wall -shared -fPIC -o "$work/libavx2.so" "$here/avx2.c"
python3 - "$jar" "$work" <<'EOF'
import re, subprocess, sys, zipfile

jar, work = sys.argv[1:]
with zipfile.ZipFile(jar) as z:
    for name in ("libonnxruntime.so", "libonnxruntime4j_jni.so"):
        with open(f"{work}/{name}", "wb") as f:
            f.write(z.read(f"ai/onnxruntime/native/linux-x64/{name}"))
library = f"{work}/libonnxruntime.so"
segments = []  # file offset, virtual address, size in the file
for line in subprocess.run(["readelf", "-lW", library], check=True, capture_output=True, text=True).stdout.splitlines():
    field = line.split()
    if field and field[0] == "LOAD":
        segments.append((int(field[1], 16), int(field[2], 16), int(field[4], 16)))
code = bytearray(open(library, "rb").read())
found = 0
objdump = subprocess.Popen(["objdump", "-d", "--no-show-raw-insn", library], stdout=subprocess.PIPE, text=True)
for line in objdump.stdout:
    match = re.match(r"\s*([0-9a-f]+):\s+cpuid\b", line)
    if match:
        address = int(match[1], 16)
        (at,) = [o + address - v for o, v, size in segments if v <= address < v + size]
        assert code[at:at + 2] == b"\x0f\xa2", hex(address)
        code[at:at + 2] = b"\x0f\x0b"
        found += 1
if objdump.wait() or not found:
    sys.exit(f"avx2.sh: found no CPUID in {library}: is objdump there?")
open(library, "wb").write(code)
print(f"avx2.sh: {found} CPUID instructions replaced", file=sys.stderr)
EOF
sed 's/ a[vm]x\(512\|_vnni\|_bf16\|_int8\|_tile\)[a-z0-9_]*//g' /proc/cpuinfo > "$work/cpuinfo"
options="${JAVA_TOOL_OPTIONS:-} -Donnxruntime.native.path=$work"
if unshare -m true 2>/dev/null; then
  hidden='mount --bind "$0" /proc/cpuinfo && exec "$@"'
  set -- unshare -m sh -c "$hidden" "$work/cpuinfo" "$@"
else
  options="$options -Dluciole.onnx.form=loop"
fi
LD_PRELOAD="$work/libavx2.so:$home/lib/libjsig.so" JAVA_TOOL_OPTIONS="$options" "$@"
