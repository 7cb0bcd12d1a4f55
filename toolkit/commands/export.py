"""`python -m toolkit export`: the rows of a read in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from toolkit.analytics.periods import Period
from toolkit.analytics.periods import period as period_of
from toolkit.commands.running import described, open_link, target_of
from toolkit.display.formatting import plural
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.endpoints.model import Endpoint, Param
from toolkit.errors import UsageError
from toolkit.exports import export
from toolkit.frames.builder import Numbers
from toolkit.text.suggestions import did_you_mean

_FLAGS = {"true": True, "false": False}


def export_read(
    read: str,
    period: str | None,
    out: str,
    *,
    arguments: Sequence[str],
    profile: str | None,
    in_demo: bool,
    numbers: Numbers,
    zone: str,
) -> tuple[str, Mapping[str, Any]]:
    """Fetch the rows of a read and write them to a file.

    Args:
        read: Its name, such as "spot.rebates".
        period: The period, as for `toolkit.analytics.period`; None for a read without a span.
        out: Path of the file, in which `{period}` stands for the label of the period.
        arguments: Further arguments of the read, such as "market=um".
        profile: Name of a profile, None for the usual key.
        in_demo: Whether to read from the sandbox.
        numbers: Amounts as "exact" or "float" columns.
        zone: The time zone of the period.

    Returns:
        The line that says what was done, and the same as JSON.

    Raises:
        UsageError: An argument is invalid; nothing was sent.
        InUseError: Another command is writing the file.
        ToolkitError: The read or the file failed. The old file is as it was.
    """
    endpoint = _endpoint(read)
    given = _arguments(endpoint, arguments)
    span = _span(endpoint, period, zone)
    with target_of(out, span) as target, open_link(profile, in_demo=in_demo, numbers=numbers) as link:
        if span is not None:
            given |= {"start": span.start, "end": span.end}
        frame = attrgetter(read)(link)(**given)
        export(frame, target)
    attrs = frame.attrs
    about = [
        read,
        *([span.label] if span is not None else []),
        *(["(SANDBOX)"] if attrs["source"] == "sandbox" else []),
    ]
    content = {
        "read": read,
        "period": None if span is None else described(span),
        "file": str(target),
        "rows": len(frame),
        **{
            name: attrs.get(name)
            for name in ("source", "account", "parameters", "fetched_at", "server_time", "requests", "weight")
        },
        "complete": bool(attrs["complete"]),
        "missing": attrs.get("missing", []),
    }
    return f"{' '.join(about)}: {plural(len(frame), 'row')} in {target.name}", content


def _endpoint(read: str) -> Endpoint:
    if read not in ENDPOINTS_BY_NAME:
        raise UsageError(
            f"There is no read {read!r}.{did_you_mean(read, ENDPOINTS_BY_NAME)} `toolkit.list_endpoints()` "
            "lists them."
        )
    return ENDPOINTS_BY_NAME[read]


def _span(endpoint: Endpoint, period: str | None, zone: str) -> Period | None:
    """The period to ask for.

    Raises:
        UsageError: It is missing, does not fit the read, or cuts its days.
    """
    name = endpoint.qualified_name
    if endpoint.window is None:
        if period is not None:
            raise UsageError(f"{name} takes no --period: it has what there is now.")
        return None
    if period is None:
        raise UsageError(f'{name} needs a --period, such as "last month", "2026-10" or "MTD".')
    span = period_of(period, zone=zone)
    if endpoint.window.per_day and not span.is_whole_days:
        raise UsageError(
            f"Rows of {name} are UTC days, and {period!r} in {span.zone} begins or ends within one. Choose a "
            "period of whole days in UTC."
        )
    return span


def _arguments(endpoint: Endpoint, given: Sequence[str]) -> dict[str, Any]:
    """The arguments of a read from texts such as "market=um"; a name given several times has a list.

    Raises:
        UsageError: One of them has no value or no such name, or required ones are missing.
    """
    known = {param.name: param for param in endpoint.params if param.fixed is None}
    values: dict[str, list[Any]] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            raise UsageError(f"--argument must be NAME=VALUE, such as market=um, not {each!r}.")
        if name not in known:
            takes = f"It takes {', '.join(known)}." if known else "It takes none."
            raise UsageError(
                f"{endpoint.qualified_name} has no argument {name!r}.{did_you_mean(name, known)} {takes}"
            )
        values.setdefault(name, []).append(_value(known[name], text))
    if missing := [name for name, param in known.items() if param.is_required and name not in values]:
        shown = " ".join(f"--argument {name}=..." for name in missing)
        raise UsageError(f"{endpoint.qualified_name} needs {shown}.")
    return {
        name: texts if len(texts) > 1 or known[name].kind == "texts" else texts[0]
        for name, texts in values.items()
    }


def _value(param: Param, text: str) -> str | int | bool:
    """A value of the type that the read takes; what it is, the read checks.

    Raises:
        UsageError: A flag is neither true nor false, or a whole number is none.
    """
    if param.kind == "flag":
        if text.lower() not in _FLAGS:
            raise UsageError(f"`{param.name}` must be true or false, not {text!r}.")
        return _FLAGS[text.lower()]
    if param.kind == "integer":
        try:
            return int(text)
        except ValueError:
            raise UsageError(f"`{param.name}` must be a whole number, not {text!r}.") from None
    return text
