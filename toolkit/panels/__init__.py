"""Live panels under notebook cells: how much of the limits is used, and what the accounts hold."""

from toolkit.panels.accounts_panel import AccountsPanel, accounts
from toolkit.panels.base import Panel
from toolkit.panels.weight_panel import WeightPanel, weight

__all__ = ["AccountsPanel", "Panel", "WeightPanel", "accounts", "weight"]
