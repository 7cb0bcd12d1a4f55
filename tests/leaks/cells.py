"""Cells of a notebook, run by a real kernel: panels, prompts, and what IPython shows."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import start_new_async_kernel

from tests.leaks.workspace import PASSPHRASE, Workspace

# Each hidden prompt gets the next of `answers`.
CELLS = """
%xmode Verbose
%config InlineBackend.close_figures = True
import getpass, json, logging, sys, threading, traceback
import toolkit
from tests.leaks.script import PATHS, Given, Script
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, force=True)
###
from pathlib import Path
given = Given(json.loads(getpass.getpass("given: ")))
work = Path("kernel")
work.mkdir()
script = Script(given, work)
hosts = script.hosts
###
link = toolkit.Link.from_prompt(hosts=hosts)
link
###
locked = toolkit.Link.from_prompt("locked", hosts=hosts)
locked.exchange.partner()
###
toolkit.Link.from_prompt("locked", hosts=hosts)
###
toolkit.Link.from_prompt(hosts=hosts)
###
toolkit.Link(key=given["key"], secret=given["secret"] + " ")
###
toolkit.Link(given["key"], given["secret"])
###
link.spot.customers(email=given["stranger"], customer_id=given["stranger"])
###
print("".join(traceback.TracebackException(
    type(sys.last_value), sys.last_value, sys.last_traceback, capture_locals=True).format()))
vars(sys.last_value)
###
with script.fault("error", "customers", code=-1130, message=given["echo"]):
    link.spot.customers(email=given["stranger"])
###
weight = toolkit.panels.weight(link)
weight
###
accounts = toolkit.panels.accounts(link, fetch=True)
accounts
###
assert accounts.wait(60)
accounts
###
with script.fault("error", "partner", code=-1130, message=given["echo"]):
    broken = toolkit.panels.accounts(link)
    broken.refresh()
    assert broken.wait(60)
assert broken.error is not None
broken
###
print(broken.error, vars(broken.error), broken, accounts, weight)
###
toolkit.charts.rebates(link.spot.rebates());
###
ops = link.operations()
made = ops.exchange.create_api_key(given["account"], can_trade=True)
display(made, made.frame, made.take_key(), ops, ops.history())
###
made.take_key()
###
ops.preview.spot.set_customer_id("seen before", given["stranger"])
###
thread = threading.Thread(target=lambda: link.spot.customers(email=[given["stranger"]]))
thread.start()
thread.join()
###
%who_ls
###
%history -n
###
link.doctor()
"""
RAISED = ["NoKeyError", "NoKeyError", "NoKeyError", "TypeError", "UsageError", "ParameterError", "UsageError"]


class Kernel:
    """A kernel in a workspace.

    Attributes:
        said: Every message to a frontend: outputs, errors, and the state of widgets.
        raised: The errors of its cells, by name.
    """

    def __init__(self, client: AsyncKernelClient) -> None:
        self.said: list[str] = []
        self.raised: list[str] = []
        self._client = client

    async def run(self, cells: str, answers: Iterator[str]) -> None:
        """Run cells, and type the answers to their prompts."""
        for cell in cells.strip().split("###\n"):
            await self._client.execute_interactive(
                cell,
                timeout=60,
                stop_on_error=False,
                output_hook=self._take,
                stdin_hook=lambda message: self._client.input(next(answers)),
            )

    def _take(self, message: dict[str, Any]) -> None:
        self.said.append(json.dumps([message["msg_type"], message["content"]], ensure_ascii=False))
        if message["msg_type"] == "error":
            self.raised.append(message["content"]["ename"])


@contextlib.asynccontextmanager
async def kernel(workspace: Workspace) -> AsyncIterator[Kernel]:
    """A kernel that is shut down afterwards."""
    environment = workspace.environment | {"JUPYTER_RUNTIME_DIR": os.environ["JUPYTER_RUNTIME_DIR"]}
    with (workspace.cwd / "shown").open("ab") as shown:
        manager, client = await start_new_async_kernel(
            env=environment, cwd=str(workspace.cwd), stdout=shown, stderr=shown
        )
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


def answers(workspace: Workspace, given: str) -> Iterator[str]:
    """What is typed into the prompts of the cells, in order."""
    partner = workspace.world.partner
    yield given
    yield from (partner.key, partner.secret)
    yield PASSPHRASE
    yield partner.secret  # a wrong passphrase
    yield from (partner.key, f"{partner.secret} ")
