"""Renders the templates beside this module: the one place where text becomes HTML or SVG.

Whatever a template shows is made printable and escaped, so that none of them can forget it. Text that comes
from outside is passed as it is; what `render` returned may be passed on to another template.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from toolkit.text.printable import printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_PART = re.compile(r"^/\* part: (\w+) \*/$", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def render(name: str, **values: object) -> Markup:
    """Fill in a template.

    Args:
        name: Its file name in `templates`.
        values: What it shows. A name that is missing raises `jinja2.UndefinedError`.
    """
    from markupsafe import Markup

    return Markup(_environment().get_template(name).render(values))  # noqa: S704 - it has been escaped


@cache
def _environment() -> Environment:
    """The templates, each compiled when it is first used.

    `import toolkit` does not pay for Jinja2: it is imported with the first picture.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("toolkit.display"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else printable(str(value)),
        auto_reload=False,
        cache_size=-1,  # a plain dict: the bounded cache has a lock, which a forked child may find held
    )
    environment.filters.clear()  # no `safe` and no `escape`, which would go past `finalize`
    environment.globals = {"stylesheet": _stylesheet}
    return environment


@cache
def _stylesheet(part: str) -> Markup:
    """One part of the style sheet: every output carries its own, and none more than it needs."""
    from markupsafe import Markup

    _, *pieces = _PART.split(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))
    parts = dict(zip(pieces[::2], pieces[1::2], strict=True))
    return Markup(" ".join(_COMMENT.sub("", parts[part]).split()))  # noqa: S704 - a file of ours
