"""Does a folder lie on a disk of this machine? SQLite's locks and WAL need one."""

import re
from pathlib import Path

_TABLE = Path("/proc/self/mountinfo")
# In Linux's words. Their locks, or memory shared between processes, do not hold.
_REMOTE = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "ncpfs")
)
_REMOTE_FUSE = frozenset(("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone"))
_ESCAPED = re.compile(r"\\([0-7]{3})")


def remote_kind(folder: Path, table: str | None = None) -> str | None:
    """The kind of network file system that a folder lies on; None: it does not, as far as is known.

    table: the text of /proc/self/mountinfo (proc(5)); where there is none, nothing is known.
    """
    if table is None:
        table = _TABLE.read_text(errors="replace") if _TABLE.exists() else ""
    place, kind = Path("/"), ""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, described = before.split(), after.split()
        if len(fields) < 5 or not described:
            continue
        mounted = Path(_ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4]))
        # a later line covers an earlier one at the same place
        if folder.is_relative_to(mounted) and len(mounted.parts) >= len(place.parts):
            place, kind = mounted, described[0]
    return kind if kind in _REMOTE | _REMOTE_FUSE else None
