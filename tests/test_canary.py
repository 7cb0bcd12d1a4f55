"""Marked secrets, over every door and every error: nothing that is shown or left behind has a mark.

Keys of all three kinds, a passphrase, and e-mail addresses are used as a desk uses them: by a script and by a
notebook's kernel with logs and tracebacks as telling as can be, by the notebooks of this project, and by the
commands, on an exchange that runs elsewhere. Afterwards every byte of what they showed and wrote is searched,
and what the list of processes had to say while requests were under way. Taking one guard out of the toolkit
leaves a mark somewhere.

Exempt are the files and the variable whose purpose is to hold a key: `profiles.toml`, the PEM files, and
TOOLKIT_SANDBOX.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from nbclient import NotebookClient

from tests.canary import cells
from tests.canary.guards import GUARDS, PROMPT
from tests.canary.marks import Marks
from tests.canary.office import PASSPHRASE, ROOT, Office, run
from tests.write_support import memory_folder
from toolkit import errors
from toolkit.catalogue import ENDPOINTS, WRITE_BY_DOOR
from toolkit.sandbox import World
from toolkit.sandbox.keys import letters

# A kernel is a program of its own, whose machinery may warn of what is not ours.
pytestmark = pytest.mark.filterwarnings("default")

ABSTRACT = {"ToolkitError"}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@contextmanager
def offices(number: int) -> Iterator[list[Office]]:
    with ExitStack() as stack:
        folder = stack.enter_context(memory_folder())
        places = [folder / str(each) for each in range(number)]
        for place in places:
            place.mkdir()
        yield [stack.enter_context(Office(place)) for place in places]


# -- the run ------------------------------------------------------------------------------------------


def test_no_mark_is_anywhere() -> None:
    with offices(5) as places, ThreadPoolExecutor() as side_by_side:
        doors, failures, commands, kernel, notebooks = places
        work = [
            side_by_side.submit(work_with_every_door, doors),
            side_by_side.submit(meet_every_error, failures),
            side_by_side.submit(work_with_commands, commands),
        ]
        asyncio.run(work_with_notebooks(kernel, notebooks))
        for each in work:
            each.result()
        for office in places:
            assert office.found() == {}


def work_with_every_door(office: Office) -> None:
    run([office.wish("doors")])
    kinds = {Path(name).suffix for name in office.left()}
    assert kinds >= {".csv", ".html", ".json", ".parquet", ".pickle", ".png", ".svg", ".sqlite"}
    asked = {entry.path for entry in office.sandbox.exchange.log if entry.status == 200}
    assert asked >= {endpoint.path for endpoint in ENDPOINTS}
    done = {effect.door for effect in office.sandbox.exchange.effects}
    assert set(WRITE_BY_DOOR) - done == set()


def meet_every_error(office: Office) -> None:
    run([office.wish("errors")])
    left = office.left()
    met = set(json.loads(left["cwd/errors/met"]))
    assert met >= set(errors.__all__) - ABSTRACT
    assert met >= {"TypeError", "KeyboardInterrupt"}
    shown = left["cwd/shown"].decode()
    for words in (" locals ", "DEBUG:urllib3.connectionpool", " requests · ", "in thread", "Current thread"):
        assert words in shown


async def work_with_notebooks(kernel: Office, notebooks: Office) -> None:
    await asyncio.gather(work_with_a_kernel(kernel), run_notebooks(notebooks))


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

    await asyncio.gather(*map(execute, NOTEBOOKS))
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


# -- that it would be found ---------------------------------------------------------------------------


def test_a_mark_is_found_in_each_spelling_and_in_pieces() -> None:
    secret, address = letters("canary", "a secret")[:40] + "/+=", "jo+x@mail.example"
    marks = Marks()
    marks.add("secret", secret)
    marks.add_address("address", address)
    for text, what in ((secret, "secret"), (secret[9:21], "secret"), (address, "address")):
        for spelling in {
            text,
            quote(text),
            quote(text, safe=""),
            json.dumps({"it": text}),
            text.encode().hex(),
            *(base64.b64encode(f"{'.' * before}{text} and so on".encode()).decode() for before in range(3)),
        }:
            shown = f"It is{' ' * 9}{spelling}".encode()
            assert [each.split()[0] for each in marks.found(shown)] == [what], spelling
    assert marks.found(f"{secret[:11]} {secret[12:20]} {address[:4]}***@***.example".encode()) == []


def test_without_any_guard_there_is_a_mark(tmp_path: Path) -> None:
    with offices(len(GUARDS)) as places, ThreadPoolExecutor() as side_by_side:
        wishes = [
            office.wish(package=guard.removed(tmp_path / str(number)))
            for number, (guard, office) in enumerate(zip(GUARDS, places, strict=True))
        ]
        list(side_by_side.map(run, (wishes[::2], wishes[1::2])))
        unnoticed = [guard.name for guard, office in zip(GUARDS, places, strict=True) if not office.found()]
    assert unnoticed == []


def test_a_prompt_that_shows_what_is_typed_leaves_a_mark(tmp_path: Path) -> None:
    with offices(1) as (office,):
        partner = office.world.partner
        office.command(
            "key", "add", "desk", typed=[partner.key, partner.secret], package=PROMPT.removed(tmp_path)
        )
        assert office.found()


def test_a_mark_in_the_list_of_processes_is_found() -> None:
    with offices(1) as (office,):
        # One of its own: others look around, too.
        mark = letters("canary", "in the list of processes")
        office.marks.add("a mark", mark)
        command = [sys.executable, "-c", "print(flush=True); input()", mark]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            office.look_around()
            process.communicate(b"\n")
        assert list(office.found()) == ["processes and their environments"]
