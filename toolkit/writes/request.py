"""Pure: what a door's arguments mean, ready to be signed, to be shown and to be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import choice, token_hex
from types import MappingProxyType
from typing import get_args

from toolkit.auth.signing import to_text
from toolkit.endpoints import Param, Write
from toolkit.errors import UsageError
from toolkit.gateway.calls import Placement, WriteRequest
from toolkit.planning import encode_arguments
from toolkit.redaction import redacted_argument
from toolkit.text.characters import folded, twin, unseen
from toolkit.text.suggestions import did_you_mean
from toolkit.writes.entry import IdOrigin

CLIENT_ID = "client_tran_id"
_LONGEST_NAME = 64
_ID_LENGTH = 30
# Marks are read and typed by people: no letters that look alike. 31**9 is more than anybody makes.
_LETTERS, _MARK_LENGTH = "23456789abcdefghjkmnpqrstuvwxyz", 9


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What is said beside the arguments.

    Attributes:
        idempotency_key: Name under which it is done once.
        confirm: What cannot be undone, said again.
        traceable: A mark is drawn for it, by which what it makes is known.
    """

    idempotency_key: str | None = None
    confirm: str = field(default="", repr=False)
    traceable: bool = False


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A call of a door for writing, understood.

    Attributes:
        write: What is called.
        request: What goes out.
        arguments: The arguments by name, as they may be shown and written down.
        private: Private arguments by name. Kept in memory only.
        idempotency_key: Name under which it is done once, as it looks.
        same: Text that is the same for two calls that mean the same. Its digest is in the journal, so how it
            is made up is part of the journal's format.
        subject: Text that is the same for two calls that change the same thing, or move the same money.
        id_origin: Who drew the value that shows it in the exchange's lists: "call", where it is another the next
            time, as a mark is; "name", where it follows from `idempotency_key`; "" where the user gave it, or where
            there is none.
        confirmed: Whether what cannot be undone was said twice, or can be undone.
    """

    write: Write
    request: WriteRequest
    arguments: Mapping[str, object]
    private: Mapping[str, str] = field(repr=False)
    idempotency_key: str | None
    same: str = field(repr=False)
    subject: str = field(repr=False)
    id_origin: IdOrigin
    confirmed: bool


def bind(
    write: Write, arguments: Mapping[str, object], options: CallOptions, placement: Placement
) -> BoundCall:
    """What a call means.

    Raises:
        UsageError: An argument cannot be right; nothing was sent.
    """
    idempotency_key = (
        None
        if options.idempotency_key is None
        else checked_key(write.qualified_name, options.idempotency_key)
    )
    if not isinstance(options.traceable, bool):
        raise UsageError(
            f"{write.qualified_name}: `traceable` is True or False, not {options.traceable!r}. Nothing was sent."
        )
    parameters = encode_arguments(write, arguments)
    named = {param.name: param for param in write.params if param.field in parameters and param.fixed is None}
    # Before an id is made for the call: one that is made says nothing about what is meant.
    texts = {name: to_text(param.field, parameters[param.field]) for name, param in named.items()}
    for name, param in named.items():
        if param.kind in ("amount", "rate"):  # zeros at the end mean nothing, and may be too many
            texts[name] = parameters[param.field] = _plain(texts[name])
        elif param.kind == "addresses":
            texts[name] = ",".join(sorted(texts[name].split(",")))
    shown = {name: _shown(param, parameters) for name, param in named.items()}
    same = json.dumps(
        [write.qualified_name, sorted(texts.items()), *(["marked"] if options.traceable else [])]
    )
    what = write.changes or write.qualified_name
    subject = json.dumps([_leg(write, shown) or what, [texts.get(name, "") for name in write.subject]])
    client_id = next((param for param in write.params if param.name == CLIENT_ID), None)
    made = client_id is not None and client_id.field not in parameters
    if client_id is not None and made:
        parameters[client_id.field] = shown[CLIENT_ID] = _made_id(write, idempotency_key)
    id_origin: IdOrigin = "" if not made else "name" if idempotency_key else "call"
    if options.traceable:
        param = next(param for param in write.params if param.name == write.suffixed_argument)
        parameters[param.field] = shown[param.name] = _with_suffix(write, param, texts.get(param.name, ""))
        id_origin = "call"
    return BoundCall(
        write=write,
        request=_request(write, parameters, placement),
        arguments=MappingProxyType(shown),
        private=MappingProxyType({name: texts[name] for name, param in named.items() if param.private}),
        idempotency_key=idempotency_key,
        same=same,
        subject=subject,
        id_origin=id_origin,
        confirmed=not write.confirm or _confirmed(write, options.confirm) == texts[write.confirm],
    )


def _confirmed(write: Write, said: str) -> str:
    if strange := unseen(said):
        raise UsageError(
            f"{write.qualified_name}: `confirm` has {strange} in it: leave it out. Nothing was sent."
        )
    return said


def checked_key(qualified_name: str, idempotency_key: object) -> str:
    """The name of a call: what looks the same is the same name, or is refused.

    Raises:
        UsageError: It is none.
    """
    name = folded(idempotency_key) if isinstance(idempotency_key, str) else ""
    if strange := unseen(name) or twin(name):
        raise UsageError(
            f"{qualified_name}: `idempotency_key` has {strange} in it, which nobody sees or which looks like another character. "
            "Nothing was sent. Type the name anew, or leave the character out."
        )
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise UsageError(
            f'{qualified_name}: `idempotency_key` is a name of 1 to {_LONGEST_NAME} characters, such as "2026-10-payout-417". '
            "Nothing was sent."
        )
    return name


def may_conflict(write: Write, given: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two calls about the same thing may mean the same: only of money more is to be looked at.

    The master account is the side that is not given, and may be given by its id as well.
    """
    if write.transfer_leg is None:
        return True
    sides = list(zip(_accounts(given), _accounts(other), strict=True))
    fits = all(one is None or another is None or one == another for one, another in sides)
    return fits and any(one is not None and one == another for one, another in sides)


def _accounts(arguments: Mapping[str, object]) -> tuple[object, object]:
    """Where money comes from and goes to, by whatever door."""
    within = arguments.get("sub_account_id")
    return arguments.get("from_id", within), arguments.get("to_id", within)


def _leg(write: Write, shown: Mapping[str, object]) -> str:
    """From which wallet to which money is moved, "" where none is.

    Raises:
        UsageError: Nothing moves so.
    """
    if write.transfer_leg is None:
        return ""
    source, target = write.transfer_leg.wallets({name: str(value) for name, value in shown.items()})
    if write.transfer_leg.spot_on_one_side and "spot" not in (source, target):
        raise UsageError(
            f"{write.qualified_name}: nothing moves between two futures wallets: one of `{write.transfer_leg.source}` and "
            f'`{write.transfer_leg.target}` is "spot". Nothing was sent.'
        )
    return f"money {source} {target}"


def checked_placement(placement: Placement) -> Placement:
    """Where parameters go.

    Raises:
        UsageError: It is no such word.
    """
    if placement not in get_args(Placement):
        raise UsageError(
            f'`parameters` is "body" (as it should be), "query" or "mixed", not {placement!r}. '
            f"Nothing was sent.{did_you_mean(placement, get_args(Placement))}"
        )
    return placement


def _request(write: Write, parameters: Mapping[str, object], placement: Placement) -> WriteRequest:
    ids = {param.field for param in write.params if param.kind == "id" and not param.private}
    in_query = {"body": set(), "query": set(parameters), "mixed": ids & set(parameters)}[placement]
    query = {name: value for name, value in parameters.items() if name in in_query}
    body = {name: value for name, value in parameters.items() if name not in in_query}
    return WriteRequest(
        qualified_name=write.qualified_name,
        method=write.method,
        path=write.path,
        in_query=query,
        in_body=body,
        placement=placement,
        rate_limit=write.rate_limit,
        weight=write.weight_of(parameters),
        needs=write.needs,
        privileged=write.privileged,
    )


def _shown(param: Param, parameters: Mapping[str, object]) -> object:
    value = parameters[param.field]
    if param.private:
        return redacted_argument(param, value)
    word = next((word for word, sent_value in param.choices.items() if sent_value == value), None)
    if word is not None:
        return word
    return value if isinstance(value, bool | int) else to_text(param.field, value)


def _plain(digits: str) -> str:
    """A number in one spelling: 1.50 and 1.5 are the same amount. As text, because arithmetic rounds."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _with_suffix(write: Write, param: Param, text: str) -> str:
    """A text with a mark behind it that no other call has.

    Raises:
        UsageError: There is no room for it.
    """
    suffix = "".join(choice(_LETTERS) for _ in range(_MARK_LENGTH))
    traceable = f"{text}-{suffix}" if text else suffix
    if param.max_length is not None and len(traceable) > param.max_length:
        room = param.max_length - len(suffix) - 1
        raise UsageError(
            f"{write.qualified_name}: `{param.name}` has {room} characters at most where it is marked, not "
            f"{len(text)}. Nothing was sent."
        )
    return traceable


def _made_id(write: Write, idempotency_key: str | None) -> str:
    """An id for a transfer.

    That of a name is always the same: the exchange refuses it the second time, also where it comes from
    another machine, or with another journal.
    """
    if idempotency_key is None:
        return "tk" + token_hex(_ID_LENGTH // 2)
    return "tk" + sha256(f"{write.qualified_name}\n{idempotency_key}".encode()).hexdigest()[:_ID_LENGTH]
