"""The file that says which account each API key belongs to.

It holds ids of accounts under salted digests of the keys: from neither can a key be told. It only saves
requests, so a file that is damaged or cannot be used is as good as none.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.runtime.interruptions import forgiving
from toolkit.storage import files, formats

# Thousands of keys need less.
_MAX_BYTES = 4_000_000
# Writes are matched with accounts, so nothing else may pass for one.
_ACCOUNT = re.compile(r"(sandbox-)?(uid:[1-9][0-9]{0,39}|futures-alias:[A-Za-z0-9_-]{1,40})")


@dataclass(frozen=True, slots=True)
class _Content:
    """What the file holds.

    Attributes:
        salt: The key of the digests.
        accounts: Ids of accounts, by digest of the API key.
        is_ours: Whether this version of the package may replace the file.
    """

    salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    accounts: Mapping[str, str] = field(default_factory=dict)
    is_ours: bool = True

    def digest(self, key: str) -> str:
        """The digest of an API key."""
        return hmac.digest(self.salt, key.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


class AccountFile:
    """The accounts of the API keys that were used with one exchange.

    Args:
        path: Its file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, key: str) -> str | None:
        """Return the id of the account that an API key belongs to; None if it is not in the file."""
        content = self._read()
        return content.accounts.get(content.digest(key))

    def add(self, key: str, account: str) -> None:
        """Record the account of an API key, where the file can be written."""
        with forgiving(OSError):
            files.make_folder(self._path.parent)
            with files.locked(self._path):
                content = self._read()
                if not content.is_ours:
                    return
                accounts = {**content.accounts, content.digest(key): account}
                text = json.dumps(
                    {"format": formats.ACCOUNTS, "salt": content.salt.hex(), "accounts": accounts}, indent=1
                )
                files.write(self._path, f"{text}\n", replace=True)

    def _read(self) -> _Content:
        # Damaged in any way. Python's parser raises a RecursionError for text that is nested deeply.
        with forgiving(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            files.check(self._path, os.lstat(self._path))
            with open(self._path, "rb", opener=files.opener) as file:
                found = json.loads(file.read(_MAX_BYTES))
            if found["format"] != formats.ACCOUNTS:
                return _Content(is_ours=found["format"] < formats.ACCOUNTS)
            accounts = {
                digest: account
                for digest, account in found["accounts"].items()
                if isinstance(account, str) and _ACCOUNT.fullmatch(account)
            }
            return _Content(bytes.fromhex(found["salt"]), accounts)
        return _Content()
