"""Rules for all templates and the style sheet. New templates are included automatically."""

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
from tests.unit.text.test_printable import unprintable_in
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
    """A value that a template can use as text, row, list of rows or condition."""

    def __init__(self, text: str, conditions: Iterator[bool]) -> None:
        self.text = text
        self.conditions = conditions

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return next(self.conditions)

    def __eq__(self, other: object) -> bool:
        return next(self.conditions)

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


def rendered(name: str, text: str, conditions: Callable[[], Iterator[bool]]) -> str:
    """The output of a template and its macros with this text for every value."""
    results = conditions()
    values: dict[str, object] = {variable: Anything(text, results) for variable in NAMES}
    shown = [render(name, **values)]
    for macro in macros(ENVIRONMENT.get_template(name), values):
        shown.append(macro(*(Anything(text, results) for _ in macro.arguments)))
    return "".join(map(str, shown))


class Structure(HTMLParser):
    """The tags of a document and the names of their attributes."""

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


# Results of the conditions in a template, in turn. Together they take every branch.
CONDITIONS = [lambda: repeat(True), lambda: repeat(False), *map(at_random, range(12))]


@EACH
def test_hostile_text_stays_text(name: str) -> None:
    for conditions in CONDITIONS:
        shown = rendered(name, HOSTILE, conditions)
        assert unprintable_in(shown) == []
        assert "<script" not in shown
        assert Structure(shown).found == Structure(rendered(name, "x", conditions)).found


@EACH
def test_every_template_shows_the_hostile_text(name: str) -> None:
    """Otherwise the test above would prove nothing."""
    shown = "".join(rendered(name, HOSTILE, conditions) for conditions in CONDITIONS)
    if name != "stylesheet.html.jinja":
        for escaped in ("币", "&lt;script&gt;", r"\x1b[2J", r"\u202e", r"\u200b", r"\u2028", r"\ud800\n"):
            assert escaped in shown


@EACH
def test_no_template_bypasses_the_escaping(name: str) -> None:
    """Filters and operators could turn text into markup before it is made printable."""
    bypasses = (nodes.Filter, nodes.FilterBlock, nodes.Add, nodes.Concat, nodes.Mod, nodes.Mul)
    bypasses += (nodes.ScopedEvalContextModifier,)  # autoescape off
    assert [*ENVIRONMENT.parse(source(name)).find_all(bypasses)] == []


def test_a_missing_variable_raises() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("balances_heading.html.jinja")


def test_a_rendered_template_can_be_passed_to_another() -> None:
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
    """The tags in the strings of a module, except docstrings."""
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
def test_tags_in_strings_are_found(code: str, tags: list[str]) -> None:
    assert in_strings(code) == tags


def test_no_module_contains_html_in_strings() -> None:
    found = {
        str(path.relative_to(PACKAGE)): tags
        for path in PACKAGE.rglob("*.py")
        if (tags := in_strings(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_only_one_module_makes_markup_from_text() -> None:
    """`Markup(text)` marks text as escaped, and nothing escapes it afterwards."""
    made = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bMarkup\((?!\))", path.read_text(encoding="utf-8"))
    ]
    assert made == ["display/html.py"]


# -- the style sheet -----------------------------------------------------------------------------------

# Expressions in class names: their last name, and its possible values.
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
    """The classes in a template."""
    found = set()
    for attribute in re.findall(
        r'\bclass="((?:\{\{.*?\}\}|[^"{])*)"', re.sub(r"\{%.*?%\}", " ", source(name))
    ):
        for each in re.sub(r"\{\{.*?(\w+)\W*\}\}", r"<\1>", attribute).split():
            fixed, _, variable = each.partition("<")
            found |= {fixed + variant for variant in VARIANTS[variable[:-1]]} if variable else {fixed}
    return found


def selected(part: str) -> set[str]:
    """Our classes in the selectors of one part of the style sheet."""
    selectors = re.findall(r"([^{}]+)\{", _stylesheet(part))
    classes = {each for selector in selectors for each in re.findall(r"\.([a-zA-Z][\w-]*)", selector)}
    return {each for each in classes if not each.startswith(("jupyter-", "widget-", "vscode-"))}


def in_code() -> set[str]:
    """The classes that Python code adds to widgets."""
    return {
        found
        for path in PACKAGE.rglob("*.py")
        for found in re.findall(r'"(btk-[\w-]+)"', path.read_text(encoding="utf-8"))
    }


@EACH
def test_every_class_in_a_template_has_a_style_in_its_part(name: str) -> None:
    assert classes_of(name) - selected("result" if name in RESULTS else "panel") == set()


@pytest.mark.parametrize("part", ["result", "panel"])
def test_every_class_of_the_style_sheet_is_used(part: str) -> None:
    used = set().union(*(classes_of(name) for name in TEMPLATES if (name in RESULTS) == (part == "result")))
    assert selected(part) - used - in_code() == set()


@pytest.mark.parametrize("part", ["result", "panel"])
def test_all_classes_and_variables_have_one_prefix(part: str) -> None:
    sheet = _stylesheet(part)
    assert {each for each in selected(part) if not each.startswith("btk-")} == set()
    assert {each for each in re.findall(r"--([\w-]+)\s*:", sheet) if not each.startswith("btk-")} == set()
    assert "<" not in sheet, "it is embedded in a <style> element"


def test_the_statuses_of_the_doctor_have_styles() -> None:
    assert {state for state, _ in _CARD_STYLES.values()} <= VARIANTS["status"]
