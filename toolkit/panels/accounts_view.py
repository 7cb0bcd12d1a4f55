"""What the accounts panel shows: pure, frames and holdings in and HTML out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.panels import holdings
from toolkit.panels.base import note
from toolkit.panels.holdings import COLUMNS, Holding, Wallet
from toolkit.panels.text import amount, clock, left, percent, plural, rate, short, whole
from toolkit.printable import safe

if TYPE_CHECKING:
    from toolkit.link import Link, Snapshot

# More rows than anybody scrolls through: narrowing the filter is quicker.
MOST_ROWS = 200
STATIC_ROWS = 10


@dataclass(frozen=True, slots=True)
class Read:
    """One of the reads a refresh makes: where it is kept, its door, and its market if it has one."""

    key: str
    door: str
    market: str = ""


READS = (
    Read("partner", "exchange.partner"),
    Read("accounts", "exchange.sub_accounts"),
    Read("spot", "exchange.spot_balances"),
    Read("margin", "exchange.margin_balances"),
    Read("um", "exchange.futures_balances", "um"),
    Read("cm", "exchange.futures_balances", "cm"),
)


@dataclass(frozen=True, slots=True)
class Price:
    """What a refresh costs.

    Attributes:
        requests: Requests it makes.
        weight: Weight charged to the counter that it fills most.
        limit: Limit of that counter.
        counted: Whether the number of sub-accounts is known; otherwise this is the least it costs.
    """

    requests: int
    weight: int
    limit: int
    counted: bool

    def __str__(self) -> str:
        if not self.counted:
            return f"{self.requests} requests or more"
        share = percent(self.weight / self.limit)
        requests = plural(self.requests, "request")
        return f"{requests} · {whole(self.weight)} of {whole(self.limit)} weight ({share})"


def price(link: Link, accounts: int | None) -> Price:
    """What a refresh of so many sub-accounts costs."""
    requests = 0
    counters: dict[str, tuple[int, int]] = {}
    for read in READS:
        cost = link.price(read.door, rows=1 if read.key == "partner" or not accounts else accounts)
        requests += cost.requests
        # Both futures markets draw on one counter.
        weight, _ = counters.get(read.door, (0, 0))
        counters[read.door] = (weight + cost.weight, cost.limit)
    weight, limit = max(counters.values(), key=lambda use: use[0] / use[1])
    return Price(requests, weight, limit, counted=accounts is not None)


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
    return f'<span class="{way}">{mark} {short(value if value > 0 else -value)} unrealised</span>'


def _spread(total: holdings.Total) -> str:
    if total.amount is None:
        return "not known"
    return f"in {plural(total.holding, 'account')}" + (f", {total.off:,} off" if total.off else "")


def tiles(frames: Mapping[str, pd.DataFrame], accounts: Sequence[Holding]) -> str:
    """The partner's totals."""
    partner = frames.get("partner")
    allowed = "" if partner is None else f"of {int(partner['max_sub_account_qty'].iloc[0]):,} allowed"
    have = len(accounts) if partner is None else int(partner["sub_account_qty"].iloc[0])
    totals = {wallet: holdings.total(accounts, wallet) for wallet in COLUMNS}
    debts = holdings.column_total(frames.get("margin"), "total_liability_of_btc")
    owed = f"{short(debts)} owed · {totals['margin'].off:,} off" if debts else _spread(totals["margin"])
    under: Mapping[Wallet, str] = {
        "spot": _spread(totals["spot"]),
        "margin": owed,
        "um": _profit(frames.get("um"), "total_unrealized_profit") or _spread(totals["um"]),
        "cm": _profit(frames.get("cm"), "total_unrealized_profit_of_usdt") or _spread(totals["cm"]),
    }
    cells = [_tile("Sub-accounts", f"{have:,}", "", safe(allowed))]
    cells += [
        _tile(_long_title(wallet), short(totals[wallet].amount), column.unit, under[wallet])
        for wallet, column in COLUMNS.items()
    ]
    return f'<div class="btk-card btk-tiles">{"".join(cells)}</div>'


def _long_title(wallet: Wallet) -> str:
    title = COLUMNS[wallet].title
    return f"Futures {title}" if wallet in ("um", "cm") else title


def table(shown: Sequence[Holding], fetched: Mapping[str, float], since: float) -> str:
    """Sub-accounts with what they hold, in the order given.

    Args:
        shown: The accounts.
        fetched: When each frame arrived.
        since: When the last refresh began; a column that is older says its time.
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
        elif at < since:
            age = f"<br><small>as of {clock(at)}</small>"
        return f"<th>{column.title}, {column.unit}{age}</th>"

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
        f'<th class="btk-wide">Spot + margin, BTC</th>{head("um")}{head("cm")}</tr></thead>'
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


def progress(done: int, of: int, snapshot: Snapshot) -> str:
    """How far a refresh is, and what it waits for."""
    text = f"{min(done, of):,} of {plural(of, 'request')}"
    waits = [*snapshot.paused.values()]
    if snapshot.waiting_for:
        waits.append(snapshot.waiting_until)
    if waits and max(waits) > snapshot.now:
        text += f" · waiting for the exchange, {left(max(waits) - snapshot.now)}"
    bar = f'<progress max="{of}" value="{min(done, of)}"></progress>'
    return note("idle", "Fetching", text, bar)


def static_table(accounts: Iterable[Holding], frames: Mapping[str, pd.DataFrame]) -> str:
    """Totals and the largest accounts as plain tables."""
    accounts = list(accounts)
    left_cell = ' style="text-align:left"'
    totals = "".join(
        f"<tr><td{left_cell}>{_long_title(wallet)}</td><td><b>{short(total.amount)}</b> {column.unit}</td>"
        f"<td{left_cell}>{_spread(total)}</td></tr>"
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
