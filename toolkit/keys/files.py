"""Files that hold keys: where they are, and that nobody else may read them."""

from __future__ import annotations

import errno
import os
import shlex
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from toolkit.errors import NoKeyError
from toolkit.interruptions import let_through
from toolkit.storage import files
from toolkit.storage.files import make_folder

FOLDER = "TOOLKIT_CONFIG"
"""Environment variable: the folder of the profiles."""

# What no file can be called may be the key itself, pasted where its file belongs: it is never repeated.
_NONE_IS_CALLED_SO = (errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL)
# A file of profiles, or a private key, is far shorter.
_LONGEST = 1_000_000


def config_folder() -> Path:
    """The folder of the profiles.

    Raises:
        NoKeyError: There is no home folder.
    """
    named = os.environ.get(FOLDER, "").strip()
    try:
        if named:
            return Path(named).expanduser().absolute()
        return platformdirs.user_config_path("binance-link-toolkit", appauthor=False).expanduser()
    except RuntimeError:  # so do pathlib and platformdirs say it
        raise NoKeyError(f"There is no home folder for profiles: name one in {FOLDER}.") from None


def profiles_file() -> Path:
    """The file of the profiles."""
    return config_folder() / "profiles.toml"


def read_private(path: Path) -> str:
    """The text of a file that its owner alone may read.

    Raises:
        FileNotFoundError: There is none.
        NoKeyError: It cannot be read, or others may read it.
    """
    problem, is_there, outside = "", True, sys.exception()
    try:
        # What is looked at is what is read: the file behind the name may be another a moment later.
        with open(files.followed(path), "rb", opener=files.opener) as file:
            problem = _open_to_others(file.fileno(), path)
            content = b"" if problem else file.read(_LONGEST + 1)
    except ValueError:  # it has what no name may have
        is_there = False
    except OSError as error:
        let_through(error, outside)
        is_there = error.errno not in _NONE_IS_CALLED_SO
        problem = f"{path} cannot be read: {error.strerror}"
    if not is_there:
        raise FileNotFoundError
    if not problem:
        text = content.decode("utf-8-sig", "replace")
        if len(content) <= _LONGEST and "\ufffd" not in text:
            return text
        problem = f"{path} is no text"
    raise NoKeyError(f"{problem}. Nothing was sent.")


def write_private(path: Path, text: str, *, replace: bool) -> None:
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
        number, target = files.make(path), path
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


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """While a file is read and written again: one process at a time. The lock is a file beside it, and stays.

    Raises:
        OSError: It cannot be had.
    """
    make_folder(path.parent)
    number = files.open_or_make(path.with_name(f"{path.name}.lock"))
    try:
        files.lock(number)
        yield
    finally:
        os.close(number)


def _open_to_others(number: int, path: Path) -> str:
    """Why a file must not be used, "" where it may. Windows has no such bits."""
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is no file"
    if sys.platform == "win32":
        return ""
    if status.st_uid not in (os.getuid(), 0):
        return f"{path} holds keys, and belongs to another user: {_copy_of(path)}"
    if status.st_nlink > 1 and files.is_open_to_others(path.parent.stat()):
        return f"{path} is a hard link in a folder that others may write to, which is not followed"
    mode = stat.S_IMODE(status.st_mode)
    is_fixed = status.st_uid != os.getuid() or bool(os.fstatvfs(number).f_flag & os.ST_RDONLY)
    if not mode & 0o077 or (is_fixed and not mode & 0o037 and _is_nobody_elses(status.st_gid)):
        return ""
    problem = f"{path} holds keys, and others on this machine may read or change it (its mode is {mode:o})"
    if is_fixed:
        return f"{problem}, which cannot be changed from here: mount it with mode 0400, or {_copy_of(path)}"
    return (
        f"{problem}: `chmod 600 {shlex.quote(str(path))}`. Where that changes nothing, as on a USB stick or "
        f"a drive of Windows, {_copy_of(path)}"
    )


def _copy_of(path: Path) -> str:
    """How to get a file that is one's own alone."""
    return (
        f"copy it into your home, `(umask 077; cp {shlex.quote(str(path))} ~/)`, and name the copy; or put "
        "what is in it into the environment"
    )


def _is_nobody_elses(group: int) -> bool:
    """Whether this user alone is in a group, as far as can be told for sure.

    Secrets that are mounted into a container belong to root, and to a group that is a number without a name.
    Of those with a name only a user's own one is sure: not every system tells all who are in another.
    """
    import grp
    import pwd

    if group not in (os.getgid(), os.getegid(), *os.getgroups()):
        return False
    try:
        named = grp.getgrgid(group)
    except KeyError:
        return True
    try:
        own = pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return named.gr_name == own.pw_name and own.pw_gid == group and set(named.gr_mem) <= {own.pw_name}
