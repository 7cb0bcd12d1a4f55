"""The README is short and true: its cells run, its commands and targets exist."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import matplotlib.pyplot as plt
import pytest

from tests.support.paths import ROOT
from toolkit.__main__ import main
from toolkit.panels import base

README = (ROOT / "README.md").read_text(encoding="utf-8")
CELLS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def closed_panels() -> Iterator[None]:
    """Close panels and figures afterwards."""
    yield
    plt.close("all")
    for panel in list(base._open.values()):
        panel.close()


@pytest.mark.usefixtures("closed_panels")
def test_its_cells_run_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for cell in CELLS:
        exec(compile(cell, "README.md", "exec"), names)
    assert len(names["rebates"]) > 1000
    assert len(names["accounts"]) == 240
    assert names["ops"].history()["idempotency_key"].tolist() == ["team 17"]
    assert (tmp_path / "earnings.xlsx").exists()
    assert names["earned"].attrs["complete"]
    names["link"].close()


def test_there_are_ten_cells_before_the_rest() -> None:
    tour = README.split("## Ten cells")[1].split("## Documentation")[0]
    assert tour.count("```python") == len(CELLS) == 10


def test_it_is_short() -> None:
    assert len(README.encode()) <= 6000


def printed_commands() -> list[str]:
    """The arguments of each `python -m toolkit` in documents and notebooks."""
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        texts += ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
    return sorted(set(re.findall(r"python -m toolkit\b([^`#\n]*)", "\n".join(texts))))


@pytest.mark.parametrize("arguments", printed_commands())
def test_the_printed_commands_exist(arguments: str) -> None:
    command: click.Command = main
    words = [word for word in shlex.split(arguments) if word != "..."]
    while isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    options = {option for param in command.params for option in param.opts}
    assert {word for word in words if word.startswith("-")} <= options | {"--help", "--version"}


def test_printed_commands_are_found() -> None:
    """Without this, the test above could pass by finding none."""
    assert {" lab", " sandbox", " doctor"} <= {arguments.rstrip() for arguments in printed_commands()}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_toolkit_is_not_installed_by_name(path: Path) -> None:
    """By name it would come from an index, where the name may belong to anybody."""
    assert not re.search(r"pip install [\"']?binance-link-toolkit", path.read_text(encoding="utf-8"))
