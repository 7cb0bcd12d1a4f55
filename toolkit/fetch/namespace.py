"""What the namespaces of doors have in common, those for reading and those for writing."""

from __future__ import annotations

from toolkit.errors import without_frames


class Namespace:
    """Doors that belong together, such as `link.spot`: each public method is one."""

    def __init_subclass__(cls, **more: object) -> None:
        super().__init_subclass__(**more)
        for name, door in list(vars(cls).items()):
            if not name.startswith("_"):
                setattr(cls, name, without_frames(door))  # keys and addresses are among the arguments

    def __repr__(self) -> str:
        names = [name for name in dir(self) if not name.startswith("_")]
        return f"{type(self).__name__}: {', '.join(names)}"
