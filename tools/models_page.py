"""Writes docs/models.md from the catalog and from what the benchmarks found.

python -m tools.models_page
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks import results_file
from benchmarks.quality import BLENDING
from blender_vfi.models import catalog, catalog_texts
from blender_vfi.models.catalog_types import Figure, ModelSpec

from .pages import machine_in_words, table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "models.md"

# what somebody needs, the first model to try, and why; models that the catalog lacks are left out
_CHOICES = (
    ("most material, fast", "rife-4.25", "comes in the zip; any moment, alpha, scene-linear light"),
    ("the least time and memory", "rife-4.25.lite", "a smaller 4.25, for previews"),
    ("very large motion, or photographs", "film", "searches far, and fills in what was hidden"),
    ("sharp detail, private work", "amt-g", "compares all pixels with all; **no commercial use**"),
    ("drawn animation", "gmfss-union", "made for flat colours and long jumps; slow"),
    ("the fewest weights", "ifrnet", "a small network that is even everywhere"),
    ("motion blur, and paths that curve", "flavr-2x", "looks at four frames, without flow"),
    ("detail where no motion can be found", "tlbvfi", "makes it up by diffusion; very slow"),
    ("the highest published figures", "ema-vfi", "attention between the two frames; heavy"),
)

_PADDING = {
    "constant": "black",
    "replicate": "the pixels at the edge",
    "reflect": "the picture mirrored at the edge",
}

_INTRODUCTION = """\
# Models

What each model is for, what it takes, and on which terms. `python -m blender_vfi models` prints the
catalog's part of this, and tells what is on your machine.

<!-- Made by `make docs` from blender_vfi/models/catalog*.py and benchmarks/results: edit those. -->
"""

_NOTES = """\
## How a model gets to a moment

- **Any moment**: the network is told the moment, and makes it directly. All frames of a pair come
  from one search for motion, or from as many as fit in memory.
- **Any moment, by recursion**: the network is told the moment too, but was trained at the middle:
  the moment nearest to the middle is made first, and serves as a source for those beside it. Exact.
- **The middle, others by halving**: the network knows only the middle between two frames; halving
  again and again leads to the others. Exact at multipliers of 2, 4, 8, …; elsewhere each frame
  stands for the nearest point of a finer grid, and the job says how far off that is.
- **Fixed moments**: the network makes all of an evenly spaced set in one call, and can give no
  others: a job that asks for others is refused before any work.

## Padding, alpha and light

Sides are padded at the right and the bottom to what the network needs, as its reference does, and
cut off again: the lists below say to which multiple and with what. A flow scale below 1 needs
larger multiples, and gets them.

Models that tell the motion they found carry alpha and scene-linear light along with it, so that
values above 1 stay what they are. The others yield finished pictures; *Pictures* in
[the architecture](architecture.md#pictures) says what that means for such frames.

## Files of your own

Models whose source is *your own file* are on their authors' drives, which no program can fetch
from. Download the file there, leave it as it is, and name it: as *Checkpoint* in the panel, or with
`--checkpoint FILE` on either command line. Where the authors publish several files, give the folder
that holds them. A file is recognised by the shapes of its tensors, whatever it is called; nothing
in it is executed.

Downloads are kept in `~/.cache/blender_vfi/checkpoints`, or in `$BLENDER_VFI_CHECKPOINTS`, under
the architecture's name (on Windows in `%LOCALAPPDATA%`, on macOS in `~/Library/Caches`).
`python -m blender_vfi download NAME` brings one ahead of time. Blender, a terminal and `make addon`
share that folder, so that what one has fetched the others find. Where another one is chosen in
Blender's *Preferences*, give it to a terminal as `BLENDER_VFI_CHECKPOINTS`; `python -m blender_vfi
models` shows what is there. The model inside the zip is found by the add-on that was installed from
it, also with `blender -c vfi`.
"""


def main() -> int:
    """Write the page; return the exit code."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(catalog.CATALOG)} models")
    return 0


def page() -> str:
    """Return the page as it must be."""
    measured = _measured_by_name(results_file.read(results_file.MODELS))
    parts = [_INTRODUCTION, _choices(measured), _NOTES, _measurements(measured)]
    quality = results_file.read(results_file.QUALITY)
    if quality:
        parts.append(_quality(quality))
    for architecture, group in groupby(catalog.CATALOG, key=lambda spec: spec.architecture):
        parts.append(_section(architecture, list(group), measured))
    return "\n".join(parts)


def _measured_by_name(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: found for found in results.values() for name in found["stands_for"]}


def _choices(measured: dict[str, dict[str, Any]]) -> str:
    names = {spec.name for spec in catalog.CATALOG}
    rows = [
        (
            need,
            f"[`{name}`](#{_anchor(catalog.find(name).architecture)})",
            reason,
            catalog_texts.commercial(catalog.find(name)),
            catalog_texts.source(catalog.find(name)),
            _seconds(measured.get(name)),
        )
        for need, name, reason in _CHOICES
        if name in names
    ]
    header = ("for", "try", "because", "commercial use", "source", "s per frame")
    return "## Choose by need\n\n" + table(header, rows)


def _measurements(measured: dict[str, dict[str, Any]]) -> str:
    """Say how the times and the memory in the tables came about."""
    if not measured:
        return "## Times\n\nNone have been measured: run `python -m benchmarks.models`.\n"
    machines = sorted({machine_in_words(found) for found in measured.values()})
    text = (
        "## Times and memory\n\n"
        "*s per frame* is the time for one new frame of 1280×720 in fp32 on the CPU, without\n"
        "files and loading; *memory* is the most that the process ever held. Models with the same\n"
        "network have the same figures. `python -m benchmarks.models` made them: on\n"
        f"{'; '.join(machines)}.\n"
    )
    if any(results_file.is_disturbed(found) for found in measured.values()):
        text += "\\* beside other work on the machine: slower than the model is.\n"
    return text


def _quality(quality: dict[str, Any]) -> str:
    results = quality["results"]
    base = results[BLENDING]["psnr_db"]
    rows = [
        (
            "blending the two frames" if name == BLENDING else f"`{name}`",
            f"{found['psnr_db']:.2f} dB",
            "" if name == BLENDING else f"{found['psnr_db'] - base:+.2f} dB",
            f"{found['ssim']:.4f}",
        )
        for name, found in results.items()
    ]
    return (
        "## Against the truth\n\n"
        "Every second frame of a film was hidden and made from its neighbours, with the published\n"
        f"weights. Means over {len(quality['frames'])} hidden frames of 1280×720\n"
        f"({quality['footage']}), by `python -m benchmarks.quality`, {quality['date']}:\n\n"
        + table(("made by", "PSNR", "gain", "SSIM"), rows)
        + "\nHigher is closer. A film is one film: on drawings, GMFSS's own ground, the order is "
        "another.\n"
    )


def _section(
    architecture: str, specs: Sequence[ModelSpec], measured: dict[str, dict[str, Any]]
) -> str:
    """Return the part about one architecture."""
    papers = list(dict.fromkeys(spec.paper for spec in specs))
    lines = [
        f"## {catalog_texts.family(architecture)}\n",
        *(f"Paper: {paper}." for paper in papers),
        "",
        _variants(specs, measured),
        *_limits(specs),
    ]
    figures = _figures(specs)
    return "\n".join([*lines, "", figures] if figures else [*lines, ""])


def _variants(specs: Sequence[ModelSpec], measured: dict[str, dict[str, Any]]) -> str:
    """Return a table with a line for each network, source and reach."""
    lines: dict[tuple[str, ...], list[ModelSpec]] = {}
    for spec in specs:
        lines.setdefault(_line(spec, measured), []).append(spec)
    header = ("model", "moments", "weights", "size", "licence", "commercial", "source")
    rows = [
        (f"{_names(members)}<br>{members[0].summary}", *line[1:]) for line, members in lines.items()
    ]
    return table((*header, "s per frame", "memory"), rows)


def _line(spec: ModelSpec, measured: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Return what models must have in common to share a line."""
    licence = spec.checkpoint.licence
    found = measured.get(spec.name)
    return (
        f"{spec.variant} {spec.summary}",
        _moments(spec),
        f"{spec.parameters / 1e6:.1f} M",
        catalog_texts.size(spec),
        f"[{licence.title}]({licence.url})",
        "yes" if licence.commercial else "**no**",
        catalog_texts.source(spec),
        _seconds(found),
        f"{found['peak_memory_bytes'] / 1e9:.1f} GB" if found else "–",
    )


def _names(specs: Sequence[ModelSpec]) -> str:
    return ", ".join(f"`{spec.name}`" for spec in specs)


def _moments(spec: ModelSpec) -> str:
    if spec.timesteps == "fixed":
        steps = [f"{step}/{spec.fixed_multiplier}" for step in range(1, spec.fixed_multiplier)]
        return "fixed: " + ", ".join(steps)
    return catalog_texts.moments(spec)


def _seconds(found: dict[str, Any] | None) -> str:
    if found is None:
        return "–"
    mark = "\\*" if results_file.is_disturbed(found) else ""
    return f"{found['seconds_per_frame']:.1f}{mark}"


def _limits(specs: Sequence[ModelSpec]) -> Iterator[str]:
    """Yield what the networks need of a frame and give beside it."""
    multiples = sorted({spec.pad_multiple for spec in specs})
    smallest = max(spec.smallest_side for spec in specs)
    kept = max(spec.kept_side for spec in specs)
    yield (
        f"- Sides are padded to multiples of {' or '.join(map(str, multiples))}"
        f"{', by version,' if len(multiples) > 1 else ''} with {_PADDING[specs[0].pad_mode]}"
        f"{f', and to {smallest} at least' if smallest > multiples[-1] else ''}"
        f"{f'; {kept} stays as it is' if kept else ''}."
    )
    moves = {spec.yields_flow for spec in specs}
    yield "- " + (
        "Tells the motion: alpha and scene-linear light follow it."
        if moves == {True}
        else "Yields finished pictures, without motion."
    )
    if any(spec.context > 2 for spec in specs):
        yield f"- Looks at {specs[0].context} frames; at the ends of a sequence they are mirrored."
    half = {spec.half_precision for spec in specs}
    yield "- Half precision is safe." if half == {True} else "- Full precision (fp32) alone."
    if any(spec.draws_noise for spec in specs):
        yield "- Draws noise: the same *Seed* makes the same frames."
    ensemble = [spec for spec in specs if spec.ensemble]
    if len(ensemble) == len(specs):
        yield "- *Ensemble* averages both directions of time, at twice the work."
    elif ensemble:
        yield "- *Ensemble* averages both directions of time, in versions before 4.21."


def _figures(specs: Sequence[ModelSpec]) -> str:
    """Return a table of published results, empty where there are none."""
    known = [spec for spec in specs if spec.figures]
    datasets = list(dict.fromkeys(f.dataset for spec in known for f in spec.figures))
    if not datasets:
        return ""
    same: dict[tuple[Figure, ...], list[ModelSpec]] = {}
    for spec in known:
        same.setdefault(spec.figures, []).append(spec)
    rows = []
    for figures, members in same.items():
        cells = {figure.dataset: f"{figure.psnr_db:.2f} / {_ssim(figure)}" for figure in figures}
        sources = dict.fromkeys(
            f"{figure.source}{f' ({figure.remark})' if figure.remark else ''}" for figure in figures
        )
        results = [cells.get(dataset, "–") for dataset in datasets]
        rows.append((_names(members), *results, "; ".join(sources)))
    return table(("PSNR dB / SSIM, as published", *datasets, "read in"), rows)


def _ssim(figure: Figure) -> str:
    """Write an SSIM with its three or four places."""
    return f"{figure.ssim:.4f}".removesuffix("0")


def _anchor(architecture: str) -> str:
    return catalog_texts.family(architecture).lower().replace(" ", "-")


if __name__ == "__main__":
    sys.exit(main())
