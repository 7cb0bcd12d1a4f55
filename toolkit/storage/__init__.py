"""Files of ours on this machine, the processes that share them, and what a fork does to both.

The lowest layer: it knows nothing of exchanges, keys or frames.
"""
