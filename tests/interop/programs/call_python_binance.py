"""python-binance, with its methods for single endpoints, as `margin_v1_get_broker_sub_account`."""

import re

from adapter import ClientAdapter, Send, main
from binance.client import Client
from binance.exceptions import BinanceAPIException

# Methods with names of their own; the others are named after host, version and path.
NAMED = {"/fapi/v1/income": "futures_income_history"}
HOSTS = {"sapi": "margin", "fapi": "futures", "papi": "papi"}


def connect(address: str, key: str, secret: str, behind_ms: int) -> ClientAdapter:
    private = secret if "PRIVATE KEY" in secret else None
    client = Client(key, secret, private_key=private, ping=False)
    client.API_URL = f"{address}/api"
    client.MARGIN_API_URL = f"{address}/sapi"
    client.FUTURES_URL = f"{address}/fapi"
    client.PAPI_URL = f"{address}/papi"
    client.timestamp_offset = -behind_ms

    def find(method: str, path: str) -> Send | None:
        known = getattr(client, NAMED.get(path) or name_of(method, path), None)
        return known and (lambda params: known(**params))

    return ClientAdapter(find, code)


def name_of(method: str, path: str) -> str:
    """`GET /sapi/v1/broker/subAccount` -> `margin_v1_get_broker_sub_account`."""
    _, host, version, *words = path.split("/")
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", "_".join(words)).lower()
    return f"{HOSTS[host]}_{version}_{method.lower()}_{snake}"


def code(error: Exception) -> int | None:
    return error.code if isinstance(error, BinanceAPIException) else None


main(connect)
