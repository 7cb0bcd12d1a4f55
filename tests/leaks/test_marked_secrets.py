"""Marked secrets, over every door and every error: nothing that is shown or left behind has a mark.

Keys of all three kinds, a passphrase, and e-mail addresses are used as a desk uses them: by a script and by a
notebook's kernel with logs and tracebacks as telling as can be, and by the commands, on an exchange that runs
elsewhere. Afterwards every byte of what they showed and wrote is searched, and what the list of processes had
to say while requests were under way. Taking one guard out of the toolkit leaves a mark somewhere: that, and
the notebooks of this project, take longer and are in `make endurance`.

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

from tests.leaks.guards import PROMPT
from tests.leaks.marks import Marks
from tests.leaks.scenes import (
    work_with_a_kernel,
    work_with_a_script,
    work_with_commands,
    workspaces,
)
from toolkit.sandbox.keys import letters

# A kernel is a program of its own, whose machinery may warn of what is not ours.
pytestmark = pytest.mark.filterwarnings("default")


# -- the run ------------------------------------------------------------------------------------------


def test_no_mark_is_anywhere() -> None:
    with workspaces(4) as places, ThreadPoolExecutor() as side_by_side:
        endpoints, failures, commands, kernel = places
        work = [
            side_by_side.submit(work_with_a_script, endpoints, failures),
            side_by_side.submit(work_with_commands, commands),
        ]
        asyncio.run(work_with_a_kernel(kernel))
        for each in work:
            each.result()
        for workspace in places:
            assert workspace.found() == {}


# -- that it would be found ---------------------------------------------------------------------------


def test_a_mark_is_found_in_each_spelling_and_in_pieces() -> None:
    secret, address = letters("leaks", "a secret")[:40] + "/+=", "jo+x@mail.example"
    suffixed_argument = Marks()
    suffixed_argument.add("secret", secret)
    suffixed_argument.add_address("address", address)
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
            assert [each.split()[0] for each in suffixed_argument.found(shown)] == [what], spelling
    assert (
        suffixed_argument.found(f"{secret[:11]} {secret[12:20]} {address[:4]}***@***.example".encode()) == []
    )


def test_a_prompt_that_shows_what_is_typed_leaves_a_mark(tmp_path: Path) -> None:
    with workspaces(1) as (workspace,):
        partner = workspace.world.partner
        typed = [partner.key, partner.secret]
        workspace.command_of(PROMPT.removed(tmp_path), "key", "add", "desk", typed=typed)
        assert workspace.found()


def test_a_mark_in_the_list_of_processes_is_found() -> None:
    with workspaces(1) as (workspace,):
        # One of its own: others look around, too.
        mark = letters("leaks", "in the list of processes")
        workspace.suffixed_argument.add("a mark", mark)
        command = [sys.executable, "-c", "print(flush=True); input()", mark]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            workspace.look_around()
            process.communicate(b"\n")
        assert list(workspace.found()) == ["processes and their environments"]
