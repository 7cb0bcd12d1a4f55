"""No example in documents, notebooks and docstrings adds up amounts of different assets."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest

from tests.support.paths import NOTEBOOKS, PACKAGE, ROOT
from toolkit.endpoints import ENDPOINTS

# Columns with the unit of an amount, and the columns of amounts beside them.
UNITS = {"asset", "unit", "coin", "commission_asset"}
# What says that all amounts have one unit: a column named after it, an argument with it.
ONE_UNIT = {"btc", "quote_asset"}
AMOUNTS = {
    column.name
    for endpoint in ENDPOINTS
    if UNITS & {column.name for column in endpoint.columns}
    for column in endpoint.columns
    # Those of a symbol have its assets; what they are called on trades of one symbol may be added up.
    if column.kind == "amount" and not re.search("(base|quote) asset", column.doc)
}
# The column of values in one currency, whatever the assets.
VALUE = "value"
ADDING = {
    "sum",
    "cumsum",
    "agg",
    "aggregate",
    "mean",
    "median",
    "pivot_table",
    "resample",
    "transform",
    "rolling",
}
ADDING |= {"expanding", "describe", "dot", "add", "sub", "crosstab"}
GROUPING = {"groupby", "pivot_table"}
ADDS = re.compile(rf"\.({'|'.join(sorted(ADDING))})\(")


def cells() -> Iterator[tuple[str, str]]:
    """Each document, notebook and docstring with code, and its code."""
    for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]:
        yield (
            path.name,
            "\n".join(re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)),
        )
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        yield (
            path.name,
            "\n".join("".join(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code"),
        )
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if ADDS.search(source) else ():
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield path.name, "\n".join(calls_in(ast.get_docstring(node) or ""))


def calls_in(text: str) -> Iterator[str]:
    """Code in prose: between backticks, or a line that is Python."""
    for snippet in [*re.findall(r"`([^`\n]+)`", text), *(line.strip() for line in text.splitlines())]:
        if ADDS.search(snippet) and reads_as_python(snippet):
            yield snippet


def reads_as_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def added_across_assets(code: str) -> list[str]:
    """Statements that add up amounts without separating assets."""
    found = []
    kept: dict[str, str] = {}  # variables that hold groups, or a selection by asset, and their expressions
    for statement in ast.parse(code).body:
        text = ast.unparse(statement)
        for name, code_for in kept.items():
            text = re.sub(rf"\b{name}\b(?=[.\[])", lambda _, code_for=code_for: f"({code_for})", text)  # type: ignore[misc]
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            value = text.partition(" = ")[2]
            if re.search(r"\.groupby\(|\[.*asset|quote_asset=|\.assign\(", value):
                kept[statement.targets[0].id] = value
        names = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
        words = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        words |= {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.keyword)}
        if words & (AMOUNTS | {VALUE}) == {VALUE}:
            continue
        adds = names & ADDING and (words & AMOUNTS or names & (AMOUNTS | GROUPING))
        if adds and not (words | names) & (UNITS | ONE_UNIT):
            found.append(ast.unparse(statement))
    return found


def test_no_example_adds_up_different_assets() -> None:
    shown = [(name, code) for name, code in cells() if code]
    assert [(name, found) for name, code in shown for found in added_across_assets(code)] == []
    # Without this, the test could pass by finding no code.
    assert {"README.md", "exports.md", "01_tour.ipynb", "__init__.py"} <= {name for name, _ in shown}
    assert "groupby" in dict(shown)["README.md"]
    assert {"income", "trade_vol", "qty", "amount"} <= AMOUNTS


@pytest.mark.parametrize(
    "code",
    [
        'exact.groupby("income_type")["income"].sum()',
        'rebates["income"].sum()',
        "rebates.income.sum()",
        'rebates.resample("D", on="time")["income"].sum()',
        'rebates.pivot_table(index="customer_id", values="income", aggfunc="sum")',
        'of = rebates.groupby("symbol")\nof["income"].agg("sum")',
    ],
)
def test_adding_different_assets_is_found(code: str) -> None:
    assert added_across_assets(code)


@pytest.mark.parametrize(
    "code",
    [
        'rebates.groupby("asset")["income"].sum()',
        'exact.groupby(["asset", "income_type"])["income"].sum()',
        'of = exact.groupby("asset")["income"]\nof.sum()',
        'usdt = rebates[rebates["asset"] == "USDT"]\nusdt["income"].sum()',
        'balances["total_balance_of_btc"].sum()',
        'worth = account.wallets(quote_asset="USDT")\nworth["balance"].sum()',
        'assets.groupby("email")["btc"].sum()',
        "sum(call.status == 429 for call in snapshot.calls)",
    ],
)
def test_adding_within_an_asset_is_accepted(code: str) -> None:
    assert added_across_assets(code) == []
