"""What the accounts panel shows. Pure functions: frames and holdings in, HTML out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.display import svg
from toolkit.display.formatting import MISSING, amount, clock, commission, left, percent, plural, short, whole
from toolkit.display.html import render
from toolkit.panels.accounts_panel import holdings
from toolkit.panels.accounts_panel.holdings import COLUMNS, Holding, Wallet
from toolkit.panels.accounts_panel.model import CounterCost, FetchState, refresh_cost
from toolkit.panels.base import banner
from toolkit.panels.weight_panel import segments

if TYPE_CHECKING:
    from markupsafe import Markup

    from toolkit.client import Link
    from toolkit.ratelimit.snapshot import Snapshot

# Beyond this many rows, narrowing the filter is quicker than scrolling.
MAX_ROWS = 200
STATIC_ROWS = 10
# Number of sub-accounts to estimate the cost for while the real number is unknown.
ASSUMED_ACCOUNTS = 100

_NONE_INCOMPLETE: Mapping[str, int] = MappingProxyType({})
_RATE_LIMIT_TITLES = {"sapi-ip": "SAPI by IP address", "sapi-uid": "SAPI by account (UID)"}


def cost_card(link: Link, accounts: int | None) -> Markup:
    """What a fetch costs, by counter."""
    assumed = ASSUMED_ACCOUNTS if accounts is None else accounts
    cost = refresh_cost(link, assumed)
    remark = f"for {plural(assumed, 'sub-account')}"
    if accounts is None:
        remark += ", a guess: the first request returns their number"
    return render(
        "estimate.html.jinja",
        remark=remark,
        rows=[_cost_row(counter) for counter in cost.counters],
        requests=whole(cost.requests),
    )


def static_cost(link: Link, accounts: int | None) -> Markup:
    """What a fetch costs, as a plain table."""
    assumed = ASSUMED_ACCOUNTS if accounts is None else accounts
    cost = refresh_cost(link, assumed)
    return render(
        "static_estimate.html.jinja",
        accounts=plural(assumed, "sub-account"),
        requests=plural(cost.requests, "request"),
        rows=[_cost_row(counter) for counter in cost.counters],
    )


def _cost_row(counter: CounterCost) -> dict[str, str]:
    return {
        "endpoint": counter.endpoint,
        "name": counter.endpoint.rpartition(".")[2],
        "rate_limit": _RATE_LIMIT_TITLES.get(counter.rate_limit, counter.rate_limit),
        "requests": whole(counter.requests),
        "weight": whole(counter.weight),
        "limit": whole(counter.limit),
        "level": segments.level_bar(svg.Level(counter.used_fraction), svg.state_of(counter.used_fraction)),
        "percent": percent(counter.used_fraction),
    }


def commission_range(frames: Mapping[str, pd.DataFrame]) -> str:
    """The range of commissions that the partner may set."""
    partner = frames.get("partner")
    if partner is None or partner.empty:
        return "Exchange Link"
    row = partner.iloc[0]

    def limit(bound: str, side: str) -> str:
        return commission(float(row[f"{bound}_{side}_commission"]))

    return " · ".join(f"{side} {limit('min', side)} to {limit('max', side)}" for side in ("maker", "taker"))


def _tile(label: str, figure: str, unit: str, footer: tuple[str, str]) -> dict[str, str]:
    """A figure with its label and unit, and a footer: its text and tone."""
    text, tone = footer
    return {"label": label, "figure": figure, "unit": unit, "footer": text, "tone": tone}


def _profit(frame: pd.DataFrame | None, column: str) -> tuple[str, str]:
    value = holdings.column_total(frame, column)
    if value is None or not value:
        return "", ""
    mark, tone = ("▲", "up") if value > 0 else ("▼", "down")
    return f"{mark} {short(abs(float(value)))} unrealised", tone


def _account_counts(total: holdings.Total) -> str:
    if total.amount is None:
        return "unknown"
    return f"in {plural(total.holding, 'account')}" + (f", {total.off:,} off" if total.off else "")


def tiles(
    frames: Mapping[str, pd.DataFrame],
    accounts: Sequence[Holding],
    state: FetchState,
    incomplete: Mapping[str, int] = _NONE_INCOMPLETE,
) -> Markup:
    """The partner's totals.

    Args:
        frames: What has been fetched.
        accounts: The accounts in it.
        state: Progress of the fetch, shown in place of a total that has not arrived.
        incomplete: For each read that broke off, how many rows it returned.
    """
    partner = frames.get("partner")
    if partner is not None:
        count, allowed = int(partner["sub_account_qty"].iloc[0]), int(partner["max_sub_account_qty"].iloc[0])
        shown = [_tile("Sub-accounts", f"{count:,}", "", (f"of {allowed:,} allowed", ""))]
    else:
        number = f"{len(accounts):,}" if accounts else MISSING
        shown = [_tile("Sub-accounts", number, "", (state.read_status("partner"), ""))]
    for wallet, column in COLUMNS.items():
        total = holdings.total(accounts, wallet)
        if column.source in incomplete:
            footer = _partial_count(incomplete[column.source], state.accounts), "partial"
        elif column.source in frames:
            footer = _total_footer(wallet, total, frames)
        else:
            footer = state.read_status(column.source), ""
        shown.append(_tile(_long_title(wallet), short(total.amount), column.unit, footer))
    return render("tiles.html.jinja", tiles=shown)


def _total_footer(
    wallet: Wallet, total: holdings.Total, frames: Mapping[str, pd.DataFrame]
) -> tuple[str, str]:
    """The text and tone under the total of a wallet."""
    footer = "", ""
    if wallet == "margin":
        debts = holdings.column_total(frames.get("margin"), "total_liability_of_btc")
        footer = f"{short(debts)} owed · {total.off:,} off" if debts else "", ""
    elif wallet == "um":
        footer = _profit(frames.get("um"), "total_unrealized_profit")
    elif wallet == "cm":
        footer = _profit(frames.get("cm"), "total_unrealized_profit_of_usdt")
    return footer if footer[0] else (_account_counts(total), "")


def _long_title(wallet: Wallet) -> str:
    title = COLUMNS[wallet].title
    return f"Futures {title}" if wallet in ("um", "cm") else title


def _partial_count(rows: int, accounts: int | None) -> str:
    """How many accounts a partial total covers."""
    number = f"{rows:,}" if accounts is None else f"{rows:,} of {accounts:,}"
    return f"only {number} accounts"


def table(
    shown: Sequence[Holding],
    fetched: Mapping[str, float],
    since: float,
    incomplete: Mapping[str, int] = _NONE_INCOMPLETE,
) -> Markup:
    """Sub-accounts and their balances, in the order given.

    Args:
        shown: The accounts.
        fetched: When each frame arrived.
        since: When the last refresh began. A column from before shows its time.
        incomplete: For each read that broke off, how many rows it returned.
    """

    def head(wallet: Wallet) -> dict[str, object]:
        column = COLUMNS[wallet]
        at = fetched.get(column.source)
        remark = ""
        if at is None:
            remark = "not fetched"
        elif column.source in incomplete:
            remark = f"only {incomplete[column.source]:,}"
        elif at < since:
            remark = f"as of {clock(at)}"
        return {"title": f"{column.title}, {column.unit}", "remark": remark, "is_sum": False}

    sources = [COLUMNS[wallet].source for wallet in ("spot", "margin")]
    is_complete = all(source in fetched and source not in incomplete for source in sources)
    remark = "" if is_complete else "incomplete"
    in_btc = {"title": "Spot + margin, BTC", "remark": remark, "is_sum": True}
    largest = max((float(value) for account in shown if (value := account.btc) is not None), default=0.0)
    more = len(shown) - MAX_ROWS
    return render(
        "accounts.html.jinja",
        columns=[head("spot"), head("margin"), in_btc, head("um"), head("cm")],
        rows=[_row(account, largest) for account in shown[:MAX_ROWS]],
        more=f"{more:,}" if more > 0 else "",
    )


def _cell(account: Holding, wallet: Wallet) -> str:
    return "off" if wallet in account.off else amount(account.amounts[wallet], COLUMNS[wallet].places)


def _row(account: Holding, largest: float) -> dict[str, object]:
    btc = account.btc
    width = max(0.0, float(btc) / largest * 100) if btc is not None and largest > 0 else 0.0
    name = account.name or account.tag
    return {
        "name": name or account.id,
        "id": account.id if name else "",
        "title": " · ".join(filter(None, (account.name, account.tag, account.id))),
        "email": account.email,
        "total": amount(btc, 4),
        "width": f"{width:.1f}",
        "in_btc": [_cell(account, "spot"), _cell(account, "margin")],
        "futures": [_cell(account, "um"), _cell(account, "cm")],
    }


def table_heading(shown: int, total: int) -> Markup:
    """The heading of the table: how many accounts it shows."""
    number = plural(total, "sub-account")
    return render(
        "balances_heading.html.jinja", number=number if shown == total else f"{shown:,} of {number}"
    )


def progress(state: FetchState, snapshot: Snapshot) -> Markup:
    """A banner with the progress of a fetch, and what it waits for."""
    text = str(state)
    waits = [*snapshot.paused.values()]
    if snapshot.waiting_for:
        waits.append(snapshot.waiting_until)
    if waits and max(waits) > snapshot.now:
        text += f" · continues in {left(max(waits) - snapshot.now)}"
    total = state.cost.requests if state.cost.is_exact else 0
    return banner("idle", "Fetching", text, progress=(min(state.requests, total), total))


def stopped(state: FetchState) -> Markup:
    """A banner for a fetch that the user stopped."""
    rest = ", ".join(read.title for read in state.remaining)
    return banner("idle", "Stopped", f"Data that had arrived is kept. Not fetched, or only in part: {rest}.")


def _static_footer(
    total: holdings.Total, source: str, frames: Mapping[str, pd.DataFrame], incomplete: Mapping[str, int]
) -> str:
    if source in incomplete:
        return f"only {plural(incomplete[source], 'account')}"
    return _account_counts(total) if source in frames else "not fetched"


def _static_name(account: Holding, uses: Mapping[str, int]) -> str:
    """What a picture calls an account; a name or tag has the id in brackets if another has it, too."""
    name = account.name or account.tag or account.id
    return f"{name} ({account.id})" if name != account.id and uses[name] > 1 else name


def static_table(
    accounts: Iterable[Holding],
    frames: Mapping[str, pd.DataFrame],
    incomplete: Mapping[str, int] = _NONE_INCOMPLETE,
) -> Markup:
    """Totals and the largest accounts, as plain tables."""
    accounts = list(accounts)
    partner = frames.get("partner")
    more = len(accounts) - STATIC_ROWS
    totals = [
        {
            "label": _long_title(wallet),
            "figure": short(total.amount),
            "unit": column.unit,
            "footer": _static_footer(total, column.source, frames, incomplete),
        }
        for wallet, column in COLUMNS.items()
        for total in (holdings.total(accounts, wallet),)
    ]
    uses = Counter(account.name or account.tag or account.id for account in accounts)
    rows = [
        {
            "name": _static_name(account, uses),
            "email": account.email,
            "amounts": [_cell(account, wallet) for wallet in COLUMNS],
        }
        for account in accounts[:STATIC_ROWS]
    ]
    return render(
        "static_accounts.html.jinja",
        number=plural(len(accounts), "sub-account"),
        allowed="" if partner is None else f" of {int(partner['max_sub_account_qty'].iloc[0]):,} allowed",
        commissions=commission_range(frames),
        totals=totals,
        titles=[f"{column.title}, {column.unit}" for column in COLUMNS.values()],
        rows=rows,
        more=f"{more:,}" if more > 0 else "",
    )
