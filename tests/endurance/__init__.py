"""Tests that take minutes: `make endurance`."""
