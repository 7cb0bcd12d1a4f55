"""A program whose threads read without pause, as a kernel might.

It prints "ready" and starts when it reads the line that a sandbox prints. It ends when its input ends, and
prints the results of its reads as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter

import toolkit
from toolkit.endpoints import BASE_URLS
from toolkit.errors import BannedError, ToolkitError

RETRY_AFTER_S = 0.02


def main(threads: int, path: str, weight: int) -> None:
    """Read until the input ends."""
    results: Counter[str] = Counter()
    is_done = threading.Event()

    def read(link: toolkit.Link) -> None:
        while not is_done.is_set():
            try:
                link.get(path, weight=weight)
                results["read"] += 1
            except BannedError as error:
                results[type(error).__name__] += 1
                is_done.wait(RETRY_AFTER_S)  # a call during a ban sends nothing
            except ToolkitError as error:
                results[f"{type(error).__name__}: {error}"] += 1

    print("ready", flush=True)
    if line := sys.stdin.readline():
        sandbox = json.loads(line)
        # The limits are not passed on: it fetches them.
        hosts = dict.fromkeys(BASE_URLS, sandbox["address"])
        with toolkit.Link(key=sandbox["key"], secret=sandbox["secret"], hosts=hosts, progress=False) as link:
            running = [threading.Thread(target=read, args=(link,)) for _ in range(threads)]
            for thread in running:
                thread.start()
            sys.stdin.read()
            is_done.set()
            for thread in running:
                thread.join()
    print(json.dumps(results), flush=True)
