"""Clocks, dates in headers, and cancellation."""
