"""Examples that call an endpoint on `toolkit.demo()`, for its docstring and its page.

They use two names, `link` and `ops = link.operations()`. Values come from the declaration; ids that exist
only in the sandbox are read from it first.
"""

from __future__ import annotations

from datetime import timedelta

from scripts.generate.texts import is_positional, params
from toolkit.endpoints import Endpoint, Param, Write

_WIDTH = 92

# Values that the declaration cannot know: how to read each, and the expression that has it.
_ACCOUNT = 'account = link.exchange.sub_accounts()["sub_account_id"][0]', "account"
_READ_FIRST: dict[str, tuple[str, str]] = {
    "sub_account_id": _ACCOUNT,
    "from_id": _ACCOUNT,
    "to_id": _ACCOUNT,
    "email": ('email = link.exchange.sub_accounts(emails="clear")["email"][0]', "email"),
    # Responses have API keys masked, but the data of the sandbox has them in full.
    "api_key": ("api_key = link.sandbox.world.accounts[0].keys[0].key", "api_key"),
}
_DEPOSIT = "deposit = link.exchange.deposits().iloc[0]"
_SPOT_ORDER = 'order = link.account.spot.orders("BTCUSDT", start="-30D").iloc[-1]'
_FUTURES_ORDER = 'order = link.account.futures.orders("BTCUSDT").iloc[0]'
# Where values belong together.
_OF_ENDPOINT: dict[str, dict[str, tuple[str, str]]] = {
    "exchange.deposit": {
        "deposit_id": (_DEPOSIT, 'deposit["deposit_id"]'),
        "sub_account_id": (_DEPOSIT, 'deposit["sub_account_id"]'),
    },
    "account.spot.order": {"order_id": (_SPOT_ORDER, 'order["order_id"]')},
    "account.futures.order": {"order_id": (_FUTURES_ORDER, 'order["order_id"]')},
}


def example(endpoint: Endpoint) -> list[str]:
    """The lines of an example. The last one is the call; that of a write is a preview."""
    is_write = isinstance(endpoint, Write)
    read_first: list[str] = []
    given: list[str] = []
    values: dict[str, str] = {}
    shown = [param.name for param in endpoint.params if param.example is not None]
    alternatives = [] if set(shown) & set(endpoint.at_least_one) else endpoint.at_least_one[-1:]
    for param in params(endpoint):
        if not (param.is_required or param.name in alternatives or param.example is not None):
            continue
        line, value = _value(endpoint, param)
        if line and line not in read_first:
            read_first.append(line)
        values[param.name] = value
        given.append(value if is_positional(endpoint, param) else f"{param.name}={value}")
    if isinstance(endpoint, Write) and endpoint.confirm:
        given.append(f"confirm={values[endpoint.confirm]}")
    if endpoint.window:
        is_short = endpoint.window.default < timedelta(hours=1)
        given.append('start="-5min"' if is_short else 'start="-3D"')
    called = f"{'ops.preview' if is_write else 'link'}.{endpoint.qualified_name}"
    return [*read_first, *_call(called, given)]


def _value(endpoint: Endpoint, param: Param) -> tuple[str, str]:
    """The line that reads a value first, "" where none does, and the value's expression."""
    if param.example is not None:
        return "", _literal(param.example)
    found = _OF_ENDPOINT.get(endpoint.qualified_name, _READ_FIRST).get(param.name)
    if found is not None:
        return found
    if param.choices:
        return "", _literal(next(iter(param.choices)))
    if param.kind == "flag":
        return "", "True"
    raise ValueError(
        f"{endpoint.qualified_name}: the parameter `{param.name}` needs an `example`, a value with which the "
        "sandbox answers"
    )


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _call(name: str, given: list[str]) -> list[str]:
    line = f"{name}({', '.join(given)})"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{name}(", *(f"    {each}," for each in given), ")"]
