"""Programs for those who work on the toolkit; nothing of it is installed."""
