"""State dicts go to torch.nn and back: the same names, layouts and outputs, as dicts and as files of both formats."""

import numpy as np
import pytest
import torch

import nn

from .parity import difference, record

safetensors = pytest.importorskip("safetensors.torch")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 4)) * np.array([1e-3, 1.0, 30.0, 1e3])
TOKENS = RNG.integers(9, size=(16, 4))

F64 = {"dtype": torch.float64}
# part: (a model of ours, the corresponding one of PyTorch's, inputs)
PARTS = {
    "Linear": (lambda: nn.Linear(4, 3), lambda: torch.nn.Linear(4, 3, **F64), X),
    "Linear without bias": (lambda: nn.Linear(4, 3, bias=False), lambda: torch.nn.Linear(4, 3, bias=False, **F64), X),
    "MLP": (
        lambda: nn.MLP([4, 6, 5, 2], "tanh"),
        lambda: torch.nn.Sequential(
            torch.nn.Linear(4, 6, **F64),
            torch.nn.Tanh(),
            torch.nn.Linear(6, 5, **F64),
            torch.nn.Tanh(),
            torch.nn.Linear(5, 2, **F64),
        ),
        X,
    ),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(4), lambda: torch.nn.BatchNorm1d(4, **F64), X),
    "BatchNorm1d without tracking": (
        lambda: nn.BatchNorm1d(4, track_running_stats=False),
        lambda: torch.nn.BatchNorm1d(4, track_running_stats=False, **F64),
        X,
    ),
    "LayerNorm": (lambda: nn.LayerNorm(4), lambda: torch.nn.LayerNorm(4, **F64), X),
    "LayerNorm without bias": (
        lambda: nn.LayerNorm(4, bias=False),
        lambda: torch.nn.LayerNorm(4, bias=False, **F64),
        X,
    ),
    "Embedding": (lambda: nn.Embedding(9, 3), lambda: torch.nn.Embedding(9, 3, **F64), TOKENS),
    "all, nested": (
        lambda: nn.Sequential(
            nn.Embedding(9, 3),
            nn.Flatten(),
            nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5)),
            nn.LayerNorm(8),
            nn.GELU(),
            nn.Linear(8, 2),
        ),
        lambda: torch.nn.Sequential(
            torch.nn.Embedding(9, 3, **F64),
            torch.nn.Flatten(),
            torch.nn.Sequential(
                torch.nn.Linear(12, 8, **F64),
                torch.nn.BatchNorm1d(8, **F64),
                torch.nn.ReLU(),
                torch.nn.Dropout(0.5),
            ),
            torch.nn.LayerNorm(8, **F64),
            torch.nn.GELU(),
            torch.nn.Linear(8, 2, **F64),
        ),
        TOKENS,
    ),
    "a layer used twice": (lambda: twice(nn), lambda: twice(torch.nn, **F64), X),
}


def twice(library, **options):
    layer = library.Linear(4, 4, **options)
    return library.Sequential(layer, library.Tanh(), layer)


def filled(state):
    """Return a state with values of all sizes in it: positive ones where they are variances."""
    rng, found = np.random.default_rng(1), {}
    for name, array in state.items():
        array = np.asarray(array)
        if array.dtype.kind != "f":
            found[name] = np.full(array.shape, 7, array.dtype)
        else:
            found[name] = rng.normal(size=array.shape) * 10.0 ** rng.integers(-2, 3, size=array.shape)
        if "var" in name:
            found[name] = np.abs(found[name]) + 1e-3
    return found


def outputs(ours, theirs, x):
    with torch.no_grad():
        return nn.evaluate(ours, x), theirs.eval()(torch.from_numpy(x)).numpy()


def compared(part, ours, theirs, x):
    """Return the largest relative difference of the outputs; write it down where that is asked for."""
    a, b = outputs(ours, theirs, x)
    record("states", part, difference(a, b))
    return a


def tensors_of(state):
    return {name: torch.from_numpy(array) for name, array in state.items()}


def same(ours, theirs):
    state, other = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(other)
    for name, tensor in other.items():
        array = tensor.numpy()
        assert state[name].dtype == array.dtype
        assert state[name].shape == array.shape
        assert state[name].tobytes() == array.tobytes()


@pytest.fixture(params=PARTS)
def pair(request):
    ours, theirs, x = PARTS[request.param]
    ours, theirs = ours(), theirs()
    state = filled(ours.state_dict())
    if request.param == "a layer used twice":
        state = {**state, **{name.replace("0", "2"): array for name, array in state.items() if name.startswith("0")}}
    return request.param, ours, theirs, x, state


def test_a_state_dict_goes_to_torch(pair):
    part, ours, theirs, x, state = pair
    ours.load_state_dict(state)
    theirs.load_state_dict(tensors_of(ours.state_dict()))
    same(ours, theirs)
    compared(part, ours, theirs, x)


def test_a_state_dict_comes_from_torch(pair):
    part, ours, theirs, x, state = pair
    theirs.load_state_dict(tensors_of(state))
    ours.load_state_dict({name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    same(ours, theirs)
    compared(part, ours, theirs, x)


def test_a_safetensors_file_of_ours_loads_in_torch(pair, tmp_path):
    part, ours, theirs, x, state = pair
    ours.load_state_dict(state)
    nn.save(ours, tmp_path / "m.safetensors", {"a": 1})
    theirs.load_state_dict(safetensors.load_file(tmp_path / "m.safetensors"))
    same(ours, theirs)
    compared(part, ours, theirs, x)


def test_an_npz_file_of_ours_loads_in_torch(pair, tmp_path):
    part, ours, theirs, x, state = pair
    ours.load_state_dict(state)
    nn.save(ours, tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        theirs.load_state_dict({name: torch.from_numpy(file[name]) for name in theirs.state_dict()})
    same(ours, theirs)
    compared(part, ours, theirs, x)


def test_a_safetensors_file_of_torch_loads_here(pair, tmp_path):
    part, ours, theirs, x, state = pair
    theirs.load_state_dict(tensors_of(state))
    if part == "a layer used twice":  # save_file refuses shared tensors; save_model keeps one name of each
        safetensors.save_model(theirs, str(tmp_path / "m.safetensors"))
    else:
        safetensors.save_file(theirs.state_dict(), tmp_path / "m.safetensors")
    assert nn.load(tmp_path / "m.safetensors", model=ours) is ours
    same(ours, theirs)
    compared(part, ours, theirs, x)


def test_an_npz_file_of_a_torch_state_loads_here(pair, tmp_path):
    part, ours, theirs, x, state = pair
    theirs.load_state_dict(tensors_of(state))
    np.savez(tmp_path / "m.npz", **{name: tensor.numpy() for name, tensor in theirs.state_dict().items()})
    nn.load(tmp_path / "m.npz", model=ours)
    same(ours, theirs)
    compared(part, ours, theirs, x)


def test_torch_trains_on_from_a_state_as_nn_does(tmp_path):
    """One step of SGD, with batch statistics, from a file that went through both."""
    ours, theirs = nn.MLP([4, 6, 2], "tanh", batch_norm=True, rng=0), None
    nn.save(ours, tmp_path / "m.safetensors")
    theirs = torch.nn.Sequential(
        torch.nn.Linear(4, 6, bias=False, **F64),
        torch.nn.BatchNorm1d(6, **F64),
        torch.nn.Tanh(),
        torch.nn.Linear(6, 2, **F64),
    )
    theirs.load_state_dict(safetensors.load_file(tmp_path / "m.safetensors"))
    back, labels = nn.load(tmp_path / "m.safetensors"), RNG.integers(2, size=16)
    nn.compile_step(back, nn.cross_entropy, nn.SGD(back.parameters(), lr=0.1))(X, labels)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    torch.nn.functional.cross_entropy(theirs(torch.from_numpy(X)), torch.from_numpy(labels)).backward()
    optimizer.step()
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_allclose(back.state_dict()[name], tensor.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_narrower_floats_of_torch_load_here(tmp_path, dtype):
    theirs = torch.nn.Linear(4, 3, dtype=dtype)
    safetensors.save_file(theirs.state_dict(), tmp_path / "m.safetensors")
    ours = nn.load(tmp_path / "m.safetensors", model=nn.Linear(4, 3, dtype=np.float32))
    assert (ours.weight.data == theirs.weight.detach().float().numpy()).all()
