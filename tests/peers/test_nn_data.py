"""PyTorch's loaders and tensors as data of fit: the batches are the same numbers."""

import numpy as np
import pytest

import nn
from nn.data import as_loader

torch = pytest.importorskip("torch")

X, y = np.random.default_rng(0).normal(size=(10, 3)), np.arange(10) % 2
ROWS = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y))


@pytest.mark.parametrize("kind", ["loader", "loader of one", "tensors", "dataset"])
def test_pytorch_s_data_give_the_batches_that_arrays_give(kind):
    if kind == "tensors":
        found = as_loader("fit", (torch.from_numpy(X), torch.from_numpy(y)), 4, 3)
        expected = nn.DataLoader((X, y), 4, rng=3)
    else:
        size = 1 if kind == "loader of one" else 4
        source = torch.utils.data.DataLoader(ROWS, batch_size=size)
        found, expected = as_loader("fit", source), nn.DataLoader((X, y), size, shuffle=False)
        if kind == "dataset":

            class Wrapped(nn.Dataset):
                def __len__(self):
                    return len(ROWS)

                def __getitem__(self, rows):
                    return ROWS[rows]

            found = nn.DataLoader(Wrapped(), 4, shuffle=False)
    for _ in range(2):
        for (a, b), (own_a, own_b) in zip(found, expected, strict=True):
            assert type(a) is type(b) is np.ndarray and a.dtype == X.dtype and b.dtype == y.dtype
            np.testing.assert_array_equal(a, own_a)
            np.testing.assert_array_equal(b, own_b)


def test_fit_trains_on_pytorch_s_loader_as_on_the_same_batches():
    weights = []
    for data in (torch.utils.data.DataLoader(ROWS, batch_size=4), nn.DataLoader((X, y), 4, shuffle=False)):
        model = nn.MLP([3, 4, 2], rng=0)
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        nn.fit(model, data, loss=nn.cross_entropy, optimizer=optimizer, epochs=3)
        weights.append(model.state_dict())
    for name, value in weights[0].items():
        np.testing.assert_array_equal(value, weights[1][name])


def test_a_map_style_dataset_is_told_of_datasets_of_nn():
    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return 10

        def __getitem__(self, i):
            return X[i], y[i]

    with pytest.raises(ValueError, match=r"is a Rows\. Derive its class from nn\.Dataset"):
        as_loader("fit", Rows())
