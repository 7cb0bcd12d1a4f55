"""Explains transport failures: turns what `requests` and the layers below raise into a reason and advice."""

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
"""What failed."""

KEY_LOG = "SSLKEYLOGFILE"
"""Environment variable that names the file to which Python writes the secrets of TLS connections."""

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_UNUSED_BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

# 4XX statuses that may be temporary.
_TEMPORARY = {408, 425, 429}
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")

# OpenSSL's codes for a rejected certificate.
_NOT_VALID_NOW = {9, 10}
_WRONG_NAME = {62, 64}
_UNTRUSTED = {18, 19, 20, 21}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no complete response arrived.

    Attributes:
        reason: What happened, as part of a sentence.
        kind: What failed.
        advice: What to do next, in sentences; "" if the general advice applies.
        permanent: Whether a retry would fail in the same way.
    """

    reason: str
    kind: Kind = "network"
    advice: str = ""
    permanent: bool = False


PROXY_LOGIN_REQUIRED = Failure(
    "the proxy requires a user name and password, or different ones (HTTP 407), and forwarded nothing",
    "proxy",
    "Put them in the proxy's address, such as `http://user:password@proxy.example:8080` (special characters "
    "percent-encoded), in `proxies=` or HTTPS_PROXY. There are no retries, as some proxies lock users out.",
    permanent=True,
)
NETWORK_LOGIN_REQUIRED = Failure(
    "the network requires a login (HTTP 511)",
    advice="Open any page in a browser on this machine, log in to the network, and call again.",
    permanent=True,
)


def explain(
    error: Exception, *, has_sent: bool, host: str, proxy: str, ca_bundle: str, from_verify: bool
) -> Failure | None:
    """Explain why no response arrived, None for an unexpected error.

    Args:
        error: What `requests` raised.
        has_sent: Whether any byte of the request was sent.
        host: Name of the host.
        proxy: Name of the proxy, "" for none.
        ca_bundle: The file of trusted certificates, "" for the default one.
        from_verify: Whether that file was given as `verify`.
    """
    chain = [*chain_of(error)]
    if isinstance(error, ResponseLimitError):
        return Failure(f"the head of the response {error}")
    if isinstance(error, UnicodeError):  # everything else is plain ASCII
        return Failure("the proxy's user name or password cannot be encoded", "proxy", permanent=True)
    if not isinstance(error, OSError):  # as the errors of `requests` are
        return None
    if not has_sent and (setup := _setup_failure(chain, ca_bundle, from_verify=from_verify)) is not None:
        return setup
    if (socks := next((each for each in chain if type(each).__module__ == "socks"), None)) is not None:
        return _socks_failure(type(socks).__name__, chain, host, proxy)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Failure("timed out while connecting")
    if isinstance(error, requests.exceptions.Timeout):
        # These include the TLS handshake and a proxy's response.
        return Failure(f"timed out while {'waiting for the response' if has_sent else 'connecting'}")
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_failure(chain, host)
    if isinstance(error, requests.exceptions.ProxyError):
        return _proxy_failure(chain, host, proxy)
    if isinstance(error, requests.exceptions.ConnectionError):
        return _connection_failure(chain, host, has_sent=has_sent)
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidURL):
        return Failure(
            "the address of the proxy is invalid",
            "proxy",
            "It must look like `http://proxy.example:8080`. It is set in the environment or in `proxies=`.",
            permanent=True,
        )
    if isinstance(error, requests.exceptions.RequestException):
        return Failure(f"the request failed ({type(error).__name__})")
    return Failure(
        "a file that the connection needs, such as its certificates, cannot be read",
        "authorities",
        "Check `verify=` and the environment variables about certificates.",
        permanent=True,
    )


def _setup_failure(chain: list[BaseException], ca_bundle: str, *, from_verify: bool) -> Failure | None:
    """What is misconfigured on this machine, if anything."""
    if any("SOCKS support" in str(each) for each in chain):
        return Failure(
            "the proxy uses SOCKS, but the package PySocks is not installed",
            "proxy",
            'Install it (`pip install "requests[socks]"`) and restart the kernel, or use an HTTP proxy.',
            permanent=True,
        )
    key_log = os.path.expandvars(os.environ.get(KEY_LOG, ""))
    write_errors = [each for each in chain if isinstance(each, OSError) and each.filename == key_log]
    if key_log and write_errors:
        return Failure(
            f"{KEY_LOG} names {key_log}, which cannot be written ({write_errors[0].strerror})",
            "keylog",
            f"Remove {KEY_LOG} from the environment and restart the kernel: anyone who can read that "
            "file can decrypt the connections.",
            permanent=True,
        )
    if ca_bundle and (problem := _ca_bundle_problem(ca_bundle)):
        source = "`verify`"
        if not from_verify:
            source = next((name for name in _BUNDLES if os.environ.get(name)), source)
        return Failure(
            f"{source} names the certificate file {ca_bundle}, which {problem}",
            "authorities",
            f"Correct {source}, or remove it.",
            permanent=True,
        )
    return None


def _ca_bundle_problem(path: str) -> str:
    """Why a file of certificates cannot be used, "" if it can."""
    if os.path.isdir(path):
        return ""
    handled = sys.exception()
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except FileNotFoundError:
        return "does not exist"
    except ssl.SSLError:
        return "contains no readable certificate: it must be PEM"
    except OSError as error:
        let_through(error, handled)
        return f"cannot be read: {error.strerror}"
    except ValueError:
        return "is not a valid file name"
    return ""


def _tls_failure(chain: list[BaseException], host: str) -> Failure:
    rejected = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
    if rejected is None:
        reasons = {str(each.reason) for each in chain if isinstance(each, ssl.SSLError)}
        if reasons & {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"}:
            return Failure(
                f"the server at {host} does not use TLS",
                "certificate",
                "Check the host's address and port, the proxy (its address begins with http:// if it uses "
                "plain HTTP), and whether the network requires a login.",
                permanent=True,
            )
        return Failure("the TLS handshake failed")
    number = rejected.verify_code
    reason = f"the certificate of {host} was not accepted"
    if number in _NOT_VALID_NOW:
        now = datetime.now(UTC)
        return Failure(
            f"{reason}: it is not valid on {now:%Y-%m-%d at %H:%M} UTC, the time of this machine's clock",
            "certificate",
            "Set this machine's clock if it is wrong. If it is right, someone may be intercepting the "
            "connection: send nothing.",
            permanent=True,
        )
    if number in _WRONG_NAME:
        return Failure(
            f"{reason}: it was issued for another name",
            "certificate",
            "Someone is intercepting the connection, the network requires a login (open any page in a "
            "browser), or the host's address is misspelt: send nothing until you know.",
            permanent=True,
        )
    if number in _UNTRUSTED:
        unused = [name for name in _UNUSED_BUNDLES if os.environ.get(name)]
        also = f" The environment variables {' and '.join(unused)} are not used." if unused else ""
        return Failure(
            f"{reason}: it was signed by an authority that this machine does not trust",
            "certificate",
            "Someone may be intercepting the connection: send nothing. If it is your own company's proxy or "
            'virus scanner, give its certificate file as `Link(verify="/path/to/ca.pem")` or in '
            f"REQUESTS_CA_BUNDLE.{also}",
            permanent=True,
        )
    return Failure(
        reason, "certificate", "Someone may be intercepting the connection: send nothing.", permanent=True
    )


def _proxy_failure(chain: list[BaseException], host: str, proxy: str) -> Failure:
    tunnel = next((found for each in chain if (found := _TUNNEL.search(str(each)))), None)
    if tunnel is not None:
        status = int(tunnel[1])
        if status == 407:
            return PROXY_LOGIN_REQUIRED
        if 400 <= status < 500 and status not in _TEMPORARY:
            return Failure(
                f"the proxy {proxy} does not allow connections to {host} (HTTP {status})",
                "proxy",
                f"Ask the administrator of the proxy to allow {host}:443, or use another proxy.",
                permanent=True,
            )
        return Failure(
            f"the proxy {proxy} cannot reach {host} (HTTP {status})",
            "proxy",
            "Try again later; if it persists, ask the administrator of the proxy.",
        )
    if any("only use HTTP and not HTTPS" in str(each) for each in chain):
        return Failure(
            f"the proxy {proxy} could not be reached over TLS: it seems to use plain HTTP",
            "proxy",
            "Begin its address with http://, also for https hosts.",
            permanent=True,
        )
    return Failure(f"the connection to the proxy failed: {_connect_problem(chain, proxy)}", "proxy")


def _socks_failure(name: str, chain: list[BaseException], host: str, proxy: str) -> Failure:
    """Explain an error of PySocks by its name: PySocks need not be installed."""
    if name == "SOCKS5AuthError":
        reason = "the proxy requires a user name and password, or different ones"
        return replace(PROXY_LOGIN_REQUIRED, reason=reason)
    if name == "ProxyConnectionError":
        return Failure(f"the connection to the proxy failed: {_connect_problem(chain, proxy)}", "proxy")
    return Failure(
        f"the proxy {proxy} cannot reach {host}, or does not accept this machine",
        "proxy",
        "Try again later; if it persists, ask the administrator of the proxy.",
    )


def _connection_failure(chain: list[BaseException], host: str, *, has_sent: bool) -> Failure:
    if has_sent:
        return Failure("the connection was lost before the response arrived")
    problem = _connect_problem(chain, host)
    if any(isinstance(each, OSError) and each.errno in _TOO_MANY_FILES for each in chain):
        return Failure(
            f"the connection failed: {problem}",
            advice="Close links that are no longer used (`link.close()`), or raise the limit (`ulimit -n`).",
        )
    return Failure(f"the connection failed: {problem}")


_TOO_MANY_FILES = {errno.EMFILE, errno.ENFILE}
_CONNECT_PROBLEMS = {
    errno.ECONNREFUSED: "{name} refuses connections at this port",
    errno.ENETUNREACH: "this machine has no route to {name}: is it offline, or is one side IPv6 only?",
    errno.EHOSTUNREACH: "there is no route to {name}",
    errno.EADDRNOTAVAIL: "this machine has no address from which to reach {name}: is it offline?",
    errno.EACCES: "this machine's firewall blocks connections to {name}",
    errno.EPERM: "this machine's firewall blocks connections to {name}",
    errno.EMFILE: "this process has too many open files and connections",
    errno.ENFILE: "this machine has too many open files and connections",
}


def _connect_problem(chain: list[BaseException], name: str) -> str:
    """Why a connection could not be made."""
    for each in chain:
        if isinstance(each, socket.gaierror):
            if each.errno == getattr(socket, "EAI_AGAIN", None):
                return f"the name {name} cannot be resolved at the moment (DNS)"
            return f"the name {name} cannot be resolved (DNS)"
    for each in chain:
        if isinstance(each, OSError) and each.errno in _CONNECT_PROBLEMS:
            return _CONNECT_PROBLEMS[each.errno].format(name=name)
    return f"{name} closed the connection"
