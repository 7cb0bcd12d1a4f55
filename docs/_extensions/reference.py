"""Directives that generate the reference from the toolkit itself: public names, errors, commands.

Nothing is listed by hand. Each directive writes Markdown, with reStructuredText inside for autodoc.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import TypeAliasForwardRef
from sphinx.util.typing import stringify_annotation

from toolkit.__main__ import main


class Generated(SphinxDirective):
    """A directive that writes Markdown, which is then parsed in its place."""

    required_arguments = 1

    def text(self) -> str:
        """The Markdown."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse it in place."""
        return self.parse_text_to_nodes(self.text(), allow_section_headings=True)


def _in_rst(lines: list[str]) -> str:
    return "\n".join(["``````{eval-rst}", *lines, "``````"])


class PublicNames(Generated):
    """Every name in the `__all__` of a module: a summary table, then each in full."""

    option_spec = {  # noqa: RUF012
        "exclude": directives.unchanged,
        "inherited-until": directives.unchanged,
        "no-summary": directives.flag,
        "summary-only": directives.flag,
    }

    def text(self) -> str:
        """A table, and an autodoc directive each."""
        name = self.arguments[0]
        module = importlib.import_module(name)
        excluded = self.options.get("exclude", "").split()
        names = [each for each in module.__all__ if each not in excluded and _is_documented(module, each)]
        until = self.options.get("inherited-until", "")
        summary, lines = _described([f"{name}.{each}" for each in names], inherited_until=until)
        summary = [] if "no-summary" in self.options else [*summary, ""]
        lines = [] if "summary-only" in self.options else lines
        return "\n".join([*summary, _in_rst([f".. py:module:: {name}", "", *lines])])


class Objects(Generated):
    """Objects by their full names, one a line: a summary table if there are several, then each in full."""

    required_arguments = 0
    has_content = True
    option_spec = {"no-members": directives.flag}  # noqa: RUF012

    def text(self) -> str:
        """A table, and an autodoc directive each."""
        names = [line.strip() for line in self.content if line.strip()]
        members = "no-members" not in self.options
        summary, lines = _described(names, members=members)
        return "\n".join([*(summary if members and len(names) > 1 else []), "", _in_rst(lines)])


class Alias(Generated):
    """A type alias, with its value and a description."""

    has_content = True

    def text(self) -> str:
        """One `py:data`."""
        name = self.arguments[0]
        module, _, last = name.rpartition(".")
        value = stringify_annotation(getattr(importlib.import_module(module), last))
        value = re.sub(r"\b(\w+\.)+", "", value)  # without modules, as in signatures
        lines = [f".. py:currentmodule:: {module}", "", f".. py:data:: {last}", f"   :value: {value}", ""]
        return _in_rst([*lines, *(f"   {line}" for line in self.content)])


def _described(
    names: list[str], *, members: bool = True, inherited_until: str = ""
) -> tuple[list[str], list[str]]:
    """A summary table of objects in Markdown, and the directives that describe them.

    A class has members of its bases as well, if the name of the first base without them is given.
    """
    table, lines = ["| name | |", "|---|---|"], []
    for name in names:
        module, _, last = name.rpartition(".")
        thing = getattr(importlib.import_module(module), last)
        table.append(f"| {{py:obj}}`{last} <{name}>` | {_first_line(thing)} |")
        options = [":members:"] if members and isinstance(thing, type) else []
        if options and inherited_until:
            options.append(f":inherited-members: {inherited_until}")
        lines += [f".. {_kind(thing)}:: {name}", *(f"   {option}" for option in options), ""]
    return table, lines


def _first_line(thing: object) -> str:
    """The first line of a docstring; nothing for a value, whose docstring is that of its class."""
    has_own = isinstance(thing, type) or inspect.isfunction(thing)
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("|", r"\|") if has_own else ""


def _is_documented(module: ModuleType, name: str) -> bool:
    return not name.startswith("_") and not isinstance(getattr(module, name), ModuleType)


def _kind(thing: object) -> str:
    if not isinstance(thing, type):
        return "autofunction" if inspect.isfunction(thing) else "autodata"
    return "autoexception" if issubclass(thing, BaseException) else "autoclass"


class ErrorTree(Generated):
    """The classes of a module of errors, as a tree."""

    def text(self) -> str:
        """A nested list."""
        module = importlib.import_module(self.arguments[0])
        classes = [getattr(module, name) for name in module.__all__]
        roots = [each for each in classes if not any(base in classes for base in each.__bases__)]
        return "\n".join(self._branch(roots, classes, ""))

    def _branch(self, level: list[type], classes: list[type], indent: str) -> Iterator[str]:
        for each in level:
            yield f"{indent}- `{each.__name__}`: {_first_line(each)}"
            below = [sub for sub in classes if sub.__bases__[0] is each]
            yield from self._branch(below, classes, indent + "  ")


class Commands(Generated):
    """The help of each command, as it is printed."""

    required_arguments = 0

    def text(self) -> str:
        """A section each."""
        return "\n\n".join(
            f"## `{' '.join(path)}`\n\n```text\n{text}\n```"
            for path, text in _commands(main, ["python -m toolkit"])
        )


def _commands(command: click.Command, path: list[str]) -> Iterator[tuple[list[str], str]]:
    with command.make_context(" ".join(path), [], resilient_parsing=True) as context:
        yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _commands(below, [*path, name])


_STYLE = Config(napoleon_custom_sections=[("Attributes", "params_style")])
_ASTERISK = re.compile(r"(?<!\*)\*(?!\*)(?=[^`]*(?:`[^`]*`[^`]*)*$)")  # outside of backticks


def index_methods(app: Sphinx, document: nodes.document) -> None:
    """Make each section with a name such as `link.spot.rebates` the target of links to this method.

    The pages about endpoints are plain Markdown, without directives.
    """
    for section in document.findall(nodes.section):
        name = section[0].astext()
        if re.fullmatch(r"(link|ops)(\.\w+){2}", name):
            app.env.domains.python_domain.note_object(name, "method", section["ids"][0], location=section)
    for table in document.findall(nodes.table):
        if next(table.findall(nodes.entry)).astext() == "method":
            table["classes"].append("endpoints")  # for its style


def as_rst(  # noqa: PLR0917 - as autodoc calls it
    app: Sphinx, what: str, name: str, thing: object, options: Any, lines: list[str]
) -> None:
    """Turn a docstring into reStructuredText: escape asterisks, and keep indented lists."""
    written, inner = [], None
    if what == "class" and not _is_made_by_users(name, thing):
        lines[:] = _without_arguments(lines)
    for line in lines:
        text = line.lstrip()
        indent = len(line) - len(text)
        if text.startswith("- "):
            inner = indent + 2
        elif not text or (inner is not None and indent < inner):
            inner = None
        elif inner is not None:
            indent = inner
        written.append(" " * indent + _ASTERISK.sub(r"\\*", text))
    # napoleon would take the text before the first colon of a value's docstring for its type.
    kind = "method" if what in ("attribute", "data", "property") else what
    lines[:] = GoogleDocstring(written, _STYLE, app, kind, name, thing, options).lines()


def _is_made_by_users(name: str, thing: object) -> bool:
    """Whether the signature of a class says something to users.

    It does for types with fields. Other types under `toolkit.types` are returned by methods.
    """
    return not name.startswith("toolkit.types.") or is_dataclass(thing) or hasattr(thing, "_fields")


def hide_constructor(  # noqa: PLR0917 - as autodoc calls it
    app: Sphinx, what: str, name: str, thing: object, options: Any, signature: str, returns: str
) -> tuple[str, str | None] | None:
    """Leave out the arguments of classes that users do not create."""
    return ("", None) if what == "class" and not _is_made_by_users(name, thing) else None


def _without_arguments(lines: list[str]) -> list[str]:
    """A docstring without its section `Args:`."""
    if "Args:" not in lines:
        return lines
    start = lines.index("Args:")
    rest = (number for number, line in enumerate(lines[start + 1 :], start + 1) if re.match(r"\S", line))
    return lines[:start] + lines[next(rest, len(lines)) :]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    # An alias that is part of another type, as in `Numbers | None`, is shown by the repr of its stand-in.
    TypeAliasForwardRef.__repr__ = lambda alias: alias.name
    app.add_directive("public-names", PublicNames)
    app.add_directive("objects", Objects)
    app.add_directive("alias", Alias)
    app.add_directive("error-tree", ErrorTree)
    app.add_directive("commands", Commands)
    app.connect("doctree-read", index_methods)
    app.connect("autodoc-process-docstring", as_rst)
    app.connect("autodoc-process-signature", hide_constructor)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
