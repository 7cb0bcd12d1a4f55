"""The writes of `link.operations()`."""
