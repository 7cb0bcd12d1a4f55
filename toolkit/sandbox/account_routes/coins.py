"""The coins that can be deposited and withdrawn, their networks, and what the account has of each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from toolkit.sandbox.account_routes.account_data import AccountData, Rules
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.ledger.cash import NETWORK_FEES
from toolkit.sandbox.market.symbols import ASSETS, FIAT
from toolkit.sandbox.world.tables import Row
from toolkit.sandbox.world.units import amount

_NAMES = {
    "USDT": "TetherUS",
    "USDC": "USDC",
    "FDUSD": "First Digital USD",
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "BNB": "BNB",
    "SOL": "Solana",
    "XRP": "Ripple",
    "ADA": "Cardano",
    "DOGE": "Dogecoin",
    "LINK": "Chainlink",
    "AVAX": "Avalanche",
    "LTC": "Litecoin",
    "DOT": "Polkadot",
    "TRX": "TRON",
    "SUI": "Sui",
    "NEAR": "NEAR Protocol",
    "UNI": "Uniswap",
    "ATOM": "Cosmos",
    "PEPE": "Pepe",
    "TUSD": "TrueUSD",
    "BNFCR": "Binance Futures Credits",
    "EUR": "Euro",
    "TRY": "Turkish Lira",
    "JPY": "Japanese Yen",
    "MATIC": "Polygon",
    "POL": "POL",
    "DCR": "Decred",
}
_NETWORK_NAMES = {
    "FIAT_MONEY": "Fiat",
    "BSC": "BNB Smart Chain (BEP20)",
    "ETH": "Ethereum (ERC20)",
    "TRX": "Tron (TRC20)",
}
# Networks and fees of coins that no account of the sandbox deposits or withdraws.
_OTHER_FEES: Mapping[str, Mapping[str, Decimal]] = MappingProxyType(
    {
        "ADA": {"ADA": Decimal("0.8")},
        "DOGE": {"DOGE": Decimal(4)},
        "LINK": {"ETH": Decimal("0.3")},
        "AVAX": {"AVAXC": Decimal("0.01")},
        "LTC": {"LTC": Decimal("0.001")},
        "DOT": {"DOT": Decimal("0.08")},
        "TRX": {"TRX": Decimal("1.5")},
        "SUI": {"SUI": Decimal("0.07")},
        "NEAR": {"NEAR": Decimal("0.02")},
        "UNI": {"ETH": Decimal("0.6")},
        "ATOM": {"ATOM": Decimal("0.02")},
        "PEPE": {"ETH": Decimal(300_000)},
        "TUSD": {"ETH": Decimal(3)},
        "MATIC": {},
        "POL": {"POL": Decimal("0.1")},
        "DCR": {"DCR": Decimal("0.01")},
        "BNFCR": {},
        **{asset: {"FIAT_MONEY": Decimal(0)} for asset in FIAT},
    }
)
_FEES = {asset: NETWORK_FEES[asset] if asset in NETWORK_FEES else _OTHER_FEES[asset] for asset in ASSETS}
_ZERO = "0.00000000"
_CONFIRMATIONS = {"BTC": (1, 2), "ETH": (6, 64), "BSC": (5, 0)}
_OTHER_CONFIRMATIONS = (10, 20)


def _coins(data: AccountData, request: CheckedRequest) -> object:
    ledger, now_ms = data.ledger(request), request.now_ms
    held, locked = ledger.balances("spot", now_ms), ledger.locked(now_ms)
    return [
        {
            "coin": asset,
            "depositAllEnable": True,
            "withdrawAllEnable": True,
            "name": _NAMES[asset],
            "free": amount(held.get(asset, 0) - locked.get(asset, 0)),
            "locked": amount(locked.get(asset, 0)),
            "freeze": _ZERO,
            "withdrawing": _ZERO,
            "ipoing": _ZERO,
            "ipoable": _ZERO,
            "storage": _ZERO,
            "isLegalMoney": asset in FIAT,
            "trading": True,
            "networkList": [
                _network(asset, network, fee, is_default=number == 0)
                for number, (network, fee) in enumerate(_FEES[asset].items())
            ],
        }
        for asset in ASSETS
    ]


def _network(asset: str, network: str, fee: Decimal, *, is_default: bool) -> Row:
    confirmations, unlocking = _CONFIRMATIONS.get(network, _OTHER_CONFIRMATIONS)
    return {
        "network": network,
        "coin": asset,
        "withdrawIntegerMultiple": "0.00000001",
        "isDefault": is_default,
        "depositEnable": True,
        "withdrawEnable": True,
        "depositDesc": "",
        "withdrawDesc": "",
        "specialTips": "",
        "specialWithdrawTips": "",
        "name": _NETWORK_NAMES.get(network, network),
        "resetAddressStatus": False,
        "addressRegex": "^[0-9A-Za-z]{20,64}$",
        "memoRegex": "",
        "withdrawFee": f"{fee:f}",
        "withdrawMin": f"{2 * fee:f}",
        "withdrawMax": "9999999999",
        "withdrawInternalMin": "0.00000001",
        "depositDust": "0.00000001",
        "minConfirm": confirmations,
        "unLockConfirm": unlocking,
        "sameAddress": False,
        "withdrawTag": False,
        "estimatedArrivalTime": 5,
        "busy": False,
        "contractAddressUrl": "",
        "contractAddress": "",
    }


RULES: Rules = {"/sapi/v1/capital/config/getall": _coins}
