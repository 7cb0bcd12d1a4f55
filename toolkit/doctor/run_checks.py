"""Run all checks, in order."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial

from toolkit.doctor.check import EXCHANGE, KEYS, Check, run_check
from toolkit.doctor.diagnosis import Diagnosis
from toolkit.doctor.hosts import (
    ban_check,
    example_checks,
    host_checks,
    key_log_checks,
    source_check,
    weight_check,
)
from toolkit.doctor.machine import machine_checks
from toolkit.doctor.permissions import key_checks
from toolkit.endpoints import KEY_PERMISSIONS
from toolkit.gateway.connection import Connection
from toolkit.runtime.interruptions import forgiving


def run_checks(connection: Connection) -> Diagnosis:
    """Run all checks. Problems become results of the diagnosis, not exceptions."""
    budget = connection.budget
    banned, sandbox = True, None  # if this cannot be read, send nothing that a ban forbids
    with forgiving(Exception):
        banned = budget.banned_until is not None
        sandbox = None if banned else connection.sandbox_id()
    is_sandbox = connection.source == "sandbox" and (banned or sandbox is not None)
    hosts: list[Check] = []
    unreachable = False
    refusing: set[str] = set()
    for host in connection.session.hosts:
        run = partial(host_checks, connection, host, refusing)
        checks = run_check(EXCHANGE, "host", run, about=host)
        unreachable |= host == KEY_PERMISSIONS.rate_limit.host and checks[0].status in ("failure", "note")
        hosts += checks
    keys = run_check(KEYS, "keys", partial(key_checks, connection, unreachable=unreachable))
    checks = [
        source_check(connection, is_sandbox=is_sandbox, was_asked=not banned),
        *(
            run_check(EXCHANGE, "examples", partial(example_checks, connection))
            if sandbox is not None
            else ()
        ),
        *hosts,
        *run_check(EXCHANGE, "key log", partial(key_log_checks, os.environ)),
        *run_check(EXCHANGE, "ban", lambda: [ban_check(budget)]),
        *run_check(EXCHANGE, "weight", lambda: [weight_check(budget)]),
        *keys,
        *machine_checks(connection, sandbox, banned=banned),
    ]
    examined_at = datetime.fromtimestamp(connection.clock.time(), UTC)
    return Diagnosis(checks, "sandbox" if is_sandbox else "live", examined_at)
