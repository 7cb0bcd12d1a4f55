"""Files of ours, opened in a way that nobody who may write beside them can turn against us.

Where others may write to a folder, what carries the name of a file of ours may be a link to another file of
the user's, a pipe that nobody writes into, or a stranger's file. So a file of ours is a regular file under
one name that belongs to somebody trusted, it is never reached through a link, and modes are set on nothing
but what was made here a moment ago.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from toolkit.runtime.interruptions import forgiving

OWNER_ONLY = 0o600
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
# Others may delete and make a file while it is opened here; nobody honest does so time and again.
_TRIES = 10
_LOCK_TIMEOUT_S = 5.0
_MOST_LINKS = 40


class UnsafeFileError(OSError):
    """What is there is not used: it is no file of ours, or may be somebody else's."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.EPERM, f"{path.name} {what}", str(path))

    def __str__(self) -> str:
        return str(self.strerror)


def check(path: Path, status: os.stat_result, *, shared: bool = False) -> None:
    """See that what was found under a name may be used as a file of ours.

    Args:
        path: The name.
        status: What was found, links not followed.
        shared: In a folder that others may write to, the file may belong to any of them.

    Raises:
        UnsafeFileError: It may not.
    """
    what = ""
    if stat.S_ISLNK(status.st_mode):
        what = "is a symbolic link, which is not followed"
    elif not stat.S_ISREG(status.st_mode):
        what = "is not a regular file"
    elif status.st_nlink > 1:
        what = "is a hard link: the file has another name elsewhere"
    elif not _is_trusted(path.parent, status.st_uid, shared=shared):
        what = "belongs to another user"
    if what:
        raise UnsafeFileError(path, what)


def _is_trusted(folder: Path, owner: int, *, shared: bool) -> bool:
    """Whether a file may belong to this user. Windows tells no owners."""
    if sys.platform == "win32" or owner in (os.geteuid(), 0):
        return True
    above = folder.stat()
    # Its owner may do with a folder as he likes anyway; and on some network file systems everything belongs
    # to one user, whoever made it.
    return owner == above.st_uid or (shared and is_open_to_others(above))


def is_open_to_others(status: os.stat_result) -> bool:
    """Whether others than its owner may write to a folder."""
    return bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def open_or_make(path: Path, *, mode: int = OWNER_ONLY, shared: bool = False) -> int:
    """The number of a file of ours, opened for writing; it is made where there is none.

    Args:
        path: Where it is.
        mode: What it is made with, whatever the umask says. One that is there keeps its own.
        shared: As in `check`. What others made and let this user only read is opened for reading.

    Raises:
        UnsafeFileError: What is there is no file of ours.
        OSError: It cannot be had.
    """
    for _ in range(_TRIES):
        with suppress(FileExistsError):
            return make(path, mode=mode)
        with suppress(FileNotFoundError):  # deleted since
            try:
                return _open(path, os.O_RDWR, shared=shared)
            except PermissionError:
                if not shared:
                    raise
                return _open(path, os.O_RDONLY, shared=True)
    raise UnsafeFileError(path, "is replaced all the time")


def make(path: Path, *, mode: int = OWNER_ONLY) -> int:
    """The number of a file that is made; nothing of that name may be there, not even a link.

    Raises:
        FileExistsError: Something is.
        OSError: It cannot be made.
    """
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINKS, mode)
    if sys.platform != "win32":
        with forgiving(OSError):  # a file system without modes
            os.fchmod(number, mode)
    return number


def _open(path: Path, how: int, *, shared: bool) -> int:
    # Looked at before as well: not every system can refuse to follow a link, and some files do things when
    # they are opened.
    before = os.lstat(path)
    check(path, before, shared=shared)
    number = os.open(path, how | _NO_LINKS | _NO_WAITING)
    try:
        status = os.fstat(number)
        check(path, status, shared=shared)
    except BaseException:
        os.close(number)
        raise
    if sys.platform == "win32" or os.path.samestat(before, status):  # there the two count devices differently
        return number
    os.close(number)
    raise FileNotFoundError(errno.ENOENT, f"{path.name} was replaced meanwhile", str(path))


def followed(path: Path) -> Path:
    """Where a file of the user's is, or would be, by way of links that he or the administrator made.

    Who keeps his configuration elsewhere, or has it mounted, links to it. A link that somebody else made
    leads where he likes.

    Raises:
        UnsafeFileError: A link belongs to somebody else, or leads in a circle.
        OSError: It cannot be told.
    """
    for _ in range(_MOST_LINKS):
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            status = None
        if status is None or not stat.S_ISLNK(status.st_mode):
            return Path(os.path.realpath(path.parent)) / path.name
        if sys.platform != "win32" and status.st_uid not in (os.geteuid(), 0):
            raise UnsafeFileError(path, "is a symbolic link that another user made, which is not followed")
        path = path.parent / os.readlink(path)
    raise UnsafeFileError(path, "is one of too many symbolic links")


def opener(path: str, flags: int) -> int:
    """For `open`: follows no link, and does not wait for whoever might write into what is no file."""
    return os.open(path, flags | _NO_LINKS | _NO_WAITING)


def make_folder(folder: Path) -> list[Path]:
    """Make a folder that its owner alone may enter, and those above it that are missing likewise.

    Returns:
        Those that were made, from above.

    Raises:
        OSError: It cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    made = []
    for each in reversed(missing):
        with suppress(FileExistsError):  # made by another process meanwhile
            each.mkdir(mode=0o700)
            made.append(each)
            _open_to_owner(each)
    return made


def _open_to_owner(folder: Path) -> None:
    """Give the owner of a folder that was just made the rights that the umask took away."""
    if sys.platform == "win32":
        return
    with forgiving(OSError):
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS)
        try:
            if os.fstat(number).st_uid == os.geteuid():
                os.fchmod(number, 0o700)
        finally:
            os.close(number)


@contextmanager
def locked(path: Path, *, mode: int = OWNER_ONLY, shared: bool = False) -> Iterator[int]:
    """While a file is read, made or replaced: one process at a time. The lock is a file beside it, and stays.

    Args:
        path: The file, in a folder that is there.
        mode: What the lock is made with.
        shared: As in `check`.

    Yields:
        The number of the lock.

    Raises:
        OSError: It cannot be had.
    """
    number = open_or_make(path.with_name(f"{path.name}.lock"), mode=mode, shared=shared)
    try:
        lock(number)
        yield number
    finally:
        os.close(number)


def write(path: Path, text: str, *, replace: bool) -> None:
    """Write a file that its owner alone may read, whole or not at all.

    Raises:
        FileExistsError: There is one, and it is not to be replaced.
        OSError: It cannot be written.
    """
    make_folder(path.parent)
    if replace:
        number, new = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
        target = Path(new)
    else:
        number, target = make(path), path
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            target.replace(path)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def lock(number: int) -> None:
    """Lock an open file until it is closed; it also ends with the process.

    Raises:
        OSError: Others have it locked for too long, or it cannot be locked.
    """
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(number, msvcrt.LK_LOCK, 1)  # waits ten seconds
        return
    import fcntl

    end = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return
