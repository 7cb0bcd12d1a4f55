"""Everything that can go wrong, drawn by what a user would do about it.

    ToolkitError
    ├── UsageError               the arguments cannot be right; nothing was sent: mend the call
    │   ├── NoKeyError           no key, or none that can be used or may serve this; nothing was sent
    │   └── PendingWriteError       a call about the same thing is not settled; nothing was sent: reconcile it
    ├── InexactError             exact amounts would have to be rounded, or become floats: say how
    ├── ApiError                 the exchange refused (4XX, or a code); nothing was executed: mend the call
    │   ├── CredentialsError     key unknown, not allowed from this address, or not allowed to do this
    │   ├── SignatureError       the signature does not fit the key: check the secret, or the private key
    │   ├── ClockError           the timestamp is outside of the window: check this machine's clock
    │   ├── ParameterError       a parameter is missing, unknown, malformed or out of range
    │   ├── NotFoundError        what was asked for does not exist
    │   ├── RefusedError         understood, but the account's state or balance does not allow it
    │   ├── RetiredError         the endpoint is no longer served
    │   ├── FirewallError        a firewall stopped the request (403, 451)
    │   └── RateLimitError       too much weight used (429): wait
    │       └── BannedError      this address is banned (418): send nothing until `until`
    ├── ServerError              the exchange's side failed (5XX): for a read, try again later
    │   └── NoResponseError        time-out or broken connection: nothing came back
    ├── NotExecutedError         a write that never left, or that the exchange says it did not execute
    ├── OutcomeUnknownError      a write that may have been executed, or not: `outcome.reconcile()`
    ├── JournalError             the journal cannot be used, or is not the one it was: nothing is sent
    └── ContractError            the answer is not what the documents promise
        ├── RedirectError        a redirect, which is never followed
        ├── RowOrderError           the rows are not oldest first
        └── IncompleteError      rows may be missing that cannot be had, or nobody can tell

Every error of a fetch carries `partial`: what had arrived before, as a frame whose
`attrs["complete"]` is False (None where nothing had). No text and no attribute of an error holds a
key, a secret, a signature or the query of a URL.
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
from toolkit.errors.base import InexactError, NoKeyError, ToolkitError, UsageError
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


if not TYPE_CHECKING:  # or every name would seem to be there
    __getattr__ = attributes_of_module(__name__, __all__)

# They are shown, documented and pickled under the name that users import them by.
for _name in __all__:
    globals()[_name].__module__ = __name__
