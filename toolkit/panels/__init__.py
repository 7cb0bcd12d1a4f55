"""Live panels under notebook cells: how much of the limits is used, and what the accounts hold."""

from toolkit.panels.accounts_panel import AccountsPanel as AccountsPanel
from toolkit.panels.accounts_panel import accounts
from toolkit.panels.base import Panel as Panel
from toolkit.panels.weight_panel import WeightPanel as WeightPanel
from toolkit.panels.weight_panel import weight

__all__ = ["accounts", "weight"]


def __dir__() -> list[str]:
    return __all__
