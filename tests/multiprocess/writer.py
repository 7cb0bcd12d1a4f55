"""Processes that write without pause until they are killed: `python -m tests.multiprocess.writer`.

The program imports everything once and forks a writer for each job, a line of JSON. A writer has opened
nothing before it is forked. The program prints the pid of the writer, the writer prints "begun" right before
its first write, and an empty line makes the program wait for the last writer and print "reaped".
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import toolkit
from tests.support.writes import call
from toolkit.endpoints import BASE_URLS
from toolkit.timing.clock import SYSTEM_CLOCK

PLENTY = {"sapi-ip": 10**9, "sapi-uid": 10**9}

WriteCall = tuple[str, dict[str, Any], dict[str, Any]]


class ShiftedClock:
    """The real time plus an offset, which grows instead of waiting.

    Attributes:
        ahead: The offset in seconds.
        waits: Whether it really waits.
    """

    def __init__(self, ahead: float = 0.0, *, waits: bool = False) -> None:
        self.ahead = ahead
        self.waits = waits

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        if self.waits:
            SYSTEM_CLOCK.sleep(seconds)
        else:
            self.ahead += seconds

    def wait(self, condition: Any, seconds: float) -> None:
        if self.waits:
            condition.wait(seconds)
        else:
            self.ahead += seconds


def calls(job: Mapping[str, Any]) -> Iterator[WriteCall]:
    """Yield the calls of one round, in order. No two calls are alike.

    "made" stands for the API key that the previous call created.
    """
    number, accounts = job["round"], job["accounts"]
    for index in range(200):
        unique = number * 200 + index + 1
        # Successive calls concern different sub-accounts.
        account, key, other = accounts[unique * 7 % len(accounts)]
        amount = f"{unique / 10**8:.8f}"
        maker = f"{0.0002 + unique % 1799 / 10**6:.6f}"
        address = f"10.{unique >> 16 & 255}.{unique >> 8 & 255}.{unique & 255}"
        options = {"idempotency_key": f"name-{unique}"} if index % 3 == job["first"] % 3 else {}
        kind = (job["first"] + index) % 9
        if kind == 0:
            yield "exchange.transfer", {"asset": "USDT", "amount": amount, "to_id": account}, options
        elif kind == 1:
            yield "exchange.create_sub_account", {"tag": f"tag-{unique}"}, options
        elif kind == 2:
            given = {"sub_account_id": account, "maker": maker, "taker": "0.001"}
            yield "exchange.set_commission", given, options
        elif kind == 3:
            wallets = {"from_wallet": "spot", "to_wallet": "um", "to_id": account}
            yield "exchange.universal_transfer", {"asset": "USDT", "amount": amount} | wallets, options
        elif kind == 4:
            given = {"sub_account_id": account, "api_key": key, "restriction": "on", "addresses": [address]}
            yield "exchange.set_ip_restriction", given, options
        elif kind == 5:
            given = {"sub_account_id": account, "symbol": "BTCUSDT"}
            adjustment = {"maker_adjustment": unique % 199, "taker_adjustment": unique % 397}
            yield "exchange.set_um_commission", given | adjustment, options
        elif kind == 6:
            sides = {"from_id": other, "to_id": account}
            yield (
                "exchange.transfer_futures",
                {"asset": "USDT", "amount": amount, "market": "um"} | sides,
                options,
            )
        elif kind == 7:
            yield "exchange.create_api_key", {"sub_account_id": account, "can_trade": True}, options
        else:
            before = accounts[(unique - 1) * 7 % len(accounts)][0]
            made = {"sub_account_id": before, "api_key": "made", "confirm": "made"}
            if index:
                yield "exchange.delete_api_key", made, {}


def write(job: Mapping[str, Any]) -> None:
    """Write until this process is killed."""
    hosts = dict.fromkeys(BASE_URLS, job["address"])
    clock = ShiftedClock(job["ahead"], waits=True)
    link = toolkit.Link(
        key=job["key"],
        secret=job["secret"],
        hosts=hosts,
        clock=clock,
        limits=PLENTY,
        progress=False,  # type: ignore[arg-type]
    )
    ops = link.operations(journal=job["journal"], parameters=job["parameters"])
    os.write(1, b"begun\n")
    made = ""
    for endpoint_name, given, options in calls(job):
        if endpoint_name == "exchange.delete_api_key":
            if not made:
                continue
            given.update(api_key=made, confirm=made)
        outcome = call(ops, endpoint_name, given, **options)
        made = outcome.take_key().key if outcome and endpoint_name == "exchange.create_api_key" else ""
    os._exit(3)  # it should have been killed before


def main() -> None:
    """Fork writers until the input ends."""
    os.write(1, b"ready\n")
    child = 0
    for line in sys.stdin:
        if line.strip():
            child = os.fork()
            if not child:
                try:
                    write(json.loads(line))
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(4)
            os.write(1, f"{child}\n".encode())
        else:
            _, status = os.waitpid(child, 0)
            os.write(1, f"reaped {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
