"""Walks the plan: windows and pages, into one frame, over a connection to the exchange."""
