"""Clients that nobody here wrote, pointed at the sandbox: see `clients.py`, and `make interop`."""
