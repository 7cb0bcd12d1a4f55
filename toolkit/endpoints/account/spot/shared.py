"""What the reads of the spot account share: links to the documentation, and parameters."""

from __future__ import annotations

from dataclasses import replace

from toolkit.endpoints.market.shared import SYMBOL

DOCS = "https://developers.binance.com/en/docs/catalog/core-trading-spot-trading/api/rest-api/account"

SYMBOLS = replace(SYMBOL, several=True)
