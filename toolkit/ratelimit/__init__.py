"""Rate limits: how much each counter has used, shared by all processes of this machine."""
