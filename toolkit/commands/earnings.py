"""`python -m toolkit earnings`: what a partner earned, in one currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, get_args

import pandas as pd

from toolkit.analytics.earnings import earnings
from toolkit.analytics.groups import UNITS, key_names
from toolkit.analytics.income_reads import Moment, System
from toolkit.analytics.periods import period as period_of
from toolkit.analytics.summaries import KEYS, summarize
from toolkit.commands.running import described, listed, open_link, target_of
from toolkit.display.formatting import plural
from toolkit.errors import UsageError
from toolkit.exports import export
from toolkit.frames.builder import Numbers
from toolkit.runtime.decimals import in_own_context

_PLACES = 8


def report_earnings(
    period: str,
    currency: str,
    *,
    by: Sequence[str],
    when: Moment,
    systems: Sequence[str],
    out: str | None,
    profiles: Sequence[str],
    in_demo: bool,
    numbers: Numbers,
    zone: str,
) -> tuple[str, Mapping[str, Any]]:
    """Add up what was earned in a period, and write it to a file if one is named.

    Args:
        period: The period, as for `toolkit.analytics.period`.
        currency: What it is valued in.
        by: Keys of sums, as for `toolkit.analytics.summarize`. The file then has the sums; an Excel file has
            the rows on another sheet.
        when: Whether income counts when it was "received" or when its trade was "traded".
        systems: Which systems to ask: "exchange", "spot", "futures"; none for all.
        out: Path of the file, in which `{period}` stands for the label of the period.
        profiles: Names of profiles, each of another account; none for the usual key.
        in_demo: Whether to read from the sandbox.
        numbers: Amounts as "exact" or "float" columns.
        zone: The time zone of the period.

    Returns:
        The line that says what was earned, and the same as JSON.

    Raises:
        UsageError: An argument is invalid.
        InUseError: Another command is writing the file.
        ToolkitError: A read or the file failed. The old file is as it was.
    """
    keys = key_names(list(by), (*KEYS, *UNITS)) if by else []
    span = period_of(period, zone=zone)
    if len(set(profiles)) < len(profiles):
        raise UsageError("A --profile is given twice: its income would count twice.")
    with ExitStack() as opened:
        target = None if out is None else opened.enter_context(target_of(out, span))
        names: Sequence[str | None] = profiles or [None]
        links = [opened.enter_context(open_link(name, in_demo=in_demo, numbers=numbers)) for name in names]
        frame = earnings(
            links, span, currency, when=when, systems=systems or get_args(System), numbers=numbers
        )
        total = summarize(frame, None)
        sums = summarize(frame, keys) if keys else None
        if target is not None:
            is_excel = target.suffix.lower() == ".xlsx"
            export(frame if sums is None else {"sums": sums, "earnings": frame} if is_excel else sums, target)
    attrs = frame.attrs
    value = 0 if frame.empty else total["value"].iloc[0]
    about = ["earnings", span.label, *(["(SANDBOX)"] if attrs["source"] == "sandbox" else [])]
    parts = [f"{_shown(value)} {currency} from {plural(len(frame), 'row')}"]
    if attrs["unvalued"]:
        rows = sum(attrs["unvalued"].values())
        parts.append(f"{rows:,} of them not valued ({listed(list(attrs['unvalued']))})")
    line = f"{' '.join(about)}: {', '.join(parts)}"
    if sums is not None:
        shown = [
            f"{'/'.join('-' if pd.isna(key) else str(key) for key in row[: len(keys)])} {_shown(row[-1])}"
            for row in sums[[*keys, "value"]].itertuples(index=False, name=None)
        ]
        line += f"; by {', '.join(keys)}: {listed(shown)}"
    if target is not None:
        line += f"; in {target.name}"
    told = ("source", "accounts", "currency", "when", "fetched_at", "unvalued", "sources", "notes")
    content = {
        "period": described(span),
        "file": None if target is None else str(target),
        "rows": len(frame),
        "value": _told(value),
        **{name: attrs.get(name) for name in told},
        **({} if sums is None else {"by": keys, "sums": _records(sums)}),
        "complete": bool(attrs["complete"]),
        "missing": attrs["missing"],
    }
    return line, content


@in_own_context
def _shown(value: Any) -> str:
    """A value for the line: rounded to eight places."""
    if pd.isna(value):
        return "no known value"
    whole, _, places = f"{value:,.{_PLACES}f}".partition(".")
    return f"{whole}.{places.rstrip('0'):0<2}"


def _told(value: Any) -> str | int | float | None:
    """A value for JSON: exact amounts with all digits, as text."""
    if pd.isna(value):
        return None
    if isinstance(value, str | int | float):
        return value
    return f"{value:f}" if hasattr(value, "as_tuple") else int(value)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): _told(value) for name, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]
