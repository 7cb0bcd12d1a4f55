"""Pure: what a door's arguments mean, ready to be signed, to be shown and to be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import choice, token_hex
from types import MappingProxyType
from typing import get_args

from toolkit.catalogue import Param, Write
from toolkit.characters import folded, twin, unseen
from toolkit.errors import UsageError
from toolkit.operations.entry import Drawn
from toolkit.plan import parameters_of
from toolkit.privacy import masked_argument
from toolkit.suggestions import did_you_mean
from toolkit.wire.calls import Order, Placement
from toolkit.wire.signing import to_text

CLIENT_ID = "client_tran_id"
_LONGEST_NAME = 64
_ID_LENGTH = 30
# Marks are read and typed by people: no letters that look alike. 31**9 is more than anybody makes.
_LETTERS, _MARK_LENGTH = "23456789abcdefghjkmnpqrstuvwxyz", 9


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said beside the arguments.

    Attributes:
        once: Name under which it is done once.
        confirm: What cannot be undone, said again.
        marked: A mark is drawn for it, by which what it makes is known.
    """

    once: str | None = None
    confirm: str = field(default="", repr=False)
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """A call of a door for writing, understood.

    Attributes:
        write: What is called.
        order: What goes out.
        arguments: The arguments by name, as they may be shown and written down.
        private: Private arguments by name. Kept in memory only.
        once: Name under which it is done once, as it looks.
        same: Text that is the same for two calls that mean the same. Its digest is in the journal, so how it
            is made up is part of the journal's format.
        subject: Text that is the same for two calls that change the same thing, or move the same money.
        drawn: Who drew the value that shows it in the exchange's lists: "call", where it is another the next
            time, as a mark is; "name", where it follows from `once`; "" where the user gave it, or where
            there is none.
        confirmed: Whether what cannot be undone was said twice, or can be undone.
    """

    write: Write
    order: Order
    arguments: Mapping[str, object]
    private: Mapping[str, str] = field(repr=False)
    once: str | None
    same: str = field(repr=False)
    subject: str = field(repr=False)
    drawn: Drawn
    confirmed: bool


def understand(write: Write, arguments: Mapping[str, object], terms: Terms, placement: Placement) -> Meaning:
    """What a call means.

    Raises:
        UsageError: An argument cannot be right; nothing was sent.
    """
    once = None if terms.once is None else checked_name(write.door, terms.once)
    if not isinstance(terms.marked, bool):
        raise UsageError(f"{write.door}: `marked` is True or False, not {terms.marked!r}. Nothing was sent.")
    parameters = parameters_of(write, arguments)
    named = {param.name: param for param in write.params if param.wire in parameters and param.fixed is None}
    # Before an id is made for the call: one that is made says nothing about what is meant.
    texts = {name: to_text(param.wire, parameters[param.wire]) for name, param in named.items()}
    for name, param in named.items():
        if param.kind in ("amount", "rate"):  # zeros at the end mean nothing, and may be too many
            texts[name] = parameters[param.wire] = _plain(texts[name])
        elif param.kind == "addresses":
            texts[name] = ",".join(sorted(texts[name].split(",")))
    shown = {name: _shown(param, parameters) for name, param in named.items()}
    same = json.dumps([write.door, sorted(texts.items()), *(["marked"] if terms.marked else [])])
    what = write.changes or write.door
    subject = json.dumps([_moved(write, shown) or what, [texts.get(name, "") for name in write.subject]])
    client_id = next((param for param in write.params if param.name == CLIENT_ID), None)
    made = client_id is not None and client_id.wire not in parameters
    if client_id is not None and made:
        parameters[client_id.wire] = shown[CLIENT_ID] = _made_id(write, once)
    drawn: Drawn = "" if not made else "name" if once else "call"
    if terms.marked:
        param = next(param for param in write.params if param.name == write.marks)
        parameters[param.wire] = shown[param.name] = _marked(write, param, texts.get(param.name, ""))
        drawn = "call"
    return Meaning(
        write=write,
        order=_order(write, parameters, placement),
        arguments=MappingProxyType(shown),
        private=MappingProxyType({name: texts[name] for name, param in named.items() if param.private}),
        once=once,
        same=same,
        subject=subject,
        drawn=drawn,
        confirmed=not write.confirm or _confirmed(write, terms.confirm) == texts[write.confirm],
    )


def _confirmed(write: Write, said: str) -> str:
    if strange := unseen(said):
        raise UsageError(f"{write.door}: `confirm` has {strange} in it: leave it out. Nothing was sent.")
    return said


def checked_name(door: str, once: object) -> str:
    """The name of a call: what looks the same is the same name, or is refused.

    Raises:
        UsageError: It is none.
    """
    name = folded(once) if isinstance(once, str) else ""
    if strange := unseen(name) or twin(name):
        raise UsageError(
            f"{door}: `once` has {strange} in it, which nobody sees or which looks like another character. "
            "Nothing was sent. Type the name anew, or leave the character out."
        )
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise UsageError(
            f'{door}: `once` is a name of 1 to {_LONGEST_NAME} characters, such as "2026-10-payout-417". '
            "Nothing was sent."
        )
    return name


def may_be_the_same(write: Write, given: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two calls about the same thing may mean the same: only of money more is to be looked at.

    The master account is the side that is not given, and may be given by its id as well.
    """
    if write.movement is None:
        return True
    sides = list(zip(_accounts(given), _accounts(other), strict=True))
    fits = all(one is None or another is None or one == another for one, another in sides)
    return fits and any(one is not None and one == another for one, another in sides)


def _accounts(arguments: Mapping[str, object]) -> tuple[object, object]:
    """Where money comes from and goes to, by whatever door."""
    within = arguments.get("sub_account_id")
    return arguments.get("from_id", within), arguments.get("to_id", within)


def _moved(write: Write, shown: Mapping[str, object]) -> str:
    """From which wallet to which money is moved, "" where none is.

    Raises:
        UsageError: Nothing moves so.
    """
    if write.movement is None:
        return ""
    source, target = write.movement.wallets({name: str(value) for name, value in shown.items()})
    if write.movement.through_spot and "spot" not in (source, target):
        raise UsageError(
            f"{write.door}: nothing moves between two futures wallets: one of `{write.movement.source}` and "
            f'`{write.movement.target}` is "spot". Nothing was sent.'
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


def _order(write: Write, parameters: Mapping[str, object], placement: Placement) -> Order:
    ids = {param.wire for param in write.params if param.kind == "id" and not param.private}
    in_query = {"body": set(), "query": set(parameters), "mixed": ids & set(parameters)}[placement]
    query = {name: value for name, value in parameters.items() if name in in_query}
    body = {name: value for name, value in parameters.items() if name not in in_query}
    return Order(
        door=write.door,
        method=write.method,
        path=write.path,
        in_query=query,
        in_body=body,
        placement=placement,
        pool=write.pool,
        weight=write.weight_of(parameters),
        needs=write.needs,
        privileged=write.privileged,
    )


def _shown(param: Param, parameters: Mapping[str, object]) -> object:
    value = parameters[param.wire]
    if param.private:
        return masked_argument(param, value)
    word = next((word for word, on_wire in param.choices.items() if on_wire == value), None)
    if word is not None:
        return word
    return value if isinstance(value, bool | int) else to_text(param.wire, value)


def _plain(digits: str) -> str:
    """A number in one spelling: 1.50 and 1.5 are the same amount. As text, because arithmetic rounds."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _marked(write: Write, param: Param, text: str) -> str:
    """A text with a mark behind it that no other call has.

    Raises:
        UsageError: There is no room for it.
    """
    mark = "".join(choice(_LETTERS) for _ in range(_MARK_LENGTH))
    marked = f"{text}-{mark}" if text else mark
    if param.longest is not None and len(marked) > param.longest:
        room = param.longest - len(mark) - 1
        raise UsageError(
            f"{write.door}: `{param.name}` has {room} characters at most where it is marked, not "
            f"{len(text)}. Nothing was sent."
        )
    return marked


def _made_id(write: Write, once: str | None) -> str:
    """An id for a transfer.

    That of a name is always the same: the exchange refuses it the second time, also where it comes from
    another machine, or with another journal.
    """
    if once is None:
        return "tk" + token_hex(_ID_LENGTH // 2)
    return "tk" + sha256(f"{write.door}\n{once}".encode()).hexdigest()[:_ID_LENGTH]
