"""What is installed is what is here: the wheel holds the two packages and nothing else, and works on its own.

`AUTOGRAD_MINI_WHEEL` names a wheel to check instead of building one.
"""

import configparser
import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd_mini", "nn")
DATA = {"autograd_mini/py.typed", "nn/py.typed", "nn/assets/README.md", "nn/assets/digits.npz"}
SCRIPTS = "backsolve.js deck.js flow.js player.js predict.js tex.js".split()
ASSETS = [*SCRIPTS, "flow.css", "page.css", "page.html", "player.html", "tools.html"]
DATA |= {f"autograd_mini/viz/assets/{name}" for name in ASSETS}
REQUIRED = {"click", "graphviz", "graphviz-pure", "numpy", "rich"}
FOLDERS_IN_SDIST = {*PACKAGES, "tests", "docs", "notebooks", "benchmarks", "scripts"}
FILES_IN_SDIST = {
    "README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "mkdocs.yml", "pyproject.toml",
}  # fmt: skip
ADDED_BY_HATCHLING = {"PKG-INFO", ".gitignore"}


def build(target, folder):
    """Build with hatchling as it is installed: neither isolation nor network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    given = os.environ.get("AUTOGRAD_MINI_WHEEL")
    return Path(given) if given else build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def info(unpacked):
    (folder,) = unpacked.glob("*.dist-info")
    return folder


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_one_wheel_fits_every_platform(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")


def test_holds_the_two_packages_as_they_are_here(unpacked, info, checkout):
    shipped = {name for name in files(unpacked) if not name.startswith(info.name)}
    assert shipped == {path.as_posix() for path in checkout if path.parts[0] in PACKAGES}
    differing = {name for name in shipped if (unpacked / name).read_bytes() != (ROOT / name).read_bytes()}
    assert not differing, f"not as they are here: {sorted(differing)}"


def test_holds_no_data_but_what_is_meant(unpacked, info):
    data = {name for name in files(unpacked) if not name.endswith(".py") and not name.startswith(info.name)}
    assert data == DATA


def test_metadata(info):
    assert files(info) == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    metadata = email.message_from_string((info / "METADATA").read_text("utf-8"))
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    base = {r.name: r for r in requirements if "extra" not in str(r.marker)}
    assert set(base) == REQUIRED
    assert "platform_machine" in str(base["graphviz-pure"].marker)
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-File"] == "LICENSE"


def test_entry_point(info):
    points = configparser.ConfigParser()
    points.read(info / "entry_points.txt")
    assert {section: dict(points[section]) for section in points.sections()} == {
        "console_scripts": {"autograd-mini": "nn.cli:main"}
    }


def test_works_away_from_the_checkout(unpacked, tmp_path):
    program = (
        "import importlib.resources, pathlib, sys\n"
        "import numpy as np, autograd_mini, nn\n"
        "from nn.cli import main\n"
        "here = pathlib.Path(sys.argv[1])\n"
        "assert all(here in pathlib.Path(m.__file__).parents for m in (autograd_mini, nn)), nn.__file__\n"
        "with importlib.resources.files(nn).joinpath('assets/digits.npz').open('rb') as file:\n"
        "    digits = np.load(file)\n"
        "    assert digits['images'].shape == (1797, 8, 8) and digits['labels'].shape == (1797,)\n"
        "assert callable(main)\n"
        "x = autograd_mini.Tensor(3.0, requires_grad=True)\n"
        "assert '<svg' in autograd_mini.player(x * x, 'page.html').read_text('utf-8')\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(unpacked)]
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_sdist_holds_nothing_unneeded(tmp_path, checkout):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames()}
    wanted = {path.as_posix() for path in checkout if path.parts[0] in FOLDERS_IN_SDIST | FILES_IN_SDIST}
    assert held == wanted | ADDED_BY_HATCHLING
