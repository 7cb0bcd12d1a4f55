"""Errors that the exchange reports, and requests that got no response."""

from __future__ import annotations

from toolkit.errors.base import ToolkitError


class ApiError(ToolkitError):
    """The exchange refused the request (4XX, or an error code in another response). Nothing was executed.

    Attributes:
        endpoint: The endpoint that was called, such as `spot.rebates`.
        status: HTTP status.
        code: The exchange's error code, None if the response had none.
        message: The exchange's message.
        advice: What to do next.
    """

    advice = "Look up the code in the exchange's list of error codes."

    def __init__(
        self, endpoint: str, status: int, code: int | None, message: str, *, advice: str | None = None
    ) -> None:
        self.advice = advice or type(self).advice
        self.endpoint = endpoint
        self.status = status
        self.code = code
        self.message = message
        label = f"HTTP {status}" + (f", code {code}" if code is not None else "")
        reason = f": {message.rstrip('.')}" if message else ""
        super().__init__(f"{endpoint} was refused ({label}){reason}. Nothing was executed. {self.advice}")


class CredentialsError(ApiError):
    """The API key is unknown, not allowed from this IP address, or lacks a permission."""

    advice = (
        "Check that the API key is the right one (it is case-sensitive), that it may be used from this "
        "machine's IP address, and that it has the permission this endpoint needs."
    )


class SignatureError(ApiError):
    """The signature does not match the API key."""

    advice = "The secret or private key does not belong to this API key: check both."


class ClockError(ApiError):
    """The timestamp is outside `recv_window`, even after the exchange's clock was measured again."""

    advice = (
        "The exchange's clock was measured again, and a newly signed request was refused as well: a slow "
        "connection or a proxy may delay requests. Increase `recv_window` (at most 60000 milliseconds)."
    )


class ParameterError(ApiError):
    """A parameter is missing, unknown, malformed or out of range."""

    advice = "Fix the argument named in the message."


class NotFoundError(ApiError):
    """The requested id, symbol, address or path does not exist."""

    advice = "Check the id, symbol or address in the call."


class RefusedError(ApiError):
    """The request is valid, but the account's state, balance or permissions do not allow it."""

    advice = "Check the account's state at the exchange before you call again."


class RetiredError(ApiError):
    """The endpoint is no longer available."""

    advice = "Look for its successor in the exchange's change log; a newer toolkit may have it."


class FirewallError(ApiError):
    """A firewall blocked the request (403), or the exchange is not available from this location (451)."""

    advice = (
        "Send nothing for a few minutes. If it happens again, look for values that resemble SQL or markup, "
        "check whether this address sends too many requests, and whether it is allowed at all: addresses of "
        "cloud providers and VPNs may be blocked, and your company's proxy may block the exchange."
    )


class ServerError(ToolkitError):
    """The exchange failed to process the request (5XX), also after retries.

    Attributes:
        endpoint: The endpoint that was called.
        status: HTTP status, None if no response arrived.
        code: The exchange's error code, None if the response had none.
        message: The exchange's message.
        attempts: How many times the request was sent.
        retry_after: Seconds the exchange asked to wait, None if it did not say.
        advice: What to do next.
    """

    advice = "Try again later."

    def __init__(
        self,
        endpoint: str,
        status: int | None,
        code: int | None,
        message: str,
        attempts: int = 1,
        *,
        retry_after: float | None = None,
        advice: str = "",
    ) -> None:
        self.retry_after = retry_after
        self.advice = advice or type(self).advice
        self.endpoint = endpoint
        self.status = status
        self.code = code
        self.message = message
        self.attempts = attempts
        label = f"HTTP {status}" if code is None else f"HTTP {status}, code {code}"
        what = "got no response" if status is None else f"failed at the exchange ({label})"
        often = "once" if attempts == 1 else f"{attempts} times"
        pause = f" The exchange asked to wait {retry_after:,.0f} s." if retry_after else ""
        super().__init__(
            f"{endpoint} {what}: {message.rstrip('.')}.{pause} Sent {often}. It is a read, so nothing was "
            f"changed. {self.advice}"
        )


class NoResponseError(ServerError):
    """No complete response arrived, also after retries: a time-out or a broken connection."""

    advice = "Check the network, the proxy and the host's address, or try again later."
