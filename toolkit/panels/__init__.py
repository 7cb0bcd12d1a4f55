"""Live panels under notebook cells: use of the rate limits, and balances of the sub-accounts."""

from typing import TYPE_CHECKING

from toolkit.panels.accounts_panel.widget import AccountsPanel as AccountsPanel
from toolkit.panels.accounts_panel.widget import accounts
from toolkit.panels.base import Panel as Panel
from toolkit.panels.weight_panel.widget import WeightPanel as WeightPanel
from toolkit.panels.weight_panel.widget import weight
from toolkit.text.suggestions import attributes_of_module

__all__ = ["accounts", "weight"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a type checker would accept every name otherwise
    __getattr__ = attributes_of_module(__name__, __all__)
