"""Who may import whom. The rows are the design; every import statement is read against them."""

from __future__ import annotations

import ast
import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import PACKAGE

# From the top: a module may import from the rows below its own, and from its own package.
ROWS: list[set[str]] = [
    {"__main__"},
    {"__init__"},
    {"types", "commands"},
    {"panels", "charts", "demo", "lab"},
    {"analytics"},
    {"exports"},
    {"client", "sandbox"},
    {"api", "doctor"},
    {"writes"},
    {"fetch"},
    {"gateway"},
    {"transport", "auth", "ratelimit"},
    {"storage", "display", "planning", "frames"},
    {"timing", "redaction", "amounts"},
    {"runtime"},
    {"endpoints", "errors"},
    {"text", "_version"},
]
# What takes less than the rows would let it.
ONLY: dict[str, set[str]] = {
    "sandbox": {"endpoints", "runtime"},  # it shares facts with the client, never behaviour
    "lab": set(),  # a program of its own
    "charts": {"errors", "runtime", "text"},  # they draw any frame, whoever fetched it
    "panels": {"client", "display", "errors", "fetch", "ratelimit", "redaction", "runtime", "text"},
    "endpoints": {"text"},
    "display": {"runtime", "text"},
}
# Libraries that a layer must not import, not even late.
HTTP = {"requests", "urllib3", "http", "urllib.request", "socket"}
NOTEBOOK = {"ipywidgets", "IPython", "matplotlib"}
FORBIDDEN: dict[str, set[str]] = {
    "text": {*HTTP, *NOTEBOOK, "pandas", "sqlite3"},
    "runtime": {*HTTP, "pandas", "sqlite3"},
    "errors": {*HTTP, *NOTEBOOK},
    "endpoints": {*HTTP, *NOTEBOOK, "pyarrow", "sqlite3", "tornado"},
    "redaction": {*HTTP, *NOTEBOOK, "sqlite3"},
    "timing": {*HTTP, *NOTEBOOK, "pandas", "sqlite3"},
    "amounts": {*HTTP, *NOTEBOOK, "sqlite3"},
    "storage": {*HTTP, *NOTEBOOK, "pandas", "pyarrow"},
    "planning": {*HTTP, *NOTEBOOK, "sqlite3"},
    "frames": {*HTTP, *NOTEBOOK, "sqlite3"},
    "display": {*HTTP, *NOTEBOOK},
    "ratelimit": {*HTTP, *NOTEBOOK},
    "auth": HTTP,
    "gateway": {*HTTP, *NOTEBOOK},
    "fetch": HTTP,
    "writes": HTTP,  # the journal is kept by sqlite3; all that is sent goes through the gateway
    "api": HTTP,
    "doctor": HTTP,
    "client": HTTP,
    "exports": {*HTTP, *NOTEBOOK, "sqlite3"},  # files are written and read back, whoever fetched the frame
    "analytics": {*HTTP, *NOTEBOOK, "sqlite3"},  # frames in, frames out; what is fetched comes from a Link
    "commands": {*HTTP, *NOTEBOOK, "sqlite3"},  # they ask a Link, and leave files to `exports`
    "charts": {*HTTP, "ipywidgets"},
    "panels": HTTP,
    "sandbox": {"requests", "urllib3", *NOTEBOOK},
    "lab": {"pandas", "requests"},
}
RANK = {layer: rank for rank, row in enumerate(ROWS) for layer in row}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


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


def may_import(layer: str, other: str) -> bool:
    """Whether a module of one layer may import from the other."""
    if layer == other:
        return True
    return RANK[layer] < RANK[other] and other in ONLY.get(layer, RANK)


def violations(source: str, layer: str, package: str = "toolkit") -> list[str]:
    """What a module of this layer imports and must not."""
    if layer not in RANK:
        return [f"{layer} is in no row"]
    found = []
    for name in imports(source, package):
        top, _, rest = name.partition(".")
        if top == "toolkit":
            other = rest.split(".")[0]
            if layer in ROWS[0] | ROWS[1]:
                continue
            if other not in RANK:
                found.append(f"{layer} imports {name}: the top of the package, where it should name a layer")
            elif not may_import(layer, other):
                found.append(f"{layer} imports {name}")
        elif any(f"{name}.".startswith(f"{library}.") for library in FORBIDDEN.get(layer, set())):
            found.append(f"{layer} imports {name}")
    return found


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).parent.parts)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_imports_only_from_below(path: Path) -> None:
    assert violations(path.read_text(encoding="utf-8"), layer_of(path), package_of(path)) == []


def test_the_rows_are_the_layers_that_there_are() -> None:
    """A row that guards nothing would not be missed."""
    assert sum(len(row) for row in ROWS) == len(RANK), "each layer is in one row"
    assert set(RANK) == {layer_of(path) for path in modules()}
    assert set(ONLY) | set(FORBIDDEN) <= set(RANK)
    assert set().union(*ONLY.values()) <= set(RANK)


@pytest.mark.parametrize("layer", ONLY)
def test_what_a_layer_is_restricted_to_it_needs(layer: str) -> None:
    taken = {
        name.split(".")[1]
        for path in modules()
        if layer_of(path) == layer
        for name in imports(path.read_text(encoding="utf-8"), package_of(path))
        if name.startswith("toolkit.")
    }
    assert taken - {layer} == ONLY[layer]


def test_no_module_stands_beside_a_package_of_its_name() -> None:
    """Python takes the package: what is in the module would never run, and nobody would notice."""
    assert [path for path in modules() if path.with_suffix("").is_dir()] == []


def test_no_two_classes_have_one_name() -> None:
    """Who reads a name in a traceback or an annotation knows which class it is."""
    names = Counter(
        node.name
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, number in names.items() if number > 1] == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_names_with_an_underscore_stay_in_their_module(path: Path) -> None:
    own = package_of(path)
    private = [
        name
        for name in imports(path.read_text(encoding="utf-8"), own)
        if name.startswith("toolkit.") and name.rpartition(".")[2].startswith("_")
    ]
    # A package whose modules themselves are private, as those of `charts`, may use them.
    assert [name for name in private if "__" not in name and not is_module(name, own)] == []


def is_module(name: str, package: str) -> bool:
    """Whether a name is that of a module in this very package."""
    parent, _, last = name.rpartition(".")
    return parent == package and (PACKAGE.parent / parent.replace(".", "/") / f"{last}.py").exists()


@pytest.mark.parametrize(
    "path", [path for path in modules() if path.name == "__init__.py"], ids=lambda path: path.parent.name
)
def test_a_package_hands_on_no_names_of_another(path: Path) -> None:
    """Where a name comes from is seen at its import; only `toolkit` itself gathers names, for users."""
    package = importlib.import_module(package_of(path))
    if package.__name__ == "toolkit":
        return
    for name in getattr(package, "__all__", ()):
        home = getattr(getattr(package, name), "__module__", None)
        if isinstance(home, str) and home.startswith("toolkit."):
            assert home.split(".")[1] == package.__name__.split(".")[1], name


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("sandbox", "from toolkit.auth.signing import sign"),
        ("sandbox", "from toolkit import transport"),
        ("sandbox", "def f():\n    import toolkit.client as link"),
        ("sandbox", "import toolkit.frames.builder"),
        ("sandbox", "import toolkit.storage"),
        ("panels", "import requests"),
        ("panels", "def late():\n    from requests import Session"),
        ("panels", "import urllib.request as web"),
        ("panels", "from urllib import request"),
        ("panels", "from toolkit.transport.session import Session"),
        ("writes", "import requests"),
        ("writes", "def late():\n    import socket"),
        ("writes", "from urllib3 import PoolManager"),
        ("writes", "from toolkit.api.writes.operations import Operations"),
        ("endpoints", "from toolkit import errors"),
        ("errors", "from toolkit.endpoints import ENDPOINTS"),
        ("planning", "from toolkit.fetch.fetcher import Fetcher"),
        ("transport", "from toolkit.ratelimit.budget import Budget"),
        ("ratelimit", "from toolkit.gateway.sender import Sender"),
        ("gateway", "from toolkit import Link"),
        ("gateway", "import toolkit"),
        ("gateway", "if TYPE_CHECKING:\n    from toolkit.client import Link"),
        ("lab", "from toolkit.sandbox import serve_forever"),
        ("storage", "import requests"),
        ("newcomer", "import json"),
    ],
)
def test_a_wrong_import_is_found(layer: str, source: str) -> None:
    assert len(violations(source, layer)) == 1


def test_a_relative_import_is_no_way_round() -> None:
    assert violations("from ..auth import signing", "sandbox", "toolkit.sandbox") == [
        "sandbox imports toolkit.auth.signing"
    ]
    assert violations("from .world import seed", "sandbox", "toolkit.sandbox") == []


@pytest.mark.parametrize(
    ("layer", "source"),
    [
        ("fetch", "from toolkit.planning import Plan"),
        ("writes", "import sqlite3"),
        ("sandbox", "from toolkit.endpoints.model import Endpoint"),
        ("panels", "from urllib.parse import urlsplit"),
        ("demo", "def demo():\n    from toolkit.sandbox import Sandbox"),
        ("__init__", "from toolkit.client import Link"),
    ],
)
def test_a_right_import_passes(layer: str, source: str) -> None:
    assert violations(source, layer) == []
