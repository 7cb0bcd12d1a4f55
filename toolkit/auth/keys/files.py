"""Reads files with keys, which only their owner may read."""

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

# A path that does not exist may be the key itself, pasted by mistake: it is never quoted.
_NO_SUCH_FILE = (errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL)
# Files of profiles and private keys are far shorter.
_MAX_BYTES = 1_000_000


def config_folder() -> Path:
    """The folder with the file of profiles.

    Raises:
        NoKeyError: There is no home folder.
    """
    try:
        return paths.config_folder()
    except RuntimeError:  # as pathlib and platformdirs report it
        raise NoKeyError(f"There is no home folder for profiles: set {paths.CONFIG} to a folder.") from None


def profiles_file() -> Path:
    """The file of the profiles."""
    return config_folder() / "profiles.toml"


def read_private(path: Path) -> str:
    """The text of a file that only its owner may read.

    Raises:
        FileNotFoundError: There is no such file.
        NoKeyError: It cannot be read, or others may read or change it.
    """
    problem, exists, handled = "", True, sys.exception()
    try:
        # Check the opened file, as the name may point to another one a moment later.
        with open(files.resolve_links(path), "rb", opener=files.opener) as file:
            problem = _access_problem(file.fileno(), path)
            content = b"" if problem else file.read(_MAX_BYTES + 1)
    except ValueError:  # not a valid path
        exists = False
    except OSError as error:
        let_through(error, handled)
        exists = error.errno not in _NO_SUCH_FILE
        problem = f"{path} cannot be read: {error.strerror}"
    if not exists:
        raise FileNotFoundError
    if not problem:
        text = content.decode("utf-8-sig", "replace")
        if len(content) <= _MAX_BYTES and "\ufffd" not in text:
            return text
        problem = f"{path} is not a text file"
    raise NoKeyError(f"{problem}. Nothing was sent.")


def _access_problem(number: int, path: Path) -> str:
    """Why a file must not be used, "" if it may. Windows has no such permissions."""
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a regular file"
    if sys.platform == "win32":
        return ""
    if status.st_uid not in (os.getuid(), 0):
        return f"{path} contains keys but belongs to another user: {_copy_advice(path)}"
    if status.st_nlink > 1 and files.is_open_to_others(path.parent.stat()):
        return f"{path} is a hard link in a folder that others may write to; such links are not followed"
    mode = stat.S_IMODE(status.st_mode)
    is_read_only = status.st_uid != os.getuid() or bool(os.fstatvfs(number).f_flag & os.ST_RDONLY)
    if not mode & 0o077 or (is_read_only and not mode & 0o037 and _is_own_group(status.st_gid)):
        return ""
    problem = (
        f"{path} contains keys, but other users of this machine may read or change it (its mode is {mode:o})"
    )
    if is_read_only:
        advice = f"mount it with mode 0400, or {_copy_advice(path)}"
        return f"{problem}, and the mode cannot be changed here: {advice}"
    return (
        f"{problem}: run `chmod 600 {shlex.quote(str(path))}`. If that has no effect, as on a USB stick or a "
        f"Windows drive, {_copy_advice(path)}"
    )


def _copy_advice(path: Path) -> str:
    """How to make a copy that only its owner may read."""
    return (
        f"copy it to your home folder, `(umask 077; cp {shlex.quote(str(path))} ~/)`, and use the copy; or "
        "put its content into the environment"
    )


def _is_own_group(group: int) -> bool:
    """Whether a group certainly has no other members than this user.

    Secrets mounted into a container belong to root and to a numeric group without a name. Of groups with a
    name, only the user's private group is certain: not every system lists all members of others.
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
