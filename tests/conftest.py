"""What every test shares: the checkout's files, seeded randomness, and a browser where there is one.

Warnings are errors here (pyproject.toml), and NumPy warns by default of overflow, division by zero and
invalid values: a floating-point surprise therefore fails its test, and a test that means to reach inf or nan
says so with `np.errstate`.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from autograd_mini.recording import State, current
from autograd_mini.table import TABLE

from .browsing import Browser, Chromium, missing

ROOT = Path(__file__).parents[1]
GENERATED = re.compile(r"__pycache__|\.git|\.venv.*|\.\w+_cache|\.hypothesis|build|dist")

os.environ.setdefault("MPLBACKEND", "Agg")
hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
hypothesis.settings.load_profile("reproducible")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def table_is_left_as_found():
    """For tests that give functions of their own a rule."""
    before = dict(TABLE)
    yield
    TABLE.clear()
    TABLE.update(before)


@pytest.fixture
def state_is_left_as_found():
    """For tests of recording: whatever they enter, they leave."""
    before = current.get()
    yield
    after = current.get()
    current.set(before)
    assert after == before == State()


@pytest.fixture(scope="session")
def root():
    """The checkout's folder."""
    return ROOT


@pytest.fixture(scope="session")
def checkout():
    """The checkout's files, as sorted relative paths: git's, or what could become git's."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists() and shutil.which("git"):
        done = subprocess.run(listing, capture_output=True, text=True)
        if done.returncode == 0:
            paths = {Path(name) for name in done.stdout.split("\0") if name}
            return sorted(path for path in paths if (ROOT / path).is_file())
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in paths if not any(map(GENERATED.fullmatch, path.parts)))


@pytest.fixture(scope="session")
def chromium():
    """The program that all of a process's tests share."""
    chromium = Chromium()
    yield chromium
    chromium.close()


@pytest.fixture
def browser(chromium):
    """Opens pages: `browser.open(path)`. None of them may have had an error or asked for another file."""
    with chromium.driven() as program:
        browser = Browser(program)
        yield browser
        browser.close()
    assert browser.faults == []


@pytest.hookimpl(tryfirst=True)  # before `-m browser` selects
def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


def pytest_runtest_setup(item):
    if item.get_closest_marker("browser") and missing():
        pytest.skip(missing())
