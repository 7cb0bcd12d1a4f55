"""Isolates all tests: from this machine's environment, and from the network.

This happens when the file is imported, before any test module and any module of the toolkit.
"""

from __future__ import annotations

import atexit
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.support")
pytest_plugins = ["tests.support.fixtures"]

# --- the environment -----------------------------------------------------------------------------

SCRATCH = Path(tempfile.mkdtemp(prefix="toolkit-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

WIPED = ("TOOLKIT", "BINANCE", "JUPYTER", "IPYTHON", "JPY_", "MPL", "TQDM", "XDG_", "PYTHONWARNINGS")
WIPED += ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT", "PYTHONDONTWRITEBYTECODE")
WIPED += (
    "COLUMNS",
    "LINES",
)  # set by readline in xdist's workers; older versions of tqdm use them

for name in list(os.environ):
    if name.startswith(WIPED) or name.lower().endswith("_proxy"):
        del os.environ[name]

# Otherwise every worker, and every program that a test starts, would compile all modules again.
sys.dont_write_bytecode = False

os.environ.update(
    {
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(SCRATCH / "matplotlib"),
        "IPYTHONDIR": str(SCRATCH / "ipython"),
        "JUPYTER_CONFIG_DIR": str(SCRATCH / "jupyter" / "config"),
        "JUPYTER_DATA_DIR": str(SCRATCH / "jupyter" / "data"),
        "JUPYTER_RUNTIME_DIR": str(SCRATCH / "jupyter" / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",
        "XDG_CACHE_HOME": str(SCRATCH / "cache"),
        "XDG_CONFIG_HOME": str(SCRATCH / "config"),
        "XDG_DATA_HOME": str(SCRATCH / "data"),
        "XDG_STATE_HOME": str(SCRATCH / "state"),
        "TZ": "TST-05:45",  # naive times mean UTC, so the machine's time zone must have no effect
    }
)
if hasattr(time, "tzset"):
    time.tzset()

# --- distribution to workers ---------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run all tests of a file in one process: others would start its kernel, or JupyterLab, again."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # files are in random order as well
    return LoadFileScheduling(config, log)


# --- the network ---------------------------------------------------------------------------------


class OutsideError(RuntimeError):
    """A test tried to reach another machine. Not an OSError, which clients would handle."""


def _is_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host in {None, "", "localhost", socket.gethostname()}:
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise OutsideError(f"a test connects to {address}")
    elif event == "socket.getaddrinfo" and not _is_here(arguments[0]):
        if str(arguments[0]).endswith(".invalid"):  # reserved: no such host exists, and no look-up is needed
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        raise OutsideError(f"a test looks up {arguments[0]!r}")


sys.addaudithook(_guard)

# --- hypothesis ----------------------------------------------------------------------------------


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Register profiles before any test is imported; the xdist controller does not get here."""
    if not isinstance(collector, pytest.Package):
        return
    from hypothesis import HealthCheck, settings

    settings.register_profile(
        "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.register_profile("search", settings.get_profile("ci"), derandomize=False, max_examples=2000)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# --- the journal ---------------------------------------------------------------------------------

os.environ["TOOLKIT_JOURNAL"] = str(SCRATCH / "journal")

# --- the account -----------------------------------------------------------------------------------

# Many tests count every request. Those of the look-up turn it on, with the fixture `accounts_folder`.
os.environ["TOOLKIT_ACCOUNTS"] = "off"
