"""The commands about models: `models` lists them, `download` brings a checkpoint here.

Neither torch nor bpy is imported here. The engine downloads, as it does for a job: its Python has
what it takes, and what it stores is what it will load.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from .cli_options import add_process_options
from .cli_progress import ProgressPrinter
from .cli_signals import end_on_signals
from .engine.client import EngineClient, raise_if_ended
from .engine.protocol import Cancelled, Event, Fetch, Fetched
from .errors import JobCancelledError, LicenceError
from .models import catalog, catalog_texts, locations
from .models.catalog_types import HubSource, ModelSpec, WheelSource

OpenClient = Callable[[str | None], EngineClient]
"""Gives the engine's client for the Python that `--engine-python` names, or for the usual one."""

_POLL_S = 0.05
_LEGEND = """\
moments: which moments between two frames it gives; halving is exact at powers of two, else even.
source "your own file": download the checkpoint from its authors and give it with --checkpoint.
here: whether the checkpoint lies on this machine."""


def add_models_commands(
    commands: Any,
    *,
    open_client: OpenClient,
    checkpoint_folder: Callable[[], Path | None] = lambda: None,
) -> None:
    """Add the commands `models` and `download`, which every command line has.

    Args:
        commands: what `add_subparsers` returned.
        open_client: gives the engine's client.
        checkpoint_folder: gives the folder of downloads; None for the usual one.
    """
    models = commands.add_parser(
        "models",
        help="list the models, their licences and where their checkpoints come from",
        description="Lists the catalog: one line for each model, by architecture.",
    )
    models.add_argument("--json", action="store_true", help="all that is known, for a program")
    models.set_defaults(run=lambda options: _list_models(options, checkpoint_folder()))
    download = commands.add_parser(
        "download",
        help="store a model's checkpoint on this machine, so that it works offline from then on",
        description="Stores the checkpoint of MODEL as a job would before it begins, verified by "
        "its hash. What a cancelled download has brought is kept, to go on from.",
    )
    download.add_argument("model", metavar="MODEL", help="a name that the models command lists")
    download.add_argument(
        "--accept-licence",
        action="store_true",
        help="accept terms that restrict what the weights may be used for",
    )
    add_process_options(download)
    download.set_defaults(run=lambda options: _download(options, open_client))


def fetch(
    client: EngineClient, request: Fetch, on_event: Callable[[Event], None] | None = None
) -> Fetched:
    """Have the engine store a checkpoint, blocking; an interrupt from the keyboard cancels it.

    A second interrupt is not waited with: it comes through as `KeyboardInterrupt`.

    Args:
        client: the engine's.
        request: which model.
        on_event: told every event of the request.

    Raises:
        LicenceError: the terms have to be accepted first.
        JobCancelledError: it was cancelled.
        VfiError: the reason why it failed, as the engine gave it.
    """
    client.request(request)
    is_interrupted = False
    while True:
        try:
            for event in client.poll():
                if getattr(event, "job_id", None) != request.job_id:
                    continue
                if on_event is not None:
                    on_event(event)
                if isinstance(event, Fetched):
                    return event
                if isinstance(event, Cancelled):
                    raise JobCancelledError(
                        "The download was cancelled; what has arrived is kept, to go on from."
                    )
                raise_if_ended(event)
            time.sleep(_POLL_S)
        except KeyboardInterrupt:
            if is_interrupted:
                raise
            is_interrupted = True
            client.cancel(request.job_id)


def _download(options: argparse.Namespace, open_client: OpenClient) -> int:
    spec = catalog.find(options.model)
    end_on_signals()
    client = open_client(options.engine_python)
    try:
        with ProgressPrinter(sys.stderr, quiet=options.quiet) as printer:
            try:
                fetched = fetch(client, _request(spec, options.accept_licence), printer.show)
            except LicenceError as error:
                if not _is_accepted_now(spec, error):
                    raise
                fetched = fetch(client, _request(spec, accept_licence=True), printer.show)
    finally:
        client.close()
    print(f"{spec.title} is at {fetched.path}")
    return 0


def _request(spec: ModelSpec, accept_licence: bool) -> Fetch:
    return Fetch(job_id=uuid.uuid4().hex, model=spec.name, accept_licence=accept_licence)


def _is_accepted_now(spec: ModelSpec, error: LicenceError) -> bool:
    """Ask somebody at a terminal whether the terms are accepted; nobody there means no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"\n{error}", file=sys.stderr)
    question = f"Accept {spec.checkpoint.licence.title} and download {spec.title}? [y/N] "
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _list_models(options: argparse.Namespace, checkpoint_folder: Path | None) -> int:
    if options.json:
        described = [_described(spec, checkpoint_folder) for spec in catalog.CATALOG]
        print(json.dumps(described, indent=2, ensure_ascii=False))
        return 0
    for line in _table(checkpoint_folder):
        print(line)
    print(f"\n{_LEGEND}")
    return 0


def _table(checkpoint_folder: Path | None) -> Iterator[str]:
    """Yield the lines of the list: a heading for each architecture, columns that stay in line."""
    header = ("model", "weights", "size", "moments", "licence", "commercial", "here", "source")
    rows = {spec.name: _row(spec, checkpoint_folder) for spec in catalog.CATALOG}
    cells = (header, *rows.values())
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def aligned(row: tuple[str, ...], last: str) -> str:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        return "  ".join(("", *padded, last)).rstrip()

    yield aligned(header, "choose it for")
    for architecture, specs in groupby(catalog.CATALOG, key=lambda spec: spec.architecture):
        yield f"\n{catalog_texts.family(architecture)}"
        for spec in specs:
            yield aligned(rows[spec.name], spec.summary)


def _row(spec: ModelSpec, checkpoint_folder: Path | None) -> tuple[str, ...]:
    return (
        spec.name,
        f"{spec.parameters / 1e6:.1f} M",
        catalog_texts.size(spec),
        catalog_texts.moments(spec),
        spec.checkpoint.licence.title,
        catalog_texts.commercial(spec),
        "yes" if locations.find_file(spec, checkpoint_folder) else "no",
        catalog_texts.source(spec),
    )


def _described(spec: ModelSpec, checkpoint_folder: Path | None) -> dict[str, Any]:
    """Return what is known of a model, as JSON has it."""
    path = locations.find_file(spec, checkpoint_folder)
    licence = spec.checkpoint.licence
    return {
        "name": spec.name,
        "architecture": spec.architecture,
        "variant": spec.variant,
        "title": spec.title,
        "summary": spec.summary,
        "paper": spec.paper,
        "parameters": spec.parameters,
        "timesteps": spec.timesteps,
        "fixed_multiplier": spec.fixed_multiplier,
        "context": spec.context,
        "pad_multiple": spec.pad_multiple,
        "smallest_side": spec.smallest_side,
        "kept_side": spec.kept_side,
        "half_precision": spec.half_precision,
        "yields_flow": spec.yields_flow,
        "flow_scale": spec.flow_scale,
        "ensemble": spec.ensemble,
        "draws_noise": spec.draws_noise,
        "is_guided": spec.is_guided,
        "size_bytes": spec.checkpoint.size_bytes,
        "sha256": spec.checkpoint.sha256,
        "licence": {
            "spdx": licence.spdx,
            "holder": licence.holder,
            "url": licence.url,
            "commercial": licence.commercial,
        },
        "sources": [_described_source(source) for source in spec.checkpoint.sources],
        "figures": [
            {
                "dataset": figure.dataset,
                "psnr_db": figure.psnr_db,
                "ssim": figure.ssim,
                "source": figure.source,
                "remark": figure.remark,
            }
            for figure in spec.figures
        ],
        "path": str(path) if path else None,
    }


def _described_source(source: HubSource | WheelSource) -> dict[str, str]:
    if isinstance(source, HubSource):
        return {
            "kind": "hugging-face",
            "repo_id": source.repo_id,
            "filename": source.filename,
            "revision": source.revision,
        }
    return {
        "kind": "python-index",
        "distribution": source.distribution,
        "version": source.version,
        "member": source.member,
    }
