"""Clocks, and telling threads to give up."""
