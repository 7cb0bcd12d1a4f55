"""The method of an endpoint: its signature, docstring and body."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scripts.generate import texts
from scripts.generate.examples import example
from toolkit.endpoints import Endpoint, Param, Write


class Argument(NamedTuple):
    """One argument of a method.

    Attributes:
        name: Its name.
        by_position: Whether it may be given by position.
        default: Its default, `inspect.Parameter.empty` where it has none.
        annotation: Its type.
    """

    name: str
    by_position: bool
    default: object
    annotation: str

    def __str__(self) -> str:
        default = "" if self.default is inspect.Parameter.empty else f" = {_source(self.default)}"
        return f"{self.name}: {self.annotation}{default}"


def signature(endpoint: Endpoint) -> list[Argument]:
    """The arguments of its method, without `self`."""
    given = [_argument(endpoint, param) for param in texts.params(endpoint)]
    if isinstance(endpoint, Write):
        if endpoint.confirm:
            given.append(Argument("confirm", False, "", "str | int"))
        if endpoint.suffixed_argument:
            given.append(Argument("unique_suffix", False, False, "bool"))
        given.append(Argument("idempotency_key", False, None, "str | None"))
        return given
    if endpoint.window:
        given += [Argument("start", False, None, "When"), Argument("end", False, None, "When")]
    given.append(Argument("numbers", False, None, "Numbers | None"))
    if texts.shows_emails(endpoint):
        given.append(Argument("emails", False, None, "Emails | None"))
    return given


def _argument(endpoint: Endpoint, param: Param) -> Argument:
    # A write sends nothing that the caller did not give, so it has no defaults of the exchange.
    default: object = None if isinstance(endpoint, Write) else param.default
    kind = _annotation(param)
    if param.is_required:
        default = inspect.Parameter.empty
    elif default is None and param.kind != "time":
        kind += " | None"
    return Argument(param.name, texts.is_positional(endpoint, param), default, kind)


# Nobody reads a signature with more; the documentation of the argument says which words there are.
_MAX_LISTED_CHOICES = 20


def _annotation(param: Param) -> str:
    one = _annotation_of_one(param)
    return f"{one} | Sequence[{one}]" if param.several else one


def _annotation_of_one(param: Param) -> str:
    if 0 < len(param.choices) <= _MAX_LISTED_CHOICES:
        return f"Literal[{', '.join(_source(allowed_value(*choice)) for choice in param.choices.items())}]"
    return {
        "flag": "bool",
        "integer": "int",
        "id": "str | int",
        "time": "When",
        "amount": "Amount",
        "rate": "Amount",
        "addresses": "str | Sequence[str]",
        "texts": "Sequence[str]",
    }.get(param.kind, "str")


def allowed_value(word: str, sent: int | str) -> int | str:
    """What a user passes for a choice: its word, or the number that is sent where the word is only that."""
    return sent if word == str(sent) else word


def _source(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def parameters(endpoint: Endpoint) -> list[str]:
    """The parameters as they are written in a signature, with `*` where names are required."""
    written: list[str] = []
    for argument in signature(endpoint):
        if not argument.by_position and "*" not in written:
            written.append("*")
        written.append(str(argument))
    return written


def docstring(endpoint: Endpoint) -> str:
    """The docstring of its method, without indentation."""
    if isinstance(endpoint, Write):
        outcome = "An `Outcome`; from `ops.preview`, a `Preview`. "
        if endpoint.columns:
            returns = _items([outcome + "When confirmed, its `frame` has the columns"])
        else:
            returns = _items([outcome + "Its `frame` is empty, like the response."])
    else:
        returns = ["    A DataFrame with the columns"]
    columns = [f"- {column.name} ({column.kind}): {column.doc}" for column in endpoint.columns]
    return _paragraphs(
        [endpoint.summary],
        _wrapped(texts.request(endpoint)),
        _wrapped(texts.notes(endpoint)),
        ["Example:", *(f"    {line}" for line in example(endpoint))],
        ["Args:", *_described(texts.arguments(endpoint))],
        ["Returns:", *returns, *(["", *_items(columns)] if columns else [])],
        ["Raises:", *_described(texts.raises(endpoint))],
        [f"Source: {endpoint.source}"],
    )


def source(endpoint: Endpoint, constant: str) -> str:
    """The code of its method, before formatting.

    Args:
        endpoint: The endpoint.
        constant: The name under which the module of the method has its declaration.
    """
    given = ", ".join(f'"{param.name}": {param.name}' for param in texts.params(endpoint))
    passed = f"{constant}, {{{given}}}"
    if isinstance(endpoint, Write):
        returns, body = "T", f"self._run({passed}, CallOptions({_options(endpoint)}))"
    else:
        span = ", start=start, end=end" if endpoint.window else ""
        emails = ", emails=emails" if texts.shows_emails(endpoint) else ""
        returns, body = "pd.DataFrame", f"self._fetch({passed}{span}, numbers=numbers{emails})"
    doc = textwrap.indent(docstring(endpoint), "        ").strip()
    return (
        f"    def {endpoint.name}({', '.join(['self', *parameters(endpoint)])}) -> {returns}:\n"
        f'        """{doc}\n        """\n'
        f"        return {body}\n"
    )


def _options(write: Write) -> str:
    if write.suffixed_argument:
        return "idempotency_key, unique_suffix=unique_suffix"
    return "idempotency_key, str(confirm)" if write.confirm else "idempotency_key"


def _paragraphs(*paragraphs: list[str]) -> str:
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 98, break_long_words=False, break_on_hyphens=False)


def _described(words: Mapping[str, str]) -> list[str]:
    return _items(f"{name}: {text}" for name, text in words.items())


def _items(items: Iterable[str]) -> list[str]:
    lines = []
    for text in items:
        lines += textwrap.wrap(
            text,
            98,
            initial_indent="    ",
            subsequent_indent="        ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    return lines
