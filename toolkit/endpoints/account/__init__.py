"""The account of the key itself: balances, trades, orders, transfers and positions, of whoever owns it."""
