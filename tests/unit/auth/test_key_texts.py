"""Keys, passphrases and paths as files, variables and editors leave them: read where there is one way to."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.keys import KEY, PASSPHRASE, PRIVATE, pem, profiles, refused, secretless, write
from toolkit.auth.keys import find_keys
from toolkit.auth.keys.files import read_private
from toolkit.auth.signers import signer_of
from toolkit.errors import NoKeyError

PEM = pem(PRIVATE)
LOCKED = pem(PRIVATE, PASSPHRASE)
SLOW_RESPONSE_S = pem(rsa.generate_private_key(65537, 2048))
OLD_LOCKED = pem(rsa.generate_private_key(65537, 2048), PASSPHRASE, "TraditionalOpenSSL")

WAYS: dict[str, Callable[[str], str]] = {
    "line ends in letters": lambda text: text.replace("\n", "\\n"),
    "line ends of Windows in letters": lambda text: text.replace("\n", "\\r\\n"),
    "letters that were escaped twice": lambda text: text.replace("\n", "\\\\n"),
    "letters, no end": lambda text: text.strip().replace("\n", "\\n"),
    "blanks for line ends": lambda text: text.replace("\n", " "),
    "nothing for line ends": lambda text: text.replace("\n", ""),
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
    "line ends of old": lambda text: text.replace("\n", "\r"),
    "double quotes": lambda text: f'"{text}"',
    "single quotes": lambda text: f"'{text}'\n",
    "quotes, and letters": lambda text: '"' + text.replace("\n", "\\n") + '"',
    "a byte order mark": lambda text: "\ufeff" + text,
    "blanks before each line": lambda text: "\n".join(f"    {line}" for line in text.splitlines()),
    "blank lines": lambda text: text.replace("\n", "\n\n"),
}


def bits_of(text: str, passphrase: str | None = None) -> bytes:
    return base64.b64decode(signer_of("it", text, passphrase).sign("payload"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [PEM, SLOW_RESPONSE_S], ids=["Ed25519", "RSA"])
def test_a_private_key_is_read_however_its_lines_came(way: str, text: str) -> None:
    assert bits_of(WAYS[way](text)) == bits_of(text)


@pytest.mark.parametrize("way", WAYS)
def test_so_is_one_that_is_locked(way: str) -> None:
    assert bits_of(WAYS[way](LOCKED), PASSPHRASE) == bits_of(PEM)


@pytest.mark.parametrize("way", ["line ends in letters", "line ends of old", "double quotes"])
def test_so_is_one_that_was_locked_in_the_old_way(way: str) -> None:
    assert bits_of(WAYS[way](OLD_LOCKED), PASSPHRASE) == bits_of(OLD_LOCKED, PASSPHRASE)


@pytest.mark.parametrize("variable", ["TOOLKIT_SECRET", "TOOLKIT_PRIVATE_KEY"])
def test_a_variable_may_hold_it(folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("TOOLKIT_KEY", KEY)
    monkeypatch.setenv(variable, PEM.replace("\n", "\\n"))
    assert [each.kind for each in find_keys()] == ["Ed25519"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PEM.replace("-----", "—"), "the five hyphens before and behind its BEGIN were changed"),
        (PEM.replace("-----", "- - - - -"), "the five hyphens"),
        (base64.b64encode(PEM.encode()).decode(), r"coded in base64 once more: decode it first"),
        (PEM[:80], "was cut off: it ends with a line -----END"),
        (PEM.replace("M", "!", 1), "is damaged"),
        (PEM[:40] + "\\n\\n" + PEM[50:], "is damaged"),
        (OLD_LOCKED.replace("\n", " "), "has lost its line ends"),
    ],
    ids=["one dash", "blanks", "base64", "cut off", "a mark", "a piece is missing", "no lines, and colons"],
)
def test_what_cannot_be_read_in_one_way_is_told(text: str, said: str) -> None:
    with pytest.raises(NoKeyError, match=said) as caught:
        signer_of("TOOLKIT_SECRET", text)
    secretless(caught.value)


# -- passphrases -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
def test_a_line_end_behind_a_passphrase_is_no_part_of_it(end: str) -> None:
    assert bits_of(LOCKED, PASSPHRASE + end) == bits_of(PEM)
    assert bits_of(LOCKED, "\ufeff" + PASSPHRASE + end) == bits_of(PEM)


def test_a_passphrase_that_has_one_is_used_as_it_is() -> None:
    assert bits_of(pem(PRIVATE, PASSPHRASE + "\n"), PASSPHRASE + "\n") == bits_of(PEM)


def test_blanks_around_a_passphrase_count_and_are_named() -> None:
    assert bits_of(pem(PRIVATE, f" {PASSPHRASE} "), f" {PASSPHRASE} ") == bits_of(PEM)
    for wrong in (f"{PASSPHRASE} ", f"\t{PASSPHRASE}"):
        with pytest.raises(NoKeyError, match=r"passphrase is wrong\. There are blanks around it"):
            signer_of("it", LOCKED, wrong)
    with pytest.raises(NoKeyError, match=r"the passphrase is wrong\. Nothing"):
        signer_of("it", LOCKED, "wrong")


@pytest.mark.parametrize("where", ["variable", "profile", "argument"])
def test_so_it_is_wherever_it_was_found(folder: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    path = write(folder / "mine.pem", LOCKED)
    more: dict[str, Any] = {}
    text = f'[desk]\nkey = "{KEY}"\nprivate_key = "{path}"\n'
    if where == "variable":
        monkeypatch.setenv("TOOLKIT_PASSPHRASE", f"{PASSPHRASE}\n")
    elif where == "profile":
        text += f'passphrase = "{PASSPHRASE}\\n"\n'
    else:
        more = {"passphrase": f"{PASSPHRASE}\r\n"}
    profiles(folder, text)
    assert len(find_keys("desk", **more)) == 1


# -- paths -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", '"{}"', "'{}'", "\ufeff{}\n"])
def test_what_is_left_around_a_path_is_no_part_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, around: str
) -> None:
    path = write(folder / "mine.pem", PEM)
    monkeypatch.setenv("TOOLKIT_KEY", KEY)
    monkeypatch.setenv("TOOLKIT_PRIVATE_KEY", around.format(path))
    assert len(find_keys()) == 1


def test_a_file_that_is_called_so_comes_first(folder: Path) -> None:
    write(folder / "mine.pem", "another\n")
    odd = write(folder / "mine.pem ", PEM)
    assert len(find_keys(key=KEY, private_key=str(odd))) == 1


def test_a_line_end_behind_the_name_of_a_profile_is_no_part_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles(folder, f'[desk]\nkey = "{KEY}"\nsecret = "{"s" * 64}"\n')
    monkeypatch.setenv("TOOLKIT_PROFILE", "desk\r\n")
    assert "profile desk in" in find_keys().origin


# -- files whose mode cannot be changed --------------------------------------------------------------------

NAMELESS = 54_321  # a group of this number nobody has given a name


@pytest.fixture
def mounted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], Path]:
    """A file of root's, with this mode and group, on what is mounted read-only."""
    statvfs = os.fstatvfs

    def mount(mode: int, group: int) -> Path:
        path = write(folder / "mine.pem", PEM, mode)
        os.chown(path, 0, group)
        path.chmod(mode)
        return path

    def is_read_only(number: int) -> os.statvfs_result:
        told = [*statvfs(number)]
        told[8] |= os.ST_RDONLY
        return os.statvfs_result([*told, 0][:11])

    monkeypatch.setattr(os, "fstatvfs", is_read_only)
    return mount


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("owner", ["root", "another user"])
def test_a_secret_that_is_mounted_for_a_group_of_ones_own_is_read(
    mounted: Callable[[int, int], Path], monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    """As Kubernetes mounts one: of root, 0440, and of a group that is a number."""
    if owner != "root":
        monkeypatch.setattr(os, "getuid", lambda: 12_345)
    monkeypatch.setattr(os, "getgroups", lambda: [NAMELESS])
    assert read_private(mounted(0o440, NAMELESS)) == PEM
    for mode in (0o460, 0o444, 0o450):
        with pytest.raises(NoKeyError, match=r"cannot be changed from here: mount it with mode 0400, or"):
            read_private(mounted(mode, NAMELESS))
    monkeypatch.setattr(os, "getgroups", list)
    with pytest.raises(NoKeyError, match="cannot be changed from here"):
        read_private(mounted(0o440, NAMELESS))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_group_that_others_may_be_in_is_not_ones_own(
    mounted: Callable[[int, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import grp

    shared = next(each.gr_gid for each in grp.getgrall() if each.gr_name not in ("root", "wheel"))
    monkeypatch.setattr(os, "getgroups", lambda: [shared])
    with pytest.raises(NoKeyError, match=r"\(umask 077; cp .*mine.pem ~/\)"):
        read_private(mounted(0o440, shared))


def test_where_a_mode_can_be_changed_that_is_what_to_do(folder: Path) -> None:
    path = write(folder / "mine.pem", PEM, 0o777)
    refused(
        r"`chmod 600 .*mine.pem`\. Where that changes nothing, as on a USB stick", key=KEY, private_key=path
    )
