"""What an answer means: decoded, or the error that says what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from toolkit import errors, redaction
from toolkit.endpoints.codes import Remedy, code_for, may_be_executed
from toolkit.text.printable import printable
from toolkit.timing.http_dates import MAX_BAN_S, MIN_BAN_S, is_cached, read_retry_after, rounded_up
from toolkit.transport.strict_json import Unreadable, read

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

# How the exchange's edge says that it serves no such country: in words, or with a 451.
_ELSEWHERE = re.compile(r"restricted location|block access from your country|not available in your", re.I)
_NOT_FROM_THERE = (
    "The exchange does not serve the country that this machine's address seems to be in; that of a cloud, a "
    "VPN or a proxy may be in another one than you are. Send from an address in a country that it serves, or "
    "ask the exchange. Sending again does not help."
)
# How firewalls say that they would like to see a browser.
_CHALLENGES = {"x-amzn-waf-action": {"challenge", "captcha"}, "cf-mitigated": {"challenge"}}
_CHALLENGE = "the firewall wants to see a browser"
_LETS_IN = (
    "The firewall takes this machine for a robot: no program passes its test. Send nothing for some minutes; "
    "if it comes again, send from another address: those of clouds, VPNs and shared proxies are often taken "
    "for such."
)

_LAST_WORD = re.compile(r"[^\s\"'<>:,]*\Z")
_LONGEST_MESSAGE = 300
_LONGEST_EXCERPT = 120
# Of a text, no more is looked at for what is secret: the patterns take time by the square of it.
_LOOKED_AT = 2000
# What refuses is short: the documented ones have 200 bytes.
MAX_REFUSAL_BYTES = 1 << 16
# What an error wrapped into HTTP 200 consists of. An object that has more to say may be a row.
_ENVELOPE = frozenset(
    {
        "code",
        "data",
        "error",
        "errorData",
        "message",
        "messageDetail",
        "msg",
        "status",
        "success",
        "timestamp",
    }
)
_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)
_TOO_MANY = re.compile(r"too many requests|rate limit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawResponse:
    """What came back for one request, read whole.

    Attributes:
        status: HTTP status.
        headers: Its headers.
        body: Its body, decompressed; only the beginning where it has a flaw.
        defect: What keeps its body from being read, as "is larger than ..."; "" where nothing does.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    defect: str = ""


def without_secrets(text: str, longest: int) -> str:
    """Text of the exchange fit to be shown: shortened, no key, no signature, no e-mail address."""
    if len(text) > _LOOKED_AT:
        text = _LAST_WORD.sub("…", text[:_LOOKED_AT])  # half of something secret does not look like it
    text = redaction.without_secrets(text)
    text = printable(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def decode(endpoint: str, response: RawResponse) -> Any:
    """The JSON of an answer; numbers with a point are Decimals, so no amount is ever rounded.

    Raises:
        ContractError: It is not JSON, is cut off, or is none that a sane exchange sends.
    """
    try:
        return _payload(response)
    except Unreadable as unreadable:
        problem = str(unreadable)
    raise errors.ContractError(endpoint, f"the answer {problem} (HTTP {response.status})", excerpt(response))


def _payload(response: RawResponse) -> Any:
    if response.defect:
        raise Unreadable(response.defect)
    return read(response.body)


def excerpt(response: RawResponse) -> str:
    """The first characters of an answer, nothing secret in them."""
    return without_secrets(_beginning(response), _LONGEST_EXCERPT)


def _beginning(response: RawResponse) -> str:
    return response.body[: 4 * _LOOKED_AT].decode("utf-8", "replace")


def parse_response(
    endpoint: str, path: str, response: RawResponse, now: float, attempts: int = 1
) -> tuple[Any, errors.ToolkitError | None]:
    """The JSON of a good answer to a read, or the error that it means; the arguments are `error_of`'s.

    Raises:
        ContractError: It is no error, and cannot be read.
    """
    if response.status >= 300:
        return None, error_of(endpoint, path, response, now, attempts)
    payload = decode(endpoint, response)  # once: it may be large
    return payload, _error(endpoint, path, response, _error_fields_of(payload), now=now, attempts=attempts)


def error_of(
    endpoint: str, path: str, response: RawResponse, now: float, attempts: int = 1
) -> errors.ToolkitError | None:
    """The error an answer means, None where it is a good one.

    Args:
        endpoint: Door that asked.
        path: Path that was asked, by whose host codes are looked up.
        response: What came back.
        now: The exchange's time as it was when the answer came, by which its absolute times are read.
        attempts: How often it was sent by now.
    """
    return _error(endpoint, path, response, _error_fields(response), now=now, attempts=attempts)


def _error(
    endpoint: str, path: str, response: RawResponse, said: _ErrorFields, *, now: float, attempts: int
) -> errors.ToolkitError | None:
    code, message, status = said.code, said.message, response.status
    if 300 <= status < 400:
        return errors.RedirectError(endpoint, status, _target(response))
    if _is_challenge(response):  # whatever its status: AWS sends 202 and 405
        return errors.FirewallError(endpoint, status, None, message or _CHALLENGE, advice=_LETS_IN)
    if status == 451 or (
        status == 403 and code is None and _ELSEWHERE.search(_beginning(response)[:_LOOKED_AT])
    ):
        return errors.FirewallError(endpoint, status, code, message, advice=_NOT_FROM_THERE)
    if status < 400 and not said.fails:
        return None
    known = code_for(path, code) if code is not None else None
    retry_after = read_retry_after(response.headers, now)
    if status >= 500 or (known and known.remedy == "server"):
        said_so = message or "no message"
        return errors.ServerError(endpoint, status, code, said_so, attempts, retry_after=retry_after)
    is_rate = status == 429 or (known is not None and known.remedy == "rate")
    is_rate = is_rate or (status < 400 and code is None and _TOO_MANY.search(message) is not None)
    in_words = _ban_in_message(message, now) if is_rate or status == 418 else 0.0
    if status == 418 or in_words > 0:
        # What it says in seconds needs no clock at all, and a date is by the clock that wrote it.
        wait = retry_after or max(MIN_BAN_S, in_words)
        until = rounded_up(now + wait)
        return errors.BannedError(
            endpoint,
            message or "This address is banned",
            until,
            status=status,
            code=code,
            retry_after=wait if in_words > 0 else retry_after,
        )
    if is_rate:
        return errors.RateLimitError(endpoint, status, code, message, retry_after)
    if status == 403 and code is None:
        return errors.FirewallError(endpoint, status, code, message)
    if known:
        return _CLASSES[known.remedy](endpoint, status, code, message)
    by_status = _BY_STATUS.get(status, errors.ApiError) if code is None else errors.ApiError
    return by_status(endpoint, status, code, message)


def _is_challenge(response: RawResponse) -> bool:
    return any(response.headers.get(name, "").lower() in said for name, said in _CHALLENGES.items())


def _target(response: RawResponse) -> str:
    """The host that a redirect points to, as far as it can be read."""
    with suppress(ValueError):
        return without_secrets(urlsplit(response.headers.get("Location", "")).hostname or "", 80)
    return ""


@dataclass(frozen=True, slots=True)
class WriteResult:
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


def classify(endpoint: str, path: str, response: RawResponse, now: float) -> WriteResult:
    """What became of a write that was answered like this. In doubt it may have been executed."""
    status = response.status
    if is_cached(response.headers):
        # Nobody knows which request it answers, and whether this one was handed on.
        return _open(
            endpoint, "the answer comes out of a cache on the way and says nothing of this call", status
        )
    error = error_of(endpoint, path, response, now)
    if error is None:
        try:
            payload = _payload(response)
        except Unreadable as unreadable:
            return _open(endpoint, f"the answer {unreadable}", status)
        if not isinstance(payload, dict):
            return _open(endpoint, "the answer is no JSON object", status)
        if status != 200:
            return _open(endpoint, f"the answer was HTTP {status}, which is not documented", status)
        if (_number(payload.get("code")) or 0) < 0:
            return _open(endpoint, "the answer says that it was no success, and no more", status)
        return WriteResult(True, None, payload)
    code, message, _ = _error_fields(response)
    if isinstance(error, errors.FirewallError):
        message = error.message
    said = f"the answer was HTTP {status}" + ("" if code is None else f", code {code}")
    said += f": {message}" if message else ""
    unclear = status < 400 and (code is None or code_for(path, code) is None)
    if unclear or may_be_executed(path, status, code, message):
        return _open(endpoint, said, status)
    if isinstance(error, errors.ServerError):
        return WriteResult(False, errors.NotExecutedError(endpoint, said, status))
    if isinstance(error, errors.ClockError):
        error = errors.ClockError(endpoint, status, code, message, advice=_CALL_AGAIN)
    return WriteResult(False, error)


def _open(endpoint: str, reason: str, status: int) -> WriteResult:
    return WriteResult(None, errors.OutcomeUnknownError(endpoint, reason, status))


def _ban_in_message(message: str, now: float) -> float:
    """Seconds until the end of a ban that only the message tells ("IP banned until <milliseconds>")."""
    told = re.search(r"banned until (\d{13})(?!\d)", message, re.ASCII)
    return min(int(told[1]) / 1000 - now, MAX_BAN_S) if told else 0.0


class _ErrorFields(NamedTuple):
    """What an answer says of an error.

    Attributes:
        code: Its code, None where it has none.
        message: Its message, or the first words of what is no JSON.
        fails: It says so itself that it is an error, whatever its status.
    """

    code: int | None = None
    message: str = ""
    fails: bool = False


def _error_fields(response: RawResponse) -> _ErrorFields:
    if response.status >= 300 and len(response.body) > MAX_REFUSAL_BYTES:
        return _ErrorFields()
    try:
        return _error_fields_of(_payload(response))
    except Unreadable:
        return _ErrorFields(None, _stripped(response))


def _error_fields_of(payload: Any) -> _ErrorFields:
    """What an object says of an error, or a list that holds nothing else.

    A row may have columns called `code` and `msg`, too. An object is an error where its code is below 0 and
    it has a message, or nothing else to say; where `success` is false; or where it is nothing but a code that
    means no success, and its message.
    """
    if isinstance(payload, list):
        all_fail = bool(payload) and all(
            isinstance(each, dict) and each.keys() <= _ENVELOPE and _fails(each, strictly=True)
            for each in payload
        )
        return _error_fields_of(payload[0]) if all_fail else _ErrorFields()
    if not isinstance(payload, dict):
        return _ErrorFields()
    message = without_secrets(str(_message(payload) or ""), _LONGEST_MESSAGE)
    return _ErrorFields(_number(payload.get("code")), message, _fails(payload))


def _fails(payload: Mapping[str, Any], *, strictly: bool = False) -> bool:
    """Whether an object says of itself that it is an error; strictly: only by what no row would say."""
    success, code = payload.get("success"), _number(payload.get("code"))
    if success is False or (isinstance(success, str) and success.lower() == "false"):
        return True
    if code is None:
        return False
    is_bare = payload.keys() <= _ENVELOPE and not payload.get("data")
    if code < 0:
        return is_bare or isinstance(_message(payload), str)
    return is_bare and bool(_message(payload)) and success is None and code not in (0, 200) and not strictly


def _message(payload: Mapping[str, Any]) -> Any:
    return payload.get("msg") or payload.get("message")


def _number(code: Any) -> int | None:
    """A code as a number, which some write as text; None for what is none."""
    if isinstance(code, str) and _NUMBER.fullmatch(code.strip()):
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _stripped(response: RawResponse) -> str:
    """The words of an HTML page or plain text."""
    text = re.sub(r"<[^>]*>", " ", _beginning(response)[:_LOOKED_AT])
    return without_secrets(" ".join(text.split()), _LONGEST_EXCERPT)
