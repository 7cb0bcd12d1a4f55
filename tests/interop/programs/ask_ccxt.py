"""ccxt: through the methods it makes of its own list of endpoints, such as `sapiGetBrokerSubAccount`."""

import json
import re
from urllib.parse import urlsplit

import ccxt
from speaking import Ask, Speaker, speak


def connect(address: str, key: str, secret: str, behind_ms: int) -> Speaker:
    exchange = ccxt.binance({"apiKey": key, "secret": secret, "enableRateLimit": False})
    exchange.options["timeDifference"] = behind_ms
    api = exchange.urls["api"]
    api.update({name: address + urlsplit(url).path for name, url in api.items()})

    methods: dict[tuple[str, str], str] = {}
    for section, verbs in exchange.describe()["api"].items():
        # A public section may list the same path; what speaks to Link is signed.
        if section.endswith("Public"):
            continue
        for verb, paths in verbs.items():
            for path in paths:
                words = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]", path))
                route = verb.upper(), f"{urlsplit(api[section]).path}/{path}"
                methods[route] = f"{section}{verb.capitalize()}{words}"

    def find(method: str, path: str) -> Ask | None:
        return getattr(exchange, methods[method, path]) if (method, path) in methods else None

    return Speaker(find, code)


def code(error: Exception) -> int | None:
    """Its errors have no code of their own: their text ends in the answer."""
    text = str(error)
    return json.loads(text[text.index("{") :])["code"] if "{" in text else None


speak(connect)
