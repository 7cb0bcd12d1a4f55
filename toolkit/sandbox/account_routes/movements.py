"""What moved: deposits, withdrawals, transfers between wallets, and dividends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.sandbox.account_routes.account_data import (
    AccountData,
    Rules,
    asset_index,
    page_size,
    rows_between,
)
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.hashing import Int64Array, hash_key
from toolkit.sandbox.keys import letters
from toolkit.sandbox.ledger import WALLETS
from toolkit.sandbox.ledger.records import DIVIDENDS, NETWORKS
from toolkit.sandbox.market.symbols import ASSETS
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.spans import TimeRange, span_of
from toolkit.sandbox.times import from_ms
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.world.units import amount

SECOND = 1000
MAX_IDS = 45

_ON_ETHEREUM = frozenset({"ETH", "BSC", "ARBITRUM", "AVAXC"})
# How addresses of the other networks begin, and their length.
_ADDRESSES = {"BTC": ("bc1q", 42), "TRX": ("T", 34), "SOL": ("", 44), "XRP": ("r", 34)}
# Letters and digits that look too much like others.
_NOT_BASE58, _NOT_BECH32 = (str.maketrans("", "", left_out) for left_out in ("0OIl", "1bio"))
_WALLET_WORDS = {"spot": "MAIN", "funding": "FUNDING", "um": "UMFUTURE", "cm": "CMFUTURE", "margin": "MARGIN"}
_WORDS = tuple(_WALLET_WORDS[wallet] for wallet in WALLETS)
_PENDING, _SUCCESS = 0, 1
_REJECTED, _PROCESSING, _COMPLETED = 3, 4, 6
_ORDER_ID_SPAN = 7 * DAY
_TRAN_IDS_FROM = 1_331_519_816


def _span(request: CheckedRequest) -> TimeRange:
    """The span of a request. A span of 90 days or more has a code of its own here."""
    try:
        return span_of(request.endpoint, request.values, request.now_ms)
    except RefusalError as refusal:
        if refusal.code != -1127:
            raise
        raise RefusalError(-4047, "Time interval must be within 0-90 days") from None


def _rows(
    request: CheckedRequest, times: Int64Array, matching: Int64Array, span: TimeRange, skipped: int
) -> Int64Array:
    """The rows that a response has, newest first, of those that match its parameters."""
    if span.is_empty:
        return matching[:0]
    chosen = rows_between(times[matching], span, page_size(request), skipped=skipped)
    return matching[chosen][::-1]


def _deposits(data: AccountData, request: CheckedRequest) -> object:
    span, values = _span(request), request.values
    found = data.ledger(request).deposits(request.now_ms)
    status = np.where(found.completed <= request.now_ms, _SUCCESS, _PENDING)
    passes = np.ones(len(found), dtype=np.bool_)
    if (asset := asset_index(request, "coin")) is not None:
        passes &= found.asset == asset
    if "status" in values:
        passes &= status == int(values["status"])
    matching = np.flatnonzero(passes)
    if "txId" in values:
        ids = [
            _transaction_id(found.network[row], found.bits[row], found.is_internal[row]) for row in matching
        ]
        matching = matching[[text == values["txId"] for text in ids]]
    rows: list[Row] = []
    for row in _rows(request, found.time, matching, span, int(values.get("offset", 0))).tolist():
        network, bits = int(found.network[row]), int(found.bits[row])
        completed = int(found.completed[row])
        made: Row = {
            "id": str(found.id[row]),
            "amount": amount(int(found.amount[row])),
            "coin": ASSETS[int(found.asset[row])],
            "network": NETWORKS[network],
            "status": int(status[row]),
            "address": _address(network, data.world.seed, request.signer.owner),
            "addressTag": _address_tag(network, data.world.seed, request.signer.owner),
            "txId": _transaction_id(network, bits, bool(found.is_internal[row])),
            "insertTime": int(found.time[row]),
            "transferType": int(found.is_internal[row]),
            "confirmTimes": "1/1" if status[row] == _SUCCESS else "0/1",
            "unlockConfirm": 0,
            "walletType": 0,
            "travelRuleStatus": 0,
        }
        if status[row] == _SUCCESS:
            made["completeTime"] = completed
        if request.is_true("includeSource"):
            made["sourceAddress"] = "" if found.is_internal[row] else _address(network, "source", bits)
        rows.append(made)
    return rows


def _withdrawals(data: AccountData, request: CheckedRequest) -> object:
    span, values = _span(request), request.values
    found = data.ledger(request).withdrawals(request.now_ms)
    # The response tells whole seconds, so these are the times that count.
    times = found.time // SECOND * SECOND
    ended = found.completed <= request.now_ms
    status = np.where(ended, np.where(found.is_canceled, _REJECTED, _COMPLETED), _PROCESSING)
    passes = np.ones(len(found), dtype=np.bool_)
    if (asset := asset_index(request, "coin")) is not None:
        passes &= found.asset == asset
    if "status" in values:
        passes &= status == int(values["status"])
    matching = np.flatnonzero(passes)
    if "withdrawOrderId" in values:
        span = _span_with_order_id(request, span)
        own = [_own_id(int(found.id[row]), int(found.bits[row])) for row in matching]
        matching = matching[[text == values["withdrawOrderId"] for text in own]]
    if "idList" in values:
        wanted = values["idList"].split(",")
        if len(wanted) > MAX_IDS:
            raise invalid("idList")
        ids = [_withdrawal_id(int(found.id[row]), int(found.bits[row])) for row in matching]
        matching = matching[[text in wanted for text in ids]]
    rows: list[Row] = []
    for row in _rows(request, times, matching, span, int(values.get("offset", 0))).tolist():
        number, bits, network = int(found.id[row]), int(found.bits[row]), int(found.network[row])
        made: Row = {
            "id": _withdrawal_id(number, bits),
            "amount": amount(int(found.amount[row])),
            "transactionFee": amount(int(found.fee[row])),
            "coin": ASSETS[int(found.asset[row])],
            "status": int(status[row]),
            "address": _address(network, "target", bits),
            "txId": _transaction_id(network, bits, False) if status[row] == _COMPLETED else "",
            "applyTime": from_ms(int(times[row]), "text"),
            "network": NETWORKS[network],
            "transferType": 0,
            "info": "",
            "confirmNo": 1 if status[row] == _COMPLETED else 0,
            "walletType": 0,
            "txKey": "",
        }
        if own_id := _own_id(number, bits):
            made["withdrawOrderId"] = own_id
        if status[row] == _COMPLETED:
            made["completeTime"] = from_ms(int(found.completed[row]), "text")
        rows.append(made)
    return rows


def _span_with_order_id(request: CheckedRequest, span: TimeRange) -> TimeRange:
    """A request for an order id spans less than seven days, and the last seven by default."""
    if "startTime" not in request.values:
        return TimeRange(request.now_ms - _ORDER_ID_SPAN, span.end, forward=False)
    if span.start is not None and span.end - span.start >= _ORDER_ID_SPAN:
        raise RefusalError(-4047, "Time interval must be within 0-7 days")
    return span


def _transfers(data: AccountData, request: CheckedRequest) -> object:
    span, values = span_of(request.endpoint, request.values, request.now_ms), request.values
    found = data.ledger(request).transfers(request.now_ms)
    directions = [
        f"{_WORDS[source]}_{_WORDS[target]}" for source, target in _pairs(found.source, found.target)
    ]
    matching = np.flatnonzero([text == values["type"] for text in directions])
    size = int(values.get("size", request.endpoint.paging.default or 0))
    skipped = (int(values.get("current", 1)) - 1) * size
    rows = [
        {
            "asset": ASSETS[int(found.asset[row])],
            "amount": amount(int(found.amount[row])),
            "type": values["type"],
            "status": "CONFIRMED",
            "tranId": int(found.id[row]),
            "timestamp": int(found.time[row]),
        }
        for row in _rows(request, found.time, matching, span, skipped).tolist()
    ]
    return {"total": _count(found.time[matching], span), "rows": rows}


def _pairs(sources: Int64Array, targets: Int64Array) -> Sequence[tuple[int, int]]:
    return list(zip(sources.tolist(), targets.tolist(), strict=True))


def _dividends(data: AccountData, request: CheckedRequest) -> object:
    span = span_of(request.endpoint, request.values, request.now_ms)
    found = data.ledger(request).dividends(request.now_ms)
    asset = asset_index(request, "asset")
    matching = np.arange(len(found)) if asset is None else np.flatnonzero(found.asset == asset)
    rows = [
        {
            "id": int(found.id[row]),
            "amount": amount(int(found.amount[row])),
            "asset": ASSETS[int(found.asset[row])],
            "divTime": int(found.time[row]),
            "enInfo": DIVIDENDS[int(found.kind[row])],
            "tranId": int(found.id[row]) + _TRAN_IDS_FROM,
            "direction": 1,
        }
        for row in _rows(request, found.time, matching, span, 0).tolist()
    ]
    return {"rows": rows, "total": _count(found.time[matching], span)}


def _count(times: Int64Array, span: TimeRange) -> int:
    chosen = rows_between(times, span, len(times))
    return int(chosen.stop - chosen.start)


# -- ids and addresses --------------------------------------------------------------------------------------


def _withdrawal_id(number: int, bits: int) -> str:
    return f"{bits & 0xFFFF_FFFF_FFFF_FFFF:016x}{number:016x}"


def _own_id(number: int, bits: int) -> str:
    """The id that was given with a withdrawal; most have none."""
    return f"payout-{number}" if bits % 3 == 0 else ""


def _address(network: int, *words: object) -> str:
    """An address in the form of its network."""
    name = NETWORKS[network]
    if name in _ON_ETHEREUM:
        # These networks share their addresses.
        return f"0x{_hex('address', *words)[:40]}"
    start, length = _ADDRESSES[name]
    text = letters(name, *words, length=2 * length)
    text = text.lower().translate(_NOT_BECH32) if name == "BTC" else text.translate(_NOT_BASE58)
    return start + text[: length - len(start)]


def _address_tag(network: int, *words: object) -> str:
    """The number that some networks have beside an address."""
    return str(int(_hex("tag", *words)[:8], 16)) if NETWORKS[network] == "XRP" else ""


def _transaction_id(network: int, bits: int, is_internal: bool) -> str:
    if is_internal:
        return f"Off-chain transfer {bits & 0xFFF_FFFF_FFFF}"
    name = NETWORKS[network]
    if name == "SOL":
        return letters("transaction", bits, length=176).translate(_NOT_BASE58)[:88]
    text = _hex("transaction", bits)
    return f"0x{text}" if name in _ON_ETHEREUM else text


def _hex(*words: object) -> str:
    """64 hexadecimal digits."""
    return "".join(f"{int(hash_key(*words, part)):016x}" for part in range(4))


RULES: Rules = {
    "/sapi/v1/capital/deposit/hisrec": _deposits,
    "/sapi/v1/capital/withdraw/history": _withdrawals,
    "/sapi/v1/asset/transfer": _transfers,
    "/sapi/v1/asset/assetDividend": _dividends,
}
