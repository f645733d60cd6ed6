"""The digits are the known ones; splits are stratified; batches cover the samples; loaders repeat and resume."""

import hashlib
import json

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.data import Batches, as_loader, batches

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


# ------------------------------------------------------------------------------------------- datasets and loaders


class Squares(nn.Dataset):
    """Notes which rows it was asked for."""

    def __init__(self, n=10):
        self.n, self.asked = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, rows):
        self.asked.append(rows)
        return rows[:, None] / self.n, (rows / self.n) ** 2


def returning(*batch):
    """Return a Dataset of 4 samples that answers everything with the same."""

    class Fixed(Squares):
        def __getitem__(self, rows):
            return batch if len(batch) > 1 else batch[0]

    return Fixed(4)


@pytest.mark.parametrize("kind", ["arrays", "lists", "Tensors", "Dataset"])
@pytest.mark.parametrize("batch_size", [None, 1, 3, 10, 32])
def test_Y12_a_loader_gives_the_batches_of_its_seed_epoch_after_epoch(batch_size, kind):
    X, y = Squares()[np.arange(10)]
    data = {
        "arrays": (X, y),
        "lists": (X.tolist(), y.tolist()),
        "Tensors": (ag.Tensor(X), ag.Tensor(y)),
        "Dataset": Squares(),
    }[kind]
    loader, rng = nn.DataLoader(data, batch_size, rng=7), np.random.default_rng(7)
    for _ in range(3):
        found, expected = list(loader), list(batches(10, batch_size, rng))
        assert len(found) == len(expected) == len(loader) == loader.batches
        for (x, t), rows in zip(found, expected, strict=True):
            assert type(x) is type(t) is np.ndarray
            np.testing.assert_array_equal(x, X[rows])
            np.testing.assert_array_equal(t, y[rows])
    assert loader.samples == 10


def test_the_order_is_that_of_the_seed_0_by_default_or_of_a_generator():
    def first(**options):
        return np.concatenate([y for _, y in nn.DataLoader((np.ones((50, 1)), np.arange(50)), 8, **options)]).tolist()

    assert first() == first(rng=0) == first(rng=np.random.default_rng(0)) != first(rng=1)
    assert first(rng=None) != first(rng=None)


@pytest.mark.parametrize("batch_size", [None, 4])
@pytest.mark.parametrize("shuffle", [None, True, False])
def test_shuffling_is_for_mini_batches_unless_one_says_otherwise(batch_size, shuffle):
    loader = nn.DataLoader((np.ones((50, 1)), np.arange(50)), batch_size, shuffle=shuffle)
    orders = [np.concatenate([y for _, y in loader]).tolist() for _ in range(2)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    shuffled = batch_size is not None if shuffle is None else shuffle
    assert (orders[0] != list(range(50))) is shuffled and (orders[0] != orders[1]) is shuffled


@pytest.mark.parametrize(("n", "sizes"), [(10, [4, 4]), (8, [4, 4]), (4, [4]), (7, [4])])
@pytest.mark.parametrize("shuffle", [True, False])
def test_the_last_batch_is_dropped_if_it_is_smaller_and_one_says_so(n, sizes, shuffle):
    loader = nn.DataLoader(Squares(n), 4, drop_last=True, shuffle=shuffle)
    for _ in range(2):
        assert [len(x) for x, _ in loader] == sizes and len(loader) == len(sizes)


def test_a_loader_that_would_drop_everything_is_an_error():
    with pytest.raises(ValueError, match="drop_last leaves no batch of 3 samples"):
        nn.DataLoader(Squares(3), 4, drop_last=True)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox])
@pytest.mark.parametrize("batch_size", [1, 4, None])
def test_a_loader_goes_on_from_a_state_exactly(kind, batch_size):
    def make(seed):
        options = {"shuffle": True, "rng": np.random.Generator(kind(seed))}
        return nn.DataLoader((np.ones((20, 1)), np.arange(20)), batch_size, **options)

    def order(loader):
        return np.concatenate([y for _, y in loader]).tolist()

    loader, resumed = make(0), make(1)
    for _ in range(3):
        order(loader)
    state = loader.state_dict()
    rest = [order(loader) for _ in range(3)]
    resumed.load_state_dict(state)
    assert [order(resumed) for _ in range(3)] == rest
    resumed.load_state_dict(state)  # using it has not changed it
    assert order(resumed) == rest[0]


def test_a_state_passes_through_json():
    loader = nn.DataLoader(Squares())
    list(loader)
    state = json.loads(json.dumps(loader.state_dict()))
    expected = [x.tolist() for x, _ in loader]
    loader.load_state_dict(state)
    assert [x.tolist() for x, _ in loader] == expected


@pytest.mark.parametrize(
    "state",
    [None, {}, {"rng": None}, {"rng": {}}, {"rng": {"bit_generator": "PCG64"}}, "PCG64", "other kind", "damaged"],
)
def test_a_state_that_is_none_changes_nothing(state):
    loader = nn.DataLoader(Squares())
    before = loader.state_dict()
    if state == "other kind":
        state = {"rng": np.random.MT19937(0).state}
    if state == "damaged":
        state = {"rng": {**before["rng"], "state": {"state": "x", "inc": -1}}}
    with pytest.raises(ValueError, match=r"load_state_dict: state is .*must be the state_dict\(\) of a DataLoader"):
        loader.load_state_dict(state)
    assert loader.state_dict() == before


def test_a_dataset_is_asked_for_the_rows_of_one_batch_at_a_time():
    data = Squares()
    x, _ = next(iter(nn.DataLoader(data, 4)))
    (rows,) = data.asked
    assert rows.dtype.kind == "i" and rows.shape == (4,)
    np.testing.assert_array_equal(x[:, 0], rows / 10)


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ((None,), ValueError, r"4 row numbers\] is None, but must be a pair. Let __getitem__ return x, y"),
        ((np.ones((4, 1)), np.ones(4), 3), ValueError, "is .*, but must be a pair"),
        ((np.ones((3, 1)), np.ones(3)), ag.errors.ShapeError, r"inputs of shape \(3, 1\).*must have 4 rows of each"),
        ((np.ones((4, 1)), np.ones(3)), ag.errors.ShapeError, r"targets of shape \(3,\).*must have 4 rows"),
        ((np.ones(1), 3.0), ag.errors.ShapeError, r"targets of shape \(\)"),
        (([[1], [1, 2], [1], [1]], np.ones(4)), ag.errors.ShapeError, "the inputs of dataset.* differ in length"),
    ],
)
def test_what_a_dataset_returns_is_looked_at(batch, error, message):
    with pytest.raises(error, match=message):
        list(nn.DataLoader(returning(*batch)))


@pytest.mark.parametrize("length", [0, -1, 1.5])
def test_a_dataset_without_samples_is_an_error(length):
    class Empty(Squares):
        def __len__(self):
            return length

    with pytest.raises((ValueError, TypeError), match=r"len\(data\) is 0|__len__|cannot be interpreted"):
        nn.DataLoader(Empty())


def test_a_memory_map_is_not_read_before_its_rows_are_asked_for(tmp_path):
    X = np.memmap(tmp_path / "X", dtype=float, mode="w+", shape=(10, 2))
    y = np.memmap(tmp_path / "y", dtype=int, mode="w+", shape=10)
    X[:, 0] = y[:] = np.arange(10)
    data = nn.ArrayDataset(X, y)
    loader = as_loader("fit", (X, y), 4, 0)
    for held in (data, loader.dataset):
        assert np.shares_memory(held.X, X) and np.shares_memory(held.y, y)
    for x, t in loader:
        assert not np.shares_memory(x, X) and (x[:, 0] == t).all()
    for part in nn.train_validation_split(data, 0.3):
        assert np.shares_memory(part.dataset.X, X)


def test_batches_are_copies_so_that_nothing_can_change_the_data():
    X, y = np.zeros((5, 1)), np.zeros(5)
    for batch_size in (None, 2):
        for x, t in nn.DataLoader((X, y), batch_size):
            x[...], t[...] = 1, 1
    assert not X.any() and not y.any()


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (np.ones((3, 2)), np.ones(2), ValueError, r"inputs have shape \(3, 2\), the targets \(2,\): give as many of"),
        (np.ones((3, 2)), np.ones(2), ValueError, r"Did you mean X\.T\?"),
        (np.ones((0, 2)), np.ones(0), ValueError, "at least one"),
        (1.0, 2.0, ValueError, r"inputs have shape \(\)"),
        (np.ma.masked_array([1.0], [True]), [1], ag.errors.DTypeError, "the inputs of data is a masked array"),
        ([[1], [1, 2]], [1, 2], ag.errors.ShapeError, "the rows of the inputs of data differ in length"),
        (None, None, ValueError, r"inputs have shape \(\)"),
    ],
)
def test_an_array_dataset_looks_at_its_arrays(X, y, error, message):
    with pytest.raises(error, match=message) as caught:
        nn.ArrayDataset(X, y)
    assert str(caught.value).startswith("ArrayDataset: ")


def test_lazy_arrays_are_refused_with_their_way():
    class Lazy:
        __array_function__ = None

    with pytest.raises(ag.errors.UnsupportedArgumentError, match="ArrayDataset would fetch them into memory whole"):
        nn.ArrayDataset(Lazy(), [1])


# ---------------------------------------------------------------------------------------- what fit takes as data

BATCHES = [(np.arange(6.0).reshape(3, 2) + k, np.arange(3) + k) for k in range(4)]


def yielding():
    yield from BATCHES


class Again:
    """An iterable that starts anew each time, without a length."""

    def __iter__(self):
        return iter(BATCHES)


SOURCES = {
    "a list": BATCHES,
    "a tuple": tuple(BATCHES),
    "a list of lists": [[x.tolist(), y.tolist()] for x, y in BATCHES],
    "an iterable": Again(),
    "a function that yields": yielding,
    "a function that returns a list": lambda: BATCHES,
    "Tensors": [(ag.Tensor(x), ag.Tensor(y)) for x, y in BATCHES],
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_batches_of_one_s_own_pass_in_their_order_epoch_after_epoch(source):
    loader = as_loader("fit", source)
    for epoch in range(3):
        found = list(loader)
        assert len(found) == 4
        for (x, y), (own_x, own_y) in zip(found, BATCHES, strict=True):
            assert type(x) is type(y) is np.ndarray
            np.testing.assert_array_equal(x, own_x)
            np.testing.assert_array_equal(y, own_y)
        assert (loader.samples, loader.batches) == (12, 4), epoch


def test_the_length_of_a_list_is_known_at_once_that_of_other_sources_after_an_epoch():
    assert as_loader("fit", BATCHES).batches == 4
    loader = as_loader("fit", yielding)
    iterator = iter(loader)
    next(iterator)
    assert loader.batches is loader.samples is None
    assert len(list(iterator)) == 3 and loader.batches == 4


def test_a_generator_lasts_one_epoch_and_the_next_one_says_so():
    loader = as_loader("fit", yielding())
    assert len(list(loader)) == 4
    with pytest.raises(ValueError, match=r"data is a generator that has no batches for epoch 2.*data=function"):
        list(loader)


def test_loaders_pass_as_they_are():
    loader = nn.DataLoader(Squares(), 3, rng=5)
    assert as_loader("fit", loader, 32, 0) is loader
    own = as_loader("fit", BATCHES)
    assert as_loader("fit", own) is own


@pytest.mark.parametrize("data", [Squares(), Squares()[np.arange(10)], list(Squares()[np.arange(10)])])
def test_arrays_and_datasets_are_loaded_in_batches_of_the_seed(data):
    loader, expected = as_loader("fit", data, 4, 3), nn.DataLoader(data, 4, rng=3)
    for _ in range(2):
        for (x, y), (own_x, own_y) in zip(loader, expected, strict=True):
            np.testing.assert_array_equal(x, own_x)
            np.testing.assert_array_equal(y, own_y)


two = np.ones((2, 3))


@pytest.mark.parametrize("outer", [list, tuple])
@pytest.mark.parametrize("inner", [list, tuple])
def test_two_batches_are_not_taken_for_a_pair(outer, inner):
    loader = as_loader("fit", outer(inner(batch) for batch in BATCHES[:2]))
    assert isinstance(loader, Batches) and [len(x) for x, _ in loader] == [3, 3]


@pytest.mark.parametrize(
    "pair",
    [
        [two, np.ones(2)],
        (two, two),
        [two.tolist(), two.tolist()],
        ([two[0], two[1]], np.ones(2)),
        ((two[0], two[1]), (0, 1)),
        [[1.0, 2.0], [3.0, 4.0]],
    ],
)
def test_a_pair_of_two_samples_is_not_taken_for_two_batches(pair):
    (batch,) = as_loader("fit", pair, None)
    assert [len(part) for part in batch] == [2, 2]


@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_what_could_be_two_batches_or_two_samples_is_an_error(shape):
    a = np.ones(shape)
    with pytest.raises(ValueError, match=r"two pairs of arrays, which may be two batches, or \(X, y\) of two samples"):
        as_loader("fit", [(a, a), (a, a)])
    assert len(list(as_loader("fit", lambda: [(a, a), (a, a)]))) == 2
    assert len(list(as_loader("fit", (np.stack([a, a]), np.stack([a, a])), 1))) == 2


@pytest.mark.parametrize(
    "data",
    [None, 3, "X", np.ones((3, 2)), ag.Tensor([1.0]), {"X": two}, nn.DataLoader, (two,), (two, two, two), object()],
    ids=["None", "number", "text", "array", "Tensor", "dict", "class", "one", "three", "object"],
)
def test_what_is_no_data_is_refused(data):
    with pytest.raises(ValueError, match=r"fit: data must be a pair \(inputs, targets\), or batches of such pairs"):
        as_loader("fit", data)


def test_what_has_rows_but_no_batches_is_told_of_datasets():
    class Rows:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return i, i

    with pytest.raises(ValueError, match=r"is a Rows\. Derive its class from nn\.Dataset"):
        as_loader("fit", Rows())


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ([], ValueError, r"fit: data is \[\] and holds no batch"),
        (iter([]), ValueError, "holds no batch"),
        (lambda: [], ValueError, "holds no batch"),
        (lambda: None, TypeError, "returned None, but must return an iterable of batches"),
        ([(np.ones(3), 1)] * 6, ValueError, r"must be a pair .*a list of 6 items.*data=tuple\(zip\(\*samples\)\)"),
        ([*BATCHES, two], ValueError, r"batch 5 of data is .*\(2, 3\), but must be a pair \(x, y\), as the first"),
        ([*BATCHES, (two, 1)], ValueError, "batch 5 of data is .*, but must be a pair"),
        ([(two, np.ones(3))] * 3, ag.errors.ShapeError, r"batch 1 of data has inputs of shape \(2, 3\).*as many rows"),
        ([*BATCHES, (two[:0], two[:0])], ag.errors.ShapeError, "batch 5 .* at least one"),
        ([*BATCHES, (two, [0, 1])], ag.errors.ShapeError, r"batch 5 of data has inputs of shape \(2, 3\), the first"),
        (
            [*BATCHES, (two[:, :2], two)],
            ag.errors.ShapeError,
            r"targets of shape \(2, 3\), the first batch of .*\(3,\)",
        ),
        ([*BATCHES, ([[1], [1, 2]], [0, 1])], ag.errors.ShapeError, "inputs of batch 5 of data differ in length"),
    ],
)
def test_batches_that_are_none_are_refused_with_their_number(source, error, message):
    with pytest.raises(error, match=message):
        list(as_loader("fit", source))


def test_a_mistake_in_a_list_is_found_before_the_first_epoch():
    with pytest.raises(ag.errors.ShapeError, match="batch 5"):
        as_loader("fit", [*BATCHES, (two, [0, 1])])


def test_sequences_of_integers_may_be_longer_in_one_batch_than_in_another():
    lengths = [x.shape[1] for x, _ in as_loader("fit", [(np.ones((2, k), int), [0, 1]) for k in (3, 5, 4)])]
    assert lengths == [3, 5, 4]


def test_integers_and_floats_may_take_turns():
    assert len(list(as_loader("fit", [([[1.0]], [0]), ([[2]], [0.5]), ([[1.5]], [1])]))) == 3


# ------------------------------------------------------------------------------------- a part held out for validation


@pytest.mark.parametrize(
    ("size", "held"), [(0.2, 4), (0.5, 10), (1, 1), (7, 7), (19, 19), (0.29, 6), (0.01, 1), (0.99, 19)]
)
@pytest.mark.parametrize("y", [np.arange(20) % 2, np.arange(20.0), np.eye(20)], ids=["labels", "numbers", "rows"])
def test_a_split_keeps_pairs_together_and_loses_nothing(y, size, held):
    X = np.arange(20.0)[:, None]
    (x_rest, y_rest), (x_held, y_held) = nn.train_validation_split((X, y), size)
    assert len(x_held) == len(y_held) == held and len(x_rest) == len(y_rest) == 20 - held
    assert sorted([*x_rest[:, 0], *x_held[:, 0]]) == list(range(20))
    for x, t in ((x_rest, y_rest), (x_held, y_held)):
        np.testing.assert_array_equal(t, y[x[:, 0].astype(int)])
        assert len(x) < 5 or not (np.diff(x[:, 0]) > 0).all()  # shuffled


@pytest.mark.parametrize("labels", [np.repeat([0, 1], [90, 10]), np.repeat(["a", "b"], [90, 10])])
@pytest.mark.parametrize("seed", range(5))
def test_labels_are_held_out_in_proportion_and_numbers_at_random(labels, seed):
    def rare(y, stratify=None):
        _, (_, held) = nn.train_validation_split((np.ones((100, 1)), y), 0.2, rng=seed, stratify=stratify)
        return int((held == labels[-1]).sum()) if held.ndim == 1 else int((held[:, 1] == 1).sum())

    assert rare(labels) == rare(labels, True) == rare(labels, labels) == 2
    one_hot = (labels[:, None] == ["a", "b"] if labels.dtype.kind == "U" else labels[:, None] == [0, 1]).astype(float)
    assert rare(one_hot, labels) == 2


def test_stratify_false_splits_labels_at_random():
    y = np.repeat([0, 1], 50)
    counts = {
        int(nn.train_validation_split((y[:, None], y), 20, rng=seed, stratify=False)[1][1].sum()) for seed in range(30)
    }
    assert len(counts) > 3


def test_the_same_seed_gives_the_same_split_0_by_default():
    def held(**options):
        return nn.train_validation_split(nn.load_digits(), 0.2, **options)[1][0]

    np.testing.assert_array_equal(held(), held(rng=0))
    np.testing.assert_array_equal(held(rng=3), held(rng=np.random.default_rng(3)))
    assert not np.array_equal(held(rng=0), held(rng=1))
    labels = nn.load_digits()[1]
    np.testing.assert_array_equal(held(), nn.load_digits()[0][nn.stratified_split(labels, 359, rng=0)[1]])


def test_a_dataset_is_split_into_datasets_and_nothing_is_read():
    data = Squares(20)
    rest, held = nn.train_validation_split(data, 0.25, stratify=np.arange(20) % 2)
    assert data.asked == [] and (len(rest), len(held)) == (15, 5)
    found = np.concatenate([20 * x[:, 0] for part in (rest, held) for x, _ in nn.DataLoader(part, 4)])
    assert sorted(found.round().astype(int)) == list(range(20))
    labelled = nn.ArrayDataset(np.ones((100, 1)), np.repeat([0, 1], [90, 10]))
    assert nn.train_validation_split(labelled, 20)[1][np.arange(20)][1].sum() == 2


@pytest.mark.parametrize("size", [0, 0.0, 1.0, -0.2, 1.5, 20, 21, -3, np.nan, "0.2"])
def test_sizes_that_leave_a_part_empty_are_an_error(size):
    with pytest.raises(ValueError, match=r"size is .*, but must be a fraction between 0 and 1, or a whole"):
        nn.train_validation_split((np.ones((20, 1)), np.ones(20)), size)


def test_one_sample_makes_no_two_parts():
    with pytest.raises(ValueError, match="data holds 1 sample, but two parts need at least 2"):
        nn.train_validation_split((np.ones((1, 1)), np.ones(1)), 0.5)


def test_what_is_stratified_by_must_be_a_label_for_each_sample():
    data = np.ones((20, 1)), np.eye(20)
    with pytest.raises(
        ag.errors.ShapeError, match=r"stratify has shape \(19,\), but must be one label for each of the 20"
    ):
        nn.train_validation_split(data, 5, stratify=np.ones(19))
    with pytest.raises(ag.errors.ShapeError, match=r"argmax\(-1\)"):
        nn.train_validation_split(data, 5, stratify=True)
    with pytest.raises(ValueError, match="the labels of a Squares are not at hand"):
        nn.train_validation_split(Squares(20), 5, stratify=True)


def test_a_short_list_of_samples_is_no_list_of_inputs():
    samples = [np.ones(3), np.zeros(3), np.ones(3)]
    assert next(iter(nn.DataLoader((samples, [0, 1, 0]))))[0].shape == (3, 3)
