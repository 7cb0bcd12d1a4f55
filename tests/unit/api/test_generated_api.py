"""The script that generates the text of the methods, and compares the code with it."""

from __future__ import annotations

import ast

import pytest

from scripts import generate_api
from toolkit.api.reads.spot import SpotReads
from toolkit.endpoints import ENDPOINTS, WRITES


def test_the_code_is_as_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_api.main(["--check"]) == 0
    assert capsys.readouterr().out == "56 methods are as declared.\n"


def test_a_docstring_that_says_otherwise_is_shown_as_a_diff(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SpotReads.rebates, "__doc__", "Something else.")
    assert generate_api.main(["--check"]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("GET spot.rebates\n")
    assert "\n-Something else.\n" in shown
    assert "\n+Spot rebates the partner earned from its customers, one row a trade.\n" in shown


def test_an_argument_of_another_default_is_shown_as_a_diff(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(SpotReads.rebates.__wrapped__.__kwdefaults__, "start", "-30D")  # type: ignore[attr-defined]
    assert generate_api.main(["--check"]) == 1
    shown = capsys.readouterr().out
    assert "\n-start: When = '-30D' (KEYWORD_ONLY)\n" in shown


def test_each_method_can_be_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_api.main([]) == 0
    tree = ast.parse(f"class Resource:\n{capsys.readouterr().out}")
    (resource,) = tree.body
    assert isinstance(resource, ast.ClassDef)
    assert [each.name for each in resource.body if isinstance(each, ast.FunctionDef)] == [
        each.name for each in (*ENDPOINTS, *WRITES)
    ]


def test_a_name_chooses_the_read_and_the_write_that_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_api.main(["exchange.transfers", "exchange.transfer"]) == 0
    text = capsys.readouterr().out
    assert "return self._fetch(transfers.TRANSFERS, {" in text
    assert "return self._run(money_writes.TRANSFER, {" in text
    assert text.count("    def ") == 2


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        generate_api.main(["spot.rebate"])
    assert "toolkit.endpoints()" in capsys.readouterr().err
