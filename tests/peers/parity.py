"""How much a part of nn differs from PyTorch's: measured, held to 1e-12, and written down where that is asked for.

With NN_PARITY set to a file's name each part adds a line to it: area, part, difference; docs/build_parity.py makes a
table of these.
"""

import os

import numpy as np

__all__ = ["difference", "record"]

MOST = 1e-12


def difference(mine, theirs, least=0.0):
    """Return the largest difference of two arrays of one shape, relative to the largest entry, or to `least`.

    NaN equals NaN, and infinity itself.
    """
    mine, theirs = (np.asarray(a.detach().numpy() if hasattr(a, "detach") else a) for a in (mine, theirs))
    assert mine.shape == theirs.shape
    same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    if np.all(same):
        return 0.0
    scale = max(float(np.max(np.abs(theirs))), least) or 1.0
    return float(np.max(np.abs(np.where(same, 0, mine) - np.where(same, 0, theirs))) / scale)


def record(area, part, differences):
    """Hold the largest of some differences to the bound."""
    worst = float(np.max(differences))
    if path := os.environ.get("NN_PARITY"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{area}\t{part}\t{worst:.1e}\n")
    assert worst <= MOST
