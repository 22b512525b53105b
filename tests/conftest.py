"""What every test gets: the package, and an environment without the machine's own settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))  # where the package is not installed

_CHECKPOINTS = REPOSITORY / "build" / "checkpoints"


@pytest.fixture(autouse=True)
def isolated_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    """Keep the user's cache and the network out of tests, and of the engines that they start."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("BLENDER_VFI_CHECKPOINTS", str(_CHECKPOINTS))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("BLENDER_VFI_READER", "")  # a command line run in here says otherwise


@pytest.fixture(scope="session")
def checkpoint_folder() -> Path:
    """The folder that engines load the default model from, filled from `make weights`."""
    from blender_vfi.models import catalog, loading, store  # torch, which plain tests do without

    spec = catalog.find(catalog.DEFAULT_MODEL)
    if store.find_stored(_CHECKPOINTS, spec) is None:
        weights = Path(os.environ.get("BLENDER_VFI_TEST_WEIGHTS", REPOSITORY / "build" / "weights"))
        published = weights / f"{spec.name}.pkl"
        if not published.is_file():
            pytest.fail(f"{published} is missing: run `make weights` to fetch it")
        loading.import_checkpoint(spec, published, _CHECKPOINTS)
    return _CHECKPOINTS
