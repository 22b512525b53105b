"""`python -m blender_vfi download` with a real engine, from a hub on loopback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from blender_vfi.models import amt, catalog, locations
from blender_vfi.models.state_dicts import read_state_dict

from .golden_data import load_manifest, recipe_weights
from .models.hub_server import serving

pytestmark = pytest.mark.torch

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def weights():
    return recipe_weights(load_manifest("amt_s"))


@pytest.fixture
def hub(weights):
    buffer = io.BytesIO()
    torch.save({"state_dict": weights}, buffer)
    with serving() as server:
        server.files["lalala125/AMT/amt-s.pth"] = buffer.getvalue()
        yield server


def download(hub, folder, *arguments):
    """Run the command line in a process of its own: exit code, standard output and error."""
    environment = {
        **os.environ,
        "BLENDER_VFI_PYTHON": sys.executable,
        locations.FOLDER_VARIABLE: str(folder),
        locations.OFFLINE_VARIABLE: "0",
        "HF_ENDPOINT": hub.url,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "blender_vfi", "download", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_restricted_weights_arrive_once_their_terms_are_accepted(hub, weights, tmp_path):
    code, told, shown = download(hub, tmp_path, "amt-s")
    assert (code, told) == (5, "")
    assert "AMT-S are licensed CC-BY-NC-4.0" in shown
    assert "download amt-s --accept-licence" in shown
    assert hub.requests == []

    code, told, shown = download(hub, tmp_path, "amt-s", "--accept-licence")
    path = locations.stored_path(tmp_path, catalog.find("amt-s"))
    assert (code, told) == (0, f"AMT-S is at {path}\n"), shown
    assert "Downloading AMT-S: " in shown
    stored, expected = read_state_dict(path), amt.normalise_state_dict(weights)
    assert stored.keys() == expected.keys()
    assert all(torch.equal(stored[key], tensor) for key, tensor in expected.items())


def test_checkpoint_that_is_here_needs_no_terms_and_no_network(hub, tmp_path):
    assert download(hub, tmp_path, "amt-s", "--accept-licence")[0] == 0
    hub.requests.clear()
    code, told, _ = download(hub, tmp_path, "amt-s", "--quiet")
    assert code == 0
    assert told.startswith("AMT-S is at ")
    assert hub.requests == []
