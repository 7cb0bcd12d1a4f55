"""Candles read by the toolkit and by other clients, for speed: see `__main__.py`, and `make bench-peers`."""
