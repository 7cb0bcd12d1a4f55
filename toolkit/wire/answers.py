"""What an answer means: decoded, or the error that says what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlsplit

from toolkit import errors
from toolkit.catalogue.codes import Remedy, may_be_executed, meaning
from toolkit.wire.headers import LONGEST_BAN, SHORTEST_BAN, read_retry_after

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

_LONG_RUN = re.compile(r"[A-Za-z0-9+/=%_-]{40,}")
_ADDRESS = re.compile(r"[^\s@\"'<>:,]+(?:@|%40)[^\s@\"'<>:,]+", re.IGNORECASE)
_LONGEST_MESSAGE = 300
_LONGEST_EXCERPT = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request, read whole."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def without_secrets(text: str, longest: int) -> str:
    """Text of the exchange fit to be shown: shortened, no key, no signature, no e-mail address."""
    text = _ADDRESS.sub("(e-mail)", _LONG_RUN.sub("(hidden)", text))
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def decode(door: str, answer: Answer) -> Any:
    """The JSON of an answer; numbers with a point are Decimals, so no amount is ever rounded.

    Raises:
        ContractError: It is not JSON, is cut off, or holds a number that is none.
    """
    problem = ""
    try:
        return json.loads(answer.body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse)
    except UnicodeDecodeError:
        problem = "the answer is not UTF-8"
    except (ValueError, RecursionError):
        problem = "the answer is not JSON, or was cut off"
    raise errors.ContractError(door, f"{problem} (HTTP {answer.status})", excerpt(answer))


def excerpt(answer: Answer) -> str:
    """The first characters of an answer, nothing secret in them."""
    return without_secrets(answer.body[:400].decode("utf-8", "replace"), _LONGEST_EXCERPT)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def error_of(
    door: str, path: str, answer: Answer, now: float, attempts: int = 1
) -> errors.ToolkitError | None:
    """The error an answer means, None where it is a good one.

    Args:
        door: Door that asked.
        path: Path that was asked, by whose host codes are looked up.
        answer: What came back.
        now: Seconds since 1970, for the end of a ban.
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
        wait = max(retry_after or SHORTEST_BAN, _ban_in_words(answer, now))
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
    error = error_of(door, path, answer, now)
    status = answer.status
    if error is None:
        try:
            payload = decode(door, answer)
        except errors.ContractError:
            return _open(door, "the answer is not JSON, or was cut off", status)
        if not isinstance(payload, dict):
            return _open(door, "the answer is no JSON object", status)
        if status != 200:
            return _open(door, f"the answer was HTTP {status}, which is not documented", status)
        # Whatever the endpoint declares: gateways in front of it answer `{"msg": ..., "success": false}` too.
        if payload.get("success") is False:
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


def _open(door: str, reason: str, status: int) -> Verdict:
    return Verdict(None, errors.OutcomeUnknownError(door, reason, status))


def _ban_in_words(answer: Answer, now: float) -> float:
    """Seconds until the end of a ban that only the message tells ("IP banned until <milliseconds>")."""
    told = re.search(rb"banned until (\d{13})", answer.body[:2000])
    return min(int(told[1]) / 1000 - now, LONGEST_BAN) if told else 0.0


def _code_and_message(answer: Answer) -> tuple[int | None, str]:
    """`code` and `msg` of an error payload; for anything else no code and the first characters."""
    if answer.status < 300 and len(answer.body) > 4096:
        return None, ""  # an error payload is short; do not decode a page of rows twice
    try:
        payload = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None, _stripped(answer)
    if not isinstance(payload, dict):
        return None, ""
    code, message = payload.get("code"), payload.get("msg")
    known = isinstance(code, int) and not isinstance(code, bool)
    return code if known else None, without_secrets(str(message or ""), _LONGEST_MESSAGE)


def _stripped(answer: Answer) -> str:
    """The words of an HTML page or plain text."""
    text = re.sub(r"<[^>]*>", " ", answer.body[:2000].decode("utf-8", "replace"))
    return without_secrets(" ".join(text.split()), _LONGEST_EXCERPT)
