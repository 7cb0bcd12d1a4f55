"""What writes did, so that a test can prove that nothing happened twice, or at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from toolkit.endpoints import WRITES

_SHOWN = 3
_STARS = "*" * 13


@dataclass(frozen=True, slots=True)
class Effect:
    """One write that was executed, also when it left everything as it was.

    Attributes:
        time_ms: When, by the exchange's clock.
        qualified_name: Which write.
        key_name: Name of the key that sent it.
        parameters: Its own parameters as they came over the wire; of what is private, keys are
            shortened, and the rest is left out.
        answer_id: Number of the transfer, id of the new sub-account, the new key masked; "" for the others.
    """

    time_ms: int
    qualified_name: str
    key_name: str
    parameters: Mapping[str, str]
    answer_id: str

    def has(self, parameters: Mapping[str, str]) -> bool:
        """Whether it was sent with these parameters; with others beside them as well."""
        return shown(parameters).items() <= self.parameters.items()


def shown(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Parameters as an effect keeps them."""
    kept = {name: text for name, text in parameters.items() if _PRIVATE.get(name) in (None, "id")}
    for name in kept.keys() & _PRIVATE.keys():
        kept[name] = kept[name][:_SHOWN] + _STARS
    return MappingProxyType(kept)


_PRIVATE = {param.field: param.kind for write in WRITES for param in write.params if param.private}
