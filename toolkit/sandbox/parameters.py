"""Reads the parameters of a request and checks them against the endpoint's declaration."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import unquote, unquote_plus

from toolkit.endpoints import Endpoint, Param
from toolkit.sandbox.messages import RefusalError, SandboxRequest, invalid, mandatory
from toolkit.sandbox.times import TEXT_TIME, to_ms

_INTEGER = "^[0-9]{1,20}$"
_IDENTIFIER = "^[0-9]{1,20}$"
_WORD = "^[A-Za-z0-9]{1,64}$"
# Since 2025-12 symbols may contain letters of any script, but no lower-case Latin ones.
_SYMBOL = r"^(?:[^\Wa-z]|[-.]){1,20}$"
# A JSON array of texts, without spaces. The symbols are those of `_SYMBOL`.
_SYMBOLS = r'^\[(?:"(?:[^\Wa-z]|[-.]){1,20}"(?:,"(?:[^\Wa-z]|[-.]){1,20}")*)?\]$'
_TEXTS = r'^\[(?:"[^"\\\x00-\x1f\x7f]{1,256}"(?:,"[^"\\\x00-\x1f\x7f]{1,256}")*)?\]$'
_FLAG = "^(?i:true|false)$"
_CLIENT_ID = "^[A-Za-z0-9_.:/-]{1,64}$"
_WORDS = "^[A-Z_]{1,40}$"
_CHOICE = "^[A-Za-z0-9_]{1,40}$"
_DECIMAL = r"^[0-9]{1,20}(?:\.[0-9]{1,40})?$"
_DECIMALS = 8
# PEM or bare base64, with or without line breaks.
_PUBLIC_KEY = r"^[A-Za-z0-9+/=\s-]{1,4096}$"
# Ids and e-mail addresses chosen by people: anything but control characters.
_FREE = r"^[^\x00-\x1f\x7f]{1,256}$"

_LEGAL: Mapping[str, str] = {
    "subAccountId": _IDENTIFIER,
    "fromId": _IDENTIFIER,
    "toId": _IDENTIFIER,
    "depositId": _IDENTIFIER,
    "clientTranId": _CLIENT_ID,
    "subAccountApiKey": _WORD,
    "apiAgentCode": _WORD,
    "brokerId": _WORD,
    "symbol": _SYMBOL,
    "pair": _SYMBOL,
    "coin": _SYMBOL,
    "asset": _SYMBOL,
    "incomeType": _WORDS,
    "publicKey": _PUBLIC_KEY,
}
_LARGEST = 2**63 - 1

# A larger number means the largest allowed.
_SHORTENED = frozenset({("/api/v3/depth", "limit")})
# One word may stand without the brackets of a list.
_ONE_WORD = frozenset({("/api/v3/exchangeInfo", "permissions")})
_BAD_CHOICES: Mapping[str, tuple[int, str]] = {
    "interval": (-1120, "Invalid interval."),
    "symbolStatus": (-1122, "Invalid symbolStatus."),
}

# "If subAccountId is not sent, size must be sent."
_SIZE_OR_ACCOUNT = frozenset({"exchange.spot_balances", "exchange.margin_balances"})


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters as sent.

    Attributes:
        values: Values by name; the query string takes precedence over the body.
        sent: Number of parameters sent; one that is in both counts once.
        repeated: Whether a name occurs twice in the query string, or twice in the body.
    """

    values: Mapping[str, str]
    sent: int
    repeated: bool


def read_parameters(request: SandboxRequest) -> Parameters:
    """The parameters of query string and body.

    The body of a GET is ignored, and so is a body that is not declared as a form.
    """
    query = _pairs(request.query)
    body = [] if request.method == "GET" or not _is_form(request) else _pairs(request.body)
    values: dict[str, str] = {}
    for name, value in (*query, *body):
        values.setdefault(name, value)
    repeated = len(dict(query)) < len(query) or len(dict(body)) < len(body)
    return Parameters(values, len(values), repeated)


def check_parameters(endpoint: Endpoint, parameters: Parameters) -> dict[str, str]:
    """Return the endpoint's own parameters if all are valid, or raise a refusal."""
    if parameters.repeated:
        raise RefusalError(-1101, "Duplicate values for a parameter detected.")
    declared = {param.field: param for param in endpoint.request_params}
    signing = {endpoint.timestamp_field, "recvWindow", "signature"} if endpoint.is_signed else set()
    unread = [name for name in parameters.values if name not in declared and name not in signing]
    if unread and not declared and not signing:
        raise RefusalError(-1101, f"Too many parameters; expected '0' and received '{parameters.sent}'.")
    if unread:
        read = parameters.sent - len(unread)
        raise RefusalError(
            -1104,
            f"Not all sent parameters were read; read '{read}' parameter(s) "
            f"but was sent '{parameters.sent}'.",
        )
    values: dict[str, str] = {}
    for param in declared.values():
        text = parameters.values.get(param.field)
        if text is None:
            if param.required:
                raise mandatory(param.field)
            continue
        if (endpoint.path, param.field) in _SHORTENED and re.fullmatch(_INTEGER, text):
            text = str(min(int(text), param.maximum or _LARGEST))
        if (endpoint.path, param.field) in _ONE_WORD and re.fullmatch(_CHOICE, text):
            text = f'["{text}"]'
        _check_value(endpoint, param, text)
        values[param.field] = text
    _check_together(endpoint, values)
    return values


def _is_form(request: SandboxRequest) -> bool:
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    return kind.strip().lower() == "application/x-www-form-urlencoded"


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    pairs = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.decode("latin-1").partition("=")
            # Base64 contains plus signs: in a signature they do not stand for spaces.
            decode = unquote if name == "signature" else unquote_plus
            pairs.append((unquote_plus(name), decode(value)))
    return pairs


def _check_value(endpoint: Endpoint, param: Param, text: str) -> None:
    name, legal = param.field, _legal(endpoint, param)
    if not text:
        raise mandatory(name) if param.required else RefusalError(-1105, f"Parameter '{name}' was empty.")
    if not re.fullmatch(legal, text):
        # `type` is the only choice whose refusal is documented.
        if param.required or name == "type":
            raise mandatory(name)
        raise RefusalError(
            -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
        )
    if param.choices and text not in map(str, param.choices.values()):
        raise _bad_choice(endpoint, name, text)
    _check(name, param.max_length is None or len(text) <= param.max_length)
    if param.required and param.fixed is not None and not _is_fixed(param, text):
        raise mandatory(name)
    if param.kind == "texts":
        _check_texts(param, json.loads(text))
    elif legal == TEXT_TIME:
        _check(name, _is_text_time(text))
    elif param.kind in ("integer", "time") or param.minimum is not None:
        number = int(text)
        low = 0 if param.minimum is None else param.minimum
        high = _LARGEST if param.maximum is None else param.maximum
        _check(name, low <= number <= high)
    elif param.kind == "amount":
        _check_amount(name, text)
    elif param.kind == "rate":
        _check(name, Decimal(text) <= 1)
    elif param.kind == "addresses":
        _check(name, all(map(_is_address, text.split(","))))


def _is_fixed(param: Param, text: str) -> bool:
    """Whether it is the only value allowed; that of a flag may have capitals."""
    return text == param.fixed if isinstance(param.fixed, str) else text.lower() == str(param.fixed).lower()


def _bad_choice(endpoint: Endpoint, name: str, text: str) -> RefusalError:
    if endpoint.path == "/fapi/v1/depth" and name == "limit":
        return RefusalError(-4021, f"'{text}' is not valid depth limit")
    if name in _BAD_CHOICES:
        return RefusalError(*_BAD_CHOICES[name])
    if name == "type":
        is_ticker = "/ticker" in endpoint.path
        return RefusalError(-1139, "Invalid ticker type.") if is_ticker else mandatory(name)
    return invalid(name)


def _check(name: str, right: bool) -> None:
    if not right:
        raise invalid(name)


def _check_amount(name: str, text: str) -> None:
    if len(text.partition(".")[2]) > _DECIMALS:
        raise RefusalError(-1111, f"Parameter '{name}' has too much precision.")
    if Decimal(text) == 0:
        raise RefusalError(-5007, "Quantity must be greater than zero.")


def _check_texts(param: Param, texts: list[str]) -> None:
    if not texts:
        raise mandatory(param.field)
    _check(param.field, param.maximum is None or len(texts) <= param.maximum)
    if param.field == "symbols" and len(set(texts)) < len(texts):
        raise RefusalError(-1151, "Symbol is present multiple times in the list.")


def _is_text_time(text: str) -> bool:
    try:
        to_ms(text, "text")
    except ValueError:
        return False
    return True


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _legal(endpoint: Endpoint, param: Param) -> str:
    """The regular expression that all values match."""
    window = endpoint.window
    if window and window.unit == "text" and param.field in (window.start_field, window.end_field):
        return TEXT_TIME
    if param.kind == "texts":
        return _SYMBOLS if param.field == "symbols" else _TEXTS
    if param.choices and all(isinstance(choice, str) for choice in param.choices.values()):
        choices = [str(choice) for choice in param.choices.values()]
        return _WORDS if all(re.fullmatch(_WORDS, choice) for choice in choices) else _CHOICE
    if param.kind in ("integer", "time", "choice") or param.minimum is not None:
        return _INTEGER
    if param.kind == "flag":
        return _FLAG
    if param.kind in ("amount", "rate"):
        return _DECIMAL
    return _LEGAL.get(param.field, _FREE)


def _check_together(endpoint: Endpoint, values: Mapping[str, str]) -> None:
    fields = {param.name: param.field for param in endpoint.request_params}
    needed = [fields[name] for name in endpoint.at_least_one]
    if endpoint.qualified_name in _SIZE_OR_ACCOUNT:
        needed = ["subAccountId", "size"]
    if needed and not any(name in values for name in needed):
        words = " or ".join(f"'{name}'" for name in needed)
        raise RefusalError(-1102, f"Param {words} must be sent, but both were empty/null!")
    exclusive = sum(fields[name] in values for name in endpoint.mutually_exclusive)
    window, id_field = endpoint.window, endpoint.paging.id_field
    has_span = window is not None and bool({window.start_field, window.end_field} & values.keys())
    if exclusive > 1 or (has_span and id_field in values):
        raise RefusalError(-1128, "Combination of optional parameters invalid.")
