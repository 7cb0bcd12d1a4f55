"""Interprets responses: decodes them, or turns them into the matching error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from toolkit import errors, redaction
from toolkit.endpoints.codes import Remedy, code_for, may_be_executed
from toolkit.frames.decoder import Decoder
from toolkit.text.printable import printable
from toolkit.timing.http_dates import MAX_BAN_S, MIN_BAN_S, is_cached, read_retry_after, rounded_up
from toolkit.transport.strict_json import InvalidJSON, loads

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
_ADVICE = {
    "FUTURE_ACCT_NOT_EXIST": (
        "The account has no futures wallet yet. Of sub-accounts, `link.exchange.futures_summary` has those "
        'that have one, with their addresses if `emails="clear"`.'
    ),
    "MARGIN_ACCOUNT_NOT_EXIST": (
        "The account has no margin wallet yet. Of sub-accounts, those that have one have `margin_enable` in "
        "`link.exchange.margin_balances`."
    ),
    "PARENT_SUB_HAVE_NO_RELATION": (
        "This account has no such sub-account: `link.exchange.sub_accounts` has all there are, with their "
        'addresses if `emails="clear"`.'
    ),
}
"""What to do about an error, by the name of its code, where more is known than for others of its kind."""

# How the exchange's edge says that it does not serve a country, if not with a 451.
_COUNTRY_BLOCKED = re.compile(
    r"restricted location|block access from your country|not available in your", re.I
)
_COUNTRY_ADVICE = (
    "The exchange does not serve the country of this machine's IP address. The address of a cloud provider, "
    "VPN or proxy may be in another country than you are. Send from an address in a country that it serves, "
    "or ask the exchange. Sending again does not help."
)
# Headers with which firewalls ask for a browser.
_CHALLENGE_HEADERS = {"x-amzn-waf-action": {"challenge", "captcha"}, "cf-mitigated": {"challenge"}}
_CHALLENGE_MESSAGE = "the firewall asks for a browser"
_CHALLENGE_ADVICE = (
    "The firewall takes this machine for a bot, and no program can pass its test. Send nothing for a few "
    "minutes. If it happens again, send from another address: those of cloud providers, VPNs and shared "
    "proxies are often taken for bots."
)

_LAST_WORD = re.compile(r"[^\s\"'<>:,]*\Z")
_MAX_MESSAGE = 300
_MAX_EXCERPT = 120
# No more of a text is searched for secrets: the patterns take quadratic time.
_MAX_SEARCHED = 2000
# Error responses are short: the documented ones have 200 bytes.
MAX_ERROR_BODY_BYTES = 1 << 16
# Fields of an error that is sent with HTTP 200. An object with other fields may be a row.
_ERROR_FIELDS = frozenset(
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
    """A response that was read to its end.

    Attributes:
        status: HTTP status.
        headers: The headers.
        body: The body, decompressed; only its beginning if there is a defect.
        defect: Why the body cannot be used, such as "is larger than 16 MiB"; "" if it can.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    defect: str = ""


def without_secrets(text: str, max_length: int) -> str:
    """Text of the exchange that can be shown: shortened, without keys, signatures and e-mail addresses."""
    if len(text) > _MAX_SEARCHED:
        text = _LAST_WORD.sub("…", text[:_MAX_SEARCHED])  # a secret cut in half would not be recognised
    text = redaction.without_secrets(text)
    text = printable(text)
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


def decode(endpoint: str, response: RawResponse, *, whole_list: bool = False) -> Any:
    """Decode the JSON of a response. Numbers with a decimal point become Decimals, so no amount is rounded.

    Args:
        endpoint: Name of the endpoint.
        response: The response.
        whole_list: Whether it is a long list that no request can ask for in parts.

    Raises:
        ContractError: It is not JSON, is cut off, or exceeds the bounds.
    """
    try:
        return _payload(response, whole_list=whole_list)
    except InvalidJSON as error:
        problem = str(error)
    raise errors.ContractError(
        endpoint, f"the response {problem} (HTTP {response.status})", excerpt(response)
    )


def _payload(response: RawResponse, *, whole_list: bool = False) -> Any:
    if response.defect:
        raise InvalidJSON(response.defect)
    return loads(response.body, whole_list=whole_list)


def excerpt(response: RawResponse) -> str:
    """The first characters of a response, without secrets."""
    return without_secrets(_beginning(response), _MAX_EXCERPT)


def _beginning(response: RawResponse) -> str:
    return response.body[: 4 * _MAX_SEARCHED].decode("utf-8", "replace")


def parse_response(
    endpoint: str,
    path: str,
    response: RawResponse,
    now: float,
    attempts: int = 1,
    *,
    decoder: Decoder | None = None,
) -> tuple[Any, errors.ToolkitError | None]:
    """Decode a successful response to a read, or return the error it reports.

    The result is a page of rows, or the JSON as it is if there is no decoder. Other arguments as in
    `error_of`.

    Raises:
        ContractError: It reports no error, but cannot be decoded.
    """
    if response.status >= 300:
        return None, error_of(endpoint, path, response, now, attempts)
    if decoder is not None and not response.defect and (page := decoder.read(response.body)) is not None:
        fields = _error_fields_of(page.outline)
        if _error(endpoint, path, response, fields, now=now, attempts=attempts) is None:
            return page, None
    whole_list = decoder is not None and decoder.endpoint.whole
    payload = decode(endpoint, response, whole_list=whole_list)  # only once: it may be large
    error = _error(endpoint, path, response, _error_fields_of(payload), now=now, attempts=attempts)
    if error is not None or decoder is None:
        return payload, error
    return decoder.decode(payload), None


def error_of(
    endpoint: str, path: str, response: RawResponse, now: float, attempts: int = 1
) -> errors.ToolkitError | None:
    """The error that a response reports, None if it reports success.

    Args:
        endpoint: Name of the endpoint.
        path: Path of the request; error codes depend on its prefix.
        response: The response.
        now: The exchange's time when the response arrived, to which its absolute times are compared.
        attempts: How many times the request was sent so far.
    """
    return _error(endpoint, path, response, _error_fields(response), now=now, attempts=attempts)


def _error(
    endpoint: str, path: str, response: RawResponse, fields: _ErrorFields, *, now: float, attempts: int
) -> errors.ToolkitError | None:
    code, message, status = fields.code, fields.message, response.status
    if 300 <= status < 400:
        return errors.RedirectError(endpoint, status, _redirect_target(response))
    if _is_challenge(response):  # with any status: AWS sends 202 and 405
        return errors.FirewallError(
            endpoint, status, None, message or _CHALLENGE_MESSAGE, advice=_CHALLENGE_ADVICE
        )
    if status == 451 or (
        status == 403 and code is None and _COUNTRY_BLOCKED.search(_beginning(response)[:_MAX_SEARCHED])
    ):
        return errors.FirewallError(endpoint, status, code, message, advice=_COUNTRY_ADVICE)
    if status < 400 and not fields.is_error:
        return None
    known = code_for(path, code) if code is not None else None
    retry_after = read_retry_after(response.headers, now)
    if status >= 500 or (known and known.remedy == "server"):
        return errors.ServerError(
            endpoint, status, code, message or "no message", attempts, retry_after=retry_after
        )
    is_rate_limit = status == 429 or (known is not None and known.remedy == "rate")
    is_rate_limit = is_rate_limit or (status < 400 and code is None and _TOO_MANY.search(message) is not None)
    ban_left = _ban_in_message(message, now) if is_rate_limit or status == 418 else 0.0
    if status == 418 or ban_left > 0:
        # `Retry-After` is preferred: seconds need no clock, and a date is compared with the clock that wrote
        # it.
        wait = retry_after or max(MIN_BAN_S, ban_left)
        until = rounded_up(now + wait)
        return errors.BannedError(
            endpoint,
            message or "This address is banned",
            until,
            status=status,
            code=code,
            retry_after=wait if ban_left > 0 else retry_after,
        )
    if is_rate_limit:
        return errors.RateLimitError(endpoint, status, code, message, retry_after)
    if status == 403 and code is None:
        return errors.FirewallError(endpoint, status, code, message)
    if known:
        advice = _symbol_advice(path) if known.name == "BAD_SYMBOL" else _ADVICE.get(known.name)
        return _CLASSES[known.remedy](endpoint, status, code, message, advice=advice)
    by_status = _BY_STATUS.get(status, errors.ApiError) if code is None else errors.ApiError
    return by_status(endpoint, status, code, message)


def _symbol_advice(path: str) -> str | None:
    """What to do about a symbol that does not exist, None where it is not known which ones do."""
    prefixes = {"/api/": "spot", "/fapi/": "futures", "/futures/data/": "futures"}
    market = next((name for prefix, name in prefixes.items() if path.startswith(prefix)), None)
    return market and f"Check the symbol: `link.market.{market}.symbols()` has all there are."


def _is_challenge(response: RawResponse) -> bool:
    return any(
        response.headers.get(name, "").lower() in values for name, values in _CHALLENGE_HEADERS.items()
    )


def _redirect_target(response: RawResponse) -> str:
    """The host that a redirect points to, "" if it cannot be read."""
    with suppress(ValueError):
        return without_secrets(urlsplit(response.headers.get("Location", "")).hostname or "", 80)
    return ""


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What the response to a write says about its outcome.

    Attributes:
        executed: Whether it was executed, None if that is unknown.
        error: Why `executed` is not True.
        payload: The decoded response, if there is one.
    """

    executed: bool | None
    error: errors.ToolkitError | None = None
    payload: Any = field(default=None, repr=False)


# Unlike a read, a write is not signed and sent again automatically.
_CALL_AGAIN = "The exchange's clock is measured again before the next call: call again."


def classify(endpoint: str, path: str, response: RawResponse, now: float) -> WriteResult:
    """Classify the response to a write. In doubt, it may have been executed."""
    status = response.status
    if is_cached(response.headers):
        # It may belong to another request, and this one may not have been forwarded.
        return _unknown(endpoint, "the response came from a cache and says nothing about this call", status)
    error = error_of(endpoint, path, response, now)
    if error is None:
        try:
            payload = _payload(response)
        except InvalidJSON as invalid:
            return _unknown(endpoint, f"the response {invalid}", status)
        if not isinstance(payload, dict):
            return _unknown(endpoint, "the response is not a JSON object", status)
        if status != 200:
            return _unknown(endpoint, f"the response was HTTP {status}, which is not documented", status)
        if (_number(payload.get("code")) or 0) < 0:
            return _unknown(endpoint, "the response reports a failure without saying which", status)
        return WriteResult(True, None, payload)
    code, message, _ = _error_fields(response)
    if isinstance(error, errors.FirewallError):
        message = error.message
    reason = f"the response was HTTP {status}" + ("" if code is None else f", code {code}")
    reason += f": {message}" if message else ""
    is_unclear = status < 400 and (code is None or code_for(path, code) is None)
    if is_unclear or may_be_executed(path, status, code, message):
        return _unknown(endpoint, reason, status)
    if isinstance(error, errors.ServerError):
        return WriteResult(False, errors.NotExecutedError(endpoint, reason, status))
    if isinstance(error, errors.ClockError):
        error = errors.ClockError(endpoint, status, code, message, advice=_CALL_AGAIN)
    return WriteResult(False, error)


def _unknown(endpoint: str, reason: str, status: int) -> WriteResult:
    return WriteResult(None, errors.OutcomeUnknownError(endpoint, reason, status))


def _ban_in_message(message: str, now: float) -> float:
    """Seconds until the end of a ban as stated in a message ("IP banned until <milliseconds>"), else 0."""
    match = re.search(r"banned until (\d{13})(?!\d)", message, re.ASCII)
    return min(int(match[1]) / 1000 - now, MAX_BAN_S) if match else 0.0


class _ErrorFields(NamedTuple):
    """What a response says about an error.

    Attributes:
        code: The error code, None if there is none.
        message: The message, or the first words of a body that is not JSON.
        is_error: Whether the body reports an error, regardless of the status.
    """

    code: int | None = None
    message: str = ""
    is_error: bool = False


def _error_fields(response: RawResponse) -> _ErrorFields:
    if response.status >= 300 and len(response.body) > MAX_ERROR_BODY_BYTES:
        return _ErrorFields()
    try:
        return _error_fields_of(_payload(response))
    except InvalidJSON:
        return _ErrorFields(None, _plain_text(response))


def _error_fields_of(payload: Any) -> _ErrorFields:
    """The error in a payload: in an object, or in a list of nothing but errors.

    Rows may have fields called `code` and `msg`, too. An object is an error if its code is negative and it
    has a message or no other fields; if `success` is false; or if it consists of a code other than success
    and a message.
    """
    if isinstance(payload, list):
        all_errors = bool(payload) and all(
            isinstance(each, dict) and each.keys() <= _ERROR_FIELDS and _is_error(each, strictly=True)
            for each in payload
        )
        return _error_fields_of(payload[0]) if all_errors else _ErrorFields()
    if not isinstance(payload, dict):
        return _ErrorFields()
    message = without_secrets(str(_message(payload) or ""), _MAX_MESSAGE)
    return _ErrorFields(_number(payload.get("code")), message, _is_error(payload))


def _is_error(payload: Mapping[str, Any], *, strictly: bool = False) -> bool:
    """Whether an object reports an error; `strictly` accepts only what no row would contain."""
    success, code = payload.get("success"), _number(payload.get("code"))
    if success is False or (isinstance(success, str) and success.lower() == "false"):
        return True
    if code is None:
        return False
    is_bare = payload.keys() <= _ERROR_FIELDS and not payload.get("data")
    if code < 0:
        return is_bare or isinstance(_message(payload), str)
    return is_bare and bool(_message(payload)) and success is None and code not in (0, 200) and not strictly


def _message(payload: Mapping[str, Any]) -> Any:
    return payload.get("msg") or payload.get("message")


def _number(code: Any) -> int | None:
    """A code as a number, also if it was sent as text; None if it is no number."""
    if isinstance(code, str) and _NUMBER.fullmatch(code.strip()):
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _plain_text(response: RawResponse) -> str:
    """The text of an HTML page or of plain text."""
    text = re.sub(r"<[^>]*>", " ", _beginning(response)[:_MAX_SEARCHED])
    return without_secrets(" ".join(text.split()), _MAX_EXCERPT)
