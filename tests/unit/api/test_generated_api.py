"""scripts/generate_api.py: what it prints, checks and writes."""

from __future__ import annotations

import ast
import inspect
import shutil
from pathlib import Path

import pytest

from scripts import generate_api
from toolkit.api.reads.spot import SpotReads
from toolkit.endpoints import ENDPOINTS, WRITES, link_spot


def test_the_methods_are_as_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_api.main(["--check"]) == 0
    assert capsys.readouterr().out == "56 methods are as declared.\n"


def test_an_outdated_docstring_is_shown_as_a_diff(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inspect.unwrap(SpotReads.rebates), "__doc__", "Something else.")
    assert generate_api.main(["--check"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("GET spot.rebates\n")
    assert "\n-Something else.\n" in shown
    assert "\n+Spot rebates the partner earned from its customers, one row a trade.\n" in shown


def test_an_outdated_default_is_shown_as_a_diff(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(inspect.unwrap(SpotReads.rebates).__kwdefaults__, "start", "-30D")
    assert generate_api.main(["--check"]) == 1
    shown = capsys.readouterr().out
    assert "\n-start: When = '-30D' (KEYWORD_ONLY)\n" in shown


def test_every_method_is_printed_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_api.main([]) == 0
    tree = ast.parse(f"class Resource:\n{capsys.readouterr().out}")
    (resource,) = tree.body
    assert isinstance(resource, ast.ClassDef)
    assert [each.name for each in resource.body if isinstance(each, ast.FunctionDef)] == [
        each.name for each in (*ENDPOINTS, *WRITES)
    ]


def test_a_name_selects_the_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_api.main(["exchange.transfers", "exchange.transfer"]) == 0
    text = capsys.readouterr().out
    assert "return self._fetch(transfers.TRANSFERS, {" in text
    assert "return self._run(money_writes.TRANSFER, {" in text
    assert text.count("    def ") == 2


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        generate_api.main(["spot.rebate"])
    assert "toolkit.list_endpoints()" in capsys.readouterr().err


def test_outdated_methods_are_rewritten_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = inspect.unwrap(SpotReads.rebates).__code__
    original = Path(code.co_filename)
    copy = Path(shutil.copy(original, tmp_path))
    copy.write_text(copy.read_text("utf-8").replace("Raises:", "Throws:"), "utf-8")
    line = next(n for n, text in enumerate(copy.read_text("utf-8").splitlines(), 1) if "def rebates(" in text)
    monkeypatch.setattr(
        inspect.unwrap(SpotReads.rebates),
        "__code__",
        code.replace(co_filename=str(copy), co_firstlineno=line),
    )
    monkeypatch.setattr(generate_api, "ENDPOINTS", [link_spot.REBATES])
    monkeypatch.setattr(generate_api, "WRITES", [])
    assert generate_api.rewrite() == [copy]
    assert _method(copy, "rebates") == _method(original, "rebates")
    assert _method(copy, "customers") == _method(original, "customers").replace("Raises:", "Throws:")


def _method(file: Path, name: str) -> str:
    text = file.read_text("utf-8")
    found = next(
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef) and node.name == name
    )
    return ast.get_source_segment(text, found) or ""
