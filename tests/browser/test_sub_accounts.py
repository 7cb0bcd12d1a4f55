"""The notebook about sub-accounts in the browser: its cards are readable in light and dark themes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.labpage import LabPage

pytestmark = pytest.mark.browser

THEMES = ("JupyterLab Light", "JupyterLab Dark")
CARDS = {
    "preview": "Preview: nothing was sent.",
    "confirmed": "Confirmed: it was executed.",
    "rejected": "Rejected: nothing was executed.",
    "unknown": "Unknown: it may have been executed.",
}
MIN_CONTRAST = 4.5  # of readable text (WCAG AA)

# The contrast of each text with its background, and the texts that overflow the card.
LOOK = """card => {
  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return {rgb: [r, g, b], a};
  };
  const blend = (top, alpha, below) => top.map((value, i) => value * alpha + below[i] * (1 - alpha));
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    if (!element) return [255, 255, 255];
    const {rgb, a} = parse(getComputedStyle(element).backgroundColor);
    return a === 1 ? rgb : blend(rgb, a, behind(element.parentElement));
  };
  const opacity = element => element === card ? 1
    : Number(getComputedStyle(element).opacity) * opacity(element.parentElement);
  const pieces = [...card.querySelectorAll('*')].filter(
    element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const contrasts = pieces.map(element => {
    const below = behind(element);
    const {rgb, a} = parse(getComputedStyle(element).color);
    const [x, y] = [light(blend(rgb, a * opacity(element), below)), light(below)].sort((p, q) => q - p);
    return [element.className + ' ' + element.textContent, (x + 0.05) / (y + 0.05)];
  });
  const box = card.getBoundingClientRect();
  const outside = pieces.filter(element => element.getBoundingClientRect().right > box.right + 1);
  return {contrasts, outside: outside.map(element => element.textContent)};
}"""

BEHIND_CODE = "card => [...card.querySelectorAll('code')].map(code => getComputedStyle(code).backgroundColor)"


@pytest.fixture(scope="module")
def notebook(lab_page: LabPage) -> Iterator[LabPage]:
    """The notebook, run once."""
    lab_page.open_notebook("03_sub_accounts.ipynb")
    lab_page.run_all()
    yield lab_page
    lab_page.choose_theme(THEMES[0])


def test_the_notebook_runs_without_errors(notebook: LabPage) -> None:
    assert notebook.failures() == []
    assert notebook.external_requests == []
    assert notebook.console_errors == []


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", CARDS)
def test_a_card_is_readable(notebook: LabPage, kind: str, theme: str, tmp_path: Path) -> None:
    notebook.choose_theme(theme)
    card = notebook.card(CARDS[kind])
    assert "SANDBOX" in card.inner_text()
    assert ("Next:" in card.inner_text()) == (kind in {"rejected", "unknown"})
    looks = card.evaluate(LOOK)
    assert len(looks["contrasts"]) > 5
    assert [text for text, contrast in looks["contrasts"] if contrast < MIN_CONTRAST] == []
    assert looks["outside"] == []
    assert set(card.evaluate(BEHIND_CODE)) <= {"rgba(0, 0, 0, 0)"}, "the card has one background colour"
    picture = tmp_path / f"{kind} {theme}.png"
    card.screenshot(path=str(picture))
    notebook.screenshot(tmp_path / f"{kind} {theme} page.png")
    assert picture.stat().st_size > 5_000


def test_no_card_in_the_saved_notebook_contains_a_script(notebook: LabPage) -> None:
    pages = [
        "".join(output["data"].get("text/html", "")) for output in notebook.outputs() if "data" in output
    ]
    cards = [page for page in pages if "btk-result" in page]
    assert len(cards) > 10
    assert not any("<script" in card or "onclick" in card for card in cards)
