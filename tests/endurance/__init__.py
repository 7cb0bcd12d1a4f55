"""What takes minutes: `make endurance`."""
