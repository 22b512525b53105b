"""What an artist should know about a job that goes on nevertheless, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..models.catalog_types import ModelSpec
from ..remedies import remedy
from .composition import ChannelLayout
from .gaps import describe_missing
from .image_formats import FrameFormat
from .inspection import show_the_same
from .job_spec import JobSpec
from .layered import LayeredLayout
from .movie_frames import movie_of
from .passes import Pass
from .schedule import Between, Plan

_MOST_LISTED = 5

VARYING_RATE = (
    "The movie's frame rate varies: new frames are made for their exact moments, from the pictures "
    "shown around them; pictures between those moments are not in the result."
)


def of_passes(
    layout: ChannelLayout | LayeredLayout, spec: ModelSpec, plan: Plan, steps: Sequence[int]
) -> Iterator[str]:
    """Say what one would otherwise find out in the compositor.

    Args:
        layout: what the frames' channels mean.
        spec: the model's catalog entry.
        plan: what is made.
        steps: for each pair, how many scene frames its frames are apart.
    """
    if spec.is_guided and not (isinstance(layout, LayeredLayout) and layout.has_guides):
        yield (
            "These frames have no Vector and Depth passes to be guided by: RIFE alone makes the "
            "new ones. Render multilayer EXR with both passes and without motion blur."
        )
    if not isinstance(layout, LayeredLayout):
        return
    held = layout.held_passes(spec)
    if held:
        yield (
            f"{spec.title} tells no motion for other passes to follow: {_titles(held)} of new "
            "frames are those of the nearer source frame. A RIFE, IFRNet or AMT model moves them."
        )
    vectors = [one for one in layout.passes if one.role == "vector"]
    if vectors and not _on_scene_frames(plan, steps):
        yield (
            f"{_titles(vectors)}: vectors of new frames are as long as the new frames are apart; "
            "source frames are copied as they are, with the vectors of theirs."
        )


def of_a_closed_loop(sources: Sequence[Path], frame_format: FrameFormat) -> Iterator[str]:
    """Say so where a cycle ends with its first frame: in a loop, it would stand still there."""
    first, last = sources[0], sources[-1]
    if show_the_same(first, last, frame_format):
        yield (
            f"{last.name} shows the same as {first.name}: in a loop, the picture stands still "
            "there; leave the last frame out, by trimming the strip or in a folder without it."
        )


def of_held_gaps(job: JobSpec, cuts: Iterable[int]) -> Iterator[str]:
    """Say which missing frames of a filled sequence are copies, because a cut was found there.

    Args:
        job: what is made.
        cuts: pairs of its source frames.
    """
    if job.cuts != "hold" or not isinstance(job.multiplier, tuple):
        return
    pairs = [pair for pair in cuts if job.multiplier[pair] > 1]
    if not pairs:
        return
    before = [Path(job.sources[pair]) for pair in pairs[:_MOST_LISTED]]
    after = [Path(job.sources[pair + 1]) for pair in pairs[:_MOST_LISTED]]
    copies = "; ".join(
        f"{describe_missing(frames)} of {frames[0].name}"
        for frames in zip(before, after, strict=True)
    )
    more = "; …" if len(pairs) > _MOST_LISTED else ""
    without = remedy(panel="Cuts: Off", terminal="--cuts off", python='cuts="off"')
    yield (
        f"Missing frames that are copies, not new, because a cut was found there: {copies}{more}. "
        f"Where the shot goes on, fill again with {without}."
    )


def of_changed_sources(sources: Sequence[Path], changed: Iterable[int], count: int) -> str:
    """Say which of `sources` have changed, and how many frames that makes anew."""
    indices = sorted(changed)
    movie = movie_of(sources[0])
    if movie is not None:
        return (
            f"{movie.name} has changed since this job was begun: {count} frame(s) are made again."
        )
    return (
        f"{len(indices)} source frame(s) have changed since this job was begun "
        f"({_names(sources, indices)}): {count} frame(s) made from them are made again."
    )


def of_added_sources(sources: Sequence[Path], added: Iterable[int], kept: int, count: int) -> str:
    """Say which of `sources` are new, and what of the frames that are there stays.

    Args:
        sources: all of the job.
        added: those that were not there before.
        kept: frames in the job's folder that stay as they are.
        count: those that are made again.
    """
    indices = sorted(added)
    again = f", and {count} made again beside new ones" if count else ""
    return (
        f"{len(indices)} source frame(s) have been added since this job was begun "
        f"({_names(sources, indices)}): {kept} frame(s) are kept{again}."
    )


def _names(sources: Sequence[Path], indices: Sequence[int]) -> str:
    more = ", …" if len(indices) > _MOST_LISTED else ""
    return ", ".join(sources[index].name for index in indices[:_MOST_LISTED]) + more


def _on_scene_frames(plan: Plan, steps: Sequence[int]) -> bool:
    """Tell whether new frames are one scene frame from the next, as vectors of rendered ones are.

    Renderers write vectors to the next frame of the scene, whatever the step of the render is.
    """
    return all(
        distance * steps[output.pair] == 1
        for index, output in enumerate(plan.outputs)
        if isinstance(output, Between)
        for distance in plan.spacing(index)
    )


def _titles(passes: Iterable[Pass]) -> str:
    return ", ".join(one.title for one in passes)
