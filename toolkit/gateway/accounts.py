"""Which account an API key belongs to: an id that a new key of the account has as well.

The id is the `uid` in the response of `GET /api/v3/account`, or, where there is none, the `accountAlias` of
`GET /fapi/v3/balance`. It is looked up once for each key, and then known to all processes of this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.auth.credentials import Credentials
from toolkit.endpoints import ENDPOINTS_BY_NAME
from toolkit.errors import ApiError, ContractError, NoKeyError
from toolkit.gateway.calls import ReadRequest, RequestStats
from toolkit.gateway.sender import Sender
from toolkit.runtime import forks
from toolkit.runtime.interruptions import forgiving
from toolkit.storage.accounts import AccountFile
from toolkit.timing.cancel import Cancelled, CancelToken, Wait
from toolkit.timing.clock import Clock

# Seconds until a look-up that failed is repeated by a read.
RETRY_AFTER_S = 3600.0

_BALANCES = ENDPOINTS_BY_NAME["account.spot.balances"]
_FUTURES_BALANCES = ENDPOINTS_BY_NAME["account.futures.balances"]
_UID = re.compile(r"[1-9][0-9]{0,39}")
_ALIAS = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Accounts:
    """The accounts of API keys; all connections of this process to one exchange share them.

    Args:
        clock: This machine's clock.
        path: The file that all processes of this machine share, None to keep them in memory.
        prefix: What ids begin with, such as "sandbox-".
        look_up: Whether reads look up the account of a key that is not known.
    """

    def __init__(self, clock: Clock, path: Path | None, *, prefix: str, look_up: bool) -> None:
        self._clock = clock
        self._file = None if path is None else AccountFile(path)
        self._prefix = prefix
        self._looks_up = look_up
        self._salt = secrets.token_bytes(32)
        self._known: dict[bytes, str] = {}
        self._retry_at: dict[bytes, float] = {}  # by the monotonic clock
        forks.renew(self._make_lock)

    def _make_lock(self) -> None:
        self._lock = threading.Lock()

    def known(self, sender: Sender) -> str | None:
        """Return the id of the account behind the sender's keys; None where it is not known yet."""
        credentials = _reading_key(sender)
        return None if credentials is None else self._find(credentials)

    def look_up(self, sender: Sender) -> str | None:
        """Return the id, looked up where it is not known; None where that fails.

        For the sake of reads, which must not wait for it: it is one request, which is not sent where it would
        have to wait, and not repeated for an hour if it fails.
        """
        credentials = _reading_key(sender)
        if credentials is None:
            return None
        with self._lock:
            found = self._find(credentials)
            digest = self._digest(credentials)
            if found or not self._looks_up or self._clock.monotonic() < self._retry_at.get(digest, 0.0):
                return found
            with forgiving(Exception):
                try:
                    return self._fetch(sender, credentials, _NoWaits())
                except Cancelled:  # nothing was sent
                    return None
                except Exception:
                    self._retry_at[digest] = self._clock.monotonic() + RETRY_AFTER_S
                    raise
        return None

    def remember(self, sender: Sender, uid: str) -> None:
        """Take it that the sender's keys belong to this account, in this process, without a look-up."""
        self._known[self._digest(sender.key_for(_BALANCES))] = f"{self._prefix}uid:{uid}"

    def fetch(self, sender: Sender) -> str:
        """Return the id, looked up where it is not known.

        Raises:
            NoKeyError: None of the keys may serve the look-up. Nothing was sent.
            ContractError: The exchange tells no id.
            ToolkitError: Any other error of a read.
        """
        credentials = sender.key_for(_BALANCES)
        return self._find(credentials) or self._fetch(sender, credentials, None)

    def _find(self, credentials: Credentials) -> str | None:
        digest = self._digest(credentials)
        if digest not in self._known and self._file is not None:
            found = self._file.find(credentials.key)
            if found:
                self._known[digest] = found
        return self._known.get(digest)

    def _fetch(self, sender: Sender, credentials: Credentials, cancel: CancelToken | None) -> str:
        payload = _get(sender, _BALANCES.qualified_name, {"omitZeroBalances": "true"}, cancel)
        uid = payload.get("uid") if isinstance(payload, Mapping) else None
        if isinstance(uid, int | str) and _UID.fullmatch(str(uid)):
            return self._remember(credentials, f"uid:{uid}")
        try:
            rows = _get(sender, _FUTURES_BALANCES.qualified_name, {}, cancel)
        except ApiError:
            rows = []
        aliases = {
            row.get("accountAlias") if isinstance(row, Mapping) else None
            for row in (rows if isinstance(rows, list) else [])
        }
        alias = aliases.pop() if len(aliases) == 1 else None
        if isinstance(alias, str) and _ALIAS.fullmatch(alias):
            return self._remember(credentials, f"futures-alias:{alias}")
        raise ContractError(
            "account_id",
            f"the exchange does not tell who the account is: GET {_BALANCES.path} returned no `uid`, and GET "
            f"{_FUTURES_BALANCES.path} no `accountAlias`. Nothing was executed. Keep accounts apart by the "
            "names of their profiles",
        )

    def _remember(self, credentials: Credentials, account: str) -> str:
        account = f"{self._prefix}{account}"
        self._known[self._digest(credentials)] = account
        if self._file is not None:
            self._file.add(credentials.key, account)
        return account

    def _digest(self, credentials: Credentials) -> bytes:
        return hmac.digest(self._salt, credentials.key.encode(), hashlib.sha256)


class _NoWaits(CancelToken):
    """Cancels a call instead of letting it wait."""

    def begin_wait(self, clock: Clock, wait: Wait, began: float) -> None:
        raise Cancelled


def _reading_key(sender: Sender) -> Credentials | None:
    """Return the key that the look-up is sent with; a Link's keys are all of one account."""
    try:
        return sender.key_for(_BALANCES)
    except NoKeyError:
        return None


def _get(sender: Sender, name: str, parameters: Mapping[str, object], cancel: CancelToken | None) -> Any:
    """Return the JSON of a response.

    Raises:
        ContractError: It is made up from a documented example, or came from a cache.
        ToolkitError: Any other error of a read.
    """
    endpoint = ENDPOINTS_BY_NAME[name]
    request = ReadRequest(
        qualified_name=name,
        path=endpoint.path,
        parameters=parameters,
        rate_limit=endpoint.rate_limit,
        weight=endpoint.weight_of(parameters),
        security=endpoint.security,
        single_attempt=cancel is not None,
    )
    stats = RequestStats()
    payload = sender.get(request, stats, cancel)
    if stats.example:  # all accounts would be the same
        raise ContractError(
            "account_id", "the sandbox has no account of its own for this key, only a documented example"
        )
    if stats.cached:  # a cache may have it from a request with another key
        raise ContractError(
            "account_id",
            f"the response of {endpoint.method} {endpoint.path} came from a cache, which may have it from a "
            "request with another key. Nothing was executed. Remove the cache between this machine and the "
            "exchange",
        )
    return payload
