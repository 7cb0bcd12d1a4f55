"""Text from users and from the exchange: what may be in it, and how it is shown."""
