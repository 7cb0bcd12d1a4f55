"""How each column of a frame is shown in cells.

An Excel cell holds a number as a float, and shows at most 15 digits of it. Where a number has more, or a date
of Excel does not tell a time, another column beside has the same values as text, to the last digit. This is
decided for a whole column, so that whoever adds it up looks in one place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from toolkit.errors import UsageError
from toolkit.exports.excel.names import heading
from toolkit.exports.text_formats import plain_text

Kind = Literal["text", "number", "count", "time", "flag"]

MAX_DIGITS = 15
MAX_TEXT = 32_767
"""UTF-16 units that a cell holds."""
MAX_COLUMNS, MAX_ROWS = 16_384, 1_048_576
DAY_MS = 86_400_000
EPOCH_DAYS = 25_569  # from the day before 1900, as Excel counts, to 1970
# Excel takes 1900 for a leap year, so earlier dates are a day off; its last day is in 9999.
_FIRST_MS, _END_MS = (61 - EPOCH_DAYS) * DAY_MS, (2_958_466 - EPOCH_DAYS) * DAY_MS

_MAX_PLACES = 8
"""Decimal places shown of numbers that have more because they were computed."""
_COMPUTED = ("value", "value_before", "price", "change", "change_percent", "share", "rate")
_COUNTS = ("rows", "valued", "unvalued")
_OWN_ASSET = {"commission": "commission_asset", "convert_price": "commission_asset"}
_ASSET_COLUMNS = ("asset", "unit", "coin")
_IN_ASSET = ("amount", "income", "rebate_vol", "rebate", "commission")
_IN_CURRENCY = ("value", "value_before", "change")
_PERCENT = {"change_percent": '#,##0.00"%"', "rate": "0.00%"}
"""Formats of what `toolkit.analytics` has in percent, and as a fraction of which Excel shows the percent."""


@dataclass(slots=True)
class ColumnLayout:
    """How a column is shown, learnt from all its values.

    Attributes:
        name: Its name in the frame.
        type: Its Arrow type.
        kind: What its cells are.
        heading: The text above it.
        exact: Whether a column of text beside it has all digits.
        places: Decimal places shown, by the asset of the row; under "" where the rows have none.
        by: The column with the asset of a row, None where all rows are shown alike.
        width: Characters of its longest value.
        exact_width: The same of the column beside it.
        missing: Number of rows without a value.
        time_format: Excel's format of its times.
        percent_format: Excel's format of its numbers where they are percentages.
        total: Sum of its values, None where they must not be added up.
    """

    name: str
    type: pa.DataType
    kind: Kind
    heading: str
    exact: bool = False
    places: dict[str, int] = field(default_factory=dict)
    by: str | None = None
    width: int = 0
    exact_width: int = 0
    missing: int = 0
    time_format: str = ""
    percent_format: str = ""
    total: str | float | None = None

    @property
    def exact_heading(self) -> str:
        """The text above the column with all digits."""
        what = "to the last digit" if self.kind == "time" else "all digits"
        return f"{heading(self.name)}, {what}"

    @property
    def cells(self) -> int:
        """How many columns of the sheet it takes."""
        return 1 + self.exact


def layouts_of(schema: pa.Schema, attrs: Mapping[str, Any]) -> list[ColumnLayout]:
    """The columns as they are known before their values are read."""
    currency = currency_of(attrs)
    layouts = []
    for each in schema:
        kind, unit = _kind(each.type), ""
        if kind == "number" and each.name in ("price", *_IN_CURRENCY):
            unit = currency
        elif kind == "time":
            unit = each.type.tz or ""
        layout = ColumnLayout(each.name, each.type, kind, heading(each.name, unit))
        if kind == "number" and attrs.get("analytics"):
            layout.percent_format = _PERCENT.get(each.name, "")
        if kind == "number" and each.name not in _IN_CURRENCY and not layout.percent_format:
            candidates = (_OWN_ASSET.get(each.name), *_ASSET_COLUMNS)
            layout.by = next((name for name in candidates if name and name in schema.names), None)
        layouts.append(layout)
    if 2 * len(layouts) > MAX_COLUMNS:
        raise UsageError(f"An Excel sheet has {MAX_COLUMNS:,} columns. Export the frame as .parquet.")
    return layouts


def currency_of(attrs: Mapping[str, Any]) -> str:
    """The currency of the values of a frame, "" where it has none."""
    valuation = attrs.get("valuation")
    stated = attrs.get("currency") or (valuation.get("currency") if isinstance(valuation, Mapping) else None)
    return str(stated or "")


def survey(layouts: Sequence[ColumnLayout], tables: Iterable[pa.Table]) -> None:
    """Complete the layouts with what the values say.

    Raises:
        UsageError: A text is longer than a cell.
    """
    facts = [_Facts() for _ in layouts]
    row = 0
    for table in tables:
        for layout, found in zip(layouts, facts, strict=True):
            values = table.column(layout.name).combine_chunks()
            layout.missing += values.null_count
            by = pc.fill_null(table.column(layout.by).combine_chunks(), "") if layout.by else None
            _learn(layout, found, values, by, row)
        row += table.num_rows
    for layout, found in zip(layouts, facts, strict=True):
        _conclude(layout, found)


def added_up(
    layouts: Sequence[ColumnLayout], frame: pd.DataFrame, attrs: Mapping[str, Any]
) -> list[ColumnLayout]:
    """The columns whose values may be added up: counts, values in one currency, amounts of one asset."""
    return [layout for layout in layouts if len(frame) and _may_add(layout, frame, attrs)]


def cells_of(layout: ColumnLayout, values: pa.Array) -> tuple[list[Any], list[Any] | None]:
    """The values of the cells of a column, and of the column of all digits beside it; None where empty."""
    if layout.kind == "time":
        return _serials(values), plain_text(values).to_pylist() if layout.exact else None
    if layout.kind == "flag":
        return values.to_pylist(), None
    if layout.kind == "text":
        return _texts(values).to_pylist(), None
    texts = plain_text(values).to_pylist() if pa.types.is_decimal(values.type) or layout.exact else None
    if pa.types.is_decimal(values.type):
        # Python's float is the nearest one; that of Arrow may be its neighbour.
        return [
            None if each is None else float(each) for each in texts or ()
        ], texts if layout.exact else None
    return values.to_pylist(), texts


def places_for(layout: ColumnLayout, asset: str) -> int:
    """Decimal places shown of a number in this asset."""
    return layout.places.get(asset, max(layout.places.values(), default=2))


def significant_digits(number: str) -> int:
    """Number of digits from the first to the last that is not zero."""
    return len(number.lstrip("-").replace(".", "").strip("0"))


# -- what the values say -----------------------------------------------------------------------------


@dataclass(slots=True)
class _Facts:
    """What was learnt about the values of a column so far."""

    places: dict[str, int] = field(default_factory=dict)
    smallest: float = math.inf
    whole_digits: int = 1
    digits: int = 0
    is_midnight: bool = True
    has_ms: bool = False
    is_told: bool = True


def _kind(type_: pa.DataType) -> Kind:
    if pa.types.is_timestamp(type_):
        return "time"
    if pa.types.is_boolean(type_):
        return "flag"
    if pa.types.is_integer(type_):
        return "count"
    if pa.types.is_decimal(type_) or pa.types.is_floating(type_):
        return "number"
    return "text"


def _learn(layout: ColumnLayout, found: _Facts, values: pa.Array, by: pa.Array | None, row: int) -> None:
    if layout.kind == "text":
        texts = _texts(values)
        layout.width = max(layout.width, _longest(texts))
        if layout.width > MAX_TEXT // 2:
            _check_lengths(layout.name, texts, row)
    elif layout.kind == "time":
        _learn_times(found, values)
        if not found.is_told:
            layout.exact_width = max(
                layout.exact_width, pc.max(pc.utf8_length(plain_text(values))).as_py() or 0
            )
    elif layout.kind != "flag":
        _learn_numbers(layout, found, values, by)


def _learn_numbers(layout: ColumnLayout, found: _Facts, values: pa.Array, by: pa.Array | None) -> None:
    if pa.types.is_floating(values.type):
        _learn_floats(found, values.to_numpy(zero_copy_only=False), by)
        return
    texts = plain_text(values)
    layout.exact_width = max(layout.exact_width, _longest(texts))
    unsigned = pc.utf8_ltrim(texts, "-")
    digits = pc.utf8_trim(pc.replace_substring(unsigned, ".", ""), "0")
    found.digits = max(found.digits, _longest(digits))
    if layout.kind == "count":
        found.whole_digits = max(found.whole_digits, _longest(unsigned))
        return
    point = pc.find_substring(unsigned, ".")
    length = pc.utf8_length(unsigned)
    has_point = pc.greater_equal(point, 0)
    whole = pc.if_else(has_point, point, length)
    found.whole_digits = max(found.whole_digits, pc.max(whole).as_py() or 0)
    places = pc.if_else(has_point, pc.subtract(pc.subtract(length, point), 1), 0)
    _note_places(found, places, by)
    numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    _note_smallest(found, numbers)


def _learn_floats(found: _Facts, numbers: np.ndarray, by: pa.Array | None) -> None:
    known = np.nan_to_num(numbers)
    places = np.full(len(known), _MAX_PLACES)
    with np.errstate(over="ignore", invalid="ignore"):
        for count in range(_MAX_PLACES, -1, -1):
            places[np.round(known, count) == known] = count
    _note_places(found, pa.array(places), by)
    _note_smallest(found, known)
    if len(known):
        largest = float(np.abs(known).max())
        found.whole_digits = max(
            found.whole_digits, math.floor(math.log10(largest)) + 1 if largest >= 1 else 1
        )


def _note_places(found: _Facts, places: pa.Array, by: pa.Array | None) -> None:
    if by is None:
        found.places[""] = max(found.places.get("", 0), pc.max(places).as_py() or 0)
        return
    groups = pa.table({"asset": by, "places": places}).group_by("asset").aggregate([("places", "max")])
    for asset, most in zip(groups["asset"].to_pylist(), groups["places_max"].to_pylist(), strict=True):
        found.places[asset] = max(found.places.get(asset, 0), most or 0)


def _note_smallest(found: _Facts, numbers: np.ndarray) -> None:
    sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    if len(sizes):
        found.smallest = min(found.smallest, float(sizes.min()))


def _learn_times(found: _Facts, values: pa.Array) -> None:
    local, is_told = _local_ms(values)
    found.is_told &= is_told
    known = local[~np.isnan(local)]
    found.is_midnight &= bool((known % DAY_MS == 0).all())
    found.has_ms |= bool((known % 1000 != 0).any())


def _conclude(layout: ColumnLayout, found: _Facts) -> None:
    if layout.kind == "time":
        layout.exact = not found.is_told
        layout.time_format = (
            "yyyy-mm-dd" if found.is_midnight else "yyyy-mm-dd hh:mm:ss" + ".000" * found.has_ms
        )
        layout.width = len(layout.time_format)
        return
    if layout.kind not in ("number", "count"):
        return
    layout.exact = found.digits > MAX_DIGITS
    if layout.kind == "number":
        layout.places = {asset: max(2, most) for asset, most in found.places.items()}
        if layout.name in _COMPUTED or pa.types.is_floating(layout.type):
            shown = _telling_places(found.smallest)
            layout.places = {asset: min(most, shown) for asset, most in layout.places.items()}
    separators = (found.whole_digits - 1) // 3
    layout.width = found.whole_digits + separators + max(layout.places.values(), default=0) + 2


def _telling_places(smallest: float) -> int:
    """Decimal places that show two digits of the smallest number: 2 for money, up to 8 for less."""
    if smallest >= 0.1:
        return 2
    return min(_MAX_PLACES, 1 - math.floor(math.log10(smallest)))


def _longest(texts: pa.Array) -> int:
    return pc.max(pc.utf8_length(texts)).as_py() or 0


# -- texts and times ---------------------------------------------------------------------------------


def _texts(values: pa.Array) -> pa.Array:
    return values if pa.types.is_string(values.type) else plain_text(values)


def _check_lengths(name: str, texts: pa.Array, row: int) -> None:
    for index, text in enumerate(texts.to_pylist()):
        if text is not None and len(text.encode("utf-16-le")) > 2 * MAX_TEXT:
            raise UsageError(
                f"Column `{name}` has a text of {len(text):,} characters in row {row + index}, and an Excel "
                f"cell holds {MAX_TEXT:,}. Shorten it, or export the frame as .parquet."
            )


def _local_ms(values: pa.Array) -> tuple[np.ndarray, bool]:
    """Milliseconds since 1970 on the clock of the column's zone, and whether they tell each time.

    They do not where a time is finer, outside of what Excel knows, or happens twice as clocks go back.
    """
    zone, unit = values.type.tz, values.type.unit
    local = values if zone is None else pc.local_timestamp(values)
    rounded = pc.floor_temporal(local, unit="millisecond") if unit in ("us", "ns") else local
    whole = rounded.cast(pa.timestamp("ms"))
    is_told = bool(pc.all(pc.equal(rounded, local), min_count=0).as_py())
    numbers = whole.cast(pa.int64()).to_numpy(zero_copy_only=False).astype("float64")
    inside = np.isnan(numbers) | ((numbers >= _FIRST_MS) & (numbers < _END_MS))
    is_told &= bool(inside.all())
    numbers = np.where(inside, numbers, np.nan)
    if is_told and zone not in (None, "UTC"):
        back = times_of(local, values.type)
        is_told = (
            bool(pc.all(pc.equal(back, values), min_count=0).as_py()) and back.null_count == values.null_count
        )
    return numbers, is_told


def times_of(local: pa.Array, type_: pa.DataType) -> pa.Array:
    """The times that the clock of a zone shows, missing where it shows them twice."""
    clock = pd.Series(local.to_pandas()).dt.as_unit(type_.unit)
    if type_.tz is not None:
        clock = clock.dt.tz_localize(type_.tz, ambiguous="NaT", nonexistent="NaT")
    return pa.array(clock, type_, from_pandas=True)


def _serials(values: pa.Array) -> list[float | None]:
    """Times as Excel counts them: days, the time of day being a fraction."""
    numbers, _ = _local_ms(values)
    serials = numbers / DAY_MS + EPOCH_DAYS
    return [None if math.isnan(serial) else serial for serial in serials.tolist()]


# -- totals ------------------------------------------------------------------------------------------


def _may_add(layout: ColumnLayout, frame: pd.DataFrame, attrs: Mapping[str, Any]) -> bool:
    name = layout.name
    if layout.kind == "count":
        return name.removesuffix("_before") in _COUNTS
    if layout.kind != "number" or layout.missing == len(frame):
        return False
    if name in _IN_CURRENCY:
        return bool(currency_of(attrs))
    if name not in _IN_ASSET or layout.by is None:
        return False
    assets = frame[layout.by]
    return bool(assets.notna().all()) and assets.nunique() == 1
