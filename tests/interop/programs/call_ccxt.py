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

    # A public section and a private one may list the same path.
    methods: dict[bool, dict[tuple[str, str], str]] = {False: {}, True: {}}
    for section, verbs in exchange.describe()["api"].items():
        signed = not re.search("public|Data$", section, re.IGNORECASE)
        for verb, paths in verbs.items():
            for path in paths:
                words = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]", path))
                route = verb.upper(), f"{urlsplit(api[section]).path}/{path}"
                methods[signed][route] = f"{section}{verb.capitalize()}{words}"

    def find(method: str, path: str, signed: bool) -> Send | None:
        # It has no public section for /sapi, and knows itself which of those paths it signs.
        known = methods[True] if signed else methods[True] | methods[False]
        return getattr(exchange, known[method, path]) if (method, path) in known else None

    return ClientAdapter(find, code)


def code(error: Exception) -> int | None:
    """Its errors have no code, but their text ends with the response."""
    text = str(error)
    return json.loads(text[text.index("{") :])["code"] if "{" in text else None


main(connect)
