"""Links to the exchange's documentation have the form of its pages since July 2026."""

from __future__ import annotations

import re

import pytest

from tests.support.documents import DOCUMENTS
from tests.support.paths import PACKAGE
from toolkit.endpoints import ENDPOINTS, KEY_PERMISSIONS, NAMESPACES, WRITES, Endpoint

SITE = "https://developers.binance.com"
# Pages by product, endpoints by product, and the pages before July 2026. Nothing is under /docs/ any more.
PAGE = re.compile(rf"{SITE}/(en/docs/(products|catalog)/[\w./~-]+|legacy-docs/[\w/-]+)(#[\w-]+)?")


@pytest.mark.parametrize("endpoint", [*ENDPOINTS, *WRITES, KEY_PERMISSIONS], ids=lambda e: e.qualified_name)
def test_the_source_of_an_endpoint_is_a_page(endpoint: Endpoint) -> None:
    assert PAGE.fullmatch(endpoint.source)


def test_the_documentation_of_a_namespace_is_a_page() -> None:
    assert all(PAGE.fullmatch(namespace.documentation) for namespace in NAMESPACES)


def test_no_other_link_goes_to_the_pages_before() -> None:
    paths = [*DOCUMENTS, *PACKAGE.rglob("*.py")]
    links = {link for path in paths for link in re.findall(rf"{SITE}/[^\s\"`)]*", path.read_text("utf-8"))}
    written_in_parts = {"/legacy-docs/binance_link", "/en/docs"}
    others = {link for link in links if not PAGE.fullmatch(link)}
    assert {link.removeprefix(SITE) for link in others} <= written_in_parts
