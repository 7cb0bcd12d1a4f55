"""The examples of README and the pages run and show no secret, and their links have targets."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import matplotlib.pyplot as plt
import pytest

from scripts.check_site import sandbox_secrets, shows_secret
from tests.support.documents import DOCUMENTS, PAGES, ROOT, Document, name_of, run
from toolkit.auth.keys import add_profile
from toolkit.panels import base

# CONTRIBUTING.md is left out: its code blocks are quotations.
WITH_CODE = [path for path in (ROOT / "README.md", *PAGES) if Document(path).blocks("python")]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder and a configuration for the examples, removed afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLKIT_CONFIG", str(tmp_path / "config"))
    level = logging.getLogger("toolkit").level
    yield tmp_path
    logging.getLogger("toolkit").setLevel(level)
    plt.close("all")
    for panel in list(base._open.values()):
        panel.close()


def add_profiles(document: Document) -> None:
    """Add the profiles that its examples open."""
    for name in sorted(set(re.findall(r"toolkit\.Link\(\"(\w+)\"", document.text))):
        add_profile(name, key="k" * 63 + "1", secret="s" * 63 + "1")


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("path", WITH_CODE, ids=name_of)
def test_the_examples_of_a_document_run_and_show_no_secret(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    document = Document(path)
    add_profiles(document)
    ran = run(document)
    assert not shows_secret(ran.shown + "".join(capfd.readouterr()), sandbox_secrets())


def test_documents_with_examples_are_found() -> None:
    assert {"README.md", "docs/index.md"} <= {name_of(path) for path in WITH_CODE}


@pytest.mark.usefixtures("reader")
def test_a_secret_that_an_example_shows_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nimport toolkit\nlink = toolkit.demo()\n'x' + link.sandbox.secret\n```\n", "utf-8"
    )
    assert shows_secret(run(Document(page)).shown, sandbox_secrets())


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_the_links_of_a_document_have_targets(path: Path) -> None:
    broken = []
    for link in Document(path).links():
        if link.startswith("https://"):
            continue
        target, _, anchor = unquote(link).partition("#")
        found = (path.parent / target).resolve() if target else path
        if not found.exists() or (anchor and anchor not in Document(found).anchors()):
            broken.append(link)
    assert broken == []


def test_a_link_without_a_target_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A *page*, and\n\n[there](page.md#a-page-and) [not](gone.md)\n\n```md\n[](x)\n```\n", "utf-8"
    )
    assert Document(page).links() == ["page.md#a-page-and", "gone.md"]
    assert Document(page).anchors() == {"a-page-and"}


def test_pages_are_found() -> None:
    assert len(PAGES) > 20
