"""Who may import whom. The table is the design; the import statements of every module are read against it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import PACKAGE

# layer: the layers of ours that it may import, itself apart.
LAYERS: dict[str, set[str]] = {
    "_version": set(),
    "interruptions": set(),
    "runtime": {"interruptions"},
    "storage": {"interruptions", "errors", "catalogue"},
    "errors": {"printable", "suggestions"},
    "tracebacks": {"errors", "suggestions"},
    "catalogue": set(),
    "privacy": {"printable", "catalogue"},
    "characters": set(),
    "wire": {
        "errors",
        "catalogue",
        "privacy",
        "_version",
        "storage",
        "printable",
        "decimals",
        "suggestions",
        "tracebacks",
        "interruptions",
    },
    "plan": {"errors", "catalogue", "characters", "suggestions", "moments"},
    "question": {"catalogue", "privacy"},
    "repeats": set(),
    "frames": {"errors", "catalogue", "privacy", "question", "repeats", "amounts"},
    "inference": {"errors", "catalogue", "privacy", "decimals"},
    "fetch": {
        "runtime",
        "errors",
        "catalogue",
        "characters",
        "privacy",
        "plan",
        "wire",
        "question",
        "frames",
        "inference",
        "storage",
        "printable",
        "suggestions",
        "tracebacks",
        "interruptions",
    },
    "operations": {
        "runtime",
        "display",
        "errors",
        "catalogue",
        "privacy",
        "plan",
        "fetch",
        "wire",
        "frames",
        "characters",
        "storage",
        "printable",
        "decimals",
        "suggestions",
        "tracebacks",
        "interruptions",
    },
    "keys": {
        "errors",
        "catalogue",
        "wire",
        "storage",
        "printable",
        "suggestions",
        "tracebacks",
        "interruptions",
    },
    "doctor": {
        "storage",
        "display",
        "errors",
        "catalogue",
        "privacy",
        "fetch",
        "wire",
        "frames",
        "operations",
        "_version",
        "printable",
        "suggestions",
        "interruptions",
    },
    "link": {
        "errors",
        "catalogue",
        "privacy",
        "plan",
        "wire",
        "frames",
        "fetch",
        "keys",
        "operations",
        "doctor",
        "printable",
        "suggestions",
        "tracebacks",
    },
    "charts": {
        "errors",
        "printable",
        "suggestions",
        "interruptions",
    },
    "export": {"errors", "_version"},
    "panels": {
        "display",
        "storage",
        "errors",
        "link",
        "charts",
        "privacy",
        "printable",
        "wire",
        "fetch",
        "decimals",
        "suggestions",
        "interruptions",
    },
    "sandbox": {"storage", "catalogue", "decimals"},
    "printable": set(),
    "display": {"printable"},
    "decimals": set(),
    "amounts": {"errors", "decimals", "suggestions"},
    "listing": {"catalogue", "suggestions"},
    "demo": {"errors", "catalogue", "privacy", "wire", "frames", "link", "sandbox", "suggestions"},
    "suggestions": set(),
    "moments": set(),
    "lab": {"errors"},
}
EVERYTHING = {"__init__", "__main__"}  # the front doors may import any layer, and no layer imports them

# layer: libraries that it must not import, not even late.
HTTP = {"requests", "urllib3", "http", "urllib.request", "socket"}
FORBIDDEN: dict[str, set[str]] = {
    "storage": {*HTTP, "pandas", "pyarrow"},
    "suggestions": {*HTTP, "pandas"},
    "moments": {*HTTP, "sqlite3"},
    "interruptions": {*HTTP, "pandas", "sqlite3"},
    "runtime": {*HTTP, "pandas", "sqlite3"},
    "errors": HTTP,
    "tracebacks": HTTP,
    "emails": {*HTTP, "pandas"},
    "decimals": {*HTTP, "pandas", "pyarrow"},
    "amounts": {*HTTP, "sqlite3"},
    "catalogue": {*HTTP, "pandas", "pyarrow", "matplotlib", "ipywidgets", "tornado"},
    "plan": {*HTTP, "sqlite3"},
    "question": {*HTTP, "sqlite3"},
    "repeats": {*HTTP, "sqlite3"},
    "frames": {*HTTP, "sqlite3"},
    "inference": {*HTTP, "sqlite3"},
    "fetch": HTTP,
    "operations": HTTP,  # the journal is kept by sqlite3; all that is sent goes through wire
    "keys": HTTP,
    "doctor": HTTP,
    "link": HTTP,
    "charts": {*HTTP, "ipywidgets"},
    "display": {*HTTP, "pandas", "ipywidgets"},
    "panels": HTTP,
    "sandbox": {"requests", "urllib3"},
    "lab": {"pandas", "requests"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_no_module_stands_beside_a_package_of_its_name() -> None:
    """Python takes the package: what is in the module would never run, and nobody would notice."""
    assert [path for path in modules() if path.with_suffix("").is_dir()] == []


def layer_of(path: Path) -> str:
    """The layer of a module: the first name under `toolkit`."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(source: str, package: str) -> Iterator[str]:
    """The full name of everything that the source imports, wherever the statement stands.

    Args:
        source: The text of a module.
        package: The package that the module is in, against which relative imports count.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def offences(source: str, layer: str, package: str = "toolkit") -> list[str]:
    """What a module of this layer imports and must not."""
    if layer in EVERYTHING:
        return []
    if layer not in LAYERS:
        return [f"{layer} is in no row of the table"]
    found = []
    for name in imports(source, package):
        top, _, rest = name.partition(".")
        if top == "toolkit":
            target = rest.split(".")[0]
            if target not in LAYERS:
                found.append(f"{layer} imports {name}: the front door, where it should name a layer")
            elif target != layer and target not in LAYERS[layer]:
                found.append(f"{layer} imports {name}")
        elif any(f"{name}.".startswith(f"{library}.") for library in FORBIDDEN.get(layer, set())):
            found.append(f"{layer} imports {name}")
    return found


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).parent.parts)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_imports_only_what_its_layer_may(path: Path) -> None:
    assert offences(path.read_text(encoding="utf-8"), layer_of(path), package_of(path)) == []


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("sandbox", "from toolkit.auth.signing import sign"),
        ("sandbox", "from toolkit import wire"),
        ("sandbox", "def f():\n    import toolkit.client as link"),
        ("sandbox", "import toolkit.frames.builder"),
        ("sandbox", "import toolkit.planning"),
        ("sandbox", "import toolkit.fetch"),
        ("panels", "import requests"),
        ("panels", "def late():\n    from requests import Session"),
        ("panels", "import urllib.request as web"),
        ("panels", "from urllib import request"),
        ("panels", "from toolkit.frames.builder import Gathering"),
        ("operations", "import requests"),
        ("operations", "def late():\n    import socket"),
        ("operations", "from urllib3 import PoolManager"),
        ("catalogue", "from toolkit import errors"),
        ("errors", "from toolkit.endpoints import ENDPOINTS"),
        ("plan", "from toolkit.timing.clock import Clock"),
        ("wire", "from toolkit import Link"),
        ("wire", "import toolkit"),
        ("wire", "if TYPE_CHECKING:\n    from toolkit.client import Link"),
        ("lab", "from toolkit.sandbox import serve_forever"),
        ("storage", "from toolkit.timing.clock import Clock"),
        ("storage", "import requests"),
        ("newcomer", "import json"),
    ],
)
def test_a_wrong_import_is_found(layer: str, source: str) -> None:
    assert len(offences(source, layer)) == 1


def test_a_relative_import_is_no_way_round() -> None:
    assert offences("from ..wire import signing", "sandbox", "toolkit.sandbox") == [
        "sandbox imports toolkit.auth.signing"
    ]
    assert offences("from .world import seed", "sandbox", "toolkit.sandbox") == []


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("fetch", "from toolkit.planning import plan"),
        ("operations", "import sqlite3"),
        ("sandbox", "from toolkit.endpoints.model import Endpoint"),
        ("panels", "from urllib.parse import urlsplit"),
        ("demo", "def demo():\n    from toolkit.sandbox import start"),
        ("__init__", "from toolkit.client import Link"),
    ],
)
def test_a_right_import_passes(layer: str, source: str) -> None:
    assert offences(source, layer) == []


def test_the_table_has_no_circle() -> None:
    order: list[str] = []
    left = dict(LAYERS)
    while left:
        ready = sorted(layer for layer, below in left.items() if below <= set(order))
        assert ready, f"these import one another: {sorted(left)}"
        order += ready
        left = {layer: below for layer, below in left.items() if layer not in ready}
