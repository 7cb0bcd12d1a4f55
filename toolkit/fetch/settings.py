"""The settings of a fetcher, checked."""

from __future__ import annotations

from toolkit.errors import UsageError
from toolkit.frames.builder import Numbers
from toolkit.redaction import Emails
from toolkit.text.suggestions import did_you_mean

MAX_WORKERS = 64


def checked_numbers(numbers: Numbers) -> Numbers:
    """Check how amounts are returned; raise a `UsageError` if the value is invalid."""
    if numbers not in ("float", "exact"):
        suggestion = did_you_mean(numbers, ("float", "exact"))
        raise UsageError(
            f'`numbers` must be "float" or "exact", not {numbers!r}. Nothing was sent.{suggestion}'
        )
    return numbers


def checked_emails(emails: Emails) -> Emails:
    """Check how e-mail addresses are shown; raise a `UsageError` if the value is invalid."""
    if emails not in ("masked", "clear"):
        # The value is not repeated: it may be an address.
        suggestion = did_you_mean(emails, ("masked", "clear"))
        raise UsageError(f'`emails` must be "masked" or "clear". Nothing was sent.{suggestion}')
    return emails


def checked_workers(workers: int) -> int:
    """Check how many requests are sent at a time; raise a `UsageError` if the value is invalid."""
    whole = isinstance(workers, int) and not isinstance(workers, bool)
    if not whole or not 1 <= workers <= MAX_WORKERS:
        raise UsageError(
            f"`workers` must be a whole number from 1 to {MAX_WORKERS}, not {workers!r}. Nothing was sent."
        )
    return workers
