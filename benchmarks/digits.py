"""Test accuracy on the digits over five stratified splits, beside scikit-learn on the same splits and seeds.

python benchmarks/digits.py            needs scikit-learn (pip install '.[peers]')
python benchmarks/digits.py --quick    one split, two epochs, no peer
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

import nn

SIZES, VALIDATION = [64, 64, 32, 10], 144  # as many samples held out as MLPClassifier's early stopping takes: a tenth


def ours(X, y, train, test, seed, epochs):
    """Return the test accuracy of the demo's network."""
    rest, held_out = nn.stratified_split(y[train], VALIDATION, rng=seed)
    fit, validate = train[rest], train[held_out]
    model = nn.MLP(SIZES, rng=seed)
    optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9)
    nn.fit(
        model, (X[fit], y[fit]), loss=nn.cross_entropy, optimizer=optimizer, epochs=epochs, batch_size=32,
        validation=(X[validate], y[validate]), patience=30, rng=seed, progress=False,
    )  # fmt: skip
    return nn.accuracy(nn.evaluate(model, X[test]), y[test])


def theirs(X, y, train, test, seed):
    """Return the test accuracy of scikit-learn's MLPClassifier((64, 32), early_stopping=True)."""
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may reach max_iter
        return (
            MLPClassifier((64, 32), early_stopping=True, random_state=seed)
            .fit(X[train], y[train])
            .score(X[test], y[test])
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a self-check of the script: one split, two epochs")
    quick = parser.parse_args().quick
    X, y = nn.load_digits()
    rows = []
    for seed in range(1 if quick else 5):
        train, test = nn.stratified_split(y, 360, rng=seed)
        start = time.perf_counter()
        accuracy = ours(X, y, train, test, seed, epochs=2 if quick else 200)
        middle = time.perf_counter()
        score = float("nan") if quick else theirs(X, y, train, test, seed)
        rows.append((accuracy, score))
        print(
            f"split {seed}: autograd_mini {accuracy:.4f} in {middle - start:.1f} s"
            + ("" if quick else f", scikit-learn {score:.4f} in {time.perf_counter() - middle:.1f} s")
        )
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
    peer = "" if quick else f", scikit-learn {mean[1]:.4f} ± {spread[1]:.4f}"
    print(f"autograd_mini {mean[0]:.4f} ± {spread[0]:.4f}{peer}")
    if quick and not 0.2 < mean[0] <= 1:
        raise SystemExit("self-check failed: two epochs must do better than guessing")


if __name__ == "__main__":
    main()
