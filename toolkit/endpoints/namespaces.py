"""The namespaces of `Link`, one for each product of the exchange: `link.spot`, `ops.spot`."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from toolkit.endpoints import exchange_link, link_futures, link_portfolio, link_spot
from toolkit.endpoints.account import futures as account_futures
from toolkit.endpoints.account import spot as account_spot
from toolkit.endpoints.account import wallet as account_wallet
from toolkit.endpoints.market import futures as market_futures
from toolkit.endpoints.market import spot as market_spot
from toolkit.endpoints.model import Endpoint, System
from toolkit.endpoints.writes import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A namespace of `Link`: the endpoints of one product.

    Attributes:
        system: Its name on `Link`, and in the declarations. "market.spot" is `link.market.spot`.
        title: Name of the product.
        module: The module that declares its endpoints, or a package of such modules.
        about: What its reads are about, completing the sentence "<title>: ...".
        about_writes: What its writes are about, "" where it has none.
        documentation: URL of the product's documentation.
    """

    system: System
    title: str
    module: ModuleType
    about: str
    about_writes: str = ""
    documentation: str

    @property
    def reads(self) -> tuple[Endpoint, ...]:
        """Its endpoints that read."""
        reads: tuple[Endpoint, ...] = self.module.ENDPOINTS
        return reads

    @property
    def writes(self) -> tuple[Write, ...]:
        """Its endpoints that write."""
        writes: tuple[Write, ...] = getattr(self.module, "WRITES", ())
        return writes


_SITE = "https://developers.binance.com/en/docs"

NAMESPACES: tuple[Namespace, ...] = (
    Namespace(
        system="exchange",
        title="Exchange Link",
        module=exchange_link,
        about="the partner's sub-accounts, their keys, balances, transfers and rebates",
        about_writes="sub-accounts, their keys, transfers and commissions",
        documentation=f"{_SITE}/catalog/vip-and-institutional-caas/api/rest-api/account",
    ),
    Namespace(
        system="spot",
        title="Link and Trade (Spot)",
        module=link_spot,
        about="customers who trade through the partner's product",
        about_writes="ids of customers",
        documentation=f"{_SITE}/products/oms/overview",
    ),
    Namespace(
        system="futures",
        title="Link and Trade (Futures)",
        module=link_futures,
        about="customers and daily reports, USD-M and COIN-M",
        about_writes="ids of customers",
        documentation=f"{_SITE}/products/oms/overview",
    ),
    Namespace(
        system="portfolio",
        title="Link and Trade (Portfolio Margin)",
        module=link_portfolio,
        about="reads as for futures, for customers with Portfolio Margin",
        about_writes="ids of customers",
        documentation=f"{_SITE}/products/oms/overview",
    ),
    Namespace(
        system="account.spot",
        title="Account (Spot)",
        module=account_spot,
        about="the account of the key: balances, trades, orders and commissions",
        documentation="https://developers.binance.com/legacy-docs/binance-spot-api-docs/rest-api",
    ),
    Namespace(
        system="account.wallet",
        title="Account (Wallet)",
        module=account_wallet,
        about="all wallets of the account, its deposits, withdrawals, transfers and snapshots",
        documentation=f"{_SITE}/catalog/core-trading-wallet/api/rest-api/account",
    ),
    Namespace(
        system="account.futures",
        title="Account (USD-M Futures)",
        module=account_futures,
        about="the account of the key: balances, positions, trades and orders",
        documentation="https://developers.binance.com/legacy-docs/derivatives/usds-margined-futures",
    ),
    Namespace(
        system="market.spot",
        title="Market data (Spot)",
        module=market_spot,
        about="symbols, candles, trades, order books and tickers, without a key",
        documentation="https://developers.binance.com/legacy-docs/binance-spot-api-docs/rest-api",
    ),
    Namespace(
        system="market.futures",
        title="Market data (USD-M Futures)",
        module=market_futures,
        about="candles, trades, order books, funding and tickers, without a key",
        documentation="https://developers.binance.com/legacy-docs/derivatives/usds-margined-futures",
    ),
)
