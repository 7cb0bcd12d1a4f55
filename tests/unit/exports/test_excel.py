"""Workbooks as Excel sees them: openpyxl reads every cell."""

from __future__ import annotations

import hashlib
import math
import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from openpyxl.utils.escape import unescape

import toolkit
from tests.unit.exports.frames import AWKWARD, frames
from toolkit.errors import UsageError
from toolkit.exports import excel, provenance
from toolkit.exports.excel.names import heading, sheet_name

HOSTILE = (
    *AWKWARD, "=HYPERLINK(\"http://evil.example\",\"x\")", "http://evil.example", "mailto:a@b.example",
    "internal:About!A1", "<r><t>x</t></r>", "<r></t></is></c><c r=\"A9\"><f>1+1</f></c></r>", "{=1+1}",
    "_x0000_", "_x005F_x0000_", "&amp;", "]]>", "\ufffe\uffff", " padded ", "\n", "TRUE", "#N/A", "1/2",
)  # fmt: skip
TIME = pd.Timestamp("2026-10-05T06:07:08.009Z")


def book(path: Path) -> Any:
    return openpyxl.load_workbook(path)


def export(frame: pd.DataFrame | dict[str, pd.DataFrame], folder: Path) -> Any:
    return book(toolkit.export(frame, folder / "rows.xlsx"))


def text(value: object) -> str:
    return unescape(value) if isinstance(value, str) else ""


def column(sheet: Any, letter: str) -> list[Any]:
    """The values under a heading."""
    return [cell.value for cell in sheet[letter][1:]]


def earnings(**attrs: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime([TIME, TIME, TIME]).as_unit("ms"),
            "asset": pd.array(["BTC", "USDT", "ETH"], dtype="string"),
            "amount": pd.array(["0.00000001", "1234567.5", "2.25"], dtype="exact"),
            "value": pd.array(["0.000912345678901234", "1234567.5", None], dtype="exact"),
            "trade_id": pd.array(["9007199254740993", None, "007"], dtype="string"),
        }
    )
    frame.attrs = {
        "analytics": "earnings",
        "source": "sandbox",
        "currency": "USDT",
        "complete": True,
        **attrs,
    }
    return frame


def about(workbook: Any) -> str:
    return "\n".join(str(cell.value) for row in workbook["About"] for cell in row if cell.value is not None)


# -- cells -------------------------------------------------------------------------------------------


def test_text_stays_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"note": pd.array(HOSTILE, dtype="string")})
    workbook = export({"=1+1": frame}, tmp_path)
    cells = workbook["=1+1"]["A"][1:]
    assert [unescape(cell.value or "") for cell in cells] == list(HOSTILE)
    assert {cell.data_type for cell in cells} == {"s"} | {cell.data_type for cell in cells if not cell.value}
    assert not any(cell.hyperlink for cell in cells)
    pd.testing.assert_frame_equal(toolkit.read(tmp_path / "rows.xlsx"), frame)


def test_attributes_and_names_are_text_too(tmp_path: Path) -> None:
    frame = earnings(notes=["=1+1", "http://evil.example"], accounts=["<r>=1</r>"], missing=["@x"])
    workbook = export({"a&B[1]:*?/'": frame}, tmp_path)
    cells = [cell for row in workbook["About"] for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    assert {"=1+1", "http://evil.example", "<r>=1</r>", "@x"} <= {cell.value for cell in cells}
    sheet = workbook.worksheets[1]
    assert sheet.title == "a&B 1"
    assert sheet.oddHeader.left.text.endswith("a&&B 1")


@settings(max_examples=30)
@given(frame=frames())
def test_every_cell(frame: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sheet = export(frame, Path(folder)).worksheets[1]
    at = 1
    for name, values in frame.items():
        title = text(sheet.cell(1, at).value)
        assert title.startswith(heading(str(name)))
        beside = text(sheet.cell(1, at + 1).value) if at < sheet.max_column else ""
        is_exact = beside.endswith((", all digits", ", to the last digit"))
        for row, value in enumerate(values, 2):
            shown, digits = sheet.cell(row, at), sheet.cell(row, at + 1).value if is_exact else None
            assert shown.data_type != "f"
            if not isinstance(value, list) and pd.isna(value):
                assert (shown.value, digits) == (None, None)
            elif isinstance(value, Decimal | int) and not isinstance(value, bool):
                assert float(shown.value) == float(value)
                assert Decimal(digits or repr(shown.value)) == value
            elif isinstance(value, float):
                assert shown.value == value
            elif isinstance(value, pd.Timestamp):
                assert shown.is_date
                local = (
                    value.tz_localize(None)
                    .to_pydatetime()
                    .replace(microsecond=value.microsecond // 1000 * 1000)
                )
                assert abs(shown.value - local).total_seconds() < 0.001
            elif isinstance(value, str):
                assert text(shown.value) == value
        at += 1 + is_exact
    assert at - 1 == sheet.max_column


def test_numbers_show_what_they_have_and_all_digits_beside(tmp_path: Path) -> None:
    sheet = export(earnings(), tmp_path)["earnings"]
    assert [cell.value for cell in sheet[1]] == [
        "Time (UTC)", "Asset", "Amount", "Value (USDT)", "Value, all digits", "Trade ID",
    ]  # fmt: skip
    assert column(sheet, "C")[:3] == [1e-8, 1234567.5, 2.25]
    assert [cell.number_format for cell in sheet["C"][1:4]] == ["#,##0.00000000", "#,##0.00", "#,##0.00"]
    assert column(sheet, "E")[:3] == ["0.000912345678901234", "1234567.5", None]
    assert column(sheet, "F")[:3] == ["9007199254740993", None, "007"]
    assert sheet["A2"].value == datetime(2026, 10, 5, 6, 7, 8, 9000)
    assert sheet["A2"].number_format == "yyyy-mm-dd hh:mm:ss.000"


def test_floats_keep_17_digits(tmp_path: Path) -> None:
    values = [0.1 + 0.2, 1e-300, 1.7976931348623157e308, -0.0, 5e-324]
    assert column(export(pd.DataFrame({"price": values}), tmp_path)["rows"], "A") == values


def test_days_and_seconds_are_shown_as_such(tmp_path: Path) -> None:
    days = pd.to_datetime(["2026-10-05", "2026-10-06"])
    frame = pd.DataFrame(
        {"day": days, "noon": days + pd.Timedelta("12h"), "berlin": days.tz_localize("Europe/Berlin")}
    )
    sheet = export(frame, tmp_path)["rows"]
    formats = [cell.number_format for cell in sheet[2]]
    assert formats == ["yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"]
    assert [cell.value for cell in sheet[1]] == ["Day", "Noon", "Berlin (Europe/Berlin)"]
    assert sheet["C2"].value == datetime(2026, 10, 5)


@pytest.mark.parametrize(
    "times",
    [
        ["1899-12-31", "2026-01-01"],
        ["2026-01-01T00:00:00.000001", "2026-01-01"],
        ["2300-01-01", None],
    ],
)
def test_times_that_excel_cannot_tell(tmp_path: Path, times: list[str | None]) -> None:
    # Older versions of pandas parse no text beyond the year 2262.
    moments = np.array([each or "NaT" for each in times], "datetime64[us]")
    frame = pd.DataFrame({"time": pd.Series(moments).dt.tz_localize("UTC")})
    pd.testing.assert_frame_equal(toolkit.read(toolkit.export(frame, tmp_path / "rows.xlsx")), frame)
    heads = [cell.value for cell in book(tmp_path / "rows.xlsx")["rows"][1]]
    assert heads == ["Time (UTC)", "Time, to the last digit"][: 1 + (times[0] != "2300-01-01")]


def test_an_hour_that_happens_twice_is_told_apart(tmp_path: Path) -> None:
    hours = pd.date_range("2026-10-24T22:00Z", periods=6, freq="h").tz_convert("Europe/Berlin").as_unit("ms")
    frame = pd.DataFrame({"hour": hours})
    pd.testing.assert_frame_equal(toolkit.read(toolkit.export(frame, tmp_path / "rows.xlsx")), frame)
    assert column(book(tmp_path / "rows.xlsx")["rows"], "B")[2:4] == [
        "2026-10-25T00:00:00.000Z",
        "2026-10-25T01:00:00.000Z",
    ]


def test_a_text_longer_than_a_cell_is_refused(tmp_path: Path) -> None:
    fits = pd.DataFrame({"note": ["x" * 32_767, "😀" * 16_383]})
    pd.testing.assert_frame_equal(toolkit.read(toolkit.export(fits, tmp_path / "rows.xlsx")), fits)
    for note in ("x" * 32_768, "😀" * 16_384):
        with pytest.raises(UsageError, match=r"`note` has a text of .* characters in row 1, .* 32,767"):
            toolkit.export(pd.DataFrame({"note": ["", note]}), tmp_path / "rows.xlsx")
    pd.testing.assert_frame_equal(toolkit.read(tmp_path / "rows.xlsx"), fits)


# -- sheets ------------------------------------------------------------------------------------------


def write(frame: pd.DataFrame, path: Path, rows_per_sheet: int) -> dict[str, Any]:
    described = {"version": "0", "sheets": {"rows": provenance(frame)}}
    excel.write({"rows": frame}, path, described, rows_per_sheet=rows_per_sheet)
    return described


@pytest.mark.parametrize(("rows", "sheets"), [(0, 1), (3, 1), (4, 2), (7, 3)])
def test_further_rows_are_on_further_sheets(tmp_path: Path, rows: int, sheets: int) -> None:
    frame = pd.DataFrame({"asset": "A", "amount": [float(row) for row in range(rows)]})
    frame["amount"] = frame["amount"].where(frame["amount"] != 1)
    described = write(frame, tmp_path / "rows.xlsx", 3)
    workbook = book(tmp_path / "rows.xlsx")
    names = ["rows", "rows (2)", "rows (3)"][:sheets]
    assert workbook.sheetnames == ["About", *names, "_provenance"]
    for name in names:
        assert workbook[name]["A1"].value == "Asset"
        assert workbook[name].freeze_panes == "A2"
    with (tmp_path / "rows.xlsx").open("rb") as file:
        table, _ = excel.read_sheet(file, "rows", described["sheets"]["rows"])
    assert table["amount"].to_pylist() == [None if math.isnan(each) else each for each in frame["amount"]]
    if rows == 7:
        total = workbook["rows (3)"]["B4"]
        assert total.value == "=SUM('rows'!B2:B4,'rows (2)'!B2:B4,B2)"
        assert openpyxl.load_workbook(tmp_path / "rows.xlsx", data_only=True)["rows (3)"]["B4"].value == 20


def test_wide_sheets_are_printed_on_pages_beside_each_other(tmp_path: Path) -> None:
    frame = pd.DataFrame({f"column_{number}": ["a text of thirty characters ..."] for number in range(12)})
    sheet = export(frame, tmp_path)["rows"]
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (3, 0)
    assert sheet.page_setup.pageOrder == "overThenDown"
    assert (sheet.print_title_rows, sheet.print_title_cols) == ("$1:$1", "$A:$A")


def test_percentages_are_shown_as_such(tmp_path: Path) -> None:
    frame = pd.DataFrame({"asset": ["BTC"], "change_percent": [12.5], "rate": [0.41]})
    plain = export(frame, tmp_path)["rows"]
    assert [plain[at].number_format for at in ("B2", "C2")] == ["#,##0.00", "#,##0.00"]
    frame.attrs = {"analytics": "comparison"}
    sheet = export(frame, tmp_path)["comparison"]
    assert [sheet[at].number_format for at in ("B2", "C2")] == ['#,##0.00"%"', "0.00%"]


def test_what_several_frames_say_is_told_once(tmp_path: Path) -> None:
    one, two, three = (earnings(notes=["of all", note]) for note in ("of two", "of two", "of one"))
    about = export({"a": one, "b": two, "c": three}, tmp_path)["About"]
    told = [cell.value for cell in about["B"]]
    assert [text for text in told if "of " in str(text) and str(text).endswith(("all", "two", "one"))] == [
        "of all",
        "a, b: of two",
        "c: of one",
    ]


def test_sheets_can_be_used_and_printed(tmp_path: Path) -> None:
    workbook = export({"all rows": earnings(), "by asset": earnings()}, tmp_path)
    assert workbook.sheetnames == ["About", "all rows", "by asset", "_provenance"]
    assert workbook["_provenance"].sheet_state == "veryHidden"
    assert workbook.active.title == "About"
    sheet = workbook["all rows"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:F4")
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.print_title_rows == "$1:$1"
    assert "Page &P of &N" in str(sheet.oddFooter.right.text)
    assert "SANDBOX" in str(sheet.oddHeader.right.text)
    assert 18 < sheet.column_dimensions["A"].width < 32
    heads = sheet["A1"]
    assert (heads.font.b, heads.font.color.rgb, heads.fill.fgColor.rgb) == (True, "FFFFFFFF", "FF0F766E")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("spot.rebates", "spot.rebates"), ("a[b]:c*d?e/f\\g", "a b  c d e f g"), ("'x'", "x"), ("", "Rows"),
        ("History", "History_"), ("x" * 40, "x" * 31), ("😀" * 20, "😀" * 15), ("ABOUT", "ABOUT (2)"),
        ("\x00", "Rows"),
    ],
)  # fmt: skip
def test_names_of_sheets_are_legal(wanted: str, expected: str) -> None:
    assert sheet_name(wanted, {"About"}) == expected


def test_names_of_sheets_are_unique() -> None:
    taken: set[str] = set()
    for wanted in ("Rows", "rows", "ROWS", "x" * 40, "x" * 50):
        taken.add(sheet_name(wanted, taken))
    assert taken == {"Rows", "rows (2)", "ROWS (3)", "x" * 31, "x" * 27 + " (2)"}


# -- totals ------------------------------------------------------------------------------------------


def totals(workbook: Any, name: str) -> dict[str, Any]:
    sheet = workbook[name]
    return {
        str(head.value): cell.value
        for head, cell in zip(sheet[1], sheet[sheet.max_row], strict=True)
        if cell.value is not None
    }


def test_values_are_added_up_and_amounts_of_several_assets_are_not(tmp_path: Path) -> None:
    found = totals(export(earnings(), tmp_path), "earnings")
    assert found == {
        "Time (UTC)": "Total",
        "Value (USDT)": "=SUM(D2:D4)",
        "Value, all digits": "1234567.500912345678901234",
    }
    cached = openpyxl.load_workbook(tmp_path / "rows.xlsx", data_only=True)["earnings"]
    assert cached["D6"].value == 1234567.500912345678901234


def test_amounts_of_one_asset_are_added_up(tmp_path: Path) -> None:
    frame = earnings().assign(asset=pd.array(["BTC"] * 3, dtype="string"))
    assert totals(export(frame, tmp_path), "earnings")["Amount"] == "=SUM(C2:C4)"
    unknown = frame.assign(asset=pd.array(["BTC", "BTC", None], dtype="string"))
    assert "Amount" not in totals(export(unknown, tmp_path), "earnings")


def test_values_without_a_currency_and_prices_are_not_added_up(tmp_path: Path) -> None:
    frame = pd.DataFrame({"asset": ["BTC"], "price": [1.0], "value": [2.0], "quantity": [3.0], "order": [4]})
    assert book(toolkit.export(frame, tmp_path / "rows.xlsx"))["rows"].max_row == 2


def test_rows_are_counted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"asset": ["BTC", "ETH"], "rows": [2, 3], "unvalued": [0, 1]})
    assert totals(export(frame, tmp_path), "rows") == {
        "Asset": "Total", "Rows": "=SUM(B2:B3)", "Unvalued": "=SUM(C2:C3)",
    }  # fmt: skip


# -- about -------------------------------------------------------------------------------------------


def test_the_first_sheet_says_where_it_comes_from(shared_link: toolkit.Link, tmp_path: Path) -> None:
    rebates = shared_link.spot.rebates(start="-2D", numbers="exact")
    path = toolkit.export(rebates, tmp_path / "rows.xlsx")
    said = about(book(path))
    assert "SANDBOX: made-up data" in said
    for part in (
        "spot.rebates", f"{len(rebates)}", "masked", "yes", toolkit.__version__,
        *(rebates.attrs["parameters"][end][:10] for end in ("start", "end")),
    ):  # fmt: skip
        assert str(part) in said, part
    csv = toolkit.export(rebates, tmp_path / "rows.csv")
    assert hashlib.sha256(csv.read_bytes()).hexdigest() in said


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    frame = earnings(
        source="live", complete=False, missing=["exchange.rebates: before 2026-09"], when="received",
        valuation={"currency": "USDT", "at": "1h", "rows": 3, "valued": 2, "at_par": ["USDC"], "given": 1},
        unvalued={"ETH": 1}, notes=["USD is USDT at par."],
        period={"name": "last month", "start": "2026-10-01T00:00:00.000+00:00", "end": "x",
                "zone": "Europe/Berlin"},
    )  # fmt: skip
    said = about(export(frame, tmp_path))
    for part in (
        "Earnings in USDT, last month", "LIVE: data of the exchange", "NO: rows are missing",
        "before 2026-09",
        "when it was received", "2 of 3 rows have a value. Totals leave the others out.", "At par",
        "ETH: 1 row\n",
        "USD is USDT at par.", "days of Europe/Berlin", "by hand, not by the market: 1 row.",
    ):  # fmt: skip
        assert part in said, part
    assert "SANDBOX" not in said


def test_a_workbook_partly_made_up_says_so(tmp_path: Path) -> None:
    workbook = export({"a": earnings(source="live"), "b": earnings(source="sandbox")}, tmp_path)
    assert "SANDBOX IN PART" in about(workbook)
    assert workbook["a"].oddHeader.right.text is None


# -- files -------------------------------------------------------------------------------------------


def test_one_of_several_frames_is_read(tmp_path: Path) -> None:
    by_asset = pd.DataFrame({"asset": ["BTC"], "rows": [3]})
    path = toolkit.export({"all rows": earnings(), "by asset": by_asset}, tmp_path / "rows.xlsx")
    pd.testing.assert_frame_equal(toolkit.read(path, sheet="by asset"), by_asset)
    found = toolkit.read(path, sheet="all rows")
    pd.testing.assert_frame_equal(found, earnings())
    assert found.attrs == earnings().attrs
    with pytest.raises(UsageError, match="`sheet` must be one of 'all rows', 'by asset'"):
        toolkit.read(path)
    with pytest.raises(UsageError, match=r"not 'by_asset'\. Did you mean \"by asset\""):
        toolkit.read(path, sheet="by_asset")


def test_more_rows_than_are_handled_at_once(tmp_path: Path) -> None:
    frame = pd.DataFrame({"number": range(40_000)})
    pd.testing.assert_frame_equal(toolkit.read(toolkit.export(frame, tmp_path / "rows.xlsx")), frame)
