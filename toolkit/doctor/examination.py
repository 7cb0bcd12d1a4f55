"""All that is looked at, in order."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial

from toolkit.catalogue import KEY_PERMISSIONS
from toolkit.doctor.diagnosis import Diagnosis
from toolkit.doctor.hosts import line_of_ban, line_of_source, line_of_weight, lines_of_host, lines_of_key_log
from toolkit.doctor.line import EXCHANGE, KEYS, Line, looked_at
from toolkit.doctor.machine import lines_of_machine
from toolkit.doctor.rights import lines_of_keys
from toolkit.fetch.connection import Connection
from toolkit.interruptions import forgiving


def examine(connection: Connection) -> Diagnosis:
    """Look at everything. What is wrong is a line of the diagnosis, and no error."""
    budget = connection.budget
    banned, sandbox = True, None  # where it cannot be told, nothing is asked that a ban forbids
    with forgiving(Exception):
        banned = budget.banned_until is not None
        sandbox = None if banned else connection.sandbox_id()
    made_up = connection.source == "sandbox" and (banned or sandbox is not None)
    hosts: list[Line] = []
    unreachable = False
    refusing: set[str] = set()
    for host in connection.session.hosts:
        look = partial(lines_of_host, connection, host, refusing)
        lines = looked_at(EXCHANGE, "host", look, about=host)
        unreachable |= host == KEY_PERMISSIONS.pool.host and lines[0].verdict in ("failure", "note")
        hosts += lines
    keys = looked_at(KEYS, "keys", partial(lines_of_keys, connection, unreachable=unreachable))
    lines = [
        line_of_source(connection, made_up=made_up, asked=not banned),
        *hosts,
        *looked_at(EXCHANGE, "key log", partial(lines_of_key_log, os.environ)),
        *looked_at(EXCHANGE, "ban", lambda: [line_of_ban(budget)]),
        *looked_at(EXCHANGE, "weight", lambda: [line_of_weight(budget)]),
        *keys,
        *lines_of_machine(connection, sandbox, banned=banned),
    ]
    examined_at = datetime.fromtimestamp(connection.clock.time(), UTC)
    return Diagnosis(lines, "sandbox" if made_up else "live", examined_at)
