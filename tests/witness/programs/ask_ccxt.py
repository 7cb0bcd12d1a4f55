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

    methods: dict[str, str] = {}
    for section, verbs in exchange.describe()["api"].items():
        for path in verbs.get("get", ()):
            words = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]", path))
            # A public section may list the same path; what reads Link is signed.
            if not section.endswith("Public"):
                methods[f"{urlsplit(api[section]).path}/{path}"] = f"{section}Get{words}"

    def find(path: str) -> Ask | None:
        return getattr(exchange, methods[path]) if path in methods else None

    return Speaker(find, code)


def code(error: Exception) -> int | None:
    """Its errors have no code of their own: their text ends in the answer."""
    text = str(error)
    return json.loads(text[text.index("{") :])["code"] if "{" in text else None


speak(connect)
