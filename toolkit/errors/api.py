"""What the exchange refused, and what failed on its side."""

from __future__ import annotations

from toolkit.errors.base import ToolkitError


class ApiError(ToolkitError):
    """The exchange refused the request: 4XX, or an error code in any other answer. Nothing was executed.

    Attributes:
        endpoint: The door that was called, such as `spot.rebates`.
        status: HTTP status.
        code: The exchange's error code, None where the answer had none.
        message: The exchange's message.
        advice: What to do about it.
    """

    advice = "Look the code up in the exchange's list of errors."

    def __init__(
        self, endpoint: str, status: int, code: int | None, message: str, *, advice: str | None = None
    ) -> None:
        self.advice = advice or type(self).advice
        self.endpoint = endpoint
        self.status = status
        self.code = code
        self.message = message
        label = f"HTTP {status}" + (f", code {code}" if code is not None else "")
        said = f": {message.rstrip('.')}" if message else ""
        super().__init__(f"{endpoint} was refused ({label}){said}. Nothing was executed. {self.advice}")


class CredentialsError(ApiError):
    """The key is unknown, may not be used from this address, or may not do this."""

    advice = (
        "Check that the key is the right one, character by character (case counts), that it may be used "
        "from this machine's address, and that it has the permission this endpoint needs."
    )


class SignatureError(ApiError):
    """The signature does not fit the key."""

    advice = "The secret, or the private key, does not belong to this API key: check both."


class ClockError(ApiError):
    """The timestamp is outside of the window, even after the clock was measured again."""

    advice = (
        "The exchange's clock was measured anew and the request signed again, and it is still refused: "
        "a slow connection or proxy may hold requests back. Raise `recv_window` (at most 60000)."
    )


class ParameterError(ApiError):
    """A parameter is missing, unknown, malformed or out of range."""

    advice = "Mend the argument the message names."


class NotFoundError(ApiError):
    """What was asked for does not exist."""

    advice = "Check the id, symbol or address that was asked for."


class RefusedError(ApiError):
    """Understood, but the account's state, balance or rights do not allow it."""

    advice = "Look at the account's state at the exchange before asking again."


class RetiredError(ApiError):
    """The endpoint is no longer served."""

    advice = "Look for its successor in the exchange's change log; a newer toolkit may have it."


class FirewallError(ApiError):
    """The exchange's web application firewall stopped the request (403), or what is before it (451)."""

    advice = (
        "Send nothing for some minutes. If it comes again, look for values that read like SQL or "
        "markup, whether this address sends too much, and whether it is let in at all: those of clouds and "
        "VPNs may not be, and a proxy of your company's may forbid the exchange."
    )


class ServerError(ToolkitError):
    """The exchange's side failed (5XX), also when asked again.

    Attributes:
        endpoint: The door that was called.
        status: HTTP status, None where no answer came.
        code: The exchange's error code, None where the answer had none.
        message: The exchange's message.
        attempts: How often it was sent.
        retry_after: Seconds the exchange asked to wait, None where it did not say.
        advice: What to do about it.
    """

    advice = "try again later."

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
        what = "got no answer" if status is None else f"failed on the exchange's side ({label})"
        often = "once" if attempts == 1 else f"{attempts} times"
        asked = f" It asked to wait {retry_after:,.0f} s." if retry_after else ""
        super().__init__(
            f"{endpoint} {what}: {message.rstrip('.')}.{asked} Sent {often}. It only reads, so nothing has "
            f"changed; {self.advice}"
        )


class NoResponseError(ServerError):
    """Time-out or broken connection: nothing came back, also when asked again."""

    advice = "check the network, the proxy and the host's address, or try again later."
