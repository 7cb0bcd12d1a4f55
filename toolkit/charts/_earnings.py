"""Read frames of `toolkit.analytics.earnings()`, or of their sums, in any shape. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from toolkit.charts import _draw as draw
from toolkit.charts._data import amounts, as_frame, labels, name_list, require_columns, times
from toolkit.charts._page import groups, money
from toolkit.charts._text import short_name
from toolkit.errors import UsageError

_UNITS = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class Earnings:
    """What charts need of earnings.

    Attributes:
        rows: time, value and, if asked for, group. Times are those of clocks in the zone of the period.
        names: What groups are called, where that is not themselves.
        currency: The currency of the values, "" if it is not known.
        attrs: `attrs` as the charts of one read have them: fetched_at; start and end in the parameters.
        notes: What else is to be said: what has no value, and what is missing.
        period: The first and last moment of the period, if known; on the clocks of its zone.
        fetched: When it was fetched, on the same clocks, if known.
        name: What the period is called, "" if that is not known.
    """

    rows: pd.DataFrame
    names: Mapping[str, str]
    currency: str
    attrs: dict[Any, Any]
    notes: list[str]
    period: tuple[pd.Timestamp, pd.Timestamp] | None
    fetched: pd.Timestamp | None
    name: str

    @property
    def total(self) -> float:
        """The sum of all values."""
        return float(self.rows["value"].sum())

    @property
    def total_text(self) -> str:
        """The sum of all values, with its currency."""
        return f"{money(self.total)} {self.currency}".strip()


def read_earnings(data: object, chart: str, by: str | None, *, timed: bool = True) -> Earnings:
    """Read a frame of earnings.

    Args:
        data: The frame.
        chart: Name of the chart.
        by: Column to group by, None for no groups.
        timed: Whether the chart needs times.

    Raises:
        UsageError: It is no frame of earnings.
    """
    frame = as_frame(data, chart, "value")
    attrs: dict[Any, Any] = frame.attrs
    if not len(frame.columns):  # such as pd.DataFrame([])
        frame = pd.DataFrame({name: [] for name in ("time", "value", *([by] if by else []))})
    units = [name for name in _UNITS if name in frame]
    if "time" not in frame and units:  # sums by day, week or month
        frame = frame.assign(time=_starts(frame[units[0]]))
    usage = (
        f"charts.{chart}() draws frames of toolkit.analytics.earnings(), or their sums by "
        "toolkit.analytics.summarize()"
    )
    require_columns(frame, (*(["time"] if timed else []), "value"), usage)
    values = amounts(frame["value"])
    rows = pd.DataFrame({"value": values})
    names: dict[str, str] = {}
    if by is not None:
        rows["group"], names = groups(frame, by)
    period = attrs.get("period")
    period = period if isinstance(period, Mapping) else {}
    zone = str(period.get("zone") or "UTC")
    if timed:
        rows["time"] = _on_clocks(times(frame["time"]), frame, zone)
    notes = [*unvalued(frame, values), *_incomplete(attrs), *([f"Days in {zone}"] if zone != "UTC" else [])]
    start, end = _moment(period.get("start"), zone), _moment(period.get("end"), zone)
    fetched = max(filter(None, (_moment(each, zone) for each in _fetches(attrs))), default=None)
    as_read = {
        "fetched_at": None if fetched is None else fetched.isoformat(),
        "parameters": {
            "start": None if start is None else start.isoformat(),
            "end": None if end is None else end.isoformat(),
        },
    }
    currency = attrs.get("currency")
    known = rows[rows["value"].notna() & (rows["time"].notna() if timed else True)]
    return Earnings(
        rows=known,
        names=names,
        currency=short_name(currency) if isinstance(currency, str) else "",
        attrs=as_read,
        notes=notes,
        period=None if start is None or end is None else (start, end),
        fetched=fetched,
        name=short_name(period.get("name") or ""),
    )


def _starts(column: pd.Series) -> pd.Series:
    """The first day of sums: "2026-10-05", "2026-W41" and "2026-10" are days, weeks and months."""
    if not (pd.api.types.is_string_dtype(column) or pd.api.types.is_object_dtype(column)):
        return column
    texts = column.astype("string")
    weeks = texts.str.contains("W", na=False)
    if not weeks.any():
        return pd.Series(pd.to_datetime(texts, utc=True, format="ISO8601"))
    return pd.Series(pd.to_datetime(texts + "-1", utc=True, format="%G-W%V-%u"))


def _on_clocks(when: pd.Series, frame: pd.DataFrame, zone: str) -> pd.Series:
    """The times that clocks in a zone show. Sums of a day keep their day, which is one of UTC."""
    if zone == "UTC":
        return when
    shown = when.dt.tz_convert(zone).dt.tz_localize(None).dt.tz_localize("UTC")
    if "granularity" not in frame:
        return pd.Series(shown)
    return pd.Series(shown.mask(labels(frame["granularity"]) == "day", when))


def _moment(value: object, zone: str) -> pd.Timestamp | None:
    moment = draw.timestamp(value)
    return None if moment is None else moment.tz_convert(zone).tz_localize(None).tz_localize("UTC")


def _fetches(attrs: Mapping[Any, Any]) -> Iterator[object]:
    """When the frames behind earnings were fetched."""
    yield attrs.get("fetched_at")
    for source in attrs.get("sources") or ():
        if isinstance(source, Mapping):
            yield source.get("fetched_at")


def unvalued(frame: pd.DataFrame, values: pd.Series) -> list[str]:
    """A sentence on the rows that have no value, if there are any."""
    if "unvalued" in frame and "valued" in frame:  # sums
        counts = amounts(frame["unvalued"]).fillna(0)
        all_rows = int(counts.sum() + amounts(frame["valued"]).fillna(0).sum())
    else:
        counts = values.isna().astype(float)
        all_rows = len(frame)
    number = int(counts.sum())
    if not number:
        return []
    assets = ""
    if "asset" in frame:
        sums = counts.groupby(labels(frame["asset"])).sum()
        sums = sums[sums > 0].sort_values(ascending=False, kind="stable")
        assets = f" ({name_list((short_name(name, 12) for name in sums.index), most=3)})"
    return [f"Not valued and not drawn: {number:,} of {all_rows:,} rows{assets}"]


def _incomplete(attrs: Mapping[Any, Any]) -> list[str]:
    if attrs.get("complete") is not False:
        return []
    missing = len(attrs.get("missing") or ())
    return [
        f"Incomplete: {missing} {'span is' if missing == 1 else 'spans are'} missing"
        if missing
        else "Incomplete"
    ]


def check_same(first: Earnings, second: Earnings, currencies: tuple[object, object]) -> None:
    """Raise if values are in two currencies.

    Raises:
        UsageError: They are.
    """
    if None not in currencies and currencies[0] != currencies[1]:
        raise UsageError(
            f"The two frames are in {currencies[0]} and {currencies[1]}, which cannot be compared. "
            "Value both in one currency: earnings(..., currency=)."
        )
