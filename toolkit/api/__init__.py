"""The methods that users call: the reads of a `Link` and the writes of its `operations()`."""
