"""Where the prices of a Link's exchange are kept."""

from __future__ import annotations

from toolkit.client.link import Link
from toolkit.storage import paths
from toolkit.storage.prices import PriceFiles


def price_files_of(link: Link) -> PriceFiles | None:
    """Return the kept prices of a Link's exchange; None where there is no place for them."""
    connection = link._connection
    sandbox = connection.sandbox_id()
    if sandbox == "":  # the next sandbox at this address would be taken for this one
        return None
    folder = paths.prices_folder(connection.session.hosts, sandbox)
    return None if folder is None else PriceFiles(folder)
