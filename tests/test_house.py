"""The rules of the house that no linter knows."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
SERVICE = ROOT / "service"
MODULES = sorted(SERVICE.rglob("*.py"))
WALL_LINES = 400
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# who turns JSON into values, and whose JSON it is; the wire of Ping++ has one strict reader
DECODES_JSON = {
    "core/belief.py": "our own canonical state",
    "core/observation.py": "our own canonical sighting",
    "ledger/objects.py": "our own canonical view",
    "pingpp/strict.py": "everything that Ping++ says",
    "cli/demo/merchant.py": "answers of the sandbox to the merchant of the demo",
    "sandbox/control.py": "orders to the sandbox from whoever drives it",
    "sandbox/gate.py": "requests to the sandbox, which answers as Ping++ would",
    "work/accept.py": "the id alone, to know a repeat before anything is understood",
}
DECODING = re.compile(r"\bjson\.(loads?|decode|Decoder|JSONDecoder)\b|\.json\(\)")


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def required(*groups: str) -> list[Requirement]:
    """The project's dependencies, and those of some dependency groups."""
    texts = list(PROJECT["project"]["dependencies"])
    for group in groups:
        texts += [each for each in PROJECT["dependency-groups"][group] if isinstance(each, str)]
    return [Requirement(text) for text in texts]


def test_imports_keep_to_their_rooms() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_one_migration_head() -> None:
    assert len(ScriptDirectory(str(ROOT / "migrations")).get_heads()) == 1


def test_no_module_is_longer_than_the_wall() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert [path for path, count in lines.items() if count > WALL_LINES] == []


def test_only_the_named_modules_decode_json() -> None:
    found = {
        path.relative_to(SERVICE).as_posix()
        for path in MODULES
        if DECODING.search(path.read_text(encoding="utf-8"))
    }
    assert found <= DECODES_JSON.keys()


def test_modules_say_which_question_they_answer() -> None:
    silent = [path for path in MODULES if not path.read_text(encoding="utf-8").startswith('"""')]
    assert [path for path in silent if path.stat().st_size] == []


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("requirements.lock", ["build"]), ("requirements-dev.lock", ["build", "dev"])],
)
def test_the_locks_satisfy_what_the_project_asks_for(lock: str, groups: list[str]) -> None:
    pinned = pins(lock)
    for requirement in required(*groups):
        version = pinned[requirement.name.lower()]
        assert requirement.specifier.contains(Version(version)), (requirement, version)


def test_every_dependency_has_a_floor() -> None:
    for requirement in required("build", "dev"):
        assert any(each.operator == ">=" for each in requirement.specifier), requirement


def test_the_development_lock_holds_the_other_one() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_its_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins(lock))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "index-url" not in text
