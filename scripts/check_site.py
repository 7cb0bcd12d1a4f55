"""Checks the built documentation: `python scripts/check_site.py docs/_build/html`.

Every link has a target, nothing is loaded from another host, and no page contains a secret. The check uses no
network: links to other sites are compared with a list.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from toolkit.sandbox import World

# The sites that pages may link to.
SITES = {
    "developers.binance.com",
    "docs.ccxt.com",
    "docs.python.org",
    "keepachangelog.com",
    "pandas.pydata.org",
    "python-binance.readthedocs.io",
    "semver.org",
}
_LOADED = {"src", "srcset", "poster", "data"}
_ANOTHER_HOST = re.compile(r"^\s*(?:[a-z][a-z+.-]*:)?//", re.IGNORECASE)
_IN_CSS = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)")
# An API key or secret (but not the name of a picture, which is a hash), and the first line of a private key.
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9]{64}(?![A-Za-z0-9]|\.png)|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


class Page(HTMLParser):
    """The links of a page, what a browser loads for it, its anchors, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the attributes of a tag."""
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
                self.text += f"{value}\n"

    def handle_data(self, data: str) -> None:
        """Record a text, which may come in pieces."""
        self.text += data


def problems(folder: Path, secrets: Iterable[str]) -> Iterator[str]:
    """The problems of the site in a folder, one line each."""
    paths = [path for path in sorted(folder.rglob("*.html")) if path.parent != folder / "_static"]
    texts = {path: path.read_text("utf-8") for path in paths}
    if not texts:
        yield f"{folder}: there are no pages."
    pages = {path: Page(text) for path, text in texts.items()}
    secrets = tuple(secrets)
    for path, page in pages.items():
        where = path.relative_to(folder)
        yield from (f"{where}: {problem}" for problem in _problems_of_links(path, pages, folder))
        addresses = filter(_ANOTHER_HOST.match, page.loaded)
        yield from (f"{where}: loads {address} from another host" for address in addresses)
        if shows_secret(page.text, secrets) or any(secret in texts[path] for secret in secrets):
            yield f"{where}: shows what looks like a key or a secret"
    for path in sorted(folder.rglob("*.css")):
        for address in _IN_CSS.findall(path.read_text("utf-8")):
            yield f"{path.relative_to(folder)}: loads {address} from another host"


def _problems_of_links(path: Path, pages: dict[Path, Page], folder: Path) -> Iterator[str]:
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
    """Whether a text contains one of the secrets, or anything that looks like a key or a secret."""
    return bool(_SHAPES.search(text)) or any(secret in text for secret in secrets)


def sandbox_secrets() -> Iterator[str]:
    """The keys and secrets of the sandbox that the notebooks use."""
    for key in World(seed=7).keys.values():
        yield key.key
        if key.secret:
            yield key.secret


def main(folder: str) -> int:
    """Print the problems; return 1 if there are any."""
    found = list(problems(Path(folder).resolve(), sandbox_secrets()))
    print("\n".join(found) or "No problems: links, other hosts, secrets.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
