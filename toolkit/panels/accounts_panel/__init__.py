"""The panel of sub-accounts and balances: its reads, its view and its widget."""
