"""Where API keys come from.

In this order: arguments; the environment; a profile in a file of the user's; a profile in the system's
keyring; a hidden prompt, where one is asked for. Whoever names a profile means it: the environment is not
looked at then.
"""

from __future__ import annotations

from toolkit.auth.credentials import Keys
from toolkit.auth.keys.files import config_folder
from toolkit.auth.keys.making import add_profile, make_key_pair
from toolkit.auth.keys.sources import find_keys

__all__ = ["Keys", "add_profile", "config_folder", "find_keys", "make_key_pair"]


def __dir__() -> list[str]:
    return __all__
