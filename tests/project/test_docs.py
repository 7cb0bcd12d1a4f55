"""The sources of the documentation are complete and consistent; `make docs` builds and checks the result."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

import toolkit
import toolkit.types
from scripts import draw_layers
from scripts.check_site import problems
from tests.support.documents import DOCS, PAGES, ROOT, Document
from toolkit.endpoints import ENDPOINTS, WRITES, Endpoint, Write

DOCUMENTS = {path: Document(path) for path in PAGES}


def named(directive: str) -> list[str]:
    """The arguments of a directive on all pages."""
    return [argument for document in DOCUMENTS.values() for argument in document.arguments(directive)]


def objects() -> list[str]:
    """The full names of single objects that the pages describe."""
    blocks = [block for document in DOCUMENTS.values() for block in document.blocks("{objects}")]
    lines = [line.strip() for block in blocks for line in block.text.splitlines()]
    return [*(line for line in lines if line.startswith("toolkit.")), *named("alias")]


def test_every_page_is_in_one_table_of_contents() -> None:
    entries = [entry.resolve() for document in DOCUMENTS.values() for entry in document.entries()]
    assert sorted(entries) == sorted(path.resolve() for path in PAGES if path != DOCS / "index.md")


def test_every_module_for_users_is_in_the_reference() -> None:
    offered = {name for name in toolkit.__all__ if isinstance(getattr(toolkit, name), ModuleType)}
    described = offered | {"auth.keys", "sandbox", "types"}
    assert sorted(named("public-names")) == sorted(["toolkit", *(f"toolkit.{name}" for name in described)])
    for module in named("public-names"):
        assert importlib.import_module(module).__all__


def test_every_type_that_a_user_gets_is_in_the_reference() -> None:
    assert sorted(objects()) == sorted(f"toolkit.types.{name}" for name in toolkit.types.__all__)


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *WRITES], ids=lambda each: each.qualified_name)
def test_an_endpoint_has_a_section_in_the_reference_and_a_link_to_it(endpoint: Endpoint) -> None:
    kind, owner = ("writes", "ops") if isinstance(endpoint, Write) else ("reads", "link")
    system = endpoint.system.replace(".", "-")
    page, name = f"reference/{kind}-{system}.md", f"{owner}.{endpoint.qualified_name}"
    section = DOCUMENTS[DOCS / page].text.split(f"\n## `{name}`\n")[1].partition("\n## ")[0]
    assert endpoint.summary in section.replace("\n", " ")
    assert f"`{endpoint.method} {endpoint.path}`" in section.replace("\n", " ")
    assert f"]({endpoint.source})" in section
    for column in endpoint.columns:
        assert f"| `{column.name}` | {column.kind} |" in section
    anchor = name.replace(".", "")
    assert f"[`{endpoint.name}`]({page}#{anchor})" in DOCUMENTS[DOCS / "endpoints.md"].text


def test_neither_the_build_nor_the_pages_use_another_host() -> None:
    paths = [DOCS / "conf.py", *DOCS.glob("_extensions/*.py"), *DOCS.glob("_static/*")]
    text = "".join(path.read_text("utf-8") for path in paths if path.is_file())
    assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}  # the namespace of SVG
    assert "intersphinx" not in text
    assert "nb_ipywidgets_js = {}" in text


def test_make_docs_turns_warnings_into_errors_and_checks_the_site() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = re.search(r"^docs: \$\(VENV\)/\.docs  ## .+\n((?:\t.+\n)+)", makefile, re.MULTILINE)[1]
    build, check = recipe.splitlines()
    assert "-m sphinx -W " in build
    assert "scripts/check_site.py docs/_build/html" in check
    assert "$(call install,.[docs])" in makefile


def test_the_picture_of_the_layers_is_drawn_from_their_table() -> None:
    assert draw_layers.PICTURE.read_text("utf-8") == draw_layers.picture(), (
        "run python -m scripts.draw_layers"
    )
    assert {name for row in draw_layers.ROWS for name in row} - {"_version"} == set(draw_layers.CAPTIONS)


GOOD = """<a href="b.html#there">b</a> <a href="https://docs.python.org/3/">Python</a>
<img src="data:image/png;base64,xx">"""


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (GOOD, ""),
        ('<a href="gone.html">', "gone.html, which does not exist"),
        ('<a href="../outside.html">', "../outside.html, which does not exist"),
        ('<a href="b.html#nowhere">', "no such anchor"),
        ('<a href="#nowhere">', "no such anchor"),
        ('<a href="http://docs.python.org/">', "not among the sites"),
        ('<a href="https://elsewhere.invalid/">', "not among the sites"),
        ('<img src="gone.png">', "gone.png, which does not exist"),
        ('<script src="https://docs.python.org/x.js"></script>', "from another host"),
        ('<link rel="stylesheet" href="//docs.python.org/x.css">', "from another host"),
        ("<p>the hidden word is swordfish</p>", "a key or a secret"),
        ("<pre>" + "<b>aB3</b>x" * 16 + "</pre>", "a key or a secret"),
        ("<pre>-----BEGIN PRIVATE KEY-----</pre>", "a key or a secret"),
        (f'<img src="b.html" alt="{"ab" * 32}.png">', ""),
    ],
)
def test_a_problem_of_the_built_pages_is_found(tmp_path: Path, page: str, problem: str) -> None:
    (tmp_path / "a.html").write_text(page, "utf-8")
    (tmp_path / "b.html").write_text('<p id="there">b</p>', "utf-8")
    found = list(problems(tmp_path, ["swordfish"]))
    assert len(found) == bool(problem)
    assert all(line.startswith("a.html: ") and problem in line for line in found)


def test_a_style_sheet_that_loads_from_another_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(GOOD.replace("b.html#there", ""), "utf-8")
    (tmp_path / "a.css").write_text('p { background: url("https://docs.python.org/x.png") }', "utf-8")
    assert list(problems(tmp_path, [])) == ["a.css: loads https://docs.python.org/x.png from another host"]


def test_a_site_without_pages_is_a_problem(tmp_path: Path) -> None:
    assert list(problems(tmp_path, [])) == [f"{tmp_path}: there are no pages."]
