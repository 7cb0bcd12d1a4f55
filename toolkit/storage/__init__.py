"""Access to every file that the package keeps on this machine.

Paths (`paths`), formats (`formats`, `earlier`), opening and locking (`files`, `database`), identity of the
machine (`machine`) and of processes (`processes`, `users`). The packages that own the files define their
contents.
"""
