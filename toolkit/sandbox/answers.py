"""From checked parameters to the answer's payload: pages of rows, or one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from toolkit.endpoints import KEY_PERMISSIONS, Endpoint
from toolkit.sandbox.keys import PARTNER, RegisteredKey
from toolkit.sandbox.messages import RefusalError, invalid
from toolkit.sandbox.spans import span_of
from toolkit.sandbox.world import SubAccount, World
from toolkit.sandbox.world.people import MAKER_BOUNDS, TAKER_BOUNDS
from toolkit.sandbox.world.stream import DAY
from toolkit.sandbox.world.tables import Row, Table

LimitKeeps = Literal["oldest", "newest"]

_PAGE_NAMES = frozenset({"page", "offset", "startTime", "endTime"})
# Defaults that choose rows: `type` 1 is USD-M, failed transfers are hidden.
_CHOOSING = frozenset({"type", "showAllStatus", "filterResult"})
_WITH_ACCOUNT = frozenset({"exchange.api_keys", "exchange.futures_transfers"})
# What a key was allowed, as its owner sees it: by permissions of which one is enough.
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
class Asked:
    """One question, checked.

    Attributes:
        most: Rows that an answer has at most, None where only the question says that.
    """

    endpoint: Endpoint
    values: Mapping[str, str]
    key: RegisteredKey
    now_ms: int
    most: int | None = None


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows of an answer, and where among all rows they begin."""

    rows: list[Row]
    offset: int
    before: Row | None


class Answers:
    """Everything the exchange knows how to answer.

    Args:
        world: What there is.
        tables: Rows that stand in for the world's, by door.
        limit_keeps: Which rows an endpoint that has only a limit keeps when a span holds more and the
            request has a startTime. The documents promise the oldest; a client should cope with both.
    """

    def __init__(self, world: World, tables: Mapping[str, Table], limit_keeps: LimitKeeps) -> None:
        self._world = world
        self._tables = dict(tables)
        self._limit_keeps = limit_keeps
        self._objects: dict[str, Callable[[Asked], object]] = {
            "exchange.partner": self._partner,
            "exchange.ip_restriction": self._ip_restriction,
            "exchange.bnb_burn": self._bnb_burn,
            "exchange.um_commission": self._um_commission,
            "exchange.cm_commission": self._cm_commission,
            "spot.new_user": self._spot_new_user,
            "spot.customer_id": lambda asked: {"customerId": self._customer_id(asked)},
            "futures.new_user": self._new_user,
            "futures.customer_id": self._broker_customer_id,
            "futures.overview": self._overview,
            "portfolio.new_user": self._new_user,
            "portfolio.customer_id": self._broker_customer_id,
            KEY_PERMISSIONS.qualified_name: _key_permissions,
        }

    def single(self, asked: Asked) -> object | None:
        """The answer of an endpoint that has no pages; None where there is a table."""
        qualified_name = asked.endpoint.qualified_name
        if qualified_name in self._tables:
            return None
        made = self._objects.get(qualified_name)
        return made(asked) if made else None

    def page(self, asked: Asked) -> RowPage:
        """The rows that a list endpoint answers with."""
        endpoint, values = asked.endpoint, asked.values
        span = span_of(endpoint, values, asked.now_ms)
        if endpoint.qualified_name in _WITH_ACCOUNT and endpoint.qualified_name not in self._tables:
            self._account(values)
        table = self._tables.get(endpoint.qualified_name) or self._world.table(endpoint.qualified_name)
        filters = _filters(endpoint, values)
        if span.start is not None and span.start > span.end:
            return RowPage([], 0, None)
        paging = endpoint.paging
        size = int(values.get(paging.size, paging.default or 0)) if paging.size else 2**31
        offset = int(values.get("offset", 0))
        if "page" in values:
            offset = (int(values["page"]) - 1) * size
        elif paging.kind == "limit" and not (span.forward and self._limit_keeps == "oldest"):
            offset = max(table.count(span.start, span.end, filters) - size, 0)
        # One row more than asked for, in front: a fault may repeat the last row of the page before.
        more = 1 if offset else 0
        rows = table.slice(span.start, span.end, filters, offset - more, size + more)
        if more and rows:
            return RowPage(rows[1:][: asked.most], offset, rows[0])
        return RowPage(rows[: asked.most], offset, None)

    def wrap(self, asked: Asked, rows: list[Row]) -> object:
        """Rows in the shape the documents show."""
        if asked.endpoint.rows_field == "data":
            return {"data": rows, "timestamp": asked.now_ms}
        if asked.endpoint.rows_field == "transfers":
            return {"success": True, "futuresType": int(asked.values["futuresType"]), "transfers": rows}
        return rows

    def _account(self, values: Mapping[str, str]) -> SubAccount:
        account = self._world.account(values["subAccountId"])
        if account is None:
            raise RefusalError(-5021, "This parent sub have no relation")
        return account

    def _partner(self, asked: Asked) -> object:
        return {
            "maxMakerCommission": MAKER_BOUNDS[1],
            "minMakerCommission": MAKER_BOUNDS[0],
            "maxTakerCommission": TAKER_BOUNDS[1],
            "minTakerCommission": TAKER_BOUNDS[0],
            "subAccountQty": len(self._world.accounts),
            "maxSubAccountQty": self._world.max_sub_accounts,
        }

    def _ip_restriction(self, asked: Asked) -> object:
        account = self._account(asked.values)
        key = account.key(asked.values["subAccountApiKey"])
        if key is None:
            raise invalid("subAccountApiKey")
        return {
            "subaccountId": account.id,
            "ipRestrict": bool(key.ip_list),
            "apikey": key.key,
            "ipList": list(key.ip_list),
            "updateTime": key.update_time,
        }

    def _bnb_burn(self, asked: Asked) -> object:
        account = self._account(asked.values)
        return {
            # Documented as a JSON number here, though it exceeds 2**53.
            "subAccountId": int(account.id),
            "spotBNBBurn": account.spot_burn,
            "interestBNBBurn": account.interest_burn,
        }

    def _um_commission(self, asked: Asked) -> object:
        return self._commission(asked, "symbol", self._account(asked.values).um_commission)

    def _cm_commission(self, asked: Asked) -> object:
        return self._commission(asked, "pair", self._account(asked.values).cm_commission)

    def _commission(self, asked: Asked, name: str, rates: Callable[[str], tuple[int, int] | None]) -> object:
        text = asked.values[name]
        found = rates(text)
        if found is None:
            raise RefusalError(-1121, "Invalid symbol.")
        maker, taker = found
        account = int(asked.values["subAccountId"])
        return [{"subAccountId": account, name: text, "makerCommission": maker, "takerCommission": taker}]

    def _customer_id(self, asked: Asked) -> str:
        return "" if asked.key.owner == PARTNER else self._world.customer.id

    def _flags(self, asked: Asked, code: str) -> dict[str, object]:
        ours = asked.values[code] == self._world.agent_code and asked.key.owner != PARTNER
        return {code: asked.values[code], "rebateWorking": ours, "ifNewUser": ours}

    def _spot_new_user(self, asked: Asked) -> object:
        return self._flags(asked, "apiAgentCode") | {"referrerId": int(self._world.partner_uid)}

    def _new_user(self, asked: Asked) -> object:
        return self._flags(asked, "brokerId")

    def _broker_customer_id(self, asked: Asked) -> object:
        return {"brokerId": asked.values["brokerId"], "customerId": self._customer_id(asked)}

    def _overview(self, asked: Asked) -> object:
        business = self._world.business[asked.values.get("type", "1")]
        users, volume, rebate = business.totals(asked.now_ms // DAY)
        return {
            "brokerId": self._world.agent_code,
            "newTraderRebateCommission": "0.30000000",
            "oldTraderRebateCommission": "0.20000000",
            "totalTradeUser": users,
            "unit": business.unit,
            "totalTradeVol": volume,
            "totalRebateVol": rebate,
            "time": asked.now_ms,
        }


def _key_permissions(asked: Asked) -> object:
    """What the key that asks may do. No permission to trade ends here, so the field for that is left out."""
    key = asked.key
    return {
        "ipRestrict": bool(key.addresses),
        "createTime": key.created_ms,
        "enableReading": "USER_DATA" in key.securities,
        "enableWithdrawals": key.withdrawals,
        **{name: not key.permissions.isdisjoint(words) for name, words in _SWITCHES.items()},
    }


def _filters(endpoint: Endpoint, values: Mapping[str, str]) -> dict[str, str]:
    """What chooses rows among those of the span, defaults included."""
    filters = {
        name: text
        for name, text in values.items()
        if name not in _PAGE_NAMES and name != endpoint.paging.size
    }
    for param in endpoint.params:
        if param.field in _CHOOSING and param.default is not None:
            default = param.choices.get(str(param.default), param.default)
            filters.setdefault(param.field, str(default).lower())
    return filters
