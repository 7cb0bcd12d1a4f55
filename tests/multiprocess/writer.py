"""Processes that write without a rest until they are killed: `python -m tests.multiprocess.writer`.

It imports everything once and forks a writer for each line of JSON that it reads; a writer has opened
nothing before it was forked. It says "PID" when a writer was forked, the writer says "begun" right before
its first write, and an empty line has it bury the last one and say "buried".
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

ReadRequest = tuple[str, dict[str, Any], dict[str, Any]]


class ShiftedClock:
    """The real time, and so many seconds more; asked to sleep it only sets itself forward.

    Attributes:
        ahead: Seconds it is ahead.
        patient: Whether it waits in earnest.
    """

    def __init__(self, ahead: float = 0.0, *, patient: bool = False) -> None:
        self.ahead = ahead
        self.patient = patient

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        if self.patient:
            SYSTEM_CLOCK.sleep(seconds)
        else:
            self.ahead += seconds

    def wait(self, condition: Any, seconds: float) -> None:
        if self.patient:
            condition.wait(seconds)
        else:
            self.ahead += seconds


def calls(order: Mapping[str, Any]) -> Iterator[ReadRequest]:
    """What the writer of a round calls, one after the other; no two calls are alike.

    A key that is to be deleted is named "made": it is the one that the call before has made.
    """
    number, accounts = order["round"], order["accounts"]
    for place in range(200):
        unique = number * 200 + place + 1
        # Nothing is done to the same sub-account twice in a second.
        account, key, other = accounts[unique * 7 % len(accounts)]
        amount = f"{unique / 10**8:.8f}"
        maker = f"{0.0002 + unique % 1799 / 10**6:.6f}"
        address = f"10.{unique >> 16 & 255}.{unique >> 8 & 255}.{unique & 255}"
        options = {"idempotency_key": f"name-{unique}"} if place % 3 == order["first"] % 3 else {}
        kind = (order["first"] + place) % 9
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
            if place:
                yield "exchange.delete_api_key", made, {}


def write(order: Mapping[str, Any]) -> None:
    """Write until somebody puts an end to it."""
    hosts = dict.fromkeys(BASE_URLS, order["address"])
    clock = ShiftedClock(order["ahead"], patient=True)
    link = toolkit.Link(
        key=order["key"],
        secret=order["secret"],
        hosts=hosts,
        clock=clock,
        limits=PLENTY,
        progress=False,  # type: ignore[arg-type]
    )
    ops = link.operations(journal=order["journal"], parameters=order["parameters"])
    os.write(1, b"begun\n")
    made = ""
    for endpoint_name, given, options in calls(order):
        if endpoint_name == "exchange.delete_api_key":
            if not made:
                continue
            given.update(api_key=made, confirm=made)
        outcome = call(ops, endpoint_name, given, **options)
        made = outcome.take_key().key if outcome and endpoint_name == "exchange.create_api_key" else ""
    os._exit(3)  # it was to be killed before


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
            os.write(1, f"buried {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    main()
