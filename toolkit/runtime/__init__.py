"""Robustness against the surrounding process: forks, signals, decimal contexts, tracebacks and warnings."""
