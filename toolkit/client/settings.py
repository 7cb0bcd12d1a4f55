"""What a `Link` can be given besides its keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from toolkit.endpoints import Host
from toolkit.fetch.given_names import NamesSource
from toolkit.frames.builder import Numbers
from toolkit.redaction import Emails
from toolkit.timing.clock import Clock


class Settings(TypedDict, total=False):
    """Arguments of `Link` other than its keys; see `Link`."""

    hosts: Mapping[Host, str] | None
    numbers: Numbers
    emails: Emails
    recv_window: int
    timeout: tuple[float, float]
    proxies: Mapping[str, str] | None
    verify: bool | str | Path
    limits: Mapping[str, int] | None
    limit_fraction: float
    progress: bool
    workers: int
    names: NamesSource | None
    clock: Clock | None
