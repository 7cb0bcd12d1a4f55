"""From rows to a typed DataFrame that keeps its contract."""
