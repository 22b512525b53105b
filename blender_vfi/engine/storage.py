"""How new files are stored, where a job does not leave that to their sources.

Standard library alone: both processes check it before a job starts.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Literal

from ..errors import RequestError

Depth = Literal["source", "8", "10", "12", "16", "half", "float"]
Compression = Literal[
    "auto", "none", "best", "rle", "zip", "zips", "piz", "pxr24", "b44", "b44a", "dwaa",
    "dwab", "lzw", "packbits", "lossless", "lossy",
]  # fmt: skip

DEPTHS: tuple[str, ...] = typing.get_args(Depth)
COMPRESSIONS: tuple[str, ...] = typing.get_args(Compression)

_COMPRESSIONS_OF = {
    ".png": ("none", "best"),
    ".tif": ("none", "lzw", "zip", "packbits"),
    ".exr": ("none", "rle", "zip", "zips", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"),
    ".tga": ("none", "rle"),
    ".webp": ("lossless", "lossy"),
}
LOSSY_COMPRESSIONS = frozenset({"pxr24", "b44", "b44a", "dwaa", "dwab", "lossy"})
HIGHEST_QUALITY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Depth and compression of new files.

    Attributes:
        depth: bits of an integer, "half" or "float"; "source" for that of the source.
        compression: one that the format has; "auto" for the source's own, or else a usual one.
        quality: of JPEG and lossy WebP, 1 to 100; 0 for 95.
    """

    depth: Depth = "source"
    compression: Compression = "auto"
    quality: int = 0

    @property
    def is_packed_as_source(self) -> bool:
        """Whether files of the same format and depth can stay as they are."""
        return self.compression == "auto" and self.quality == 0

    def check(self, suffix: str) -> None:
        """Raise `RequestError` for what files with `suffix` do not have."""
        if self.depth not in DEPTHS:
            raise RequestError(f"Depth {self.depth}: must be one of {', '.join(DEPTHS)}.")
        possible = ("auto", *_COMPRESSIONS_OF.get(suffix, ()))
        if self.compression not in possible:
            raise RequestError(
                f"Compression {self.compression} for {suffix}: must be one of "
                f"{', '.join(possible)}."
            )
        is_whole = isinstance(self.quality, int) and not isinstance(self.quality, bool)
        if not is_whole or not 0 <= self.quality <= HIGHEST_QUALITY:
            raise RequestError(
                f"Quality {self.quality}: must be a whole number from 1 to {HIGHEST_QUALITY}, or 0 "
                "for the usual one."
            )
        is_lossy = suffix == ".jpg" or (suffix == ".webp" and self.compression == "lossy")
        if self.quality and not is_lossy:
            raise RequestError(
                f"Quality {self.quality} for {suffix}: only .jpg has one, and .webp with "
                "compression lossy; leave it at 0."
            )


AS_SOURCE = Storage()
