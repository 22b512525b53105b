"""Reading the weights of TorchScript archives: genuine, damaged and hostile ones."""

from __future__ import annotations

import io
import os
import pickle
import struct
import warnings
import zipfile

import pytest
import torch
from torch import nn

from blender_vfi.errors import CheckpointError
from blender_vfi.models import torchscript
from blender_vfi.models.state_dicts import read_state_dict

from . import toy

pytestmark = pytest.mark.torch

OBJECT = b"c__torch__\nNet\n)\x81"


class Net(nn.Module):
    """Parameters, buffers, a shared tensor, and attributes of other kinds."""

    def __init__(self):
        super().__init__()
        self.body = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)), nn.PReLU()]
        )
        self.shared = self.body[1].weight
        self.register_buffer("transposed", torch.arange(6.0).view(2, 3).t())
        self.register_buffer("none", torch.ones(0))
        self.sizes, self.ratio, self.names = [1, 2], (2.5,), {"a": -70_000, "b": 1 << 40}
        for index in range(260):  # so many that torch numbers its notes with four bytes
            self.register_buffer(f"table{index}", torch.full((1,), index, dtype=torch.int32))

    def forward(self, image):
        for part in self.body:
            image = part(image)
        return image * self.ratio[0] + self.names["a"] + self.sizes[0] + self.table7


def script(module):
    """Return the archive that torch makes of `module`, in a folder "net"."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its writer is; its files are not
        torch.jit.save(torch.jit.script(module), buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Net().half()


@pytest.fixture(scope="module")
def genuine(net):
    return script(net)


def rewritten(content, changes):
    """Return an archive with other contents, or None to leave out, by how a path inside begins."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            path = entry.filename.partition("/")[2]
            changed = [data for start, data in changes.items() if path.startswith(start)]
            data = changed[0] if changed else old.read(entry)
            if data is not None:
                new.writestr(entry.filename, data)
    return buffer.getvalue()


def minimal(program, *, stored=b"\0\0\x80\x3f"):
    """Return an archive with `program` as data.pkl and one float32 of 1.0 as data/0."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("net/constants.pkl", b"\x80\x02).")
        archive.writestr("net/data.pkl", program)
        archive.writestr("net/data/0", stored)
    return buffer.getvalue()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def tensor(shape=b"K\x01\x85", strides=b"K\x01\x85", *, kind=b"FloatStorage", elements=1):
    """Return instructions for one tensor, as torch writes them."""
    stored = b"(" + text("storage") + b"ctorch\n" + kind + b"\n" + text("0") + text("cpu")
    stored += b"K" + bytes([elements]) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + stored
        + b"K\0"
        + shape
        + strides
        + (b"\x89" + hooks + b"tR")
    )


def module(**attributes):
    items = b"".join(text(key) + value for key, value in attributes.items())
    return OBJECT + b"}(" + items + b"ub"


def program(body):
    return b"\x80\x02" + body + b"."


def read(folder, content):
    return read_state_dict(toy.write(folder / "net.pt", content))


def test_tensors_are_those_of_the_state_dict(tmp_path, net, genuine):
    weights = read(tmp_path, genuine)
    expected = net.state_dict()
    assert weights.keys() == expected.keys()
    for key, value in expected.items():
        assert weights[key].dtype == value.dtype
        assert weights[key].shape == value.shape
        assert torch.equal(weights[key], value)
        assert not weights[key].requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_precision_is_kept(tmp_path, dtype):
    layer = nn.Conv2d(1, 2, 3).to(dtype)
    assert torch.equal(read(tmp_path, script(layer))["weight"], layer.weight)


def test_program_is_never_looked_at(tmp_path, net, genuine):
    changes = {"code/": b"this is no program", "constants.pkl": b"nor is this data"}
    broken = rewritten(genuine, changes)
    assert b"this is no program" in broken
    assert read(tmp_path, broken).keys() == net.state_dict().keys()


def test_handmade_module_is_read(tmp_path):
    weights = read(tmp_path, minimal(program(module(inner=module(w=tensor())))))
    assert weights.keys() == {"inner.w"}
    assert weights["inner.w"].tolist() == [1.0]


class Bomb:
    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


def bomb(victim):
    return pickle.dumps(Bomb(victim), protocol=2)


def test_call_in_place_of_the_module_is_refused_and_not_made(tmp_path):
    victim = tmp_path / "victim"
    with pytest.raises(CheckpointError, match=r"holds no module.*nothing in it was run"):
        read(tmp_path, minimal(bomb(victim)))
    assert not victim.exists()


def test_call_beside_the_weights_is_not_made(tmp_path):
    victim = tmp_path / "victim"
    weights = read(tmp_path, minimal(program(module(w=tensor(), x=bomb(victim)[2:-1]))))
    assert weights.keys() == {"w"}
    assert not victim.exists()


def test_call_in_place_of_the_stored_bytes_is_refused_and_not_made(tmp_path):
    victim = tmp_path / "victim"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + bomb(victim)[2:-1] + b"K\0))\x89NtR"
    with pytest.raises(CheckpointError, match="without stored bytes"):
        read(tmp_path, minimal(program(module(w=call))))
    assert not victim.exists()


def test_bomb_goes_off_when_unpickled_carelessly(tmp_path):
    """Show that the three tests above could fail."""
    pickle.loads(bomb(tmp_path / "victim"))
    assert (tmp_path / "victim").exists()


LOOP = OBJECT + b"q\0}(" + text("again") + b"h\0ub"
TWIN_LOOPS = OBJECT + b"q\0}(" + text("a") + b"h\0" + text("b") + b"h\0ub"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (LOOP, "nested without end"),
        (TWIN_LOOPS, "nested without end"),
        (b"}" + b")" + b"\x85" * 200_000 + b"Ns", "uses tuple as a key"),
        (b"]", "no module"),
        (module(w=tensor(strides=b"K\x09\x85", shape=b"K\x09\x85")), "out of bounds"),
        (module(w=tensor(elements=2)), "net.pt cannot be read"),
        (module(w=tensor(kind=b"QInt8Storage")), "a tensor of type torch QInt8Storage"),
        (b"\x8c\x01a", "SHORT_BINUNICODE, which torch never writes"),
        (b"\x8f", "EMPTY_SET, which torch never writes"),
        (b"}K\x01a", "fills in dict, no list"),
        (b"]}b", "fills in list, no _Object"),
        (b"K\x01\x87", "takes more values than it made"),
        (b"u", "net.pt cannot be read"),
        (module(), "not a state dict"),
    ],
)
def test_data_that_torch_never_writes_is_refused_with_the_reason(tmp_path, body, reason):
    with pytest.raises(CheckpointError, match=reason):
        read(tmp_path, minimal(program(body)))


def test_wide_view_of_few_bytes_is_refused(tmp_path):
    wide = tensor(shape=b"\x8a\x06\0\0\0\0\0\x01\x85", strides=b"K\0\x85")
    with pytest.raises(CheckpointError, match=r"takes 4,398,046,511,104 bytes"):
        read(tmp_path, minimal(program(module(w=wide))))


def test_missing_bytes_of_a_tensor_are_refused(tmp_path, genuine):
    with pytest.raises(CheckpointError, match=r"There is no item named '.+/data/3'"):
        read(tmp_path, rewritten(genuine, {"data/3": None}))


def test_big_endian_archive_is_refused(tmp_path, genuine):
    with pytest.raises(CheckpointError, match="byte order b'big', not little-endian"):
        read(tmp_path, rewritten(genuine, {"byteorder": b"big"}))


def test_overlong_program_is_refused_before_it_is_played(tmp_path, monkeypatch, genuine):
    monkeypatch.setattr(torchscript, "_LONGEST_PROGRAM_BYTES", 1000)
    with pytest.raises(CheckpointError, match="more than 1,000 bytes"):
        read(tmp_path, genuine)


def test_cut_off_program_is_refused(tmp_path):
    whole = program(module(w=tensor()))
    for kept in range(len(whole)):
        with pytest.raises(CheckpointError, match="nothing in it was run"):
            read(tmp_path, minimal(whole[:kept]))


def test_every_flipped_byte_of_the_program_is_survived(tmp_path):
    whole = program(module(w=tensor(), inner=module(v=tensor())))
    refused = 0
    for index in range(len(whole)):
        damaged = whole[:index] + bytes([whole[index] ^ 0x55]) + whole[index + 1 :]
        try:
            read(tmp_path, minimal(damaged))
        except CheckpointError:
            refused += 1
    assert refused > len(whole) // 2


def test_every_flipped_byte_of_the_archive_is_survived(tmp_path):
    whole = minimal(program(module(w=tensor())))
    refused = 0
    for index in range(len(whole)):
        damaged = whole[:index] + bytes([whole[index] ^ 0x55]) + whole[index + 1 :]
        try:
            read(tmp_path, damaged)
        except CheckpointError:
            refused += 1
    assert refused > len(whole) // 2
