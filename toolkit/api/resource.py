"""Base classes of the resources of a `Link` and of its `operations()`."""

from __future__ import annotations

from typing import NoReturn

from toolkit.runtime.tracebacks import without_frames
from toolkit.text.suggestions import Suggests, public_methods


class LinkBound(Suggests):
    """An object bound to the connections of a `Link`, and so to this process: it cannot be pickled or copied.

    Arguments of its methods include keys and e-mail addresses, so tracebacks of its errors end at the
    user's own frame.
    """

    def __init_subclass__(cls, **more: object) -> None:
        for name, method in public_methods(cls).items():
            setattr(cls, name, without_frames(method))
        super().__init_subclass__(**more)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied, nor can its methods: it holds an API key "
            'and open connections. Make a Link in each process, `toolkit.Link("reporting")`: all processes '
            "of this machine share one budget of rate limits anyway. Threads can share one Link. The frames "
            "it returns can be pickled."
        )


class Resource(LinkBound):
    """A group of endpoints, such as `link.spot`: each public method calls one endpoint."""

    def __repr__(self) -> str:
        names = [name for name in dir(self) if not name.startswith("_")]
        return f"{type(self).__name__}: {', '.join(names)}"
