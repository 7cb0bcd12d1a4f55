"""The one way to a file of ours on this machine.

Where each file lies (`paths`), which format it has (`formats`, `earlier`), how it is opened and locked
(`files`, `database`), which processes use it (`processes`, `users`), and what a fork does to it (`forks`).
What the files hold, and what it means, is the business of the packages that own them.
"""
