"""What the tab in the sidebar shows, drawn into a layout that takes notes."""

from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from blender_vfi import vse
from blender_vfi.engine.protocol import Fetch, Finished, Progress, Stage, Started
from blender_vfi.job_queue import JobState, QueuedJob, jobs
from blender_vfi.models import catalog, locations
from blender_vfi.ui import jobs_layout, model_info, panel, settings_layout, texts

pytestmark = pytest.mark.blender

GROUPS = (
    settings_layout.draw_output,
    settings_layout.draw_cuts,
    settings_layout.draw_quality,
    settings_layout.draw_device,
    settings_layout.draw_memory,
    settings_layout.draw_skipped,
)

FUNCTIONS = bpy.types.UILayout.bl_rna.functions
ICONS = set(FUNCTIONS["label"].parameters["icon"].enum_items.keys())


class Notes:
    """A layout that writes down what is drawn, and checks icons, operators and properties."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.buttons: list[SimpleNamespace] = []
        self.properties: list[str] = []

    def __getattr__(self, name: str) -> Any:
        assert name in FUNCTIONS, f"Blender's layouts have no {name}"

        def call(*arguments: Any, **options: Any) -> Any:
            known = set(FUNCTIONS[name].parameters.keys())
            assert options.keys() <= known
            assert options.get("icon", "NONE") in ICONS
            self.texts.append(options.get("text") or "")
            if name == "operator":
                module, _, operator = arguments[0].partition(".")
                assert operator in dir(getattr(bpy.ops, module))
                self.buttons.append(SimpleNamespace(idname=arguments[0]))
                return self.buttons[-1]
            if name == "prop":
                assert arguments[1] in arguments[0].bl_rna.properties
                self.properties.append(arguments[1])
            return self

        return call

    def button(self, idname: str) -> SimpleNamespace:
        [found] = [button for button in self.buttons if button.idname == idname]
        return found

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


@pytest.fixture
def context(scene):
    """A Sequencer's context; there is no window to have one."""
    return SimpleNamespace(
        scene=scene,
        sequencer_scene=scene,
        preferences=SimpleNamespace(
            system=SimpleNamespace(ui_scale=1.0), addons=bpy.context.preferences.addons
        ),
        region=SimpleNamespace(width=300),
        space_data=SimpleNamespace(view_type="SEQUENCER"),
    )


def draw(drawn, context) -> Notes:
    notes = Notes()
    drawn(notes, context)
    return notes


def draw_panel(cls, context) -> Notes:
    notes = Notes()
    cls.draw(SimpleNamespace(layout=notes), context)
    return notes


def download(state=JobState.WAITING, name="a") -> QueuedJob:
    return QueuedJob(request=Fetch(job_id=name, model="film"), title=f"job {name}", state=state)


def progress(**changes) -> Progress:
    values = {
        "job_id": "a",
        "frames_done": 8,
        "frames_total": 23,
        "frames_per_second": 0.5,
        "seconds_left": 92.0,
        "device_memory_bytes": 0,
        "host_memory_bytes": 650_000_000,
        "last_frame": None,
    }
    return Progress(**{**values, **changes})


def test_the_main_panel_has_what_every_job_needs(context, add_strip):
    add_strip(2)
    notes = draw_panel(panel.SEQUENCER_PT_vfi, context)
    assert notes.properties == ["model", "frames_by", "multiplier", "timing", "loop"]
    assert notes.button("sequencer.vfi_interpolate")
    assert "Interpolate Strip" in notes.texts


@pytest.mark.parametrize(
    ("timing", "shown"),
    [("SPEED_RAMP", ["speed", "timing"]), ("BAKE_RETIMING", ["timing"])],
)
def test_frames_with_times_of_their_own_ask_for_no_multiplier(context, scene, timing, shown):
    scene.blender_vfi.timing = timing
    notes = draw(settings_layout.draw_main, context)
    assert notes.properties == ["model", *shown, "loop"]


def test_the_main_panel_says_what_to_select(context):
    assert "Select an Image or Movie Strip" in draw_panel(panel.SEQUENCER_PT_vfi, context).texts


def test_several_selected_strips_are_named_as_such(context, add_strip, tmp_path):
    add_strip(2, folder=tmp_path / "one")
    add_strip(2, folder=tmp_path / "two", start=10)
    for strip in vse.all_strips(context.scene):
        strip.select = True
    assert "Interpolate Strips" in draw_panel(panel.SEQUENCER_PT_vfi, context).texts


def test_a_frame_rate_is_asked_for_where_it_decides(context):
    context.scene.blender_vfi.frames_by = "RATE"
    assert "target_rate" in draw(settings_layout.draw_main, context).properties


@pytest.mark.parametrize("drawn", GROUPS)
def test_every_group_of_settings_can_be_drawn(context, drawn):
    assert draw(drawn, context).properties


def test_every_setting_is_on_some_panel(context):
    # each for its own kind of job
    shown = {"target_rate", "speed", "seed", "guided_fill", "vector_step", "doubt_masks"}
    for drawn in (settings_layout.draw_main, *GROUPS):
        shown |= set(draw(drawn, context).properties)
    settings = context.scene.blender_vfi.bl_rna.properties.keys()
    groups = {"rna_type", "name", "skipped", "skipped_index", "half_render"}
    assert shown >= set(settings) - groups


@pytest.mark.parametrize("spec", catalog.CATALOG, ids=lambda spec: spec.name)
def test_every_model_shows_its_terms(context, spec, monkeypatch, tmp_path):
    monkeypatch.setattr(locations, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(locations, "shipped_folder", lambda: tmp_path)
    notes = Notes()
    model_info.draw_row(notes, context, spec, "")
    assert spec.checkpoint.licence.title in notes.texts
    allowed = "Commercial Use" if spec.checkpoint.licence.commercial else "No Commercial Use"
    assert allowed in notes.texts
    if spec.checkpoint.sources:
        assert notes.button("sequencer.vfi_download_model").model == spec.name
    else:
        assert "Choose Its Checkpoint File" in notes.texts
    terms = Notes()
    model_info.draw_terms(terms, spec)
    assert terms.button("wm.url_open").url == spec.checkpoint.licence.url


def test_a_stored_model_needs_no_download(context, monkeypatch, tmp_path):
    spec = catalog.find("film")
    monkeypatch.setattr(locations, "cache_folder", lambda: tmp_path)
    stored = locations.stored_path(tmp_path, spec)
    stored.parent.mkdir()
    stored.touch()
    notes = Notes()
    model_info.draw_row(notes, context, spec, "")
    assert "On This Machine" in notes.texts
    assert notes.buttons == []


def test_a_file_of_the_users_own_takes_the_place_of_the_models_terms(context):
    notes = Notes()
    model_info.draw_row(notes, context, catalog.find("film"), "/models/mine.pth")
    assert [text for text in notes.texts if text] == ["Your File: mine.pth"]
    assert notes.buttons == []


def test_a_model_that_is_not_known_here_can_be_replaced(context, monkeypatch):
    """A newer version has saved it: Blender finds no item of its number, and says ""."""
    settings = context.scene.blender_vfi
    settings["model"] = 12345
    assert settings.model == ""
    assert "model" in draw(settings_layout.draw_main, context).properties
    assert "flow_scale" in draw(settings_layout.draw_quality, context).properties


def test_a_running_job_shows_how_far_it_is(context):
    job = download(JobState.RUNNING)
    job.note(Started(job_id="a", frames_total=23, device="cuda:0", precision="fp16"))
    job.note(progress(device_memory_bytes=2_500_000_000))
    jobs.add([job, download(name="b"), download(name="c")])
    notes = draw(jobs_layout.draw, context)
    for text in (
        "Frame 8 of 23",
        "2.0 s per frame",
        "1:32 left",
        "GPU memory 2.5 GB",
        "cuda:0, fp16",
        "Cancel All",
    ):
        assert text in notes.texts
    assert [button.idname for button in notes.buttons].count("sequencer.vfi_job_move") == 4


def test_the_newest_frame_is_shown(context, tmp_path):
    job = download(JobState.RUNNING)
    job.note(progress(last_frame=str(tmp_path / "f.png")))
    jobs.add([job])
    notes = Notes()
    icons = []
    notes.template_icon = lambda icon, scale: icons.append((icon, scale))
    jobs_layout.draw(notes, context)
    assert len(icons) == 1


def test_a_failed_job_says_why_and_offers_its_details(context):
    job = download()
    job.fail("FrameError", "Frame 3 of the strip is damaged: " + "restore or re-render it. " * 4)
    jobs.add([job])
    notes = draw(jobs_layout.draw, context)
    assert "Frame 3 of the strip is damaged:" in " ".join(notes.texts)
    assert max(map(len, notes.texts)) < 60, "labels do not wrap by themselves"
    assert notes.button("sequencer.vfi_copy_details").job_id == "a"


def test_a_finished_job_shows_counts(context):
    job = download(JobState.RUNNING)
    done = Finished(
        job_id="a", frames_total=23, frames_made=11, duration_s=123.0, peak_memory_bytes=1
    )
    job.note(done)
    jobs.add([job])
    assert "23 frames, 11 new, 2:03" in draw(jobs_layout.draw, context).texts


def test_the_jobs_panel_is_there_where_there_are_jobs(context):
    assert not panel.SEQUENCER_PT_vfi_jobs.poll(context)
    jobs.add([download()])
    assert panel.SEQUENCER_PT_vfi_jobs.poll(context)


def test_the_tab_is_not_in_a_preview_alone(context):
    assert panel.SEQUENCER_PT_vfi.poll(context)
    context.space_data.view_type = "PREVIEW"
    assert not panel.SEQUENCER_PT_vfi.poll(context)


def test_the_status_bar_tells_of_the_running_job():
    job = download(JobState.RUNNING)
    assert texts.status_text([job]).startswith("job a: Starting the engine…")
    job.note(Stage(job_id="a", message="Downloading FILM", done=5_000_000, total=20_000_000))
    assert "Downloading FILM: 5.0 MB / 20.0 MB" in texts.status_text([job])
    job.note(progress())
    assert "Frame 8 of 23, 1:32 left, 1 more waiting" in texts.status_text(
        [job, download(name="b")]
    )
    job.cancelled_at_s = 0.0
    assert "Stopping…" in texts.status_text([job])
    assert texts.status_text([download(), download(JobState.FINISHED)]) == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-1, "0 s"), (42.4, "42 s"), (187, "3:07"), (3765, "1:02:45")],
)
def test_durations_are_written_as_people_do(seconds, expected):
    assert texts.clock(seconds) == expected
