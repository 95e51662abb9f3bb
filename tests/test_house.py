"""The rules of the house that no linter knows."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args, get_origin

import pytest
from alembic.script import ScriptDirectory
from packaging.requirements import Requirement
from packaging.version import Version
from pydantic import BaseModel
from typer.core import TyperGroup
from typer.main import get_command

from service.cli.commands import app
from service.core.kinds import KINDS
from service.ledger.engine import Ledger
from service.ledger.rules import BY_CODE
from service.runtime import open_runtime
from service.scheduler.jobs import jobs
from service.settings import Jobs, Settings
from service.telemetry import REGISTRY
from service.web.metrics import Metrics
from tests.conftest import put_vault_key
from tests.days import RULES

ROOT = Path(__file__).parents[1]
SERVICE = ROOT / "service"
MODULES = sorted(SERVICE.rglob("*.py"))
WALL_LINES = 400
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# the ledger and its words read back what they wrote; the sandbox and commands play other parts;
# what tells people reads its own notes, and what their services answer; the API reads what programs
# send it, the sign-in what a provider says
OWN_JSON = (
    *("core/", "ledger/", "sandbox/", "cli/", "work/people/", "outbound/people/"),
    *("web/api/", "web/access/"),
)
# everything else is Ping++'s: strict.py reads it, accept.py finds the id alone, to know a repeat
READS_THE_WIRE = {"pingpp/strict.py", "work/accept.py"}
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


def test_one_strict_reader_decodes_what_pingpp_says() -> None:
    found = {
        path.relative_to(SERVICE).as_posix()
        for path in MODULES
        if DECODING.search(path.read_text(encoding="utf-8"))
    }
    assert {name for name in found if not name.startswith(OWN_JSON)} == READS_THE_WIRE


def test_the_map_of_the_house_names_every_room() -> None:
    text = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    place, named = "", set[str]()
    for line in text.partition("```\nservice/\n")[2].partition("migrations/")[0].splitlines():
        name = line.strip().partition(" ")[0]
        if line.startswith("    "):
            named.add(place + name)
        elif name:
            named.add(name)
            place = name
    rooms = {f"{each.relative_to(SERVICE).parent}/" for each in SERVICE.rglob("*/__init__.py")}
    alone = {each.name for each in SERVICE.glob("[!_]*.py")}
    assert named == (rooms - {"./"}) | alone
    assert {"deploy/", "scripts/", "tests/", "migrations/"} <= {
        line.partition(" ")[0] for line in text.splitlines()
    }


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


READMES = ["README.md", "README.zh-CN.md"]


def settings_keys(table: type[BaseModel], place: str = "") -> Iterator[str]:
    """Every key with its dotted name; NAME stands for what the file calls an account or a sink."""
    for name, field in table.model_fields.items():
        inner, named = inner_tables(field.annotation)
        if not inner:
            yield f"{place}{name}"
        for each in inner:
            yield from settings_keys(each, f"{place}{name}.NAME." if named else f"{place}{name}.")


def inner_tables(annotation: Any) -> tuple[list[type[BaseModel]], bool]:
    """The tables within an annotation, and whether they stand in a mapping by name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation], False
    found = [each for arg in get_args(annotation) for each in inner_tables(arg)[0]]
    return found, get_origin(annotation) is Mapping


def metric_names(ledger: Ledger, now: datetime) -> set[str]:
    text = Metrics(REGISTRY, ledger, lambda: now, RULES).text().decode()
    names = set(re.findall(r"^# HELP (\S+)", text, flags=re.MULTILINE))
    return {name for name in names if not name.endswith("_created")}


def readme_lacks(readme: str, words: Iterable[str]) -> list[str]:
    text = (ROOT / readme).read_text(encoding="utf-8")
    return [word for word in words if not re.search(rf"`{re.escape(word)}[` ]", text)]


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_names_every_setting(readme: str) -> None:
    assert readme_lacks(readme, settings_keys(Settings)) == []


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_readme_names_every_metric(readme: str, ledger: Ledger, now: datetime) -> None:
    assert readme_lacks(readme, metric_names(ledger, now)) == []


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_names_every_rule_and_kind(readme: str) -> None:
    assert readme_lacks(readme, [*BY_CODE, *KINDS]) == []


@pytest.mark.parametrize("readme", READMES)
def test_the_readme_names_every_command(readme: str) -> None:
    commands = cast("TyperGroup", get_command(app)).commands
    assert readme_lacks(readme, [f"pingledger {name}" for name in commands]) == []


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("dialect", ["sqlite"])
def test_the_readme_names_every_job(readme: str, database_url: str, tmp_path: Path) -> None:
    given = {
        "data_dir": str(tmp_path),
        "vault": {"keys": str(put_vault_key(tmp_path))},
        "database": {"url": database_url},
        "accounts": {"shop": {"api_key": "sk_live_1"}},
        "sinks": {"name": {"type": "jsonl", "path": "messages.jsonl"}},
        "heartbeat": {"url": "https://hc.example.com/x"},
        "people": {"name": {"url": "https://hooks.example.com/in"}},
    }
    with open_runtime(Settings.model_validate(given, context={"folder": tmp_path})) as runtime:
        names = [job.name.replace("-name", "-NAME") for job in jobs(runtime)]
    assert len(names) >= len(Jobs.model_fields)
    assert readme_lacks(readme, names) == []


DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_link_to_files_that_exist(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []
