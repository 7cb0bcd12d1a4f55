"""What holds for every test: nothing of this machine leaks in, and nothing goes out.

Done while this file is imported, hence before any test module or any library of ours is.
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
WIPED += ("COLUMNS", "LINES")  # readline tells xdist's workers, and an older tqdm cuts its bars to them

for name in list(os.environ):
    if name.startswith(WIPED) or name.lower().endswith("_proxy"):
        del os.environ[name]

# Or every worker, and every program that a test starts, would compile all of it again.
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
        "TZ": "TST-05:45",  # naive times mean UTC, so the machine's own zone must never show
    }
)
if hasattr(time, "tzset"):
    time.tzset()

# --- who runs what -------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """All tests of a file by one process: each further one would start its kernel, or its Lab, again."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # files come in random order, too
    return LoadFileScheduling(config, log)


# --- the network ---------------------------------------------------------------------------------


class OutsideError(RuntimeError):
    """A test tried to reach another machine. No OSError, so that no client takes it for the weather."""


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
            raise OutsideError(f"a test reaches for {address}")
    elif event == "socket.getaddrinfo" and not _is_here(arguments[0]):
        if str(arguments[0]).endswith(".invalid"):  # by law no such host, and no need to ask anyone
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        raise OutsideError(f"a test looks up {arguments[0]!r}")


sys.addaudithook(_guard)

# --- hypothesis ----------------------------------------------------------------------------------


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Before any test is imported. The process that only hands out tests to others does not come here."""
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
