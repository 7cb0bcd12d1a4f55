"""Answers reads: from checked parameters to the payload of the response, as pages of rows or one object."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from toolkit.endpoints import KEY_PERMISSIONS, Endpoint
from toolkit.endpoints.model import PagingKind
from toolkit.sandbox import layouts
from toolkit.sandbox.account_routes import AccountRoutes
from toolkit.sandbox.account_routes.account_data import AccountData
from toolkit.sandbox.checked_request import CheckedRequest
from toolkit.sandbox.example_rows import answer, example_rows
from toolkit.sandbox.examples import example_of
from toolkit.sandbox.keys import PARTNER
from toolkit.sandbox.market_routes import MarketRoutes
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.spans import TimeRange, span_of
from toolkit.sandbox.world import SubAccount, World
from toolkit.sandbox.world.payments import NOW
from toolkit.sandbox.world.people import MAKER_BOUNDS, TAKER_BOUNDS
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import OWNER, Row, SingleRow, Table

RowsKept = Literal["oldest", "newest"]

# Parameters whose default filters rows: `type` 1 is USD-M, failed transfers are hidden.
_CHOOSING = frozenset({"type", "showAllStatus", "filterResult"})
_REBATE_HISTORY = "spot.rebate_history"
_BY_OWNER = frozenset({_REBATE_HISTORY, "futures.income", "portfolio.um_income", "portfolio.cm_income"})
_PAID_LATER = "spot.rebates"
_REBATE_HISTORY_WRAPPER = {"status": "OK", "type": "GENERAL", "code": "000000000"}
_WITH_ACCOUNT = frozenset({"exchange.api_keys", "exchange.futures_transfers"})
# The switches that the owner of a key sees, with the permissions of which one is enough to turn it on.
_SWITCHES: Mapping[str, frozenset[str]] = {
    "enableInternalTransfer": frozenset({"internal transfer"}),
    "enableMargin": frozenset({"Margin Loan, Repay & Transfer"}),
    "enableFutures": frozenset({"Futures"}),
    "permitsUniversalTransfer": frozenset({"Universal Transfer"}),
    "enableVanillaOptions": frozenset({"European Options"}),
    "enableFixApiTrade": frozenset({"FIX API Trading"}),
    "enableFixReadOnly": frozenset({"FIX API Reading"}),
    "enableSpotAndMarginTrading": frozenset({"trade", "Spot & Margin Trading"}),
    "enablePortfolioMarginTrading": frozenset({"Portfolio Margin Trading"}),
}


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows of a response, and where they begin among all rows.

    Attributes:
        rows: The rows.
        offset: Number of rows before them.
        before: The row before them, None where there is none or it was not read.
    """

    rows: list[Row]
    offset: int
    before: Row | None


class Reads:
    """Answers every read that the exchange offers.

    Args:
        world: The data.
        tables: Rows of an endpoint, instead of those of the world, by its name.
        rows_kept: Which rows an endpoint that has only a limit returns when a span holds more and the
            request has a startTime. The documents promise the oldest; a client should cope with both.
        examples: Example responses of endpoints that have none in `sandbox/examples/`, by their name.
        market: The rules for market data.
    """

    def __init__(
        self,
        world: World,
        tables: Mapping[str, Table],
        rows_kept: RowsKept,
        examples: Mapping[str, object],
        market: MarketRoutes,
    ) -> None:
        self._world = world
        self._routes = (market, AccountRoutes(AccountData(world)))
        self._tables = dict(tables)
        self._rows_kept = rows_kept
        self._examples = examples
        self._example_rows: dict[str, list[Row] | Row] = {}
        self._objects: dict[str, Callable[[CheckedRequest], object]] = {
            "exchange.partner": self._partner,
            "exchange.ip_restriction": self._ip_restriction,
            "exchange.bnb_burn": self._bnb_burn,
            "exchange.um_commission": self._um_commission,
            "exchange.cm_commission": self._cm_commission,
            "spot.new_user": self._spot_new_user,
            "spot.customer_id": lambda request: {"customerId": self._customer_id(request)},
            "futures.new_user": self._new_user,
            "futures.customer_id": self._broker_customer_id,
            "futures.overview": self._overview,
            "portfolio.new_user": self._new_user,
            "portfolio.customer_id": self._broker_customer_id,
            KEY_PERMISSIONS.qualified_name: _key_permissions,
        }

    def is_example(self, endpoint: Endpoint) -> bool:
        """Whether the rows of this endpoint are those of its documented example."""
        known = (self._tables, self._objects, self._world.table_names)
        if any(endpoint.qualified_name in names for names in known):
            return False
        return not any(routes.serves(endpoint) for routes in self._routes)

    def by_path(self, request: CheckedRequest) -> object | None:
        """The payload of an endpoint whose path has a rule, None if it has none or has a table."""
        endpoint = request.endpoint
        if endpoint.qualified_name in self._tables:
            return None
        routes = next((each for each in self._routes if each.serves(endpoint)), None)
        return None if routes is None else routes.payload(request)

    def single(self, request: CheckedRequest) -> object | None:
        """The payload of an endpoint that returns one object; None where it has a table."""
        qualified_name = request.endpoint.qualified_name
        if qualified_name in self._objects and qualified_name not in self._tables:
            return self._objects[qualified_name](request)
        if isinstance(self._table(request), SingleRow):
            return next(iter(self.page(request).rows), {})
        return None

    def page(self, request: CheckedRequest) -> RowPage:
        """The rows that a list endpoint returns."""
        endpoint, values = request.endpoint, request.values
        filters = {} if self.is_example(endpoint) else _filters(request)
        span = span_of(endpoint, values, request.now_ms)
        if endpoint.qualified_name in _WITH_ACCOUNT and endpoint.qualified_name not in self._tables:
            self._account(values)
        table = self._table(request)
        if span.is_empty:
            return RowPage([], 0, None)
        paging = endpoint.paging
        size = int(values.get(paging.size, paging.default or 2**31))
        offset = int(values.get("offset", 0))
        if paging.kind == "page":
            offset = (int(values.get(paging.page_field, 1)) - 1) * size
        elif paging.id_field in values:
            offset = _offset_of_id(endpoint, table, span, filters, int(values[paging.id_field]))
        elif paging.kind in ("limit", "id") and not self._from_oldest(paging.kind, span):
            offset = max(table.count(span.start, span.end, filters) - size, 0)
        # One extra row in front: a fault may repeat the last row of the page before.
        more = 1 if offset else 0
        rows = table.slice(span.start, span.end, filters, offset - more, size + more)
        if more and rows:
            return RowPage(rows[1:][: request.max_rows], offset, rows[0])
        return RowPage(rows[: request.max_rows], offset, None)

    def wrap(self, request: CheckedRequest, rows: list[Row]) -> object:
        """The rows in the documented shape."""
        rows = rows[::-1] if request.endpoint.newest_first else rows
        payload = layouts.wrap(request.endpoint, rows, request.values, request.now_ms)
        if request.endpoint.qualified_name == _REBATE_HISTORY:
            return _REBATE_HISTORY_WRAPPER | {"data": self._totals(request) | payload["data"]}
        return payload

    def _totals(self, request: CheckedRequest) -> dict[str, int]:
        """The page, and what all pages have."""
        span = span_of(request.endpoint, request.values, request.now_ms)
        total = self._table(request).count(span.start, span.end, _filters(request))
        return {
            "page": int(request.values.get("page", 1)),
            "totalRecords": total,
            "totalPageNum": math.ceil(total / request.endpoint.paging.maximum),
        }

    def _table(self, request: CheckedRequest) -> Table:
        """The rows of an endpoint. An example stays where the first request put it."""
        name = request.endpoint.qualified_name
        if name in self._tables:
            return self._tables[name]
        if name in self._world.table_names:
            return self._world.table(name)
        if name not in self._example_rows:
            example = self._examples.get(name) or example_of(name)
            if example is None:
                raise RefusalError(-1020, f"The sandbox has no rows and no example for {name}.")
            self._example_rows[name] = example_rows(request.endpoint, example, request.now_ms)
        return answer(request.endpoint, self._example_rows[name], request.values)

    def _from_oldest(self, kind: PagingKind, span: TimeRange) -> bool:
        """Whether a response that cannot hold all rows of the span begins with its oldest ones."""
        return span.forward and (kind == "id" or self._rows_kept == "oldest")

    def _account(self, values: Mapping[str, str]) -> SubAccount:
        account = self._world.account(values["subAccountId"])
        if account is None:
            raise RefusalError(-5021, "This parent sub have no relation")
        return account

    def _partner(self, request: CheckedRequest) -> object:
        return {
            "maxMakerCommission": MAKER_BOUNDS[1],
            "minMakerCommission": MAKER_BOUNDS[0],
            "maxTakerCommission": TAKER_BOUNDS[1],
            "minTakerCommission": TAKER_BOUNDS[0],
            "subAccountQty": len(self._world.accounts),
            "maxSubAccountQty": self._world.max_sub_accounts,
        }

    def _ip_restriction(self, request: CheckedRequest) -> object:
        account = self._account(request.values)
        key = account.key(request.values["subAccountApiKey"])
        if key is None:
            raise invalid("subAccountApiKey")
        return {
            "subaccountId": account.id,
            "ipRestrict": bool(key.ip_list),
            "apikey": key.key,
            "ipList": list(key.ip_list),
            "updateTime": key.update_time,
        }

    def _bnb_burn(self, request: CheckedRequest) -> object:
        account = self._account(request.values)
        return {
            # Documented as a JSON number here, though it exceeds 2**53.
            "subAccountId": int(account.id),
            "spotBNBBurn": account.spot_burn,
            "interestBNBBurn": account.interest_burn,
        }

    def _um_commission(self, request: CheckedRequest) -> object:
        return self._commission(request, "symbol", self._account(request.values).um_commission)

    def _cm_commission(self, request: CheckedRequest) -> object:
        return self._commission(request, "pair", self._account(request.values).cm_commission)

    def _commission(
        self, request: CheckedRequest, name: str, rates: Callable[[str], tuple[int, int] | None]
    ) -> object:
        text = request.values[name]
        found = rates(text)
        if found is None:
            raise RefusalError(-1121, "Invalid symbol.")
        maker, taker = found
        account = int(request.values["subAccountId"])
        return [{"subAccountId": account, name: text, "makerCommission": maker, "takerCommission": taker}]

    def _customer_id(self, request: CheckedRequest) -> str:
        return "" if request.signer.owner == PARTNER else self._world.customer.id

    def _flags(self, request: CheckedRequest, code: str) -> dict[str, object]:
        ours = request.values[code] == self._world.agent_code and request.signer.owner != PARTNER
        return {code: request.values[code], "rebateWorking": ours, "ifNewUser": ours}

    def _spot_new_user(self, request: CheckedRequest) -> object:
        return self._flags(request, "apiAgentCode") | {"referrerId": int(self._world.partner_uid)}

    def _new_user(self, request: CheckedRequest) -> object:
        return self._flags(request, "brokerId")

    def _broker_customer_id(self, request: CheckedRequest) -> object:
        return {"brokerId": request.values["brokerId"], "customerId": self._customer_id(request)}

    def _overview(self, request: CheckedRequest) -> object:
        business = self._world.business[request.values.get("type", "1")]
        today = request.now_ms // DAY
        users, volume, rebate = business.totals(today)
        shares = business.rates.on(today)
        return {
            "brokerId": self._world.agent_code,
            "newTraderRebateCommission": f"{shares.new / 100:.8f}",
            "oldTraderRebateCommission": f"{shares.old / 100:.8f}",
            "totalTradeUser": users,
            "unit": business.unit,
            "totalTradeVol": volume,
            "totalRebateVol": rebate,
            "time": request.now_ms,
        }


def _offset_of_id(
    endpoint: Endpoint, table: Table, span: TimeRange, filters: Mapping[str, str], first: int
) -> int:
    """Number of rows whose id is below `first`. Ids ascend with the rows."""
    field = next(column for column in endpoint.columns if column.name == endpoint.paging.id_column).fields[0]

    def id_at(index: int) -> int:
        return int(str(table.slice(span.start, span.end, filters, index, 1)[0][field]))

    return bisect_left(range(table.count(span.start, span.end, filters)), first, key=id_at)


def _key_permissions(request: CheckedRequest) -> object:
    """What the requesting key may do. Permission to trade never expires here, so that field is left out."""
    key = request.signer
    return {
        "ipRestrict": bool(key.addresses),
        "createTime": key.created_ms,
        "enableReading": "USER_DATA" in key.securities,
        "enableWithdrawals": key.withdrawals,
        **{name: not key.permissions.isdisjoint(words) for name, words in _SWITCHES.items()},
    }


def _filters(request: CheckedRequest) -> dict[str, str]:
    """The parameters that filter the rows of the span, defaults included."""
    endpoint, values = request.endpoint, request.values
    window, paging = endpoint.window, endpoint.paging
    others = {"offset", paging.page_field, paging.size, paging.id_field}
    if window:
        others |= {window.start_field, window.end_field}
    filters = {name: text for name, text in values.items() if name not in others}
    for param in endpoint.params:
        if param.field in _CHOOSING and param.default is not None:
            default = param.choices.get(str(param.default), param.default)
            filters.setdefault(param.field, str(default).lower())
    if endpoint.qualified_name in _BY_OWNER:
        filters[OWNER] = request.signer.owner
    if endpoint.qualified_name == _PAID_LATER:
        filters[NOW] = str(request.now_ms)
    return filters
