"""The README's Python runs, and the values it states are the values that come out."""

import re

import numpy as np
import pytest


@pytest.fixture(scope="module")
def blocks(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```(\w*)\n(.*?)```", text, re.S)


def test_first_example(blocks):
    code = next(body for language, body in blocks if language == "python")
    names = {}
    exec(code, names)
    stated = re.search(r"W\.grad\s+# (array\(.*\))", code).group(1)
    np.testing.assert_allclose(names["W"].grad, eval(stated, {"array": np.array}), rtol=1e-7)


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
    place = next(i for i, (_, body) in enumerate(blocks) if "ag.trace(" in body and "def loss" in body)
    exec("import numpy as np, autograd_mini as ag\n" + blocks[place][1], {})
    assert capsys.readouterr().out.strip() == blocks[place + 1][1].strip()
