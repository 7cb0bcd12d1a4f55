"""Marked secrets go through every endpoint and every error, and nothing that is shown or left has a mark.

Keys of all three kinds, a passphrase and e-mail addresses are used by a script, by the kernel of a notebook
and by the commands, with the most verbose logs and tracebacks there are. Afterwards every byte that they
showed and wrote is searched, and so are the command lines and environments of processes while requests were
in flight. Removing any one guard from the toolkit leaves a mark somewhere: that, and the notebooks of this
project, take longer and are part of `make endurance`.

Exempt are the files and the variable whose purpose is to hold a key: `profiles.toml`, the PEM files, and
TOOLKIT_SANDBOX.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.leaks.guards import GUARDS, PROMPT, Guard
from tests.leaks.marks import Marks
from tests.leaks.scenes import (
    work_with_a_kernel,
    work_with_a_script,
    work_with_commands,
    workspaces,
)
from toolkit.sandbox.keys import letters

# A kernel is a separate program, which may warn of things that are not the toolkit's.
pytestmark = pytest.mark.filterwarnings("default")


# -- the run ------------------------------------------------------------------------------------------


def test_no_mark_is_anywhere() -> None:
    with workspaces(4) as all_four, ThreadPoolExecutor() as side_by_side:
        endpoints, failures, commands, kernel = all_four
        work = [
            side_by_side.submit(work_with_a_script, endpoints, failures),
            side_by_side.submit(work_with_commands, commands),
        ]
        asyncio.run(work_with_a_kernel(kernel))
        for each in work:
            each.result()
        for workspace in all_four:
            assert workspace.found() == {}


# -- that it would be found ---------------------------------------------------------------------------


def test_a_mark_is_found_in_each_spelling_and_in_pieces() -> None:
    secret, address = letters("leaks", "a secret")[:40] + "/+=", "jo+x@mail.example"
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


def test_a_share_of_a_limit_is_no_part_of_a_signature() -> None:
    marks = Marks()
    marks.add("a signature", f"{'0a' * 20}3333333{'0b' * 8}c")
    assert marks.found(b"4,12000,0.000333333333333,") == []


@pytest.mark.parametrize("guard", [*GUARDS, PROMPT], ids=lambda guard: guard.name)
def test_each_guard_is_in_the_source(guard: Guard) -> None:
    """`make endurance` removes each of them, and could not remove one whose source text has changed."""
    assert guard.is_present()


def test_a_prompt_that_shows_what_is_typed_leaves_a_mark(tmp_path: Path) -> None:
    with workspaces(1) as (workspace,):
        partner = workspace.world.partner
        typed = [partner.key, partner.secret]
        workspace.command_of(PROMPT.removed(tmp_path), "key", "add", "reporting", typed=typed)
        assert workspace.found()


def test_a_mark_in_the_list_of_processes_is_found() -> None:
    with workspaces(1) as (workspace,):
        # A new mark, since other tests look at the processes as well.
        mark = letters("leaks", "in the list of processes")
        workspace.marks.add("a mark", mark)
        command = [sys.executable, "-c", "print(flush=True); input()", mark]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            workspace.look_around()
            process.communicate(b"\n")
        assert list(workspace.found()) == ["processes and their environments"]
