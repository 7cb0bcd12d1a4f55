"""LibreOffice opens workbooks, and its cells say what the frames say."""

from __future__ import annotations

import csv
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import toolkit
from tests.unit.exports.test_excel import HOSTILE

pytestmark = pytest.mark.interop

# Comma, quotes, UTF-8, from row 1, values as stored and not as shown, every sheet to a file of its own.
FILTER = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"


def sheets_of(path: Path, folder: Path) -> dict[str, list[list[str]]]:
    """The cells of each sheet, as LibreOffice writes them to CSV."""
    office = shutil.which("soffice")
    assert office, "LibreOffice is missing: see the message of make"
    profile = (folder / "profile").as_uri()
    subprocess.run(
        [
            office, f"-env:UserInstallation={profile}", "--headless",
            "--convert-to", FILTER, "--outdir", folder, path,
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    found = {}
    for each in folder.glob("*.csv"):
        with each.open(encoding="utf-8", newline="") as file:
            found[each.stem.removeprefix(f"{path.stem}-")] = list(csv.reader(file))
    return found


def test_every_cell_of_rebates(tmp_path: Path) -> None:
    with toolkit.demo(seed=9) as link:
        frame = link.spot.rebates(start="-7D", numbers="exact")
    path = toolkit.export(frame, tmp_path / "rebates.xlsx")
    sheets = sheets_of(path, tmp_path)
    assert any("SANDBOX" in cell for row in sheets["About"] for cell in row)
    head, *rows = sheets["spot.rebates"]
    at = {name: head.index(name) for name in ("Customer ID", "Income", "Asset", "Order ID", "Trade ID")}
    rows = rows[: len(frame)]
    assert len(rows) == len(frame) > 100
    assert [row[at["Order ID"]] for row in rows] == frame["order_id"].tolist()
    assert [row[at["Trade ID"]] for row in rows] == frame["trade_id"].tolist()
    assert [row[at["Asset"]] for row in rows] == frame["asset"].tolist()
    assert [row[at["Customer ID"]] for row in rows] == frame["customer_id"].fillna("").tolist()
    assert [Decimal(row[at["Income"]]) for row in rows] == frame["income"].tolist()
    times = pd.to_datetime([row[head.index("Time (UTC)")] for row in rows], utc=True)
    assert ((times - frame["time"]).abs() < pd.Timedelta("1s")).all()


def test_text_and_totals(tmp_path: Path) -> None:
    # Line ends and characters that XML cannot have are written to CSV in ways of LibreOffice's own.
    plain = [text for text in HOSTILE if text.isprintable() and text.isascii()]
    frame = pd.DataFrame({"note": pd.array(plain, dtype="string"), "value": 0.1})
    frame.attrs = {"currency": "USDT"}
    sheets = sheets_of(toolkit.export(frame, tmp_path / "rows.xlsx"), tmp_path)
    head, *rows = sheets["rows"]
    assert head == ["Note", "Value (USDT)"]
    assert [row[0] for row in rows[: len(plain)]] == plain
    assert rows[-1][0] == "Total"
    assert float(rows[-1][1]) == pytest.approx(0.1 * len(plain), rel=1e-12)
