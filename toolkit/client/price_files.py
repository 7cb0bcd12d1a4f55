"""Where the prices of a Link's exchange are kept, and when now is for it."""

from __future__ import annotations

from toolkit.client.link import Link
from toolkit.storage import paths
from toolkit.storage.prices import PriceFiles


def price_files_of(link: Link) -> PriceFiles | None:
    """Return the kept prices of a Link's exchange; None where there is no place for them."""
    connection = link._connection
    sandbox = connection.sandbox_id()
    # On this machine, but no sandbox that says which one: the next one would be taken for it.
    if connection.source == "sandbox" and not sandbox:
        return None
    folder = paths.prices_folder(connection.session.hosts, sandbox)
    return None if folder is None else PriceFiles(folder)


def now_of(link: Link) -> int:
    """Return the time of a Link's clock, in milliseconds."""
    return int(link._connection.clock.time() * 1000)
