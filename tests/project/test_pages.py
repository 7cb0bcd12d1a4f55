"""The documentation's statements about the code are true."""

from __future__ import annotations

import logging
import operator
import re
from typing import get_args

import pytest

import toolkit
from tests.support.paths import PACKAGE, ROOT
from tests.support.writes import WriteEnv, memory_folder
from toolkit import errors
from toolkit.endpoints import WRITES
from toolkit.sandbox import faults
from toolkit.storage import formats

PAGES = sorted((ROOT / "docs").glob("*.md"))
# Without the pages that consist of directives.
WRITTEN = [path for path in PAGES if "```{" not in path.read_text(encoding="utf-8")]
CELL = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """The text under a heading, up to the next one of the same level."""
    return re.split(r"^## ", text.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


def test_the_tree_of_errors_shows_the_classes() -> None:
    tree = page("errors").split("```\n")[1]
    found: dict[str, str | None] = {}
    above: list[str] = []
    for line in tree.splitlines():
        name = re.search(r"\w+Error\b", line)
        assert name is not None
        depth = name.start() // 4
        above[depth:] = [name[0]]
        found[name[0]] = above[depth - 1] if depth else None
    expected = {name for name in errors.__all__ if name.endswith("Error")}
    assert set(found) == expected
    for name, parent in found.items():
        bases = {each.__name__ for each in getattr(errors, name).__bases__}
        assert parent is None or parent in bases


def test_the_attributes_of_errors_exist() -> None:
    """They are in the docstring of the class, or of one of its bases."""
    rows = re.findall(r"^\| (`.*`) \| (`\w+Error`.*?) \|", page("errors"), re.MULTILINE)
    assert len(rows) > 5
    for attributes, classes in rows:
        for name in re.findall(r"`(\w+Error)`", classes):
            said = "".join(each.__doc__ or "" for each in getattr(errors, name).__mro__)
            for attribute in re.findall(r"`(\w+)`", attributes):
                assert f"{attribute}: " in said, (name, attribute)


def test_the_table_of_warnings_has_all_warnings() -> None:
    named = set(re.findall(r"^\| `(\w+Warning)` \|", page("errors"), re.MULTILINE))
    assert named == {name for name in errors.__all__ if name.endswith("Warning")}


def test_the_table_of_faults_has_all_faults_and_options() -> None:
    table = page("sandbox").split("| kind |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (.*?) ?\|$", table, re.MULTILINE)
    assert [kind for kind, _ in rows] == list(get_args(faults.Kind))
    for kind, options in rows:
        assert set(re.findall(r"`(\w+)`", options)) == set(faults._OPTIONS.get(kind, {})), kind


def test_the_names_on_the_page_about_writing_exist() -> None:
    writing = page("writing-safely")
    named = re.findall(r"`(ops|outcome)\.([\w.]+)", writing)
    assert len(named) > 10
    with toolkit.demo() as link:
        ops = link.operations()
        things = {"ops": ops, "outcome": ops.exchange.create_sub_account()}
        for thing, path in named:
            operator.attrgetter(path)(things[thing])  # raises if there is none
    twice = section(writing, "What cannot be undone").split("want their subject")[0]
    assert re.findall(r"`(\w+)`", twice) == [write.name for write in WRITES if write.confirm]
    manual = [write.name for write in WRITES if write.reconciliation.kind == "manual"]
    assert sorted(re.findall(r"`(\w+)`", writing.split("No read shows")[1].split(":")[0])) == sorted(manual)


def test_the_modules_on_the_page_about_architecture_exist() -> None:
    """Those in the first column of its tables."""
    cells = re.findall(r"^\| (`.*?) \|", page("architecture"), re.MULTILINE)
    named = {name.rstrip("/") for cell in cells for name in re.findall(r"`([a-z_/]+)`", cell)}
    assert len(named) > 50
    for name in named:
        assert (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file(), name


def test_the_log_that_is_shown_is_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    shown = re.findall(r"^[\d-]+ [\d:,]+ ([A-Z]+ .*)$", page("logging"), re.MULTILINE)
    assert len(shown) == 4
    with memory_folder() as folder, caplog.at_level(logging.INFO, "toolkit"):
        write_env = WriteEnv(folder)
        write_env.env.link.spot.rebates(start="-1D")
        write_env.faults.add("rate-limit", seconds=5)
        write_env.env.link.spot.rebates(start="-1D")
        write_env.fail("exchange.create_sub_account", "reset")
        write_env.ops.exchange.create_sub_account(tag="logged")
        write_env.close()
    logged = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    without_times = re.compile(r"\d\d:\d\d:\d\d")
    assert [without_times.sub("", line) for line in logged] == [without_times.sub("", line) for line in shown]


def test_the_formats_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| ([a-z ,]+) \| (\d+) \|", page("files-and-formats"), re.MULTILINE)
    assert {name: int(number) for name, number in rows} == {
        "rate limits": formats.RATE_LIMITS,
        "journal": formats.JOURNAL,
        "accounts": formats.ACCOUNTS,
        "profiles, keyring entries": formats.PROFILES,
    }
    assert f".v{formats.RATE_LIMITS}.sqlite" in page("files-and-formats")


def test_the_journal_of_the_real_exchange_is_named_after_its_host() -> None:
    with toolkit.Link(key="k" * 64, secret="s" * 64) as link:
        ops = link.operations(confirm="live")
    assert ops.journal.name.startswith("journal-api.binance.com-")


def test_the_profile_that_is_made_is_opened() -> None:
    before, cell = page("keys").split("```python\n")[:2]
    assert set(re.findall(r"key (?:new|add) (\w+) ", before)) == {"reporting"}
    assert 'link = toolkit.Link("reporting")' in cell


def test_installing_is_described_with_and_without_make() -> None:
    install = page("getting-started")
    for said in (
        ".venv/bin/pip install .\n",
        ".venv/bin/python -m toolkit lab",
        "py -m venv .venv\n",
        ".venv\\Scripts\\pip install .\n",
        ".venv\\Scripts\\python -m toolkit lab\n",
        ". .venv/bin/activate",
        "conda env create -f environment.yml\n",
        "make lab",
    ):
        assert said in install


def test_the_environment_variables_of_the_code_are_described() -> None:
    """All of them, and no other."""
    names = re.compile(r"\bTOOLKIT_[A-Z_]+\b")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "toolkit").rglob("*.py")]
    lines = [line for source in sources for line in source.splitlines()]
    # Names of an earlier version are read only to say what they are called now.
    code = "\n".join(line for line in lines if not line.endswith("# keep: the name before"))
    described = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert set(names.findall(described)) == set(re.findall(r"\"(TOOLKIT_[A-Z_]+)\"", code))


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(docs/([\w-]+)\.md\)", readme))
    assert linked >= {path.stem for path in WRITTEN}


def test_the_style_guide_quotes_the_code() -> None:
    """If this fails, the code has changed: quote it again, or choose a better example."""
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    examples = CELL.findall(section(guide, "Style"))
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "toolkit").rglob("*.py")]
    assert len(examples) == 3
    for example in examples:
        indented = re.sub(r"^(?=.)", "    ", example, flags=re.MULTILINE)
        assert any(example in source or indented in source for source in sources), example
