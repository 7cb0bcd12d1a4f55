"""The documented example response of each read, one file an endpoint.

A file has one object: the examples by name, the first one is what the documentation of the endpoint shows.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def example_of(qualified_name: str) -> object | None:
    """The documented example of an endpoint's response, None if there is none."""
    file = files(__name__).joinpath(f"{qualified_name}.json")
    if not file.is_file():
        return None
    examples: dict[str, object] = json.loads(file.read_text(encoding="utf-8"))
    return next(iter(examples.values()))
