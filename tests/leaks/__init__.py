"""A desk that works with marked keys, and the search for the marks in whatever it left."""
