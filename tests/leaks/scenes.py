"""What marked secrets go through: each scene works with them as a desk does, and tells what it met."""

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
from tests.leaks.workspace import PASSPHRASE, Office, run
from tests.support.paths import NOTEBOOKS
from tests.support.writes import memory_folder
from toolkit import errors
from toolkit.catalogue import ENDPOINTS, WRITE_BY_DOOR
from toolkit.sandbox import World

ABSTRACT = {"ToolkitError"}


@contextmanager
def offices(number: int) -> Iterator[list[Office]]:
    with ExitStack() as stack:
        folder = stack.enter_context(memory_folder())
        places = [folder / str(each) for each in range(number)]
        for place in places:
            place.mkdir()
        yield [stack.enter_context(Office(place)) for place in places]


def work_with_a_script(doors: Office, failures: Office) -> None:
    run([doors.wish("doors"), failures.wish("errors")])
    look_at_every_door(doors)
    look_at_every_error(failures)


def look_at_every_door(office: Office) -> None:
    kinds = {Path(name).suffix for name in office.left()}
    assert kinds >= {".csv", ".html", ".json", ".parquet", ".pickle", ".png", ".svg", ".sqlite"}
    asked = {entry.path for entry in office.sandbox.exchange.log if entry.status == 200}
    assert asked >= {endpoint.path for endpoint in ENDPOINTS}
    done = {effect.door for effect in office.sandbox.exchange.effects}
    assert set(WRITE_BY_DOOR) - done == set()


def look_at_every_error(office: Office) -> None:
    left = office.left()
    met = set(json.loads(left["cwd/errors/met"]))
    assert met >= set(errors.__all__) - ABSTRACT
    assert met >= {"TypeError", "KeyboardInterrupt"}
    shown = left["cwd/shown"].decode()
    for words in (" locals ", "DEBUG:urllib3.connectionpool", " requests · ", "in thread", "Current thread"):
        assert words in shown


async def work_with_a_kernel(office: Office) -> None:
    async with cells.kernel(office) as kernel:
        typed = cells.answers(office, json.dumps(office.given()))
        await kernel.run(cells.CELLS, typed)
        assert next(typed, None) is None, "all of it was asked for"
        assert kernel.raised == cells.RAISED
    said = "\n".join(kernel.said)
    for words in ("SANDBOX", "text/html", "image/png", "comm_open", "urllib3.connectionpool"):
        assert words in said
    (office.place / "said").write_text(said)
    assert any(name.endswith("history.sqlite") for name in office.left())


async def run_notebooks(office: Office) -> None:
    """On a sandbox that the environment names; some of them start one of their own besides."""
    own = World(seed=7)
    for key in own.keys.values():
        office.marks.add("a key of the usual sandbox", key.key)
        office.marks.add("a secret of the usual sandbox", key.secret)
    for new in own.new_key():
        office.marks.add("a new key of the usual sandbox, or its secret", new)
    line = json.dumps(
        {"address": office.wire.address, "key": office.sandbox.key, "secret": office.sandbox.secret}
    )
    # The kernel chooses its own way of showing figures.
    environment = {name: text for name, text in office.environment.items() if name != "MPLBACKEND"}
    environment |= {"TOOLKIT_SANDBOX": line, "JUPYTER_RUNTIME_DIR": os.environ["JUPYTER_RUNTIME_DIR"]}

    async def execute(path: Path) -> None:
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": str(office.place)}}
        client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
        await client.async_execute(env=environment)
        nbformat.write(notebook, office.place / path.name)

    await asyncio.gather(*map(execute, sorted(NOTEBOOKS.glob("*.ipynb"))))
    assert office.wire.sent


def work_with_commands(office: Office) -> None:
    partner = office.world.partner
    assert office.command("key", "new", "made", "--lock", typed=[PASSPHRASE] * 2) == 0
    made = office.config / "made.pem"
    office.unmarked.add(made)
    office.marks.add_pem("a private key that was made", made.read_text())
    typed = [partner.key, PASSPHRASE]
    assert office.command("key", "add", "made", "--private-key", str(made), typed=typed) == 0
    assert office.command("key", "add", "same", typed=[partner.key, partner.key]) == 1
    assert office.command("key", "add", "usual", typed=[partner.key, partner.secret]) == 0
