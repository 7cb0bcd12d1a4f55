"""The panel of the rate limits: how it looks, and the widget."""
