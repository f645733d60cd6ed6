"""The README's Python runs, and the values it states are the values that come out."""

import re
import tomllib

import numpy as np
import pytest

from . import documents


@pytest.fixture(scope="module")
def blocks(root):
    found = documents.blocks((root / "README.md").read_text(encoding="utf-8"))
    return [(block.language, block.body) for block in found]


def test_first_example(blocks, capsys):
    """What comes out is what is stated: the gradient, and the program below."""
    place = next(i for i, (language, _) in enumerate(blocks) if language == "python")
    code, names = blocks[place][1], {}
    exec(code, names)
    stated = re.search(r"ag\.grad\(loss\)\(W, x, y\)\s+# (array\(.*\))", code).group(1)
    gradient = names["ag"].grad(names["loss"])(names["W"], names["x"], names["y"])
    np.testing.assert_allclose(gradient, eval(stated, {"array": np.array}), rtol=1e-7)
    assert capsys.readouterr().out.strip() == blocks[place + 1][1].strip()


def test_proof_table(blocks, capsys):
    """The table is what the code above it prints, up to the last digits of differences, which depend on the BLAS."""
    place = next(i for i, (_, body) in enumerate(blocks) if "nn.compare" in body)
    exec(blocks[place][1], {})
    printed, stated = capsys.readouterr().out.splitlines(), blocks[place + 1][1].splitlines()
    assert len(printed) == len(stated)
    for mine, theirs in zip(printed[2:-1], stated[2:-1], strict=True):
        mine, theirs = re.split(r"\s{2,}", mine), re.split(r"\s{2,}", theirs)
        assert mine[:3] == theirs[:3]
        np.testing.assert_allclose([float(x) for x in mine[3:6]], [float(x) for x in theirs[3:6]], rtol=1e-6)
        assert mine[-1] == theirs[-1] == "✓"


def test_derived_program(blocks, capsys):
    """What is printed is what the code above it prints."""
    place = next(i for i, (_, body) in enumerate(blocks) if "ag.trace(" in body and "W1, b1" in body)
    exec("import numpy as np, autograd_mini as ag\n" + blocks[place][1], {})
    assert capsys.readouterr().out.strip() == blocks[place + 1][1].strip()


def test_the_citation_is_of_this_version(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    cited = re.findall(
        r"version\s*[=:]\s*\W*([\d.]+)\b", (root / "README.md").read_text() + (root / "CITATION.cff").read_text()
    )
    assert cited == [project["version"], "1.2.0", project["version"]]  # in the middle that of the format
