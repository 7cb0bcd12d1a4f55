"""Tests of several processes that share one sandbox, on the system clock. They check the sandbox's log."""
