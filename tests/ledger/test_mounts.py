"""Is a ledger refused where SQLite's locks do not hold?"""

from pathlib import Path

import pytest

from service.ledger.mounts import remote_kind

TABLE = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /srv/books rw,relatime shared:5 - nfs4 filer:/books rw,vers=4.2
31 30 8:2 / /srv/books/local rw,relatime - xfs /dev/sdb1 rw
32 21 0:41 / /mnt/two\040words rw - cifs //filer/books rw
33 21 0:42 / /mnt/over rw - nfs filer:/over rw
34 33 8:3 / /mnt/over rw - ext4 /dev/sdc1 rw
35 21 0:43 / /mnt/ssh rw - fuse.sshfs filer: rw
cut short
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", None),
        ("/var/lib/pingledger", None),
        ("/srv/books", "nfs4"),
        ("/srv/books/shop", "nfs4"),
        ("/srv/bookshop", None),
        ("/srv/books/local/shop", None),
        ("/mnt/two words", "cifs"),
        ("/mnt/over", None),
        ("/mnt/ssh/deep/er", "fuse.sshfs"),
    ],
)
def test_the_innermost_mount_says_what_a_folder_lies_on(folder: str, kind: str | None) -> None:
    assert remote_kind(Path(folder), TABLE) == kind


def test_nothing_is_known_without_a_table() -> None:
    assert remote_kind(Path("/srv/books"), "") is None


def test_this_machines_own_disk_passes(tmp_path: Path) -> None:
    assert remote_kind(tmp_path.resolve()) is None
