"""The first sheet: what the workbook shows, where it comes from, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.display.formatting import plural
from toolkit.exports.excel.columns import currency_of
from toolkit.exports.excel.names import heading

if TYPE_CHECKING:
    from xlsxwriter import Workbook

    from toolkit.exports.excel.sheets import Sheet

Facts = Mapping[str, Sequence[str]]
"""Sentences by what they are about."""

_WHEN = {
    "received": "when it was received",
    "traded": "when the trade happened that it was paid for",
}
_LABEL_WIDTH, _TEXT_WIDTH = 24, 100
_LINE_HEIGHT = 15
_LINE_LENGTH = 115


@dataclass(frozen=True, slots=True)
class SheetSummary:
    """A frame in the workbook.

    Attributes:
        name: What the frame is called.
        sheets: Names of its sheets.
        rows: Number of its rows.
        sha256: SHA-256 of the rows as CSV.
    """

    name: str
    sheets: Sequence[str]
    rows: int
    sha256: str


def facts_of(described: Mapping[str, Any]) -> dict[str, list[str]]:
    """What the provenance of a frame says, for people."""
    attrs = described["attrs"]
    facts = {
        "Shows": _shows(attrs),
        "Account": _texts(attrs.get("accounts") or attrs.get("account")),
        "Period": _period(described),
        "Currency": _texts(currency_of(attrs)),
        "Valued": _valued(attrs),
        "Without a value": _counts(attrs.get("unvalued")),
        "Complete": _complete(attrs),
        "Missing": _texts(attrs.get("missing")),
        "Asked for": _parameters(attrs.get("parameters")),
        "Fetched": _times(attrs),
        "Sources": [_source(each) for each in _dicts(attrs.get("sources"))],
        "E-mail addresses": _emails(attrs.get("emails")),
        "Notes": _texts(attrs.get("notes")),
    }
    return {label: texts for label, texts in facts.items() if texts}


def write_about(
    workbook: Workbook, sheet: Sheet, description: Mapping[str, Any], sheets: Sequence[SheetSummary]
) -> None:
    """Write the first sheet.

    Args:
        workbook: The workbook.
        sheet: Its first sheet, empty.
        description: The provenance of each frame, under `sheets`.
        sheets: The frames, in order.
    """
    from toolkit.exports.excel.sheets import (
        ALERT,
        FONT,
        LINE,
        ON_PRIMARY,
        PAGE_FONT,
        PAGE_NUMBERS,
        PRIMARY,
        SANDBOX,
        WASH,
    )

    base = {"font_name": FONT, "font_size": 10, "valign": "top"}
    label = workbook.add_format({**base, "bold": True, "font_color": PRIMARY})
    text = workbook.add_format({**base, "text_wrap": True})
    alert = workbook.add_format({**base, "text_wrap": True, "bold": True, "font_color": ALERT})
    mono = workbook.add_format({**base, "font_size": 9, "text_wrap": True})
    number = workbook.add_format({**base, "num_format": "#,##0", "align": "left"})
    under = workbook.add_format({**base, "bold": True, "bg_color": WASH, "bottom": 1, "bottom_color": LINE})
    described = {each.name: description["sheets"][each.name] for each in sheets}
    sources = {str(each["attrs"].get("source") or "") for each in described.values()}
    sheet.set_column(0, 0, _LABEL_WIDTH)
    sheet.set_column(1, 1, 12)
    sheet.set_column(2, 2, _TEXT_WIDTH - 12)
    sheet.hide_gridlines(2)
    sheet.set_footer(PAGE_NUMBERS)
    rows = _Writer(sheet)
    rows.put(0, _title(described), workbook.add_format({**base, "font_size": 18, "bold": True}), height=30)
    banner, colour = _banner(sources, (PRIMARY, SANDBOX))
    if banner:
        style = workbook.add_format(
            {
                **base,
                "font_size": 20,
                "bold": True,
                "font_color": ON_PRIMARY,
                "bg_color": colour,
                "indent": 1,
                "valign": "vcenter",
            }
        )
        for column in (1, 2):
            sheet.write_blank(rows.row, column, None, style)
        rows.put(0, banner, style, height=38)
        if colour == SANDBOX:
            sheet.set_tab_color(SANDBOX)
            sheet.set_header(f"&R{PAGE_FONT}&BSANDBOX: made-up data")
    rows.skip()
    for about, texts in _merged({name: facts_of(each) for name, each in described.items()}).items():
        for index, each in enumerate(texts):
            is_alert = about == "Missing" or (about == "Complete" and not each.endswith("yes"))
            rows.line(about if index == 0 else "", each, label, alert if is_alert else text)
    rows.skip()
    sheet.put_text(rows.row, 1, "Rows", under)
    sheet.put_text(rows.row, 2, "SHA-256 of the rows as CSV, as toolkit.export writes them", under)
    rows.put(0, "Sheet", under)
    for summary in sheets:
        sheet.put_number(rows.row, 1, summary.rows, number)
        sheet.put_text(rows.row, 2, summary.sha256, mono)
        rows.put(0, "\n".join(summary.sheets), text, height=_LINE_HEIGHT * len(summary.sheets))
    rows.skip()
    for each in _reading(described):
        rows.line("How to read it" if each.startswith("Times") else "", each, label, text)
    rows.line("Written by", f"Binance Link Toolkit {description['version']}", label, text)


class _Writer:
    """Writes rows from the top."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self.row = 0

    def put(self, column: int, text: str, style: Any, *, height: float = _LINE_HEIGHT) -> None:
        """Write the first cell of a row, of which the others were written, and go on to the next row."""
        self._sheet.set_row(self.row, height)
        self._sheet.put_text(self.row, column, text[:32_000], style)
        self.row += 1

    def line(self, about: str, text: str, label: Any, style: Any) -> None:
        """Write a sentence and what it is about."""
        text = text[:8_000]
        lines = sum(1 + len(part) // _LINE_LENGTH for part in text.split("\n"))
        if about:
            self._sheet.put_text(self.row, 0, about, label)
        self._sheet.set_row(self.row, min(_LINE_HEIGHT * lines, 400))
        self._sheet.merge_range(self.row, 1, self.row, 2, "", style)
        self._sheet.put_text(self.row, 1, text, style)
        self.row += 1

    def skip(self) -> None:
        """Leave a row empty."""
        self.row += 1


# -- facts -------------------------------------------------------------------------------------------


def _title(described: Mapping[str, Mapping[str, Any]]) -> str:
    attrs = [each["attrs"] for each in described.values()]
    if any(each.get("analytics") for each in attrs):  # the rows say more than sums of them
        attrs.sort(key=lambda each: each.get("analytics") != "earnings")
    first = attrs[0]
    name = str(first.get("analytics") or first.get("endpoint") or next(iter(described)))
    period = first.get("period")
    said = period.get("name") if isinstance(period, Mapping) else None
    title = heading(name) if first.get("analytics") else name
    if currency := currency_of(first):
        title += f" in {currency}"
    return f"{title}, {said}" if said else title


def _banner(sources: set[str], colours: tuple[str, str]) -> tuple[str, str]:
    if "sandbox" in sources:
        mixed = "" if sources == {"sandbox"} else " IN PART"
        return f"SANDBOX{mixed}: made-up data, not of the exchange", colours[1]
    if sources == {"live"}:
        return "LIVE: data of the exchange", colours[0]
    return "", ""


def _shows(attrs: Mapping[str, Any]) -> list[str]:
    if name := attrs.get("analytics"):
        by = attrs.get("by")
        keys = f" by {', '.join(map(str, by))}" if isinstance(by, list) and by else ""
        return [f"{name}{keys}"]
    if name := attrs.get("endpoint"):
        return [f"rows of the endpoint {name}"]
    return []


def _period(described: Mapping[str, Any]) -> list[str]:
    period = described["attrs"].get("period")
    stated = period if isinstance(period, Mapping) else described.get("span") or {}
    if not (stated.get("start") or stated.get("end")):
        return []
    ends = " to ".join(_moment(stated.get(end)) for end in ("start", "end"))
    zone = stated.get("zone") or "UTC"
    cut = "" if zone == "UTC" else f", which are days of {zone}"
    name = f"{stated['name']}: " if stated.get("name") else ""
    return [f"{name}{ends} UTC, both included{cut}"]


def _valued(attrs: Mapping[str, Any]) -> list[str]:
    valuation = attrs.get("valuation")
    if not isinstance(valuation, Mapping):
        return []
    texts = []
    if when := attrs.get("when"):
        texts.append(f"Income has the price of the time {_WHEN.get(str(when), str(when))}.")
    if at := valuation.get("at"):
        texts.append(
            f"The price is the close of the last candle ({at}) that had closed by then. Each row has it."
        )
    rows, valued = valuation.get("rows"), valuation.get("valued")
    if isinstance(rows, int) and isinstance(valued, int):
        left_out = " Totals leave the others out." if valued < rows else ""
        texts.append(f"{valued:,} of {rows:,} rows have a value.{left_out}")
    if par := _texts(valuation.get("at_par")):
        texts.append(f"At par, not at a market price: {', '.join(par)}.")
    if given := valuation.get("given"):
        texts.append(f"Prices given by hand, not by the market: {plural(given, 'row')}.")
    return texts


def _complete(attrs: Mapping[str, Any]) -> list[str]:
    complete = attrs.get("complete")
    if complete is None:
        return []
    return (
        ["yes"] if complete is True else ["NO: rows are missing, so totals are not those of the whole period"]
    )


def _parameters(parameters: Any) -> list[str]:
    if not isinstance(parameters, Mapping):
        return []
    return [f"{name} = {_text(value)}" for name, value in parameters.items() if name not in ("start", "end")]


def _times(attrs: Mapping[str, Any]) -> list[str]:
    texts = [_moment(attrs["fetched_at"]) + " UTC"] if attrs.get("fetched_at") else []
    if attrs.get("server_time"):
        texts.append(f"{_moment(attrs['server_time'])} UTC by the clock of the exchange")
    return texts


def _source(source: Mapping[str, Any]) -> str:
    parts = [str(source.get("endpoint", ""))]
    if source.get("account"):
        parts.append(f"account {source['account']}")
    if isinstance(source.get("rows"), int):
        parts.append(f"{source['rows']:,} rows")
    if source.get("counts") is False:
        parts.append("not counted, as another source tells the same")
    if source.get("complete") is False:
        parts.append("NOT COMPLETE")
    if source.get("fetched_at"):
        parts.append(f"fetched {_moment(source['fetched_at'])} UTC")
    return ", ".join(parts)


def _emails(emails: Any) -> list[str]:
    return {"masked": ["masked"], "clear": ["in full"]}.get(str(emails), [])


def _counts(counts: Any) -> list[str]:
    if not isinstance(counts, Mapping) or not counts:
        return []
    return [
        ", ".join(
            f"{name}: {plural(number, 'row')}" if isinstance(number, int) else f"{name}: {_text(number)}"
            for name, number in counts.items()
        )
    ]


def _reading(described: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "Times are dates of Excel in the time zone that the heading names. Identifiers are text."
    yield (
        "Excel computes with 15 digits. Where numbers have more, the column beside them, named “all digits”, "
        "has them as text."
    )
    yield "An empty cell means that the value is not known. It is not zero."
    yield "Amounts of different assets are never added up: totals are of one asset or one currency."
    yield "The file .provenance.json beside this workbook has its SHA-256, by which a change is noticed."


def _merged(facts: Mapping[str, Facts]) -> dict[str, list[str]]:
    """The facts of all frames, each once, with the names of the frames where only some say it."""
    merged: dict[str, list[str]] = {}
    for label in dict.fromkeys(label for each in facts.values() for label in each):
        said: dict[str, list[str]] = {}
        for name, each in facts.items():
            for text in each.get(label, ()):
                said.setdefault(text, []).append(name)
        merged[label] = [
            text if len(names) == len(facts) else f"{', '.join(names)}: {text}"
            for text, names in said.items()
        ]
    return merged


def _dicts(values: Any) -> list[Mapping[str, Any]]:
    return [each for each in values if isinstance(each, Mapping)] if isinstance(values, list) else []


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [_text(each) for each in value] if isinstance(value, list) else [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def _moment(value: Any) -> str:
    """A time of an attribute without the ISO letters, which are for programs."""
    return str(value or "?").replace("T", " ").removesuffix("+00:00").removesuffix("Z")
