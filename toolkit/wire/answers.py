"""What an answer means: decoded, or the error that says what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from toolkit import errors, privacy
from toolkit.catalogue.codes import Remedy, may_be_executed, meaning
from toolkit.wire.headers import LONGEST_BAN, SHORTEST_BAN, is_cached, read_retry_after
from toolkit.wire.strict_json import Unreadable, read

_CLASSES: dict[Remedy, type[errors.ApiError]] = {
    "credentials": errors.CredentialsError,
    "signature": errors.SignatureError,
    "clock": errors.ClockError,
    "parameter": errors.ParameterError,
    "missing": errors.NotFoundError,
    "refused": errors.RefusedError,
    "retired": errors.RetiredError,
}
_BY_STATUS = {401: errors.CredentialsError, 404: errors.NotFoundError, 410: errors.RetiredError}

_LAST_WORD = re.compile(r"[^\s\"'<>:,]*\Z")
_LONGEST_MESSAGE = 300
_LONGEST_EXCERPT = 120
# Of a text, no more is looked at for what is secret: the patterns take time by the square of it.
_LOOKED_AT = 2000
# A page of rows is not decoded twice, and what refuses is short: the documented ones have 200 bytes.
_LONGEST_WRAPPED_ERROR, LONGEST_REFUSAL = 1 << 12, 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request, read whole.

    Attributes:
        status: HTTP status.
        headers: Its headers.
        body: Its body, decompressed; only the beginning where it has a flaw.
        flaw: What keeps its body from being read, as "is larger than ..."; "" where nothing does.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    flaw: str = ""


def without_secrets(text: str, longest: int) -> str:
    """Text of the exchange fit to be shown: shortened, no key, no signature, no e-mail address."""
    if len(text) > _LOOKED_AT:
        text = _LAST_WORD.sub("…", text[:_LOOKED_AT])  # half of something secret does not look like it
    text = privacy.without_secrets(text)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def decode(door: str, answer: Answer) -> Any:
    """The JSON of an answer; numbers with a point are Decimals, so no amount is ever rounded.

    Raises:
        ContractError: It is not JSON, is cut off, or is none that a sane exchange sends.
    """
    try:
        return _payload(answer)
    except Unreadable as unreadable:
        problem = str(unreadable)
    raise errors.ContractError(door, f"the answer {problem} (HTTP {answer.status})", excerpt(answer))


def _payload(answer: Answer) -> Any:
    if answer.flaw:
        raise Unreadable(answer.flaw)
    return read(answer.body)


def excerpt(answer: Answer) -> str:
    """The first characters of an answer, nothing secret in them."""
    return without_secrets(_beginning(answer), _LONGEST_EXCERPT)


def _beginning(answer: Answer) -> str:
    return answer.body[: 4 * _LOOKED_AT].decode("utf-8", "replace")


def error_of(
    door: str, path: str, answer: Answer, now: float, attempts: int = 1
) -> errors.ToolkitError | None:
    """The error an answer means, None where it is a good one.

    Args:
        door: Door that asked.
        path: Path that was asked, by whose host codes are looked up.
        answer: What came back.
        now: The exchange's time as it was when the answer came, by which its absolute times are read.
        attempts: How often it was sent by now.
    """
    code, message = _code_and_message(answer)
    status = answer.status
    if 300 <= status < 400:
        return errors.RedirectError(door, status, _target(answer))
    if status < 400 and not (code is not None and code < 0):
        return None
    known = meaning(path, code) if code is not None else None
    if status >= 500 or (known and known.remedy == "server"):
        return errors.ServerError(door, status, code, message or "no message", attempts)
    retry_after = read_retry_after(answer.headers, now)
    if status == 418:
        # What it says in seconds needs no clock at all, and a date is by the clock that wrote it.
        wait = retry_after or max(SHORTEST_BAN, _ban_in_words(answer, now))
        until = datetime.fromtimestamp(now, UTC) + timedelta(seconds=wait)
        return errors.BannedError(
            door, message or "This address is banned", until, code=code, retry_after=retry_after
        )
    if status == 429 or (known and known.remedy == "rate"):
        return errors.RateLimitError(door, status, code, message, retry_after)
    if status == 403 and code is None:
        return errors.FirewallError(door, status, code, message)
    if known:
        return _CLASSES[known.remedy](door, status, code, message)
    by_status = _BY_STATUS.get(status, errors.ApiError) if code is None else errors.ApiError
    return by_status(door, status, code, message)


def _target(answer: Answer) -> str:
    """The host that a redirect points to, as far as it can be read."""
    with suppress(ValueError):
        return without_secrets(urlsplit(answer.headers.get("Location", "")).hostname or "", 80)
    return ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answer to a write says became of it.

    Attributes:
        executed: True, False, or None where the answer leaves it open.
        error: What stands in the way of True.
        payload: The JSON of the answer, where it was read.
    """

    executed: bool | None
    error: errors.ToolkitError | None = None
    payload: Any = field(default=None, repr=False)


# A read is signed anew and sent again by itself; a write is not.
_CALL_AGAIN = "The exchange's clock is measured anew for the next call: call again."


def judge(door: str, path: str, answer: Answer, now: float) -> Verdict:
    """What became of a write that was answered like this. In doubt it may have been executed."""
    status = answer.status
    if is_cached(answer.headers):
        # Nobody knows which request it answers, and whether this one was handed on.
        return _open(door, "the answer comes out of a cache on the way and says nothing of this call", status)
    error = error_of(door, path, answer, now)
    if error is None:
        try:
            payload = _payload(answer)
        except Unreadable as unreadable:
            return _open(door, f"the answer {unreadable}", status)
        if not isinstance(payload, dict):
            return _open(door, "the answer is no JSON object", status)
        if status != 200:
            return _open(door, f"the answer was HTTP {status}, which is not documented", status)
        # Whatever the endpoint declares: gateways in front of it answer `{"msg": ..., "success": false}` too.
        if payload.get("success") is False or _is_refusal(payload.get("code")):
            return _open(door, "the answer says that it was no success, and no more", status)
        return Verdict(True, None, payload)
    code, message = _code_and_message(answer)
    said = f"the answer was HTTP {status}" + ("" if code is None else f", code {code}")
    said += f": {message}" if message else ""
    unclear = status < 400 and (code is None or meaning(path, code) is None)
    if unclear or may_be_executed(path, status, code, message):
        return _open(door, said, status)
    if isinstance(error, errors.ServerError):
        return Verdict(False, errors.NotExecutedError(door, said, status))
    if isinstance(error, errors.ClockError):
        error = errors.ClockError(door, status, code, message, advice=_CALL_AGAIN)
    return Verdict(False, error)


def _is_refusal(code: object) -> bool:
    """Whether a code means an error: one in an answer too long for an error is looked at only here."""
    return isinstance(code, int) and code < 0


def _open(door: str, reason: str, status: int) -> Verdict:
    return Verdict(None, errors.OutcomeUnknownError(door, reason, status))


def _ban_in_words(answer: Answer, now: float) -> float:
    """Seconds until the end of a ban that only the message tells ("IP banned until <milliseconds>")."""
    told = re.search(rb"banned until (\d{13})", answer.body[:2000])
    return min(int(told[1]) / 1000 - now, LONGEST_BAN) if told else 0.0


def _code_and_message(answer: Answer) -> tuple[int | None, str]:
    """`code` and `msg` of an error payload; for anything else no code and the first characters."""
    if len(answer.body) > (_LONGEST_WRAPPED_ERROR if answer.status < 300 else LONGEST_REFUSAL):
        return None, ""
    try:
        payload = _payload(answer)
    except Unreadable:
        return None, _stripped(answer)
    if not isinstance(payload, dict):
        return None, ""
    code, message = payload.get("code"), payload.get("msg")
    known = isinstance(code, int) and not isinstance(code, bool)
    return code if known else None, without_secrets(str(message or ""), _LONGEST_MESSAGE)


def _stripped(answer: Answer) -> str:
    """The words of an HTML page or plain text."""
    text = re.sub(r"<[^>]*>", " ", _beginning(answer)[:_LOOKED_AT])
    return without_secrets(" ".join(text.split()), _LONGEST_EXCERPT)
