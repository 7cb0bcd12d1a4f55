"""API keys: where they come from, and how they sign requests."""
