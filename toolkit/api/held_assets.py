"""What the account of a key has held, and the symbols it may have traded: methods of `link.account`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd

from toolkit.api.reads.resource import interrupts_explained
from toolkit.api.resource import Resource
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import CredentialsError, RefusedError, UsageError
from toolkit.fetch.fetcher import Fetcher
from toolkit.planning import Span, When

_SYMBOLS = "market.spot.symbols"
# The span of all sources is that of deposits, which the exchange keeps for ever.
_SPAN_OF = "account.wallet.deposits"
# A source with a retention is read from a little later on: the clock may be wrong, and time goes by.
_HEADROOM_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class _Source:
    """A read whose rows are evidence that the account held an asset in its spot wallet.

    Attributes:
        name: Name of the endpoint.
        evidence: What the frame calls it.
        asset: Column of the asset.
        time: Column of the time, "" for balances.
        amounts: Columns of which one must be above zero.
        states: Values of `status` that are evidence; all of them if empty.
        arguments: Arguments of the call.
    """

    name: str
    evidence: str
    asset: str = "asset"
    time: str = "time"
    amounts: tuple[str, ...] = ("amount",)
    states: tuple[object, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)


_DIRECTIONS = next(
    [word for word in param.choices if "spot" in word.split("_to_")]
    for param in ENDPOINTS_BY_NAME["account.wallet.transfers"].params
    if param.name == "direction"
)
_SOURCES = (
    _Source("account.spot.balances", "balance", time="", amounts=("free", "locked")),
    _Source("account.wallet.spot_snapshots", "snapshot", amounts=("free", "locked")),
    _Source("account.wallet.deposits", "deposit", asset="coin", time="insert_time", states=(1, 6)),
    _Source("account.wallet.withdrawals", "withdrawal", asset="coin", time="apply_time"),
    _Source("account.wallet.dividends", "dividend"),
    _Source(
        "account.wallet.transfers",
        "transfer",
        states=("CONFIRMED",),
        arguments={"direction": _DIRECTIONS},
    ),
    _Source("spot.rebate_history", "rebate", time="update_time"),
)


class HeldAssets(Resource):
    """What the account has held, as far as its own records prove it."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def held_assets(self, *, start: When = None, end: When = None) -> pd.DataFrame:
        """The assets that the spot wallet is proven to have held, with the evidence.

        Read are the balances of now, the daily snapshots of the last 30 days, deposits, withdrawals,
        dividends, transfers from and to the spot wallet of the last 180 days, and rebates. The list is never
        claimed to be whole: what was bought and sold between two snapshots, or before what is kept, leaves
        no trace in any of these. `estimate_held_assets` says what the reads cost.

        Example:
            link.account.held_assets(start="-90D")

        Args:
            start: Start of the span, included; defaults to just under 90 days before `end`.
            end: End of the span, included; a date means its whole day. Defaults to now.

        Returns:
            A DataFrame with the columns

            - asset (text): Asset, such as BTC.
            - evidence (text): balance, snapshot, deposit, withdrawal, dividend, transfer or rebate.
            - rows (integer): Number of rows that are evidence.
            - first_time (time): Time of the first of them, UTC; missing for a balance, which is that of now.
            - last_time (time): Time of the last of them, UTC.

            `attrs["covers"]` has the span that was read of each endpoint, None where it has none, and
            `attrs["refused"]` the endpoints that the key may not read. `attrs["complete"]` is False. An error
            or interrupt carries the evidence so far in `partial`, whose `covers` has what was read in full.

        Raises:
            UsageError: The span is invalid. Nothing was sent.
            ApiError: The exchange refused a request, or all of them.
        """
        with interrupts_explained():
            return self._held(start, end)

    def estimate_held_assets(self, *, start: When = None, end: When = None) -> pd.DataFrame:
        """What `held_assets` costs, one row for each endpoint that it reads; nothing is sent.

        Args:
            start: As for `held_assets`.
            end: As for `held_assets`.

        Returns:
            A DataFrame with the columns endpoint, requests, weight, rate_limit, limit, minutes and at_least,
            as in the estimates of `link.estimate_weight`.

        Raises:
            UsageError: The span is invalid.
        """
        rows = []
        for source, span in self._sources(start, end):
            start_ms, end_ms = (None, None) if span is None else (span.start, span.end)
            estimate = self._fetcher.estimate(source.name, None, source.arguments, start=start_ms, end=end_ms)
            rows.append(
                {
                    "endpoint": source.name,
                    "requests": estimate.requests,
                    "weight": estimate.weight,
                    "rate_limit": estimate.rate_limit,
                    "limit": estimate.limit,
                    "minutes": estimate.minutes,
                    "at_least": estimate.at_least,
                }
            )
        return pd.DataFrame(rows)

    def candidate_symbols(self, assets: pd.DataFrame | None = None) -> pd.DataFrame:
        """The spot symbols both of whose assets were held, which the account may have traded.

        That is no proof that it did, and a symbol whose assets left no trace is not among them: see
        `held_assets`. All symbols there are, in `link.market.spot.symbols()`, are the only list that misses
        none of those that are still listed. `link.estimate_weight` says what the trades of either cost:

            symbols = link.account.candidate_symbols()["symbol"].tolist()
            link.estimate_weight("account.spot.trades", symbol=symbols, from_trade_id=0)
            link.account.spot.trades(symbols, from_trade_id=0)

        With `from_trade_id=0` all trades come that there are, and a symbol without one takes one request.

        Args:
            assets: A frame of `held_assets`; it is read if not given.

        Returns:
            A DataFrame with the columns

            - symbol (text): Symbol, such as BTCUSDT.
            - status (text): TRADING where it can be traded, HALT, BREAK, ...
            - base_asset (text): Asset that is traded.
            - quote_asset (text): Asset in which its price is.

        Raises:
            UsageError: `assets` has no column "asset". Nothing was sent.
            ApiError: The exchange refused a request.
        """
        if assets is not None and "asset" not in getattr(assets, "columns", ()):
            raise UsageError(
                "`assets` must be a frame of `link.account.held_assets`, with a column `asset`. Nothing was "
                "sent."
            )
        with interrupts_explained():
            symbols = self._fetcher.fetch(ENDPOINTS_BY_NAME[_SYMBOLS], {})
            # Last: where it fails, its error has evidence that can be passed on.
            held = self._held(None, None) if assets is None else assets
        names = set(held["asset"].dropna())
        both = symbols["base_asset"].isin(names) & symbols["quote_asset"].isin(names)
        found = symbols.loc[both, ["symbol", "status", "base_asset", "quote_asset"]].reset_index(drop=True)
        found.attrs = {
            **symbols.attrs,
            "endpoint": "account.candidate_symbols",
            "account": held.attrs.get("account"),
            "assets": sorted(names),
            "complete": False,
        }
        return found

    def _held(self, start: When, end: When) -> pd.DataFrame:
        read = _Read()
        last: CredentialsError | RefusedError | None = None
        for source, span in self._sources(start, end):
            start_ms, end_ms = (None, None) if span is None else (span.start, span.end)
            try:
                frame = self._fetcher.fetch(
                    ENDPOINTS_BY_NAME[source.name], source.arguments, start=start_ms, end=end_ms
                )
            except (CredentialsError, RefusedError) as error:
                read.refused[source.name], last = str(error), error
                read.add_partial(source, error)
            except BaseException as error:
                read.add_partial(source, error)
                if read.parts:
                    error.partial = read.frame()  # type: ignore[attr-defined]
                raise
            else:
                read.add(source, frame)
        if last is not None and not read.parts:
            raise last
        return read.frame()

    def _sources(self, start: When, end: When) -> Iterator[tuple[_Source, Span | None]]:
        """The sources, with the part of the span that the exchange keeps for each."""
        plan = self._fetcher.plan(ENDPOINTS_BY_NAME[_SPAN_OF], {}, start=start, end=end)
        assert plan.span is not None  # noqa: S101 - for the type checker: deposits have one
        for source in _SOURCES:
            window = ENDPOINTS_BY_NAME[source.name].window
            if window is None:
                yield source, None
                continue
            first = plan.span.start
            if window.retention is not None:
                kept = window.retention // timedelta(milliseconds=1)
                first = max(first, self._fetcher.now_ms(source.name) - kept + _HEADROOM_MS)
            if first <= plan.span.end:
                yield source, Span(first, plan.span.end)


@dataclass(slots=True)
class _Read:
    """What was read so far.

    Attributes:
        parts: The evidence of each source.
        covers, refused: As in the attributes of the frame.
        attrs: The attributes of what was read of each source.
    """

    parts: list[pd.DataFrame] = field(default_factory=list)
    covers: dict[str, object] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    attrs: list[Mapping[Hashable, Any]] = field(default_factory=list)

    def add(self, source: _Source, frame: pd.DataFrame) -> None:
        """Add all that a source has."""
        self._add_rows(source, frame)
        given = frame.attrs["parameters"]
        has_span = ENDPOINTS_BY_NAME[source.name].window is not None
        self.covers[source.name] = [given["start"], given["end"]] if has_span else None

    def add_partial(self, source: _Source, error: BaseException) -> None:
        """Add the rows that were received before an error: they are evidence, but cover no span."""
        partial = getattr(error, "partial", None)
        if partial is not None:
            self._add_rows(source, partial)

    def _add_rows(self, source: _Source, frame: pd.DataFrame) -> None:
        self.parts.append(_evidence(source, frame))
        self.attrs.append(frame.attrs)

    def frame(self) -> pd.DataFrame:
        """The evidence."""
        held = pd.concat(self.parts).sort_values(["asset", "evidence"], ignore_index=True)
        as_of = [each["as_of"] for each in self.attrs]
        held.attrs = {
            **{name: value for name, value in self.attrs[-1].items() if name != "missing"},
            "endpoint": "account.held_assets",
            "system": "account",
            "parameters": {},
            "requests": sum(each["requests"] for each in self.attrs),
            "weight": sum(each["weight"] for each in self.attrs),
            "as_of": None if None in as_of else min(as_of),
            "complete": False,
            "undeclared": [],
            "covers": self.covers,
            "refused": self.refused,
        }
        return held


def _evidence(source: _Source, frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each asset in a frame that was held."""
    held = pd.Series(False, index=frame.index)
    for column in source.amounts:
        held |= frame[column] > 0
    if source.states:
        held &= frame["status"].isin(source.states)
    rows = frame[held]
    times = rows[source.time] if source.time else pd.Series(pd.NaT, rows.index, "datetime64[ms, UTC]")
    grouped = pd.DataFrame({"asset": rows[source.asset], "time": times}).groupby("asset", sort=True)["time"]
    found = pd.DataFrame(
        {"rows": grouped.size().astype("Int64"), "first_time": grouped.min(), "last_time": grouped.max()}
    )
    found.insert(0, "evidence", pd.Series(source.evidence, found.index, "string"))
    return found.reset_index().astype({"asset": "string"})
