"""Replaces a file and its provenance, so that a kill at any moment leaves the old pair or the new one.

Two files cannot be renamed at once, so the provenance describes both for a moment:

1. The new file is written beside the old one, under another name, and is on disk before anything else
   happens. Its SHA-256 is taken.
2. The provenance is replaced by one that describes the new file and, as `before`, the old one.
3. The new file takes the place of the old one.
4. The provenance is replaced by one without `before`.

Whichever file is there, before, between and after these steps, its SHA-256 is in its provenance. A file whose
SHA-256 is not there was changed by something else, and is refused.

Writers of one folder take turns from step 2 on, by a lock on the folder: two that write the same file leave
one of both pairs. What a killed writer left is removed by the next one that writes the same file.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Any

from toolkit.exports.provenance import seal
from toolkit.runtime.interruptions import forgiving

SUFFIX = ".provenance.json"
_DRAFT_SUFFIX = ".new"

Json = Mapping[str, Any]


def provenance_path(path: Path) -> Path:
    """Path of the provenance of a file."""
    return path.with_name(path.name + SUFFIX)


def sha256_of(file: BufferedReader | BufferedRandom) -> str:
    """The SHA-256 of the rest of a file, read in pieces."""
    return hashlib.file_digest(file, "sha256").hexdigest()


def replace_pair(path: Path, write: Callable[[Path], None], description: Json, *, overwrite: bool) -> None:
    """Write a file and its provenance, completely or not at all.

    Args:
        path: The file. Its folder must exist.
        write: Writes the file to the path it is given.
        description: What its provenance says, besides the SHA-256 and size of the file.
        overwrite: Whether an existing file is replaced.

    Raises:
        FileExistsError: The file exists and is not to be replaced.
        OSError: It cannot be written. The old pair is as it was.
    """
    with _draft(path) as draft:
        write(draft)
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
            described = {**description, "sha256": sha256_of(file), "bytes": file.tell()}
        described["provenance_sha256"] = seal(described)
        with _turn(path.parent):
            if not overwrite and path.exists():
                raise FileExistsError(path)
            beside = provenance_path(path)
            _replace(beside, {**described, "before": _described_before(path, beside)})
            draft.replace(path)
            _to_disk(path.parent)
            # The pair is consistent already, so nothing that fails now is an error.
            with forgiving(OSError):
                _replace(beside, described)


def _described_before(path: Path, beside: Path) -> Any:
    """What the provenance says about the file that is there, None where it says nothing."""
    # There may be none, or it is damaged: then the old file cannot be verified either way.
    with forgiving(OSError, ValueError, AttributeError):
        known = json.loads(beside.read_bytes())
        before = known.pop("before", None)
        if before is None:
            return known if path.exists() else None
        # A writer was killed before its last step: which of the two is there?
        with path.open("rb") as file:
            found = sha256_of(file)
        return next((each for each in (known, before) if each.get("sha256") == found), None)
    return None


def _replace(path: Path, content: Json) -> None:
    with _draft(path) as draft:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            json.dump(content, file, indent=1, allow_nan=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _to_disk(path.parent)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A new file beside this one, deleted unless it is renamed. It has the mode of the old file."""
    with forgiving(OSError):
        _remove_abandoned(path)
    draft, descriptor = _make_draft(path)
    try:
        if sys.platform != "win32":
            with suppress(FileNotFoundError):
                os.fchmod(descriptor, stat.S_IMODE(path.stat().st_mode) & 0o777)
        else:  # an open file could not be renamed
            os.close(descriptor)
        yield draft
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    finally:
        if sys.platform != "win32":
            os.close(descriptor)


def _make_draft(path: Path) -> tuple[Path, int]:
    """Create a draft, locked while its writer lives; its mode follows the umask."""
    while True:
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}{_DRAFT_SUFFIX}")
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if sys.platform == "win32":
            return draft, descriptor
        import fcntl

        try:
            with forgiving(OSError):  # a file system without locks, where no draft counts as abandoned
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if draft.exists():
                return draft, descriptor
        except BaseException:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        os.close(descriptor)  # another writer took it for abandoned before it was locked


def _remove_abandoned(path: Path) -> None:
    """Delete what killed writers of this file left: their locks are gone."""
    if sys.platform == "win32":
        return
    import fcntl

    for draft in path.parent.iterdir():
        if not (draft.name.startswith(f".{path.name}.") and draft.name.endswith(_DRAFT_SUFFIX)):
            continue
        with forgiving(OSError):
            descriptor = os.open(draft, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink()
            finally:
                os.close(descriptor)


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Wait until no other writer replaces files in this folder."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with forgiving(OSError):  # some network file systems cannot lock folders
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _to_disk(folder: Path) -> None:
    """Make renames in a folder outlive a power failure."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with forgiving(OSError):  # some file systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
