"""The files of the project are consistent with each other."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import json
import re
import socket
import subprocess
import sys
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from tests.support.paths import NOTEBOOKS, ROOT

CONDA_NAMES = {"matplotlib": "matplotlib-base"}
TOP_LEVEL = {
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    "Makefile",
    "environment.yml",
    "pyproject.toml",
    ".ci",
    ".gitignore",
    ".pre-commit-config.yaml",
    "docs",
    "notebooks",
    "scripts",
    "tests",
    "toolkit",
}
HEAVY = {
    "matplotlib",
    "jinja2",
    "ipywidgets",
    "tornado",
    "IPython",
    "jupyterlab",
    "zmq",
    "click",
    "http.server",
}


@cache
def pyproject() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked() -> tuple[str, ...]:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout, so nothing says which files are the project's")
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def requirement(text: str) -> tuple[str, frozenset[str]]:
    """Name and version bounds of `pandas>=2.2,<4`."""
    name, bounds = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", text).groups()
    return name.lower(), frozenset(bound.replace(" ", "") for bound in bounds.split(",") if bound)


def test_conda_and_pip_have_the_same_requirements() -> None:
    project = pyproject()["project"]
    by_name = dict(map(requirement, project["dependencies"]))
    expected = {CONDA_NAMES.get(name, name): bounds for name, bounds in by_name.items()}
    expected["python"] = requirement(f"python{project['requires-python']}")[1]
    expected["pip"] = frozenset()

    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    listed = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    by_pip = [entry for entry in environment["dependencies"] if not isinstance(entry, str)]

    assert dict(map(requirement, listed)) == expected
    assert by_pip == [{"pip": ["-e ."]}]
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert environment["name"] == project["name"]


# Versions of requirements that were yanked, or have no wheels.
YANKED = {
    "requests": ("2.32", "2.32.0", "2.32.1"),
    "matplotlib": ("3.9.1",),
    "psutil": ("5.9", "5.9.0", "5.9.1"),
}


def test_the_lowest_versions_can_be_installed() -> None:
    lowest = {
        name: bound.removeprefix(">=")
        for name, bounds in map(requirement, pyproject()["project"]["dependencies"])
        for bound in bounds
        if bound.startswith(">=")
    }
    assert set(YANKED) <= set(lowest)
    assert {name for name, versions in YANKED.items() if lowest[name] in versions} == set()


def test_the_version_is_in_one_place() -> None:
    import toolkit

    assert toolkit.__version__ == importlib.metadata.version("binance-link-toolkit")
    notes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = notes.split("\n## [")[1]
    assert newest.startswith(f"{toolkit.__version__}]") or f"version {toolkit.__version__}" in newest
    code = [name for name in tracked() if name.endswith((".py", ".toml", ".yml"))]
    repeated = [name for name in code if f'"{toolkit.__version__}"' in (ROOT / name).read_text("utf-8")]
    assert repeated == ["toolkit/_version.py"]


def test_files_that_are_not_python_are_shipped() -> None:
    """Hatch puts every tracked file under `toolkit/` into the wheel."""
    shipped = {name.removeprefix("toolkit/") for name in tracked() if name.startswith("toolkit/")}
    assert {
        "py.typed",
        "display/style.css",
        "display/templates/result.html.jinja",
        "lab/config/labconfig/page_config.json",
        "lab/config/jupyter_lab_config.json",
        "lab/shells/bashrc",
        "sandbox/examples/spot.rebates.json",
    } <= shipped
    assert [name for name in shipped if not files("toolkit").joinpath(name).is_file()] == []


def test_the_top_level_has_only_known_entries() -> None:
    assert {name.split("/")[0] for name in tracked()} <= TOP_LEVEL


def notebooks() -> list[Path]:
    return sorted(NOTEBOOKS.rglob("[!.]*.ipynb"))


def left_in(notebook: dict[str, object]) -> list[str]:
    """Leftovers of running a notebook, which should not be committed."""
    found = [f"metadata.{name}" for name in ("widgets", "signature") if name in notebook["metadata"]]
    for number, cell in enumerate(notebook["cells"], 1):
        found += [f"cell {number}: {name}" for name in ("outputs", "execution_count") if cell.get(name)]
        found += [f"cell {number}: metadata.execution"] * ("execution" in cell["metadata"])
    return found


def test_notebooks_are_stored_without_leftovers() -> None:
    left = {path.name: left_in(json.loads(path.read_text(encoding="utf-8"))) for path in notebooks()}
    assert {name: found for name, found in left.items() if found} == {}


def test_every_notebook_names_the_default_kernel() -> None:
    metadata = {path.name: json.loads(path.read_text("utf-8"))["metadata"] for path in notebooks()}
    kernels = {name: found.get("kernelspec", {}).get("name") for name, found in metadata.items()}
    assert set(kernels.values()) <= {"python3"}, kernels


def test_leftovers_of_running_a_notebook_are_found() -> None:
    ran = {"metadata": {}, "outputs": [{"output_type": "stream"}], "execution_count": 1}
    notebook = {"metadata": {"widgets": {}}, "cells": [{"metadata": {}}, ran]}
    assert left_in(notebook) == ["metadata.widgets", "cell 2: outputs", "cell 2: execution_count"]


def test_no_file_names_a_package_registry() -> None:
    hosts = ["py" + "pi.org", "pythonhosted" + ".org", "registry." + "npmjs", "conda." + "anaconda.org"]
    named = []
    for name in tracked():
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        named += [f"{name}: {host}" for host in hosts if host in text]
    assert named == []


def test_importing_the_toolkit_stays_light() -> None:
    """Checked in a new interpreter, because this one has loaded them."""
    look = f"import sys, toolkit; print(*({HEAVY!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, check=True, text=True)
    assert ran.stdout.split() == []


def test_the_make_targets_of_the_documents_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert {"lab", "test", "notebooks", "docs", "bench", "lint", "interop", "clean", "help"} <= targets

    named = set()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        text = path.read_text("utf-8")
        named |= set(re.findall(r"(?<=`)make ([a-z-]+)(?=`)|^make ([a-z-]+)\b", text, re.M))
    mentioned = {name for pair in named for name in pair if name}
    assert {"lab", "test", "lint"} <= mentioned <= targets


def test_the_guard_stops_connections_to_other_machines() -> None:
    with pytest.raises(RuntimeError, match="a test"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(RuntimeError, match="a test"):
        socket.create_connection(("example.com", 80), timeout=1)
    with pytest.raises(socket.gaierror):
        socket.create_connection(("nobody.invalid", 80), timeout=1)


_REAL_CLOCKS = {"time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "perf_counter_ns"}


def asserted_seconds(source: str) -> list[int]:
    """Lines that assert seconds of a real clock, which fail on a busy machine."""

    def is_span(node: ast.AST) -> bool:
        """Whether it is a reading of a clock, or a difference of readings."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            return is_span(node.left) or is_span(node.right)
        called = node.func if isinstance(node, ast.Call) else None
        if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
            return False
        return called.value.id == "time" and called.attr in _REAL_CLOCKS

    found = set()
    for scope in ast.walk(ast.parse(source)):
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        nodes = list(ast.walk(scope))
        spans = {
            target.id
            for each in nodes
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.BinOp) and is_span(each.value)
            for target in each.targets
            if isinstance(target, ast.Name)
        }
        for each in nodes:
            for compared in ast.walk(each.test) if isinstance(each, ast.Assert) else ():
                sides = [compared.left, *compared.comparators] if isinstance(compared, ast.Compare) else []
                if any(is_span(side) or (isinstance(side, ast.Name) and side.id in spans) for side in sides):
                    found.add(each.lineno)
    return sorted(found)


def test_no_test_asserts_seconds_by_a_real_clock() -> None:
    exempt = ("tests/benchmarks/", "tests/endurance/")
    paths = [name for name in tracked() if name.startswith("tests/") and name.endswith(".py")]
    found = {
        name: lines
        for name in paths
        if not name.startswith(exempt) and (lines := asserted_seconds((ROOT / name).read_text("utf-8")))
    }
    assert found == {}


def test_asserted_seconds_are_found() -> None:
    source = """
def test(clock):
    began = time.monotonic()
    assert time.monotonic() - began < 5
    took = time.perf_counter() - began
    assert took < 2, "too long"
    assert clock.monotonic() - began < 5
    assert began
"""
    assert asserted_seconds(source) == [4, 6]


def test_only_one_test_file_uses_its_own_path() -> None:
    """The others use `tests/support/paths.py`, so they can be moved."""
    code = [name for name in tracked() if name.startswith("tests/") and name.endswith(".py")]
    by_path = re.compile(r"Path\(__file__\)|dirname\(__file__")
    found = [name for name in code if by_path.search((ROOT / name).read_text(encoding="utf-8"))]
    assert found == ["tests/support/paths.py"]


RUN_BY_HAND = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    for pattern in ("benchmarks/bench_*.py", "endurance/endure_*.py")
    for path in (ROOT / "tests").glob(pattern)
)


@pytest.mark.parametrize("module", RUN_BY_HAND)
def test_what_only_make_runs_can_still_be_imported(module: str) -> None:
    """Nothing else would notice that a name they use has changed."""
    assert any(name.startswith("test_") for name in vars(importlib.import_module(module)))
