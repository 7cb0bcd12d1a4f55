"""The methods that users call: reads of a `Link`, writes of its `operations()`."""
