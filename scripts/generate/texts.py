"""What the documentation says about an endpoint: its request, limits, paging, arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta

from toolkit.endpoints import Endpoint, Param, RateLimit, Write
from toolkit.endpoints.model import MILLISECOND

READ_RAISES: Mapping[str, str] = {
    "UsageError": "An argument is invalid. Nothing was sent.",
    "ApiError": "The exchange refused the request. Nothing was executed.",
    "ServerError": "The exchange failed repeatedly; `partial` has the rows fetched until then.",
    "ContractError": "A response is not as documented; `partial` has the rows fetched until then.",
}
WRITE_RAISES: Mapping[str, str] = {
    "UsageError": "An argument is invalid. Nothing was sent.",
    "PendingWriteError": "An earlier call about the same thing is unresolved. Nothing was sent.",
    "JournalError": "The journal cannot be written. Nothing was sent.",
}
SNAPSHOT_RAISES: Mapping[str, str] = {
    "NotExecutedError": "The state before the call could not be read. Nothing was sent."
}
_RESOLVED_BY = {
    "client_id": "An unknown outcome is resolved by the id generated for the call, which `{read}` shows. An "
    "id of your own is not proof: another call may carry it too.",
    "new_account": "An unknown outcome is resolved by the unique suffix, which `{read}` shows. Without one, "
    "the account may have been created by another program.",
    "new_key": "An unknown outcome is resolved only if `{read}` shows no new key: a new key may have been "
    "created by another program.",
    "gone": "An unknown outcome is resolved by absence from `{read}`, no matter who deleted it.",
    "in_force": "An unknown outcome is resolved by reading the value back with `{read}`, no matter who set "
    "it.",
    "changed": "An unknown outcome is resolved only if `{read}` shows no change: a change may have been made "
    "by another program.",
}
_UNITS = {timedelta(days=1): "day", timedelta(hours=1): "hour", timedelta(minutes=1): "minute"}
_INTERVALS = {1: "a second", 60: "a minute", 3600: "an hour", 86_400: "a day"}


def request(endpoint: Endpoint, code: Callable[[str], str] = str) -> str:
    """What is sent, what it weighs, and the limit it is charged to.

    Args:
        endpoint: The endpoint.
        code: Marks up a path; in docstrings, paths are plain.
    """
    rate_limit = endpoint.rate_limit
    if rate_limit.counts == "requests":
        charged = "one request"
    elif isinstance(endpoint.weight, int):
        charged = f"weight {endpoint.weight:,}"
    else:
        charged = "weight by its parameters"
    sent = f"{endpoint.method} {endpoint.path}"
    text = f"{code(sent)}: {charged}, rate limit {rate_limit.name} ({_limit(rate_limit, code)})."
    if endpoint.security == "NONE":
        text += " Needs no key."
    elif endpoint.security == "MARKET_DATA":
        text += " Needs an API key, but no signature."
    if isinstance(endpoint, Write) and endpoint.permission:
        text += f' The key needs the "{endpoint.permission}" permission.'
    return text


def _limit(rate_limit: RateLimit, code: Callable[[str], str]) -> str:
    unit = " requests" if rate_limit.counts == "requests" else ""
    subject = "IP address" if rate_limit.scope == "IP" else "account (UID)"
    if not rate_limit.shared:
        endpoints = "for this endpoint alone"
    elif rate_limit.paths:
        endpoints = f"shared by {' and '.join(map(code, rate_limit.paths))}"
    else:
        endpoints = f"shared by {code(rate_limit.prefix + '*')}"
    return f"{rate_limit.limit:,}{unit} {interval(rate_limit.seconds)} for each {subject}, {endpoints}"


def interval(seconds: int) -> str:
    """The length of a rate limit's interval: "a minute", "in 5 minutes"."""
    if seconds in _INTERVALS:
        return _INTERVALS[seconds]
    return f"in {length(timedelta(seconds=seconds))}"


def notes(endpoint: Endpoint) -> str:
    """What else a user should know, as one paragraph; "" where there is nothing."""
    if isinstance(endpoint, Write):
        return " ".join([*_weight_notes(endpoint), *endpoint.notes, _resolution(endpoint)])
    sent = []
    if endpoint.method != "GET":
        sent.append(f"It is sent as {endpoint.method}, but changes nothing.")
    return " ".join([*_weight_notes(endpoint), *sent, *_paging_notes(endpoint), *endpoint.notes])


def _weight_notes(endpoint: Endpoint) -> list[str]:
    """The docstring of the rule for the weight, where there is one."""
    if isinstance(endpoint.weight, int) or endpoint.rate_limit.counts == "requests":
        return []
    rule = inspect.getdoc(endpoint.weight)
    if not rule:
        raise ValueError(
            f"{endpoint.qualified_name}: give its weight rule a docstring, such as "
            '"2 for one symbol, 40 for all of them." It becomes part of the documentation.'
        )
    return [f"Weight: {' '.join(rule.split())}"]


def _paging_notes(endpoint: Endpoint) -> list[str]:
    texts: list[str] = []
    window, paging = endpoint.window, endpoint.paging
    if window and window.max_span and (not window.retention or window.max_span < window.retention):
        texts.append(
            f"One request spans {length(window.max_span)} at most; a longer span is split into several "
            "requests."
        )
    if paging.kind in ("page", "offset"):
        texts.append(f"All pages are fetched, {paging.maximum} rows a request, until a page is empty.")
    if paging.kind == "id" and paging.by_window:
        texts.append(
            f"Windows are fetched side by side. One whose rows may not fit in a response of "
            f"{paging.maximum:,} goes on by id, from its first row until past its end."
        )
    elif paging.kind == "id":
        texts.append(
            f"All pages are fetched, {paging.maximum} rows a request, each from the id after the last one, "
            "until a page is empty."
        )
    if endpoint.steps:
        texts += [
            f"A row belongs to the span if its `{endpoint.order_by}` does: if its {endpoint.steps.param} "
            f"begins from `start` to `end`. A request covers {paging.maximum:,} of them at most; a longer "
            "span is split into several requests.",
            'Those without a row are listed in `attrs["gaps"]`, and never filled.',
        ]
    elif paging.kind == "limit":
        texts.append(
            f"A response of {paging.maximum:,} rows is full, so its span is fetched again as two "
            "half-windows. A round number of rows, such as 100, may be a lower limit than the documented "
            "one, so it is treated alike."
        )
    if several := next((param.name for param in endpoint.params if param.several), ""):
        order = f"ascend by `{endpoint.order_by}`" if endpoint.order_by else "are in the order of the list"
        texts.append(f"Rows for a list of `{several}` {order}.")
    return texts


def _resolution(write: Write) -> str:
    how = write.reconciliation
    if how.read:
        return _RESOLVED_BY[how.kind].format(read=how.read)
    return f"No read resolves an unknown outcome. Check {how.manual_check}."


def arguments(endpoint: Endpoint) -> dict[str, str]:
    """What each argument of the method is, in the order of its signature."""
    described = {param.name: _about(param) for param in params(endpoint)}
    if isinstance(endpoint, Write):
        if endpoint.confirm:
            described["confirm"] = f"`{endpoint.confirm}` again, because this cannot be undone."
        if endpoint.suffixed_argument:
            described["unique_suffix"] = (
                f"Append a random suffix to the {endpoint.suffixed_argument}. If the response is lost, the "
                "suffix identifies what this call created."
            )
        described["idempotency_key"] = (
            "Name under which the write is made once, across restarts and kernels: a second call with the "
            "same key sends nothing and returns the first outcome."
        )
        return described
    if endpoint.window:
        default, kept = endpoint.window.default, endpoint.window.retention
        described["start"] = f"Start of the span, included; defaults to {length(default)} before `end`."
        if kept:
            at_most = "Less than" if endpoint.paging.kind == "id" else "At most"  # see `resolve_span`
            described["start"] += f" {at_most} {length(kept)} ago."
        described["end"] = "End of the span, included; a date means its whole day. Defaults to now."
    described["numbers"] = 'Amounts as "float" or "exact" columns; defaults to the setting of the Link.'
    if shows_emails(endpoint):
        described["emails"] = (
            'E-mail addresses "masked" or "clear"; defaults to the setting of the Link. Different addresses '
            f"can have the same mask: identify and join rows by `{endpoint.columns[0].name}`."
        )
    return described


def _about(param: Param) -> str:
    return (
        f"{param.doc} Or a list of several, which are fetched side by side." if param.several else param.doc
    )


def params(endpoint: Endpoint) -> list[Param]:
    """The parameters that are arguments, in their order: positional ones, then required ones."""
    given = [param for param in endpoint.params if param.fixed is None]
    return sorted(given, key=lambda param: (not is_positional(endpoint, param), not param.is_required))


def is_positional(endpoint: Endpoint, param: Param) -> bool:
    """Whether an argument may be given by position.

    A write takes its choices, flags and rates by name. The symbol of market data, or of an account's orders,
    is what a call is about, even where it may be left out; elsewhere, a time given by mistake would be taken
    for an optional filter.
    """
    if isinstance(endpoint, Write):
        return param.is_required and param.kind in ("id", "text", "email", "amount")
    return param.is_required or (
        endpoint.system.startswith(("market.", "account.")) and param.name == "symbol"
    )


def shows_emails(endpoint: Endpoint) -> bool:
    """Whether a column holds e-mail addresses that the toolkit masks by default."""
    return any(column.kind == "email" and not column.masked for column in endpoint.columns)


def raises(endpoint: Endpoint) -> Mapping[str, str]:
    """The errors of a call, and when it raises them."""
    if not isinstance(endpoint, Write):
        return READ_RAISES
    return {**WRITE_RAISES, **(SNAPSHOT_RAISES if endpoint.reconciliation.needs_snapshot else {})}


def length(span: timedelta) -> str:
    """A span of time in words: "7 days", "just under 30 days", "1 hour"."""
    for unit, name in _UNITS.items():
        for extra, words in ((timedelta(), ""), (MILLISECOND, "just under ")):
            if not (span + extra) % unit:
                number = (span + extra) // unit
                return f"{words}{number} {name}{'' if number == 1 else 's'}"
    return f"{span.total_seconds():g} seconds"
