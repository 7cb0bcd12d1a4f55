"""The words in which writes are declared, and how an unknown outcome of theirs is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from toolkit.endpoints.model import Endpoint, Security

ReconcileKind = Literal["client_id", "new_account", "new_key", "gone", "in_force", "changed", "manual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One thing that a read shows when a write was executed.

    Attributes:
        column: Column of the read.
        argument: Argument of the write that it is compared with, "" where `value` says it.
        how: "same" as the argument; "holds" or "lacks" each of the addresses in it; "masks" the key in it.
        value: What the column has to be, where no argument says it.
        choice: Where the argument is this word the column is true, and false where it is another.
    """

    column: str
    argument: str = ""
    how: Literal["same", "holds", "lacks", "matches_mask"] = "same"
    value: bool | None = None
    choice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """How it is found out what became of a write whose outcome is not known.

    Attributes:
        kind: What tells. "client_id": a row with the client's own id; "new_account", "new_key": something
            that was not there before; "gone": nothing passes the checks any more; "in_force": the state
            passes the checks; "changed": the state differs from the one before; "manual": no read tells.
            What may be said of each is in the table of `toolkit.writes.evidence`.
        read: Door of the read, "" where none tells.
        ask: Arguments of the read, and the argument of the write each takes its value from: the first of
            several that was given.
        fixed: Arguments of the read that are always the same.
        checks: What the read shows then.
        before: The read is made before the write as well, and written down, to compare with.
        own: The read shows the account whose key asks: only the key of the write will do.
        manual_check: What a person looks at, where no read tells or to be quite sure.
    """

    kind: ReconcileKind
    manual_check: str
    read: str = ""
    ask: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    fixed: Mapping[str, bool | str] = field(default_factory=lambda: MappingProxyType({}))
    checks: tuple[Expectation, ...] = ()
    before: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLeg:
    """From which wallet to which a write moves money: each named, or by the argument that says it.

    Attributes:
        source, target: A wallet ("spot", "um", "cm"), or the argument that says it.
        route: The argument that says both, as in "spot_to_um"; "" where none does.
        spot_on_one_side: One of the two wallets has to be spot.
    """

    source: str = ""
    target: str = ""
    route: str = ""
    spot_on_one_side: bool = False

    def wallets(self, arguments: Mapping[str, str]) -> tuple[str, str]:
        """The wallets that a call's arguments, in words, mean."""
        if self.route:
            source, _, target = arguments[self.route].partition("_to_")
            return source, target
        return arguments.get(self.source, self.source), arguments.get(self.target, self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Endpoint):
    """One method and path that changes something, declared once.

    `columns` are those of the answer, which is one row; `summary` says what the call does.

    Attributes:
        reconciliation: How an unknown outcome is settled.
        subject: Arguments that name what is changed: while a call about the same thing is not settled, no
            other is sent.
        changes: What it changes, in a word, where several doors change it: they wait for each other then.
        transfer_leg: What money it moves, if it does: calls that may mean the same movement wait for each other,
            by whatever door.
        creates: Column of the answer that names what was made, "" where nothing is.
        confirm: Argument that has to be said twice, because it cannot be undone; "" where it can.
        suffixed_argument: Argument behind which a mark may be put that is drawn for the call, so that what it made is
            known by it; "" where there is none.
        repeatable: Sent twice, it leaves what it leaves when sent once.
        handover_field: Field of the answer that is handed over once, with the key beside it, and is neither shown
            nor kept; "" where it has none.
    """

    reconciliation: Reconciliation
    subject: tuple[str, ...]
    changes: str = ""
    transfer_leg: TransferLeg | None = None
    creates: str = ""
    confirm: str = ""
    suffixed_argument: str = ""
    repeatable: bool = False
    handover_field: str = ""

    @property
    def needs(self) -> frozenset[Security]:
        """TRADE besides what the documents print: a key that is to read alone changes nothing."""
        return frozenset({self.security, "TRADE"}) - {"SIGNED"}

    @property
    def privileged(self) -> bool:
        """It changes something."""
        return True
