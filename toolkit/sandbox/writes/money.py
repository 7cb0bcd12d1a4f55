"""Money moves between the wallets of the master account and of sub-accounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from toolkit.sandbox.answers import Asked
from toolkit.sandbox.keys import letters
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.world import World
from toolkit.sandbox.world.balances import FUTURES_WALLETS, PRICES, Balances, Wallet
from toolkit.sandbox.world.moves import ACCOUNT_TYPES, Move
from toolkit.sandbox.writes.shared import WriteEffect, account_of, find_account, need_futures, used

# "Each master account could transfer 5000 times/min."
FUTURES_TRANSFERS_A_MINUTE = 5000

MINUTE = 60_000
_WALLETS: dict[str, Wallet] = {name: wallet for wallet, name in ACCOUNT_TYPES.items()}
_MARKETS: dict[str, Wallet] = {"1": "um", "2": "cm"}
_ROUTES: dict[str, tuple[Wallet, Wallet]] = {
    "1": ("spot", "um"),
    "2": ("um", "spot"),
    "3": ("spot", "cm"),
    "4": ("cm", "spot"),
}


@dataclass(frozen=True, slots=True)
class _Side:
    """An end of a transfer; the sub-account is "" where it is the master."""

    account: str
    wallet: Wallet
    balances: Balances


def transfer(world: World, asked: Asked) -> WriteEffect:
    """From a spot wallet to a spot wallet."""
    number, client = _leg(world, asked, ("spot", "spot"), "exchange.transfers")
    return WriteEffect({"txnId": str(number), "clientTranId": client}, str(number))


def transfer_futures(world: World, asked: Asked) -> WriteEffect:
    """From a futures wallet to another of the same market; too many in a minute are too many requests."""
    market = _MARKETS[asked.values["futuresType"]]
    minute = asked.now_ms // MINUTE
    if world.futures_transfers[minute] >= FUTURES_TRANSFERS_A_MINUTE:
        raise RefusalError(-4005, "Too many new requests.")
    number, client = _leg(world, asked, (market, market), "exchange.futures_transfers")
    world.futures_transfers[minute] += 1
    return WriteEffect({"success": True, "txnId": str(number), "clientTranId": client}, str(number))


def universal_transfer(world: World, asked: Asked) -> WriteEffect:
    """From any wallet to any other, but not between futures wallets."""
    wallets = _WALLETS[asked.values["fromAccountType"]], _WALLETS[asked.values["toAccountType"]]
    if FUTURES_WALLETS.issuperset(wallets):
        raise RefusalError(-1020, "This operation is not supported.")
    number, client = _leg(world, asked, wallets, "exchange.universal_transfers")
    # Documented as a JSON number here.
    return WriteEffect({"txnId": number, "clientTranId": client}, str(number))


def transfer_within(world: World, asked: Asked) -> WriteEffect:
    """From a wallet of a sub-account to another of its own. No read shows it but the balances."""
    account = account_of(world, asked)
    need_futures(account)
    source, target = (_Side(account.id, wallet, account.balances) for wallet in _ROUTES[asked.values["type"]])
    amount = _amount(asked, source)
    _book(source, target, asked.values["asset"], amount)
    number = world.numbers.next(asked.now_ms)
    return WriteEffect({"txnId": str(number)}, str(number))


def _leg(world: World, asked: Asked, wallets: tuple[Wallet, Wallet], read: str) -> tuple[int, str]:
    """Move it, and note it where the read finds it."""
    values = asked.values
    source = _side(world, values.get("fromId"), wallets[0])
    target = _side(world, values.get("toId"), wallets[1])
    if (source.account, source.wallet) == (target.account, target.wallet):
        # The documents do not say; both ids are optional, and together they mean nothing.
        raise RefusalError(-1128, "Combination of optional parameters invalid.")
    amount = _amount(asked, source)
    sent = values.get("clientTranId", "")
    moves = world.moves[read]
    filters = {"futuresType": values["futuresType"]} if "futuresType" in values else {"showAllStatus": "true"}
    if sent and moves.knows(sent, filters, asked.now_ms):
        raise used("clientTranId")
    _book(source, target, values["asset"], amount)
    number = world.numbers.next(asked.now_ms)
    moves.add(
        Move(
            time=asked.now_ms,
            source=source.account,
            target=target.account,
            source_wallet=source.wallet,
            target_wallet=target.wallet,
            asset=values["asset"],
            amount=f"{amount:.8f}",
            txn=number,
            client=sent,
        )
    )
    if not sent:
        sent = letters(world.seed, "transfer", number, length=24)
        moves.reserve(sent)
    return number, sent


def _side(world: World, account_id: str | None, wallet: Wallet) -> _Side:
    if account_id in (None, world.partner_uid):
        return _Side("", wallet, world.master)
    account = find_account(world, account_id)
    if wallet in FUTURES_WALLETS:
        need_futures(account)
    return _Side(account.id, wallet, account.balances)


def _amount(asked: Asked, source: _Side) -> Decimal:
    """How much is to be moved, if that much may leave the wallet."""
    asset, amount = asked.values["asset"], Decimal(asked.values["amount"])
    if asset not in PRICES:
        raise RefusalError(-5003, "You don't have this asset.")
    if amount > source.balances.free(source.wallet, asset):
        raise RefusalError(-5002, "You have insufficient balance.")
    return amount


def _book(source: _Side, target: _Side, asset: str, amount: Decimal) -> None:
    source.balances.add(source.wallet, asset, -amount)
    target.balances.add(target.wallet, asset, amount)
