"""Files that hold keys: where they are, and that nobody else may read them."""

from __future__ import annotations

import errno
import os
import shlex
import stat
import sys
from pathlib import Path

from toolkit.errors import NoKeyError
from toolkit.runtime.interruptions import let_through
from toolkit.storage import files, paths

# What no file can be called may be the key itself, pasted where its file belongs: it is never repeated.
_NONE_IS_CALLED_SO = (errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL)
# A file of profiles, or a private key, is far shorter.
_LONGEST = 1_000_000


def config_folder() -> Path:
    """The folder of the profiles.

    Raises:
        NoKeyError: There is no home folder.
    """
    try:
        return paths.config_folder()
    except RuntimeError:  # so do pathlib and platformdirs say it
        raise NoKeyError(f"There is no home folder for profiles: name one in {paths.CONFIG}.") from None


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
        with open(files.resolve_links(path), "rb", opener=files.opener) as file:
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
