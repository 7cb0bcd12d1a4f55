"""Names from outside are drawn as text in every label: no mathematics, no boxes, no warnings."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Text

from toolkit import charts
from toolkit.charts import _text

DAYS = pd.date_range("2026-03-01", periods=12, freq="D", tz="UTC")
FOREIGN = [r"$\alpha$", r"$\frac{1}$", "_hidden", "币安人生USDT", "עברית", "\x1b[31m\u202eBTC", "x" * 300]


def frame(name: str) -> pd.DataFrame:
    return pd.DataFrame({"time": DAYS, "income": 1.5, "asset": name, "symbol": name, "customer_id": name})


def texts(ax: Axes) -> list[Text]:
    """Every non-empty text of a figure."""
    return [each for each in ax.figure.findobj(Text) if each.get_text()]


def drawn(ax: Axes) -> str:
    """All text on a figure. Drawing it raises no warning: warnings are errors in the tests."""
    ax.figure.canvas.draw()
    return "\n".join(each.get_text() for each in texts(ax))


def expected(name: str) -> str:
    """A name as a chart shows it: letters that no font here has are written out."""
    return _text.prepare(_text.short_name(name))[0]


@pytest.mark.parametrize("name", FOREIGN, ids=lambda name: ascii(name[:12]))
@pytest.mark.parametrize("by", ["asset", "symbol"])
def test_rebates_show_a_foreign_name_as_text(name: str, by: str | None) -> None:
    ax = charts.rebates(frame(name), by=by)
    assert expected(name) in drawn(ax)


@pytest.mark.parametrize("name", FOREIGN, ids=lambda name: ascii(name[:12]))
def test_every_other_label_shows_a_foreign_name_as_text(name: str) -> None:
    balances = pd.DataFrame({"sub_account_id": [name, "b"], name: [2.0, 1.0]})
    ax = charts.balances(balances, column=name)
    drawn(ax)
    assert expected(name) in ax.get_title(loc="left")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["b", expected(name)]
    several = pd.concat([frame("USDT"), frame(name).head(3)])
    assert f"Not drawn: {expected(name)}" in drawn(charts.rebates(several, top=1))
    assert expected(name) in drawn(charts.rebates(frame("USDT"), asset=name))
    stacked = frame("USDT").rename(columns={"symbol": name})
    assert expected(name) in drawn(charts.rebates(stacked, by=name))


def test_a_legend_made_by_the_user_shows_names_as_text() -> None:
    ax = charts.rebates(frame(r"$\frac{1}$").assign(asset="USDT"), by="symbol")
    ax.legend()
    ax.figure.canvas.draw()


def test_usetex_in_the_users_settings_is_not_applied_to_names() -> None:
    ax = charts.rebates(frame("a_b & $c$").assign(asset="100% USDT"), by="symbol")
    foreign = [each for each in texts(ax) if "a_b" in each.get_text() or "100%" in each.get_text()]
    assert len(foreign) == 2
    assert not any(each.get_usetex() or each.get_parse_math() for each in foreign)


def test_a_value_named_others_is_kept_apart_from_the_rest() -> None:
    rows = pd.concat([frame("Others").assign(income=5.0), frame("A"), frame("B"), frame("C")])
    ax = charts.rebates(rows.assign(asset="USDT"), by="symbol", top=2)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:3] == ["Others", "A", "Others"]
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(12 * (5.0 + 3 * 1.5))


# -- fonts -------------------------------------------------------------------------------------------


def has(family: str, letter: int) -> bool:
    return get_font(findfont(family)).get_char_index(letter) != 0


@pytest.fixture
def letter() -> str:
    """A letter that matplotlib's default font lacks and another of its fonts has."""
    letters = (at for at in range(0x2000, 0xFFFF) if chr(at).isprintable())
    return next(chr(at) for at in letters if has("STIXGeneral", at) and not has("DejaVu Sans", at))


def test_a_letter_is_drawn_in_a_font_that_has_it(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_text, "FALLBACKS", ("No Such Font", "STIXGeneral"))
    ax = charts.rebates(frame(f"{letter}USDT"), by="symbol")
    assert f"{letter}USDT" in drawn(ax)
    (name, *_) = ax.get_legend().get_texts()
    assert name.get_fontfamily() == [*mpl.rcParams["font.family"], "STIXGeneral"]


def test_a_letter_that_no_font_has_is_written_out(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_text, "FALLBACKS", ("No Such Font",))
    assert rf"\u{ord(letter):04x}USDT" in drawn(charts.rebates(frame(f"{letter}USDT"), by="symbol"))


def test_the_users_font_comes_first(letter: str) -> None:
    with mpl.rc_context({"font.family": ["STIXGeneral"]}):
        text, how = _text.prepare(f"{letter}é")
    assert text == f"{letter}é"
    assert how["fontfamily"] == ["STIXGeneral"]


def test_a_legend_wraps_and_stays_within_the_figure() -> None:
    names = [f"{at} customer with a rather long name" for at in range(9)]
    ax = charts.rebates(pd.concat([frame("USDT").assign(symbol=name) for name in names]), by="symbol", top=9)
    drawn(ax)
    box = ax.get_legend().get_window_extent()
    assert box.x1 <= ax.figure.bbox.width
    assert box.y1 < ax.figure.bbox.height
    title = next(text for text in texts(ax) if text.get_text().startswith("Rebates by"))
    assert title.get_window_extent().y0 >= box.y1 - 8
    assert title.get_fontweight() == "bold"
