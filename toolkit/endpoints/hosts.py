"""The hosts of the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Host = Literal["api", "fapi", "papi"]

BASE_URLS: Mapping[Host, str] = MappingProxyType(
    {
        "api": "https://api.binance.com",
        "fapi": "https://fapi.binance.com",
        "papi": "https://papi.binance.com",
    }
)

# The domains of the exchange: its API, and its public market data.
EXCHANGE_DOMAINS = ("binance.com", "binance.vision")

# Other addresses of the same hosts, with the same counters (general information of the REST API).
ALTERNATES: Mapping[str, str] = MappingProxyType(
    {f"https://{name}.binance.com": BASE_URLS["api"] for name in ("api-gcp", "api1", "api2", "api3", "api4")}
)
