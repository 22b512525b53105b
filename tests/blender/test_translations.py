"""Every text has its German, and panels and reports come out in it.

The bpy module is built without languages, so its lookups are replaced by our dictionary here;
tests/gui/scenarios/german.py asks a whole Blender.
"""

import ast
import copy
import pickle
import re
import string
from types import SimpleNamespace

import bpy
import pytest

import blender_vfi
from blender_vfi import job_runner, translations
from blender_vfi.engine.protocol import Fetch, Progress, Stage
from blender_vfi.errors import StripError, VfiError
from blender_vfi.job_queue import JobState, QueuedJob
from blender_vfi.messages import message, translated, words_of
from blender_vfi.operators import queue
from blender_vfi.ui import texts
from tools import messages

pytestmark = pytest.mark.blender

MESSAGES = translations.BY_LANGUAGE["de_DE"]
SAME_IN_GERMAN = {
    *("Checkpoint", "Engine", "Ensemble", "Format", "Python", "{title}: {text}"),
    *("CRF", "Codec", "ProRes 422 HQ", "ProRes 4444"),
    *("DWAA", "DWAB", "LZW", "PIZ", "PackBits", "Pxr24", "RLE", "ZIP", "ZIPS"),
}


def german(text: str, context: str = "*") -> str:
    return MESSAGES.get((context, text), text)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def words(node: ast.expr) -> list[str]:
    """Return the words of an f-string, without what is filled in."""
    if not isinstance(node, ast.JoinedStr):
        return []
    parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
    return re.findall("[A-Za-z]{3,}", " ".join(parts))


def test_every_text_is_in_german_and_nothing_is_stale(add_on):
    wanted = messages.all_messages()
    assert len(wanted) > 300
    assert wanted - MESSAGES.keys() == set()
    assert MESSAGES.keys() - wanted == set()


@pytest.mark.parametrize("language", translations.BY_LANGUAGE)
def test_translations_have_the_fields_of_the_english(language):
    for (_, text), other in translations.BY_LANGUAGE[language].items():
        assert fields(other) == fields(text), text


def test_only_words_that_german_shares_stay_as_they_are():
    assert {text for (_, text), other in MESSAGES.items() if other == text} == SAME_IN_GERMAN
    assert all(other.strip() == other != "" for other in MESSAGES.values())


def test_labels_are_looked_up_as_operators_and_tooltips_are_not(add_on):
    wanted = messages.all_messages()
    assert ("Operator", "Interpolate Strip") in wanted
    assert (
        "*",
        "Make the frames between the frames of the selected image and movie strips",
    ) in wanted
    assert ("*", "How many frames each source frame becomes: 2 doubles the frame rate") in wanted
    assert ("*", "Frame {done} of {total}") in wanted
    assert ("*", "Slow Motion 4x") in wanted
    assert not any(text == "RIFE 4.25" for _, text in wanted)


def test_no_text_is_put_together_where_it_is_shown():
    """A translator could do nothing about it."""
    found = []
    for path in sorted(messages.PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            shown = [keyword.value for keyword in node.keywords if keyword.arg == "text"]
            if not isinstance(node.func, ast.Attribute):
                found += [(path.name, words(each)) for each in shown if words(each)]
                continue
            if node.func.attr == "report" and "operators" in path.parts:
                shown += node.args
            if node.func.attr == "poll_message_set":
                found += [arg for arg in node.args if not isinstance(arg, ast.Call)]
            found += [(path.name, words(each)) for each in shown if words(each)]
    assert found == [("preferences_page.py", ["Python"])]


def test_blender_is_told_of_the_languages_and_made_to_forget_them(add_on, monkeypatch):
    told = []
    blender = SimpleNamespace(
        register=lambda name, texts: told.append((name, list(texts))),
        unregister=lambda name: told.append((name, None)),
    )
    blender_vfi.unregister()
    monkeypatch.setattr(
        translations, "bpy", SimpleNamespace(app=SimpleNamespace(translations=blender))
    )
    blender_vfi.register()
    blender_vfi.unregister()
    monkeypatch.undo()
    blender_vfi.register()
    name = "blender_vfi.translations"
    assert told == [(name, ["de_DE"]), (name, None)]


def test_a_message_is_english_until_it_is_translated():
    text = message("{strip!r} is in scene {scene!r}", strip="a_x2", scene="Szene 1")
    assert text == "'a_x2' is in scene 'Szene 1'"
    assert translated(text, german) == "„a_x2“ ist in der Szene „Szene 1“"
    assert translated("Slow Motion", german) == "Zeitlupe"
    assert translated("", german) == ""


def test_messages_within_messages_are_translated_too():
    inner = message("On this machine now")
    assert translated(message("{title}: {text}", title="FILM", text=inner), german) == (
        "FILM: Jetzt auf diesem Rechner"
    )


@pytest.mark.parametrize("make", [copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))])
def test_copies_of_a_message_can_be_translated(make):
    assert translated(make(message("{time} left", time="42 s")), german) == "noch 42 s"


def test_an_error_says_in_german_what_it_was_raised_with():
    error = StripError("There is no scene {name!r}: choose among {scenes}.", name="x", scenes="'y'")
    assert str(error) == "There is no scene 'x': choose among 'y'."
    assert translated(words_of(error), german) == "Es gibt keine Szene „x“: zur Auswahl stehen 'y'."
    assert words_of(VfiError("{is} no field")) == "{is} no field"
    assert words_of(ValueError(3)) == "3"


def test_progress_is_told_in_german(monkeypatch):
    monkeypatch.setattr(texts, "iface_", german)
    job = QueuedJob(request=Fetch(job_id="a", model="film"), title="shot", state=JobState.RUNNING)
    assert texts.status_text([job]) == (
        "shot: Engine wird gestartet …. Esc über dem Sequenzer bricht ab"
    )
    job.stage = Stage(job_id="a", message="Looking for FILM")
    assert texts.progress_text(job) == "Looking for FILM"  # the engine speaks English
    job.note(
        Progress(
            job_id="a",
            frames_done=8,
            frames_total=23,
            frames_per_second=0.5,
            seconds_left=92.0,
            device_memory_bytes=0,
            host_memory_bytes=650_000_000,
            last_frame=None,
        )
    )
    assert texts.status_text([job, job]).startswith("shot: Bild 8 von 23, noch 1:32. ")


def test_reports_of_the_queue_are_german_and_its_messages_stay_english(monkeypatch, scene):
    reports = []
    job = QueuedJob(request=Fetch(job_id="a", model="film"), title="FILM")
    job.state = JobState.FINISHED
    monkeypatch.setattr(queue, "rpt_", german)
    monkeypatch.setattr(job_runner, "tick", lambda _context: list(job_runner._finish(job)))
    operator = SimpleNamespace(
        report=lambda level, text: reports.append((level, text)), _shown="", _tick=None
    )
    assert queue.SEQUENCER_OT_vfi_run_queue._tick(operator, bpy.context)
    assert reports == [({"INFO"}, "FILM: jetzt auf diesem Rechner")]
    assert job.message == "On this machine now"
