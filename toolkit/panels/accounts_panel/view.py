"""What the accounts panel shows: pure, frames and holdings in and HTML out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.display import svg
from toolkit.display.formatting import MISSING, amount, clock, left, percent, plural, rate, short, whole
from toolkit.display.html import render
from toolkit.panels.accounts_panel import holdings
from toolkit.panels.accounts_panel.holdings import COLUMNS, Holding, Wallet
from toolkit.panels.accounts_panel.model import CounterCost, FetchState, estimate_weight
from toolkit.panels.base import note
from toolkit.panels.weight_panel import segments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.client import Link
    from toolkit.ratelimit.snapshot import Snapshot

# More rows than anybody scrolls through: narrowing the filter is quicker.
MOST_ROWS = 200
STATIC_ROWS = 10
# What is counted in a price while the number of sub-accounts is not known.
SUPPOSED = 100

_NOTHING: Mapping[str, int] = MappingProxyType({})
_RATE_LIMIT_TITLES = {"sapi-ip": "SAPI by IP address", "sapi-uid": "SAPI by account (UID)"}


def cost_card(link: Link, accounts: int | None) -> Markup:
    """What a fetch would cost, by counter."""
    cost = estimate_weight(link, SUPPOSED if accounts is None else accounts)
    of = plural(SUPPOSED if accounts is None else accounts, "sub-account")
    guess = f"for {of}, which is a guess: how many there are shows with the first request"
    return render(
        "estimate.html.jinja",
        remark=guess if accounts is None else f"for {of}",
        rows=[_cost_row(counter) for counter in cost.counters],
        requests=whole(cost.requests),
    )


def static_cost(link: Link, accounts: int | None) -> Markup:
    """The same as a plain table."""
    cost = estimate_weight(link, SUPPOSED if accounts is None else accounts)
    return render(
        "static_estimate.html.jinja",
        accounts=plural(SUPPOSED if accounts is None else accounts, "sub-account"),
        requests=plural(cost.requests, "request"),
        rows=[_cost_row(counter) for counter in cost.counters],
    )


def _cost_row(counter: CounterCost) -> dict[str, str]:
    return {
        "endpoint": counter.endpoint,
        "name": counter.endpoint.partition(".")[2],
        "counted_by": _RATE_LIMIT_TITLES.get(counter.rate_limit, counter.rate_limit),
        "requests": whole(counter.requests),
        "weight": whole(counter.weight),
        "limit": whole(counter.limit),
        "level": segments.level_bar(svg.Level(counter.used_fraction), svg.state_of(counter.used_fraction)),
        "share": percent(counter.used_fraction),
    }


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


def _tile(label: str, figure: str, unit: str, under: tuple[str, str]) -> dict[str, str]:
    """One figure, and what is under it: the text, and what its colour says."""
    text, tone = under
    return {"label": label, "figure": figure, "unit": unit, "under": text, "tone": tone}


def _profit(frame: pd.DataFrame | None, column: str) -> tuple[str, str]:
    value = holdings.column_total(frame, column)
    if value is None or not value:
        return "", ""
    mark, tone = ("▲", "up") if value > 0 else ("▼", "down")
    return f"{mark} {short(abs(float(value)))} unrealised", tone


def _spread(total: holdings.Total) -> str:
    if total.amount is None:
        return "not known"
    return f"in {plural(total.holding, 'account')}" + (f", {total.off:,} off" if total.off else "")


def tiles(
    frames: Mapping[str, pd.DataFrame],
    accounts: Sequence[Holding],
    at: FetchState,
    incomplete: Mapping[str, int] = _NOTHING,
) -> Markup:
    """The partner's totals; of what has not arrived, how far it is, and of what is cut, how much there is."""
    partner = frames.get("partner")
    if partner is not None:
        have, allowed = int(partner["sub_account_qty"].iloc[0]), int(partner["max_sub_account_qty"].iloc[0])
        shown = [_tile("Sub-accounts", f"{have:,}", "", (f"of {allowed:,} allowed", ""))]
    else:
        number = f"{len(accounts):,}" if accounts else MISSING
        shown = [_tile("Sub-accounts", number, "", (at.so_far("partner"), ""))]
    for wallet, column in COLUMNS.items():
        total = holdings.total(accounts, wallet)
        if column.source in incomplete:
            under = only(incomplete[column.source], at.accounts), "cut"
        elif column.source in frames:
            under = _under(wallet, total, frames)
        else:
            under = at.so_far(column.source), ""
        shown.append(_tile(_long_title(wallet), short(total.amount), column.unit, under))
    return render("tiles.html.jinja", tiles=shown)


def _under(wallet: Wallet, total: holdings.Total, frames: Mapping[str, pd.DataFrame]) -> tuple[str, str]:
    """What is said of a wallet's total, and what its colour says."""
    said = "", ""
    if wallet == "margin":
        debts = holdings.column_total(frames.get("margin"), "total_liability_of_btc")
        said = f"{short(debts)} owed · {total.off:,} off" if debts else "", ""
    elif wallet == "um":
        said = _profit(frames.get("um"), "total_unrealized_profit")
    elif wallet == "cm":
        said = _profit(frames.get("cm"), "total_unrealized_profit_of_usdt")
    return said if said[0] else (_spread(total), "")


def _long_title(wallet: Wallet) -> str:
    title = COLUMNS[wallet].title
    return f"Futures {title}" if wallet in ("um", "cm") else title


def only(rows: int, accounts: int | None) -> str:
    """What is said of a total that is of some accounts."""
    of = f"{rows:,}" if accounts is None else f"{rows:,} of {accounts:,}"
    return f"only {of} accounts"


def table(
    shown: Sequence[Holding],
    fetched: Mapping[str, float],
    since: float,
    incomplete: Mapping[str, int] = _NOTHING,
) -> Markup:
    """Sub-accounts with what they hold, in the order given.

    Args:
        shown: The accounts.
        fetched: When each frame arrived.
        since: When the last refresh began; a column that is older says its time.
        incomplete: How many rows there are of a read that broke off.
    """

    def head(wallet: Wallet) -> dict[str, object]:
        column = COLUMNS[wallet]
        at = fetched.get(column.source)
        remark = ""
        if at is None:
            remark = "not fetched"
        elif column.source in incomplete:
            remark = f"{incomplete[column.source]:,} only"
        elif at < since:
            remark = f"as of {clock(at)}"
        return {"title": f"{column.title}, {column.unit}", "remark": remark, "is_sum": False}

    both = [COLUMNS[wallet].source for wallet in ("spot", "margin")]
    is_complete = all(source in fetched and source not in incomplete for source in both)
    in_part = "" if is_complete else "of what is here"
    in_btc = {"title": "Spot + margin, BTC", "remark": in_part, "is_sum": True}
    largest = max((float(value) for account in shown if (value := account.btc) is not None), default=0.0)
    more = len(shown) - MOST_ROWS
    return render(
        "accounts.html.jinja",
        columns=[head("spot"), head("margin"), in_btc, head("um"), head("cm")],
        rows=[_row(account, largest) for account in shown[:MOST_ROWS]],
        more=f"{more:,}" if more > 0 else "",
    )


def _cell(account: Holding, wallet: Wallet) -> str:
    return "off" if wallet in account.off else amount(account.amounts[wallet], COLUMNS[wallet].places)


def _row(account: Holding, largest: float) -> dict[str, object]:
    both = account.btc
    width = max(0.0, float(both) / largest * 100) if both is not None and largest > 0 else 0.0
    return {
        "name": account.tag or account.id,
        "id": account.id if account.tag else "",
        "email": account.email,
        "both": amount(both, 4),
        "width": f"{width:.1f}",
        "in_btc": [_cell(account, "spot"), _cell(account, "margin")],
        "futures": [_cell(account, "um"), _cell(account, "cm")],
    }


def counted(shown: int, of: int) -> Markup:
    """Headline of the table."""
    number = plural(of, "sub-account") if shown == of else f"{shown:,} of {plural(of, 'sub-account')}"
    return render("balances_heading.html.jinja", number=number)


def progress(at: FetchState, snapshot: Snapshot) -> Markup:
    """How far a fetch is, and what it waits for."""
    text = at.said()
    waits = [*snapshot.paused.values()]
    if snapshot.waiting_for:
        waits.append(snapshot.waiting_until)
    if waits and max(waits) > snapshot.now:
        text += f" · waiting for the exchange, {left(max(waits) - snapshot.now)}"
    most = at.of.requests if at.of.counted else 0
    return note("idle", "Fetching", text, progress=(min(at.requests, most), most))


def stopped(at: FetchState) -> Markup:
    """What a fetch that was stopped leaves."""
    rest = ", ".join(read.title for read in at.left)
    return note("idle", "Cancelled", f"What had arrived is kept. Not fetched, or not all of it: {rest}.")


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
) -> Markup:
    """Totals and the largest accounts as plain tables."""
    accounts = list(accounts)
    partner = frames.get("partner")
    more = len(accounts) - STATIC_ROWS
    totals = [
        {
            "label": _long_title(wallet),
            "figure": short(total.amount),
            "unit": column.unit,
            "under": _static_spread(total, column.source, frames, incomplete),
        }
        for wallet, column in COLUMNS.items()
        for total in (holdings.total(accounts, wallet),)
    ]
    rows = [
        {
            "name": account.tag or account.id,
            "email": account.email,
            "amounts": [_cell(account, wallet) for wallet in COLUMNS],
        }
        for account in accounts[:STATIC_ROWS]
    ]
    return render(
        "static_accounts.html.jinja",
        number=plural(len(accounts), "sub-account"),
        allowed="" if partner is None else f" of {int(partner['max_sub_account_qty'].iloc[0]):,} allowed",
        commissions=bounds(frames),
        totals=totals,
        titles=[f"{column.title}, {column.unit}" for column in COLUMNS.values()],
        rows=rows,
        more=f"{more:,}" if more > 0 else "",
    )
