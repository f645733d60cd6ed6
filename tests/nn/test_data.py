"""The digits are the known ones; splits are stratified; batches cover the samples."""

import hashlib

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.data import batches

# ------------------------------------------------------------------------------------------------------ digits


def test_the_digits_are_those_of_scikit_learn():
    """Checksums of ``sklearn.datasets.load_digits()``, its data as uint8 from 0 to 16, its target as uint8."""
    X, y = nn.load_digits()
    pixels = (16 * X).astype(np.uint8)
    assert X.shape == (1797, 64) and X.dtype == np.float64 and (X.min(), X.max()) == (0, 1)
    assert y.shape == (1797,) and y.dtype == np.int64
    np.testing.assert_array_equal(pixels, 16 * X)
    assert pixels.sum() == 561718 and pixels[0].sum() == 294
    assert y[:12].tolist() == [*range(10), 0, 1] and y[-3:].tolist() == [8, 9, 8]
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:32] == "8f26b2bd9d135c256808f68f14fdabdd"
    assert hashlib.sha256(y.astype(np.uint8).tobytes()).hexdigest()[:32] == "8ba4f891220f5e4c9c819638d1602d74"


def test_each_call_gives_arrays_of_its_own():
    X, y = nn.load_digits()
    X[...], y[...] = -1, -1
    assert nn.load_digits()[0].min() == 0 and nn.load_digits()[1].min() == 0


# ------------------------------------------------------------------------------------------------------ splits


@pytest.mark.parametrize("size", [1, 10, 359, 360, 898, 899, 1437, 1787, 1796])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_split_is_complete_disjoint_and_in_proportion(size, seed):
    labels = nn.load_digits()[1]
    rest, part = nn.stratified_split(labels, size, rng=seed)
    assert len(part) == size
    assert sorted([*rest, *part]) == list(range(len(labels)))
    ideal = np.bincount(labels) * size / len(labels)
    assert (np.abs(np.bincount(labels[part], minlength=10) - ideal) < 1).all()


@pytest.mark.parametrize("labels", [["a", "b"] * 5, [0] * 10, list(range(10)), [0, 1] + [2] * 8])
@pytest.mark.parametrize("size", range(1, 10))
def test_small_and_uneven_classes(labels, size):
    for seed in range(20):
        rest, part = nn.stratified_split(labels, size, rng=seed)
        assert len(part) == size and sorted([*rest, *part]) == list(range(10))
        for name in set(labels):
            ideal = labels.count(name) * size / 10
            assert abs(sum(labels[i] == name for i in part) - ideal) < 1


def test_the_same_seed_gives_the_same_split_and_another_another():
    labels = nn.load_digits()[1]
    first, again, other = (nn.stratified_split(labels, 360, rng=seed) for seed in (0, 0, 1))
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert len(set(a) & set(c)) < len(a)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(nn.stratified_split(labels, 360, rng)[1], first[1])
    assert not np.array_equal(nn.stratified_split(labels, 360, rng)[1], first[1])  # it goes on from there


def test_no_class_is_preferred_where_proportions_are_not_whole():
    labels = np.repeat([0, 1, 2], 5)
    picked = [labels[nn.stratified_split(labels, 1, rng=seed)[1][0]] for seed in range(60)]
    assert np.bincount(picked, minlength=3).min() >= 10  # 20 expected


def test_both_parts_are_shuffled_and_every_sample_can_be_picked():
    labels = np.repeat([0, 1], 50)
    picked = np.zeros(100, int)
    for seed in range(200):
        for indices in nn.stratified_split(labels, 20, rng=seed):
            assert not (np.diff(indices) > 0).all() and not (np.diff(labels[indices]) >= 0).all()
        picked[indices] += 1
    assert picked.sum() == 4000 and picked.min() > 15 and picked.max() < 70  # 40 expected, standard deviation 6


@pytest.mark.parametrize("size", [0, -1, 100, 101, 0.2, 20.5])
def test_sizes_that_split_nothing_are_an_error(size):
    with pytest.raises(ValueError, match=f"size is {size}, but .*of 100 samples.* between 1 and 99"):
        nn.stratified_split(np.repeat([0, 1], 50), size)


@pytest.mark.parametrize("labels", [np.eye(4), 3])
def test_labels_must_be_one_per_sample(labels):
    with pytest.raises(ag.errors.ShapeError, match="one per sample"):
        nn.stratified_split(labels, 1)


# ----------------------------------------------------------------------------------------------------- batches


@pytest.mark.parametrize("size", [1, 2, 3, 9, 10, 11, 1000])
def test_Y12_batches_cover_every_sample_once_in_random_order(size):
    found = list(batches(10, size, np.random.default_rng(0)))
    assert sorted(np.concatenate(found)) == list(range(10))
    assert list(np.concatenate(found)) != list(range(10))
    assert [len(rows) for rows in found] == [size] * (10 // size) + ([10 % size] if 10 % size else [])


def test_Y12_none_is_one_batch_of_all_samples_in_their_order():
    assert [rows.tolist() for rows in batches(5, None, np.random.default_rng(0))] == [[0, 1, 2, 3, 4]]


def test_every_epoch_has_another_order_and_a_seed_the_same():
    def two_epochs(seed):
        rng = np.random.default_rng(seed)
        return [np.concatenate(list(batches(50, 8, rng))).tolist() for _ in range(2)]

    assert two_epochs(0) == two_epochs(0) != two_epochs(1)
    assert two_epochs(0)[0] != two_epochs(0)[1]
