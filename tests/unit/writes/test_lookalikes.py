"""Text that looks the same is the same, or is refused and the character named. No write is sent twice."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.writes import WriteEnv, call, example, memory_folder
from toolkit.endpoints import WRITES, Write
from toolkit.endpoints.model import Param
from toolkit.errors import UsageError
from toolkit.text.characters import find_homoglyph, find_invisible, find_lookalike, fold

NAME = "payout 2026-10 'desk'"
TRANSFER = "exchange.transfer"


@pytest.fixture(scope="module")
def write_env() -> Iterator[WriteEnv]:
    with memory_folder() as folder:
        made = WriteEnv(folder)
        yield made
        made.close()


def pay(write_env: WriteEnv, idempotency_key: str, amount: str = "7") -> Any:
    return write_env.ops.exchange.transfer(
        "USDT", amount, to_id=write_env.world.accounts[0].id, idempotency_key=idempotency_key
    )


# -- idempotency keys ----------------------------------------------------------------

SAME = {
    "a no-break space": "payout\u00a02026-10 'desk'",
    "two blanks": "payout  2026-10 'desk'",
    "a tab": "payout\t2026-10 'desk'",
    "a line end in the cell": "payout\n2026-10 'desk'\r\n",
    "blanks around it": "  payout 2026-10 'desk'\u3000",
    "an em space": "payout\u20032026-10 'desk'",
    "full-width letters": "\uff50\uff41\uff59\uff4f\uff55\uff54 2026-10 'desk'",
    "full-width digits": "payout \uff12\uff10\uff12\uff16-10 'desk'",
    "mathematical letters": "\U0001d429\U0001d41a\U0001d432\U0001d428\U0001d42e\U0001d42d 2026-10 'desk'",
    "an en dash": "payout 2026\u201310 'desk'",
    "a minus": "payout 2026\u221210 'desk'",
    "a no-break hyphen": "payout 2026\u201110 'desk'",
    "a full-width hyphen": "payout 2026\uff0d10 'desk'",
    "a word processor's quotes": "payout 2026-10 \u2018desk\u2019",
}
REFUSED = {
    "a zero-width space": "pay\u200bout 2026-10 'desk'",
    "a byte order mark": "\ufeffpayout 2026-10 'desk'",
    "a soft hyphen": "pay\u00adout 2026-10 'desk'",
    "a zero-width joiner": "payout 2026-10\u200d 'desk'",
    "a direction mark": "payout 2026-10 'desk'\u200f",
    "an isolate": "\u2066payout 2026-10 'desk'\u2069",
    "a word joiner": "payout\u2060 2026-10 'desk'",
    "a variation selector": "payout 2026-10\ufe0f 'desk'",
    "a grapheme joiner": "payout 20\u034f26-10 'desk'",
    "a Hangul filler": "payout 2026-10 'desk'\u3164",
    "a Braille blank": "payout\u28002026-10 'desk'",
    "a tag": "payout 2026-10 'desk'\U000e0041",
    "a control character": "payout 2026-10 'desk'\x07",
    "a Cyrillic letter": "p\u0430yout 2026-10 'desk'",
    "a Greek letter": "pay\u03bfut 2026-10 'desk'",
    "half a character": "payout 2026-10 'desk'\ud83d",
}


def test_idempotency_keys_that_look_the_same_make_one_transfer(write_env: WriteEnv) -> None:
    first = pay(write_env, NAME)
    before = write_env.sent(TRANSFER)
    for what, name in SAME.items():
        again = pay(write_env, name)
        assert (again.number, again.repeated, again.idempotency_key) == (first.number, True, NAME), what
        assert not write_env.ops.preview.exchange.transfer(
            "USDT", "7", to_id=write_env.world.accounts[0].id, idempotency_key=name
        )
    assert write_env.sent(TRANSFER) == before


@pytest.mark.parametrize("what", REFUSED)
def test_an_invisible_character_is_named_and_nothing_is_sent(write_env: WriteEnv, what: str) -> None:
    before, entries = write_env.sent(TRANSFER), len(write_env.ops.history())
    for step in (
        lambda: pay(write_env, REFUSED[what]),
        lambda: write_env.ops.release_idempotency_key(REFUSED[what]),
    ):
        with pytest.raises(UsageError, match=r"`idempotency_key` has U\+[0-9A-F]{4,5} .*Nothing was sent"):
            step()
    assert (write_env.sent(TRANSFER), len(write_env.ops.history())) == (before, entries)


def test_an_invisible_character_is_named_by_its_unicode_name(write_env: WriteEnv) -> None:
    with pytest.raises(UsageError, match=r"`idempotency_key` has U\+200B ZERO WIDTH SPACE in it"):
        pay(write_env, "pay\u200bout")


def test_an_idempotency_key_is_released_in_any_spelling(write_env: WriteEnv) -> None:
    composed, decomposed = "M\u00fcnchen - 2", "Mu\u0308nchen \u2013 2"
    write_env.fail(TRANSFER, "error", code=-5002, message="Poor.")
    assert pay(write_env, decomposed).status == "rejected"
    assert pay(write_env, composed).repeated
    assert write_env.ops.release_idempotency_key(composed).status == "rejected"
    assert pay(write_env, decomposed).status == "confirmed"


PAIRS = {
    "a word of Cyrillic letters that are drawn like Latin ones": ("pay \u0410\u0412 1", "pay AB 1"),
    "a Greek one": ("pay \u0391\u0392 2", "pay AB 2"),
    "a Cherokee one": ("pay \u13aa 3", "pay A 3"),
    "one beside a word of its own alphabet": (
        "\u0432\u044b\u043f\u043b\u0430\u0442\u0430 \u0441 4",
        "\u0432\u044b\u043f\u043b\u0430\u0442\u0430 c 4",
    ),
    "a fraction slash": ("pay 5\u20442026", "pay 5/2026"),
    "a division slash": ("pay 6\u22152026", "pay 6/2026"),
    "a ratio": ("pay 7\u22361", "pay 7:1"),
    "an acute accent": ("pay 8 o\u00b4clock", "pay 8 o'clock"),
    "a low quote": ("pay 9\u201a1", "pay 9,1"),
    "a modifier minus": ("pay 10\u02d71", "pay 10-1"),
}


@pytest.mark.parametrize("what", PAIRS)
def test_two_idempotency_keys_that_look_alike_make_one_transfer(write_env: WriteEnv, what: str) -> None:
    one, other = (pay(write_env, name) for name in PAIRS[what])
    assert (other.number, other.repeated) == (one.number, True)


def test_a_phonetic_letter_in_a_latin_word_is_named(write_env: WriteEnv) -> None:
    with pytest.raises(UsageError, match=r"`idempotency_key` has U\+0261"):
        pay(write_env, "pa\u0261e")


@pytest.mark.parametrize(
    "name",
    ["\u0432\u044b\u043f\u043b\u0430\u0442\u0430 USDT 10", "\u7ed3\u7b97 2026-10", "caf\u00e9 \U0001f389"],
)
def test_idempotency_keys_in_other_scripts_are_accepted(write_env: WriteEnv, name: str) -> None:
    assert pay(write_env, name).idempotency_key == name


def _decorated() -> st.SearchStrategy[str]:
    """Spellings of the key: characters replaced by lookalikes, with invisible ones between them."""
    blanks = st.sampled_from([" ", "\u00a0", "  ", "\t", "\u2009", "\u3000", "\n"])
    hyphens = st.sampled_from("-\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d")
    quotes = st.sampled_from("'\u2018\u2019\u2032\uff07")
    hidden_characters = st.sampled_from(
        ["", "", "", "", "", "", "\u200b", "\u00ad", "\ufeff", "\u200e", "\ufe0f", "\u034f", "\u061c"]
    )

    def twins(character: str) -> st.SearchStrategy[str]:
        own = {" ": blanks, "-": hyphens, "'": quotes}
        wide = chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character
        return st.tuples(own.get(character, st.sampled_from([character, wide])), hidden_characters).map(
            "".join
        )

    return st.tuples(*map(twins, NAME)).map("".join)


def test_any_spelling_of_an_idempotency_key_makes_one_transfer(write_env: WriteEnv) -> None:
    amount = "3"
    first = pay(write_env, f"{NAME} twice", amount)
    before = write_env.sent(TRANSFER)
    outcomes = set()

    @settings(max_examples=150)
    @given(_decorated())
    def check(name: str) -> None:
        hidden = [each for each in name if find_invisible(each) and not each.isspace()]
        if hidden:
            with pytest.raises(UsageError, match=unicodedata.name(hidden[0])):
                pay(write_env, f"{name} twice", amount)
        else:
            assert pay(write_env, f"{name} twice", amount).number == first.number
        outcomes.add("refused" if hidden else "same")

    check()
    assert outcomes == {"refused", "same"}
    assert write_env.sent(TRANSFER) == before


# -- arguments -----------------------------------------------------------------------------------------------

ARGUMENTS = [
    (write, param)
    for write in WRITES
    for param in write.params
    if param.fixed is None and param.kind not in ("flag", "integer")
]
INVISIBLE = ("\u200b", "\ufeff", "\u00ad", "\u202e", "\ufe0f", "\u00a0", "\u3164")


@pytest.mark.parametrize(
    ("write", "param"), ARGUMENTS, ids=lambda each: getattr(each, "qualified_name", getattr(each, "name", ""))
)
def test_an_argument_with_an_invisible_character_is_refused(
    write_env: WriteEnv, write: Write, param: Param
) -> None:
    given = {param.name: "203.0.113.7" if param.kind == "addresses" else "a@b"}
    given |= example(write_env.world, write.qualified_name)
    requests = len(write_env.exchange.log)
    for index, character in enumerate(INVISIBLE):
        text = str(given[param.name])
        decorated = (character + text, text + character, text[:2] + character + text[2:])[index % 3]
        values: list[Any] = [decorated] + ([[decorated]] if param.kind == "addresses" else [])
        for value in values:
            with pytest.raises(UsageError, match=rf"`{param.name}` contains U\+{ord(character):04X} "):
                call(write_env.ops, write.qualified_name, given | {param.name: value})
    assert len(write_env.exchange.log) == requests


def test_a_read_with_an_invisible_character_is_refused(write_env: WriteEnv) -> None:
    link, requests = write_env.env.link, len(write_env.exchange.log)
    for name, read in {
        "sub_account_id": lambda: link.exchange.sub_accounts(sub_account_id="367537027503425913\u200b"),
        "api_key": lambda: link.exchange.api_keys("1", api_key="\ufeffkey"),
        "email": lambda: link.spot.customers(email="ana\u00ad@post.example"),
        "customer_id": lambda: link.futures.customers(customer_id="ana\ufe0f"),
        "symbol": lambda: link.exchange.um_commission("1", symbol="BTC\u00a0USDT"),
        "start": lambda: link.spot.rebates(start="2025-12-30\u200b"),
        "end": lambda: link.spot.rebates(end="\u200e2025-12-30"),
        "subAccountId": lambda: link.get("/sapi/v1/broker/subAccount", subAccountId="3675\u00ad"),
        "symbols": lambda: link.get("/api/v3/ticker/price", symbols=["BTCUSDT", "ETH\u200bUSDT"]),
        "sym\\\\u200bbol": lambda: link.get("/api/v3/ticker/price", **{"sym\u200bbol": "BTCUSDT"}),
    }.items():
        with pytest.raises(UsageError, match=rf"`{name}` (contains|has) U\+.*Nothing was sent"):
            read()
    assert len(write_env.exchange.log) == requests


IDS = {
    "full-width": "\uff4dine-1",
    "all Cyrillic": "\u0410\u0412-1",
    "Cyrillic": "m\u0456ne-1",
    "an accent apart": "mine\u0301-1",
}


@pytest.mark.parametrize("what", IDS)
@pytest.mark.parametrize(
    ("endpoint_name", "name"), [(TRANSFER, "client_tran_id"), ("spot.set_customer_id", "customer_id")]
)
def test_an_id_with_ambiguous_characters_is_refused(
    write_env: WriteEnv, endpoint_name: str, name: str, what: str
) -> None:
    given = example(write_env.world, endpoint_name) | {name: IDS[what]}
    with pytest.raises(UsageError, match=rf"`{name}` contains U\+.* which looks like another character"):
        call(write_env.ops, endpoint_name, given)


def test_a_confirmation_with_an_invisible_character_is_refused(write_env: WriteEnv) -> None:
    given = example(write_env.world, "exchange.delete_sub_account")
    given["confirm"] = f"{given['sub_account_id']}\u200b"
    with pytest.raises(UsageError, match=r"`confirm` has U\+200B ZERO WIDTH SPACE in it"):
        call(write_env.ops, "exchange.delete_sub_account", given)
    assert write_env.sent("exchange.delete_sub_account") == 0


def test_an_api_key_with_an_invisible_character_is_refused_by_reconcile(write_env: WriteEnv) -> None:
    endpoint_name = "exchange.set_ip_restriction"
    given = example(write_env.world, endpoint_name)
    write_env.fail(endpoint_name, "reset")
    lost = call(write_env.ops, endpoint_name, given)
    with pytest.raises(UsageError, match=r"`api_key` has U\+FEFF ZERO WIDTH NO-BREAK SPACE in it"):
        write_env.ops.reconcile(lost.number, api_key=f"\ufeff{given['api_key']}")
    assert lost.reconcile().status == "confirmed"


def test_a_public_key_may_have_line_breaks(write_env: WriteEnv) -> None:
    key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\r\n-----END PUBLIC KEY-----\n"
    given = example(write_env.world, "exchange.create_api_key") | {"public_key": key}
    assert call(write_env.ops.preview, "exchange.create_api_key", given)


# -- characters ----------------------------------------------------------------------------------------------


def test_every_character_that_unicode_shows_as_nothing_is_invisible() -> None:
    """Format and control characters, unusual blanks, and characters that Unicode ignores by default."""
    for number in (*range(0x20000), *range(0xE0000, 0xE1000)):
        character = chr(number)
        category = unicodedata.category(character)
        if category in ("Cf", "Cc", "Cs", "Zl", "Zp") or (category == "Zs" and character != " "):
            assert find_invisible(character), hex(number)
    for ignored in ("\u034f", "\u115f", "\u17b4", "\u180b", "\u3164", "\ufe00", "\uffa0", "\U000e0100"):
        assert find_invisible(f"a{ignored}")
    assert find_invisible("a\nb\tc", lines=True) == ""


@given(st.text(max_size=40))
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_only_ambiguous_characters_are_reported_as_such() -> None:
    for text in (
        "desk 17",
        "\u7ed3\u7b97",
        "\u0432\u044b\u043f\u043b\u0430\u0442\u0430 USDT",
        "caf\u00e9",
        "\u03b1-test",
    ):
        assert find_lookalike(text) == find_homoglyph(text) == "", text
    assert find_homoglyph("p\u0430y") == "U+0430 CYRILLIC SMALL LETTER A"
    assert find_lookalike("pay\u00b2") == "U+00B2 SUPERSCRIPT TWO"
