"""Commands for cron: what a session does by hand, as one line with an exit status."""
