"""Checks the built documentation: `python scripts/check_site.py docs/_build/html`.

Every link leads somewhere, nothing is loaded from another host, and nothing in it is secret. No network is
asked: a link to another site is held against the list of the sites that we mean to link to.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from toolkit.sandbox import World

SITES = {
    "developers.binance.com",
    "docs.python.org",
    "keepachangelog.com",
    "pandas.pydata.org",
    "semver.org",
}
_LOADED = {"src", "srcset", "poster", "data"}
_FROM_OUTSIDE = re.compile(r"^\s*(?:[a-z][a-z+.-]*:)?//", re.IGNORECASE)
_IN_CSS = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)")
# An API key or secret (not the hash that a picture is called by), and how a private key in PEM begins.
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9]{64}(?![A-Za-z0-9]|\.png)|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


class Page(HTMLParser):
    """What a page links to, what a browser loads for it, which anchors it has, and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes of a tag that name something."""
        for name, value in attrs:
            if not value:
                continue
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)
            elif name == "href" and tag in {"a", "area"}:
                self.links.append(value)
            elif name in _LOADED or name == "href":
                self.loaded.append(value)
            else:
                self.said += f"{value}\n"

    def handle_data(self, data: str) -> None:
        """Note a text, or a piece of one where its colours change."""
        self.said += data


def problems(folder: Path, secrets: Iterable[str]) -> Iterator[str]:
    """What is wrong with the site in a folder, one line each."""
    paths = [path for path in sorted(folder.rglob("*.html")) if path.parent != folder / "_static"]
    texts = {path: path.read_text("utf-8") for path in paths}
    if not texts:
        yield f"{folder}: there are no pages."
    pages = {path: Page(text) for path, text in texts.items()}
    secrets = tuple(secrets)
    for path, page in pages.items():
        where = path.relative_to(folder)
        yield from (f"{where}: {told}" for told in _flaws_of_links(path, pages, folder))
        outside = filter(_FROM_OUTSIDE.match, page.loaded)
        yield from (f"{where}: loads {address} from outside" for address in outside)
        if shows_secret(page.said, secrets) or any(secret in texts[path] for secret in secrets):
            yield f"{where}: shows what looks like a key or a secret"
    for path in sorted(folder.rglob("*.css")):
        for address in _IN_CSS.findall(path.read_text("utf-8")):
            yield f"{path.relative_to(folder)}: loads {address} from outside"


def _flaws_of_links(path: Path, pages: dict[Path, Page], folder: Path) -> Iterator[str]:
    for link in dict.fromkeys(pages[path].links + pages[path].loaded):
        address = urlsplit(link)
        if address.scheme == "data":
            continue
        if address.scheme or address.netloc:
            if link in pages[path].links and (address.scheme != "https" or address.netloc not in SITES):
                yield f"links to {link}, which is not among the sites in {Path(__file__).name}"
            continue
        target = (path.parent / unquote(address.path)).resolve() if address.path else path
        if not target.is_relative_to(folder) or not target.is_file():
            yield f"links to {link}, which does not exist"
        elif target in pages and unquote(address.fragment) not in pages[target].anchors:
            yield f"links to {link}, and there is no such anchor"


def shows_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether a text holds one of the secrets, or anything that looks like a key or a secret."""
    return bool(_SHAPES.search(text)) or any(secret in text for secret in secrets)


def sandbox_secrets() -> Iterator[str]:
    """What the notebooks' sandbox must not show: the keys of its world, and their secrets."""
    for key in World(seed=7).keys.values():
        yield key.key
        if key.secret:
            yield key.secret


def main(folder: str) -> int:
    """Print what is wrong; 1 if there is anything."""
    found = list(problems(Path(folder).resolve(), sandbox_secrets()))
    print("\n".join(found) or "Every link leads somewhere; nothing comes from outside; nothing is secret.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
