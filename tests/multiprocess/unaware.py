"""A program that ignores the rate limits.

It sends `count` plain requests in each window of `seconds`: spread evenly ("even"), as quickly as possible at
the start of the window ("start"), or as quickly as possible at a random moment in its first two thirds
("moment"). The first refusal ends its window, because to continue would get the address banned. Otherwise it
works like `kernel`.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter

import requests

PATH = "/fapi/v1/ping"


def main(pattern: str, count: int, seconds: int, seed: int) -> None:
    """Send until the input ends."""
    rng = random.Random(seed)
    statuses: Counter[int] = Counter()
    is_done = threading.Event()

    def send(address: str) -> None:
        with requests.Session() as session:
            session.trust_env = False
            window = time.time() // seconds + 1
            while not is_done.wait(max(0.0, window * seconds - time.time())):
                start = 0.0 if pattern != "moment" else rng.uniform(0, seconds * 2 / 3)
                gap = seconds / count if pattern == "even" else 0.0
                for number in range(count):
                    if is_done.wait(max(0.0, window * seconds + start + number * gap - time.time())):
                        return
                    status = session.get(address + PATH, timeout=5).status_code
                    statuses[status] += 1
                    if status != 200:
                        break
                window = max(window + 1, time.time() // seconds)

    print("ready", flush=True)
    if line := sys.stdin.readline():
        sending = threading.Thread(target=send, args=(json.loads(line)["address"],))
        sending.start()
        sys.stdin.read()
        is_done.set()
        sending.join()
    print(json.dumps(statuses), flush=True)
