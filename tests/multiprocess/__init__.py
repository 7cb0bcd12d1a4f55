"""Several processes of one machine against one sandbox, on the real clock; its log is the judge."""
