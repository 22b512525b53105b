"""Plays the scenarios of tests/gui in windowed Blenders, and prints how it went.

    python -m tools.gui [--only SCENARIO …] [--without SCENARIO …] [--suite sid …] [--or-skip]

With BLENDER=/path/to/blender that one is used; without, those of Debian's suites are, which needs
Debian and root. Logs and screenshots stay under build/gui.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from blender_vfi.errors import VfiError

from .blenders import ROOT, SUITES, Blender, NoBlenderError, debian_blender, own_blender
from .preparation import build_zip, environment, install, make_footage

_TESTS = ROOT / "tests" / "gui"
_OUTPUT = ROOT / "build" / "gui"
_LIMIT_S = 900.0  # minutes where the machine has other work
_SMALL_WINDOW = ("--window-geometry", "0", "0", "1024", "640")
_IN_SMALL_WINDOW = {"smoothness"}  # without a GPU, the processor draws every pixel


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a scenario went in one Blender; without a failure, it went well."""

    failures: list[str]
    notes: list[str]
    duration_s: float


def main() -> int:
    """Play; return 1 if anything went wrong."""
    options = _parse()
    scenarios = [path for path in _scenarios(options.only) if path.stem not in options.without]
    blenders, missing = _find_blenders(options.suite)
    for reason in missing:
        words = "GUI tests: skipped, because" if options.or_skip else "No windowed Blender:"
        print(f"{words} {reason}", flush=True)
    if not blenders or (missing and not options.or_skip):
        return 0 if options.or_skip else 1
    make_footage(_OUTPUT / "footage")
    addon = build_zip(_OUTPUT)
    outcomes: dict[tuple[str, str], Outcome] = {}
    for blender in blenders:
        home = _OUTPUT / blender.title.split()[0]
        shutil.rmtree(home / "user", ignore_errors=True)
        install(blender, addon, home / "user")
        for scenario in scenarios:
            print(f"Blender {blender.title}: {scenario.stem} …", end=" ", flush=True)
            outcome = _play(blender, scenario, home)
            print(_word(outcome), flush=True)
            outcomes[scenario.stem, blender.title] = outcome
        shutil.rmtree(home / "user")
    _print_table([path.stem for path in scenarios], [item.title for item in blenders], outcomes)
    return 1 if any(outcome.failures for outcome in outcomes.values()) else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="SCENARIO",
        help="names of files in tests/gui/scenarios (default: all), or paths below this folder",
    )
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="SCENARIO", help="names of those not to play"
    )
    parser.add_argument("--suite", nargs="+", choices=SUITES, default=SUITES)
    parser.add_argument(
        "--or-skip",
        action="store_true",
        help="say which Blender this machine cannot have, and go on without it",
    )
    return parser.parse_args()


def _scenarios(only: list[str]) -> list[Path]:
    known = {path.stem: path for path in sorted((_TESTS / "scenarios").glob("*.py"))}
    chosen = [known.get(name, Path(name)) for name in only] or list(known.values())
    for path in chosen:
        if not path.is_file():
            raise SystemExit(f"There is no scenario {path}; there are {', '.join(known)}")
    return [path.resolve() for path in chosen]


def _find_blenders(suites: list[str]) -> tuple[list[Blender], list[str]]:
    """Return the Blenders that there are, and why others are not."""
    program = os.environ.get("BLENDER")
    found: list[Blender] = []
    missing: list[str] = []
    makers = (
        [lambda: own_blender(program)]
        if program
        else [lambda suite=suite: debian_blender(suite) for suite in suites]
    )
    for make in makers:
        try:
            found.append(make())
        except NoBlenderError as error:
            missing.append(str(error))
    return found, missing


def _play(blender: Blender, scenario: Path, home: Path) -> Outcome:
    """Play a scenario in a folder of its own, with an add-on that was just installed."""
    folder = home / scenario.stem
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copytree(_OUTPUT / "footage", folder, dirs_exist_ok=True)
    shutil.copytree(home / "user", folder / "user", symlinks=True)
    ended = blender.run_in_window(
        [
            *(_SMALL_WINDOW if scenario.stem in _IN_SMALL_WINDOW else ()),
            *("--enable-event-simulate", "--python", str(_TESTS / "play.py")),
            *("--", str(scenario), str(folder)),
        ],
        environment(folder / "user"),
        folder=folder,
        limit_s=_LIMIT_S,
    )
    shutil.rmtree(folder / "user")
    if ended.returncode != 0:
        return Outcome(failures=[ended.stderr.strip()], notes=[], duration_s=0.0)
    return _judge(folder)


def _judge(folder: Path) -> Outcome:
    """Read what the scenario said, and look for what it could not see."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    verdict_file = folder / "verdict.json"
    verdict = {"failure": "it came to no end", "notes": []}
    if verdict_file.exists():
        verdict = json.loads(verdict_file.read_text(encoding="utf-8"))
    log = (folder / "blender.log").read_text(encoding="utf-8", errors="replace")
    failures = [verdict["failure"]] if verdict["failure"] else []
    if result["code"] is None:
        failures.append(f"Blender was ended after {_LIMIT_S:g} s")
    elif result["code"] != 0 and not failures:
        failures.append(f"Blender ended with exit code {result['code']}")
    failures += [f"it left a process: {process}" for process in result["left"]]
    if "Traceback (most recent call last)" in log:
        failures.append("there is a traceback in the log")
    failures = [f"{failure} (see {folder.relative_to(ROOT)})" for failure in failures]
    return Outcome(failures=failures, notes=verdict["notes"], duration_s=result["duration_s"])


def _word(outcome: Outcome) -> str:
    return f"{'FAILED' if outcome.failures else 'ok'} {outcome.duration_s:.0f} s"


def _print_table(
    scenarios: list[str], blenders: list[str], outcomes: dict[tuple[str, str], Outcome]
) -> None:
    width = max(map(len, [*scenarios, "scenario"])) + 2
    titles = "".join(f"Blender {item}".ljust(24) for item in blenders)
    print("\n" + "scenario".ljust(width) + titles.rstrip())
    for scenario in scenarios:
        cells = [_word(outcomes[scenario, blender]).ljust(24) for blender in blenders]
        print(scenario.ljust(width) + "".join(cells).rstrip())
    for (scenario, blender), outcome in outcomes.items():
        for line in outcome.failures + outcome.notes:
            print(f"\n{scenario}, Blender {blender}: {line}", end="")
    print()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except VfiError as problem:
        sys.exit(f"The GUI tests cannot begin: {problem}")
