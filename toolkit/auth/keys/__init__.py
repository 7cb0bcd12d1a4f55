"""Finds API keys.

In this order: arguments; the environment; a profile in the user's file of profiles; a profile in the system's
keyring. An explicit profile overrides the environment. A hidden prompt is used only on request.
"""

from __future__ import annotations

from toolkit.auth.credentials import Keys
from toolkit.auth.keys.creation import add_profile, make_key_pair
from toolkit.auth.keys.files import config_folder
from toolkit.auth.keys.sources import find_keys

__all__ = ["Keys", "add_profile", "config_folder", "find_keys", "make_key_pair"]


def __dir__() -> list[str]:
    return __all__
