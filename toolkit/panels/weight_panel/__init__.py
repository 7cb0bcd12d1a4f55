"""The panel of the rate limits: its view and its widget."""
