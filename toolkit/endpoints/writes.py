"""The classes writes are declared with, and how an unknown outcome is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from toolkit.endpoints.model import Endpoint, Security

ReconcileKind = Literal["client_id", "new_account", "new_key", "gone", "in_force", "changed", "manual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One value that a read shows if the write was executed.

    Attributes:
        column: Column of the read.
        argument: Argument of the write to compare the column with, "" to compare it with `value`.
        how: "same": equal to the argument; "contains" or "lacks": every address in the argument is, or is
            not, in the column; "matches_mask": the column is the argument, an API key, with a mask.
        value: Value the column must have, where no argument gives it.
        choice: The value of the argument for which the column is true; it is false for any other.
    """

    column: str
    argument: str = ""
    how: Literal["same", "contains", "lacks", "matches_mask"] = "same"
    value: bool | None = None
    choice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """How to find out what became of a write whose outcome is unknown.

    Attributes:
        kind: The evidence. "client_id": a row with the client's own id; "new_account", "new_key": an account
            or key that did not exist before; "gone": no row passes the checks any more; "in_force": the
            state passes the checks; "changed": the state differs from the snapshot; "manual": no read shows
            it. `toolkit.writes.evidence` defines what each kind can prove.
        read: Qualified name of the endpoint to read, "" where none shows the result.
        read_arguments: Arguments of the read, each with the arguments of the write it takes its value from;
            the first one that was given is used.
        fixed_arguments: Arguments of the read that are always the same.
        checks: What the read shows if the write was executed.
        needs_snapshot: Whether the read is also made before the write and kept in the journal, to compare
            with.
        needs_own_key: Whether the read shows the account that owns the key, so that it must be made with the
            key of the write.
        manual_check: What a person should check, where no read shows the result or for certainty.
    """

    kind: ReconcileKind
    manual_check: str
    read: str = ""
    read_arguments: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    fixed_arguments: Mapping[str, bool | str] = field(default_factory=lambda: MappingProxyType({}))
    checks: tuple[Expectation, ...] = ()
    needs_snapshot: bool = False
    needs_own_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLeg:
    """The wallets a write transfers money between.

    Attributes:
        source: The wallet it debits ("spot", "um" or "cm"), or the argument that names it.
        target: The wallet it credits, or the argument that names it.
        route: The argument that names both, as in "spot_to_um"; "" where none does.
        spot_on_one_side: Whether one of the two wallets must be spot.
    """

    source: str = ""
    target: str = ""
    route: str = ""
    spot_on_one_side: bool = False

    def wallets(self, arguments: Mapping[str, str]) -> tuple[str, str]:
        """The source and target wallet of a call with these arguments."""
        if self.route:
            source, _, target = arguments[self.route].partition("_to_")
            return source, target
        return arguments.get(self.source, self.source), arguments.get(self.target, self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Endpoint):
    """An endpoint that changes something.

    `columns` are those of the response, which is one row; `summary` says what the call does.

    Attributes:
        reconciliation: How an unknown outcome is resolved.
        subject: Arguments that identify what is changed. While a write to the same subject is pending, no
            other one is sent.
        changes: What it changes, in a word, where several writes change the same thing and must wait for each
            other.
        transfer_leg: The wallets of a transfer, None for other writes. Transfers with the same wallets,
            asset and amount wait for each other, whichever endpoint makes them.
        creates: Column of the response that identifies what was created, "" where nothing is.
        confirm: Argument that must be given twice because the write cannot be undone, "" where it can.
        suffixed_argument: Argument to which a random suffix can be added for one call, so that what the call
            created can be recognised; "" where there is none.
        repeatable: Whether sending it twice has the same effect as sending it once.
        handover_field: Field of the response, a secret, that is handed over once together with the key, and
            is neither shown nor stored; "" where there is none.
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
        """Security types the key must support: TRADE too, as a key for reading alone must change nothing."""
        return frozenset({self.security, "TRADE"}) & {"USER_DATA", "TRADE"}

    @property
    def privileged(self) -> bool:
        """True: every write needs more than permission to read."""
        return True
