"""What a read proves about a write whose outcome is unknown. Pure functions.

A trace that anyone could have left proves nothing: somebody else may have done the same at the same moment.
Only a value generated for this call proves that this call was executed. For a write that sets a state, a read
proves the state, whoever caused it. Absence proves nothing until the request has expired, and then only in a
complete list that the exchange produced after that.

=============  =======================================  ==================================================
kind           what the read shows                      outcome
=============  =======================================  ==================================================
client_id      the transfer, by a generated id          confirmed: executed
               ... by an id derived from the            confirmed: a transfer with that idempotency key
               idempotency key                          was made
               ... by an id of the user's own           unknown: look who used the id
               no such transfer                         rejected
new_account    an account with a generated suffix       confirmed: executed
               ... with the tag, or without one         unknown: look who created it
               no such account                          rejected
new_key        the key named in a malformed response    confirmed: executed
               another key than before                  unknown: look who created it
               the same keys as before                  rejected
gone           it existed and no longer exists          confirmed as a state: it is gone
               one of several that look alike is gone   unknown: look which one
               it exists, or did not exist before       rejected
in_force       what was asked for                       confirmed as a state: it is in force
               something else                           rejected as a state: it is not in force
changed        something else than before               unknown: the read does not show what was set
               the same as before                       rejected as a state: it is unchanged
manual         no read shows it                         unknown: look by hand
=============  =======================================  ==================================================

client_id: transfer, transfer_futures, universal_transfer. new_account: create_sub_account. new_key:
create_api_key. gone: delete_sub_account, delete_api_key. changed: set_um_commission, set_cm_commission.
manual: transfer_within, set_universal_transfer. in_force: enable_futures, set_permissions,
set_ip_restriction, remove_addresses, set_spot_bnb_burn, set_interest_bnb_burn, set_commission, and the five
that assign an id to a customer.
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
from toolkit.text.characters import normalize_email
from toolkit.writes.entry import IdOrigin

Row = Mapping[str, Any]

# Columns that have another name in the read than in the response to the write.
_ALIASES = {"txn_id": "tran_id", "enable_futures": "futures_enable"}
# Arguments of transfers, and the columns of the read that show them.
_TRANSFER_COLUMNS = {
    "asset": "asset",
    "from_id": "from_id",
    "to_id": "to_id",
    "from_wallet": "from_account_type",
    "to_wallet": "to_account_type",
}
# Milliseconds by which the times in the exchange's lists may differ from its clock.
_SLACK_MS = 2_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about a write, to compare with what a read shows.

    Attributes:
        write: The declaration of the endpoint.
        arguments: The arguments as the journal has them.
        private: The private arguments that this process has.
        matches_digest: Whether a text is the private argument of a name, by its digest.
        sent_at: When it was sent, in milliseconds of the exchange's clock.
        until: When the request expires, in milliseconds of the exchange's clock.
        before: Rows of the read made before it, None where there are none or they prove nothing.
        id_origin: Where the id that identifies it comes from, as in `JournalEntry`.
        new_key: The API key named in a malformed response, masked; "" where there was none.
        claimed: Ids of what other calls of the same endpoint have created.
    """

    write: Write
    arguments: Mapping[str, Any]
    private: Mapping[str, str]
    matches_digest: Callable[[str, str], bool]
    sent_at: int
    until: int
    before: Sequence[Row] | None
    id_origin: IdOrigin
    new_key: str
    claimed: frozenset[str]


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """What a read shows.

    Attributes:
        kind: "executed": this call was executed. "in_force": the requested state is in force, whoever
            caused it. "absent": it is not in force, or what the call would create is not there. "failed": it
            failed at the exchange. "pending": the exchange is processing it, or it may still be executed.
            "unclear": the read proves nothing.
        reason: Why, in words.
        row: The row that shows it.
        by_absence: Whether it follows from something missing in the list.
    """

    kind: Literal["executed", "in_force", "absent", "failed", "pending", "unclear"]
    reason: str
    row: Row | None = None
    by_absence: bool = False


# Statuses that a read proves as a state only, and not as the execution of this call.
_STATES: Mapping[str, tuple[str, ...]] = {
    "in_force": ("confirmed", "rejected"),
    "changed": ("rejected",),
    "gone": ("confirmed",),
}


def proves_state(write: Write, status: str) -> bool:
    """Whether a status that a read showed is about the state only, and not about this call."""
    return status in _STATES.get(write.reconciliation.kind, ())


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame in JSON types: decimals and ids as text, times in milliseconds."""
    return [
        {str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict(orient="records")
    ]


def evaluate(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    """What the rows of the read prove."""
    return _KINDS[evidence.write.reconciliation.kind](evidence, rows)


def payload_of(write: Write, evidence: Evidence, row: Row | None) -> dict[str, Any]:
    """What is known of a lost response, from the row of the read and from the arguments."""
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
        if evidence.id_origin:  # the id is ours alone, so the list shows our transfer differently
            return ReconcileResult(
                "unclear",
                f"the transfer with the id {number} is not as requested: the list shows {other['qty']}",
            )
        return _absent(f"the id {number} belongs to another transfer ({other['qty']} {other['asset']})")
    row = next((each for each in fitting if each.get("status") != "FAILURE"), fitting[0])
    if str(row.get("txn_id") or row.get("tran_id")) in evidence.claimed:
        return _absent(f"the id {number} belongs to an earlier transfer")
    if row["time"] < evidence.sent_at - _SLACK_MS:
        return ReconcileResult(
            "unclear", f"transfer {number} is in the exchange's list, but is older than this call"
        )
    status = row.get("status") or "SUCCESS"
    if status not in ("SUCCESS", "FAILURE"):
        return ReconcileResult(
            "pending", f"the exchange is still processing transfer {number} ({status})", row
        )
    if status == "FAILURE":
        reason = f"transfer {number} failed at the exchange"
        # A transfer with the same id from another machine may have failed, and ours may still arrive.
        return ReconcileResult("failed", reason, row) if evidence.id_origin == "call" else _absent(reason)
    if not evidence.id_origin:
        return ReconcileResult(
            "unclear",
            f"transfer {number} is in the exchange's list, but you chose its id, so another call with the "
            "same id may have made it",
        )
    by = "" if evidence.id_origin == "call" else ", by this call or by another with its idempotency key"
    return ReconcileResult("executed", f"transfer {number} is in the exchange's list{by}", row)


def _is_that_transfer(evidence: Evidence, row: Row) -> bool:
    """Whether a row with the id is the requested transfer: the id may have been used before."""
    if Decimal(row["qty"]) != Decimal(evidence.arguments["amount"]):
        return False
    choices = {param.name: param.choices for param in evidence.write.params}
    for argument, column in _TRANSFER_COLUMNS.items():
        wanted, shown = evidence.arguments.get(argument), row.get(column)
        wanted = choices.get(argument, {}).get(str(wanted), wanted)
        # The master account may be missing on either side, or shown by its id.
        if wanted and shown and str(wanted) != str(shown):
            return False
    return True


def _new_account(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    tag = evidence.arguments.get("tag") or ""
    found = [row for row in rows if (row["tag"] or "") == tag]
    if evidence.id_origin and len(found) == 1:
        account = found[0]["sub_account_id"]
        reason = f"sub-account {account} was created: its tag has the suffix generated for this call"
        return ReconcileResult("executed", reason, found[0])
    found = [
        row
        for row in found
        if evidence.sent_at - _SLACK_MS <= row["create_time"] <= evidence.until + _SLACK_MS
        and row["sub_account_id"] not in evidence.claimed
    ]
    what = f"with the tag {tag!r}" if tag else "without a tag"
    if not found:
        return _absent(f"no sub-account {what} was created at that time")
    ids = ", ".join(row["sub_account_id"] for row in found)
    return ReconcileResult(
        "unclear",
        f"a sub-account {what} was created at that time ({ids}), and nothing shows whether by this call or "
        "by somebody else; a tag made with `unique_suffix=True` would show it",
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
    named = [row for row in fresh if row["api_key"] == evidence.new_key]
    if len(named) == 1:
        reason = f"key {evidence.new_key} was created: the exchange's response named it"
        return ReconcileResult("executed", f"{reason}; {_lost_key(evidence)}", named[0])
    return ReconcileResult(
        "unclear",
        f"the sub-account has a key that it did not have before ({names}), and nothing shows whether this "
        f"call or somebody else created it. If nobody else created one, {_lost_key(evidence)}",
    )


def _lost_key(evidence: Evidence) -> str:
    if "public_key" in evidence.arguments:
        return "it belongs to your private key, and the exchange's website shows it in full"
    return (
        "its secret was lost with the response: if `take_key()` does not hand it over, delete the key "
        "(`ops.exchange.delete_api_key`, or on the exchange's website, as the API shows keys masked) and "
        "create another one"
    )


def _gone(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    checks = evidence.write.reconciliation.checks
    now = sum(all(_passes(evidence, check, row) for check in checks) for row in rows)
    before = sum(all(_passes(evidence, check, row) for check in checks) for row in evidence.before or ())
    if evidence.before is None:
        return _unknown_before("it exists" if now else "it does not exist")
    if before == 0:
        return _absent("it did not exist before the call either")
    if now == 0 and before == 1:
        reason = "it no longer exists, deleted by this call or by somebody else's"
        return ReconcileResult("in_force", reason, by_absence=True)
    if now == before:
        return _absent("it still exists")
    return ReconcileResult(
        "unclear", f"{now} that look like it exist now, and {before} existed before the call"
    )


def _in_force(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    how = evidence.write.reconciliation
    for row in rows:
        if all(_passes(evidence, check, row) for check in how.checks):
            seen = {check.argument for check in how.checks}.union(
                evidence.write.subject, *how.read_arguments.values()
            )
            hidden = " and ".join(f"`{name}`" for name in evidence.arguments if name not in seen)
            if hidden:
                return ReconcileResult(
                    "unclear", f"the rest is in force, but the read does not show {hidden}"
                )
            return ReconcileResult(
                "in_force",
                "the read shows the requested state, caused by this call or by somebody else's",
                row,
            )
    if not rows and "sub_account_id" in evidence.arguments:
        return ReconcileResult("unclear", "the sub-account, or its key, no longer exists")
    return _absent("the read shows another state: the call was not executed, or the state has changed since")


def _changed(evidence: Evidence, rows: Sequence[Row]) -> ReconcileResult:
    names = [check.column for check in evidence.write.reconciliation.checks]
    before = [[row[name] for name in names] for row in evidence.before or ()]
    now = [[row[name] for name in names] for row in rows]
    if not rows:
        return ReconcileResult("unclear", "the read shows nothing")
    if evidence.before is None:
        return _unknown_before("the read shows the present state only")
    if now != before:
        reason = "it is different from before, changed by this call or by somebody else's"
        return ReconcileResult(
            "unclear", f"{reason}; the read does not show what was set. The same call may be sent again"
        )
    return _absent("it is the same as before: the call was not executed, or changed nothing")


def _absent(reason: str) -> ReconcileResult:
    return ReconcileResult("absent", reason, by_absence=True)


def _unknown_before(reason: str) -> ReconcileResult:
    why = "the read made before the call was incomplete or out of date"
    return ReconcileResult("unclear", f"{reason}; the state before the call is not known: {why}")


_KINDS: Mapping[str, Callable[[Evidence, Sequence[Row]], ReconcileResult]] = {
    "client_id": _by_client_id,
    "new_account": _new_account,
    "new_key": _new_key,
    "gone": _gone,
    "in_force": _in_force,
    "changed": _changed,
}


def _passes(evidence: Evidence, check: Expectation, row: Row) -> bool:
    """Whether a row shows one effect that the write was to have."""
    value = row.get(check.column)
    if not check.argument:
        return bool(value == check.value)
    wanted = evidence.private.get(check.argument, evidence.arguments.get(check.argument))
    if check.how == "matches_mask":
        return matches_mask(str(value), str(wanted)) or value == wanted
    if check.how == "lacks":
        present = _addresses(value)
        return not present if wanted is None else not present & _addresses(str(wanted).split(","))
    if wanted is None:
        return True  # the exchange chose the value
    if check.how == "contains":
        return _addresses(str(wanted).split(",")) <= _addresses(value)
    if check.choice:
        return (wanted == check.choice) == bool(value)
    if any(param.private for param in evidence.write.params if param.name == check.argument):
        return "*" in str(value) or evidence.matches_digest(check.argument, normalize_email(str(value)))
    if isinstance(wanted, bool):
        return bool(value) == wanted
    return _equal(value, wanted)


def _equal(value: object, wanted: object) -> bool:
    """Whether two values are equal; numbers may be written differently."""
    if str(value) == str(wanted):
        return True
    try:
        return Decimal(str(value)) == Decimal(str(wanted))
    except ArithmeticError:
        return False


def check_response(write: Write, arguments: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    """Check that a response is about what was requested.

    Raises:
        ContractError: It is not empty where it should be, or it is about something else.
    """
    if not write.columns and payload:
        raise ContractError(
            write.qualified_name,
            f"it should be empty, but has the fields {', '.join(sorted(map(str, payload)))}",
        )
    asked = {check.column: check.argument for check in write.reconciliation.checks if check.how == "same"}
    fixed = {check.column: check.value for check in write.reconciliation.checks if not check.argument}
    private = {param.name for param in write.params if param.private}
    for column in write.columns:
        field = next((field for field in column.fields if field in payload), None)
        if field is None:
            continue
        value = payload[field]
        if column.kind == "id" and not column.optional and value in (None, ""):
            raise ContractError(write.qualified_name, f"its {field} is empty")
        name = column.name if column.name in arguments else asked.get(column.name, "")
        wanted = fixed.get(_ALIASES.get(column.name, column.name), arguments.get(name))
        if wanted is None or name in private:
            continue
        same = value == wanted if isinstance(wanted, bool) else _equal(value, wanted)
        if not same:
            raise ContractError(write.qualified_name, f"its {column.name} is not the requested one")


def _addresses(texts: Any) -> set[str]:
    """IP addresses in canonical form; anything else unchanged."""
    addresses = set()
    for text in texts or ():
        try:
            addresses.add(str(ip_address(str(text).strip())))
        except ValueError:
            addresses.add(str(text))
    return addresses


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
