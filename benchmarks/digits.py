"""Test accuracy on the digits over five stratified splits, beside scikit-learn on the same splits and seeds.

python benchmarks/digits.py            needs scikit-learn (pip install '.[peers]')
python benchmarks/digits.py --quick    one split, two epochs, no peer
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout, as in the tests

import nn
from nn import demo


def peer(seed: int) -> float:
    """Return the test accuracy of scikit-learn's MLPClassifier((64, 32), early_stopping=True) on the demo's split."""
    from sklearn.neural_network import MLPClassifier

    X, y = nn.load_digits()
    train, test = nn.stratified_split(y, demo.TEST, rng=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may reach max_iter
        model = MLPClassifier((64, 32), early_stopping=True, random_state=seed).fit(X[train], y[train])
    return float(model.score(X[test], y[test]))


def main() -> None:
    """Print a line per split and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a self-check of the script")
    quick = parser.parse_args().quick
    contenders = {"autograd_mini": lambda seed: demo.train(seed, 2 if quick else 200, progress=False).test_accuracy}
    if not quick:
        contenders["scikit-learn"] = peer
    scores: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(1 if quick else 5):
        for name, accuracy in contenders.items():
            start = time.perf_counter()
            scores[name].append(accuracy(seed))
            print(f"split {seed}: {name} {scores[name][-1]:.4f} in {time.perf_counter() - start:.1f} s")
    for name, values in scores.items():
        print(f"{name}: {np.mean(values):.4f} ± {np.std(values):.4f}")
    if quick and not 0.2 < scores["autograd_mini"][0] <= 1:
        sys.exit("self-check failed: two epochs must do better than guessing")


if __name__ == "__main__":
    main()
