"""One signed request within the rate limits."""
