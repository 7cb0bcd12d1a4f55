"""`link.get`: a column has the same type wherever its values are written in the same way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.frames.test_infer_documented import DOCUMENTED
from toolkit.endpoints import SAPI_IP
from toolkit.frames.builder import FrameBuilder, Numbers
from toolkit.frames.infer import infer

INT64 = 2**63


def fields_of(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in fields_of(item)}
    if isinstance(value, dict):
        return set(value) | {name for item in value.values() for name in fields_of(item)}
    return set()


FIELDS = st.sampled_from(sorted(fields_of([each["answer"] for each in DOCUMENTED["answers"]])))

# The JSON types and forms of text, each with its values.
FORMS: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "flag": st.booleans(),
    "whole number": st.integers(-INT64, INT64 - 1),
    "number beyond 64 bits": st.integers(min_value=INT64, max_value=10**30),
    "number with a point": st.decimals(-(10**9), 10**9, places=8).map(Decimal),
    "text: whole number": st.integers(-(10**15) + 1, 10**15 - 1).map(str),
    "text: number with a point": st.decimals(-(10**9), 10**9, places=8).map(lambda number: f"{number:f}"),
    "text: many decimals": st.decimals(-(10**9), 10**9, places=19).map(lambda number: f"{number:f}"),
    "text: many digits": st.integers(10**15, 10**18 - 1).map(str),
    "text: leading zeros": st.integers(0, 10**9).map(lambda number: f"00{number}"),
    "text: date and time": st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1)).map(
        lambda moment: moment.replace(tzinfo=UTC).strftime("%Y-%m-%d %H:%M:%S")
    ),
    "text: none": st.just(""),
    "text: words": st.text("abcxyzABCXYZ /", min_size=1, max_size=12),
    "list of texts": st.lists(st.text("abc", max_size=3), min_size=1, max_size=3),
    "list of numbers": st.lists(st.integers(-9, 9), min_size=1, max_size=3),
}  # fmt: skip


def dtype_of(field: str, values: list[Any], numbers: Numbers) -> str:
    endpoint, rows = infer("/x", SAPI_IP, [{field: value} for value in values], exact=numbers == "exact")
    builder = FrameBuilder(endpoint, numbers)
    builder.add(rows)
    (dtype,) = builder.frame({}).dtypes
    return str(dtype)


@settings(max_examples=200, deadline=None)
@given(
    field=st.one_of(FIELDS, st.text("abAB_1", min_size=1, max_size=8)),
    forms=st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=4),
    numbers=st.sampled_from(["float", "exact"]),
    data=st.data(),
)
def test_other_values_of_the_same_form_never_change_a_type(
    field: str, forms: list[str], numbers: Numbers, data: st.DataObject
) -> None:
    draw: Callable[[], list[Any]] = lambda: [data.draw(FORMS[form]) for form in forms]  # noqa: E731
    assert dtype_of(field, draw(), numbers) == dtype_of(field, draw(), numbers)


def other(value: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """Another value of the same JSON type and text form, with the same fields."""
    if isinstance(value, dict):
        return {name: other(inner, draw) for name, inner in value.items()}
    if isinstance(value, list):
        return [other(inner, draw) for inner in value]
    if isinstance(value, bool):
        return draw(st.booleans())
    if isinstance(value, int):
        return draw(FORMS["whole number"])
    if isinstance(value, Decimal):
        return draw(FORMS["number with a point"])
    if not isinstance(value, str) or not value:
        return value
    for form in ("whole number", "number with a point", "many digits", "date and time"):
        if FORM_TESTS[form](value):
            return draw(FORMS[f"text: {form}"])
    return draw(FORMS["text: words"])


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdigit() and text.isascii()


FORM_TESTS: dict[str, Callable[[str], bool]] = {
    "whole number": lambda text: _is_number(text) and "." not in text and len(text) < 16,
    "number with a point": lambda text: _is_number(text) and "." in text,
    "many digits": lambda text: _is_number(text) and "." not in text,
    "date and time": lambda text: text[4:5] == "-" and text[13:14] == ":",
}
CASES = [(each["answer"], rows or None) for each in DOCUMENTED["answers"] for rows in each["rows"]]


@settings(max_examples=100, deadline=None)
@given(case=st.sampled_from(CASES), data=st.data())
def test_documented_responses_with_other_values_have_the_same_types(
    case: tuple[Any, str | None], data: st.DataObject
) -> None:
    payload, chosen = case
    # Texts such as "000000" have leading zeros, which other whole numbers do not.
    changed = other(payload, data.draw)
    before, _ = infer("/x", SAPI_IP, payload, rows=chosen)
    after, rows = infer("/x", SAPI_IP, changed, rows=chosen)
    assert {each.name: each.kind for each in after.columns} == {
        each.name: each.kind for each in before.columns
    }
    FrameBuilder(after, "float").add(rows)  # the values fit their columns
