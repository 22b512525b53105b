"""Links between the documents, and to their pictures, lead somewhere."""

import re
from pathlib import Path

import pytest

from blender_vfi.engine import torch_builds

pytestmark = pytest.mark.plain

_ROOT = Path(__file__).resolve().parents[1]
_DOCUMENTS = sorted([*_ROOT.glob("*.md"), *(_ROOT / "docs").glob("*.md")])
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(document):
    for link in _links(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


def test_every_page_is_linked_from_another():
    linked = {
        (document.parent / link.partition("#")[0]).resolve()
        for document in _DOCUMENTS
        for link in _links(document)
    }
    assert set((_ROOT / "docs").glob("*.md")) <= linked


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_the_read_me_has_the_engine_s_sizes_as_the_code_does(system):
    readme = " ".join((_ROOT / "README.md").read_text(encoding="utf-8").split())
    for build in torch_builds.builds_for(system, "x86_64" if system == "linux" else "arm64"):
        sizes = f"{build.download_bytes / 1e9:g} and {build.disk_bytes / 1e9:g}"
        assert re.search(rf"{build.title}[\w ]* {re.escape(sizes)}\b", readme), build.title


def test_every_picture_is_shown_somewhere():
    text = "".join(document.read_text(encoding="utf-8") for document in _DOCUMENTS)
    for picture in (_ROOT / "docs" / "images").iterdir():
        assert f"images/{picture.name})" in text, picture.name


def _links(document: Path) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return [link for link in _LINK.findall(text) if "://" not in link]


def _anchors(document: Path) -> set[str]:
    """Return the names that headings get: small letters and hyphens."""
    headings = _HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
