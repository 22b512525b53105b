"""Feeds damaged files to what reads files, in a process of its own that may die.

    python -m tests.faults.fuzzing images|checkpoints FOLDER SEED SECONDS

The file that is being read lies in FOLDER as `current`, so that it is there when the process has
died of it. At the end, the process prints how many were read and how many were refused, as JSON.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

_MOST_MEMORY = 12 << 30
_PATIENCE_S = 20
_SUFFIXES = (".png", ".jpg", ".tif", ".exr", ".dpx", ".tga", ".bmp", ".hdr", ".webp")
_EXTREMES = (
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\0\0\x75\x30",
    b"\x30\x75\0\0",
)


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Damage a file as disks and attackers do; mostly near its beginning, where sizes stand."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        if len(data) < 8:
            break
        end = min(len(data), draw.choice((64, 512, len(data))))
        at = draw.randrange(end)
        kind = draw.randrange(6)
        if kind == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at] = draw.randrange(256)
        elif kind == 2:
            data[at : at + 4] = draw.choice(_EXTREMES)
        elif kind == 3:
            del data[draw.randrange(len(data)) :]
        elif kind == 4:
            data[at:at] = data[at : at + draw.randrange(1, 64)]
        else:
            del data[at : at + draw.randrange(1, 16)]
    return bytes(data)


def run(
    originals: dict[str, bytes],
    read: Callable[[Path], object],
    refusals: tuple[type[Exception], ...],
    folder: Path,
    draw: random.Random,
    seconds: float,
) -> dict[str, int]:
    """Read damaged copies of `originals` until the time is over; only `refusals` may be raised."""
    count = {"read": 0, "refused": 0}
    names = sorted(originals)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        name = draw.choice(names)
        current = folder / f"current{Path(name).suffix}"
        current.write_bytes(mutated(originals[name], draw))
        signal.alarm(_PATIENCE_S)  # ends the process: what hangs is found as what crashes
        try:
            read(current)
        except refusals:
            count["refused"] += 1
        else:
            count["read"] += 1
        signal.alarm(0)
    return count


def fuzz_images(folder: Path, draw: random.Random, seconds: float) -> dict[str, int]:
    """Damage pictures of every format that is read."""
    from blender_vfi.engine import images
    from blender_vfi.errors import FrameError

    def read(path: Path) -> None:
        images.read_format(path)
        images.read_frame(path)

    return run(dict(_pictures(folder)), read, (FrameError,), folder, draw, seconds)


def fuzz_checkpoints(folder: Path, draw: random.Random, seconds: float) -> dict[str, int]:
    """Damage checkpoints of every format, some of which would run code when read carelessly."""
    import pickle

    import torch
    from safetensors.torch import save

    from blender_vfi.errors import CheckpointError
    from blender_vfi.models import state_dicts

    from ..models import toy
    from ..models.test_state_dicts import Bomb

    weights = toy.published_weights()
    bomb = {"conv.weight": Bomb(folder / "victim"), **weights}
    script = folder / "script.pt"
    torch.jit.save(torch.jit.trace(torch.nn.Linear(3, 2), torch.zeros(1, 3)), script)
    originals = {
        "a.pth": toy.as_pickle(weights),
        "b.pth": toy.as_pickle(weights, _use_new_zipfile_serialization=False),
        "c.safetensors": save({name: tensor.contiguous() for name, tensor in weights.items()}),
        "d.pt": script.read_bytes(),
        "e.pth": toy.as_pickle(bomb),
        "f.pth": toy.as_pickle(bomb, _use_new_zipfile_serialization=False),
        "g.pkl": pickle.dumps(bomb, protocol=2),
    }

    def read(path: Path) -> None:
        state_dicts.read_state_dict(path, largest_bytes=1 << 26)
        assert not (folder / "victim").exists(), "something in a checkpoint was run"

    counts = run(originals, read, (CheckpointError,), folder, draw, seconds)
    assert not (folder / "victim").exists(), "something in a checkpoint was run"
    return counts


def _pictures(folder: Path) -> Iterator[tuple[str, bytes]]:
    from ..engine import image_files

    codes = image_files.random_codes(8, 3, size=(20, 24))
    floats = image_files.random_floats(3, size=(20, 24))
    for suffix in _SUFFIXES:
        path = folder / f"whole{suffix}"
        image_files.save(path, floats if suffix in (".exr", ".hdr") else codes)
        yield path.name, path.read_bytes()
    deep = folder / "deep.png"
    image_files.save(deep, image_files.random_codes(16, 4, size=(20, 24)))
    yield deep.name, deep.read_bytes()


if __name__ == "__main__":
    _, what, place, seed, limit_s = sys.argv
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    fuzz = {"images": fuzz_images, "checkpoints": fuzz_checkpoints}[what]
    print(json.dumps(fuzz(Path(place), random.Random(int(seed)), float(limit_s))))  # noqa: T201
