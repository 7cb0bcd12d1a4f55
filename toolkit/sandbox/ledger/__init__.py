"""What accounts own, and why: every change of a balance has a cause."""
