"""The image's build steps, run without a container engine: what they install works by itself."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
INSTALLED = "/opt/pingledger"
STEP_SECONDS = 500

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def build_stage() -> Iterator[tuple[str, str]]:
    """The instructions of the Dockerfile's first stage, after its FROM."""
    lines = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    begin = next(n for n, line in enumerate(lines) if line.endswith(" AS build"))
    for line in lines[begin + 1 :]:
        if line.startswith("FROM "):
            return
        if line:
            word, _, rest = line.partition(" ")
            yield word, rest


def copy(names: list[str], target: Path) -> None:
    for name in names:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def run(command: list[str], folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=STEP_SECONDS
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the first stage fills, filled by the same instructions."""
    folder = tmp_path_factory.mktemp("image")
    source, installed = folder / "src", folder / "installed"
    source.mkdir()
    for word, rest in build_stage():
        if word == "COPY":
            copy(shlex.split(rest)[:-1], source)
        elif word == "RUN":
            command = rest.replace(INSTALLED, str(installed))
            run(["sh", "-c", command], source, dict(os.environ))
    return installed / "bin" / "pingledger"


def test_the_image_says_its_version(image: Path, tmp_path: Path) -> None:
    assert run([str(image), "--version"], tmp_path, {"PATH": os.defpath}).strip().endswith("0.1.0")


def test_the_image_migrates_a_new_ledger(image: Path, tmp_path: Path) -> None:
    environ = {"PATH": os.defpath, "PINGLEDGER_DATA_DIR": str(tmp_path)}
    run([str(image), "migrate"], tmp_path, environ)
    assert list(tmp_path.glob("*.db"))
