"""Lasting identifiers of this machine and of its current boot.

Host names are not used where possible: they change with the network and with each container, and files named
after them would be lost.
"""

from __future__ import annotations

import hmac
import os
import platform
import re
import sys
from pathlib import Path

from toolkit.runtime.interruptions import forgiving

# A machine-id is confidential (machine-id(5)), so only a digest of it is used.
_APPLICATION = b"binance-link-toolkit"
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"), Path("/etc/hostid"))
_MOUNTS = Path("/proc/self/mountinfo")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A machine-id or a UUID. The file holds "uninitialized" while an image is set up.
_ID = re.compile(r"[0-9a-f]{32}")

# File systems that one machine alone has mounted, and those that several machines may mount at once. Others
# (a folder shared with a virtual machine, FUSE) may be either.
_LOCAL = {
    *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "overlay"),
    *("ramfs", "reiserfs", "tmpfs", "vfat", "xfs", "zfs"),
}
_NETWORK = {
    *("afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2"),
    *("glusterfs", "gpfs", "lustre", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"),
}


def name_for(folder: Path) -> str:
    """Return a name that separates this machine from others that share a folder; "" if none can share it.

    Machines that share a home folder over the network keep separate files, because neither SQLite nor process
    ids work across machines. A folder on a local disk needs no name, so that its files stay valid for every
    container that mounts the disk and after a change of the machine-id. The host name is used only where
    machines without a machine-id share a folder.
    """
    kind = _file_system(folder)
    if kind in _LOCAL:
        return ""
    known = machine_id()
    if not known and kind in _NETWORK:
        known = f"host {platform.node()}"
    return known and hmac.digest(known.encode("utf-8", "surrogatepass"), _APPLICATION, "sha256").hex()


def machine_id() -> str:
    """Return the system's id of this machine, which survives reboots; "" if there is none."""
    if sys.platform == "win32":
        found = _registry(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid")
    elif sys.platform == "darwin":
        found = _host_uuid()
    else:
        found = ""
        for path in _MACHINE_IDS:
            with forgiving(OSError):
                found = found or _checked(path.read_bytes().decode("ascii", "replace"))
    return _checked(found)


def boot_id() -> str:
    """Return an id of the current boot; "" where it cannot be read."""
    if sys.platform == "win32":
        key = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
        return _registry(key, "BootId")
    if sys.platform == "darwin":
        return _sysctl(b"kern.bootsessionuuid")
    with forgiving(OSError):
        return _BOOT_ID.read_bytes().decode("ascii", "replace").strip()
    return ""


def _checked(found: str) -> str:
    """Return an id in its plain form; "" for an invalid one."""
    plain = found.strip().lower().replace("-", "")
    return plain if _ID.fullmatch(plain) and plain.strip("0") else ""


def _file_system(folder: Path) -> str:
    """Return the file system of a folder, which need not exist; "" where it is unknown."""
    found = ""
    if sys.platform.startswith("linux"):
        with forgiving(OSError, IndexError):
            real = os.path.realpath(folder)
            longest = 0
            for line in os.fsdecode(_MOUNTS.read_bytes()).splitlines():
                # ... mount point, options, optional fields, "-", type, source, options
                before, _, after = line.partition(" - ")
                point = _unescaped(before.split(" ")[4])
                if len(point) >= longest and f"{real}/".startswith(f"{point.rstrip('/')}/"):
                    longest, found = len(point), after.split(" ")[0]
    return found


def _unescaped(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), point)


def _registry(key: str, value: str) -> str:
    """Return a value of the Windows registry, "" where there is none."""
    if sys.platform == "win32":
        import winreg

        with forgiving(OSError):
            access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, access) as opened:
                return str(winreg.QueryValueEx(opened, value)[0])
    return ""


def _host_uuid() -> str:
    """Return the UUID of a Mac, "" where it cannot be read."""
    import ctypes

    class TimeSpec(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    boot = (ctypes.c_ubyte * 16)()
    with forgiving(OSError, AttributeError):
        if ctypes.CDLL(None).gethostuuid(boot, ctypes.byref(TimeSpec(1, 0))) == 0:
            return bytes(boot).hex()
    return ""


def _sysctl(key: bytes) -> str:
    """Return a text value from the kernel of a Mac, "" where there is none."""
    import ctypes

    boot, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
    with forgiving(OSError, AttributeError):
        if ctypes.CDLL(None).sysctlbyname(key, boot, ctypes.byref(size), None, 0) == 0:
            return boot.value.decode("ascii", "replace")
    return ""
