"""The read that CONTRIBUTING.md adds can be added as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.generate import methods
from scripts.generate.examples import example
from tests.support.documents import Document
from tests.support.paths import ROOT
from toolkit.endpoints import ENDPOINTS_BY_NAME, NAMESPACES, Endpoint, model, rate_limits

GUIDE = Document(ROOT / "CONTRIBUTING.md")


@pytest.fixture(scope="module")
def declared() -> Endpoint:
    """The declaration in the guide."""
    import datetime

    scope = {**vars(datetime), **vars(model), **vars(rate_limits)}
    exec(GUIDE.blocks("py")[0].text, scope)
    found = scope["DIVIDENDS"]
    assert isinstance(found, Endpoint)
    return found


def fields(value: Any) -> Iterator[str]:
    """The names of all fields."""
    if isinstance(value, list):
        for each in value:
            yield from fields(each)
    if isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from fields(each)


def test_the_declaration_is_the_one_in_the_code(declared: Endpoint) -> None:
    assert declared == ENDPOINTS_BY_NAME[declared.qualified_name]
    example_file = ROOT / f"toolkit/sandbox/examples/{declared.qualified_name}.json"
    (block,) = GUIDE.blocks("json")
    assert json.loads(block.text)["documented"] == json.loads(example_file.read_text("utf-8"))["documented"]


def test_the_declaration_becomes_a_method(declared: Endpoint) -> None:
    code = methods.source(declared, "dividends.DIVIDENDS")
    compile(f"class Reads:\n{code}", "guide", "exec")
    assert declared.system in {namespace.system for namespace in NAMESPACES}
    called = example(declared)[-1].partition("(")[0]
    assert f"\n{called}(" in GUIDE.blocks("py")[1].text


def test_the_example_response_has_the_declared_fields(declared: Endpoint) -> None:
    (block,) = GUIDE.blocks("json")
    assert f"`toolkit/sandbox/examples/{declared.qualified_name}.json`" in GUIDE.text
    answer = json.loads(block.text)["documented"]
    rows = answer[declared.rows_field]
    assert len(rows) > 1
    named = {field for column in declared.columns for field in column.fields}
    assert set(fields(answer)) <= named | {declared.rows_field, *declared.ignored}
    for column in declared.columns:
        assert column.optional or all(set(column.fields) & row.keys() for row in rows)


def test_what_the_table_says_to_declare_exists() -> None:
    table = GUIDE.text.split("| the page says | declare |\n")[1].split("\n\n")[0]
    names = set(re.findall(r"\b[A-Z_]{3,}\b", table)) - {"UID", "NONE", "MARKET_DATA", "USER_DATA"}
    assert {"SAPI_IP", "FAPI", "MILLISECOND"} <= names
    assert all(hasattr(model, name) or hasattr(rate_limits, name) for name in names)
    arguments = set(re.findall(r"`(\w+)=", table))
    assert len(arguments) > 5
    declarable = {
        name
        for each in (model.Endpoint, model.Param, model.Column, model.Window)
        for name in each.__dataclass_fields__
    }
    assert arguments <= declarable


def test_the_modules_it_names_exist() -> None:
    named = re.findall(r"`(exchange_link/|market/\w+/|account/\w+/|link_\w+\.py)`", GUIDE.text)
    assert len(set(named)) == len({namespace.module for namespace in NAMESPACES})
    assert all((ROOT / "toolkit/endpoints" / name).exists() for name in named)
