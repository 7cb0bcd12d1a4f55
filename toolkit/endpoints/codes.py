"""The error codes of the exchange: what each means, and what kind of remedy it calls for.

The meaning of a code depends on the path: -4047 is a span that is too long on /sapi and a margin type on
/fapi, -1004 a busy server on /sapi and a duplicate address on /fapi. A code in none of the tables still
raises an `ApiError` with the code and the message.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Remedy = Literal[
    "credentials", "signature", "clock", "parameter", "missing", "refused", "retired", "rate", "server"
]


class Code(NamedTuple):
    """The documented name of an error code, and the kind of remedy."""

    name: str
    remedy: Remedy


# For every host, unless its own table below differs (the spot list is the only complete one).
COMMON: dict[int, Code] = {
    -1000: Code("UNKNOWN", "server"),
    -1001: Code("DISCONNECTED", "server"),
    -1002: Code("UNAUTHORIZED", "credentials"),
    -1003: Code("TOO_MANY_REQUESTS", "rate"),
    -1006: Code("UNEXPECTED_RESP", "server"),
    -1007: Code("TIMEOUT", "server"),
    -1008: Code("SERVER_BUSY", "server"),
    -1013: Code("INVALID_MESSAGE", "parameter"),
    -1014: Code("UNKNOWN_ORDER_COMPOSITION", "parameter"),
    -1015: Code("TOO_MANY_ORDERS", "rate"),
    -1016: Code("SERVICE_SHUTTING_DOWN", "retired"),
    -1020: Code("UNSUPPORTED_OPERATION", "retired"),
    -1021: Code("INVALID_TIMESTAMP", "clock"),
    -1022: Code("INVALID_SIGNATURE", "signature"),
    -1033: Code("COMP_ID_IN_USE", "refused"),
    -1034: Code("TOO_MANY_CONNECTIONS", "rate"),
    -1035: Code("LOGGED_OUT", "refused"),
    -1100: Code("ILLEGAL_CHARS", "parameter"),
    -1101: Code("TOO_MANY_PARAMETERS", "parameter"),
    -1102: Code("MANDATORY_PARAM_EMPTY_OR_MALFORMED", "parameter"),
    -1103: Code("UNKNOWN_PARAM", "parameter"),
    -1104: Code("UNREAD_PARAMETERS", "parameter"),
    -1105: Code("PARAM_EMPTY", "parameter"),
    -1106: Code("PARAM_NOT_REQUIRED", "parameter"),
    -1108: Code("PARAM_OVERFLOW", "parameter"),
    -1111: Code("BAD_PRECISION", "parameter"),
    -1112: Code("NO_DEPTH", "missing"),
    -1114: Code("TIF_NOT_REQUIRED", "parameter"),
    -1115: Code("INVALID_TIF", "parameter"),
    -1116: Code("INVALID_ORDER_TYPE", "parameter"),
    -1117: Code("INVALID_SIDE", "parameter"),
    -1118: Code("EMPTY_NEW_CL_ORD_ID", "parameter"),
    -1119: Code("EMPTY_ORG_CL_ORD_ID", "parameter"),
    -1120: Code("BAD_INTERVAL", "parameter"),
    -1121: Code("BAD_SYMBOL", "missing"),
    -1122: Code("INVALID_SYMBOLSTATUS", "parameter"),
    -1125: Code("INVALID_LISTEN_KEY", "missing"),
    -1127: Code("MORE_THAN_XX_HOURS", "parameter"),
    -1128: Code("OPTIONAL_PARAMS_BAD_COMBO", "parameter"),
    -1130: Code("INVALID_PARAMETER", "parameter"),
    -1134: Code("BAD_STRATEGY_TYPE", "parameter"),
    -1135: Code("INVALID_JSON", "parameter"),
    -1139: Code("INVALID_TICKER_TYPE", "parameter"),
    -1145: Code("INVALID_CANCEL_RESTRICTIONS", "parameter"),
    -1151: Code("DUPLICATE_SYMBOLS", "parameter"),
    -1152: Code("INVALID_SBE_HEADER", "parameter"),
    -1153: Code("UNSUPPORTED_SCHEMA_ID", "parameter"),
    -1155: Code("SBE_DISABLED", "refused"),
    -1158: Code("OCO_ORDER_TYPE_REJECTED", "parameter"),
    -1160: Code("OCO_ICEBERGQTY_TIMEINFORCE", "parameter"),
    -1161: Code("DEPRECATED_SCHEMA", "parameter"),
    -1165: Code("BUY_OCO_LIMIT_MUST_BE_BELOW", "parameter"),
    -1166: Code("SELL_OCO_LIMIT_MUST_BE_ABOVE", "parameter"),
    -1168: Code("BOTH_OCO_ORDERS_CANNOT_BE_LIMIT", "parameter"),
    -1169: Code("INVALID_TAG_NUMBER", "parameter"),
    -1170: Code("TAG_NOT_DEFINED_IN_MESSAGE", "parameter"),
    -1171: Code("TAG_APPEARS_MORE_THAN_ONCE", "parameter"),
    -1172: Code("TAG_OUT_OF_ORDER", "parameter"),
    -1173: Code("GROUP_FIELDS_OUT_OF_ORDER", "parameter"),
    -1174: Code("INVALID_COMPONENT", "parameter"),
    -1175: Code("RESET_SEQ_NUM_SUPPORT", "refused"),
    -1176: Code("ALREADY_LOGGED_IN", "refused"),
    -1177: Code("GARBLED_MESSAGE", "parameter"),
    -1178: Code("BAD_SENDER_COMPID", "refused"),
    -1179: Code("BAD_SEQ_NUM", "refused"),
    -1180: Code("EXPECTED_LOGON", "refused"),
    -1181: Code("TOO_MANY_MESSAGES", "rate"),
    -1182: Code("PARAMS_BAD_COMBO", "parameter"),
    -1183: Code("NOT_ALLOWED_IN_DROP_COPY_SESSIONS", "refused"),
    -1184: Code("DROP_COPY_SESSION_NOT_ALLOWED", "refused"),
    -1185: Code("DROP_COPY_SESSION_REQUIRED", "refused"),
    -1186: Code("NOT_ALLOWED_IN_ORDER_ENTRY_SESSIONS", "refused"),
    -1187: Code("NOT_ALLOWED_IN_MARKET_DATA_SESSIONS", "refused"),
    -1188: Code("INCORRECT_NUM_IN_GROUP_COUNT", "parameter"),
    -1189: Code("DUPLICATE_ENTRIES_IN_A_GROUP", "parameter"),
    -1190: Code("INVALID_REQUEST_ID", "refused"),
    -1191: Code("TOO_MANY_SUBSCRIPTIONS", "refused"),
    -1194: Code("INVALID_TIME_UNIT", "parameter"),
    -1196: Code("BUY_OCO_STOP_LOSS_MUST_BE_ABOVE", "parameter"),
    -1197: Code("SELL_OCO_STOP_LOSS_MUST_BE_BELOW", "parameter"),
    -1198: Code("BUY_OCO_TAKE_PROFIT_MUST_BE_BELOW", "parameter"),
    -1199: Code("SELL_OCO_TAKE_PROFIT_MUST_BE_ABOVE", "parameter"),
    -1210: Code("INVALID_PEG_PRICE_TYPE", "parameter"),
    -1211: Code("INVALID_PEG_OFFSET_TYPE", "parameter"),
    -1220: Code("SYMBOL_DOES_NOT_MATCH_STATUS", "refused"),
    -1221: Code("INVALID_SBE_MESSAGE_FIELD", "parameter"),
    -1222: Code("OPO_WORKING_MUST_BE_BUY", "parameter"),
    -1223: Code("OPO_PENDING_MUST_BE_SELL", "parameter"),
    -1224: Code("WORKING_PARAM_REQUIRED", "parameter"),
    -1225: Code("PENDING_PARAM_NOT_REQUIRED", "parameter"),
    -2010: Code("NEW_ORDER_REJECTED", "refused"),
    -2011: Code("CANCEL_REJECTED", "refused"),
    -2013: Code("NO_SUCH_ORDER", "missing"),
    -2014: Code("BAD_API_KEY_FMT", "credentials"),
    -2015: Code("REJECTED_MBX_KEY", "credentials"),
    -2016: Code("NO_TRADING_WINDOW", "missing"),
    -2026: Code("ORDER_ARCHIVED", "missing"),
    -2035: Code("SUBSCRIPTION_ACTIVE", "refused"),
    -2036: Code("SUBSCRIPTION_INACTIVE", "refused"),
    -2039: Code("CLIENT_ORDER_ID_INVALID", "refused"),
    -2042: Code("MAXIMUM_SUBSCRIPTION_IDS", "refused"),
    -2043: Code("NO_REFERENCE_PRICE", "missing"),
}

SAPI: dict[int, Code] = {
    -1004: Code("SERVER_BUSY", "server"),
    -1011: Code("NON_WHITE_LIST", "credentials"),
    -1023: Code("START_TIME_GREATER_THAN_END_TIME", "parameter"),
    -1099: Code("NOT_FOUND_OR_UNAUTHORIZED", "credentials"),
    -1131: Code("BAD_RECV_WINDOW", "parameter"),
    -3000: Code("INNER_FAILURE", "server"),
    -3002: Code("ASSET_NOT_SUPPORTED", "missing"),
    -3003: Code("MARGIN_ACCOUNT_NOT_EXIST", "missing"),
    -3004: Code("TRADE_NOT_ALLOWED", "refused"),
    -3005: Code("TRANSFER_OUT_NOT_ALLOWED", "refused"),
    -3007: Code("HAS_PENDING_TRANSACTION", "refused"),
    -3011: Code("BAD_DATE", "parameter"),
    -3018: Code("ACCOUNT_BANNED_TRADE", "refused"),
    -3019: Code("TRANSFER_BANNED", "refused"),
    -3020: Code("TRANSFER_OUT_EXCEEDS_MAX", "refused"),
    -3022: Code("ACCOUNT_BAN_TRADE", "refused"),
    -3025: Code("BAD_DATE_INPUT", "parameter"),
    -3026: Code("BAD_INPUT_PARAM", "parameter"),
    -3029: Code("TRANSFER_FAILED", "refused"),
    -3041: Code("BALANCE_NOT_ENOUGH", "refused"),
    -3044: Code("SYSTEM_BUSY", "server"),
    -3999: Code("NOT_WHITELIST_USER", "credentials"),
    -4001: Code("INVALID_OPERATION", "parameter"),
    -4002: Code("INVALID_GET", "parameter"),
    -4003: Code("INVALID_EMAIL", "parameter"),
    -4004: Code("NOT_LOGGED_IN", "credentials"),
    -4005: Code("TOO_MANY_NEW_REQUESTS", "rate"),
    -4006: Code("MAIN_ACCOUNT_ONLY", "credentials"),
    -4039: Code("USER_DOES_NOT_EXIST", "missing"),
    -4047: Code("DATE_INTERVAL_LIMIT", "parameter"),
    -5001: Code("TRANSFER_NOT_ALLOWED", "refused"),
    -5002: Code("INSUFFICIENT_BALANCE", "refused"),
    -5003: Code("NO_SUCH_ASSET", "missing"),
    -5004: Code("ASSET_TRANSFER", "refused"),
    -5005: Code("ASSET_TRANSFER", "refused"),
    -5006: Code("ASSET_TRANSFER", "refused"),
    -5007: Code("QUANTITY_NOT_POSITIVE", "parameter"),
    -5008: Code("ASSET_TRANSFER", "refused"),
    -5009: Code("ASSET_TRANSFER", "refused"),
    -5010: Code("ASSET_TRANSFER_FAIL", "refused"),
    -5011: Code("FUTURE_ACCT_NOT_EXIST", "missing"),
    -5012: Code("TRANSFER_PENDING_OR_NO_SUCH_RELATION", "refused"),
    -5013: Code("INSUFFICIENT_BALANCE", "refused"),
    -5021: Code("PARENT_SUB_HAVE_NO_RELATION", "refused"),
    -7001: Code("DATE_RANGE_NOT_SUPPORTED", "parameter"),
    -7002: Code("DATA_TYPE_NOT_SUPPORTED", "parameter"),
    -9000: Code("LIMIT_OF_SUB_ACCOUNTS_OR_AMOUNT", "refused"),
    -12014: Code("TOO_FREQUENT", "rate"),
}

# USD-M and COIN-M futures, and Portfolio Margin.
FUTURES: dict[int, Code] = {
    -1004: Code("DUPLICATE_IP", "refused"),
    -1005: Code("NO_SUCH_IP", "missing"),
    -1010: Code("ERROR_MSG_RECEIVED", "parameter"),
    -1011: Code("NON_WHITE_LIST", "credentials"),
    -1023: Code("START_TIME_GREATER_THAN_END_TIME", "parameter"),
    -1099: Code("NOT_FOUND_OR_UNAUTHORIZED", "credentials"),
    -4047: Code("MARGIN_TYPE_NOT_CHANGED", "refused"),
}

BY_PREFIX: dict[str, dict[int, Code]] = {
    "/sapi/": SAPI,
    "/fapi/": FUTURES,
    "/futures/data/": FUTURES,
    "/papi/": FUTURES,
}


def code_for(path: str, code: int) -> Code | None:
    """What a code means for a path, None where the code is not documented."""
    for prefix, table in BY_PREFIX.items():
        if path.startswith(prefix) and code in table:
            return table[code]
    return COMMON.get(code)


# A request for a shorter span may succeed.
_SPAN_TOO_LONG = frozenset({"MORE_THAN_XX_HOURS", "DATE_RANGE_NOT_SUPPORTED", "DATE_INTERVAL_LIMIT"})


def is_span_too_long(path: str, code: int | None) -> bool:
    """Whether a code means that the requested time span is too long."""
    known = None if code is None else code_for(path, code)
    return known is not None and known.name in _SPAN_TOO_LONG


# The 503s that, by the documentation of futures and Portfolio Margin, mean that nothing was executed.
_NOT_EXECUTED = (
    "Service Unavailable",
    "Internal error; unable to process your request. Please try again",
    "Request throttled by system-level protection",
)
# 4XX that do not rule out execution: a time-out while waiting for the back end, partial success, too early,
# and the responses of gateways to a connection that was closed after the request had been passed on.
_UNKNOWN_STATUSES = frozenset({408, 409, 425, 460, 499})
# "Transfer pending"; the list has the code a second time with another meaning.
_UNKNOWN_CODES = frozenset({-5012})
_UNKNOWN_WORDS = ("status unknown", "pending")


def may_be_executed(path: str, status: int, code: int | None, message: str) -> bool:
    """Whether a request that failed with this error may have been executed nevertheless.

    It may after a 5XX, unless the documentation rules it out for that message, and after a code for a
    failure of the exchange, whatever the status. After any other 4XX nothing was executed.
    """
    if status == 503 and path.startswith(("/fapi/", "/papi/")):
        return not message.startswith(_NOT_EXECUTED)
    if any(words in message.lower() for words in _UNKNOWN_WORDS) or code in _UNKNOWN_CODES:
        return True
    known = None if code is None else code_for(path, code)
    return status >= 500 or status in _UNKNOWN_STATUSES or (known is not None and known.remedy == "server")
