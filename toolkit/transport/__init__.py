"""HTTP: sends requests and reads responses. No other package knows how."""
