"""A program that knows nothing of any limit.

It sends `count` plain requests in each window of `seconds`: spread evenly ("even"), as quickly as it can
when the window begins ("start"), or as quickly as it can at some moment of the first two thirds of it
("moment"). The first refusal ends its window, as it would end a program's work; going on would have
the whole address banned. Otherwise it behaves as `kernel` does.
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
    chance = random.Random(seed)
    became: Counter[int] = Counter()
    is_done = threading.Event()

    def send(address: str) -> None:
        with requests.Session() as session:
            session.trust_env = False
            window = time.time() // seconds + 1
            while not is_done.wait(max(0.0, window * seconds - time.time())):
                start = 0.0 if pattern != "moment" else chance.uniform(0, seconds * 2 / 3)
                gap = seconds / count if pattern == "even" else 0.0
                for number in range(count):
                    if is_done.wait(max(0.0, window * seconds + start + number * gap - time.time())):
                        return
                    status = session.get(address + PATH, timeout=5).status_code
                    became[status] += 1
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
    print(json.dumps(became), flush=True)
