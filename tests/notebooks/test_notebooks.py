"""Every notebook runs in a real kernel, from top to bottom, and shows what its text says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.support.paths import NOTEBOOKS

EACH = sorted(NOTEBOOKS.glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"

# The kernel is a program of its own, whose machinery may warn of what is not ours.
pytestmark = pytest.mark.filterwarnings("default")

Run = Callable[..., NotebookNode]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a notebook in a kernel without any settings of this user."""
    for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    # The kernel chooses its own backend for figures.
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent))
    # Viewers without widgets show the saved picture; widget state would hide it.
    return lambda notebook, **hooks: NotebookClient(
        notebook,
        timeout=60,
        kernel_name="python3",
        store_widget_state=False,
        resources={"metadata": {"path": str(tmp_path)}},
        **hooks,
    ).execute()


def outputs(notebook: NotebookNode, words: str) -> list[NotebookNode]:
    """Outputs of the first code cell that contains these words."""
    cell = next(each for each in notebook.cells if each.cell_type == "code" and words in each.source)
    shown: list[NotebookNode] = cell.outputs
    return shown


def bundles(notebook: NotebookNode, words: str) -> list[dict[str, Any]]:
    return [dict(output.data) for output in outputs(notebook, words) if "data" in output]


def said(notebook: NotebookNode, words: str) -> str:
    return "".join(output.text for output in outputs(notebook, words) if output.output_type == "stream")


def minutes(notebook: NotebookNode, *words: str) -> set[str]:
    """Minutes in which the cells with these words ran."""
    cells = [each for each in notebook.cells if any(word in each.source for word in words)]
    times = [cell.metadata["execution"] for cell in cells if cell.cell_type == "code"]
    return {time[at][:16] for time in times for at in ("iopub.execute_input", "shell.execute_reply")}


def check_all_went_well(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", output.text


@pytest.mark.parametrize("path", EACH, ids=lambda path: path.stem)
def test_notebooks_are_stored_clean(path: Path) -> None:
    stored = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(stored)
    assert (stored["nbformat"], stored["nbformat_minor"]) == (4, 5)
    assert stored["metadata"]["kernelspec"]["name"] == "python3"
    assert "widgets" not in stored["metadata"]
    ids = [cell["id"] for cell in stored["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in stored["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_every_notebook_is_tested() -> None:
    tested = ["01_tour", "02_rate_limits", "03_sub_accounts", "04_keys", "05_market", "06_accounts"]
    tested.append("07_earnings")
    assert [path.stem for path in EACH] == tested


# A chart and a panel as the last line of a cell; and the cell of the panel run again, after which the
# kernel has one thread for it and no widgets of the old one.
LAST_LINES = [
    "toolkit.charts.balances(link.exchange.spot_balances())",
    "panel = toolkit.panels.weight(link)\npanel",
    "panel = toolkit.panels.weight(link)\npanel.widget",
    "import threading\n[t.name for t in threading.enumerate() if t.name == 'weight panel']",
    "panel.close()\nlink.close()\n[t.name for t in threading.enumerate() if t.name == 'weight panel']",
]


FETCHED_BETWEEN_CELLS = """
import threading, time
from pathlib import Path

def fetch():
    while not Path("ended").exists():
        time.sleep(0.01)
    between.refresh()
    between._idle.wait(60)
    Path("fetched").touch()

between = toolkit.panels.accounts(toolkit.demo())
threading.Thread(target=fetch, daemon=True).start()
between
"""


def test_tour(run: Run, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS / "01_tour.ipynb", as_version=4)
    assert sum(cell.cell_type == "code" for cell in notebook.cells) == 10

    def fetch_now(cell: NotebookNode, **_: object) -> None:
        """nbclient does not see what is shown while no cell runs, so wait for it here."""
        if cell.source == FETCHED_BETWEEN_CELLS:
            (tmp_path / "ended").touch()
            while not (tmp_path / "fetched").exists():
                threading.Event().wait(0.01)

    added = ["assert accounts.wait(60)", FETCHED_BETWEEN_CELLS, "assert between.wait(60)", *LAST_LINES]
    notebook.cells.extend(map(nbformat.v4.new_code_cell, added))
    notebook = run(notebook, on_cell_executed=fetch_now)
    check_all_went_well(notebook)

    chart, panel, widget, before, after = (
        [dict(output.data) for output in cell.outputs if "data" in output]
        for cell in notebook.cells[-len(LAST_LINES) :]
    )
    assert any("image/png" in bundle for bundle in chart)
    assert {WIDGET, "text/html", "text/plain"} <= set(panel[0])
    assert WIDGET in widget[0]
    assert before[0]["text/plain"] == "['weight panel']"
    assert after[0]["text/plain"] == "[]"

    (endpoints,) = bundles(notebook, "toolkit.list_endpoints()")
    assert "exchange.partner" in endpoints["text/html"]

    assert "image/png" in bundles(notebook, "charts.rebates")[-1]

    (weight,) = bundles(notebook, "panels.weight")
    assert WIDGET in weight
    assert "sub_accounts" in weight["text/html"]
    assert "SANDBOX" in weight["text/html"]

    for cell in ("panels.accounts(link", "panels.accounts(toolkit"):
        (accounts,) = bundles(notebook, cell)
        assert WIDGET in accounts
        assert "240 sub-accounts of 1,000 allowed" in accounts["text/html"]

    (attrs,) = bundles(notebook, "rebates.attrs")
    assert "'endpoint': 'spot.rebates'" in attrs["text/plain"]
    assert "Nothing was executed" in said(notebook, "api_keys")
    (written,) = bundles(notebook, "to_parquet")
    assert "rebates.parquet" in written["text/plain"]


def test_rate_limits(run: Run) -> None:
    shared = ("nightly_report.py", "link.usage()")
    notebook = run(nbformat.read(NOTEBOOKS / "02_rate_limits.ipynb", as_version=4))
    while len(minutes(notebook, *shared)) > 1:  # usage of the previous minute does not show
        notebook = run(nbformat.read(NOTEBOOKS / "02_rate_limits.ipynb", as_version=4))
    check_all_went_well(notebook)

    (estimate,) = bundles(notebook, "link.estimate_weight")
    assert "weight=39000" in estimate["text/plain"]
    assert "limit=45000" in estimate["text/plain"]
    assert "image/png" in bundles(notebook, "charts.balances")[-1]

    weights = re.findall(r"rows, .*?(\d+) weight", said(notebook, shared[0]))
    (usage,) = bundles(notebook, shared[1])
    assert len(weights) == 2
    lines = [line.split() for line in usage["text/plain"].splitlines() if "spot.rebates" in line]
    assert [line[3:5] for line in lines] == [["kernel", "True"], ["nightly_report.py", "False"]]
    # A request that was sent ahead and not needed may be aborted: it counts in the usage alone.
    used = [int(line[5]) for line in lines]
    assert all(0 <= more - int(weight) <= 10 for more, weight in zip(used, weights, strict=True))
    total = sum(used)
    assert {line[6] for line in lines} == {str(total)}

    *_, waited = bundles(notebook, '"rate-limit"')
    assert "[429, 200]" in waited["text/plain"]
    assert "The ban ends at" in said(notebook, '"ban"')
    assert "requests sent: 0" in said(notebook, "link.futures.volumes()")

    bar, waited = bundles(notebook, "fast.exchange.spot_balances()")
    assert WIDGET in bar
    assert "exchange.spot_balances" in bar["text/plain"]
    assert "240 accounts" in waited["text/plain"]
    assert "; 0 requests refused" in waited["text/plain"]


def test_sub_accounts(run: Run) -> None:
    notebook = nbformat.read(NOTEBOOKS / "03_sub_accounts.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("print(new_key.key, new_key.secret)"))
    notebook = run(notebook)
    check_all_went_well(notebook)

    def words(of: str) -> str:
        *_, bundle = bundles(notebook, of)
        if "btk-result" in bundle.get("text/html", ""):
            assert ">SANDBOX<" in bundle["text/html"]
        return " ".join(bundle["text/plain"].split())

    assert "#1 exchange.create_sub_account (SANDBOX): Confirmed: it was executed." in words("created =")
    assert "take_key()" in words("made =")
    assert words("new_key =") == "NewKey(hidden: read .key and .secret)"
    assert "203.0.113.7" in words("set_ip_restriction")
    assert "enable_futures = True" in words("enable_futures")
    assert "Preview: nothing was sent." in words("ops.preview")
    assert "#5 exchange.universal_transfer (SANDBOX): Confirmed" in words("again =")
    assert "maker_commission = 0.001" in words('maker="0.001"')
    assert "Rejected: nothing was executed." in words("too_much =")
    assert "Unknown: it may have been executed." in words("payout =")
    assert "Nothing was sent this time." in said(notebook, "PendingWriteError")
    assert "Confirmed: it was executed. Transfer tk" in words("payout.reconcile()")
    assert "the call may still be executed for 1" in words("wait=False")
    assert "exchange.set_commission" in words("ops.unresolved()[")
    assert "was sent again as #10, which was confirmed" in words("ops.outcome(")
    for how in ("answer", "read", "repetition"):
        assert how in words("ops.history()")
    assert "exchange.delete_sub_account (SANDBOX): Confirmed" in words("delete_sub_account")

    # Neither the key nor its secret is shown anywhere.
    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells[:-1]])
    for secret in said(notebook, "print(new_key.key").split():
        assert len(secret) > 30
        assert secret not in shown


def test_keys(run: Run) -> None:
    notebook = nbformat.read(NOTEBOOKS / "04_keys.ipynb", as_version=4)
    secrets = "print(pasted.key, *risky.key.split(), risky.secret, kept)"
    place = next(n for n, cell in enumerate(notebook.cells) if "add_profile" in cell.source)
    notebook.cells.insert(
        place, nbformat.v4.new_code_cell("kept = (folder / 'reporting.pem').read_text().split()[3]")
    )
    notebook.cells.append(nbformat.v4.new_code_cell(secrets))
    left = "print(os.environ.get('TOOLKIT_CONFIG'))"
    notebook.cells.insert(-1, nbformat.v4.new_code_cell(left))
    notebook = run(notebook)
    check_all_went_well(notebook)
    assert said(notebook, left).strip() == "None"
    assert "There is no profile of this name" in said(notebook, 'toolkit.Link("reporting")')
    assert "BEGIN PUBLIC KEY" in said(notebook, "make_key_pair")
    assert "0o600" in said(notebook, "make_key_pair")
    assert "***@***.example" in bundles(notebook, "sub_accounts()")[-1]["text/plain"]
    for words in ("other users of this machine may read", "is a placeholder", "needs either"):
        assert words in said(notebook, "for wrong in")
    (good,) = bundles(notebook, "link.doctor()")
    (risky,) = bundles(notebook, "risky =")
    for bundle in (good, risky):
        assert ">SANDBOX<" in bundle["text/html"]
    assert "withdraw" in risky["text/plain"]

    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells[:-1]])
    for secret in said(notebook, secrets).split():
        assert len(secret) > 30
        assert secret not in shown


def test_market(run: Run) -> None:
    notebook = run(nbformat.read(NOTEBOOKS / "05_market.ipynb", as_version=4))
    check_all_went_well(notebook)

    (symbols,) = bundles(notebook, "spot.symbols()")
    assert re.search(r"BTCUSDT +TRADING +BTC +USDT +0\.01 +0\.00001 +5$", symbols["text/plain"], re.MULTILINE)
    bar, year = bundles(notebook, "year = link")
    assert WIDGET in bar
    *closed, _ = re.findall(r"True|False", year["text/plain"])  # the last minute may end during the fetch
    assert closed == ["True", "True"]
    # A gap at the end of one response and the beginning of the next is requested again, from both.
    assert re.search(
        r"in (526 requests, weight 1,052|528 requests, weight 1,056)$",
        said(notebook, "year.attrs['requests']"),
        re.MULTILINE,
    )
    (gaps,) = bundles(notebook, 'year.attrs["gaps"]')
    assert "rows" in gaps["text/plain"]

    for words, text in (
        ("candles(year);", "BTCUSDT candles, 1 day each, put together from 525,"),
        ("candles(year.tail(120));", "BTCUSDT candles, 1 minute each; "),
        ("charts.funding(", "BTCUSDT funding, "),
        ("charts.depth(", "BTCUSDT order book, mid "),
    ):
        chart = bundles(notebook, words)[-1]
        assert chart["text/plain"].startswith(text)
        assert "image/png" in chart

    (summary,) = bundles(notebook, "summary")
    assert len(re.findall(r"^20..-", summary["text/plain"], re.MULTILINE)) >= 4
    worth = said(notebook, "merge_asof")
    assert re.search(r"BTC: [0-9,.]+ USDT when they were paid, [0-9,.]+ USDT now", worth)
    assert "NaN" not in bundles(notebook, "merge_asof")[-1]["text/plain"]


def test_accounts(run: Run) -> None:
    notebook = run(nbformat.read(NOTEBOOKS / "06_accounts.ipynb", as_version=4))
    check_all_went_well(notebook)

    (account,) = bundles(notebook, "link.account_id()")
    assert re.fullmatch(r"'sandbox-uid:[0-9]+'", account["text/plain"])
    assert re.search(r"^[0-9,]+\.[0-9]{2} USDT in 5 wallets", said(notebook, 'quote_asset="USDT"'))
    assert any("image/png" in bundle for bundle in bundles(notebook, "days.plot"))

    # What was said beforehand is what was used.
    (estimate,) = bundles(notebook, "link.estimate_weight")
    requests, weight = re.search(r"requests=(\d+), weight=(\d+)", estimate["text/plain"]).groups()  # type: ignore[union-attr]
    assert f"in {requests} requests, weight {int(weight):,}" in said(
        notebook, "link.account.spot.trades(every"
    )

    # Its own assertion says whether it adds up.
    (books,) = bundles(notebook, 'books.insert(0, "opening"')
    for word in ("opening", "trades", "commissions", "closing", "USDT"):
        assert word in books["text/plain"]
    assert "NaN" not in books["text/plain"]
    (income,) = bundles(notebook, "income.pivot_table")
    for word in ("COMMISSION", "FUNDING_FEE", "REALIZED_PNL"):
        assert word in income["text/plain"]
    (moved,) = bundles(notebook, "wallet.deposits(**half)")
    assert "withdrawals" in moved["text/plain"]
    (sums,) = bundles(notebook, "total_balance_of_btc")
    assert len(re.findall(r"^[0-9] ", sums["text/plain"], re.MULTILINE)) == 8
    assert "It is no Link partner's key." in said(notebook, "link.doctor()")


def test_earnings(run: Run, tmp_path: Path) -> None:
    notebook = run(nbformat.read(NOTEBOOKS / "07_earnings.ipynb", as_version=4))
    check_all_went_well(notebook)

    for words, text in (
        ("charts.income(earned);", "Income by asset, USDT per day, "),
        ("charts.comparison(earned", "Income against the period before, USDT: "),
        ("charts.commission(rebates", "Commission and rebate by symbol, USDT: "),
        ("charts.holdings(held);", "Balances by asset and wallet, USDT: "),
    ):
        pictures = [each for each in bundles(notebook, words) if "image/png" in each]
        assert [each["text/plain"].startswith(text) for each in pictures] == [True]
    (unvalued,) = bundles(notebook, 'earned.attrs["unvalued"]')
    assert "BNFCR" in unvalued["text/plain"]
    assert (tmp_path / "earnings.xlsx").stat().st_size > 10_000
