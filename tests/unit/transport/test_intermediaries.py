"""Who stops a request before the exchange sees it: each is told apart, with what helps."""

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
STOPPED: dict[str, tuple[int, Mapping[str, str], bytes, str]] = {
    "451": (451, {}, RESTRICTED, "does not serve the country"),
    "451, a page": (451, {}, b"<html>Unavailable</html>", "does not serve the country"),
    "CloudFront by country": (403, {"Server": "CloudFront"}, CLOUDFRONT, "does not serve the country"),
    "Akamai": (403, {"Server": "AkamaiGHost"}, AKAMAI, "whether it is let in at all"),
    "a company's proxy": (403, {}, b"<html>Blocked by policy</html>", "a proxy of your company's"),
    "captcha": (405, {"x-amzn-waf-action": "captcha"}, b"<html>", "takes this machine for a robot"),
    "challenge": (202, {"x-amzn-waf-action": "challenge"}, b"", "takes this machine for a robot"),
    "challenge of another": (403, {"cf-mitigated": "challenge"}, b"<html>", "takes this machine for a robot"),
}


@pytest.mark.parametrize("kind", STOPPED)
def test_a_read_is_told_who_stopped_it(kind: str) -> None:
    status, headers, body, advice = STOPPED[kind]
    error = error_of("spot.rebates", "/sapi/v1/x", RawResponse(status, headers, body), 0.0)
    assert isinstance(error, errors.FirewallError)
    assert advice in error.advice
    assert advice in str(error)
    assert "Look the code up" not in str(error)


@pytest.mark.parametrize("kind", STOPPED)
def test_a_write_that_was_stopped_is_rejected_and_in_doubt_unknown(kind: str) -> None:
    """A 202 says of itself that something was accepted: that it was not is for the exchange to show."""
    status, headers, body, advice = STOPPED[kind]
    result = classify("exchange.transfer", "/sapi/v1/x", RawResponse(status, headers, body), 0.0)
    if status == 202:
        assert result.executed is None
        assert "the firewall wants to see a browser" in str(result.error)
    else:
        assert result.executed is False
        assert advice in str(result.error)


def test_a_refusal_of_the_exchange_is_none_of_theirs() -> None:
    answer = RawResponse(403, {}, b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}')
    assert isinstance(error_of("x", "/sapi/v1/x", answer, 0.0), errors.CredentialsError)
