"""What the reads of the wallets share: links to the documentation."""

from __future__ import annotations

DOCS = "https://developers.binance.com/en/docs/catalog/core-trading-wallet/api/rest-api"
