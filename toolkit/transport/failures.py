"""Why nothing came back: told from what `requests` and everything below it raise, and what to do about it."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import requests

from toolkit.runtime.interruptions import chain_of, let_through
from toolkit.transport.connections import ResponseLimitError

Kind = Literal["certificate", "authorities", "keylog", "proxy", "network"]
"""What it was that failed."""

KEY_LOG = "SSLKEYLOGFILE"
"""Environment variable: the file that Python writes the secrets of TLS connections to."""

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_UNUSED_BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

# Of the 4XX those that may be over soon.
_PASSING = {408, 425, 429}
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")

# OpenSSL's numbers for what it does not like about a certificate.
_NOT_NOW = {9, 10}
_OTHER_NAME = {62, 64}
_OTHER_AUTHORITY = {18, 19, 20, 21}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing came back.

    Attributes:
        reason: Why, in words.
        kind: What it was that failed.
        advice: What to do about it, as a sentence without its capital; "" where the usual advice serves.
        permanent: It would fail in the same way if it was sent again.
    """

    reason: str
    kind: Kind = "network"
    advice: str = ""
    permanent: bool = False


WANTS_PASSWORD = Failure(
    "the proxy wants a user name and password, or other ones (HTTP 407), and handed nothing on",
    "proxy",
    "give them within the proxy's address, as `http://user:password@proxy.example:8080` (special characters "
    "percent-encoded), in `proxies=` or in HTTPS_PROXY. It is not asked again by itself: some lock out.",
    permanent=True,
)
WANTS_SIGN_IN = Failure(
    "the network wants a sign-in first (HTTP 511)",
    advice="open any page in a browser on this machine, sign in to the network, and call again.",
    permanent=True,
)


def explain(
    error: Exception, *, has_sent: bool, host: str, proxy: str, trusted: str, given: bool
) -> Failure | None:
    """Why nothing came back, None where nobody foresaw it.

    Args:
        error: What `requests` raised.
        has_sent: Something of the request went out.
        host: The host's name.
        proxy: The proxy's name on the way there, "" where there is none.
        trusted: The file of certificates that is trusted, "" for the usual one.
        given: The user named that file in `verify`.
    """
    chain = [*chain_of(error)]
    if isinstance(error, ResponseLimitError):
        return Failure(f"the head of the answer {error}")
    if isinstance(error, UnicodeError):  # everything else is plain ASCII
        return Failure("the proxy's user or password cannot be sent", "proxy", permanent=True)
    if not isinstance(error, OSError):  # which those of `requests` are
        return None
    if not has_sent and (setup := _setup(chain, trusted, given=given)) is not None:
        return setup
    if (by_socks := next((each for each in chain if type(each).__module__ == "socks"), None)) is not None:
        return _of_socks(type(by_socks).__name__, chain, host, proxy)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Failure("no connection in time")
    if isinstance(error, requests.exceptions.Timeout):
        # The handshake of TLS and a proxy's word count as answers, too.
        return Failure("no answer in time" if has_sent else "no connection in time")
    if isinstance(error, requests.exceptions.SSLError):
        return _of_tls(chain, host)
    if isinstance(error, requests.exceptions.ProxyError):
        return _of_proxy(chain, host, proxy)
    if isinstance(error, requests.exceptions.ConnectionError):
        return _of_connection(chain, host, has_sent=has_sent)
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        return Failure(
            "the address of the proxy is none that can be used",
            "proxy",
            "it reads like `http://proxy.example:8080`; the environment names it, or `proxies=` does.",
            permanent=True,
        )
    if isinstance(error, requests.exceptions.RequestException):
        return Failure(f"the request failed ({type(error).__name__})")
    return Failure(
        "a file that the connection needs, its certificates or what belongs to them, cannot be read",
        "authorities",
        "look at `verify=`, and at what the environment says about certificates.",
        permanent=True,
    )


def _setup(chain: list[BaseException], trusted: str, *, given: bool) -> Failure | None:
    """What is wrong on this machine, before anybody is called."""
    if any("SOCKS support" in str(each) for each in chain):
        return Failure(
            "the proxy speaks SOCKS, and the package PySocks is not installed",
            "proxy",
            'install it (`pip install "requests[socks]"`) and start the kernel again, or name an HTTP proxy.',
            permanent=True,
        )
    key_log = os.path.expandvars(os.environ.get(KEY_LOG, ""))
    unwritten = [each for each in chain if isinstance(each, OSError) and each.filename == key_log]
    if key_log and unwritten:
        return Failure(
            f"{KEY_LOG} names {key_log}, which cannot be written ({unwritten[0].strerror})",
            "keylog",
            f"take {KEY_LOG} out of the environment and start the kernel again: whoever reads that file can "
            "read what is sent.",
            permanent=True,
        )
    if trusted and (problem := _cannot_be_trusted(trusted)):
        by = "`verify`" if given else next((name for name in _BUNDLES if os.environ.get(name)), "`verify`")
        return Failure(
            f"{by} names {trusted} for the certificates of authorities, and it {problem}",
            "authorities",
            f"correct {by}, or take it out.",
            permanent=True,
        )
    return None


def _cannot_be_trusted(path: str) -> str:
    if os.path.isdir(path):
        return ""
    outside = sys.exception()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except FileNotFoundError:
        return "is not there"
    except ssl.SSLError:
        return "holds none that can be read: it has to be PEM"
    except OSError as error:
        let_through(error, outside)
        return f"cannot be read: {error.strerror}"
    except ValueError:
        return "is no name of a file"
    return ""


def _of_tls(chain: list[BaseException], host: str) -> Failure:
    refused = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
    if refused is None:
        said = {str(each.reason) for each in chain if isinstance(each, ssl.SSLError)}
        if said & {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"}:
            return Failure(
                f"what answers for {host} does not speak TLS",
                "certificate",
                "check the host's address and its port, the proxy (an address that begins with http:// where "
                "it speaks plain HTTP), and whether the network wants a sign-in first.",
                permanent=True,
            )
        return Failure("the certificate or the encryption was not accepted, or the handshake was broken off")
    number = refused.verify_code
    reason = f"the certificate of {host} was not accepted"
    if number in _NOT_NOW:
        now = datetime.now(UTC)
        return Failure(
            f"{reason}: it is not valid on {now:%Y-%m-%d at %H:%M} UTC, which is the time of this machine's "
            "clock",
            "certificate",
            "set this machine's clock if it is wrong. If it is right, somebody may be in between: send "
            "nothing.",
            permanent=True,
        )
    if number in _OTHER_NAME:
        return Failure(
            f"{reason}: it is for another name",
            "certificate",
            "somebody is in between, or the network wants a sign-in first (open any page in a browser): send "
            "nothing before that is cleared up; or the host's address is misspelt.",
            permanent=True,
        )
    if number in _OTHER_AUTHORITY:
        unused = [name for name in _UNUSED_BUNDLES if os.environ.get(name)]
        also = f" {' and '.join(unused)} of the environment are not looked at." if unused else ""
        return Failure(
            f"{reason}: it was signed by an authority that is not trusted here",
            "certificate",
            "somebody may be in between: send nothing. Where it is a proxy or virus scanner of your own "
            'company, name the file of its authority: `Link(verify="/path/to/ca.pem")`, or '
            f"REQUESTS_CA_BUNDLE.{also}",
            permanent=True,
        )
    return Failure(reason, "certificate", "somebody may be in between: send nothing.", permanent=True)


def _of_proxy(chain: list[BaseException], host: str, proxy: str) -> Failure:
    tunnel = next((found for each in chain if (found := _TUNNEL.search(str(each)))), None)
    if tunnel is not None:
        status = int(tunnel[1])
        if status == 407:
            return WANTS_PASSWORD
        if 400 <= status < 500 and status not in _PASSING:
            return Failure(
                f"the proxy {proxy} refuses the way to {host} (HTTP {status})",
                "proxy",
                f"have whoever runs the proxy allow {host}:443, or name another proxy.",
                permanent=True,
            )
        return Failure(
            f"the proxy {proxy} has no way to {host} (HTTP {status})",
            "proxy",
            "try again later; if it stays so, ask whoever runs the proxy.",
        )
    if any("only use HTTP and not HTTPS" in str(each) for each in chain):
        return Failure(
            f"the proxy {proxy} could not be reached over TLS: it seems to speak plain HTTP",
            "proxy",
            "let its address begin with http://, also for https hosts.",
            permanent=True,
        )
    return Failure(f"the proxy could not be reached or refused: {_why(chain, proxy)}", "proxy")


def _of_socks(name: str, chain: list[BaseException], host: str, proxy: str) -> Failure:
    """What PySocks says, by the name of its error: it cannot be told apart otherwise."""
    if name == "SOCKS5AuthError":
        reason = "the proxy wants a user name and password, or other ones"
        return replace(WANTS_PASSWORD, reason=reason)
    if name == "ProxyConnectionError":
        return Failure(f"the proxy could not be reached or refused: {_why(chain, proxy)}", "proxy")
    return Failure(
        f"the proxy {proxy} has no way to {host}, or does not let this machine use it",
        "proxy",
        "try again later; if it stays so, ask whoever runs the proxy.",
    )


def _of_connection(chain: list[BaseException], host: str, *, has_sent: bool) -> Failure:
    if has_sent:
        return Failure("the connection was broken off: it failed on the way")
    why = _why(chain, host)
    if any(isinstance(each, OSError) and each.errno in _NO_FILES for each in chain):
        return Failure(
            f"the connection failed: {why}",
            advice="close what holds them (`link.close()`), or raise the limit (`ulimit -n`).",
        )
    return Failure(f"the connection failed: {why}")


_NO_FILES = {errno.EMFILE, errno.ENFILE}
_WORDS = {
    errno.ECONNREFUSED: "{name} is there, and takes no connections at this port",
    errno.ENETUNREACH: "this machine has no way to {name}: is it connected, or does one side have IPv6 only?",
    errno.EHOSTUNREACH: "there is no way to {name}",
    errno.EADDRNOTAVAIL: "this machine has no address to call {name} from: is it connected?",
    errno.EACCES: "this machine's own firewall does not let it call {name}",
    errno.EPERM: "this machine's own firewall does not let it call {name}",
    errno.EMFILE: "this process has as many files and connections open as it may",
    errno.ENFILE: "this machine has as many files and connections open as it may",
}


def _why(chain: list[BaseException], name: str) -> str:
    """Why nobody was reached."""
    for each in chain:
        if isinstance(each, socket.gaierror):
            if each.errno == getattr(socket, "EAI_AGAIN", None):
                return f"the address of {name} could not be looked up (DNS) at this moment"
            return f"nobody knows an address of {name} (DNS)"
    for each in chain:
        if isinstance(each, OSError) and each.errno in _WORDS:
            return _WORDS[each.errno].format(name=name)
    return f"{name} broke it off"
