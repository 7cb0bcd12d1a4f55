"""ccxt, with the methods that it generates from its own list of endpoints, as `sapiGetBrokerSubAccount`."""

import json
import re
from urllib.parse import urlsplit

import ccxt
from adapter import ClientAdapter, Send, main


def connect(address: str, key: str, secret: str, behind_ms: int) -> ClientAdapter:
    exchange = ccxt.binance({"apiKey": key, "secret": secret, "enableRateLimit": False})
    exchange.options["timeDifference"] = behind_ms
    api = exchange.urls["api"]
    api.update({name: address + urlsplit(url).path for name, url in api.items()})

    methods: dict[tuple[str, str], str] = {}
    for section, verbs in exchange.describe()["api"].items():
        # A public section may list the same path; Link requests are signed.
        if section.endswith("Public"):
            continue
        for verb, paths in verbs.items():
            for path in paths:
                words = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]", path))
                route = verb.upper(), f"{urlsplit(api[section]).path}/{path}"
                methods[route] = f"{section}{verb.capitalize()}{words}"

    def find(method: str, path: str) -> Send | None:
        return getattr(exchange, methods[method, path]) if (method, path) in methods else None

    return ClientAdapter(find, code)


def code(error: Exception) -> int | None:
    """Its errors have no code, but their text ends with the response."""
    text = str(error)
    return json.loads(text[text.index("{") :])["code"] if "{" in text else None


main(connect)
