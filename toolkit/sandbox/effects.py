"""Records what writes did, so that a test can prove that nothing happened twice, or at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from toolkit.endpoints import WRITES

_SHOWN = 3
_STARS = "*" * 13


@dataclass(frozen=True, slots=True)
class Effect:
    """One executed write, also when it changed nothing.

    Attributes:
        time_ms: When it was executed, by the exchange's clock.
        qualified_name: The endpoint, as `exchange.transfer`.
        key_name: Name of the key that signed it.
        parameters: Its own parameters as received. Keys are shortened, other private values are left out.
        result_id: Id of the transfer, id of the new sub-account, or the new key, masked; "" for other writes.
    """

    time_ms: int
    qualified_name: str
    key_name: str
    parameters: Mapping[str, str]
    result_id: str

    def has(self, parameters: Mapping[str, str]) -> bool:
        """Whether it was sent with these parameters, among others."""
        return shown(parameters).items() <= self.parameters.items()


def shown(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """The parameters as an effect records them."""
    kept = {name: text for name, text in parameters.items() if _PRIVATE.get(name) in (None, "id")}
    for name in kept.keys() & _PRIVATE.keys():
        kept[name] = kept[name][:_SHOWN] + _STARS
    return MappingProxyType(kept)


_PRIVATE = {param.field: param.kind for write in WRITES for param in write.params if param.private}
