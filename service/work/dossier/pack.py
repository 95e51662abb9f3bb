"""How does a dossier become one file? The same facts give the same bytes."""

import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from service.work.dossier.gather import Dossier
from service.work.dossier.page import page

# ZIP knows no time before it; no other would be the same tomorrow.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100600 << 16


def pack(dossier: Dossier, zone: str) -> bytes:
    """A ZIP: dossier.html, dossier.json, VERIFY.txt, keys/, notifications/, answers/."""
    how = _how(dossier.document)
    document = dossier.document | {"verify": how}
    made = {
        **dossier.files,
        "VERIFY.txt": how.encode(),
        "dossier.html": page(document, zone).encode(),
        "dossier.json": msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(made):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _MODE
            archive.writestr(entry, made[name])
    return packed.getvalue()


def write(packed: bytes, path: Path) -> None:
    """Write a file that was not there, readable by its owner only; raises FileExistsError."""
    with path.open("xb") as file:
        path.chmod(0o600)
        file.write(packed)


def _how(document: dict[str, Any]) -> str:
    """The commands, for a shell in the folder where the ZIP was unpacked."""
    lines = [
        f"openssl pkey -pubin -in {one['file']} -outform DER | openssl dgst -sha256"
        f"    # {one['fingerprint']}"
        for one in document["keys"]
    ]
    known = {one["fingerprint"] for one in document["keys"]}
    for one in document["notifications"]:
        if one["key_fingerprint"] not in known:
            lines.append(f"# notification {one['number']}: its public key is not configured here")
        elif one["file"]:
            name = one["file"].removesuffix(".json")
            key = f"keys/{one['key_fingerprint']}.pem"
            lines.append(f"openssl dgst -sha256 -verify {key} -signature {name}.sig {name}.json")
        else:
            lines.append(
                f"# notification {one['number']}: its bytes are not enclosed; their SHA-256 is"
                f" {one['sha256']}"
            )
    return "\n".join(lines) + "\n"
