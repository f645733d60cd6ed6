"""Losses against PyTorch: values and gradients in all options, to 1e-12."""

import functools
import itertools

import numpy as np
import pytest

import autograd_mini as ag
import nn

from .parity import difference, record

torch = pytest.importorskip("torch")
F = torch.nn.functional

N, K = 40, 5
SEEDS = range(3)


def swept(ours, theirs, z, v=1.0):
    """Return the largest difference of value and gradient of ``sum(v * f(z))``."""
    x = torch.tensor(z, requires_grad=True)
    value = theirs(x)
    weighted = torch.sum(torch.as_tensor(v) * value)
    weighted.backward()
    result = ours(z)
    slope = ag.grad(lambda z: np.sum(v * ours(z)))(z)
    return max(difference(result, value), difference(slope, x.grad))


def rows_of(kind, rng):
    """Return outputs, from small ones to large ones."""
    z = rng.normal(size=(N, K)) * 10.0 ** rng.integers(-2, 3, (N, 1))
    if kind == "probabilities":
        return nn.sigmoid(np.clip(z, -20, 20))  # nearer to 0 and 1 PyTorch bounds the derivative
    return nn.softmax(z) if kind == "distributions" else z


def targets_of(kind, rng):
    if kind == "numbers":
        return rng.normal(size=(N, K)) * 3
    if kind == "bits":
        return rng.integers(0, 2, (N, K)).astype(float)
    if kind == "between":
        return rng.uniform(size=(N, K))
    if kind == "labels":
        return rng.integers(0, K, N)
    if kind == "one-hot":
        return np.eye(K)[rng.integers(0, K, N)]
    return rng.dirichlet(np.ones(K), N)


def t(array):
    return None if array is None else torch.tensor(array)


def kl_div(o, y, reduction, log_target=False):
    """Return PyTorch's, whose "mean" is to become what "batchmean" is."""
    if reduction == "mean":
        return F.kl_div(o, y, reduction="batchmean", log_target=log_target) / K
    return F.kl_div(o, y, reduction=reduction, log_target=log_target)


# part: kind of outputs, kind of targets, ours(z, y, reduction), PyTorch's(z, y, reduction); its mean is ours by K
ELEMENTWISE = {
    "squared_error": ("numbers", "numbers", functools.partial(nn.squared_error, factor=1.0), F.mse_loss),
    "absolute_error": ("numbers", "numbers", nn.absolute_error, F.l1_loss),
    "huber": ("numbers", "numbers", nn.huber, F.huber_loss),
    "huber, delta=0.3": (
        "numbers",
        "numbers",
        functools.partial(nn.huber, delta=0.3),
        functools.partial(F.huber_loss, delta=0.3),
    ),
    "huber / 0.3 as smooth_l1, beta=0.3": (
        "numbers",
        "numbers",
        lambda z, y, reduction: nn.huber(z, y, 0.3, reduction) / 0.3,
        functools.partial(F.smooth_l1_loss, beta=0.3),
    ),
    "binary_cross_entropy": ("probabilities", "between", nn.binary_cross_entropy, F.binary_cross_entropy),
    "binary_cross_entropy_with_logits": (
        "numbers",
        "between",
        nn.binary_cross_entropy_with_logits,
        F.binary_cross_entropy_with_logits,
    ),
    "kl_divergence of logarithms": (
        "log distributions",
        "distributions",
        functools.partial(nn.kl_divergence, log_outputs=True),
        kl_div,
    ),
    "kl_divergence of probabilities": (
        "distributions",
        "distributions",
        nn.kl_divergence,
        lambda o, y, reduction: kl_div(torch.log(o), y, reduction),
    ),
    "kl_divergence, one-hot targets": (
        "log distributions",
        "one-hot",
        functools.partial(nn.kl_divergence, log_outputs=True),
        kl_div,
    ),
    "kl_divergence, log_targets": (
        "log distributions",
        "log distributions",
        functools.partial(nn.kl_divergence, log_outputs=True, log_targets=True),
        functools.partial(kl_div, log_target=True),
    ),
}


@pytest.mark.parametrize("part", ELEMENTWISE)
def test_elementwise(part):
    outputs, targets, ours, theirs = ELEMENTWISE[part]
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        if outputs == "log distributions":
            z = nn.log_softmax(rng.normal(size=(N, K)) * rng.uniform(0.1, 10, (N, 1)))
        elif outputs == "distributions":
            z = nn.softmax(rng.normal(size=(N, K)) * rng.uniform(0.1, 5, (N, 1)))
        else:
            z = rows_of(outputs, rng)
        y = nn.log_softmax(rng.normal(size=(N, K))) if targets == "log distributions" else targets_of(targets, rng)
        for reduction, scale in (("sum", 1), ("mean", K)):
            found.append(
                swept(
                    lambda z, y=y, r=reduction, s=scale: ours(z, y, reduction=r) / s,
                    lambda x, y=y, r=reduction: theirs(x, t(y), reduction=r),
                    z,
                )
            )
        v = rng.normal(size=N)
        found.append(
            swept(
                lambda z, y=y: ours(z, y, reduction="none"),
                lambda x, y=y: theirs(x, t(y), reduction="none").sum(-1),
                z,
                v,
            )
        )
    record("losses", part, max(found))


WEIGHTS = {"none": None, "each output": (K,), "each sample": (N, 1), "each": (N, K)}


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize(
    ("logits", "pos_weight"),
    [(True, None), (True, (K,)), (True, (N, K)), (False, None)],  # of probabilities PyTorch takes none either
    ids=["logits", "logits, pos_weight of each output", "logits, pos_weight of each", "probabilities"],
)
def test_weights_of_the_log_loss(weight, pos_weight, logits):
    ours, theirs = nn.binary_cross_entropy, F.binary_cross_entropy
    if logits:
        ours, theirs = nn.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits
    found = []
    for seed, targets in itertools.product(SEEDS, ("bits", "between")):
        rng = np.random.default_rng(seed)
        z, y = rows_of("numbers" if logits else "probabilities", rng), targets_of(targets, rng)
        options = {"weight": None if WEIGHTS[weight] is None else rng.uniform(0, 3, WEIGHTS[weight])}
        if logits:
            options["pos_weight"] = None if pos_weight is None else rng.uniform(0, 9, pos_weight)
        for reduction, scale in (("sum", 1), ("mean", K)):
            found.append(
                swept(
                    lambda z, y=y, r=reduction, s=scale, o=options: ours(z, y, r, **o) / s,
                    lambda x, y=y, r=reduction, o=options: theirs(
                        x, t(y), reduction=r, **{k: t(v) for k, v in o.items()}
                    ),
                    z,
                )
            )
    name = "binary_cross_entropy" + "_with_logits" * logits
    record("losses", f"{name}, weight {weight}, pos_weight {pos_weight}", max(found))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0], ids=lambda e: f"label_smoothing={e}")
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weight"])
@pytest.mark.parametrize(
    ("targets", "ignored"),
    [
        *itertools.product(["labels", "a sequence of labels"], [None, -100, 2]),
        ("one-hot", None),
        ("distributions", None),
    ],
)
def test_cross_entropy(targets, weighted, smoothing, ignored):
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        z = rows_of("numbers", rng)
        y = targets_of("labels" if "labels" in targets else targets, rng)
        if ignored is not None:
            y = np.where(rng.uniform(size=N) < 0.3, ignored, y)
        w = rng.uniform(0.1, 4, K) if weighted else None
        sequence = targets.startswith("a sequence")
        if sequence:
            z, y = z.reshape(8, 5, K), y.reshape(8, 5)
        options = {"weight": w, "label_smoothing": smoothing}
        their_options = options | {"weight": t(w), "ignore_index": -100 if ignored is None else ignored}
        for reduction in ("mean", "sum", "none"):
            v = rng.normal(size=y.shape if "labels" in targets else N) if reduction == "none" else 1.0
            found.append(
                swept(
                    lambda z, y=y, r=reduction, o=options: nn.cross_entropy(z, y, r, ignore_index=ignored, **o),
                    lambda x, y=y, r=reduction, o=their_options, s=sequence: F.cross_entropy(
                        x.movedim(-1, 1) if s else x, t(y), reduction=r, **o
                    ),
                    z,
                    v,
                )
            )
    part = f"cross_entropy of {targets}, weight={weighted}, label_smoothing={smoothing}, ignore_index={ignored}"
    record("losses", part, max(found))


def test_cross_entropy_with_respect_to_distributions():
    rng = np.random.default_rng(0)
    z, y, w = rng.normal(size=(N, K)), targets_of("one-hot", rng), rng.uniform(0.1, 4, K)
    found = swept(
        lambda y: nn.cross_entropy(z, y, weight=w, label_smoothing=0.2),
        lambda y: F.cross_entropy(t(z), y, weight=t(w), label_smoothing=0.2),
        y,
    )
    record("losses", "cross_entropy, derivative by the targets", found)


def test_categorical_cross_entropy():
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        o, y = nn.softmax(rng.normal(size=(N, K)) * 3), targets_of("labels", rng)
        found += [
            swept(
                lambda o, y=y, r=r: nn.categorical_cross_entropy(o, y, r),
                lambda x, y=y, r=r: F.nll_loss(torch.log(x), t(y), reduction=r),
                o,
            )
            for r in ("mean", "sum", "none")
        ]
    record("losses", "categorical_cross_entropy", max(found))


def test_hinge_of_labels():
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        z, y = rows_of("numbers", rng), targets_of("labels", rng)
        found += [
            swept(
                lambda z, y=y, r=r: nn.hinge(z, y, r) / K,
                lambda x, y=y, r=r: F.multi_margin_loss(x, t(y), reduction=r),
                z,
            )
            for r in ("mean", "sum", "none")
        ]
    record("losses", "hinge of labels", max(found))


def test_hinge_of_signs():
    found = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        z, y = rows_of("numbers", rng), 2 * targets_of("bits", rng) - 1
        found.append(swept(lambda z, y=y: nn.hinge(z, y) / K, lambda x, y=y: torch.relu(1 - t(y) * x).mean(), z))
        found.append(
            swept(
                lambda z, y=y: nn.hinge(z, y) / K,
                lambda x, y=y: F.hinge_embedding_loss(t(y) * x, -torch.ones(N, K, dtype=torch.float64)),
                z,
            )
        )
    record("losses", "hinge of -1 and 1", max(found))


KINKS = {
    "absolute_error at 0": (lambda z: nn.absolute_error(z, 0 * z), lambda x: F.l1_loss(x, 0 * x.detach()), [0.0]),
    "huber at its joints": (
        lambda z: nn.huber(z, 0 * z, 0.5) / 2,
        lambda x: F.huber_loss(x, 0 * x.detach(), delta=0.5),
        [0.5, -0.5],
    ),
    "hinge of labels at its margin": (
        lambda z: nn.hinge(z, 0) / 3,
        lambda x: F.multi_margin_loss(x, torch.tensor(0)),
        [1.0, 0.0, 3.0],
    ),
    "hinge of signs at its margin": (
        lambda z: nn.hinge(z, [1.0, -1.0]),
        lambda x: torch.relu(1 - torch.tensor([1.0, -1.0]) * x).sum(),
        [1.0, -1.0],
    ),
}


@pytest.mark.parametrize("part", KINKS)
def test_at_the_kink_the_derivative_is_pytorch_s(part):
    ours, theirs, z = KINKS[part]
    record("losses", part, swept(ours, theirs, np.array(z)))


def test_extreme_logits():
    z = 1000 * np.array([[1.0, -1, 0], [-1, 1, 1], [-1, -1, -1]])
    y, w = np.array([1, 1, 0]), np.array([0.5, 2, 1])
    bits = np.array([[1.0, 1, 0], [0, 1, 1], [0, 0, 0]])
    found = max(
        swept(
            lambda z: nn.cross_entropy(z, y, weight=w, label_smoothing=0.1, ignore_index=2),
            lambda x: F.cross_entropy(x, t(y), weight=t(w), label_smoothing=0.1, ignore_index=2),
            z,
        ),
        swept(
            lambda z: nn.binary_cross_entropy_with_logits(z, bits, "sum", pos_weight=w),
            lambda x: F.binary_cross_entropy_with_logits(x, t(bits), reduction="sum", pos_weight=t(w)),
            z,
        ),
        swept(
            lambda z: nn.kl_divergence(nn.log_softmax(z), nn.softmax(bits), log_outputs=True),
            lambda x: F.kl_div(F.log_softmax(x, -1), t(nn.softmax(bits)), reduction="batchmean"),
            z,
        ),
    )
    record("losses", "logits of 1000", found)
