"""What this machine is called, and this run of it: names that last as long as what they name.

A host name changes, with the network or with each container, and what is kept under it would be forgotten.
"""

from __future__ import annotations

import hmac
import os
import platform
import re
import sys
from pathlib import Path

from toolkit.runtime.interruptions import forgiving

# The number of a machine is not to be told to others (machine-id(5)): only what is made of it here is.
_APPLICATION = b"binance-link-toolkit"
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"), Path("/etc/hostid"))
_MOUNTS = Path("/proc/self/mountinfo")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A machine-id, or a UUID; "uninitialized" is in the file while an image is set up.
_ID = re.compile(r"[0-9a-f]{32}")

# File systems on a disk, or in the memory, of the one machine that has them mounted; and those that several
# machines have mounted at once. Of others (a folder that a virtual machine is lent, FUSE) it is not known.
_LOCAL = {
    *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "overlay"),
    *("ramfs", "reiserfs", "tmpfs", "vfat", "xfs", "zfs"),
}
_NETWORK = {
    *("afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2"),
    *("glusterfs", "gpfs", "lustre", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"),
}


def name(folder: Path) -> str:
    """What tells this machine from others that may see the same folder; "" where none can.

    The files of machines that share a home over the network are kept apart, since neither SQLite nor the
    numbers of processes work across machines. A folder on a disk of this machine needs no name: so it stays
    the same for every container that has the disk mounted, and where a machine is given another machine-id.
    A host name has to do only where machines without a machine-id share a folder.
    """
    kind = _file_system(folder)
    if kind in _LOCAL:
        return ""
    known = machine_id()
    if not known and kind in _NETWORK:
        known = f"host {platform.node()}"
    return known and hmac.digest(known.encode("utf-8", "surrogatepass"), _APPLICATION, "sha256").hex()


def machine_id() -> str:
    """What the system calls this machine, restarted or not, whatever its host name; "" if nothing."""
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
    """What this run of the machine is called; "" where that cannot be told at this moment."""
    if sys.platform == "win32":
        key = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
        return _registry(key, "BootId")
    if sys.platform == "darwin":
        return _sysctl(b"kern.bootsessionuuid")
    with forgiving(OSError):
        return _BOOT_ID.read_bytes().decode("ascii", "replace").strip()
    return ""


def _checked(found: str) -> str:
    """An id in its plain form; "" for what is none."""
    plain = found.strip().lower().replace("-", "")
    return plain if _ID.fullmatch(plain) and plain.strip("0") else ""


def _file_system(folder: Path) -> str:
    """The kind of file system that a folder is on, or would be made on; "" where that cannot be told."""
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
    """A value of the machine's registry, "" where there is none."""
    if sys.platform == "win32":
        import winreg

        with forgiving(OSError):
            how = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, how) as opened:
                return str(winreg.QueryValueEx(opened, value)[0])
    return ""


def _host_uuid() -> str:
    """The UUID of a Mac, "" where it is not told."""
    import ctypes

    class TimeSpec(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    boot = (ctypes.c_ubyte * 16)()
    with forgiving(OSError, AttributeError):
        if ctypes.CDLL(None).gethostuuid(boot, ctypes.byref(TimeSpec(1, 0))) == 0:
            return bytes(boot).hex()
    return ""


def _sysctl(key: bytes) -> str:
    """A text that the kernel of a Mac tells, "" where it does not."""
    import ctypes

    boot, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
    with forgiving(OSError, AttributeError):
        if ctypes.CDLL(None).sysctlbyname(key, boot, ctypes.byref(size), None, 0) == 0:
            return boot.value.decode("ascii", "replace")
    return ""
