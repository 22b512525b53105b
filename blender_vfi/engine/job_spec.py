"""What a job is: everything that decides which frames are made, and how.

Standard library alone: Blender's process imports this.
"""

from __future__ import annotations

import typing
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ..errors import RequestError
from ..models import catalog
from . import cadence, rates, schedule, times
from .limits import (
    check_cut_threshold,
    check_free_memory_limit,
    check_seed,
    check_tile_size,
    check_vector_step,
)
from .movie_codecs import CodecName, check_movie
from .storage import Compression, Depth, Storage

Precision = Literal["auto", "fp32", "fp16", "bf16"]
Cuts = Literal["hold", "blend", "off"]

Duplicates = Literal["keep", "retime"]
BadFrames = Literal["fail", "hold", "blend"]
BusyDevice = Literal["wait", "cpu", "share"]

GuidedFill = Literal["model", "mix"]

CUTS: tuple[str, ...] = typing.get_args(Cuts)
DUPLICATES: tuple[str, ...] = typing.get_args(Duplicates)
BAD_FRAMES: tuple[str, ...] = typing.get_args(BadFrames)
BUSY_DEVICE: tuple[str, ...] = typing.get_args(BusyDevice)
GUIDED_FILLS: tuple[str, ...] = typing.get_args(GuidedFill)
DEFAULT_CUT_THRESHOLD = 0.2
PRECISIONS: tuple[str, ...] = typing.get_args(Precision)
DEFAULT_MULTIPLIER = 2
DEFAULT_DIGITS = 4
_MOST_DIGITS = 20
FLOW_SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
OUTPUT_SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".exr", ".dpx", ".tga", ".bmp", ".hdr")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """Everything that decides what a job makes: enough to run it on another machine.

    Attributes:
        job_id: unique among the jobs of one engine.
        sources: source frames in order, absolute paths.
        output_dir: absolute path; made when missing, never the folder of a source.
        name_prefix: output frame i is called name_prefix + number + suffix.
        first_number: number of the first output frame.
        number_digits: least digits of a number in a name; shorter ones begin with zeros.
        suffix: output format by its suffix; one of `OUTPUT_SUFFIXES`.
        multiplier: one for all pairs, or one for each pair.
        rate_ratio: in place of a multiplier, the output's frame rate divided by the source's, as
            numerator and denominator: (5, 2) makes 60 frames a second of 24.
        times: in place of both, the moment that each output frame shows, in source frames counted
            from 0, as whole numbers and fractions ("12", "25/2"); see `times.plan_at`.
        skip_pairs: pairs without in-between frames; None for none.
        keep_pairs: the only pairs with in-between frames; None for all.
        hold_skipped: hold a frame in the place of what a skipped pair would have got.
        loop: make frames between the last source frame and the first too, for cyclic animation.
        cuts: what stands in the place of in-between frames where the strip cuts: the earlier frame
            held, both blended, or, with "off", what the model makes of them. Cuts are found in the
            frames, which changes neither number nor names of output frames.
        cut_threshold: difference, above 0 to 1, from which on two frames belong to two shots; 1
            finds no cuts beside `cut_pairs`.
        cut_pairs: pairs that are known to be cuts; None for none.
        duplicates: frames that show the same picture as the one before, as in animation on twos:
            "keep" takes them for frames like all others, "retime" spreads the drawings evenly over
            the same time.
        model: name in the catalog.
        checkpoint: path of a checkpoint to use in place of the catalog's; None for the catalog's.
        device: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu"; several GPUs of one kind share the
            job, as "cuda:0,cuda:1", or "all-gpus" for all.
        busy_device: where another job has the GPU, wait for it, run on the CPU, or share it; of
            several GPUs, "cpu" goes on with those that are free.
        precision: "auto" takes fp16 where device and model allow it.
        flow_scale: see `models.interface.Quality`.
        ensemble: likewise.
        compiles: whether the model is compiled for the frames' size, which takes a minute or more
            before the first frame; see `models.compiling`.
        clear_cache_every: pairs between two clearings of the device's cache.
        tile_size: longest side in pixels of the tiles that large frames are made in, about; 0 for
            whole frames, and tiles only where memory runs out.
        free_memory_limit_gb: device memory that must be free, in units of 2^30 bytes, before
            another model is loaded; models kept from earlier jobs go until it is.
        half_when_full: where the device's memory runs out although frames are made in the smallest
            tiles, go on in half precision, if the model is safe in it.
        cpu_when_full: go on on the CPU where that does not help either.
        seed: see `models.interface.Quality`.
        bad_frames: what becomes of a new frame for which the model's answer is infinite or no
            number, in fp32 too: the job fails, the frame before is held, or both are blended.
        guided_fill: what a guided model does where the renderer's vectors know nothing: "model"
            asks its network, "mix" mixes the two frames and needs no weights.
        vector_step: how many frames of their scene rendered frames are apart:
            vectors reach from one scene frame to the next; 0 takes the numbers in their names.
        doubt_masks: whether guided models write a picture of the error to expect for each new
            frame, into the folder vfi_doubt beside the frames.
        check_free_space: refuse to begin, and stop, where the disk has no room for the frames.
        overwrite: replace files that lie under an output frame's name.
        link_sources: give source frames that keep their format a second name, a hard link, rather
            than copy them, where both folders are on one disk that has links. Whoever then edits
            one of the two in place has edited the other.
        depth: see `storage.Storage`.
        compression: likewise.
        quality: likewise.
        movie: path of a movie to put the finished frames into, absolute; None for none.
        codec: of the movie; see `movie_codecs.CODECS`.
        movie_crf: constant rate factor of the movie, lower is better; None for the codec's usual.
        movie_rate: frames a second of the movie, as numerator and denominator.
        movie_sound: whether the movie gets the sound of the source, where that is a movie and the
            time stays.
    """

    job_id: str
    sources: tuple[str, ...]
    output_dir: str
    name_prefix: str
    suffix: str
    first_number: int = 1
    number_digits: int = DEFAULT_DIGITS
    multiplier: int | tuple[int, ...] = DEFAULT_MULTIPLIER
    rate_ratio: tuple[int, ...] | None = None
    times: tuple[str, ...] | None = None
    skip_pairs: tuple[int, ...] | None = None
    keep_pairs: tuple[int, ...] | None = None
    hold_skipped: bool = False
    loop: bool = False
    cuts: Cuts = "hold"
    cut_threshold: float = DEFAULT_CUT_THRESHOLD
    cut_pairs: tuple[int, ...] | None = None
    duplicates: Duplicates = "keep"
    model: str = "rife-4.25"
    checkpoint: str | None = None
    device: str = "auto"
    busy_device: BusyDevice = "wait"
    precision: Precision = "auto"
    flow_scale: float = 1.0
    ensemble: bool = False
    compiles: bool = False
    clear_cache_every: int = 10
    tile_size: int = 0
    free_memory_limit_gb: float = 4.0
    half_when_full: bool = False
    cpu_when_full: bool = False
    seed: int = 0
    bad_frames: BadFrames = "fail"
    guided_fill: GuidedFill = "model"
    vector_step: int = 0
    doubt_masks: bool = False
    check_free_space: bool = True
    overwrite: bool = False
    link_sources: bool = False
    depth: Depth = "source"
    compression: Compression = "auto"
    quality: int = 0
    movie: str | None = None
    codec: CodecName = "prores-hq"
    movie_crf: int | None = None
    movie_rate: tuple[int, ...] | None = None
    movie_sound: bool = True

    @property
    def storage(self) -> Storage:
        """Depth and compression of the files."""
        return Storage(depth=self.depth, compression=self.compression, quality=self.quality)

    @property
    def ratio(self) -> Fraction | None:
        """The output's frame rate divided by the source's; None where multipliers say it.

        Raises:
            RequestError: `rate_ratio` is out of range.
        """
        return None if self.rate_ratio is None else rates.ratio_from_pair(self.rate_ratio)

    @property
    def frames_a_second(self) -> Fraction | None:
        """The rate of the movie that is made; None where none is said."""
        return None if self.movie_rate is None else rates.rate_from_pair(self.movie_rate)

    @property
    def finds_cuts(self) -> bool:
        """Whether cuts are looked for in the frames."""
        return self.cuts != "off" and self.cut_threshold < 1

    @property
    def inspects_frames(self) -> bool:
        """Whether the frames are looked at before any is made."""
        return self.finds_cuts or self.duplicates == "retime"

    def plan(self) -> schedule.Plan:
        """Plan the output sequence; both processes get the same one, and so the same names.

        What is found in the frames is not in it: see `plan_for`.
        """
        if self.times is not None:
            planned = times.plan_at(
                len(self.sources),
                [times.parse_time(text) for text in self.times],
                skip=self.skip_pairs,
                keep=self.keep_pairs,
                loop=self.loop,
            )
        else:
            planned = schedule.plan(
                len(self.sources),
                self.multiplier if self.ratio is None else self.ratio,
                skip=self.skip_pairs,
                keep=self.keep_pairs,
                hold_skipped=self.hold_skipped,
                loop=self.loop,
            )
        return self.plan_for(planned, self.cut_pairs or ())

    def plan_for(
        self, planned: schedule.Plan, cuts: Collection[int], duplicates: Collection[int] = ()
    ) -> schedule.Plan:
        """Return `planned` with cuts and duplicates treated as the settings say."""
        if cuts and self.cuts != "off":
            planned = schedule.with_cuts(planned, cuts, dissolves=self.cuts == "blend")
        if duplicates and self.duplicates == "retime":
            planned = cadence.retimed(planned, duplicates)
        return planned

    def frame_name(self, output_index: int) -> str:
        """Name of the output frame at `output_index` (from 0)."""
        number = f"{self.first_number + output_index:0{self.number_digits}d}"
        return f"{self.name_prefix}{number}{self.suffix}"

    def check(self) -> None:
        """Raise an error for the first setting that is out of range; no file is touched.

        Raises:
            UnknownModelError: no model of the catalog is called so.
            RequestError: another setting.
        """
        catalog.find(self.model)
        check_engine_settings(self.precision, self.flow_scale, self.clear_cache_every)
        check_tile_size(self.tile_size)
        check_free_memory_limit(self.free_memory_limit_gb)
        check_seed(self.seed)
        check_vector_step(self.vector_step)
        _check_choice("Guided fill", self.guided_fill, GUIDED_FILLS)
        _check_choice("Cuts", self.cuts, CUTS)
        _check_choice("Duplicates", self.duplicates, DUPLICATES)
        _check_choice("Bad frames", self.bad_frames, BAD_FRAMES)
        _check_choice("Busy device", self.busy_device, BUSY_DEVICE)
        check_cut_threshold(self.cut_threshold)
        self._check_cut_pairs()
        _check_choice("Output format", self.suffix, OUTPUT_SUFFIXES)
        self.storage.check(self.suffix)
        if self.first_number < 0:
            raise RequestError(f"First frame number {self.first_number}: must be 0 or more.")
        if not 1 <= self.number_digits <= _MOST_DIGITS:
            raise RequestError(
                f"{self.number_digits} digits in a frame's number: must be from 1 to "
                f"{_MOST_DIGITS}."
            )
        if not Path(self.output_dir).is_absolute():
            raise RequestError(
                f"Output folder {self.output_dir!r}: must be an absolute path; in Blender, // may "
                "stand for the folder of the .blend."
            )
        if "/" in self.name_prefix or "\\" in self.name_prefix or "\0" in self.name_prefix:
            raise RequestError(
                f"Name prefix {self.name_prefix!r}: must not contain a slash; choose the folder "
                "with the output folder setting."
            )
        self._check_one_pace()
        if self.movie is not None:
            check_movie(self.movie, self.codec, self.movie_crf, self.frames_a_second)
        self.plan()

    def _check_one_pace(self) -> None:
        given = {
            f"multiplier {self.multiplier}": self.multiplier != DEFAULT_MULTIPLIER,
            f"rate ratio {self.rate_ratio}": self.rate_ratio is not None,
            f"{len(self.times or ())} times": self.times is not None,
        }
        paces = [name for name, is_given in given.items() if is_given]
        if len(paces) > 1:
            raise RequestError(
                f"{' and '.join(paces).capitalize()}: give one of them, since each decides alone "
                "which frames are made."
            )

    def _check_cut_pairs(self) -> None:
        last = len(self.sources) - (1 if self.loop else 2)
        outside = [pair for pair in self.cut_pairs or () if not 0 <= pair <= last]
        if outside:
            raise RequestError(
                f"Cut in pair {outside[0]}: {len(self.sources)} frames have the pairs 0 to {last}; "
                "a cut between frames i and i + 1, counted from 0, is in pair i."
            )
        if self.cut_pairs and self.cuts == "off":
            raise RequestError(
                f"Cuts in {len(self.cut_pairs)} pair(s) and cuts off: choose hold or blend, which "
                "say what shall be there."
            )


def check_engine_settings(precision: str, flow_scale: float, clear_cache_every: int) -> None:
    """Raise `RequestError` for the first of these settings of a `JobSpec` that is out of range."""
    _check_choice("Precision", precision, PRECISIONS)
    _check_choice("Flow scale", flow_scale, FLOW_SCALES)
    if not isinstance(clear_cache_every, int) or not 1 <= clear_cache_every <= 1000:
        raise RequestError(
            f"Clear cache every {clear_cache_every} pairs: must be a whole number from 1 to 1000."
        )


def _check_choice(what: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        listed = ", ".join(str(choice) for choice in choices)
        raise RequestError(f"{what} {value}: must be one of {listed}.")
