"""Threads that read without a rest, as a kernel.

It says "ready", makes its Link and begins when it is told the line that a
sandbox prints, ends when its input ends, and then says as JSON what became of its reads.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter

import toolkit
from toolkit.endpoints import BASE_URLS
from toolkit.errors import BannedError, ToolkitError

ASK_AGAIN = 0.02


def main(threads: int, path: str, weight: int) -> None:
    """Read until the input ends."""
    became: Counter[str] = Counter()
    is_done = threading.Event()

    def read(link: toolkit.Link) -> None:
        while not is_done.is_set():
            try:
                link.get(path, weight=weight)
                became["read"] += 1
            except BannedError as error:
                became[type(error).__name__] += 1
                is_done.wait(ASK_AGAIN)  # nothing is sent; it only asks again whether it may
            except ToolkitError as error:
                became[f"{type(error).__name__}: {error}"] += 1

    print("ready", flush=True)
    if line := sys.stdin.readline():
        sandbox = json.loads(line)
        # The limits are not handed over: they have to be learnt.
        hosts = dict.fromkeys(BASE_URLS, sandbox["address"])
        with toolkit.Link(key=sandbox["key"], secret=sandbox["secret"], hosts=hosts, progress=False) as link:
            running = [threading.Thread(target=read, args=(link,)) for _ in range(threads)]
            for thread in running:
                thread.start()
            sys.stdin.read()
            is_done.set()
            for thread in running:
                thread.join()
    print(json.dumps(became), flush=True)
