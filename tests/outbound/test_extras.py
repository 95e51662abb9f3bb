"""A sink whose client library is missing stops the start, with the command that installs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import put_vault_key

ROOT = Path(__file__).resolve().parents[2]
HIDE = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {module!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hide())
sys.argv = ["pingledger", "objects", "--config", {config!r}]
from service.cli import main
main()
"""


@pytest.mark.parametrize(
    ("extra", "module", "rest"),
    [
        ("redis", "redis", 'url = "redis://127.0.0.1:1"'),
        ("nats", "nats", 'url = "nats://127.0.0.1:1"'),
        ("amqp", "pika", 'url = "amqp://127.0.0.1:1"\nrouting_key = "q"'),
        ("kafka", "confluent_kafka", 'brokers = "127.0.0.1:1"\ntopic = "t"'),
    ],
)
def test_a_sink_without_its_extra_is_78_with_the_command(
    tmp_path: Path, extra: str, module: str, rest: str
) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'[sinks.out]\ntype = "{extra}"\n{rest}\n')
    made = [sys.executable, "-m", "service", "migrate", "--config", str(tmp_path / "none.toml")]
    (tmp_path / "none.toml").touch()
    subprocess.run(made, cwd=ROOT, check=True, timeout=60)
    put_vault_key(tmp_path)
    code = HIDE.format(module=module, config=str(config))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 78
    assert "sinks.out.type: needs a library that is not installed" in done.stderr
    assert f"pip install 'pingledger[{extra}]'" in done.stderr
