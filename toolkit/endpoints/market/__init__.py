"""Market data: public endpoints, which need no key."""
