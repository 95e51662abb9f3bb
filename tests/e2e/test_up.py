"""One running daemon: what is signed is kept and shown, what is not leaves no row."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import bodies
from tests.conftest import KeyPair
from tests.e2e.daemons import ROOT, Daemon, Signed, free_port, post, signed, write_config

VECTORS = ROOT.parent / "shared" / "vectors"


def ask(config: Path, *command: str) -> list[dict[str, Any]]:
    """What a command prints for programs, a JSON document a line."""
    done = subprocess.run(
        [sys.executable, "-m", "service", *command, "--config", str(config)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_signed_event_is_shown_and_a_forged_one_leaves_no_row(
    key_pair: KeyPair, tmp_path: Path
) -> None:
    config = write_config(tmp_path, key_pair, f"sqlite:///{tmp_path / 'ledger.db'}")
    config.write_text(config.read_text().replace("[database]\nurl", "[database]\n# url"))
    daemon = Daemon(tmp_path, config, free_port())
    good = signed(key_pair, bodies.event(bodies.order()))
    forged = Signed(good.event_id, good.body.replace(b"1200", b"9999"), good.signature)
    try:
        daemon.start()
        daemon.wait_until_live()
        assert [post(daemon.port, one) for one in (forged, good, good)] == [401, 200, 200]
        shown = ask(config, "deliveries", "--json")
        assert [(one["event"], one["repeats"]) for one in shown] == [(good.event_id, 1)]
        assert daemon.stop() == 0
    finally:
        daemon.ensure_gone()


@pytest.mark.skipif(
    not VECTORS.is_dir(),
    reason="the provider's published signed bodies are not on this machine; own keys cover it",
)
def test_the_providers_own_signed_bodies_are_kept(tmp_path: Path) -> None:
    vectors = sorted(path for path in VECTORS.iterdir() if path.name.startswith(("webhook", "NEG")))
    config = tmp_path / "pingledger.toml"
    accounts = "\n".join(
        f"[accounts.a{number}]\npublic_keys = [{json.dumps(str(path / 'public_key.pem'))}]\n"
        for number, path in enumerate(vectors)
    )
    config.write_text(f"data_dir = {json.dumps(str(tmp_path))}\n{accounts}")
    daemon = Daemon(tmp_path, config, free_port())
    try:
        daemon.start()
        daemon.wait_until_live()
        for number, path in enumerate(vectors):
            signature = (path / "signature.txt").read_text().strip()
            vector = Signed(path.name, (path / "body.bin").read_bytes(), signature)
            expected = 401 if path.name.startswith("NEG") else 200
            assert post(daemon.port, vector, f"a{number}") == expected, path.name
        kept = {one["account"] for one in ask(config, "deliveries", "--json")}
        assert kept == {
            f"a{number}" for number, path in enumerate(vectors) if path.name.startswith("webhook")
        }
        assert daemon.stop() == 0
    finally:
        daemon.ensure_gone()
