"""What requests are signed with."""
