"""Transfers between the wallets of the master account and of sub-accounts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.keys import PARTNER, letters
from toolkit.sandbox.messages import RefusalError
from toolkit.sandbox.world import World
from toolkit.sandbox.world.balances import FUTURES_WALLETS, Balances, Wallet
from toolkit.sandbox.world.transfers import ACCOUNT_TYPES, Transfer
from toolkit.sandbox.world.units import UNITS
from toolkit.sandbox.writes.shared import (
    WriteResponse,
    already_used,
    find_account,
    requested_account,
    require_futures,
)

# "Each master account could transfer 5000 times/min."
FUTURES_TRANSFERS_A_MINUTE = 5000

MINUTE = 60_000
_PLENTY_USD = 10_000_000
_WALLETS: dict[str, Wallet] = {name: wallet for wallet, name in ACCOUNT_TYPES.items()}
_MARKETS: dict[str, Wallet] = {"1": "um", "2": "cm"}
_ROUTES: dict[str, tuple[Wallet, Wallet]] = {
    "1": ("spot", "um"),
    "2": ("um", "spot"),
    "3": ("spot", "cm"),
    "4": ("cm", "spot"),
}


@dataclass(frozen=True, slots=True)
class _TransferSide:
    """One side of a transfer; the account is "" for the master."""

    account: str
    wallet: Wallet
    balances: Balances


def transfer(world: World, request: CheckedRequest) -> WriteResponse:
    """Transfer from spot wallet to spot wallet."""
    number, client_id = _transfer(world, request, ("spot", "spot"), "exchange.transfers")
    return WriteResponse({"txnId": str(number), "clientTranId": client_id}, str(number))


def transfer_futures(world: World, request: CheckedRequest) -> WriteResponse:
    """Transfer between futures wallets of one market, a limited number of times per minute."""
    market = _MARKETS[request.values["futuresType"]]
    minute = request.now_ms // MINUTE
    if world.futures_transfers[minute] >= FUTURES_TRANSFERS_A_MINUTE:
        raise RefusalError(-4005, "Too many new requests.")
    number, client_id = _transfer(world, request, (market, market), "exchange.futures_transfers")
    world.futures_transfers[minute] += 1
    return WriteResponse({"success": True, "txnId": str(number), "clientTranId": client_id}, str(number))


def universal_transfer(world: World, request: CheckedRequest) -> WriteResponse:
    """Transfer between any two wallets that are not both futures wallets."""
    wallets = _WALLETS[request.values["fromAccountType"]], _WALLETS[request.values["toAccountType"]]
    if FUTURES_WALLETS.issuperset(wallets):
        raise RefusalError(-1020, "This operation is not supported.")
    number, client_id = _transfer(world, request, wallets, "exchange.universal_transfers")
    # Documented as a JSON number here.
    return WriteResponse({"txnId": number, "clientTranId": client_id}, str(number))


def transfer_within(world: World, request: CheckedRequest) -> WriteResponse:
    """Transfer between two wallets of one sub-account; only the balances show it."""
    account = requested_account(world, request)
    require_futures(account)
    source, target = (
        _TransferSide(account.id, wallet, account.balances) for wallet in _ROUTES[request.values["type"]]
    )
    amount = _amount(world, request, source)
    _move_balance(source, target, request.values["asset"], amount)
    number = world.transfer_ids.next(request.now_ms)
    return WriteResponse({"txnId": str(number)}, str(number))


def _transfer(
    world: World, request: CheckedRequest, wallets: tuple[Wallet, Wallet], read: str
) -> tuple[int, str]:
    """Make the transfer, and record it for the read that shows it."""
    values = request.values
    source = _side(world, values.get("fromId"), wallets[0])
    target = _side(world, values.get("toId"), wallets[1])
    if (source.account, source.wallet) == (target.account, target.wallet):
        # Not documented: both ids are optional, and source and target may be the same wallet.
        raise RefusalError(-1128, "Combination of optional parameters invalid.")
    amount = _amount(world, request, source)
    sent = values.get("clientTranId", "")
    transfers = world.transfers[read]
    filters = {"futuresType": values["futuresType"]} if "futuresType" in values else {"showAllStatus": "true"}
    if sent and transfers.has_client_id(sent, filters, request.now_ms):
        raise already_used("clientTranId")
    _move_balance(source, target, values["asset"], amount)
    number = world.transfer_ids.next(request.now_ms)
    transfers.add(
        Transfer(
            time=request.now_ms,
            source=source.account,
            target=target.account,
            source_wallet=source.wallet,
            target_wallet=target.wallet,
            asset=values["asset"],
            amount=f"{amount:.8f}",
            id=number,
            client_id=sent,
        )
    )
    if not sent:
        sent = letters(world.seed, "transfer", number, length=24)
        transfers.reserve(sent)
    return number, sent


def _side(world: World, account_id: str | None, wallet: Wallet) -> _TransferSide:
    if account_id in (None, world.partner_uid):
        return _TransferSide("", wallet, world.master)
    account = find_account(world, account_id)
    if wallet in FUTURES_WALLETS:
        require_futures(account)
    return _TransferSide(account.id, wallet, account.balances)


def _amount(world: World, request: CheckedRequest, source: _TransferSide) -> Decimal:
    """The amount of the transfer, if that much may leave the wallet."""
    asset, amount = request.values["asset"], Decimal(request.values["amount"])
    worth = world.worth(request.now_ms)
    if asset not in worth:
        raise RefusalError(-5003, "You don't have this asset.")
    free = source.balances.free(source.wallet, asset, worth)
    if not source.account and (free - amount) * worth[asset] < _PLENTY_USD:
        # The master account's own business moves its balances as well, but never this much.
        ledger = world.ledger(PARTNER)
        held = ledger.balance(source.wallet, asset, request.now_ms)
        if source.wallet == "spot":
            held -= ledger.locked(request.now_ms).get(asset, 0)
        free = min(free, Decimal(held) / UNITS)
    if amount > free:
        raise RefusalError(-5002, "You have insufficient balance.")
    return amount


def _move_balance(source: _TransferSide, target: _TransferSide, asset: str, amount: Decimal) -> None:
    source.balances.add(source.wallet, asset, -amount)
    target.balances.add(target.wallet, asset, amount)
