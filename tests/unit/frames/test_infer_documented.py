"""`link.get` on the documented responses of endpoints, declared or not: every column has the right kind.

The expected kinds were written down from what the code inferred, and then each name was read and judged.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.support.paths import DATA
from toolkit.endpoints import SAPI_IP
from toolkit.errors import UsageError
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.infer import infer

DOCUMENTED = json.loads((DATA / "undeclared.json").read_text(encoding="utf-8"), parse_float=Decimal)
KINDS = {name: kind for kind, names in DOCUMENTED["kinds"].items() for name in names.split()}
CASES = [
    pytest.param(each["answer"], rows, count, each.get("kinds", {}), id=f"{index} {each['path']} {rows}")
    for index, each in enumerate(DOCUMENTED["answers"])
    for rows, count in each["rows"].items()
]
DTYPES = {
    "text": pd.StringDtype(),
    "email": pd.StringDtype(),
    "integer": pd.Int64Dtype(),
    "flag": pd.BooleanDtype(),
    "time": pd.DatetimeTZDtype("ms", "UTC"),
    "texts": "object",
}


def frame_of(payload: Any, rows: str | None, numbers: Numbers) -> pd.DataFrame:
    endpoint, found = infer("/sapi/v1/x", SAPI_IP, payload, rows=rows, exact=numbers == "exact")
    builder = FrameBuilder(endpoint, numbers)
    builder.add(found)
    return builder.frame({})


@pytest.mark.parametrize("numbers", ["float", "exact"])
@pytest.mark.parametrize(("payload", "rows", "count", "special"), CASES)
def test_documented_responses_have_the_right_columns(
    payload: Any, rows: str, count: int, special: dict[str, str], numbers: Numbers
) -> None:
    frame = frame_of(payload, rows or None, numbers)
    assert len(frame) == count
    for name in frame.columns:
        kind = special.get(f"{rows} {name}".strip(), KINDS.get(name, ""))
        amount = "float64" if numbers == "float" else "exact"
        assert frame[name].dtype == (amount if kind == "amount" else DTYPES[kind]), name


@pytest.mark.parametrize("case", DOCUMENTED["answers"], ids=lambda case: case["path"])
def test_several_lists_are_named_in_an_error_and_no_other_response_has_one(case: dict[str, Any]) -> None:
    if "" in case["rows"]:
        infer("/sapi/v1/x", SAPI_IP, case["answer"])
        return
    with pytest.raises(UsageError) as caught:
        infer("/sapi/v1/x", SAPI_IP, case["answer"])
    assert f"from {', '.join(sorted(case['rows']))}." in str(caught.value)
