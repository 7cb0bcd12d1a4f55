"""Clients by others, run against the sandbox: see `clients.py`, and `make interop`."""
