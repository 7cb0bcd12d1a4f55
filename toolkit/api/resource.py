"""What the namespaces of doors have in common, those for reading and those for writing."""

from __future__ import annotations

from typing import NoReturn

from toolkit.runtime.tracebacks import without_frames
from toolkit.text.suggestions import Suggests, public_methods


class LinkBound(Suggests):
    """What is bound to a connection, and so to this process: it is neither pickled nor copied.

    Keys and addresses are among the arguments of its methods: their errors show no frame below the user's.
    """

    def __init_subclass__(cls, **more: object) -> None:
        for name, method in public_methods(cls).items():
            setattr(cls, name, without_frames(method))
        super().__init_subclass__(**more)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not pickled or copied, nor are its methods: it holds an API key and "
            'open connections. Make a Link in each process, `toolkit.Link("reporting")`: all of a machine share '
            "one budget of rate limits anyway. Threads may share this one. The frames it returns can be "
            "pickled."
        )


class Namespace(LinkBound):
    """Doors that belong together, such as `link.spot`: each public method is one."""

    def __repr__(self) -> str:
        names = [name for name in dir(self) if not name.startswith("_")]
        return f"{type(self).__name__}: {', '.join(names)}"
