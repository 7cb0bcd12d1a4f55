"""CSV and JSON lines: rows as text, a column at a time, and back.

Every value has one spelling. Times are ISO text with as many decimals as the column has, in UTC with a Z;
exact amounts have all their digits and no trailing zeros; floats have as many digits as tell them apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv
from pyarrow import json as arrow_json

from toolkit.amounts.integers import EXACT_TYPE, PLACES

GUARDED = ("=", "+", "-", "@", "\t", "\r", "'")
"""First characters of texts that a spreadsheet may run as a formula, and of those that were guarded."""

_NEEDS_ESCAPE = r'["\\\x00-\x1f\x7f]'
_BLOCK_BYTES = 1 << 25  # the longest row that is read back
_DIGITS_BEFORE_POINT = EXACT_TYPE.precision - PLACES


def csv_header(names: Iterable[str], *, guard: bool) -> bytes:
    """The first line of a CSV file."""
    return (",".join(_quoted_name(name, guard=guard) for name in names) + "\n").encode()


def csv_rows(table: pa.Table, *, guard: bool) -> pa.Buffer:
    """Rows as CSV: texts in quotes, everything else without, and nothing where a value is missing.

    Args:
        table: The rows.
        guard: Whether texts that a spreadsheet may run as a formula begin with an apostrophe.
    """
    return _lines([_csv_cells(column.combine_chunks(), guard=guard) for column in table.columns], "", ",", "")


def read_csv(file: BinaryIO, schema: pa.Schema, *, guard: bool) -> pa.Table:
    """Read rows that `csv_rows` wrote.

    Raises:
        pa.ArrowInvalid: The file has other columns or values.
    """
    names = [_guarded_name(name, guard=guard) for name in schema.names]
    table = csv.read_csv(
        file,
        read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    texts = table.columns
    if guard:
        texts = [
            pc.replace_substring_regex(text, r"\A'", "") if pa.types.is_string(type_) else text
            for text, type_ in zip(texts, schema.types, strict=True)
        ]
    return _typed(texts, schema)


def json_rows(table: pa.Table) -> pa.Buffer:
    """Rows as JSON lines: an object each, exact amounts as text."""
    names = [json.dumps(name, ensure_ascii=False) + ": " for name in table.column_names]
    cells = [
        pc.binary_join_element_wise(
            pa.scalar(name),
            _json_cells(column.combine_chunks()),
            "",
            null_handling="replace",
            null_replacement="null",
        )
        for name, column in zip(names, table.columns, strict=True)
    ]
    return _lines(cells, "{", ", ", "}")


def read_json_lines(file: BinaryIO, schema: pa.Schema) -> pa.Table:
    """Read rows that `json_rows` wrote.

    Raises:
        pa.ArrowInvalid: The file has other fields or values.
    """
    received = pa.schema(
        [(each.name, each.type if _is_json_type(each.type) else pa.string()) for each in schema]
    )
    table = arrow_json.read_json(
        file,
        read_options=arrow_json.ReadOptions(block_size=_BLOCK_BYTES),
        parse_options=arrow_json.ParseOptions(explicit_schema=received, unexpected_field_behavior="error"),
    )
    return _typed(table.columns, schema)


# -- writing -----------------------------------------------------------------------------------------


def _lines(cells: Sequence[pa.Array], start: str, separator: str, end: str) -> pa.Buffer:
    """The cells of a row joined, a line each, as the bytes of all lines."""
    rows = pc.binary_join_element_wise(*cells, separator, null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise(start, rows, f"{end}\n", "")
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return data.slice(int(ends[0]), int(ends[-1] - ends[0]))


def _csv_cells(values: pa.Array, *, guard: bool) -> pa.Array:
    if pa.types.is_list(values.type):
        values = _mapped_lists(values)
    elif not pa.types.is_string(values.type):
        return plain_text(values)
    if guard:
        values = pc.replace_substring_regex(values, rf"\A([{re.escape(''.join(GUARDED))}])", r"'\1")
    quoted = pc.replace_substring(values, '"', '""')
    return pc.binary_join_element_wise('"', quoted, '"', "")


def _json_cells(values: pa.Array) -> pa.Array:
    if pa.types.is_list(values.type):
        return _mapped_lists(values)
    if not pa.types.is_string(values.type):
        plain = plain_text(values)
        quotes = pa.types.is_timestamp(values.type) or pa.types.is_decimal(values.type)
        return pc.binary_join_element_wise('"', plain, '"', "") if quotes else plain
    if pc.any(pc.match_substring_regex(values, _NEEDS_ESCAPE)).as_py():
        return _mapped(lambda text: json.dumps(text, ensure_ascii=False), values)
    return pc.binary_join_element_wise('"', values, '"', "")


def plain_text(values: pa.Array) -> pa.Array:
    """Values as text, those of a kind always spelled alike; lists of texts as JSON."""
    if pa.types.is_list(values.type):
        return _mapped_lists(values)
    if pa.types.is_decimal(values.type):
        return decimal_text(values)
    if not pa.types.is_timestamp(values.type):
        return values.cast(pa.string())
    text = values.cast(pa.timestamp(values.type.unit)).cast(pa.string())  # in UTC
    text = pc.replace_substring(text, " ", "T")
    return pc.binary_join_element_wise(text, "Z", "") if values.type.tz else text


def decimal_text(values: pa.Array) -> pa.Array:
    """Exact amounts as text, without exponent or trailing zeros."""
    # With this added, all have one more digit before the point, so that Arrow writes no exponent.
    more = pa.scalar(10**_DIGITS_BEFORE_POINT, pa.decimal256(_DIGITS_BEFORE_POINT + 1, 0))
    digits = pc.add(pc.abs(values).cast(pa.decimal256(EXACT_TYPE.precision, PLACES)), more).cast(pa.string())
    whole = pc.utf8_ltrim(pc.utf8_slice_codeunits(digits, 1, 1 + _DIGITS_BEFORE_POINT), "0")
    whole = pc.if_else(pc.equal(whole, ""), "0", whole)
    point = 1 + _DIGITS_BEFORE_POINT
    places = pc.utf8_rtrim(pc.utf8_slice_codeunits(digits, point, point + 1 + PLACES), "0")
    places = pc.if_else(pc.equal(places, "."), "", places)
    sign = pc.if_else(pc.less(values, pa.scalar(0, EXACT_TYPE)), "-", "")
    return pc.binary_join_element_wise(sign, whole, places, "")


def _mapped(call: Callable[[str], str], texts: pa.Array) -> pa.Array:
    """The results of a function of texts, called once for each different one."""
    encoded = texts.dictionary_encode()
    results = [call(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(results, pa.string()).take(encoded.indices)


def _mapped_lists(values: pa.Array) -> pa.Array:
    return pa.array(
        [None if each is None else json.dumps(each, ensure_ascii=False) for each in values.to_pylist()],
        pa.string(),
    )


def _guarded_name(name: str, *, guard: bool) -> str:
    return f"'{name}" if guard and name.startswith(GUARDED) else name


def _quoted_name(name: str, *, guard: bool) -> str:
    name = _guarded_name(name, guard=guard).replace('"', '""')
    return f'"{name}"'


# -- reading -----------------------------------------------------------------------------------------


def _is_json_type(type_: pa.DataType) -> bool:
    return not (pa.types.is_timestamp(type_) or pa.types.is_decimal(type_))


def _typed(columns: Sequence[Any], schema: pa.Schema) -> pa.Table:
    typed = [parsed(values, type_) for values, type_ in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(typed, schema=schema)


def parsed(values: Any, type_: pa.DataType) -> Any:
    """What `plain_text` spelled.

    Raises:
        pa.ArrowInvalid: It is not the text of such values.
    """
    if values.type == type_:
        return values
    if pa.types.is_list(type_):
        texts = [None if each is None else json.loads(each) for each in values.to_pylist()]
        return pa.chunked_array([pa.array(texts, type_)])
    if pa.types.is_timestamp(type_) and type_.tz:
        return values.cast(pa.timestamp(type_.unit, "UTC")).cast(type_)
    return values.cast(type_)
