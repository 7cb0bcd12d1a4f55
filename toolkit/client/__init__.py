"""The client: `Link`."""

from toolkit.client.link import Link
from toolkit.client.settings import Settings

__all__ = ["Link", "Settings"]


def __dir__() -> list[str]:
    return __all__
