"""The documentation is whole before it is built: `make docs` builds it, and checks what came out."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

import toolkit
from scripts.check_site import problems
from tests.support.documents import DOCS, PAGES, ROOT, Document

DOCUMENTS = {path: Document(path) for path in PAGES}


def named(directive: str) -> list[str]:
    """The arguments of a directive on all pages."""
    return [argument for document in DOCUMENTS.values() for argument in document.arguments(directive)]


def test_every_page_is_in_one_table_of_contents() -> None:
    entries = [entry.resolve() for document in DOCUMENTS.values() for entry in document.entries()]
    assert sorted(entries) == sorted(path.resolve() for path in PAGES if path != DOCS / "index.md")


def test_every_module_for_users_is_in_the_reference() -> None:
    offered = {name for name in toolkit.__all__ if isinstance(getattr(toolkit, name), ModuleType)}
    met = offered | {"doctor", "keys", "link", "operations", "sandbox"}
    assert sorted(named("public-names")) == sorted(["toolkit", *(f"toolkit.{name}" for name in met)])
    for module in named("public-names"):
        assert importlib.import_module(module).__all__


def namespaces() -> dict[str, list[str]]:
    """The namespaces and the names in them, such as `link.spot` and `ops.spot`."""
    found: dict[str, list[str]] = {}
    for row in toolkit.list_endpoints().itertuples():
        found.setdefault(f"{'ops' if row.writes else 'link'}.{row.system}", []).append(row.name)
    return found


def test_every_endpoint_is_in_the_reference() -> None:
    assert sorted(named("endpoint-methods")) == sorted(namespaces())
    assert set(named("endpoint-table")) == set(namespaces())


def test_the_methods_are_those_of_the_classes_that_the_pages_name() -> None:
    found = {}
    for document in DOCUMENTS.values():
        for block in document.blocks("{endpoint-methods}"):
            module, _, name = re.search(r"^:class: (.+)$", block.text, re.MULTILINE)[1].rpartition(".")
            found[block.kind.split(" ")[1]] = getattr(importlib.import_module(module), name)
    for namespace, names in namespaces().items():
        assert [name for name in names if not hasattr(found[namespace], name)] == [], namespace


def test_nothing_is_fetched_while_building_or_reading() -> None:
    paths = [DOCS / "conf.py", *DOCS.glob("_extensions/*.py"), *DOCS.glob("_static/*")]
    text = "".join(path.read_text("utf-8") for path in paths if path.is_file())
    assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}  # the name of SVG
    assert "intersphinx" not in text
    assert "nb_ipywidgets_js = {}" in text


def test_make_builds_them_and_takes_warnings_for_errors() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = re.search(r"^docs: \$\(VENV\)/\.docs  ## .+\n((?:\t.+\n)+)", makefile, re.MULTILINE)[1]
    build, check = recipe.splitlines()
    assert "-m sphinx -W " in build
    assert "scripts/check_site.py docs/_build/html" in check
    assert "$(call install,.[docs])" in makefile


GOOD = """<a href="b.html#there">b</a> <a href="https://docs.python.org/3/">Python</a>
<img src="data:image/png;base64,xx">"""


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (GOOD, ""),
        ('<a href="gone.html">', "gone.html, which does not exist"),
        ('<a href="../outside.html">', "../outside.html, which does not exist"),
        ('<a href="b.html#nowhere">', "no such anchor"),
        ('<a href="#nowhere">', "no such anchor"),
        ('<a href="http://docs.python.org/">', "not among the sites"),
        ('<a href="https://elsewhere.invalid/">', "not among the sites"),
        ('<img src="gone.png">', "gone.png, which does not exist"),
        ('<script src="https://docs.python.org/x.js"></script>', "from outside"),
        ('<link rel="stylesheet" href="//docs.python.org/x.css">', "from outside"),
        ("<p>the hidden word is swordfish</p>", "a key or a secret"),
        ("<pre>" + "<b>aB3</b>x" * 16 + "</pre>", "a key or a secret"),
        ("<pre>-----BEGIN PRIVATE KEY-----</pre>", "a key or a secret"),
        (f'<img src="b.html" alt="{"ab" * 32}.png">', ""),
    ],
)
def test_a_flaw_of_the_built_pages_is_found(tmp_path: Path, page: str, said: str) -> None:
    (tmp_path / "a.html").write_text(page, "utf-8")
    (tmp_path / "b.html").write_text('<p id="there">b</p>', "utf-8")
    found = list(problems(tmp_path, ["swordfish"]))
    assert len(found) == bool(said)
    assert all(line.startswith("a.html: ") and said in line for line in found)


def test_a_style_that_loads_from_outside_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(GOOD.replace("b.html#there", ""), "utf-8")
    (tmp_path / "a.css").write_text('p { background: url("https://docs.python.org/x.png") }', "utf-8")
    assert list(problems(tmp_path, [])) == ["a.css: loads https://docs.python.org/x.png from outside"]


def test_a_site_without_pages_is_a_flaw(tmp_path: Path) -> None:
    assert list(problems(tmp_path, [])) == [f"{tmp_path}: there are no pages."]
