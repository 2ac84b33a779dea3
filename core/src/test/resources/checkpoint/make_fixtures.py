"""Writes the small weight files beside this script, which the tests of io.luciole.model.checkpoint read:
    python3 make_fixtures.py            (torch 2.13.0, safetensors 0.8.0)
Values follow from positions, so the tests need no second copy of them: element i of a tensor of floats is i / 8 - 1,
which fp32, fp16 and bf16 all hold exactly for i < 64, element i of a tensor of integers is i."""
import collections, io, json, os, struct, zipfile
import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))


def path(name):
    os.makedirs(os.path.dirname(os.path.join(here, name)), exist_ok=True)
    return os.path.join(here, name)


def floats(*shape, dtype=torch.float32):
    return (torch.arange(torch.Size(shape).numel(), dtype=torch.float32) / 8 - 1).to(dtype).reshape(shape)


def ints(*shape, dtype=torch.int64):
    return torch.arange(torch.Size(shape).numel()).to(dtype).reshape(shape)


# Every type that both formats know; safetensors knows the wider unsigned ones too.
types = {
    'f64': floats(3, dtype=torch.float64), 'f32': floats(2, 3), 'f16': floats(2, 3, dtype=torch.float16),
    'bf16': floats(2, 3, dtype=torch.bfloat16), 'i64': ints(4), 'i32': ints(4, dtype=torch.int32),
    'i16': ints(4, dtype=torch.int16), 'i8': ints(4, dtype=torch.int8), 'u8': ints(4, dtype=torch.uint8),
    'bool': torch.tensor([False, True, True]), 'scalar': torch.tensor(0.5), 'empty': torch.zeros(0, 4)}
torch.save(collections.OrderedDict(types), path('types.bin'))
save_file({**types, 'u64': ints(4, dtype=torch.uint64), 'u32': ints(4, dtype=torch.uint32),
           'u16': ints(4, dtype=torch.uint16)}, path('types.safetensors'), metadata={'format': 'pt', 'note': 'été'})
save_file({'a': torch.zeros(2, dtype=torch.float8_e4m3fn)}, path('float8.safetensors'))

# Sharded, of both kinds.
shards = [{'a.weight': floats(4, 3), 'a.bias': floats(4)}, {'b.weight': floats(2, 4), 'b.bias': floats(2)}]
for stem, extension, save in ('model', 'safetensors', save_file), ('pytorch_model', 'bin', torch.save):
    weight_map = {}
    for i, tensors in enumerate(shards):
        name = f'{stem}-{i + 1:05}-of-00002.{extension}'
        save(tensors, path(f'sharded/{name}'))
        weight_map |= {tensor: name for tensor in tensors}
    with open(path(f'sharded/{stem}.{extension}.index.json'), 'w') as f:
        json.dump({'metadata': {'total_size': 104}, 'weight_map': weight_map}, f, indent=1)

# Views: of one storage, transposed, sliced, expanded, with a gap, and tied.
base = floats(6, 4)
torch.save({'base': base, 'tied': base, 'transposed': base.t(), 'rows': base[2:4], 'columns': base[:, 1:3],
            'expanded': base[:1].expand(3, 4), 'column': base[:, 1:2], 'permuted': floats(2, 3, 4).permute(2, 0, 1),
            'halves': floats(3, 5, dtype=torch.float16).t(), 'bytes': ints(3, 5, dtype=torch.uint8).t(),
            'longs': ints(3, 5).t()}, path('views.bin'))

# A training checkpoint: nested, with parameters and values that are no tensors.
module = torch.nn.Linear(3, 2)
with torch.no_grad():
    module.weight.copy_(floats(2, 3)); module.bias.copy_(floats(2))
torch.save({'epoch': 3, 'loss': 0.25, 'note': 'été', 'big': 1 << 40, 'negative': -5, 'done': True, 'nothing': None,
            'state_dict': module.state_dict(), 'parameters': {'module.weight': module.weight},
            'optimizer': {'state': {0: {'average': floats(2)}}, 'groups': [{'rate': 0.1}, {'first': floats(1)}],
                          'pair': (1, floats(3))}}, path('nested.pt'))
torch.save(floats(2), path('bare.pt'))
torch.save({'a': floats(2)}, path('legacy.bin'), _use_new_zipfile_serialization=False)
torch.save({'a': floats(2), 'z': torch.zeros(2, dtype=torch.complex64)}, path('complex.bin'))
torch.save({'a': floats(2), 'options': collections.Counter(a=1)}, path('counter.bin'))


def entries(name):
    with zipfile.ZipFile(path(name)) as z:
        return [(i.filename, z.read(i)) for i in z.infolist()]


# The same small state dict in zip archives that torch.save does not make at this size, or at all.
torch.save({'a': floats(2, 3)}, path('plain.bin'))
plain = entries('plain.bin')
with zipfile.ZipFile(path('compressed.bin'), 'w', zipfile.ZIP_DEFLATED) as z:
    for name, data in plain:
        z.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
with zipfile.ZipFile(path('big-endian.bin'), 'w') as z:
    for name, data in plain:
        z.writestr(zipfile.ZipInfo(name), b'big' if name.endswith('byteorder') else data)


def zip64(name, files):
    """Every size and offset in Zip64 fields, as in archives beyond 4 GiB, with a comment and a foreign extra field."""
    out, directory = io.BytesIO(), io.BytesIO()
    foreign = struct.pack('<HH3s', 0xcafe, 3, b'abc')
    for entry, data in files:
        offset, encoded, crc = out.tell(), entry.encode(), zipfile.crc32(data)
        extra = foreign + struct.pack('<HHQQ', 1, 16, len(data), len(data))
        out.write(struct.pack('<4sHHHHHLLLHH', b'PK\3\4', 45, 0, 0, 0, 33, crc, 0xffffffff, 0xffffffff, len(encoded), len(extra)))
        out.write(encoded + extra + data)
        extra = foreign + struct.pack('<HHQQQ', 1, 24, len(data), len(data), offset)
        directory.write(struct.pack('<4sHHHHHHLLLHHHHHLL', b'PK\1\2', 45, 45, 0, 0, 0, 33, crc, 0xffffffff, 0xffffffff,
                                    len(encoded), len(extra), 0, 0, 0, 0, 0xffffffff) + encoded + extra)
    start, size, count = out.tell(), len(directory.getvalue()), len(files)
    out.write(directory.getvalue())
    end = out.tell()
    out.write(struct.pack('<4sQHHLLQQQQ', b'PK\6\6', 44, 45, 45, 0, 0, count, count, size, start))
    out.write(struct.pack('<4sLQL', b'PK\6\7', 0, end, 1))
    comment = b'a comment'
    out.write(struct.pack('<4sHHHHLLH', b'PK\5\6', 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, len(comment)) + comment)
    with open(path(name), 'wb') as f:
        f.write(out.getvalue())


zip64('zip64.bin', plain)
for name in 'zip64.bin', 'compressed.bin', 'plain.bin':
    with zipfile.ZipFile(path(name)) as z:
        assert z.testzip() is None
for name in 'zip64.bin', 'plain.bin':
    assert torch.equal(torch.load(path(name), weights_only=True)['a'], floats(2, 3))
