"""Requests that are blocked before they reach the exchange: each cause is recognised, with advice."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from toolkit import errors
from toolkit.transport.responses import RawResponse, classify, error_of

CLOUDFRONT = (
    b"<HTML><H1>403 ERROR</H1><H2>The request could not be satisfied.</H2>The Amazon CloudFront distribution "
    b"is configured to block access from your country.</HTML>"
)
RESTRICTED = (
    b'{"code":0,"msg":"Service unavailable from a restricted location according to \'b. Eligibility\'. '
    b'Please contact customer service if you believe you received this message in error."}'
)
AKAMAI = b"<HTML><H1>Access Denied</H1>You don't have permission. Reference #18.2d351ab8.1557333295</HTML>"
BLOCKED: dict[str, tuple[int, Mapping[str, str], bytes, str]] = {
    "451": (451, {}, RESTRICTED, "does not serve the country"),
    "451, a page": (451, {}, b"<html>Unavailable</html>", "does not serve the country"),
    "CloudFront by country": (403, {"Server": "CloudFront"}, CLOUDFRONT, "does not serve the country"),
    "Akamai": (403, {"Server": "AkamaiGHost"}, AKAMAI, "whether it is allowed at all"),
    "a company's proxy": (403, {}, b"<html>Blocked by policy</html>", "your company's proxy"),
    "captcha": (405, {"x-amzn-waf-action": "captcha"}, b"<html>", "takes this machine for a bot"),
    "challenge": (202, {"x-amzn-waf-action": "challenge"}, b"", "takes this machine for a bot"),
    "challenge of another": (403, {"cf-mitigated": "challenge"}, b"<html>", "takes this machine for a bot"),
}


@pytest.mark.parametrize("kind", BLOCKED)
def test_a_blocked_read_names_the_cause(kind: str) -> None:
    status, headers, body, advice = BLOCKED[kind]
    error = error_of("spot.rebates", "/sapi/v1/x", RawResponse(status, headers, body), 0.0)
    assert isinstance(error, errors.FirewallError)
    assert advice in error.advice
    assert advice in str(error)
    assert "Look up the code" not in str(error)


@pytest.mark.parametrize("kind", BLOCKED)
def test_a_blocked_write_is_rejected_or_unknown(kind: str) -> None:
    """A 202 claims that something was accepted, so only the exchange can show that it was not."""
    status, headers, body, advice = BLOCKED[kind]
    result = classify("exchange.transfer", "/sapi/v1/x", RawResponse(status, headers, body), 0.0)
    if status == 202:
        assert result.executed is None
        assert "the firewall asks for a browser" in str(result.error)
    else:
        assert result.executed is False
        assert advice in str(result.error)


def test_a_403_with_an_error_code_comes_from_the_exchange() -> None:
    response = RawResponse(403, {}, b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}')
    assert isinstance(error_of("x", "/sapi/v1/x", response, 0.0), errors.CredentialsError)
