"""What the accounts panel shows: pure, frames and holdings in and HTML out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.panels import holdings, svg
from toolkit.panels.base import note
from toolkit.panels.holdings import COLUMNS, Holding, Wallet
from toolkit.panels.text import MISSING, amount, clock, left, percent, plural, rate, short, whole
from toolkit.printable import safe

if TYPE_CHECKING:
    from toolkit.link import Link
    from toolkit.wire.snapshot import Snapshot

# More rows than anybody scrolls through: narrowing the filter is quicker.
MOST_ROWS = 200
STATIC_ROWS = 10


@dataclass(frozen=True, slots=True)
class Read:
    """One of the reads a refresh makes.

    Attributes:
        key: Where its frame is kept.
        door: Its door.
        title: What it is called.
        market: Its market, "" where it has none.
    """

    key: str
    door: str
    title: str
    market: str = ""

    @property
    def is_by_account(self) -> bool:
        """Whether it has a row for each sub-account."""
        return self.key != "partner"


READS = (
    Read("partner", "exchange.partner", "Partner"),
    Read("accounts", "exchange.sub_accounts", "Sub-accounts"),
    Read("spot", "exchange.spot_balances", "Spot balances"),
    Read("margin", "exchange.margin_balances", "Margin balances"),
    Read("um", "exchange.futures_balances", "USD-M futures", "um"),
    Read("cm", "exchange.futures_balances", "COIN-M futures", "cm"),
)

_NOTHING: Mapping[str, int] = MappingProxyType({})
# What is counted in a price while the number of sub-accounts is not known.
SUPPOSED = 100

_POOLS = {"sapi-ip": "SAPI by IP address", "sapi-uid": "SAPI by account (UID)"}


@dataclass(frozen=True, slots=True)
class Counter:
    """What a refresh takes of one counter: an endpoint of /sapi has one to itself."""

    door: str
    pool: str
    requests: int
    weight: int
    limit: int

    @property
    def share(self) -> float:
        """Its part of what a minute allows."""
        return self.weight / self.limit


@dataclass(frozen=True, slots=True)
class Price:
    """What some reads cost.

    Attributes:
        counters: What they take of each counter.
        counted: Whether the number of sub-accounts is known; otherwise this is the least they cost.
    """

    counters: tuple[Counter, ...]
    counted: bool

    @property
    def requests(self) -> int:
        """Requests they make."""
        return sum(counter.requests for counter in self.counters)

    def __str__(self) -> str:
        if not self.counted:
            return f"{plural(self.requests, 'request')} or more"
        fullest = max(self.counters, key=lambda counter: counter.share)
        weight = f"{whole(fullest.weight)} of {whole(fullest.limit)} weight ({percent(fullest.share)})"
        return f"{plural(self.requests, 'request')} · {weight}"


def price(link: Link, accounts: int | None, reads: Iterable[Read] = READS) -> Price:
    """What these reads cost with so many sub-accounts."""
    counters: dict[str, Counter] = {}
    for read in reads:
        cost = link.price(read.door, rows=accounts if read.is_by_account and accounts else 1)
        # Both futures markets draw on one counter.
        before = counters.get(read.door)
        counters[read.door] = Counter(
            read.door,
            cost.pool,
            cost.requests + (before.requests if before else 0),
            cost.weight + (before.weight if before else 0),
            cost.limit,
        )
    return Price(tuple(counters.values()), counted=accounts is not None)


def price_card(link: Link, accounts: int | None) -> str:
    """What a fetch would cost, by counter."""
    cost = price(link, SUPPOSED if accounts is None else accounts)
    of = plural(SUPPOSED if accounts is None else accounts, "sub-account")
    known = f"for {of}, which is a guess: how many there are shows with the first request"
    rows = "".join(_price_row(counter) for counter in cost.counters)
    return (
        '<div class="btk-card btk-clipped"><h4>What a fetch costs'
        f"<small>{known if accounts is None else f'for {of}'}</small></h4>"
        '<table class="btk-table"><thead><tr><th class="btk-left">Read</th>'
        '<th class="btk-left btk-wide">Counted by</th><th>Requests</th><th>Weight</th>'
        f"<th>Of a minute's limit</th></tr></thead><tbody>{rows}"
        f'<tr class="btk-total"><td class="btk-left"><b>All</b></td><td class="btk-wide"></td>'
        f"<td><b>{whole(cost.requests)}</b></td><td></td><td></td></tr></tbody></table></div>"
    )


def _price_row(counter: Counter) -> str:
    width = min(counter.share, 1) * 100
    state = svg.state_of(counter.share)
    bar = f'<span class="btk-level"><i class="btk-{state}" style="width:{width:.1f}%"></i></span>'
    return (
        f'<tr><td class="btk-left">{safe(counter.door.partition(".")[2])}</td>'
        f'<td class="btk-left btk-wide btk-faint">{safe(_POOLS.get(counter.pool, counter.pool))}</td>'
        f"<td>{whole(counter.requests)}</td>"
        f"<td>{whole(counter.weight)} <small>of {whole(counter.limit)}</small></td>"
        f'<td>{bar}<span class="btk-num">{percent(counter.share)}</span></td></tr>'
    )


def static_price(link: Link, accounts: int | None) -> str:
    """The same as a plain table."""
    cost = price(link, SUPPOSED if accounts is None else accounts)
    of = plural(SUPPOSED if accounts is None else accounts, "sub-account")
    left_cell = ' style="text-align:left"'
    rows = "".join(
        f"<tr><td{left_cell}>{safe(counter.door)}</td><td>{whole(counter.requests)}</td>"
        f"<td>{whole(counter.weight)} of {whole(counter.limit)}</td><td>{percent(counter.share)}</td></tr>"
        for counter in cost.counters
    )
    heads = f"<th{left_cell}>Read</th><th>Requests</th><th>Weight</th><th>Of a minute's limit</th>"
    return (
        f"<p>Nothing has been fetched yet. For {of} a fetch costs {plural(cost.requests, 'request')}:</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


@dataclass(frozen=True, slots=True)
class Round:
    """A fetch under way, or one that has ended before its end.

    Attributes:
        left: The reads that are not done, in order; the first is under way.
        rows: Rows of that one that have arrived.
        accounts: How many sub-accounts there are, None where that is not known yet.
        requests: Requests of the reads that are done.
        of: Requests of all of them.
        is_fetching: Whether it is under way.
    """

    left: tuple[Read, ...]
    rows: int
    accounts: int | None
    requests: int
    of: Price
    is_fetching: bool

    def so_far(self, key: str) -> str:
        """How far a read has come that has nothing to show yet."""
        if not self.is_fetching:
            return "not fetched"
        if self.left and self.left[0].key == key:
            return self._rows_of()
        return "waiting"

    def _rows_of(self) -> str:
        if self.accounts is None:
            return plural(self.rows, "account")
        return f"{self.rows:,} of {plural(self.accounts, 'account')}"

    def said(self) -> str:
        """How far it is, in words."""
        if not self.left:
            return "Done"
        read = self.left[0]
        text = f"{read.title}: {self._rows_of()}" if read.is_by_account else read.title
        if not self.of.counted:
            return text
        return f"{text} · {min(self.requests, self.of.requests):,} of {plural(self.of.requests, 'request')}"


def bounds(frames: Mapping[str, pd.DataFrame]) -> str:
    """The commissions the partner may set."""
    partner = frames.get("partner")
    if partner is None or partner.empty:
        return "Exchange Link"
    row = partner.iloc[0]
    return " · ".join(
        f"{side} {rate(float(row[f'min_{side}_commission']))} to {rate(float(row[f'max_{side}_commission']))}"
        for side in ("maker", "taker")
    )


def _tile(label: str, value: str, unit: str, under: str) -> str:
    return (
        f"<div><span>{safe(label)}</span><b>{safe(value)} <small>{safe(unit)}</small></b>"
        f"<span>{under}</span></div>"
    )


def _profit(frame: pd.DataFrame | None, column: str) -> str:
    value = holdings.column_total(frame, column)
    if value is None or not value:
        return ""
    way, mark = ("btk-up", "▲") if value > 0 else ("btk-down", "▼")
    return f'<span class="{way}">{mark} {short(abs(float(value)))} unrealised</span>'


def _spread(total: holdings.Total) -> str:
    if total.amount is None:
        return "not known"
    return f"in {plural(total.holding, 'account')}" + (f", {total.off:,} off" if total.off else "")


def tiles(
    frames: Mapping[str, pd.DataFrame],
    accounts: Sequence[Holding],
    at: Round,
    incomplete: Mapping[str, int] = _NOTHING,
) -> str:
    """The partner's totals; of what has not arrived, how far it is, and of what is cut, how much there is."""
    partner = frames.get("partner")
    if partner is not None:
        have, allowed = int(partner["sub_account_qty"].iloc[0]), int(partner["max_sub_account_qty"].iloc[0])
        cells = [_tile("Sub-accounts", f"{have:,}", "", f"of {allowed:,} allowed")]
    else:
        cells = [
            _tile("Sub-accounts", f"{len(accounts):,}" if accounts else MISSING, "", at.so_far("partner"))
        ]
    totals = {wallet: holdings.total(accounts, wallet) for wallet in COLUMNS}
    debts = holdings.column_total(frames.get("margin"), "total_liability_of_btc")
    owed = f"{short(debts)} owed · {totals['margin'].off:,} off" if debts else _spread(totals["margin"])
    under: Mapping[Wallet, str] = {
        "spot": _spread(totals["spot"]),
        "margin": owed,
        "um": _profit(frames.get("um"), "total_unrealized_profit") or _spread(totals["um"]),
        "cm": _profit(frames.get("cm"), "total_unrealized_profit_of_usdt") or _spread(totals["cm"]),
    }
    cells += [
        _tile(
            _long_title(wallet),
            short(totals[wallet].amount),
            column.unit,
            only(incomplete[column.source], at.accounts)
            if column.source in incomplete
            else under[wallet]
            if column.source in frames
            else at.so_far(column.source),
        )
        for wallet, column in COLUMNS.items()
    ]
    return f'<div class="btk-card btk-tiles">{"".join(cells)}</div>'


def _long_title(wallet: Wallet) -> str:
    title = COLUMNS[wallet].title
    return f"Futures {title}" if wallet in ("um", "cm") else title


def only(rows: int, accounts: int | None) -> str:
    """What is said of a total that is of some accounts."""
    of = f"{rows:,}" if accounts is None else f"{rows:,} of {accounts:,}"
    return f'<span class="btk-cut">only {of} accounts</span>'


def table(
    shown: Sequence[Holding],
    fetched: Mapping[str, float],
    since: float,
    incomplete: Mapping[str, int] = _NOTHING,
) -> str:
    """Sub-accounts with what they hold, in the order given.

    Args:
        shown: The accounts.
        fetched: When each frame arrived.
        since: When the last refresh began; a column that is older says its time.
        incomplete: How many rows there are of a read that broke off.
    """
    if not shown:
        return (
            '<div class="btk-empty"><b>No sub-account matches</b>'
            "The filter looks at id, tag and e-mail address.</div>"
        )

    def head(wallet: Wallet) -> str:
        column = COLUMNS[wallet]
        at = fetched.get(column.source)
        age = ""
        if at is None:
            age = "<br><small>not fetched</small>"
        elif column.source in incomplete:
            age = f"<br><small>{incomplete[column.source]:,} only</small>"
        elif at < since:
            age = f"<br><small>as of {clock(at)}</small>"
        return f"<th>{column.title}, {column.unit}{age}</th>"

    both = [COLUMNS[wallet].source for wallet in ("spot", "margin")]
    is_whole = all(source in fetched and source not in incomplete for source in both)
    in_part = "" if is_whole else "<br><small>of what is here</small>"
    largest = max((float(value) for account in shown if (value := account.btc) is not None), default=0.0)
    rows = "".join(_row(account, largest) for account in shown[:MOST_ROWS])
    more = len(shown) - MOST_ROWS
    rest = (
        f'<div class="btk-empty" style="padding:12px">{more:,} more: narrow the filter to see them</div>'
        if more > 0
        else ""
    )
    return (
        '<div class="btk-scroll"><table class="btk-table"><thead><tr><th class="btk-left">Account</th>'
        f'<th class="btk-left btk-wide btk-mail">E-mail</th>{head("spot")}{head("margin")}'
        f'<th class="btk-wide">Spot + margin, BTC{in_part}</th>{head("um")}{head("cm")}</tr></thead>'
        f"<tbody>{rows}</tbody></table>{rest}</div>"
    )


def _cell(account: Holding, wallet: Wallet) -> str:
    if wallet in account.off:
        return '<span class="btk-off">off</span>'
    return amount(account.amounts[wallet], COLUMNS[wallet].places)


def _row(account: Holding, largest: float) -> str:
    name = (
        f"<b>{safe(account.tag)}</b><br><small>{safe(account.id)}</small>"
        if account.tag
        else (f"<b>{safe(account.id)}</b>")
    )
    both = account.btc
    width = max(0.0, float(both) / largest * 100) if both is not None and largest > 0 else 0.0
    cells = {wallet: f"<td>{_cell(account, wallet)}</td>" for wallet in COLUMNS}
    return (
        f'<tr><td class="btk-left btk-clip" title="{safe(account.tag or account.id)}">{name}</td>'
        f'<td class="btk-left btk-wide btk-mail btk-clip btk-faint">{safe(account.email)}</td>'
        f"{cells['spot']}{cells['margin']}"
        f'<td class="btk-wide"><span class="btk-level"><i style="width:{width:.1f}%"></i></span>'
        f'<b class="btk-num">{amount(both, 4)}</b></td>{cells["um"]}{cells["cm"]}</tr>'
    )


def counted(shown: int, of: int) -> str:
    """Headline of the table."""
    number = plural(of, "sub-account") if shown == of else f"{shown:,} of {plural(of, 'sub-account')}"
    return f"<h4>Balances<small>{number}</small></h4>"


def progress(at: Round, snapshot: Snapshot) -> str:
    """How far a fetch is, and what it waits for."""
    text = at.said()
    waits = [*snapshot.paused.values()]
    if snapshot.waiting_for:
        waits.append(snapshot.waiting_until)
    if waits and max(waits) > snapshot.now:
        text += f" · waiting for the exchange, {left(max(waits) - snapshot.now)}"
    most = at.of.requests if at.of.counted else 0
    bar = (
        f'<progress max="{most}" value="{min(at.requests, most)}"></progress>'
        if most
        else "<progress></progress>"
    )
    return note("idle", "Fetching", text, bar)


def stopped(at: Round) -> str:
    """What a fetch that was stopped leaves."""
    rest = ", ".join(read.title for read in at.left)
    return note("idle", "Stopped", f"What had arrived is kept. Not fetched, or not all of it: {rest}.")


def _static_spread(
    total: holdings.Total, source: str, frames: Mapping[str, pd.DataFrame], incomplete: Mapping[str, int]
) -> str:
    if source in incomplete:
        return f"only {plural(incomplete[source], 'account')}"
    return _spread(total) if source in frames else "not fetched"


def static_table(
    accounts: Iterable[Holding],
    frames: Mapping[str, pd.DataFrame],
    incomplete: Mapping[str, int] = _NOTHING,
) -> str:
    """Totals and the largest accounts as plain tables."""
    accounts = list(accounts)
    left_cell = ' style="text-align:left"'
    totals = "".join(
        f"<tr><td{left_cell}>{_long_title(wallet)}</td><td><b>{short(total.amount)}</b> {column.unit}</td>"
        f"<td{left_cell}>{_static_spread(total, column.source, frames, incomplete)}</td></tr>"
        for wallet, column in COLUMNS.items()
        for total in (holdings.total(accounts, wallet),)
    )
    rows = "".join(
        f"<tr><td{left_cell}>{safe(account.tag or account.id)}</td><td{left_cell}>{safe(account.email)}</td>"
        + "".join(
            f"<td>{'off' if wallet in account.off else amount(account.amounts[wallet], column.places)}</td>"
            for wallet, column in COLUMNS.items()
        )
        + "</tr>"
        for account in accounts[:STATIC_ROWS]
    )
    heads = "".join(f"<th>{column.title}, {column.unit}</th>" for column in COLUMNS.values())
    more = len(accounts) - STATIC_ROWS
    partner = frames.get("partner")
    allowed = "" if partner is None else f" of {int(partner['max_sub_account_qty'].iloc[0]):,} allowed"
    return (
        f"<p>{plural(len(accounts), 'sub-account')}{allowed}; {safe(bounds(frames))}</p>"
        f"<table><tbody>{totals}</tbody></table>"
        f"<table><thead><tr><th{left_cell}>Account</th><th{left_cell}>E-mail</th>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>" + (f"<p>and {more:,} more</p>" if more > 0 else "")
    )
