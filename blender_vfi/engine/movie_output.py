"""A job's finished frames put into a movie: after the last frame, from the files on disk.

The frames stay in the job's folder. So a job that was stopped goes on where it was, whether frames
or the movie were being written, and only the movie is made again where its codec is another one.
The movie has its final name once it is whole; what made it is recorded beside the frames.
Needs PyAV; torch and bpy are never imported here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import OutputError, RequestError
from ..remedies import how_to_overwrite
from . import durable, images, movies
from .image_formats import FrameFormat
from .job_record import names_of
from .job_spec import JobSpec
from .movie_codecs import find_codec
from .movie_encoding import ColourTags
from .movie_frames import index_of, movie_of
from .movie_pixels import MATRICES, UNSPECIFIED
from .movie_sound import SoundCopy
from .movie_writer import MovieWriter, sound_codecs_of
from .quantisation import Pixels
from .rates import nearest_frame
from .wire import job_to_json

_RECORD_NAME = ".vfi_movie.json"
_FRAMES_AHEAD = 4
_READERS = 2
_BITS_KEPT = {"uint8": 8, "uint10": 10, "uint12": 12}


class MovieOutput:
    """The movie that a job makes of its frames.

    Args:
        job: with a movie.
        frames: format of its source frames.

    Raises:
        RequestError: the movie cannot hold such frames or the source's sound.
        OutputError: a file of that name is there, and is not this job's.
    """

    def __init__(self, job: JobSpec, frames: FrameFormat) -> None:
        assert job.movie is not None
        self.path = Path(job.movie)
        self._job = job
        self._key = names_of(job_to_json(job))
        self._frames = frames
        self._codec = find_codec(job.codec)
        self._first = Path(job.sources[0])
        self._source = movie_of(self._first)
        self._sound = self._part_with_sound()
        self._check_frames()
        self._check_sound()
        self._check_place()

    def notices(self) -> Iterator[str]:
        """Say what the movie will not have of the frames, although it is made."""
        title = self._codec.title
        if self._frames.is_linear:
            yield (
                f"Movie {self.path.name} shows scene-linear frames as a screen does: light is "
                "clipped at 1 and gets sRGB's curve, without a view transform; the frames keep "
                "all of it."
            )
        elif _BITS_KEPT.get(self._frames.pixel_type, 16) > self._codec.bits:
            yield (
                f"{title} stores {self._codec.bits} bits of each component, and the frames have "
                "more; they keep them."
            )
        if self._job.movie_sound and self._source is not None and self._sound is None:
            yield (f"Movie {self.path.name} gets no sound: it does not play at the source's speed.")

    def write(
        self,
        folder: Path,
        *,
        on_frame: Callable[[int], None],
    ) -> bool:
        """Put the frames in `folder` into the movie, unless it is there and made of just these.

        Args:
            folder: of the job's frames, all of them whole.
            on_frame: told how many are in; what it raises ends the work, and leaves no movie.

        Returns:
            Whether it was written.

        Raises:
            OutputError: it cannot be.
        """
        names = [self._job.frame_name(index) for index in range(len(self._job.plan().outputs))]
        paths = [folder / name for name in names]
        made_from = self._made_from(paths)
        record = self._record(folder)
        if (record.get("made_from"), record.get("movie")) == (
            made_from,
            durable.stamp_if_there(self.path),
        ):
            return False
        partial = self.path.with_name(f".{self.path.stem}.partial{self.path.suffix}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)  # not through a link that waits there
            self._encode(paths, partial, on_frame)
            # before the movie has its name: one without a record would be taken for another's
            self._write_record(
                folder,
                {
                    "made_from": made_from,
                    "movie": durable.stamp_if_there(partial),
                    "former": durable.stamp_if_there(self.path),
                },
            )
            durable.publish(partial, self.path)
        except OSError as error:
            raise OutputError(
                f"Movie {self.path} cannot be written ({error.strerror or error}): check free "
                "space and permissions; the frames are kept."
            ) from error
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        return True

    def _encode(
        self, paths: Sequence[Path], partial: Path, on_frame: Callable[[int], None]
    ) -> None:
        header = images.read_frame(paths[0]).header
        rate = self._job.frames_a_second
        assert rate is not None
        with contextlib.ExitStack() as stack:
            sound = stack.enter_context(SoundCopy(**self._sound)) if self._sound else None
            writer = stack.enter_context(
                MovieWriter(
                    partial,
                    codec=self._codec,
                    crf=self._job.movie_crf,
                    rate=rate,
                    frames=header.format,
                    tags=self._tags(),
                    pixel_aspect=_pixel_aspect(header),
                    sound=sound,
                    suffix=self.path.suffix.lower(),
                )
            )
            for done, pixels in enumerate(_read_ahead(paths), start=1):
                writer.write(pixels)
                on_frame(done)
            for _ in range(self._held_at_the_end(len(paths))):
                writer.write(pixels)

    def _held_at_the_end(self, frame_count: int) -> int:
        """Return how often the last frame comes again, to last as long as in the source."""
        whole = nearest_frame(len(self._job.sources) * Fraction(_frames_a_source(self._job)))
        return max(whole - frame_count, 0)

    def _tags(self) -> ColourTags:
        """Return the source movie's, as far as it has any that we write."""
        if self._source is None:
            return ColourTags()
        first = movies.reader_of(self._first).first
        matrix = int(first.colorspace)
        if first.format.is_rgb or (matrix not in MATRICES and matrix != UNSPECIFIED):
            return ColourTags()
        return ColourTags(
            matrix=matrix, primaries=int(first.color_primaries), transfer=int(first.color_trc)
        )

    def _part_with_sound(self) -> dict[str, Any] | None:
        """Return what part of the source's sound belongs to the movie; None for none."""
        if self._source is None or not self._job.movie_sound:
            return None
        index = movies.index_of_movie(self._source)
        frames = [index_of(Path(source)) for source in self._job.sources]
        in_order = frames == list(range(frames[0], frames[0] + len(frames)))
        if not in_order or self._job.frames_a_second != index.rate * _frames_a_source(self._job):
            return None
        begin_s = index.times[0] * index.time_base + frames[0] / index.rate
        return {
            "movie": self._source,
            "begin_s": begin_s,
            "end_s": begin_s + len(frames) / index.rate,
            "is_from_start": frames[0] == 0,
        }

    def _check_frames(self) -> None:
        if self._frames.is_multilayer:
            raise RequestError(
                f"Movie {self.path.name} of frames with several passes: a movie shows one picture; "
                "leave the movie out, and make one of the composited frames."
            )
        if self._frames.alpha_channel is not None and not self._codec.keeps_alpha:
            raise RequestError(
                f"Movie {self.path.name} in {self._codec.title}: alpha would be lost; choose "
                "prores-4444 or ffv1."
            )
        across, down = self._codec.chroma
        if self._frames.width % across or self._frames.height % down:
            raise RequestError(
                f"Movie {self.path.name} of {self._frames.width}×{self._frames.height} in "
                f"{self._codec.title}: width must be a multiple of {across} and height of {down}; "
                "choose prores-4444 or ffv1, or crop the frames."
            )

    def _check_sound(self) -> None:
        if self._sound is None:
            return
        with SoundCopy(**self._sound) as sound:
            known = sound_codecs_of(self.path.suffix.lower())
            missing = [name for name in sound.codecs if name not in known]
        if missing:
            raise RequestError(
                f"Movie {self.path.name}: {self.path.suffix} files cannot hold the source's sound, "
                f"{missing[0]}, as it is; choose .mkv or .mov, or leave the sound out."
            )

    def _check_place(self) -> None:
        stamp = durable.stamp_if_there(self.path)
        if stamp and self._source is not None and self.path.samefile(self._source):
            raise OutputError(
                f"Movie {self.path} is the source itself: choose another name, so that it can "
                "never be overwritten."
            )
        record = self._record(Path(self._job.output_dir))
        is_own = stamp in (record.get("movie"), record.get("former"))
        if stamp and not is_own and not self._job.overwrite:
            raise OutputError(
                f"{self.path} exists already, and was not made by this very job: choose another "
                f"name, or allow overwriting ({how_to_overwrite()})."
            )

    def _write_record(self, folder: Path, record: dict[str, Any]) -> None:
        """Note what made the movie, beside the notes of other jobs with frames in the folder."""
        durable.write_json(folder / _RECORD_NAME, {**_records(folder), self._key: record})

    def _record(self, folder: Path) -> dict[str, Any]:
        record = _records(folder).get(self._key)
        return record if isinstance(record, dict) else {}

    def _made_from(self, paths: Sequence[Path]) -> dict[str, Any]:
        stamps = repr([(path.name, durable.stamp_if_there(path)) for path in paths])
        return {
            "movie": str(self.path),
            "codec": self._job.codec,
            "crf": self._job.movie_crf,
            "rate": list(self._job.movie_rate or ()),
            "sound": None if self._sound is None else str(self._sound),
            "frames": hashlib.sha256(stamps.encode()).hexdigest(),
        }


def _records(folder: Path) -> dict[str, Any]:
    """Return what made the movies of a folder's jobs, by the names of their frames."""
    try:
        records = json.loads((folder / _RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return records if isinstance(records, dict) else {}


def _frames_a_source(job: JobSpec) -> Fraction | int:
    """Return how many frames a source frame becomes where time stays; 0 where it does not."""
    if job.times is not None or job.loop:
        return 0
    if job.ratio is not None:
        return job.ratio
    shrinks = (job.skip_pairs is not None or job.keep_pairs is not None) and not job.hold_skipped
    return 0 if shrinks or not isinstance(job.multiplier, int) else job.multiplier


def _read_ahead(paths: Sequence[Path]) -> Iterator[Pixels]:
    """Decode frames in order, some of them ahead."""
    coming: deque[Future[images.Frame]] = deque()
    with ThreadPoolExecutor(_READERS, thread_name_prefix="vfi-movie") as pool:
        try:
            for done in range(len(paths)):
                ahead = paths[done + len(coming) : done + _FRAMES_AHEAD]
                coming.extend(pool.submit(images.read_frame, path) for path in ahead)
                yield coming.popleft().result().pixels
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _pixel_aspect(header: images.FrameHeader) -> Fraction:
    aspect = header.spec.get_float_attribute("PixelAspectRatio", 1.0)
    return Fraction(aspect).limit_denominator(1000) if aspect > 0 else Fraction(1)
