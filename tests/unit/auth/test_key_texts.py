"""Keys, passphrases and paths as changed by files, variables and editors: read if unambiguous."""

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
from toolkit.auth.signers import make_signer
from toolkit.errors import NoKeyError

PEM = pem(PRIVATE)
ENCRYPTED = pem(PRIVATE, PASSPHRASE)
RSA_PEM = pem(rsa.generate_private_key(65537, 2048))
OLD_ENCRYPTED = pem(rsa.generate_private_key(65537, 2048), PASSPHRASE, "TraditionalOpenSSL")

DAMAGE: dict[str, Callable[[str], str]] = {
    "escaped line breaks": lambda text: text.replace("\n", "\\n"),
    "escaped Windows line breaks": lambda text: text.replace("\n", "\\r\\n"),
    "line breaks escaped twice": lambda text: text.replace("\n", "\\\\n"),
    "escaped, no final one": lambda text: text.strip().replace("\n", "\\n"),
    "spaces for line breaks": lambda text: text.replace("\n", " "),
    "no line breaks": lambda text: text.replace("\n", ""),
    "Windows line breaks": lambda text: text.replace("\n", "\r\n"),
    "old Mac line breaks": lambda text: text.replace("\n", "\r"),
    "double quotes": lambda text: f'"{text}"',
    "single quotes": lambda text: f"'{text}'\n",
    "quotes and escaped line breaks": lambda text: '"' + text.replace("\n", "\\n") + '"',
    "a byte order mark": lambda text: "\ufeff" + text,
    "indentation": lambda text: "\n".join(f"    {line}" for line in text.splitlines()),
    "blank lines": lambda text: text.replace("\n", "\n\n"),
}


def signature_of(text: str, passphrase: str | None = None) -> bytes:
    return base64.b64decode(make_signer("it", text, passphrase).sign("payload"))


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("text", [PEM, RSA_PEM], ids=["Ed25519", "RSA"])
def test_a_private_key_is_read_whatever_its_line_breaks(damage: str, text: str) -> None:
    assert signature_of(DAMAGE[damage](text)) == signature_of(text)


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_encrypted_private_key_is_read_whatever_its_line_breaks(damage: str) -> None:
    assert signature_of(DAMAGE[damage](ENCRYPTED), PASSPHRASE) == signature_of(PEM)


@pytest.mark.parametrize("damage", ["escaped line breaks", "old Mac line breaks", "double quotes"])
def test_a_key_in_the_old_encrypted_format_is_read(damage: str) -> None:
    assert signature_of(DAMAGE[damage](OLD_ENCRYPTED), PASSPHRASE) == signature_of(OLD_ENCRYPTED, PASSPHRASE)


@pytest.mark.parametrize("variable", ["TOOLKIT_SECRET", "TOOLKIT_PRIVATE_KEY"])
def test_an_environment_variable_may_contain_a_private_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("TOOLKIT_KEY", KEY)
    monkeypatch.setenv(variable, PEM.replace("\n", "\\n"))
    assert [each.kind for each in find_keys()] == ["Ed25519"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PEM.replace("-----", "—"), "the five hyphens around BEGIN were changed"),
        (PEM.replace("-----", "- - - - -"), "the five hyphens"),
        (base64.b64encode(PEM.encode()).decode(), r"encoded in base64 again: decode it first"),
        (PEM[:80], "is cut off: its last line, -----END"),
        (PEM.replace("M", "!", 1), "is damaged"),
        (PEM[:40] + "\\n\\n" + PEM[50:], "is damaged"),
        (OLD_ENCRYPTED.replace("\n", " "), "has lost its line breaks"),
    ],
    ids=["one dash", "spaces", "base64", "cut off", "ellipsis", "missing part", "no lines, with headers"],
)
def test_a_damaged_key_is_explained(text: str, problem: str) -> None:
    with pytest.raises(NoKeyError, match=problem) as caught:
        make_signer("TOOLKIT_SECRET", text)
    secretless(caught.value)


# -- passphrases -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
def test_a_line_break_after_a_passphrase_is_ignored(end: str) -> None:
    assert signature_of(ENCRYPTED, PASSPHRASE + end) == signature_of(PEM)
    assert signature_of(ENCRYPTED, "\ufeff" + PASSPHRASE + end) == signature_of(PEM)


def test_a_passphrase_that_ends_in_a_line_break_works() -> None:
    assert signature_of(pem(PRIVATE, PASSPHRASE + "\n"), PASSPHRASE + "\n") == signature_of(PEM)


def test_spaces_around_a_passphrase_count_and_are_named() -> None:
    assert signature_of(pem(PRIVATE, f" {PASSPHRASE} "), f" {PASSPHRASE} ") == signature_of(PEM)
    for wrong in (f"{PASSPHRASE} ", f"\t{PASSPHRASE}"):
        with pytest.raises(NoKeyError, match=r"passphrase is wrong\. It has spaces around it"):
            make_signer("it", ENCRYPTED, wrong)
    with pytest.raises(NoKeyError, match=r"the passphrase is wrong\. Nothing"):
        make_signer("it", ENCRYPTED, "wrong")


@pytest.mark.parametrize("source", ["variable", "profile", "argument"])
def test_a_line_break_after_a_passphrase_is_ignored_from_every_source(
    folder: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    path = write(folder / "mine.pem", ENCRYPTED)
    more: dict[str, Any] = {}
    text = f'[desk]\nkey = "{KEY}"\nprivate_key = "{path}"\n'
    if source == "variable":
        monkeypatch.setenv("TOOLKIT_PASSPHRASE", f"{PASSPHRASE}\n")
    elif source == "profile":
        text += f'passphrase = "{PASSPHRASE}\\n"\n'
    else:
        more = {"passphrase": f"{PASSPHRASE}\r\n"}
    profiles(folder, text)
    assert len(find_keys("desk", **more)) == 1


# -- paths -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {} ", '"{}"', "'{}'", "\ufeff{}\n"])
def test_quotes_and_spaces_around_a_path_are_ignored(
    folder: Path, monkeypatch: pytest.MonkeyPatch, around: str
) -> None:
    path = write(folder / "mine.pem", PEM)
    monkeypatch.setenv("TOOLKIT_KEY", KEY)
    monkeypatch.setenv("TOOLKIT_PRIVATE_KEY", around.format(path))
    assert len(find_keys()) == 1


def test_a_path_is_first_tried_as_given(folder: Path) -> None:
    write(folder / "mine.pem", "another\n")
    odd = write(folder / "mine.pem ", PEM)
    assert len(find_keys(key=KEY, private_key=str(odd))) == 1


def test_a_line_break_after_the_name_of_a_profile_is_ignored(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles(folder, f'[desk]\nkey = "{KEY}"\nsecret = "{"s" * 64}"\n')
    monkeypatch.setenv("TOOLKIT_PROFILE", "desk\r\n")
    assert "profile desk in" in find_keys().origin


# -- files whose mode cannot be changed --------------------------------------------------------------------

UNNAMED_GROUP = 54_321  # no group of this number has a name


@pytest.fixture
def mounted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], Path]:
    """A function that makes a file of root with this mode and group on a read-only mount."""
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
def test_a_secret_mounted_for_the_users_own_group_is_read(
    mounted: Callable[[int, int], Path], monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    """As Kubernetes mounts it: owned by root, mode 0440, with a numeric group."""
    if owner != "root":
        monkeypatch.setattr(os, "getuid", lambda: 12_345)
    monkeypatch.setattr(os, "getgroups", lambda: [UNNAMED_GROUP])
    assert read_private(mounted(0o440, UNNAMED_GROUP)) == PEM
    for mode in (0o460, 0o444, 0o450):
        with pytest.raises(NoKeyError, match=r"cannot be changed here: mount it with mode 0400, or"):
            read_private(mounted(mode, UNNAMED_GROUP))
    monkeypatch.setattr(os, "getgroups", list)
    with pytest.raises(NoKeyError, match="cannot be changed here"):
        read_private(mounted(0o440, UNNAMED_GROUP))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_group_that_may_have_other_members_is_not_the_users_own(
    mounted: Callable[[int, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import grp

    shared = next(each.gr_gid for each in grp.getgrall() if each.gr_name not in ("root", "wheel"))
    monkeypatch.setattr(os, "getgroups", lambda: [shared])
    with pytest.raises(NoKeyError, match=r"\(umask 077; cp .*mine.pem ~/\)"):
        read_private(mounted(0o440, shared))


def test_a_changeable_mode_gets_the_advice_to_change_it(folder: Path) -> None:
    path = write(folder / "mine.pem", PEM, 0o777)
    refused(r"`chmod 600 .*mine.pem`\. If that has no effect, as on a USB stick", key=KEY, private_key=path)
