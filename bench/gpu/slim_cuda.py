"""Leaves out of a CUDA library what other cards than one would run, so that it can be carried to a machine that has nothing.

    python3 slim_cuda.py LIBRARY OUT ARCHITECTURE      such as 90 for an H100 or H200

The code for each architecture is an entry of a fat binary in the section .nv_fatbin: a header of 16 bytes (magic, version, its own size,
size of what follows), then entries (kind 1 is PTX, 2 machine code; version; size of the entry's header; size of its code; at byte 28 the
architecture). The driver reads an entry's code only if its architecture fits, so that the code of others can be overwritten by zeros, which
compress to nothing, and nothing moves in the file.
"""

import os
import struct
import sys

MAGIC = 0xBA55ED50


def sections(data):
    """Name, offset and size of each section of an ELF file."""
    table = struct.unpack_from("<Q", data, 0x28)[0]
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    found = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
    strings = found[names][4]
    for name, _, _, _, offset, length in found:
        start = strings + name
        yield data[start : data.index(0, start)].decode(), offset, length


def slim(path, out, keep):
    data = bytearray(open(path, "rb").read())
    zeroed = kept = 0
    for name, offset, length in list(sections(data)):
        if name != ".nv_fatbin":
            continue
        at, end = offset, offset + length
        while at + 16 <= end:
            magic, _, header, size = struct.unpack_from("<IHHQ", data, at)
            if magic != MAGIC:
                at += 8
                continue
            entry, last = at + header, at + header + size
            while entry + 64 <= last:
                kind, _, own = struct.unpack_from("<HHI", data, entry)
                code = struct.unpack_from("<Q", data, entry + 8)[0]
                architecture = struct.unpack_from("<I", data, entry + 28)[0]
                if kind not in (1, 2) or not 24 <= own <= 1024:
                    sys.exit(f"{path}: expected an entry of a fat binary at {entry}, found kind {kind} with a header of {own} bytes")
                if kind == 2 and architecture == keep:
                    kept += code
                else:
                    data[entry + own : entry + own + code] = bytes(code)
                    zeroed += code
                entry += own + code
            at = last
    if not kept:
        sys.exit(f"{path}: expected code for architecture {keep}, found none")
    with open(out, "wb") as file:
        file.write(data)
    print(f"{os.path.basename(path)}: {len(data) >> 20} MiB, {kept >> 20} MiB of code kept, {zeroed >> 20} MiB zeroed")


if __name__ == "__main__":
    slim(sys.argv[1], sys.argv[2], int(sys.argv[3]))
