"""Opens, creates and locks files safely in folders that other users may write to.

In such a folder, a file with the name of one of ours may be a link to another file of this user, a pipe
without a writer, or another user's file. So only regular files with a single name and a trusted owner are
used, links are never followed, and modes are set only on files that were just created.
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
_NO_BLOCKING = getattr(os, "O_NONBLOCK", 0)
# Other processes may delete and create a file while it is opened here, but not this many times in a row.
_MAX_ATTEMPTS = 10
_LOCK_TIMEOUT_S = 5.0
_MAX_LINKS = 40


class UnsafeFileError(OSError):
    """A file is not safe to use: it is a link, no regular file, or may belong to another user."""

    def __init__(self, path: Path, defect: str) -> None:
        super().__init__(errno.EPERM, f"{path.name} {defect}", str(path))

    def __str__(self) -> str:
        return str(self.strerror)


def check(path: Path, status: os.stat_result, *, shared: bool = False) -> None:
    """Check that a file is safe to use.

    Args:
        path: Path of the file.
        status: Its status, links not followed.
        shared: Whether it may belong to any user who may write to its folder.

    Raises:
        UnsafeFileError: It is not safe.
    """
    defect = ""
    if stat.S_ISLNK(status.st_mode):
        defect = "is a symbolic link, which is not followed"
    elif not stat.S_ISREG(status.st_mode):
        defect = "is not a regular file"
    elif status.st_nlink > 1:
        defect = "is a hard link: the file has another name elsewhere"
    elif not _is_trusted(path.parent, status.st_uid, shared=shared):
        defect = "belongs to another user"
    if defect:
        raise UnsafeFileError(path, defect)


def _is_trusted(folder: Path, owner: int, *, shared: bool) -> bool:
    """Whether the owner of a file is trusted. Owners are not checked on Windows."""
    if sys.platform == "win32" or owner in (os.geteuid(), 0):
        return True
    status = folder.stat()
    # The folder's owner can replace files in it anyway, and on some network file systems all files belong to
    # one user.
    return owner == status.st_uid or (shared and is_open_to_others(status))


def is_open_to_others(status: os.stat_result) -> bool:
    """Whether users other than its owner may write to a folder."""
    return bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def open_or_create(path: Path, *, mode: int = OWNER_ONLY, shared: bool = False) -> int:
    """Open a file for writing, creating it where it does not exist. Returns the file descriptor.

    Args:
        path: Path of the file.
        mode: Mode of a new file, whatever the umask. An existing file keeps its mode.
        shared: As in `check`. Another user's file that this user may only read is opened for reading.

    Raises:
        UnsafeFileError: The existing file is not safe to use.
        OSError: It cannot be opened or created.
    """
    for _ in range(_MAX_ATTEMPTS):
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
    """Create a file where nothing of that name exists, not even a link. Returns the file descriptor.

    Args:
        path: Path of the file.
        mode: Its mode, whatever the umask.

    Raises:
        FileExistsError: Something of that name exists.
        OSError: It cannot be created.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINKS, mode)
    if sys.platform != "win32":
        with forgiving(OSError):  # a file system without modes
            os.fchmod(descriptor, mode)
    return descriptor


def _open(path: Path, flags: int, *, shared: bool) -> int:
    # Checked before opening as well: not every system can refuse to follow a link, and opening some files has
    # side effects.
    before = os.lstat(path)
    check(path, before, shared=shared)
    descriptor = os.open(path, flags | _NO_LINKS | _NO_BLOCKING)
    try:
        status = os.fstat(descriptor)
        check(path, status, shared=shared)
    except BaseException:
        os.close(descriptor)
        raise
    if sys.platform == "win32" or os.path.samestat(
        before, status
    ):  # on Windows the two device numbers differ
        return descriptor
    os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, f"{path.name} was replaced meanwhile", str(path))


def resolve_links(path: Path) -> Path:
    """Follow the links that this user or the administrator made to a file, which need not exist.

    Users link to configuration that they keep elsewhere. A link that another user made may lead anywhere.

    Raises:
        UnsafeFileError: A link belongs to another user, or the links form a circle.
        OSError: A link cannot be read.
    """
    for _ in range(_MAX_LINKS):
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
    """An `opener` for `open` that follows no link and does not block on a pipe."""
    return os.open(path, flags | _NO_LINKS | _NO_BLOCKING)


def make_folder(folder: Path) -> list[Path]:
    """Create a folder and its missing parents, accessible to their owner alone.

    Returns:
        The folders that were created, outermost first.

    Raises:
        OSError: A folder cannot be created.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    made = []
    for each in reversed(missing):
        with suppress(FileExistsError):  # created by another process meanwhile
            each.mkdir(mode=0o700)
            made.append(each)
            _grant_owner_access(each)
    return made


def _grant_owner_access(folder: Path) -> None:
    """Restore the owner's rights to a new folder where the umask removed them."""
    if sys.platform == "win32":
        return
    with forgiving(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS)
        try:
            if os.fstat(descriptor).st_uid == os.geteuid():
                os.fchmod(descriptor, 0o700)
        finally:
            os.close(descriptor)


@contextmanager
def locked(
    path: Path, *, mode: int = OWNER_ONLY, shared: bool = False, wait_s: float = _LOCK_TIMEOUT_S
) -> Iterator[int]:
    """Lock a file against other processes while it is read, created or replaced.

    The lock is a file beside it, which is not deleted.

    Args:
        path: The file. Its folder must exist.
        mode: Mode of the lock file.
        shared: As in `check`.
        wait_s: As in `lock`.

    Yields:
        The file descriptor of the lock file.

    Raises:
        BlockingIOError: Another process holds the lock.
        OSError: The lock cannot be acquired.
    """
    descriptor = open_or_create(path.with_name(f"{path.name}.lock"), mode=mode, shared=shared)
    try:
        lock(descriptor, wait_s=wait_s)
        yield descriptor
    finally:
        os.close(descriptor)


def write(path: Path, text: str, *, replace: bool) -> None:
    """Write a file that its owner alone may read, completely or not at all.

    Args:
        path: Path of the file. Its folder is created where it is missing.
        text: The new contents.
        replace: Whether an existing file is replaced.

    Raises:
        FileExistsError: The file exists and is not to be replaced.
        OSError: It cannot be written.
    """
    make_folder(path.parent)
    if replace:
        descriptor, new = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
        target = Path(new)
    else:
        descriptor, target = make(path), path
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            target.replace(path)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def lock(descriptor: int, *, wait_s: float = _LOCK_TIMEOUT_S) -> None:
    """Lock an open file until it is closed or the process ends.

    Args:
        descriptor: The file.
        wait_s: Seconds to wait for another process that holds the lock. On Windows, all but 0 is ten.

    Raises:
        BlockingIOError: Another process holds the lock for longer.
        OSError: The file cannot be locked.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait_s else msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EDEADLOCK):
                raise
            raise BlockingIOError(errno.EAGAIN, "another process holds the lock") from None
        return
    import fcntl

    end = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.005)
        else:
            return
