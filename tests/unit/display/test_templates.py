"""What every template keeps to, and the style sheet with them; a new template is among them at once."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import repeat
from pathlib import Path
from random import Random

import jinja2
import pytest
from jinja2 import Template, meta, nodes
from jinja2.runtime import Macro

import toolkit
from tests.unit.text.test_printable import unseen
from toolkit.display.html import _environment, _stylesheet, render
from toolkit.display.svg import SEGMENTS
from toolkit.doctor.html import _CARD_STYLES

PACKAGE = Path(toolkit.__file__).parent
ENVIRONMENT = _environment()
TEMPLATES = ENVIRONMENT.list_templates()
EACH = pytest.mark.parametrize("name", TEMPLATES)

HOSTILE = "币 <script>alert('x')</script>\" ' onerror=x & `</style>`\x1b[2J\u202e\u200b\u2028\ud800\n"


def source(name: str) -> str:
    assert ENVIRONMENT.loader is not None
    return ENVIRONMENT.loader.get_source(ENVIRONMENT, name)[0]


def referenced(name: str) -> set[str]:
    """The templates that a template extends, includes or imports from."""
    return {other for other in meta.find_referenced_templates(ENVIRONMENT.parse(source(name))) if other}


NAMES = {
    variable
    for name in TEMPLATES
    for variable in meta.find_undeclared_variables(ENVIRONMENT.parse(source(name)))
} - set(ENVIRONMENT.globals)


# -- hostile text ------------------------------------------------------------------------------------


class Anything:
    """A value for a template, whatever it is taken for: text, a row, rows, a condition."""

    def __init__(self, text: str, answers: Iterator[bool]) -> None:
        self.text = text
        self.answers = answers

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return next(self.answers)

    def __eq__(self, other: object) -> bool:
        return next(self.answers)

    def __hash__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Anything]:
        yield from (self, self)

    def __getitem__(self, key: object) -> Anything:
        return self

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object) -> Anything:
        return self


def macros(template: Template, values: dict[str, object]) -> Iterator[Macro]:
    yield from (each for each in vars(template.make_module(values)).values() if isinstance(each, Macro))


def rendered(name: str, text: str, answers: Callable[[], Iterator[bool]]) -> str:
    """A template and every macro of its own, with this text wherever they show something."""
    asked = answers()
    values: dict[str, object] = {variable: Anything(text, asked) for variable in NAMES}
    shown = [render(name, **values)]
    for macro in macros(ENVIRONMENT.get_template(name), values):
        shown.append(macro(*(Anything(text, asked) for _ in macro.arguments)))
    return "".join(map(str, shown))


class Structure(HTMLParser):
    """The tags of a document, with the names of their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", ()))


def at_random(seed: int) -> Callable[[], Iterator[bool]]:
    return lambda: (number < 0.5 for number in iter(Random(seed).random, None))


# What the conditions of a template come to, one after the other: every branch is taken by some of them.
ANSWERS = [lambda: repeat(True), lambda: repeat(False), *map(at_random, range(12))]


@EACH
def test_hostile_text_stays_text(name: str) -> None:
    for answers in ANSWERS:
        shown = rendered(name, HOSTILE, answers)
        assert unseen(shown) == []
        assert "<script" not in shown
        assert Structure(shown).found == Structure(rendered(name, "x", answers)).found


@EACH
def test_hostile_text_is_shown_at_all(name: str) -> None:
    """Else the test above would have nothing to look at."""
    shown = "".join(rendered(name, HOSTILE, answers) for answers in ANSWERS)
    if name != "stylesheet.html.jinja":
        for escaped in ("币", "&lt;script&gt;", r"\x1b[2J", r"\u202e", r"\u200b", r"\u2028", r"\ud800\n"):
            assert escaped in shown


@EACH
def test_no_template_goes_past_what_escapes(name: str) -> None:
    """Filters and operators may make markup of text before it is made printable."""
    ways_round = (nodes.Filter, nodes.FilterBlock, nodes.Add, nodes.Concat, nodes.Mod, nodes.Mul)
    ways_round += (nodes.ScopedEvalContextModifier,)  # autoescape off
    assert [*ENVIRONMENT.parse(source(name)).find_all(ways_round)] == []


def test_a_value_that_is_missing_is_no_blank() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("balances_heading.html.jinja")


def test_what_was_rendered_may_be_passed_on() -> None:
    inner = render("balances_heading.html.jinja", number="<1>")
    outer = render("balances_heading.html.jinja", number=inner)
    assert outer == "<h4>Balances<small><h4>Balances<small>&lt;1&gt;</small></h4></small></h4>"


def test_every_template_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    others = {other for name in TEMPLATES for other in referenced(name)}
    assert [name for name in TEMPLATES if f'"{name}"' not in code and name not in others] == []


# -- no HTML by hand ---------------------------------------------------------------------------------

TAG = re.compile(
    r"</?(a|b|br|button|code|dd|div|dl|dt|em|h[1-6]|hr|i|img|li|ol|p|path|pre|progress|rect|script|small|span"
    r"|strong|style|sub|sup|svg|table|tbody|td|text|th|thead|time|tr|ul)(\s*/?>|\s+[\w-]+=)"
)


def in_strings(code: str) -> list[str]:
    """The tags in the strings of a module, docstrings apart."""
    if not TAG.search(code):
        return []
    tree = ast.parse(code)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings
    ]
    return [found[0] for text in texts if isinstance(text, str) for found in re.finditer(TAG, text)]


@pytest.mark.parametrize(
    ("code", "tags"),
    [
        ('f"<b>{name}</b>"', ["<b>", "</b>"]),
        ("f'<td class=\"{kind}\">' + name", ["<td class="]),
        ('def f():\n    "A <b>."\n    return "<br/>"', ["<br/>"]),
        ('f"<Panel: {n} < 3 and {m} > 2>"', []),
    ],
)
def test_a_tag_in_a_string_is_found(code: str, tags: list[str]) -> None:
    assert in_strings(code) == tags


def test_no_module_writes_html_by_hand() -> None:
    found = {
        str(path.relative_to(PACKAGE)): tags
        for path in PACKAGE.rglob("*.py")
        if (tags := in_strings(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_one_module_makes_markup_of_text() -> None:
    """`Markup(text)` says that text is escaped, and nobody asks again."""
    made = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bMarkup\((?!\))", path.read_text(encoding="utf-8"))
    ]
    assert made == ["display/html.py"]


# -- the style sheet -----------------------------------------------------------------------------------

# What stands for a part of a class: the last name of an expression, and what it may be.
VARIANTS = {
    "status": {"preview", "confirmed", "rejected", "unknown"},
    "state": {"ok", "busy", "hot", "idle"},
    "segment": set(SEGMENTS),
    "columns": {"1", "2", "3", "4"},
    "tone": {"up", "down", "partial"},
}
RESULTS = {name for name in TEMPLATES if "result.html.jinja" in {name, *referenced(name)}}
RESULTS |= {other for name in RESULTS for other in referenced(name)}


def classes_of(name: str) -> set[str]:
    """The classes that a template may set."""
    found = set()
    for attribute in re.findall(
        r'\bclass="((?:\{\{.*?\}\}|[^"{])*)"', re.sub(r"\{%.*?%\}", " ", source(name))
    ):
        for each in re.sub(r"\{\{.*?(\w+)\W*\}\}", r"<\1>", attribute).split():
            fixed, _, variable = each.partition("<")
            found |= {fixed + variant for variant in VARIANTS[variable[:-1]]} if variable else {fixed}
    return found


def selected(part: str) -> set[str]:
    """The classes of ours in the selectors of one part of the style sheet."""
    selectors = re.findall(r"([^{}]+)\{", _stylesheet(part))
    classes = {each for selector in selectors for each in re.findall(r"\.([a-zA-Z][\w-]*)", selector)}
    return {each for each in classes if not each.startswith(("jupyter-", "widget-", "vscode-"))}


def in_code() -> set[str]:
    """The classes that widgets are given in Python."""
    return {
        found
        for path in PACKAGE.rglob("*.py")
        for found in re.findall(r'"(btk-[\w-]+)"', path.read_text(encoding="utf-8"))
    }


@EACH
def test_every_class_of_a_template_has_a_style_in_the_part_it_comes_with(name: str) -> None:
    assert classes_of(name) - selected("result" if name in RESULTS else "panel") == set()


@pytest.mark.parametrize("part", ["result", "panel"])
def test_every_class_of_the_style_sheet_is_used(part: str) -> None:
    used = set().union(*(classes_of(name) for name in TEMPLATES if (name in RESULTS) == (part == "result")))
    assert selected(part) - used - in_code() == set()


@pytest.mark.parametrize("part", ["result", "panel"])
def test_there_is_one_prefix(part: str) -> None:
    sheet = _stylesheet(part)
    assert {each for each in selected(part) if not each.startswith("btk-")} == set()
    assert {each for each in re.findall(r"--([\w-]+)\s*:", sheet) if not each.startswith("btk-")} == set()
    assert "<" not in sheet, "it stands in an element of a document"


def test_what_stands_for_a_class_is_what_there_is() -> None:
    assert {state for state, _ in _CARD_STYLES.values()} <= VARIANTS["status"]
