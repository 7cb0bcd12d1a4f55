"""HOW a request goes out and an answer comes back; the only place that knows HTTP."""
