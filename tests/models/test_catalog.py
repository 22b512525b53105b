"""The catalog: what it lists, how names are found, and that it needs no torch."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from blender_vfi.errors import UnknownModelError
from blender_vfi.models import catalog
from blender_vfi.models.catalog import CATALOG
from blender_vfi.models.catalog_figures import figures_of

pytestmark = pytest.mark.plain

RELEASED = [
    *(f"4.{minor}" for minor in (*range(16), *range(17, 27))),
    *(f"4.{minor}.lite" for minor in (12, 13, 14, 15, 16, 17, 22, 25)),
    *("4.25.heavy", "4.26.heavy"),
]


def test_catalog_lists_every_released_rife_4_once():
    names = [spec.name for spec in CATALOG if spec.architecture == "rife" and not spec.is_guided]
    refined = [f"rife-4.{minor}.refine" for minor in range(5)]
    assert sorted(names) == sorted([*(f"rife-{version}" for version in RELEASED), *refined])


def test_every_name_and_every_stored_file_is_unique():
    assert len({spec.name for spec in CATALOG}) == len(CATALOG)
    own = [spec for spec in CATALOG if not spec.is_guided]
    stored = {(spec.architecture, spec.checkpoint.filename) for spec in own}
    assert len(stored) == len(own)


def test_guided_model_has_the_default_models_weights_and_terms():
    assert catalog.find("guided").checkpoint is catalog.find(catalog.DEFAULT_MODEL).checkpoint


def test_default_model_comes_first_and_has_a_source_and_a_hash():
    default = catalog.find(catalog.DEFAULT_MODEL)
    assert default is CATALOG[0]
    assert default.checkpoint.sources
    assert default.checkpoint.sha256
    assert default.checkpoint.licence.commercial


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_entry_is_complete(spec):
    assert spec.title
    assert spec.summary.endswith(".")
    assert re.fullmatch(r".+, \d{4}, (arXiv \d{4}\.\d{5}|AAAI)", spec.paper)
    assert spec.parameters > 0
    assert spec.context in (2, 4)
    assert spec.checkpoint.filename.endswith(".safetensors")
    assert spec.checkpoint.licence.url.startswith("https://")
    assert "." not in spec.architecture


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_published_hash_is_a_sha256(spec):
    checkpoint = spec.checkpoint
    if checkpoint.sha256 is not None:
        assert re.fullmatch(r"[0-9a-f]{64}", checkpoint.sha256)


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_licence_that_restricts_use_says_so(spec):
    licence = spec.checkpoint.licence
    assert licence.commercial == (licence.spdx in {"MIT", "Apache-2.0"})
    assert licence.holder


def test_amt_is_not_for_commercial_use():
    amt = [spec for spec in CATALOG if spec.architecture == "amt"]
    assert amt
    assert not any(spec.checkpoint.licence.commercial for spec in amt)


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_size_is_about_that_of_the_weights(spec):
    weights_bytes = spec.parameters * spec.checkpoint.bytes_per_weight
    # files of RIFE carry networks for training beside what is used
    assert 0.9 * weights_bytes < spec.about_bytes < 1.7 * weights_bytes


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.name)
def test_published_figures_are_plausible_and_name_their_source(spec):
    assert spec.figures == figures_of(spec.name)
    datasets = [figure.dataset for figure in spec.figures]
    assert len(set(datasets)) == len(datasets)
    for figure in spec.figures:
        assert 20 < figure.psnr_db < 45
        assert 0.8 < figure.ssim < 1
        assert figure.source


def test_harder_motion_has_lower_published_figures():
    for spec in CATALOG:
        by_dataset = {figure.dataset: figure for figure in spec.figures}
        degrees = [
            by_dataset[f"SNU-FILM {degree}"]
            for degree in ("Easy", "Medium", "Hard", "Extreme")
            if f"SNU-FILM {degree}" in by_dataset
        ]
        assert [figure.psnr_db for figure in degrees] == sorted(
            (figure.psnr_db for figure in degrees), reverse=True
        )


def test_models_released_without_figures_claim_none():
    claims = {spec.architecture for spec in CATALOG if spec.figures}
    assert not claims & {"rife", "gmfss"}
    assert "ifrnet" in claims


def test_find_returns_the_entry_of_that_name():
    spec = catalog.find("rife-4.22.lite")
    assert (spec.architecture, spec.variant, spec.title) == ("rife", "4.22.lite", "RIFE 4.22.lite")


def test_find_of_unknown_name_gives_the_nearest_and_where_all_are_listed():
    with pytest.raises(UnknownModelError) as raised:
        catalog.find("RIFE-4.25.light")
    message = str(raised.value)
    assert "'RIFE-4.25.light'" in message
    assert "Did you mean rife-4.25.lite, " in message
    assert f"python -m blender_vfi models lists all {len(CATALOG)}." in message
    assert sum(spec.name in message for spec in CATALOG) < 10


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("rife", "rife-4.25"),
        ("riff", "rife-4.25"),
        ("RIFE4.25", "rife-4.25"),
        ("rife-4.18x", "rife-4.18"),
        ("4.25", "rife-4.25"),
        ("flim", "film"),
        ("gmfss", "gmfss-union"),
        ("amt", "amt-s"),
    ],
)
def test_find_guesses_the_family_and_its_default_first(typed, first):
    with pytest.raises(UnknownModelError) as raised:
        catalog.find(typed)
    assert re.search(rf"Did you mean {re.escape(first)}[, ?]", str(raised.value))


def test_find_of_something_else_altogether_guesses_nothing():
    with pytest.raises(UnknownModelError) as raised:
        catalog.find("zzz")
    assert "Did you mean" not in str(raised.value)


def test_catalog_imports_neither_torch_nor_any_other_package():
    program = (
        "import sys; import blender_vfi.models.catalog as c; c.find('rife-4.6');"
        "foreign = {'torch', 'numpy', 'safetensors', 'huggingface_hub', 'filelock'};"
        "print(sorted(foreign & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_of_two_models_with_one_network_each_says_what_is_its_own():
    default, other = catalog.find(catalog.DEFAULT_MODEL), catalog.find("rife-4.26")
    assert default.variant == other.variant
    assert "comes with the add-on" in default.summary
    assert "given as a file" in other.summary
    assert other.checkpoint.sources == ()
