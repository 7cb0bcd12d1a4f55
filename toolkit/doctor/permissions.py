"""The keys: what each is, and what the exchange says it may do. Nothing shows a key, or a part of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd

from toolkit.auth.credentials import SECURITIES, Credentials, Keys
from toolkit.doctor.check import KEYS, Check, listed, run_check
from toolkit.doctor.hosts import no_requests_reason
from toolkit.endpoints import KEY_PERMISSIONS
from toolkit.errors import ApiError, ContractError, RateLimitError, ServerError, ToolkitError
from toolkit.frames.builder import FrameBuilder
from toolkit.gateway.calls import ReadRequest, RequestStats
from toolkit.gateway.connection import Connection
from toolkit.redaction import names_shown

SOON = pd.Timedelta(days=14)

_CHECKED = "reading, rights, withdrawals and addresses"
# What each flag lets a key change. The others have a line of their own, or let it read.
_MAY = {
    "enable_internal_transfer": "transfer between the master account and its sub-accounts",
    "permits_universal_transfer": "make universal transfers",
    "enable_margin": "borrow, repay and transfer on margin",
    "enable_futures": "trade futures",
    "enable_spot_and_margin_trading": "trade spot and margin",
    "enable_portfolio_margin_trading": "trade Portfolio Margin",
    "enable_vanilla_options": "trade European options",
    "enable_fix_api_trade": "trade over the FIX API",
}
_PAGE = "the exchange's API page"

Permissions = Mapping[str, Any]


def key_checks(connection: Connection, *, unreachable: bool) -> Iterator[Check]:
    """The keys of a connection, each examined with itself.

    Args:
        connection: The keys, and the hosts they are for.
        unreachable: The host that would say what they may do was not reached.
    """
    keys = connection.sender.keys
    if not len(keys):
        said, _, more = keys.origin.removesuffix(" Nothing was sent.").partition(". ")
        step = more or "Mend that, and run the doctor again."
        yield Check(KEYS, "keys", "", "failure", f"{said.rstrip('.')}.", step)
        return
    many = "One key" if len(keys) == 1 else f"{len(keys)} keys"
    yield Check(KEYS, "keys", "", "ok", f"{many}, from {keys.origin}.")
    for number, key in enumerate(keys, start=1):
        serves = listed(each for each in SECURITIES if each in key.serves)
        about = f"key{'' if len(keys) == 1 else f' {number} of {len(keys)}'}, for {serves}"
        checks = _KeyChecks(connection, key, about)
        yield from checks.checks(unreachable=unreachable)


class _KeyChecks:
    """One key, under examination."""

    def __init__(self, connection: Connection, key: Credentials, about: str) -> None:
        self._connection = connection
        self._key = key
        self._check = partial(Check, about[0].upper() + about[1:], about=about)

    def checks(self, *, unreachable: bool) -> list[Check]:
        """All there is to say of it, also where a part of it cannot be looked at."""
        section, about = self._check.args[0], self._check.keywords["about"]
        return [
            *run_check(section, "type", lambda: [self.type_check()], about=about),
            *run_check(section, "rights", lambda: self.permission_checks(unreachable), about=about),
        ]

    def type_check(self) -> Check:
        """What it signs with."""
        kind = self._key.kind
        if kind == "HMAC":
            return self._check(
                "type",
                status="note",
                found="HMAC, which the exchange calls deprecated: its secret is known on both sides.",
                next_step="`python -m toolkit key new NAME` makes an Ed25519 pair for a key to replace it.",
            )
        return self._check(
            "type", found=f"{kind} of {self._key.bits} bits." if self._key.bits else f"{kind}."
        )

    def permission_checks(self, unreachable: bool) -> list[Check]:
        """What it may do, by the exchange's own words."""
        connection = self._connection
        why = no_requests_reason(connection.budget, KEY_PERMISSIONS.rate_limit.host)
        if KEY_PERMISSIONS.security not in self._key.serves:
            return [self._not_checked()]
        if unreachable or why:
            return [self._unknown(why or "the host was not reached")]
        try:
            permissions, unknown = self._ask()
        except RateLimitError:  # a ban is one, too
            return [self._unknown("the exchange wants silence now")]
        except ApiError as error:
            said = f", code {error.code}" if error.code is not None else ""
            found = f"The exchange refused it (HTTP {error.status}{said}): {error.message.rstrip('.')}."
            return [self._check("accepted", status="failure", found=found, next_step=error.advice)]
        except ToolkitError as error:
            found = f"It could not be tried: {_short(error)}."
            step = "Run the doctor again in a while."
            return [self._check("accepted", status="failure", found=found, next_step=step)]
        return [
            self._accepted(permissions),
            self._reading(permissions),
            self._permissions(permissions, unknown),
            self._withdrawals(permissions),
            self._addresses(permissions),
            *self._until(permissions, connection.sender.time(KEY_PERMISSIONS.rate_limit.host)),
        ]

    def _unknown(self, why: str) -> Check:
        return self._check("rights", status="note", found=f"Not looked at are {_CHECKED}: {why}.")

    def _not_checked(self) -> Check:
        serves = listed(sorted(self._key.serves))
        return self._check(
            "rights",
            status="warning",
            found=f"Whether it can withdraw was not looked at: a key for {serves} alone may not ask.",
            next_step=f"Let it serve {KEY_PERMISSIONS.security} for one run of the doctor, or look at it on "
            f"{_PAGE}.",
        )

    def _ask(self) -> tuple[Permissions, list[str]]:
        """The row of the answer, and fields in it that nobody declared. It is asked once."""
        endpoint = KEY_PERMISSIONS
        sender = self._connection.sender_with(Keys([self._key], self._connection.sender.keys.origin))
        call = ReadRequest.from_endpoint(endpoint, {}, single_attempt=True)
        builder = FrameBuilder(endpoint, "float")
        builder.add(sender.get(call, RequestStats()))
        rows = builder.frame({}).to_dict("records")
        if len(rows) != 1:
            raise ContractError(
                endpoint.qualified_name, f"the answer has {len(rows)} rows, and a key has one"
            )
        (row,) = rows
        known = {str(name): value for name, value in row.items() if pd.notna(value)}
        return known, names_shown(builder.undeclared)

    def _accepted(self, permissions: Permissions) -> Check:
        made = (
            f" It was made on {permissions['create_time']:%Y-%m-%d}." if "create_time" in permissions else ""
        )
        return self._check("accepted", found=f"The exchange accepts it and its signature.{made}")

    def _reading(self, permissions: Permissions) -> Check:
        if permissions["enable_reading"]:
            return self._check("reading", found="It may read.")
        return self._check(
            "reading",
            status="failure",
            found="It may not read.",
            next_step=f"Switch reading on for it on {_PAGE}.",
        )

    def _permissions(self, permissions: Permissions, unknown: list[str]) -> Check:
        """What it may change. From anywhere, that is more than can be wished."""
        may = [words for name, words in _MAY.items() if permissions.get(name)]
        new = f" New to this toolkit: {', '.join(unknown)}." if unknown else ""
        if not may:
            return self._check("rights", status="note" if new else "ok", found=f"It may change nothing.{new}")
        return self._check(
            "rights",
            status="note" if permissions["ip_restrict"] else "warning",
            found=f"Besides reading it may {'; '.join(may)}.{new}",
            next_step=f"Take away on {_PAGE} what you do not use; most reads need none of it.",
        )

    def _withdrawals(self, permissions: Permissions) -> Check:
        if not permissions["enable_withdrawals"]:
            return self._check("withdrawals", found="It cannot withdraw.")
        return self._check(
            "withdrawals",
            status="failure",
            found="THIS KEY CAN TAKE MONEY OUT OF THE ACCOUNT.",
            next_step=f"Make another key without withdrawals on {_PAGE}, and delete this one.",
        )

    def _addresses(self, permissions: Permissions) -> Check:
        if permissions["ip_restrict"]:
            return self._check("addresses", found="It may be used from listed addresses only.")
        return self._check(
            "addresses",
            status="warning",
            found="It may be used from anywhere, by whoever gets hold of it.",
            next_step=f"Limit it to the addresses of your machines on {_PAGE}.",
        )

    def _until(self, permissions: Permissions, now: float) -> list[Check]:
        """When its right to trade ends, where it does."""
        until: datetime | None = permissions.get("trading_authority_expiration_time")
        if until is None:
            return []
        left = until - pd.Timestamp(now, unit="s", tz="UTC")
        found = f"Its right to trade {'ended' if left < pd.Timedelta(0) else 'ends'} on {until:%Y-%m-%d}."
        if left > SOON:
            return [self._check("trading", status="note", found=found)]
        step = f"Renew it on {_PAGE}, where the key is to trade."
        return [self._check("trading", status="warning", found=found, next_step=step)]


def _short(error: ToolkitError) -> str:
    """What an error says first."""
    if isinstance(error, ServerError):
        return error.message.rstrip(".")
    return str(error).removeprefix(f"{KEY_PERMISSIONS.qualified_name}: ").rstrip(".")
