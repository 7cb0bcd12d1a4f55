"""The scenes that marked secrets go through: each works with them as a user does."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tests.leaks import cells
from tests.leaks.workspace import PASSPHRASE, Workspace, run
from tests.support.paths import NOTEBOOKS
from tests.support.writes import memory_folder
from toolkit import errors
from toolkit.endpoints import ENDPOINTS, WRITES_BY_NAME
from toolkit.sandbox import World

ABSTRACT = {"ToolkitError"}


@contextmanager
def workspaces(number: int) -> Iterator[list[Workspace]]:
    with ExitStack() as stack:
        folder = stack.enter_context(memory_folder())
        folders = [folder / str(each) for each in range(number)]
        for each in folders:
            each.mkdir()
        yield [stack.enter_context(Workspace(each)) for each in folders]


def work_with_a_script(endpoints: Workspace, failures: Workspace) -> None:
    run([endpoints.run_spec("endpoints"), failures.run_spec("errors")])
    look_at_every_endpoint(endpoints)
    look_at_every_error(failures)


def look_at_every_endpoint(workspace: Workspace) -> None:
    kinds = {Path(name).suffix for name in workspace.left()}
    assert kinds >= {".csv", ".html", ".json", ".parquet", ".pickle", ".png", ".svg", ".sqlite"}
    asked = {entry.path for entry in workspace.sandbox.exchange.log if entry.status == 200}
    assert asked >= {endpoint.path for endpoint in ENDPOINTS}
    done = {effect.qualified_name for effect in workspace.sandbox.exchange.effects}
    assert set(WRITES_BY_NAME) - done == set()


def look_at_every_error(workspace: Workspace) -> None:
    left = workspace.left()
    met = set(json.loads(left["cwd/errors/met"]))
    assert set(errors.__all__) - ABSTRACT - met == set()
    assert met >= {"TypeError", "KeyboardInterrupt"}
    shown = left["cwd/shown"].decode()
    for words in (" locals ", "DEBUG:urllib3.connectionpool", " requests · ", "in thread", "Current thread"):
        assert words in shown


async def work_with_a_kernel(workspace: Workspace) -> None:
    async with cells.kernel(workspace) as kernel:
        typed = cells.answers(workspace, json.dumps(workspace.given()))
        await kernel.run(cells.CELLS, typed)
        assert next(typed, None) is None, "every prompt was reached"
        assert kernel.raised == cells.RAISED
    said = "\n".join(kernel.said)
    for words in ("SANDBOX", "text/html", "image/png", "comm_open", "urllib3.connectionpool"):
        assert words in said
    (workspace.cwd / "said").write_text(said)
    assert any(name.endswith("history.sqlite") for name in workspace.left())


async def run_notebooks(workspace: Workspace) -> None:
    """Run them on a sandbox named by the environment; some also start one of their own."""
    own = World(seed=7)
    for key in own.keys.values():
        workspace.marks.add("a key of the usual sandbox", key.key)
        workspace.marks.add("a secret of the usual sandbox", key.secret)
    for new in own.new_key():
        workspace.marks.add("a new key of the usual sandbox, or its secret", new)
    line = json.dumps(
        {
            "address": workspace.server.address,
            "key": workspace.sandbox.key,
            "secret": workspace.sandbox.secret,
        }
    )
    # The kernel chooses its own matplotlib backend.
    environment = {name: text for name, text in workspace.environment.items() if name != "MPLBACKEND"}
    environment |= {"TOOLKIT_SANDBOX": line, "JUPYTER_RUNTIME_DIR": os.environ["JUPYTER_RUNTIME_DIR"]}

    async def execute(path: Path) -> None:
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": str(workspace.cwd)}}
        client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
        await client.async_execute(env=environment)
        nbformat.write(notebook, workspace.cwd / path.name)

    await asyncio.gather(*map(execute, sorted(NOTEBOOKS.glob("*.ipynb"))))
    assert workspace.server.sent


def work_with_commands(workspace: Workspace) -> None:
    partner = workspace.world.partner
    assert workspace.command("key", "new", "made", "--lock", typed=[PASSPHRASE] * 2) == 0
    made = workspace.config / "made.pem"
    workspace.unmarked.add(made)
    workspace.marks.add_pem("a private key that was made", made.read_text())
    typed = [partner.key, PASSPHRASE]
    assert workspace.command("key", "add", "made", "--private-key", str(made), typed=typed) == 0
    assert workspace.command("key", "add", "same", typed=[partner.key, partner.key]) == 1
    assert workspace.command("key", "add", "usual", typed=[partner.key, partner.secret]) == 0
