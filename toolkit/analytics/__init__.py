"""Answers from frames: what was earned, at which prices, by whom, and what is held."""
