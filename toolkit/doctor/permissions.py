"""Check the keys: the type of each, and what the exchange says it may do. No part of a key is ever shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd

from toolkit.auth.credentials import SECURITIES, Credentials, Keys
from toolkit.doctor.check import KEYS, Check, joined, run_check
from toolkit.doctor.hosts import no_requests_reason
from toolkit.doctor.reads import named, of_customers, of_partners, unserved_by, without_permission
from toolkit.endpoints import ENDPOINTS_BY_NAME, KEY_PERMISSIONS
from toolkit.errors import (
    ApiError,
    ContractError,
    CredentialsError,
    RateLimitError,
    ServerError,
    ToolkitError,
)
from toolkit.frames.builder import FrameBuilder
from toolkit.gateway.calls import ReadRequest, RequestStats
from toolkit.gateway.connection import Connection
from toolkit.gateway.sender import Sender
from toolkit.redaction import displayable_names

_PARTNER = ENDPOINTS_BY_NAME["exchange.partner"]

EXPIRES_SOON = pd.Timedelta(days=14)

_CHECKED = "reading, permissions, withdrawals and addresses"
# What each flag allows a key to change. The other flags have checks of their own, or only allow reading.
_ACTIONS = {
    "enable_internal_transfer": "transfer between the master account and its sub-accounts",
    "permits_universal_transfer": "make universal transfers",
    "enable_margin": "borrow, repay and transfer on margin",
    "enable_futures": "trade futures",
    "enable_spot_and_margin_trading": "trade spot and margin",
    "enable_portfolio_margin_trading": "trade Portfolio Margin",
    "enable_vanilla_options": "trade European options",
    "enable_fix_api_trade": "trade over the FIX API",
}
_API_PAGE = "the exchange's API page"

Permissions = Mapping[str, Any]


def key_checks(connection: Connection, *, unreachable: bool) -> Iterator[Check]:
    """The keys of a connection; each is checked with a request signed by itself.

    Args:
        connection: The connection to check.
        unreachable: The host that knows the permissions could not be reached.
    """
    keys = connection.sender.keys
    if not len(keys):
        found, _, advice = keys.origin.removesuffix(" Nothing was sent.").partition(". ")
        next_step = advice or "Fix the cause, and run the doctor again."
        found = f"{found.rstrip('.')}."
        if keys.unusable:
            yield Check(KEYS, "keys", "", "failure", found, next_step)
        else:
            yield Check(KEYS, "keys", "", "warning", f"No key: only public endpoints. {found}", next_step)
        return
    count = "One key" if len(keys) == 1 else f"{len(keys)} keys"
    yield Check(KEYS, "keys", "", "ok", f"{count}, from {keys.origin}.")
    for number, key in enumerate(keys, start=1):
        serves = joined(each for each in SECURITIES if each in key.serves)
        about = f"key{'' if len(keys) == 1 else f' {number} of {len(keys)}'}, for {serves}"
        checks = _KeyChecks(connection, key, about)
        yield from checks.run(unreachable=unreachable)


class _KeyChecks:
    """The checks of one key."""

    def __init__(self, connection: Connection, key: Credentials, about: str) -> None:
        self._connection = connection
        self._key = key
        self._check = partial(Check, about[0].upper() + about[1:], about=about)

    def run(self, *, unreachable: bool) -> list[Check]:
        """Run all checks of the key. A check that fails does not stop the others."""
        section, about = self._check.args[0], self._check.keywords["about"]
        return [
            *run_check(section, "type", lambda: [self.type_check()], about=about),
            *run_check(section, "permissions", lambda: self.permission_checks(unreachable), about=about),
        ]

    def type_check(self) -> Check:
        """How it signs."""
        kind = self._key.kind
        if kind == "HMAC":
            return self._check(
                "type",
                status="note",
                found="HMAC, which the exchange calls deprecated: both sides know its secret.",
                next_step="`python -m toolkit key new NAME` makes an Ed25519 key pair to replace it.",
            )
        return self._check(
            "type", found=f"{kind} of {self._key.bits} bits." if self._key.bits else f"{kind}."
        )

    def permission_checks(self, unreachable: bool) -> list[Check]:
        """What the exchange says it may do."""
        connection = self._connection
        reason = no_requests_reason(connection.budget, KEY_PERMISSIONS.rate_limit.host)
        if KEY_PERMISSIONS.security not in self._key.serves:
            return [self._not_allowed_to_ask(), self._declared()]
        if unreachable or reason:
            return [self._not_checked(reason or "the host could not be reached")]
        try:
            permissions, unknown = self._fetch()
        except RateLimitError:  # including a ban
            return [self._not_checked("the exchange asked to wait")]
        except ApiError as error:
            code = f", code {error.code}" if error.code is not None else ""
            found = f"The exchange refused it (HTTP {error.status}{code}): {error.message.rstrip('.')}."
            return [self._check("accepted", status="failure", found=found, next_step=error.advice)]
        except ToolkitError as error:
            found = f"It could not be tested: {_short_message(error)}."
            next_step = "Run the doctor again later."
            return [self._check("accepted", status="failure", found=found, next_step=next_step)]
        return [
            self._accepted(permissions),
            self._reading(permissions),
            self._permissions(permissions, unknown),
            self._withdrawals(permissions),
            self._addresses(permissions),
            *self._expiry(permissions, connection.sender.time(KEY_PERMISSIONS.rate_limit.host)),
            *self._reads(permissions),
        ]

    def _not_checked(self, reason: str) -> Check:
        return self._check("permissions", status="note", found=f"Not checked: {_CHECKED}. Reason: {reason}.")

    def _not_allowed_to_ask(self) -> Check:
        serves = joined(sorted(self._key.serves))
        return self._check(
            "permissions",
            status="warning",
            found=f"Not checked whether it can withdraw: a key that serves only {serves} may not ask.",
            next_step=f"Let it serve {KEY_PERMISSIONS.security} for one run of the doctor, or check it on "
            f"{_API_PAGE}.",
        )

    def _declared(self) -> Check:
        """The reads that its `serves` leaves out, which are refused before anything is sent."""
        unserved = unserved_by(self._key)
        needed = joined(sorted({security for read in unserved for security in read.needs}))
        return self._check(
            "reads",
            status="note",
            found=f"It was not declared to serve {needed}, which reads need: {named(unserved)}.",
            next_step=f"Extend its `serves` if it may, or add a key that serves {needed}.",
        )

    def _reads(self, permissions: Permissions) -> list[Check]:
        """The reads that the exchange would refuse it, as far as that is known."""
        checks = [self._check("reads", found="It has the permissions that reads need.")]
        lacking = [f'"{name}" ({named(reads)})' for name, reads in without_permission(permissions)]
        if lacking:
            found = f"It lacks permissions that reads need: {joined(lacking)}."
            next_step = f"If you use these reads, allow it on {_API_PAGE}; see what else that would allow."
            checks = [self._check("reads", status="note", found=found, next_step=next_step)]
        if self._is_partners() is False:
            found = (
                f"It is no Link partner's key. These reads serve a partner: {named(of_partners())}. "
                f"These serve its customers, too: {named(of_customers())}."
            )
            next_step = (
                "Use a key of the partner's master account for them. The other reads serve any account."
            )
            checks.append(self._check("reads of partners", status="note", found=found, next_step=next_step))
        return checks

    def _is_partners(self) -> bool | None:
        """Whether the account is a Link partner's, None if that could not be found out."""
        call = ReadRequest.from_endpoint(_PARTNER, {}, single_attempt=True)
        try:
            self._sender().get(call, RequestStats())
        except CredentialsError:
            return False
        except ToolkitError:
            return None
        return True

    def _sender(self) -> Sender:
        """Sends with this key alone."""
        connection = self._connection
        return connection.sender_with(Keys([self._key], connection.sender.keys.origin))

    def _fetch(self) -> tuple[Permissions, list[str]]:
        """The permissions, and the names of undeclared fields in the response. Sent once, without retries."""
        endpoint = KEY_PERMISSIONS
        call = ReadRequest.from_endpoint(endpoint, {}, single_attempt=True)
        builder = FrameBuilder(endpoint, "float")
        builder.add_page(self._sender().get(call, RequestStats()))
        rows = builder.frame({}).to_dict("records")
        if len(rows) != 1:
            raise ContractError(endpoint.qualified_name, f"the response has {len(rows)} rows instead of one")
        (row,) = rows
        known = {str(name): value for name, value in row.items() if pd.notna(value)}
        return known, displayable_names(builder.undeclared)

    def _accepted(self, permissions: Permissions) -> Check:
        found = "The exchange accepts it and its signature."
        if "create_time" in permissions:
            found += f" It was created on {permissions['create_time']:%Y-%m-%d}."
        return self._check("accepted", found=found)

    def _reading(self, permissions: Permissions) -> Check:
        if permissions["enable_reading"]:
            return self._check("reading", found="It can read.")
        return self._check(
            "reading",
            status="failure",
            found="It cannot read.",
            next_step=f"Enable reading on {_API_PAGE}.",
        )

    def _permissions(self, permissions: Permissions, unknown: list[str]) -> Check:
        """What it may change. If it may be used from any address, that is a warning."""
        actions = [action for name, action in _ACTIONS.items() if permissions.get(name)]
        new = f" Unknown to this version of the toolkit: {', '.join(unknown)}." if unknown else ""
        if not actions:
            return self._check(
                "permissions", status="note" if new else "ok", found=f"It cannot change anything.{new}"
            )
        return self._check(
            "permissions",
            status="note" if permissions["ip_restrict"] else "warning",
            found=f"Besides reading, it can {'; '.join(actions)}.{new}",
            next_step=f"Remove what you do not use on {_API_PAGE}. Most reads need none of it.",
        )

    def _withdrawals(self, permissions: Permissions) -> Check:
        if not permissions["enable_withdrawals"]:
            return self._check("withdrawals", found="It cannot withdraw.")
        return self._check(
            "withdrawals",
            status="failure",
            found="THIS KEY CAN TAKE MONEY OUT OF THE ACCOUNT.",
            next_step=f"Create a key without withdrawals on {_API_PAGE}, and delete this one.",
        )

    def _addresses(self, permissions: Permissions) -> Check:
        if permissions["ip_restrict"]:
            return self._check("addresses", found="It can be used from listed addresses only.")
        return self._check(
            "addresses",
            status="warning",
            found="It can be used from any address, by anyone who obtains it.",
            next_step=f"Restrict it to the addresses of your machines on {_API_PAGE}.",
        )

    def _expiry(self, permissions: Permissions, now: float) -> list[Check]:
        """When its permission to trade ends, if it does."""
        until: datetime | None = permissions.get("trading_authority_expiration_time")
        if until is None:
            return []
        left = until - pd.Timestamp(now, unit="s", tz="UTC")
        verb = "ended" if left < pd.Timedelta(0) else "ends"
        found = f"Its permission to trade {verb} on {until:%Y-%m-%d}."
        if left > EXPIRES_SOON:
            return [self._check("trading", status="note", found=found)]
        next_step = f"Renew it on {_API_PAGE} if the key is to trade."
        return [self._check("trading", status="warning", found=found, next_step=next_step)]


def _short_message(error: ToolkitError) -> str:
    """The first part of an error's text."""
    if isinstance(error, ServerError):
        return error.message.rstrip(".")
    return str(error).removeprefix(f"{KEY_PERMISSIONS.qualified_name}: ").rstrip(".")
