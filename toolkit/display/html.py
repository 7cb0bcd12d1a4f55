"""Render the templates beside this module: the only place where text becomes HTML or SVG.

Every value that a template shows is made printable and escaped, so text from outside is passed as it is. The
result of `render` may be passed to another template.
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
    """Render a template.

    Args:
        name: Its file name in `templates`.
        **values: Its variables. A missing one raises `jinja2.UndefinedError`.
    """
    from markupsafe import Markup

    return Markup(_environment().get_template(name).render(values))  # noqa: S704 - the environment escapes


@cache
def _environment() -> Environment:
    """The templates, each compiled when it is first used.

    Jinja2 is imported with the first one, so that `import toolkit` stays fast.
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
        cache_size=-1,  # a plain dict: the bounded cache has a lock, which could be held during a fork
    )
    environment.filters.clear()  # `safe` and `escape` would bypass `finalize`
    environment.globals = {"stylesheet": _stylesheet}
    return environment


@cache
def _stylesheet(part: str) -> Markup:
    """One part of the style sheet. Each output contains only the part it needs."""
    from markupsafe import Markup

    _, *pieces = _PART.split(files(__package__).joinpath("style.css").read_text(encoding="utf-8"))
    parts = dict(zip(pieces[::2], pieces[1::2], strict=True))
    return Markup(" ".join(_COMMENT.sub("", parts[part]).split()))  # noqa: S704 - a file of this package
