"""Funding of perpetual futures, and the prices that it follows from."""

from __future__ import annotations

from heapq import merge

import numpy as np

from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.market.funding import CAP, INTEREST, USUAL_HOURS, funding_rates, next_funding_ms
from toolkit.sandbox.market.symbols import Market
from toolkit.sandbox.market.values import values_at
from toolkit.sandbox.market_routes.market_data import MarketData, Row, Rules, for_each, page_size, value_text
from toolkit.sandbox.spans import TimeRange, span_of

# "If startTime and endTime are not sent, the most recent 200 records are returned."
_MOST_RECENT = 200


def _rates(data: MarketData, request: CheckedRequest) -> object:
    span = span_of(request.endpoint, request.values, request.now_ms)
    if span.is_empty:
        return []
    size = page_size(request)
    if not {"startTime", "endTime"} & request.values.keys():
        size = min(size, _MOST_RECENT) if "limit" in request.values else _MOST_RECENT
    markets = data.wanted("um", request) if "symbol" in request.values else data.listed("um", request.now_ms)
    columns = (_rates_of(data, request, market, span, size) for market in markets)
    rows = list(merge(*columns, key=lambda row: int(str(row["fundingTime"]))))
    return rows[:size] if span.forward else rows[max(len(rows) - size, 0) :]


def _rates_of(
    data: MarketData, request: CheckedRequest, market: Market, span: TimeRange, size: int
) -> list[Row]:
    found = funding_rates(
        data.history,
        market,
        start_ms=span.start,
        end_ms=span.end,
        limit=size,
        now_ms=request.now_ms,
        newest=not span.forward,
    )
    return [
        {
            "symbol": market.symbol,
            "fundingTime": time,
            "fundingRate": value_text(rate),
            "markPrice": value_text(mark),
            "rateType": "Regular",
        }
        for time, rate, mark in zip(
            found.time.tolist(), found.rate.tolist(), found.mark.tolist(), strict=True
        )
    ]


def _info(data: MarketData, request: CheckedRequest) -> object:
    """Only symbols whose interval is not the usual one."""
    return [
        {
            "symbol": market.symbol,
            "adjustedFundingRateCap": value_text(CAP),
            "adjustedFundingRateFloor": value_text(-CAP),
            "fundingIntervalHours": market.funding_hours,
            "disclaimer": False,
            "updateTime": data.history.hours(market).listed_ms,
        }
        for market in data.wanted("um", request)
        if market.funding_hours != USUAL_HOURS
    ]


def _premium_index(data: MarketData, request: CheckedRequest, market: Market) -> Row:
    now_ms = request.now_ms
    found = values_at(data.history, market, np.array([now_ms]))
    rates = funding_rates(data.history, market, limit=1, now_ms=now_ms, newest=True)
    traded = data.status(market, now_ms) == "TRADING"
    return {
        "symbol": market.symbol,
        "markPrice": value_text(int(found.mark[0])),
        "indexPrice": value_text(int(found.index[0])),
        "estimatedSettlePrice": value_text(int(found.index[0])),
        "lastFundingRate": value_text(int(rates.rate.sum())) if traded else "",
        "interestRate": value_text(INTEREST * market.funding_hours // USUAL_HOURS) if traded else "",
        "nextFundingTime": next_funding_ms(market, now_ms) if traded else 0,
        "time": now_ms,
    }


RULES: Rules = {
    "/fapi/v1/fundingRate": _rates,
    "/fapi/v1/fundingInfo": _info,
    "/fapi/v1/premiumIndex": for_each("um", _premium_index),
}
