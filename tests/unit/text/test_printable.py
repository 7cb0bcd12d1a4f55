"""Hostile text is escaped wherever the toolkit shows it."""

from __future__ import annotations

import ast
import json
import unicodedata
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import toolkit
from tests.support.clocks import FakeClock
from tests.support.panels import process, snapshot, use
from tests.support.paths import PACKAGE
from tests.support.writes import WriteEnv, do, memory_folder
from toolkit import errors
from toolkit.__main__ import main
from toolkit.auth.credentials import Keys
from toolkit.display import outcomes
from toolkit.doctor import Check, Diagnosis
from toolkit.fetch.progress import count_down
from toolkit.panels.accounts_panel import holdings, view
from toolkit.panels.base import banner, error_banner
from toolkit.panels.weight_panel import view as limits_view
from toolkit.ratelimit.usage import usage
from toolkit.redaction import displayable_names
from toolkit.text.printable import printable

ESC, BEL, RLO, ZWSP, CSI, BOM, HALF, TAG = (
    "\x1b",
    "\a",
    "\u202e",
    "\u200b",
    "\x9b",
    "\ufeff",
    "\udc80",
    "\U000e0041",
)
HOSTILE = f"币{ESC}[2Jx{BEL}{RLO}{ZWSP}{CSI}{BOM}\u2028\u3164\r<b>{TAG}"
"""Text that deceives terminals, browsers and readers, mixed with ordinary letters."""


def unprintable_in(text: str) -> list[str]:
    """The control and invisible characters of a text, except line breaks."""
    kinds = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return [
        each for each in text if each != "\n" and (unicodedata.category(each) in kinds or each == "\u3164")
    ]


def check(text: str, *, quoted: bool = True) -> None:
    assert unprintable_in(text) == []
    if quoted:
        assert r"\x1b[2J" in text
        assert r"\u202e" in text
        assert "币" in text


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        write_env = WriteEnv(folder)
        yield write_env
        write_env.close()


# -- the function ------------------------------------------------------------------------------------


def test_invisible_characters_are_escaped_and_others_kept() -> None:
    assert printable(f"a{ESC}[31m{RLO}\t\n{TAG}{HALF}") == r"a\x1b[31m\u202e\t\n\U000e0041\udc80"
    assert printable("Grüße, 币安, עברית, 0.5 ≤ 1 · C:\\new") == "Grüße, 币安, עברית, 0.5 ≤ 1 · C:\\new"
    assert printable("one\ntwo\a", keep="\n") == "one\ntwo\\x07"
    assert r"&lt;i title=&#34;\x07&#34;&gt;" in banner("hot", "", f'<i title="{BEL}">')


def test_no_character_of_unicode_stays_invisible() -> None:
    planes = (range(0x3200), range(0xD7F0, 0xE010), range(0xFD00, 0x10200), range(0xE0000, 0xE0200))
    assert unprintable_in(printable("".join(chr(at) for plane in planes for at in plane))) == []


# -- writes ------------------------------------------------------------------------------------------


def test_an_outcome_shows_no_hostile_text(write_env: WriteEnv) -> None:
    write_env.fail("exchange.create_sub_account", "error", status=400, code=-1, message=HOSTILE)
    outcome = do(write_env, "exchange.create_sub_account", tag="desk")
    assert outcome.status == "rejected"
    for shown in (repr(outcome), outcome._repr_html_(), outcome.reason, str(outcome.error)):
        check(shown)


def test_a_card_shows_no_hostile_text(write_env: WriteEnv) -> None:
    outcome = do(write_env, "exchange.create_sub_account", tag="other desk")
    assert outcome.frame is not None
    outcome.arguments["tag"] = HOSTILE
    outcome.frame.loc[0, "email"] = HOSTILE
    outcome.idempotency_key, outcome.repeated = HOSTILE, True
    for shown in (outcomes.outcome_text(outcome), outcomes.outcome_html(outcome)):
        check(shown)


def test_a_preview_shows_no_hostile_text(write_env: WriteEnv) -> None:
    preview = write_env.ops.preview.exchange.create_sub_account(tag="desk")
    object.__setattr__(preview, "body", {"tag": HOSTILE, HOSTILE: "1"})
    object.__setattr__(preview, "address", HOSTILE)
    for shown in (repr(preview), preview._repr_html_()):
        check(shown)


def test_the_history_shows_no_hostile_text(write_env: WriteEnv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [f"/tmp/{HOSTILE.encode('utf-8', 'replace').decode()}.py"])
    write_env.fail("exchange.create_sub_account", "error", status=400, code=-1, message=HOSTILE)
    do(write_env, "exchange.create_sub_account", tag="third desk")
    last = write_env.ops.history().iloc[-1]
    check(last["reason"])
    check(last["process"])


# -- limits and panels -------------------------------------------------------------------------------


def test_the_weight_panel_shows_no_hostile_name() -> None:
    kept = snapshot(use(processes=(process(HOSTILE, 300),)), local_only_reason=HOSTILE)
    shown = (
        limits_view.cards,
        limits_view.by_process,
        limits_view.static_rate_limits,
        limits_view.local_only_banner,
    )
    for html in (each(kept) for each in shown):
        check(html, quoted=html != limits_view.cards(kept))
    check(" ".join(usage(kept, "live")["process"]))


def test_the_accounts_panel_shows_no_hostile_text() -> None:
    known = [
        holdings.Holding(
            id=HOSTILE,
            name=HOSTILE,
            tag=HOSTILE,
            email=HOSTILE,
            address="",
            created=0,
            amounts=dict.fromkeys(holdings.COLUMNS, 1.0),
            off=frozenset(),
        )
    ]
    for html in (view.table(known, {}, 0.0), view.static_table(known, {})):
        check(html)
        assert "<b>\\" not in html
    check(error_banner(errors.UsageError(HOSTILE), "panel"))
    check(error_banner(ValueError(HOSTILE), "panel"))


def test_the_one_line_panel_shows_no_hostile_text() -> None:
    with toolkit.demo(seed=7) as link, toolkit.panels.accounts(link) as panel:
        panel.error = ValueError(HOSTILE)
        check(repr(panel))
        check(panel._repr_mimebundle_()["text/plain"])
        check(panel._repr_mimebundle_()["text/html"])


# -- errors, warnings, progress ------------------------------------------------------------------------


def test_no_error_or_warning_shows_hostile_text() -> None:
    refused = errors.ApiError(HOSTILE, 400, -1, HOSTILE)
    check(str(refused))
    assert refused.message == HOSTILE  # the attribute keeps what was received
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.ToolkitError | Warning):
            error = kind.__new__(kind, HOSTILE)
            error.args = (HOSTILE,)
            check(str(error))


def test_a_printed_warning_shows_no_hostile_text() -> None:
    for kind in (errors.RateLimitWarning, errors.JournalWarning, errors.UndeclaredFieldWarning):
        check(warnings.formatwarning(kind(HOSTILE), kind, "cell", 1, ""))


def test_a_progress_bar_shows_no_hostile_text(capfd: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    count_down(HOSTILE, 3.0, clock.time() + 3.0, clock, wanted=True)
    shown = capfd.readouterr().err.replace("\r", "").replace(f"{ESC}[A", "")
    check(shown)


def test_field_names_are_printable() -> None:
    check(" ".join(displayable_names([HOSTILE])))


def test_the_origin_of_keys_is_printable() -> None:
    check(repr(Keys([], HOSTILE)))


# -- the doctor and the command line -------------------------------------------------------------------


def test_no_check_of_the_doctor_shows_hostile_text() -> None:
    line = Check(HOSTILE, "files", HOSTILE, "warning", HOSTILE, HOSTILE)
    check(line.found)
    diagnosis = Diagnosis([line], "live", datetime(2026, 1, 1, tzinfo=UTC))
    for shown in (repr(diagnosis), diagnosis._repr_html_(), diagnosis.frame.to_csv()):
        check(shown)


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        [f"--{HOSTILE}"],
        ["lab", HOSTILE],
        ["lab", "--port", HOSTILE],
        ["doctor", "one", HOSTILE],
        ["key", "new", HOSTILE],
        ["key", "add", HOSTILE],
        ["key", HOSTILE],
        ["key", "add", "--serves", HOSTILE],
        ["sandbox", HOSTILE],
    ],
    ids=lambda arguments: " ".join(arguments).replace(HOSTILE, "HOSTILE"),
)
def test_command_line_arguments_are_quoted_printable(arguments: list[str]) -> None:
    ran = CliRunner().invoke(main, arguments)
    assert ran.exit_code in {1, 2}
    check(ran.output, quoted=arguments[0] != "key")


def test_the_doctors_output_in_a_pipe_is_printable(tmp_path: Path) -> None:
    folder = tmp_path / HOSTILE.replace("/", "")
    folder.mkdir()
    for arguments in (["doctor", "--demo"], ["doctor", "--demo", "--json"]):
        ran = CliRunner().invoke(main, arguments, env={"TOOLKIT_RATE_LIMITS": str(folder)})
        check(ran.output)
    assert any("\\u202e" in row["found"] for row in json.loads(ran.stdout))


def test_a_pair_of_keys_in_a_folder_with_a_hostile_name(tmp_path: Path) -> None:
    folder = tmp_path / HOSTILE.replace("/", "")
    folder.mkdir()
    ran = CliRunner().invoke(main, ["key", "new", "--file", str(folder / "desk.pem")])
    assert ran.exit_code == 0, ran.output
    check(ran.output)


# -- the rule --------------------------------------------------------------------------------------------


def test_no_html_is_escaped_by_hand() -> None:
    """Hand-written escaping forgets invisible characters; templates do not (test_templates.py)."""
    manual = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.module == "html")
        or (isinstance(node, ast.Import) and any(name.name == "html" for name in node.names))
    ]
    assert manual == []
