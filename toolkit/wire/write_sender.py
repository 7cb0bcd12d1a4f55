"""The sending of one write: signed, sent once, and what came back judged, counted and obeyed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from toolkit import errors
from toolkit.catalogue import Host
from toolkit.tracebacks import bare
from toolkit.wire.answers import Answer, Verdict
from toolkit.wire.budget import Budget
from toolkit.wire.calls import Order, Reply
from toolkit.wire.clock import HostClock
from toolkit.wire.credentials import Credentials
from toolkit.wire.hosts import Hosts
from toolkit.wire.recorder import Reservation
from toolkit.wire.session import BrokenOff, Message, NoAnswer, Session
from toolkit.wire.signing import encode, sign
from toolkit.wire.stop import Show, Stop
from toolkit.wire.verdicts import verdict_of


class WriteSender:
    """Sends a write for which weight was reserved, once, whatever comes back.

    Args:
        session: What it is sent with.
        budget: Where it is counted.
        host_clocks: Each host's clock.
        hosts: Has a host's clock measured again where it turned out to be wrong.
        recv_window: Milliseconds a request stays valid.
        show: Shows what is waited for.
    """

    def __init__(
        self,
        *,
        session: Session,
        budget: Budget,
        host_clocks: Mapping[Host, HostClock],
        hosts: Hosts,
        recv_window: int,
        show: Show | None,
    ) -> None:
        self._session = session
        self._budget = budget
        self._host_clocks = host_clocks
        self._hosts = hosts
        self._recv_window = recv_window
        self._show = show

    def send(self, order: Order, credentials: Credentials, reservation: Reservation, timestamp: int) -> Reply:
        """Send it; an interrupt that comes meanwhile is in the reply.

        Args:
            order: The write.
            credentials: The key that signs it.
            reservation: Its weight, which is counted when it was sent.
            timestamp: The timestamp that it carries, in milliseconds.
        """
        answer, lost, broken_off = self._send_without_trace(order, credentials, timestamp)
        try:
            return self._concluded(
                order, answer, lost, broken_off, timestamp=timestamp, reservation=reservation
            )
        except BaseException as error:  # noqa: BLE001 - raised when what became of the write is written down
            struck = error
        # It struck once: what came is judged all the same.
        verdict = self._verdict(order, answer, lost, broken_off, timestamp=timestamp)
        return Reply(verdict, broken_off.error if broken_off is not None else struck)

    def _concluded(
        self,
        order: Order,
        answer: Answer | None,
        lost: NoAnswer | None,
        broken_off: BrokenOff | None,
        *,
        timestamp: int,
        reservation: Reservation,
    ) -> Reply:
        """What came of a write, counted and obeyed."""
        status: int | None = None
        headers: Mapping[str, str] = {}
        try:
            whole = answer or (lost.cut if lost is not None else None)
            if whole is not None:
                status, headers = whole.status, whole.headers
            verdict = self._verdict(order, answer, lost, broken_off, timestamp=timestamp)
        finally:
            late = self._settled(reservation, status, headers)
        # What is known of the write does not hang on what is counted and told to others about it.
        later = self._obeyed(order, verdict)
        return Reply(verdict, broken_off.error if broken_off is not None else late or later)

    def _verdict(
        self,
        order: Order,
        answer: Answer | None,
        lost: NoAnswer | None,
        broken_off: BrokenOff | None,
        *,
        timestamp: int,
    ) -> Verdict:
        whole = answer or (lost.cut if lost is not None else None)
        host = order.pool.host
        return verdict_of(
            order,
            answer,
            lost,
            broken_off,
            timestamp=timestamp,
            clock=self._host_clocks[host],
            now=self._budget.exchange_time(host, whole.headers if whole is not None else {}),
        )

    def _settled(
        self, reservation: Reservation, status: int | None, headers: Mapping[str, str]
    ) -> BaseException | None:
        """Count what was sent; what came in between."""
        try:
            self._budget.settle(reservation, status, headers)
        except BaseException as error:  # noqa: BLE001 - raised when what became of the write is written down
            return error
        return None

    def _obeyed(self, order: Order, verdict: Verdict) -> BaseException | None:
        """Do what the answer asks for: it concerns the next call, as this one is not sent again."""
        try:
            if isinstance(verdict.error, errors.BannedError):
                self._budget.obey(verdict.error)
            if isinstance(verdict.error, errors.ClockError):
                with suppress(errors.ToolkitError, NoAnswer):
                    self._hosts.measure(order.pool.host, Stop(order.door, self._show))
        except BaseException as error:  # noqa: BLE001 - as above
            return error
        return None

    def _send_without_trace(
        self, order: Order, credentials: Credentials, timestamp: int
    ) -> tuple[Answer | None, NoAnswer | None, BrokenOff | None]:
        """Send once: the answer, or how it was lost, or what broke it off.

        No frame of what it calls is in the trace of whatever goes wrong there: they hold what is signed.
        """
        try:
            return self._send(order, credentials, timestamp)
        except BaseException as error:  # noqa: BLE001 - raised when what became of the write is written down
            return None, None, BrokenOff(bare(error), sent=True)

    def _send(
        self, order: Order, credentials: Credentials, timestamp: int
    ) -> tuple[Answer | None, NoAnswer | None, BrokenOff | None]:
        query, body = order.query, order.body
        own = encode({"recvWindow": self._recv_window, "timestamp": timestamp})
        if order.placement == "query":
            query = f"{query}&{own}" if query else own
        else:
            body = f"{body}&{own}" if body else own
        try:
            answer = self._session.send(self._signed(order, credentials, query, body), credentials.key)
        except NoAnswer as lost:
            return None, bare(lost), None
        except BrokenOff as broken_off:
            return broken_off.answer, None, bare(broken_off)
        return answer, None, None

    @staticmethod
    def _signed(order: Order, credentials: Credentials, query: str, body: str) -> Message:
        # Last of all, as the documents want it.
        signature = f"&signature={sign(credentials, query, body)}"
        if order.placement == "query":
            query += signature
        else:
            body += signature
        return Message(order.method, order.pool.host, order.path, query, body)
