"""An account's ledger: its records, and its balances at any moment."""

from __future__ import annotations

from toolkit.sandbox.ledger.movements import Movements
from toolkit.sandbox.ledger.records import (
    AccountDeposits,
    AccountWithdrawals,
    Dividends,
    SpotFills,
    SpotOrders,
    WalletTransfers,
)


class Ledger:
    """The books of one account. Every method takes the present of the request: nothing later is told.

    Attributes:
        owner: Whose it is, as the owner of a key: PARTNER, CUSTOMER or STRANGER.
        uid: Id of the account.
        begins_ms: Beginning of the books, in milliseconds.
        ends_ms: End of the books: two months after the world's month begins.
        maker_rate, taker_rate: Commission of spot trades, in units of 1e-8 (0.1 % is 100,000).
    """

    owner: str
    uid: str
    begins_ms: int
    ends_ms: int
    maker_rate: int
    taker_rate: int

    def movements(self, until_ms: int, after_ms: int | None = None) -> Movements:
        """The movements of all wallets up to a time (included); after another, if it is given."""
        raise NotImplementedError

    def balance(self, wallet: str, asset: str, at_ms: int) -> int:
        """Units of an asset in a wallet, locked ones included."""
        raise NotImplementedError

    def balances(self, wallet: str, at_ms: int) -> dict[str, int]:
        """Units of each asset in a wallet, by asset, zeros included."""
        raise NotImplementedError

    def locked(self, at_ms: int) -> dict[str, int]:
        """Units of the spot wallet that open orders lock, by asset; assets without are left out."""
        raise NotImplementedError

    def daily_balances(self, wallet: str, start_ms: int, end_ms: int) -> list[tuple[int, dict[str, int]]]:
        """The last moment of each UTC day within a span, both ends included, and the balances then."""
        raise NotImplementedError

    def fills(self, until_ms: int) -> SpotFills:
        """The spot fills."""
        raise NotImplementedError

    def orders(self, at_ms: int) -> SpotOrders:
        """The spot orders as they are at a time."""
        raise NotImplementedError

    def open_orders(self, at_ms: int) -> SpotOrders:
        """Those that are open at a time."""
        raise NotImplementedError

    def deposits(self, until_ms: int) -> AccountDeposits:
        """The deposits seen by then; one that completes later is pending."""
        raise NotImplementedError

    def withdrawals(self, until_ms: int) -> AccountWithdrawals:
        """The withdrawals applied for by then; one that completes later is being processed."""
        raise NotImplementedError

    def transfers(self, until_ms: int) -> WalletTransfers:
        """The transfers between the account's wallets."""
        raise NotImplementedError

    def dividends(self, until_ms: int) -> Dividends:
        """The dividends paid."""
        raise NotImplementedError
