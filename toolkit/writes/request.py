"""Binds the arguments of a write to its declaration: the request, what may be shown, what is compared.

Pure functions; nothing is sent.
"""

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
from toolkit.text.characters import find_homoglyph, find_invisible, fold
from toolkit.text.suggestions import did_you_mean
from toolkit.writes.entry import IdOrigin

CLIENT_ID = "client_tran_id"
_MAX_KEY_LENGTH = 64
_ID_LENGTH = 30
# People read and type suffixes: no letters that look alike. 31**9 is more than anybody creates.
_LETTERS, _SUFFIX_LENGTH = "23456789abcdefghjkmnpqrstuvwxyz", 9


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Options of one call, besides its arguments.

    Attributes:
        idempotency_key: Text under which the call is executed once, None for no such text.
        confirm: The subject again, for calls that cannot be undone.
        unique_suffix: Append a random suffix to an argument, by which what the call creates is recognised.
    """

    idempotency_key: str | None = None
    confirm: str = field(default="", repr=False)
    unique_suffix: bool = False


@dataclass(frozen=True, slots=True)
class BoundCall:
    """A validated call of a write.

    Attributes:
        write: The declaration of the endpoint.
        request: The request to send.
        arguments: The arguments by name, as they may be shown and recorded; private ones masked.
        private: The private arguments by name. Kept in memory only.
        idempotency_key: The idempotency key, normalised: keys that look the same are equal.
        same: Text that is equal for two identical calls. The journal stores its digest, so its composition is
            part of the journal's format.
        subject: Text that is equal for two calls that change the same thing or move the same money. Its
            digest is stored as well.
        id_origin: Where the id that identifies the call in the exchange's lists comes from: "call", generated
            for this call; "name", derived from `idempotency_key`; "", given by the user, or none.
        confirmed: Whether the call can be undone, or its subject was given a second time.
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
    """Validate the arguments of a call and prepare its request.

    Raises:
        UsageError: An argument is invalid; nothing was sent.
    """
    idempotency_key = (
        None
        if options.idempotency_key is None
        else checked_key(write.qualified_name, options.idempotency_key)
    )
    if not isinstance(options.unique_suffix, bool):
        raise UsageError(
            f"{write.qualified_name}: `unique_suffix` must be True or False, not {options.unique_suffix!r}. "
            "Nothing was sent."
        )
    parameters = encode_arguments(write, arguments)
    named = {param.name: param for param in write.params if param.field in parameters and param.fixed is None}
    # Taken before an id is generated: a generated id says nothing about what the user asked for.
    texts = {name: to_text(param.field, parameters[param.field]) for name, param in named.items()}
    for name, param in named.items():
        if param.kind in ("amount", "rate"):  # trailing zeros mean nothing, and may exceed the allowed digits
            texts[name] = parameters[param.field] = _plain(texts[name])
        elif param.kind == "addresses":
            texts[name] = ",".join(sorted(texts[name].split(",")))
    shown = {name: _shown(param, parameters) for name, param in named.items()}
    # Journals store a digest of this text. With another word, calls of earlier versions are not recognised.
    same = json.dumps(
        [write.qualified_name, sorted(texts.items()), *(["marked"] if options.unique_suffix else [])]
    )
    changed = _leg(write, shown) or write.changes or write.qualified_name
    subject = json.dumps([changed, [texts.get(name, "") for name in write.subject]])
    client_id = next((param for param in write.params if param.name == CLIENT_ID), None)
    generated = client_id is not None and client_id.field not in parameters
    if client_id is not None and generated:
        parameters[client_id.field] = shown[CLIENT_ID] = _generated_id(write, idempotency_key)
    id_origin: IdOrigin = "" if not generated else "name" if idempotency_key else "call"
    if options.unique_suffix:
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
        confirmed=not write.confirm or _checked_confirm(write, options.confirm) == texts[write.confirm],
    )


def _checked_confirm(write: Write, text: str) -> str:
    if hidden := find_invisible(text):
        raise UsageError(
            f"{write.qualified_name}: `confirm` has {hidden} in it. Remove it. Nothing was sent."
        )
    return text


def checked_key(qualified_name: str, idempotency_key: object) -> str:
    """An idempotency key, normalised, so that keys that look the same are equal.

    Raises:
        UsageError: It is not text of a valid length, or has a character that is invisible or ambiguous.
    """
    key = fold(idempotency_key) if isinstance(idempotency_key, str) else ""
    if refused := find_invisible(key) or find_homoglyph(key):
        raise UsageError(
            f"{qualified_name}: `idempotency_key` has {refused} in it, which is invisible or looks like "
            "another character. Nothing was sent. Type the key again, or remove the character."
        )
    if not 1 <= len(key) <= _MAX_KEY_LENGTH:
        raise UsageError(
            f"{qualified_name}: `idempotency_key` must be text of 1 to {_MAX_KEY_LENGTH} characters, such as "
            '"2026-10-payout-417". Nothing was sent.'
        )
    return key


def may_conflict(write: Write, given: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two calls with the same subject may conflict. Transfers also need matching accounts.

    A side that is not given is the master account, which may also be given by its id.
    """
    if write.transfer_leg is None:
        return True
    sides = list(zip(_accounts(given), _accounts(other), strict=True))
    compatible = all(one is None or another is None or one == another for one, another in sides)
    return compatible and any(one is not None and one == another for one, another in sides)


def _accounts(arguments: Mapping[str, object]) -> tuple[object, object]:
    """The sending and the receiving account of a transfer, for every transfer endpoint."""
    within = arguments.get("sub_account_id")
    return arguments.get("from_id", within), arguments.get("to_id", within)


def _leg(write: Write, shown: Mapping[str, object]) -> str:
    """The wallets that a transfer moves money between, as text; "" for other writes.

    Raises:
        UsageError: No transfer is possible between these wallets.
    """
    if write.transfer_leg is None:
        return ""
    source, target = write.transfer_leg.wallets({name: str(value) for name, value in shown.items()})
    if write.transfer_leg.spot_on_one_side and "spot" not in (source, target):
        raise UsageError(
            f"{write.qualified_name}: money cannot be moved between two futures wallets. One of "
            f'`{write.transfer_leg.source}` and `{write.transfer_leg.target}` must be "spot". Nothing was '
            "sent."
        )
    return f"money {source} {target}"


def checked_placement(placement: Placement) -> Placement:
    """The value of `parameters=`, checked.

    Raises:
        UsageError: It is not one of the allowed words.
    """
    if placement not in get_args(Placement):
        raise UsageError(
            f'`parameters` must be "body" (the default), "query" or "mixed", not {placement!r}. '
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
        timestamp_field=write.timestamp_field,
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
    """A number without trailing zeros: 1.50 and 1.5 are the same amount. As text: arithmetic rounds."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _with_suffix(write: Write, param: Param, text: str) -> str:
    """The text with a random suffix that no other call has.

    Raises:
        UsageError: The text would become too long.
    """
    suffix = "".join(choice(_LETTERS) for _ in range(_SUFFIX_LENGTH))
    suffixed = f"{text}-{suffix}" if text else suffix
    if param.max_length is not None and len(suffixed) > param.max_length:
        room = param.max_length - len(suffix) - 1
        raise UsageError(
            f"{write.qualified_name}: with `unique_suffix=True`, `{param.name}` has at most {room} "
            f"characters, not {len(text)}. Nothing was sent."
        )
    return suffixed


def _generated_id(write: Write, idempotency_key: str | None) -> str:
    """Generate an id for a transfer.

    An idempotency key always gives the same id, so the exchange refuses a second transfer, even from another
    machine or with another journal.
    """
    if idempotency_key is None:
        return "tk" + token_hex(_ID_LENGTH // 2)
    return "tk" + sha256(f"{write.qualified_name}\n{idempotency_key}".encode()).hexdigest()[:_ID_LENGTH]
