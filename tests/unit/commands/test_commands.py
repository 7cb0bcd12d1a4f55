"""The commands for cron, as they are typed: exit status, one line, one JSON object, the file and its lock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import toolkit
from tests.support.paths import ROOT
from toolkit.__main__ import main
from toolkit.analytics import earnings, period, summarize
from toolkit.sandbox import Sandbox
from toolkit.storage.files import locked

SPAN = "2025-12-05..2025-12-06"

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7) as running:
        yield running


def variable(sandbox: Sandbox, key: str = "", secret: str = "") -> str:
    """The variable that names a running sandbox and one of its keys."""
    said = {"address": sandbox.address, "key": key or sandbox.key, "secret": secret or sandbox.secret}
    return json.dumps(said)


@pytest.fixture
def command(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command on the sandbox, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLKIT_SANDBOX", variable(sandbox))
    # click before 8.2 separates stderr only if `mix_stderr` is False; later versions always do.
    options: Any = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}

    def run(*arguments: str) -> Result:
        return CliRunner(**options).invoke(main, [*arguments, "--demo"], catch_exceptions=False)

    return run


def files() -> set[str]:
    return {path.name for path in Path().iterdir()}


# -- export --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", ["exact", "float"])
def test_rows_of_a_period_in_a_file(command: Command, numbers: Any) -> None:
    done = command(
        "export", "spot.rebates", "--period", SPAN, "--out", "r-{period}.parquet", "--numbers", numbers
    )
    with toolkit.demo() as link:
        rows = link.spot.rebates(start="2025-12-05", end="2025-12-06", numbers=numbers)
    assert len(rows)
    assert (done.exit_code, done.stderr) == (0, "")
    name = f"r-{SPAN}.parquet"
    assert done.stdout == f"spot.rebates {SPAN} (SANDBOX): {len(rows):,} rows in {name}, complete\n"
    assert files() == {name, f"{name}.provenance.json", f"{name}.lock"}
    pd.testing.assert_frame_equal(toolkit.read(name), rows)


def test_days_begin_in_the_zone_that_is_named(command: Command) -> None:
    done = command(
        *("export", "spot.rebates", "--period", "2025-12", "--zone", "Asia/Tokyo"),
        *("--out", "{period}.csv", "--json"),
    )
    told = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (told["status"], told["exit_status"], told["complete"]) == ("complete", 0, True)
    assert (told["period"]["label"], told["period"]["zone"]) == ("2025-12", "Asia/Tokyo")
    assert told["period"]["start"] == told["parameters"]["start"] == "2025-11-30T15:00:00.000+00:00"
    assert told["parameters"]["end"] == "2025-12-31T14:59:59.999+00:00"
    assert Path(told["file"]) == Path("2025-12.csv").resolve()
    assert told["rows"] == len(toolkit.read("2025-12.csv"))


def test_an_old_file_is_replaced(command: Command) -> None:
    Path("r.jsonl").write_text("old")
    assert command("export", "exchange.partner", "--out", "r.jsonl").exit_code == 0
    assert len(toolkit.read("r.jsonl")) == 1


def test_further_arguments_have_the_types_of_the_read(command: Command, sandbox: Sandbox) -> None:
    done = command(
        *("export", "exchange.futures_rebates", "--period", SPAN, "--out", "r.csv", "--json"),
        *("-a", "market=cm", "--argument", "filter_result=true"),
    )
    assert done.exit_code == 0
    parameters = json.loads(done.stdout)["parameters"]
    assert (parameters["market"], parameters["filter_result"]) == ("cm", True)
    sent = command("export", "market.spot.trades", "--out", "t.csv", "-a", "symbol=BTCUSDT", "-a", "limit=7")
    assert (sent.exit_code, len(toolkit.read("t.csv"))) == (0, 7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spot.rebate"], 'Did you mean "spot.rebates"'),
        (["exchange.transfer"], "There is no read"),
        (["spot.rebates"], "needs a --period"),
        (["spot.customers", "--period", "MTD"], "takes no --period"),
        (["spot.rebates", "--period", "last mnth"], 'Did you mean "last month"'),
        (["spot.rebates", "--period", "MTD", "--zone", "Mars"], "Mars"),
        (["futures.rebates", "--period", "2025-12", "--zone", "Asia/Tokyo"], "are UTC days"),
        (["exchange.futures_rebates", "--period", "MTD"], "needs --argument market=..."),
        (["spot.rebates", "--period", "MTD", "-a", "customer=1"], 'Did you mean "customer_id"'),
        (["spot.rebates", "--period", "MTD", "-a", "customer_id"], "NAME=VALUE"),
        (["market.spot.trades", "-a", "symbol=BTCUSDT", "-a", "limit=x"], "a whole number"),
        (["account.spot.balances", "-a", "omit_zero_balances=1"], "true or false"),
        (["spot.customers", "--profile", "reporting"], "one of the two"),
        (["spot.customers", "--out", "r.xls"], "must be one of"),
        (["spot.customers", "--out", "nowhere/r.csv"], "no folder"),
        (["spot.customers", "--out", "{period}.csv"], "needs --period"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    command: Command, sandbox: Sandbox, arguments: list[str], message: str
) -> None:
    before = len(sandbox.exchange.log)
    done = command("export", "--out", "r.csv", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(sandbox.exchange.log) == before
    assert not list(Path().glob("*.provenance.json"))


def test_a_failed_read_leaves_the_old_file(
    command: Command, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("export", "exchange.partner", "--out", "r.csv").exit_code == 0
    before = Path("r.csv").read_bytes()
    secret = "s3cret" * 10
    monkeypatch.setenv("TOOLKIT_SANDBOX", variable(sandbox, secret=secret))
    done = command("export", "exchange.partner", "--out", "r.csv", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["status"], told["exit_status"]) == (1, "failed", 1)
    assert done.stderr == f"Error: {told['error']}\n"
    assert secret not in done.output
    assert sandbox.key not in done.output
    assert Path("r.csv").read_bytes() == before


# -- earnings ------------------------------------------------------------------------------------------------


def test_earnings_in_one_currency(command: Command) -> None:
    done = command("earnings", "--period", SPAN, "--currency", "EUR", "--out", "e.parquet", "--json")
    with toolkit.demo() as link:
        expected = earnings(link, period(SPAN), "EUR")
    told = json.loads(done.stdout)
    assert (done.exit_code, done.stderr, told["rows"]) == (0, "", len(expected))
    assert told["value"] == str(summarize(expected, None)["value"].iloc[0])
    assert (told["currency"], told["unvalued"]) == ("EUR", expected.attrs["unvalued"])
    pd.testing.assert_frame_equal(toolkit.read("e.parquet"), expected)


def test_sums_in_the_line_and_on_a_sheet(command: Command) -> None:
    done = command("earnings", "--period", SPAN, "--by", "system", "--by", "month", "--out", "e.xlsx")
    assert (done.exit_code, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    sums = toolkit.read("e.xlsx", sheet="sums")
    rows = toolkit.read("e.xlsx", sheet="earnings")
    assert list(sums["system"]) == ["exchange", "futures", "spot"]
    assert sums["value"].sum() == rows["value"].sum()
    start, _, by = done.stdout.partition("; by system, month: ")
    assert start.startswith(
        f"earnings {SPAN} (SANDBOX): {rows['value'].sum():,.8f} USDT from {len(rows):,} rows"
    )
    assert by.startswith(f"exchange/2025-12 {sums['value'].iloc[0]:,.8f}, futures/2025-12 ")
    assert by.endswith("; in e.xlsx, complete\n")


def test_a_period_without_income(command: Command) -> None:
    done = command("earnings", "--period", "2012-01", "--by", "asset")
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert "earnings 2012-01 (SANDBOX): 0.00 USDT from 0 rows" in done.stdout


def test_income_that_could_not_be_fetched_has_a_status_of_its_own(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(seed=7) as sandbox:
        sandbox.exchange.faults.add(
            "error", times=None, path="/sapi/v1/broker/rebate", status=401, code=-2015, message="No."
        )
        monkeypatch.setenv("TOOLKIT_SANDBOX", variable(sandbox))
        done = command("earnings", "--period", SPAN, "--json", "--out", "e.csv")
        rest = command("earnings", "--period", SPAN, "--system", "spot", "--system", "futures")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["status"], told["complete"]) == (3, "incomplete", False)
    assert done.stderr == f"Missing: {json.dumps(told['missing'])}\n"
    assert "exchange.rebates" in done.stderr
    assert not toolkit.read("e.csv").attrs["complete"]
    assert (rest.exit_code, rest.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--by", "aset"], "`by` is 'aset'"),
        (["--currency", "usdt"], "usdt"),
        (["--profile", "a", "--profile", "a"], "given twice"),
    ],
)
def test_what_cannot_be_summed_up_is_refused(
    command: Command, sandbox: Sandbox, arguments: list[str], message: str
) -> None:
    before = len(sandbox.exchange.log)
    done = command("earnings", "--period", SPAN, *arguments)
    assert (done.exit_code, done.stdout, len(sandbox.exchange.log)) == (2, "", before)
    assert message in done.stderr


# -- the lock ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["export", "exchange.partner"], ["earnings", "--period", SPAN]])
def test_a_file_that_is_being_written_is_left_alone(
    command: Command, sandbox: Sandbox, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("r.csv").write_text("old")
    Path("link.csv").symlink_to("r.csv")
    before = len(sandbox.exchange.log)
    with locked(Path("r.csv")), monkeypatch.context() as patched:
        # Who waits for the lock sleeps, which fails here.
        patched.setattr("toolkit.storage.files.time", SimpleNamespace(monotonic=time.monotonic))
        done = command(*arguments, "--out", "link.csv")
    assert (done.exit_code, done.stdout, len(sandbox.exchange.log)) == (4, "", before)
    assert "Another command is writing r.csv" in done.stderr
    assert Path("r.csv").read_text() == "old"
    assert command(*arguments, "--out", "r.csv").exit_code == 0


def test_the_program_without_a_terminal(sandbox: Sandbox, tmp_path: Path) -> None:
    """As cron runs it: with no terminal, and with the smallest of environments."""
    home = {name: os.environ[name] for name in os.environ if name.startswith("XDG_")}
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "export", "exchange.partner", "--out", "p.csv", "--demo"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "TOOLKIT_SANDBOX": variable(sandbox), "LC_ALL": "C", **home},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "exchange.partner (SANDBOX): 1 row in p.csv, complete\n"
