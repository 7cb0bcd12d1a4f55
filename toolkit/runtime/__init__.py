"""What the process around the toolkit does that it has to reckon with, such as where warnings point."""
