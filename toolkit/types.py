"""Public types, for annotations and `isinstance`: what the methods of the toolkit take and return.

    from toolkit.types import Outcome, Operations

    def pay(ops: Operations, amount: str) -> Outcome:
        return ops.exchange.transfer("USDT", amount, to_id="...")

`Link` is in `toolkit`, errors are in `toolkit.errors`, the types of the sandbox in `toolkit.sandbox`, and
`ExactDtype` is in `toolkit.amounts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.amounts.scalars import ExactDecimal
from toolkit.api.reads.account import AccountReads
from toolkit.api.reads.account.futures import AccountFuturesReads
from toolkit.api.reads.account.spot import AccountSpotReads
from toolkit.api.reads.account.wallet import AccountWalletReads
from toolkit.api.reads.exchange import ExchangeReads
from toolkit.api.reads.futures import FuturesReads
from toolkit.api.reads.market import MarketReads
from toolkit.api.reads.market.futures import MarketFuturesReads
from toolkit.api.reads.market.spot import MarketSpotReads
from toolkit.api.reads.portfolio import PortfolioReads
from toolkit.api.reads.spot import SpotReads
from toolkit.api.writes.exchange import ExchangeWrites
from toolkit.api.writes.futures import FuturesWrites
from toolkit.api.writes.operations import Operations, Previews
from toolkit.api.writes.portfolio import PortfolioWrites
from toolkit.api.writes.resource import Amount
from toolkit.api.writes.spot import SpotWrites
from toolkit.auth.credentials import Credentials, Keys
from toolkit.demo import DemoLink
from toolkit.doctor import Check, Diagnosis
from toolkit.endpoints import Host, RateLimit, Security
from toolkit.fetch.estimates import WeightEstimate
from toolkit.frames.builder import Numbers
from toolkit.panels import AccountsPanel, Panel, WeightPanel
from toolkit.planning import When
from toolkit.ratelimit.snapshot import CallRecord, OtherCount, ProcessUsage, RateLimitUsage, Snapshot
from toolkit.ratelimit.view import BudgetView
from toolkit.redaction import Emails
from toolkit.text.suggestions import attributes_of_module
from toolkit.timing.clock import Clock
from toolkit.writes.outcome import NewKey, Outcome
from toolkit.writes.preview import PreflightCheck, Preview

__all__ = [
    "AccountFuturesReads",
    "AccountReads",
    "AccountSpotReads",
    "AccountWalletReads",
    "AccountsPanel",
    "Amount",
    "BudgetView",
    "CallRecord",
    "Check",
    "Clock",
    "Credentials",
    "DemoLink",
    "Diagnosis",
    "Emails",
    "ExactDecimal",
    "ExchangeReads",
    "ExchangeWrites",
    "FuturesReads",
    "FuturesWrites",
    "Host",
    "Keys",
    "MarketFuturesReads",
    "MarketReads",
    "MarketSpotReads",
    "NewKey",
    "Numbers",
    "Operations",
    "OtherCount",
    "Outcome",
    "Panel",
    "PortfolioReads",
    "PortfolioWrites",
    "PreflightCheck",
    "Preview",
    "Previews",
    "ProcessUsage",
    "RateLimit",
    "RateLimitUsage",
    "Security",
    "Snapshot",
    "SpotReads",
    "SpotWrites",
    "WeightEstimate",
    "WeightPanel",
    "When",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # otherwise type checkers would accept any name
    __getattr__ = attributes_of_module(__name__, __all__)
