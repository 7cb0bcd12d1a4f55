"""The panel of sub-accounts and balances: what it fetches, how it looks, the widget."""
