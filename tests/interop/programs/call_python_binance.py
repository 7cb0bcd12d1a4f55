"""python-binance, with its methods for single endpoints, as `margin_v1_get_broker_sub_account`."""

import re

from adapter import ClientAdapter, Send, main
from binance.client import Client
from binance.exceptions import BinanceAPIException

# Methods with names of their own; the others are named after host, version and path.
NAMED = {
    "/fapi/v1/income": "futures_income_history",
    "/api/v3/account": "get_account",
    "/api/v3/myTrades": "get_my_trades",
    "/api/v3/allOrders": "get_all_orders",
    "/api/v3/openOrders": "get_open_orders",
    "/api/v3/order": "get_order",
    "/api/v3/rateLimit/order": "get_current_order_count",
    "/sapi/v1/accountSnapshot": "get_account_snapshot",
    "/sapi/v3/asset/getUserAsset": "get_user_asset",
    "/sapi/v1/asset/get-funding-asset": "funding_wallet",
    "/sapi/v1/asset/assetDividend": "get_asset_dividend_history",
    "/sapi/v1/asset/transfer": "query_universal_transfer_history",
    "/sapi/v1/asset/tradeFee": "get_trade_fee",
    "/sapi/v1/capital/config/getall": "get_all_coins_info",
    "/sapi/v1/capital/deposit/hisrec": "get_deposit_history",
    "/sapi/v1/capital/withdraw/history": "get_withdraw_history",
    "/sapi/v1/account/apiRestrictions": "get_account_api_permissions",
    "/sapi/v1/account/status": "get_account_status",
    "/fapi/v3/balance": "futures_account_balance",
    "/fapi/v3/positionRisk": "futures_position_information",
    "/fapi/v1/userTrades": "futures_account_trades",
    "/fapi/v1/allOrders": "futures_get_all_orders",
    "/fapi/v1/openOrders": "futures_get_open_orders",
    "/fapi/v1/order": "futures_get_order",
    "/fapi/v1/commissionRate": "futures_commission_rate",
    "/papi/v1/um/income": "papi_get_um_income_history",
    "/papi/v1/cm/income": "papi_get_cm_income_history",
    "/sapi/v1/sub-account/margin/account": "get_subaccount_margin_details",
    "/api/v3/ping": "ping",
    "/api/v3/time": "get_server_time",
    "/api/v3/exchangeInfo": "get_exchange_info",
    "/api/v3/depth": "get_order_book",
    "/api/v3/trades": "get_recent_trades",
    "/api/v3/historicalTrades": "get_historical_trades",
    "/api/v3/aggTrades": "get_aggregate_trades",
    "/api/v3/klines": "get_klines",
    "/api/v3/avgPrice": "get_avg_price",
    "/api/v3/ticker/24hr": "get_ticker",
    "/api/v3/ticker/price": "get_symbol_ticker",
    "/api/v3/ticker/bookTicker": "get_orderbook_ticker",
    "/sapi/v1/system/status": "get_system_status",
    "/fapi/v1/ping": "futures_ping",
    "/fapi/v1/time": "futures_time",
    "/fapi/v1/exchangeInfo": "futures_exchange_info",
    "/fapi/v1/depth": "futures_order_book",
    "/fapi/v1/trades": "futures_recent_trades",
    "/fapi/v1/historicalTrades": "futures_historical_trades",
    "/fapi/v1/aggTrades": "futures_aggregate_trades",
    "/fapi/v1/klines": "futures_klines",
    "/fapi/v1/continuousKlines": "futures_continuous_klines",
    "/fapi/v1/markPriceKlines": "futures_mark_price_klines",
    "/fapi/v1/indexPriceKlines": "futures_index_price_klines",
    "/fapi/v1/premiumIndexKlines": "futures_premium_index_klines",
    "/fapi/v1/fundingRate": "futures_funding_rate",
    "/fapi/v1/premiumIndex": "futures_mark_price",
    "/fapi/v1/openInterest": "futures_open_interest",
    "/fapi/v1/ticker/24hr": "futures_ticker",
    "/fapi/v2/ticker/price": "futures_symbol_ticker",
    "/fapi/v1/ticker/bookTicker": "futures_orderbook_ticker",
    "/futures/data/openInterestHist": "futures_open_interest_hist",
    "/futures/data/globalLongShortAccountRatio": "futures_global_longshort_ratio",
    "/futures/data/topLongShortAccountRatio": "futures_top_longshort_account_ratio",
    "/futures/data/topLongShortPositionRatio": "futures_top_longshort_position_ratio",
    "/futures/data/takerlongshortRatio": "futures_taker_longshort_ratio",
    "/futures/data/basis": "futures_basis",
}
# What the names of the others begin with.
HOSTS = {"api": "", "sapi": "margin_", "fapi": "futures_", "papi": "papi_"}


def connect(address: str, key: str, secret: str, behind_ms: int) -> ClientAdapter:
    private = secret if "PRIVATE KEY" in secret else None
    client = Client(key, secret, private_key=private, ping=False)
    client.API_URL = f"{address}/api"
    client.MARGIN_API_URL = f"{address}/sapi"
    client.FUTURES_URL = f"{address}/fapi"
    client.FUTURES_DATA_URL = f"{address}/futures/data"
    client.PAPI_URL = f"{address}/papi"
    client.timestamp_offset = -behind_ms

    def find(method: str, path: str, signed: bool) -> Send | None:
        known = getattr(client, NAMED.get(path) or name_of(method, path), None)
        return known and (lambda params: known(**params))

    return ClientAdapter(find, code)


def name_of(method: str, path: str) -> str:
    """`GET /sapi/v1/broker/subAccount` -> `margin_v1_get_broker_sub_account`."""
    _, host, version, *words = path.split("/")
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", "_".join(words)).lower()
    return f"{HOSTS[host]}{version}_{method.lower()}_{snake}"


def code(error: Exception) -> int | None:
    return error.code if isinstance(error, BinanceAPIException) else None


main(connect)
