import sys
import threading
import time

import pytest

from blender_vfi.engine.background import Control, Task, remove_tree
from blender_vfi.errors import EngineSetupError, JobCancelledError

pytestmark = pytest.mark.plain

SLEEPER = [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(60)"]


def test_a_task_gives_what_its_work_gave():
    task = Task(lambda _control: 42, name="test")
    assert task.wait(5.0)
    assert task.result() == 42


def test_a_task_raises_what_its_work_raised():
    def work(_control: Control) -> None:
        raise EngineSetupError("no")

    task = Task(work, name="test")
    assert task.wait(5.0)
    with pytest.raises(EngineSetupError, match="no"):
        task.result()


def test_a_cancel_ends_the_program_that_the_work_waits_for():
    is_up = threading.Event()
    task = Task(lambda control: control.run(SLEEPER, lambda _line: is_up.set()), name="test")
    assert is_up.wait(20.0)
    began = time.monotonic()
    task.cancel()
    assert task.wait(10.0)
    assert time.monotonic() - began < 5.0
    assert task.is_cancelling
    with pytest.raises(JobCancelledError):
        task.result()


def test_a_cancelled_control_starts_no_program():
    control = Control()
    control.cancel()
    lines: list[str] = []
    with pytest.raises(JobCancelledError):
        control.run(SLEEPER, lines.append)
    assert lines == []


def test_a_program_s_lines_and_exit_code_come_back():
    lines: list[str] = []
    script = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"
    assert Control().run([sys.executable, "-c", script], lines.append) == 3
    assert sorted(lines) == ["one", "two"]


def test_the_progress_of_a_download_is_the_size_of_its_file(tmp_path):
    control = Control()
    control.report(
        "Downloading torch", 0.1, download=(tmp_path, "a.whl"), total_bytes=100, span=0.5
    )
    assert control.progress.done_bytes == 0
    (tmp_path / "pip-unpack-1").mkdir()
    (tmp_path / "pip-unpack-1" / "a.whl").write_bytes(b"x" * 30)
    assert (control.progress.done_bytes, control.progress.total_bytes) == (30, 100)
    assert control.progress.factor == pytest.approx(0.25)
    control.report("Installing torch", 0.2)
    assert control.progress.total_bytes == 0


def test_removing_a_tree_that_is_not_there_is_no_error(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove_tree(tmp_path / "a")
    remove_tree(tmp_path / "a")
    assert not (tmp_path / "a").exists()
