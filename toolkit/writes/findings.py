"""Pure: what a read shows about a write whose outcome is not known.

A trace that anyone could have left proves nothing: somebody else may have made the same at the same moment.
That this very call was executed is told only by a value in the trace that the call drew. Of what sets a state
the state is told, whoever brought it about. That something is not there is told once the call cannot be
executed any more, by a list that is whole and was made after that.

=============  =======================================  ==================================================
kind           what the read shows                      what is said
=============  =======================================  ==================================================
client_id      the transfer, by an id that was drawn    confirmed: executed
               ... by an id that follows from `idempotency_key`    confirmed: the transfer of that name was made
               ... by an id of the user's own           unknown: look who used the id
               no such transfer                         rejected
new_account    an account with a mark that was drawn    confirmed: executed
               ... with the tag, or without one         unknown: look who made it
               no such account                          rejected
new_key        the key that a garbled answer named      confirmed: executed
               another key than before                  unknown: look who made it
               the same keys as before                  rejected
gone           it was there and is not any more         confirmed as a state: it is gone
               one of several that look alike is gone   unknown: look which
               it is there, or was not there before     rejected
in_force       what was asked for                       confirmed as a state: it is in force
               something else                           rejected as a state: it is not in force
changed        something else than before               unknown: the read does not show what was set
               the same as before                       rejected as a state: it is as it was
manual        no read shows it                         unknown: look by hand
=============  =======================================  ==================================================

client_id: transfer, transfer_futures, universal_transfer. new_account: create_sub_account. new_key:
create_api_key. gone: delete_sub_account, delete_api_key. changed: set_um_commission, set_cm_commission.
manual: transfer_within, set_universal_transfer. in_force: enable_futures, set_permissions,
set_ip_restriction, remove_addresses, set_spot_bnb_burn, set_interest_bnb_burn, set_commission, and the five
that give a customer an id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, Literal

import pandas as pd

from toolkit.endpoints import Expectation, Write
from toolkit.errors import ContractError
from toolkit.redaction import matches_mask
from toolkit.writes.entry import IdOrigin

Row = Mapping[str, Any]

# What is called otherwise in a read than in the answer of the write.
_ALIASES = {"txn_id": "tran_id", "enable_futures": "futures_enable"}
# Arguments of transfers, and the columns that show them.
_TRANSFER_COLUMNS = {
    "asset": "asset",
    "from_id": "from_id",
    "to_id": "to_id",
    "from_wallet": "from_account_type",
    "to_wallet": "to_account_type",
}
# The exchange's clock and that of its lists need not be the same one.
_SLACK = 2_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a write before the read.

    Attributes:
        write: What was called.
        arguments: Its arguments as the journal has them.
        private: Private arguments that are at hand.
        is_private: Whether a text is this private argument, by its digest.
        sent_at: When it was sent, in milliseconds of the exchange.
        until: From when on it cannot be executed any more.
        before: Rows of the read made before it, None where that was not made, or proves nothing.
        id_origin: Who drew the value that shows it: the "call", its "name", or nobody.
        named: The API key that its answer named, masked, where that came and was no good; "" otherwise.
        claimed: Ids of what other calls of the same door have made.
    """

    write: Write
    arguments: Mapping[str, Any]
    private: Mapping[str, str]
    is_private: Callable[[str, str], bool]
    sent_at: int
    until: int
    before: Sequence[Row] | None
    id_origin: IdOrigin
    named: str
    claimed: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What a read shows.

    Attributes:
        kind: "executed": this very call was. "so": what was asked for is so, whoever saw to it. "absent": it
            is not so, or not there. "failed": for good. "pending": the exchange is at it, or it may yet
            come. "open": nothing clear.
        reason: In words.
        row: The row that shows it.
        by_absence: It follows from what is not in the list.
    """

    kind: Literal["executed", "so", "absent", "failed", "pending", "open"]
    reason: str
    row: Row | None = None
    by_absence: bool = False


# Statuses that say how things are, and not what this call did.
_STATES: Mapping[str, tuple[str, ...]] = {
    "in_force": ("confirmed", "rejected"),
    "changed": ("rejected",),
    "gone": ("confirmed",),
}


def is_state(write: Write, status: str) -> bool:
    """Whether a status that a read has told says how things are, and not what the call did."""
    return status in _STATES.get(write.reconciliation.kind, ())


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as plain rows that JSON can hold: decimals and ids as text, times in milliseconds."""
    return [
        {str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict(orient="records")
    ]


def find(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    """What the rows of the read show."""
    return _KINDS[evidence.write.reconciliation.kind](evidence, rows)


def payload_of(write: Write, evidence: Evidence, row: Row | None) -> dict[str, Any]:
    """What can be said of an answer that was lost: from the read's row, and from the arguments."""
    seen = {**evidence.arguments, **(row or {})}
    known: dict[str, Any] = {}
    for column in write.columns:
        for name in (column.name, _ALIASES.get(column.name, column.name)):
            if seen.get(name) is not None:
                known[column.fields[0]] = seen[name]
    return known


def _by_client_id(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    number = evidence.arguments["client_tran_id"]
    found = [row for row in rows if row["client_tran_id"] == number]
    if not found:
        return _absent(f"no transfer of that time has the id {number}")
    fitting = [each for each in found if _is_that_transfer(evidence, each)]
    if not fitting:
        other = found[0]
        if evidence.id_origin:  # nobody else has it: so the list shows ours in another way
            return ReconcileResult(
                "open", f"a transfer with the id {number} shows other than asked: {other['qty']}"
            )
        return _absent(f"the id {number} is that of another transfer ({other['qty']} {other['asset']})")
    row = next((each for each in fitting if each.get("status") != "FAILURE"), fitting[0])
    if str(row.get("txn_id") or row.get("tran_id")) in evidence.claimed:
        return _absent(f"the id {number} is that of a transfer made before")
    if row["time"] < evidence.sent_at - _SLACK:
        return ReconcileResult(
            "open", f"transfer {number} is in the exchange's list, and is older than this call"
        )
    status = row.get("status") or "SUCCESS"
    if status not in ("SUCCESS", "FAILURE"):
        return ReconcileResult("pending", f"the exchange is still at transfer {number} ({status})", row)
    if status == "FAILURE":
        reason = f"transfer {number} failed at the exchange"
        # One of another machine's under the same id may have failed, and ours may yet come.
        return ReconcileResult("failed", reason, row) if evidence.id_origin == "call" else _absent(reason)
    if not evidence.id_origin:
        return ReconcileResult(
            "open",
            f"transfer {number} is in the exchange's list; the id is one that you gave, so another call with "
            "it may have made it",
        )
    by = "" if evidence.id_origin == "call" else ", by this call or by another one of the same name"
    return ReconcileResult("executed", f"transfer {number} is in the exchange's list{by}", row)


def _is_that_transfer(evidence: Evidence, row: Row) -> bool:
    """Whether a row with the id is the transfer that was asked for: an id may have been used before."""
    if Decimal(row["qty"]) != Decimal(evidence.arguments["amount"]):
        return False
    choices = {param.name: param.choices for param in evidence.write.params}
    for argument, column in _TRANSFER_COLUMNS.items():
        wanted, shown = evidence.arguments.get(argument), row.get(column)
        wanted = choices.get(argument, {}).get(str(wanted), wanted)
        # The master account may be left out on either side, and may be named by its id.
        if wanted and shown and str(wanted) != str(shown):
            return False
    return True


def _new_account(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    tag = evidence.arguments.get("tag") or ""
    found = [row for row in rows if (row["tag"] or "") == tag]
    if evidence.id_origin and len(found) == 1:
        reason = (
            f"sub-account {found[0]['sub_account_id']} was created: it has the mark that was drawn for it"
        )
        return ReconcileResult("executed", reason, found[0])
    found = [
        row
        for row in found
        if evidence.sent_at - _SLACK <= row["create_time"] <= evidence.until + _SLACK
        and row["sub_account_id"] not in evidence.claimed
    ]
    what = f"with the tag {tag!r}" if tag else "without a tag"
    if not found:
        return _absent(f"no sub-account {what} was created in that time")
    ids = ", ".join(row["sub_account_id"] for row in found)
    return ReconcileResult(
        "open",
        f"a sub-account {what} was created in that time ({ids}), and nothing in it tells whether by this "
        "call or by somebody else; with `traceable=True` it would",
    )


def _new_key(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    before = [row["api_key"] for row in evidence.before or ()]
    fresh = []
    for row in rows:
        if row["api_key"] in before:
            before.remove(row["api_key"])
        else:
            fresh.append(row)
    if not fresh:
        return _absent("the sub-account has no key that it did not have before")
    names = ", ".join(row["api_key"] for row in fresh)
    if evidence.before is None:
        return _unknown_before(f"the sub-account has the keys {names}")
    named = [row for row in fresh if row["api_key"] == evidence.named]
    if len(named) == 1:
        reason = f"key {evidence.named} was created: the exchange's answer named it"
        return ReconcileResult("executed", f"{reason}; {_lost_key(evidence)}", named[0])
    return ReconcileResult(
        "open",
        f"the sub-account has a key that it did not have before ({names}), and nothing in it tells whether "
        f"by this call or by somebody else. Where nobody else made one, {_lost_key(evidence)}",
    )


def _lost_key(evidence: Evidence) -> str:
    if "public_key" in evidence.arguments:
        return "it belongs to your private key, and the exchange's site shows the whole of it"
    return (
        "its secret went with the answer: where `take_key()` does not hand it over, delete it "
        "(`ops.exchange.delete_api_key`, or at the exchange's site, as the API shows its keys masked) and "
        "create another"
    )


def _gone(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    checks = evidence.write.reconciliation.checks
    now = sum(all(_passes(evidence, check, row) for check in checks) for row in rows)
    before = sum(all(_passes(evidence, check, row) for check in checks) for row in evidence.before or ())
    if evidence.before is None:
        return _unknown_before("it is there" if now else "it is not there")
    if before == 0:
        return _absent("it was not there before either")
    if now == 0 and before == 1:
        reason = "it is not there any more, deleted by this call or by somebody else's"
        return ReconcileResult("so", reason, by_absence=True)
    if now == before:
        return _absent("it is still there")
    return ReconcileResult("open", f"{now} of those that look like it are there, and {before} were before")


def _in_force(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    how = evidence.write.reconciliation
    for row in rows:
        if all(_passes(evidence, check, row) for check in how.checks):
            seen = {check.argument for check in how.checks}.union(
                evidence.write.subject, *how.read_arguments.values()
            )
            unseen = " and ".join(f"`{name}`" for name in evidence.arguments if name not in seen)
            if unseen:
                return ReconcileResult("open", f"the rest is in force, and the read does not tell {unseen}")
            return ReconcileResult(
                "so", "what was asked for is in force, by this call or by somebody else's", row
            )
    if not rows and "sub_account_id" in evidence.arguments:
        return ReconcileResult("open", "the sub-account, or its key, is not there any more")
    return _absent("what was asked for is not in force: it was not executed, or has been changed since")


def _changed(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    names = [check.column for check in evidence.write.reconciliation.checks]
    before = [[row[name] for name in names] for row in evidence.before or ()]
    now = [[row[name] for name in names] for row in rows]
    if not rows:
        return ReconcileResult("open", "the read shows nothing")
    if evidence.before is None:
        return _unknown_before("it is as the read shows it now")
    if now != before:
        reason = "it is another than before, by this call or by somebody else's"
        return ReconcileResult(
            "open", f"{reason}; the read does not show what was set. The same call may be sent again"
        )
    return _absent("it is the same as before: it was not executed, or changed nothing")


def _absent(reason: str) -> ReconcileResult:
    return ReconcileResult("absent", reason, by_absence=True)


def _unknown_before(reason: str) -> ReconcileResult:
    why = "the read that was made before the call was not whole, or not fresh"
    return ReconcileResult("open", f"{reason}; how it was before is not known: {why}")


_KINDS: Mapping[str, Callable[[Evidence, Sequence[Row]], ReconcileResult]] = {
    "client_id": _by_client_id,
    "new_account": _new_account,
    "new_key": _new_key,
    "gone": _gone,
    "in_force": _in_force,
    "changed": _changed,
}


def _passes(evidence: Evidence, check: Expectation, row: Row) -> bool:
    """Whether a row shows one thing that the write was to bring about."""
    value = row.get(check.column)
    if not check.argument:
        return bool(value == check.value)
    wanted = evidence.private.get(check.argument, evidence.arguments.get(check.argument))
    if check.how == "matches_mask":
        return matches_mask(str(value), str(wanted)) or value == wanted
    if check.how == "lacks":
        held = _addresses(value)
        return not held if wanted is None else not held & _addresses(str(wanted).split(","))
    if wanted is None:
        return True  # the exchange was left to choose
    if check.how == "contains":
        return _addresses(str(wanted).split(",")) <= _addresses(value)
    if check.choice:
        return (wanted == check.choice) == bool(value)
    if any(param.private for param in evidence.write.params if param.name == check.argument):
        return "*" in str(value) or evidence.is_private(check.argument, str(value).strip().lower())
    if isinstance(wanted, bool):
        return bool(value) == wanted
    return _equal(value, wanted)


def _equal(value: object, wanted: object) -> bool:
    """Whether two values are the same, also where they are numbers in other spellings."""
    if str(value) == str(wanted):
        return True
    try:
        return Decimal(str(value)) == Decimal(str(wanted))
    except ArithmeticError:
        return False


def check_answer(write: Write, arguments: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    """Whether an answer is about what was asked.

    Raises:
        ContractError: It says something where nothing is documented, or something else than was asked.
    """
    if not write.columns and payload:
        raise ContractError(
            write.qualified_name, f"it should be empty, and holds {', '.join(sorted(map(str, payload)))}"
        )
    asked = {check.column: check.argument for check in write.reconciliation.checks if check.how == "same"}
    fixed = {check.column: check.value for check in write.reconciliation.checks if not check.argument}
    private = {param.name for param in write.params if param.private}
    for column in write.columns:
        field = next((field for field in column.fields if field in payload), None)
        if field is None:
            continue
        said = payload[field]
        if column.kind == "id" and not column.optional and said in (None, ""):
            raise ContractError(write.qualified_name, f"its {field} is empty")
        name = column.name if column.name in arguments else asked.get(column.name, "")
        wanted = fixed.get(_ALIASES.get(column.name, column.name), arguments.get(name))
        if wanted is None or name in private:
            continue
        same = said == wanted if isinstance(wanted, bool) else _equal(said, wanted)
        if not same:
            raise ContractError(write.qualified_name, f"it speaks of another {column.name} than was asked")


def _addresses(texts: Any) -> set[str]:
    """IP addresses in one spelling; what is none stays as it is."""
    spelled = set()
    for text in texts or ():
        try:
            spelled.add(str(ip_address(str(text).strip())))
        except ValueError:
            spelled.add(str(text))
    return spelled


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [str(each) for each in value]
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return round(value.timestamp() * 1000)
    if hasattr(value, "item"):
        value = value.item()
    return format(value, "f") if isinstance(value, Decimal) else value
