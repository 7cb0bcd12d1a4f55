"""Everything that can go wrong, grouped by what you would do about it.

    ToolkitError
    ├── UsageError               an argument is invalid; nothing was sent: fix the call
    │   ├── NoKeyError           no API key, or none that may be used here; nothing was sent
    │   └── PendingWriteError    a write to the same target is pending; nothing was sent: reconcile it
    ├── InexactError             exact amounts would be rounded or become floats: say how
    ├── ExportError              a file cannot be written; the old one is as it was
    ├── ProvenanceError          a file was changed since it was exported, or has no provenance
    ├── ApiError                 the exchange refused (4XX, or an error code); nothing was executed
    │   ├── CredentialsError     key unknown, not allowed from this address, or without the permission
    │   ├── SignatureError       the signature does not match the key: check the secret or private key
    │   ├── ClockError           the timestamp is outside `recv_window`: check the connection
    │   ├── ParameterError       a parameter is missing, unknown, malformed or out of range
    │   ├── NotFoundError        the requested id, symbol or address does not exist
    │   ├── RefusedError         valid, but the account's state or balance does not allow it
    │   ├── RetiredError         the endpoint is no longer available
    │   ├── FirewallError        blocked by a firewall (403), or not available from this location (451)
    │   └── RateLimitError       a rate limit is used up (429), or the wait would be too long
    │       └── BannedError      this address is banned (418): send nothing until `until`
    ├── ServerError              the exchange failed (5XX): for a read, try again later
    │   └── NoResponseError      time-out or broken connection: no complete response arrived
    ├── NotExecutedError         a write that was not sent, or that the exchange did not execute
    ├── OutcomeUnknownError      a write that may have been executed, or not: `outcome.reconcile()`
    ├── JournalError             the journal cannot be used, or was replaced: nothing is sent
    └── ContractError            the response is not what the documentation promises
        ├── RedirectError        a redirect, which is never followed
        ├── RowOrderError        the rows are not sorted oldest first
        └── IncompleteError      rows may be missing, or completeness cannot be proven

Every error of a fetch carries `partial`: the rows that arrived before it, as a frame whose
`attrs["complete"]` is False, or None if there were none. Neither the text nor the attributes of an
error contain a key, a secret, a signature or the query string of a URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit.errors.api import (
    ApiError,
    ClockError,
    CredentialsError,
    FirewallError,
    NoResponseError,
    NotFoundError,
    ParameterError,
    RefusedError,
    RetiredError,
    ServerError,
    SignatureError,
)
from toolkit.errors.base import (
    ExportError,
    InexactError,
    NoKeyError,
    ProvenanceError,
    ToolkitError,
    UsageError,
)
from toolkit.errors.limits import BannedError, RateLimitError, RateLimitWarning
from toolkit.errors.responses import (
    ContractError,
    IncompleteError,
    RedirectError,
    RowOrderError,
    UndeclaredFieldWarning,
)
from toolkit.errors.writes import (
    JournalError,
    JournalWarning,
    NotExecutedError,
    OutcomeUnknownError,
    PendingWriteError,
)
from toolkit.text.suggestions import attributes_of_module

__all__ = [
    "ApiError",
    "BannedError",
    "ClockError",
    "ContractError",
    "CredentialsError",
    "ExportError",
    "FirewallError",
    "IncompleteError",
    "InexactError",
    "JournalError",
    "JournalWarning",
    "NoKeyError",
    "NoResponseError",
    "NotExecutedError",
    "NotFoundError",
    "OutcomeUnknownError",
    "ParameterError",
    "PendingWriteError",
    "ProvenanceError",
    "RateLimitError",
    "RateLimitWarning",
    "RedirectError",
    "RefusedError",
    "RetiredError",
    "RowOrderError",
    "ServerError",
    "SignatureError",
    "ToolkitError",
    "UndeclaredFieldWarning",
    "UsageError",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # otherwise type checkers would accept any name
    __getattr__ = attributes_of_module(__name__, __all__)

# Shown, documented and pickled under the module that users import them from.
for _name in __all__:
    globals()[_name].__module__ = __name__
