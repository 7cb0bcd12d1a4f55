"""The README is true: its cells run, its table is the catalogue, its errors exist."""

from __future__ import annotations

import json
import operator
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import matplotlib.pyplot as plt
import pytest

from tests.support.paths import NOTEBOOKS, ROOT
from tests.support.sandbox_env import SandboxEnv
from toolkit import errors
from toolkit.__main__ import main
from toolkit.catalogue import ENDPOINTS, WRITES
from toolkit.keys import add_profile
from toolkit.listing import markdown
from toolkit.panels import base

README = (ROOT / "README.md").read_text()
CELLS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def saved_profile(env: SandboxEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The profile that one of the cells opens."""
    monkeypatch.setenv("TOOLKIT_CONFIG", str(tmp_path / "config"))
    add_profile("desk", key=env.sandbox.key, secret=env.sandbox.secret)
    yield
    plt.close("all")
    for panel in list(base._open.values()):
        panel.close()


@pytest.mark.usefixtures("saved_profile")
def test_its_cells_run_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in CELLS:
        exec(compile(cell, "README.md", "exec"), names)
    assert len(names["rebates"]) > 1000
    assert len(names["accounts"]) == 240
    assert (tmp_path / "rebates.parquet").exists()
    assert [entry.status for entry in names["demo"].sandbox.exchange.log][:2] == [503, 503]
    assert names["ops"].journal.name.startswith("journal-api.binance.com-")
    names["demo"].close()


def test_the_profile_that_is_made_is_the_one_that_is_opened() -> None:
    own = README.split("## Your own key")[1].split("## The doctor")[0]
    assert set(re.findall(r"key (?:new|add) (\w+) ", own.split("```python")[0])) == {"desk"}
    assert own.split("```python\n")[1].startswith('link = toolkit.Link("desk") ')


def test_there_are_ten_cells_before_the_rest() -> None:
    tour = README.split("## Ten cells")[1].split("## What every frame keeps")[0]
    assert tour.count("```python") == 10


def test_its_table_of_endpoints_is_the_catalogue() -> None:
    """Where this fails: put the text it expects between the two marks."""
    found = README.split("held fresh by a test -->")[1].split("<!-- /endpoints -->")[0].strip()
    assert found == markdown()
    assert f"{len(ENDPOINTS)} reads and {len(WRITES)} writes" in README


def test_what_it_says_of_writing_is_there(env: SandboxEnv) -> None:
    writing = README.split("## Writing")[1].split("## Exports")[0]
    assert f"{len(WRITES)} of them" in writing
    ops = env.link.operations()
    things = {"ops": ops, "outcome": ops.exchange.create_sub_account()}
    for thing, path in re.findall(r"`(ops|outcome)\.([\w.]+)", writing):
        operator.attrgetter(path)(things[thing])  # raises where there is none
    twice = writing.split("**What cannot be undone**")[1].split(")")[0]
    assert re.findall(r"`(\w+)`", twice) == [write.name for write in WRITES if write.confirm]
    by_hand = [write.name for write in WRITES if write.reconciliation.kind == "by_hand"]
    assert sorted(re.findall(r"`(\w+)`", writing.split("No read tells of")[1].split(":")[0])) == sorted(
        by_hand
    )


def said_commands() -> list[str]:
    """The arguments of each `python -m toolkit` that README and notebooks print."""
    texts = [README]
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        texts += ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
    return sorted(set(re.findall(r"python -m toolkit\b([^`#\n]*)", "\n".join(texts))))


@pytest.mark.parametrize("arguments", said_commands())
def test_the_commands_it_prints_are_there(arguments: str) -> None:
    command: click.Command = main
    words = [word for word in shlex.split(arguments) if word != "..."]
    while isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    options = {option for param in command.params for option in param.opts}
    assert {word for word in words if word.startswith("-")} <= options | {"--help", "--version"}


def test_it_says_how_to_install_with_and_without_make() -> None:
    install = README.split("## Install")[1].split("\n## ")[0]
    for said in (
        ".venv/bin/pip install .\n",
        ".venv/bin/python -m toolkit lab",
        "py -m venv .venv\n",
        ".venv\\Scripts\\pip install .\n",
        ".venv\\Scripts\\python -m toolkit lab\n",
        ". .venv/bin/activate",
    ):
        assert said in install
    assert "make lab" in install
    # By its name it would come from an index, where that name may be anybody's.
    assert 'pip install "binance-link-toolkit' not in README
    assert "pip install binance-link-toolkit" not in README


def test_its_errors_are_the_errors() -> None:
    tree = README.split("## Errors")[1].split("```")[1]
    assert errors.__doc__ is not None
    named = set(re.findall(r"\b\w+Error\b", tree))
    assert named == {name for name in errors.__all__ if name.endswith("Error")}


@pytest.mark.parametrize("path", re.findall(r"(?:\]\(|src=\"|srcset=\")([\w/.]+)", README))
def test_what_it_points_to_exists(path: str) -> None:
    assert (ROOT / path).exists()
