"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import autograd_mini
import nn

# Modules whose examples need something beyond the package's own requirements.
NEEDS = {"autograd_mini.scipy": "scipy", "nn.estimator": "sklearn"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def names(package):
    within = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return [package.__name__, *(module.name for module in within if not module.name.endswith("__main__"))]


@pytest.mark.parametrize("name", names(autograd_mini) + names(nn))
def test_examples(name, tmp_path, monkeypatch):
    for prefix, needed in NEEDS.items():
        if f"{name}.".startswith(f"{prefix}."):
            pytest.importorskip(needed)
    monkeypatch.chdir(tmp_path)  # an example may save a file
    with np.printoptions(), np.errstate():  # and may set how NumPy prints
        failures, _ = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert not failures, "see the examples that failed in the output captured above or below"
