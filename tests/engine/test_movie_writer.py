"""One movie file: closed whatever happens."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from blender_vfi.engine import movie_writer
from blender_vfi.engine.movie_codecs import find_codec
from blender_vfi.engine.movie_encoding import ColourTags
from blender_vfi.errors import OutputError

from .shots import format_of

pytestmark = pytest.mark.torch

FRAMES = format_of(np.zeros((64, 64, 3)), colour_space="sRGB")


class SoundThatFails:
    """Sound that cannot be added, or not be finished."""

    codecs = ()

    def __init__(self, *, is_added: bool) -> None:
        self._is_added = is_added

    def add_to(self, _target, _suffix):
        if not self._is_added:
            raise ValueError("no such sound")

    def mux_until(self, _target, _end_s):
        raise av.FFmpegError(5, "Input/output error")


@pytest.mark.parametrize("is_added", [True, False])
def test_movie_that_fails_at_its_beginning_or_end_is_closed(tmp_path, monkeypatch, is_added):
    opened, closed = [], []
    open_file = av.open

    class Watched:
        def __init__(self, *arguments, **keywords):
            self._container = open_file(*arguments, **keywords)
            opened.append(self)

        def __getattr__(self, name):
            return getattr(self._container, name)

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            self.close()

        def close(self):
            closed.append(self)
            self._container.close()

    monkeypatch.setattr(movie_writer.av, "open", Watched)
    with (
        pytest.raises(OutputError, match="cannot be written"),
        movie_writer.MovieWriter(
            tmp_path / "out.mkv",
            codec=find_codec("ffv1"),
            crf=None,
            rate=Fraction(24),
            frames=FRAMES,
            tags=ColourTags(),
            pixel_aspect=Fraction(1),
            sound=SoundThatFails(is_added=is_added),
            suffix=".mkv",
        ),
    ):
        pass
    assert closed == opened != []
