"""nn.save and nn.load: the model that was saved comes back, in all that it computes and in what is shared or frozen."""

import copy
import os
import subprocess
import sys
import textwrap
import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import archive
from nn.saving.models import _classes, _elements
from nn.saving.sizes import SIZES, size_of

needs_library = pytest.mark.skipif(
    find_spec("safetensors") is None, reason="needs the extra: pip install 'autograd-mini[safetensors]'"
)
KINDS = [".npz", pytest.param(".safetensors", marks=needs_library)]
X = np.random.default_rng(0).normal(size=(5, 4))
MASK = (np.arange(12).reshape(3, 4) % 3 > 0).astype(float)

EXAMPLES = {
    "BatchNorm1d": [
        lambda: nn.BatchNorm1d(4),
        lambda: nn.BatchNorm1d(4, eps=1e-3, momentum=None, affine=False),
        lambda: nn.BatchNorm1d(4, track_running_stats=False, dtype=np.float32),
    ],
    "Dropout": [lambda: nn.Dropout(0.3)],
    "ELU": [lambda: nn.ELU(0.5)],
    "Embedding": [
        lambda: nn.Embedding(6, 3, rng=0),
        lambda: nn.Embedding(6, 3, padding_idx=2, dtype=np.float32, rng=0),
    ],
    "Flatten": [lambda: nn.Flatten(), lambda: nn.Flatten(0)],
    "GELU": [lambda: nn.GELU("tanh")],
    "Identity": [nn.Identity],
    "LayerNorm": [
        lambda: nn.LayerNorm(4),
        lambda: nn.LayerNorm((5, 4), eps=1e-3, bias=False),
        lambda: nn.LayerNorm(4, elementwise_affine=False),
    ],
    "LeakyReLU": [lambda: nn.LeakyReLU(0.2)],
    "Linear": [
        lambda: nn.Linear(4, 3, rng=0),
        lambda: nn.Linear(4, 3, bias=False, mask=MASK, rng=0, dtype=np.float32),
    ],
    "LogSoftmax": [nn.LogSoftmax],
    "MLP": [
        lambda: nn.MLP([4, 6, 5, 2], "gelu", "softmax", rng=0),
        lambda: nn.MLP([4, 6, 5, 2], dropout=0.2, batch_norm=True, rng=0, dtype=np.float32),
        lambda: nn.MLP([4, 2], batch_norm=True, rng=0),
    ],
    "ReLU": [nn.ReLU],
    "Residual": [
        lambda: nn.Residual(nn.Sequential(nn.Linear(4, 4, rng=0), nn.Tanh())),
        lambda: nn.Residual(nn.Linear(4, 3, rng=0), shortcut=nn.Linear(4, 3, bias=False, rng=1)),
    ],
    "Sequential": [
        nn.Sequential,
        lambda: nn.Sequential(nn.Linear(4, 3, rng=0), nn.Sequential(nn.Tanh(), nn.Linear(3, 1))),
    ],
    "SiLU": [nn.SiLU],
    "Sigmoid": [nn.Sigmoid],
    "Softmax": [nn.Softmax],
    "Softplus": [lambda: nn.Softplus(2.0, 10.0)],
    "Tanh": [nn.Tanh],
}
CASES = [(name, i) for name, made in EXAMPLES.items() for i in range(len(made))]


class Net(nn.Module):
    """One without a config."""

    def __init__(self, width=3):
        self.width, self.one, self.two = width, nn.Linear(4, width, rng=0), nn.Linear(width, 2, rng=1)

    def forward(self, x):
        return self.two(np.tanh(self.one(x)))


class Described(Net):
    """One with a config."""

    def config(self):
        return {"width": self.width}


class Heads(nn.Module):
    """One whose parameters stand in lists, dicts and tuples."""

    def __init__(self, n=2):
        self.n = n
        self.many = [nn.Parameter(np.full(2, float(i))) for i in range(n)]
        self.named = {"a": nn.Parameter(np.ones(2)), "parts": [nn.Linear(2, 2, rng=0)]}
        self.fixed = (nn.Parameter(np.zeros(2)),)
        self.mean = nn.Buffer(np.zeros(2))

    def config(self):
        return {"n": self.n}

    def forward(self, x):
        return x * self.many[0] + self.named["a"] + self.fixed[0] + self.mean.value


def same_state(a, b):
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype
        assert a[name].shape == b[name].shape
        assert a[name].tobytes() == b[name].tobytes(), name


def run(model):
    """Return what a model computes in evaluation, of inputs that it takes."""
    first = next((layer for _, layer in model.named_modules() if not list(layer.children())), model)
    x = np.array([[0, 5], [2, 3]]) if isinstance(first, nn.Embedding) else X
    return nn.evaluate(model, x)


def around(model, path, **options):
    nn.save(model, path)
    return nn.load(path, **options)


# --- what comes back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "i"), CASES)
def test_every_layer_comes_back(tmp_path, kind, name, i):
    model = EXAMPLES[name][i]()
    assert type(model).__name__ == name
    for parameter in model.parameters():
        parameter.data = parameter.data + 0.125
    for _, buffer in model.named_buffers():
        buffer.data = buffer.data + 1
    back = around(model, tmp_path / f"m{kind}")
    assert type(back) is type(model)
    assert repr(back) == repr(model)
    same_state(model.state_dict(), back.state_dict())
    assert (
        archive.pack(back.config(), special=lambda v: repr(v) if isinstance(v, nn.Module) else None)[1]
        == (archive.pack(model.config(), special=lambda v: repr(v) if isinstance(v, nn.Module) else None)[1])
    )
    assert run(back).tobytes() == run(model).tobytes()


def test_every_layer_of_nn_has_an_example_here():
    described = {name for name, cls in _classes(()).items() if cls.config is not nn.Module.config}
    assert described == set(EXAMPLES)


@pytest.mark.parametrize(("name", "i"), CASES)
def test_sizes_are_those_that_the_layers_have(name, i):
    model = EXAMPLES[name][i]()
    described = [child for _, child in model.children()] if name in ("Sequential", "Residual") else []
    assert size_of(name, model.config()) == _elements(model, described)
    assert set(SIZES) <= set(EXAMPLES)


@pytest.mark.parametrize("kind", KINDS)
def test_modes_frozen_parameters_and_names_come_back(tmp_path, kind):
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.BatchNorm1d(3), nn.Dropout(0.5, rng=0), nn.Linear(3, 2, rng=1))
    model.eval()
    model[1].train()
    model[0].freeze()
    model[3].weight.name = "V"
    back = around(model, tmp_path / f"m{kind}")
    assert [m.training for _, m in back.named_modules()] == [m.training for _, m in model.named_modules()]
    assert [p.requires_grad for p in back.parameters()] == [p.requires_grad for p in model.parameters()]
    assert [p.name for p in back.parameters()] == [p.name for p in model.parameters()]
    assert [back[0].weight.requires_grad, back[3].weight.name] == [False, "V"]


@pytest.mark.parametrize("kind", KINDS)
def test_modules_that_occur_twice_stay_shared(tmp_path, kind):
    layer, tanh = nn.Linear(4, 4, rng=0), nn.Tanh()
    model = nn.Sequential(layer, tanh, nn.Residual(layer), tanh, layer)
    back = around(model, tmp_path / f"m{kind}")
    assert back[0] is back[4] is back[2].module
    assert back[1] is back[3]
    assert len(back.parameters()) == 2
    same_state(model.state_dict(), back.state_dict())
    assert list(model.state_dict())[2:4] == ["2.module.weight", "2.module.bias"]


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_tied_between_modules_stay_tied(tmp_path, kind):
    model = nn.MLP([4, 4, 4, 4], "tanh", rng=0)
    model[4].weight = model[2].weight = model[0].weight
    back = around(model, tmp_path / f"m{kind}")
    assert back[4].weight is back[2].weight is back[0].weight
    assert back[4].bias is not back[0].bias
    assert len(back.parameters()) == 4
    same_state(model.state_dict(), back.state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_an_embedding_tied_to_the_last_layer_stays_tied(tmp_path, kind):
    model = nn.Sequential(nn.Embedding(7, 3, rng=0), nn.Linear(3, 7, bias=False, rng=1))
    model[1].weight = model[0].weight
    back = around(model, tmp_path / f"m{kind}")
    assert back[1].weight is back[0].weight
    assert nn.evaluate(back, np.arange(7)).tobytes() == nn.evaluate(model, np.arange(7)).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_in_lists_and_dicts_come_back_and_stay_tied(tmp_path, kind):
    model = Heads(3)
    model.many[2] = model.many[0]
    model.named["a"] = model.named["parts"][0].bias
    model.mean.assign(np.array([1.0, 2.0]))
    back = around(model, tmp_path / f"m{kind}", classes=[Heads])
    assert back.many[2] is back.many[0]
    assert back.named["a"] is back.named["parts"][0].bias
    same_state(model.state_dict(), back.state_dict())


def test_a_parameter_of_another_dtype_than_its_layer_comes_back(tmp_path):
    model = nn.Linear(4, 3, rng=0)
    model.bias = nn.Parameter(np.ones(3, np.float32))
    back = around(model, tmp_path / "m.npz")
    assert [back.weight.dtype, back.bias.dtype] == [np.float64, np.float32]
    same_state(model.state_dict(), back.state_dict())


def test_complex_models_go_into_npz(tmp_path):
    model = nn.Linear(4, 3, rng=0, dtype=np.complex128)
    model.weight.data = model.weight.data * (1 + 1j)
    same_state(model.state_dict(), around(model, tmp_path / "m.npz").state_dict())
    with pytest.raises(ag.errors.DTypeError, match=r"Save it as \.npz"):
        nn.save(model, tmp_path / "m.safetensors")


def test_an_mlp_whose_layers_were_changed_comes_back_as_a_sequence_of_them(tmp_path):
    model = nn.MLP([4, 6, 2], "tanh", dropout=0.5, rng=0)
    model.layers[2].p = 0.1
    back = around(model, tmp_path / "m.npz")
    assert type(back) is nn.Sequential
    assert back[2].p == 0.1
    same_state(model.state_dict(), back.state_dict())


def test_a_layer_that_was_given_more_parameters_is_saved_but_not_built(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3, rng=0))
    model.scale = nn.Parameter(np.ones(3))
    nn.save(model, tmp_path / "m.npz")
    with pytest.raises(nn.FileError, match="holds other parameters than its arguments"):
        nn.load(tmp_path / "m.npz")
    other = nn.Sequential(nn.Linear(4, 3, rng=1))
    other.scale = nn.Parameter(np.zeros(3))
    nn.load(tmp_path / "m.npz", model=other)
    same_state(model.state_dict(), other.state_dict())


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_loaded_trains_as_the_one_that_was_saved(tmp_path, kind):
    y = np.array([0, 1, 0, 1, 1])
    model = nn.Sequential(nn.Linear(4, 6, rng=0), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 2, rng=1))
    back = around(model, tmp_path / f"m{kind}")
    for net in (model, back):
        step = nn.compile_step(net, nn.cross_entropy, nn.Adam(net.parameters(), lr=0.1))
        for _ in range(5):
            step(X, y)
    same_state(model.state_dict(), back.state_dict())


def test_saving_changes_nothing(tmp_path):
    model = nn.MLP([4, 6, 2], "relu", dropout=0.5, batch_norm=True, rng=0)
    before, rng = model.state_dict(), copy.deepcopy([g.bit_generator.state for _, g in model.named_generators()])
    state = np.random.get_state()[1].tobytes()
    nn.save(model, tmp_path / "m.npz")
    nn.load(tmp_path / "m.npz")
    same_state(before, model.state_dict())
    assert rng == [g.bit_generator.state for _, g in model.named_generators()]
    assert np.random.get_state()[1].tobytes() == state


def test_a_model_that_would_not_be_built_is_saved_and_says_so(tmp_path):
    deep = nn.Linear(4, 4, rng=0)
    for _ in range(70):
        deep = nn.Sequential(deep)
    wide = nn.Tanh()
    for _ in range(5):
        wide = nn.Sequential(*[wide] * 12)
    round_about = nn.Sequential(nn.Tanh())
    round_about.layers = (nn.Tanh(), round_about)
    for model, message in ((deep, "65 inside each other"), (wide, "modules, 6 inside"), (round_about, "recursion")):
        nn.save(model, tmp_path / "m.npz")
        with pytest.raises(nn.FileError, match=message):
            nn.load(tmp_path / "m.npz")
    nn.save(deep, tmp_path / "m.npz")
    assert nn.load(tmp_path / "m.npz", model=deep) is deep


# --- metadata --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_come_back(tmp_path, kind):
    metadata = {
        "columns": ["a", "é"],
        "mean": np.array([0.5, np.nan]),
        "range": (0, float("inf")),
        3: None,
        "$": {"$": 2},
    }
    nn.save(nn.Linear(2, 1, rng=0), tmp_path / f"m{kind}", metadata)
    back = nn.load_metadata(tmp_path / f"m{kind}")
    assert back.keys() == metadata.keys()
    assert back["mean"].tobytes() == metadata["mean"].tobytes()
    assert {**back, "mean": 0} == {**metadata, "mean": 0}
    assert nn.load(tmp_path / f"m{kind}").weight.shape == (1, 2)


def test_files_without_metadata_have_none(tmp_path):
    nn.save(nn.Tanh(), tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=X)
    assert nn.load_metadata(tmp_path / "a.npz") == nn.load_metadata(tmp_path / "b.npz") == {}


def test_arrays_of_metadata_are_no_part_of_the_state(tmp_path):
    model = nn.Linear(2, 1, rng=0, mask=[[1, 0]])
    nn.save(model, tmp_path / "m.npz", {"weight": X, "bias": [X]})
    other = nn.Linear(2, 1, rng=1, mask=[[1, 0]])
    same_state(nn.load(tmp_path / "m.npz", model=other).state_dict(), model.state_dict())
    with np.load(tmp_path / "m.npz") as file:
        assert [name for name in file.files if not name.startswith(("#", "metadata"))] == ["weight", "bias"]


# --- classes of the user's -------------------------------------------------------------------------------------------


def test_a_class_without_a_config_is_filled(tmp_path):
    model = Net()
    model.one.weight.data = model.one.weight.data * 2
    nn.save(model, tmp_path / "m.npz")
    with pytest.raises(
        nn.FileError, match=r"state of a Net, but not how one is built .*Net has no config|has no config"
    ):
        nn.load(tmp_path / "m.npz")
    other = Net()
    assert nn.load(tmp_path / "m.npz", model=other) is other
    same_state(model.state_dict(), other.state_dict())


def test_a_class_with_a_config_is_built_if_it_is_passed(tmp_path):
    model = nn.Sequential(Described(5), nn.Tanh())
    nn.save(model, tmp_path / "m.npz")
    with pytest.raises(nn.FileError, match=r"needs a class 'Described'.*classes=\[Described\]"):
        nn.load(tmp_path / "m.npz")
    back = nn.load(tmp_path / "m.npz", classes=[Described])
    assert type(back[0]) is Described
    same_state(model.state_dict(), back.state_dict())
    assert type(nn.load(tmp_path / "m.npz", classes=Described)[0]) is Described


def test_a_class_of_the_user_s_is_never_taken_for_one_of_nn_s(tmp_path):
    calls = []

    class Tanh(nn.Tanh):
        def __init__(self):
            calls.append(1)

    nn.save(nn.Sequential(nn.Tanh()), tmp_path / "ours.npz")
    nn.save(nn.Sequential(Tanh()), tmp_path / "theirs.npz")
    calls.clear()
    assert type(nn.load(tmp_path / "ours.npz", classes=[Tanh])[0]) is nn.Tanh
    assert not calls
    with pytest.raises(nn.FileError, match="needs a class 'Tanh'"):
        nn.load(tmp_path / "theirs.npz")
    assert type(nn.load(tmp_path / "theirs.npz", classes=[Tanh])[0]) is Tanh


def test_a_class_that_only_computes_something_else_is_built_within_the_same_bounds(tmp_path):
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    path, model = tmp_path / "m.npz", Doubled(4, 3, rng=0)
    nn.save(model, path)
    assert (nn.load(path, classes=[Doubled])(X).data == model(X).data).all()
    described(path, lambda m: m["modules"][0]["config"].update(n_in=10**6, n_out=10**6), model)
    with pytest.raises(nn.FileError, match="its Doubled has more elements"):
        nn.load(path, classes=[Doubled])


def test_two_classes_of_one_name_are_not_taken_for_each_other(tmp_path):
    def made(factor):
        class Scale(nn.Module):
            def config(self):
                return {}

            def forward(self, x):
                return factor * x

        return Scale()

    nn.save(nn.Sequential(made(2), made(3)), tmp_path / "m.npz")
    with pytest.raises(nn.FileError, match="two of its classes are called Scale"):
        nn.load(tmp_path / "m.npz", classes=[type(made(2))])


def test_a_class_may_have_a_long_name(tmp_path):
    cls = type("Net" * 30, (Described,), {})
    nn.save(cls(), tmp_path / "m.npz")
    assert type(nn.load(tmp_path / "m.npz", classes=[cls])) is cls


def test_an_error_in_a_class_of_the_user_s_is_shown_as_it_is(tmp_path):
    class Failing(Described):
        def config(self):
            return {"wide": 3}

    nn.save(Failing(), tmp_path / "m.npz")
    with pytest.raises(TypeError, match="unexpected keyword argument 'wide'") as caught:
        nn.load(tmp_path / "m.npz", classes=[Failing])
    assert "Failing.from_config was called" in caught.value.__notes__[0]


# --- files by others -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_by_others_fill_a_model(tmp_path, compressed):
    state = {name: np.asfortranarray(array) for name, array in nn.MLP([4, 3, 2], rng=5).state_dict().items()}
    (np.savez_compressed if compressed else np.savez)(tmp_path / "m.npz", **state)
    model = nn.load(tmp_path / "m.npz", model=nn.MLP([4, 3, 2], rng=0))
    same_state(model.state_dict(), {name: np.ascontiguousarray(array) for name, array in state.items()})
    with pytest.raises(nn.FileError, match=r"not what model they belong to.*model=model"):
        nn.load(tmp_path / "m.npz")


def test_a_compressed_state_may_be_as_large_as_the_model(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["nn.saving.models"], "INFLATED", 2**10)
    model = nn.Linear(100, 100, rng=0)
    np.savez_compressed(tmp_path / "m.npz", weight=np.zeros((100, 100)), bias=np.zeros(100))
    assert not nn.load(tmp_path / "m.npz", model=model).weight.data.any()
    np.savez_compressed(tmp_path / "m.npz", weight=np.zeros((1000, 1000)), bias=np.zeros(100))
    with pytest.raises(nn.FileError, match="compressed members would grow"):
        nn.load(tmp_path / "m.npz", model=model)


def test_values_are_cast_to_the_model_s_dtype(tmp_path):
    model = nn.MLP([4, 3, 2], rng=0)
    nn.save(model, tmp_path / "m.npz")
    other = nn.load(tmp_path / "m.npz", model=nn.MLP([4, 3, 2], dtype=np.float32))
    same_state(other.state_dict(), {name: a.astype(np.float32) for name, a in model.state_dict().items()})


# --- what does not fit -----------------------------------------------------------------------------------------------


def snapshot(model):
    return (
        model.state_dict(),
        [p.requires_grad for p in model.parameters()],
        [id(p) for p in model.parameters()],
        [m.training for _, m in model.named_modules()],
    )


def unchanged(before, model):
    same_state(before[0], snapshot(model)[0])
    return before[1:] == snapshot(model)[1:]


MISFITS = {
    "another shape": (lambda: nn.MLP([4, 3, 2]), r"0\.weight has shape|has shape \(3, 4\)"),
    "fewer layers": (lambda: nn.MLP([4, 2]), "unknown 2.bias"),
    "more layers": (lambda: nn.MLP([4, 5, 6, 2]), "missing 4.bias"),
    "another class": (lambda: Net(), "missing one.bias"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", MISFITS)
def test_a_model_that_does_not_fit_is_left_as_it_was(tmp_path, kind, what):
    make, message = MISFITS[what]
    model = make()
    path = tmp_path / f"m{kind}"
    nn.save(nn.MLP([4, 5, 2], rng=0), path)
    before = snapshot(model)
    with pytest.raises(nn.FileError, match=message) as caught:
        nn.load(path, model=model)
    assert f"The file {path} does not fit this model" in str(caught.value)
    assert unchanged(before, model)


def test_nan_and_other_values_of_others_are_values(tmp_path):
    np.savez(tmp_path / "m.npz", weight=np.full((1, 2), np.nan), bias=np.array([1]))
    model = nn.load(tmp_path / "m.npz", model=nn.Linear(2, 1))
    assert np.isnan(model.weight.data).all()
    assert model.bias.data.tolist() == [1.0]
    np.savez(tmp_path / "m.npz", weight=np.full((1, 2), 1j), bias=np.array([1.0]))
    with pytest.raises(nn.FileError, match="would be cut"):
        nn.load(tmp_path / "m.npz", model=model)


# --- hostile descriptions --------------------------------------------------------------------------------------------


def described(path, change, model=None, **arrays):
    """Write a file whose checksums are right, and whose description was changed on purpose."""
    nn.save(nn.MLP([4, 3, 2], "tanh", rng=0) if model is None else model, path)
    held, meta = archive.read(path)
    change(meta["model"])
    archive.write(path, {**held, **arrays}, meta)


def layer(name, own=True, **config):
    return {"class": name, "own": own, "config": config}


def chain(n, width):
    """Return a Sequential of a Sequential ..., each holding the one before several times."""
    first = layer("Sequential", layers=[])
    return [first] + [layer("Sequential", layers=[{"$special": i}] * width) for i in range(n)]


HUGE = {"bias": True, "mask": None, "dtype": "float64"}
DESCRIPTIONS = {
    "a class of Python's": (lambda m: m.update(modules=[layer("eval", expression="1")]), "needs a class 'eval'"),
    "a dotted class": (lambda m: m.update(modules=[layer("os.system", command="true")]), "needs a class 'os.system'"),
    "a class of nn's that is no layer": (lambda m: m.update(modules=[layer("Adam")]), "needs a class 'Adam'"),
    "the base class": (lambda m: m.update(modules=[layer("Module")]), "needs a class 'Module'"),
    "a function of nn's": (lambda m: m.update(modules=[layer("load", path="x")]), "needs a class 'load'"),
    "a class that is not passed": (lambda m: m.update(modules=[layer("Tanh", own=False)]), "needs a class 'Tanh'"),
    "arguments that a layer has not": (lambda m: m.update(modules=[layer("Tanh", x=1)]), "Tanh does not take"),
    "arguments that are missing": (lambda m: m.update(modules=[layer("Linear")]), "not those of a layer"),
    "arguments of another type": (
        lambda m: m.update(modules=[layer("Linear", n_in="4", n_out=3, bias=True)]),
        "not those of a layer",
    ),
    "text that is repeated": (
        lambda m: m.update(modules=[layer("Linear", n_in=10**9, n_out="ab", bias=True)]),
        "not those of a layer",
    ),
    "negative sizes": (lambda m: m.update(modules=[layer("Linear", n_in=-4, n_out=3, **HUGE)]), "not those of a layer"),
    "two negative sizes": (
        lambda m: m.update(modules=[layer("Linear", n_in=-4, n_out=-3, **HUGE)]),
        "Linear does not take: Linear: n_in is -4",
    ),
    "a huge layer": (
        lambda m: m.update(modules=[layer("Linear", n_in=10**6, n_out=10**6, **HUGE)]),
        "Linear has more elements than the file has numbers",
    ),
    "a huge embedding": (
        lambda m: m.update(modules=[layer("Embedding", num_embeddings=10**9, embedding_dim=10**3)]),
        "Embedding has more elements",
    ),
    "a huge normalization": (
        lambda m: m.update(modules=[layer("LayerNorm", normalized_shape=[10**5, 10**5], elementwise_affine=1, bias=1)]),
        "LayerNorm has more elements",
    ),
    "a huge MLP": (
        lambda m: m["modules"][0]["config"].update(sizes=[4, 10**9, 2]),
        "MLP has more elements",
    ),
    "many layers": (
        lambda m: m.update(modules=[layer("Linear", n_in=4, n_out=3, **HUGE) for _ in range(10)]),
        "Linear has more elements",
    ),
    "a dtype that is none": (
        lambda m: m["modules"][0]["config"].update(dtype="(1000000,1000000)f8"),
        "MLP does not take",
    ),
    "an initializer": (lambda m: m["modules"][0]["config"].update(initializer="eval"), "MLP does not take"),
    "itself": (lambda m: m.update(modules=[layer("Sequential", layers=[{"$special": 0}])]), "in a circle"),
    "what comes later": (
        lambda m: m.update(modules=[layer("Sequential", layers=[{"$special": 1}]), layer("Tanh")]),
        "in a circle",
    ),
    "a part by another index": (
        lambda m: m.update(modules=[layer("Sequential", layers=[{"$special": -1}])]),
        "a circle",
    ),
    "a part that is no number": (
        lambda m: m.update(modules=[layer("Sequential", layers=[{"$special": "0"}])]),
        "a circle",
    ),
    "layers that are none": (lambda m: m.update(modules=[layer("Sequential", layers=[3])]), "Sequential does not take"),
    "layers that multiply": (lambda m: m.update(modules=chain(30, 10)), "describes 111,111 modules"),
    "layers in layers in layers": (lambda m: m.update(modules=chain(100, 1)), "65 inside each other"),
    "an array that is not there": (
        lambda m: m["modules"][0]["config"].update(sizes={"$array": "none"}),
        "no array 'none'",
    ),
    "arguments that are a list": (lambda m: m["modules"][0].update(config=[]), "are not a dict"),
    "nothing of how it is built": (lambda m: m.pop("modules"), "but not how one is built"),
    "no modules": (lambda m: m.update(modules=[]), "not as it should be"),
    "modules that are no dicts": (lambda m: m.update(modules=[3]), "not as it should be"),
    "a class that is no text": (lambda m: m["modules"][0].update({"class": []}), "not as it should be"),
    "leaves that are none": (lambda m: m.update(leaves={}), "not as it should be"),
    "a leaf that is none": (lambda m: m.update(leaves=[3]), "not as it should be"),
    "a leaf without a name": (lambda m: m["leaves"][0].update(names=[]), "not as it should be"),
    "names that are none": (lambda m: m["leaves"][0].update(names=[[]]), "not as it should be"),
    "a label that is none": (lambda m: m["leaves"][0].update(label=3), "not as it should be"),
    "a flag that is none": (lambda m: m["leaves"][0].update(trained="no"), "not as it should be"),
    "modes that are none": (lambda m: m.update(training=[]), "not as it should be"),
    "no version": (lambda m: m.pop("version"), "has no version"),
    "a version of the future": (lambda m: m.update(version=2, package="9.0"), "autograd_mini 9.0 wrote it, in a newer"),
    "a name without an array": (lambda m: m["leaves"][0]["names"].append("w"), r"array \['w'\] is missing"),
    "an array that no layer has": (lambda m: m["leaves"][0]["names"].append("more"), "that has no more"),
    "a leaf that is left out": (lambda m: m["leaves"].pop(), "has more elements|missing 2.bias"),
    "a leaf that is left out, and others that make up for it": (
        lambda m: m["leaves"][3].update(names=["more"]),
        "that has no more",
    ),
    "an attribute that is no parameter": (
        lambda m: m["leaves"][0].update(names=["forward", "0.weight"]),
        r"array \['forward'\] is missing",
    ),
    "parameters tied across shapes": (
        lambda m: m.update(
            leaves=[{"names": [n for x in m["leaves"] for n in x["names"]], "trained": True, "label": "w"}]
        ),
        "does not fit this model|has shape",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", DESCRIPTIONS)
def test_a_description_that_was_changed_on_purpose_is_refused(tmp_path, kind, what):
    change, message = DESCRIPTIONS[what]
    path = tmp_path / f"m{kind}"
    described(path, change, more=np.ones(30))
    tracemalloc.start()
    try:
        with pytest.raises(nn.FileError, match=message) as caught:
            nn.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)


def test_what_shares_a_place_in_a_tuple_is_refused(tmp_path):
    model = Heads()
    path = tmp_path / "m.npz"

    def tie(content):
        leaves = {leaf["names"][0]: leaf for leaf in content["leaves"]}
        content["leaves"].remove(leaves["fixed.0"])
        leaves["many.0"]["names"].append("fixed.0")

    described(path, tie, model)
    with pytest.raises(nn.FileError, match="stands in a tuple"):
        nn.load(path, classes=[Heads])


def test_archives_of_other_things_are_refused(tmp_path):
    archive.write(tmp_path / "m.npz", {"weight": X}, {"training": {}})
    for load in (nn.load, nn.load_metadata, lambda path: nn.load(path, model=nn.Linear(2, 1))):
        with pytest.raises(nn.FileError, match="something else than a model"):
            load(tmp_path / "m.npz")


def test_metadata_that_are_no_dict_are_refused(tmp_path):
    nn.save(nn.Tanh(), tmp_path / "m.npz")
    for packed in ([], {"$array": "x"}, None):
        arrays, meta = archive.read(tmp_path / "m.npz")
        archive.write(tmp_path / "m.npz", arrays, {**meta, "metadata": packed})
        with pytest.raises(nn.FileError, match="cannot be loaded"):
            nn.load_metadata(tmp_path / "m.npz")


# --- damage ----------------------------------------------------------------------------------------------------------


def mutated(original, rng):
    """Return a file's bytes with one to three changes: bits flipped, a piece cut, doubled, moved or overwritten."""
    data = bytearray(original)
    for _ in range(rng.integers(1, 4)):
        at, size = int(rng.integers(len(data))), int(rng.integers(1, 40))
        piece = data[at : at + size]
        change = rng.integers(6)
        if change <= 1:
            data[at] ^= 1 << int(rng.integers(8))
        elif change == 2:
            del data[at:]
        elif change == 3:
            data[at:at] = piece
        elif change == 4:
            data[at : at + len(piece)] = rng.bytes(len(piece))
        else:
            to = int(rng.integers(len(data)))
            data[to : to + len(piece)] = piece
        data = data or bytearray(b"\0")
    return data


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_file_loads_exactly_or_is_refused_and_the_model_is_left(tmp_path, kind):
    model = nn.Sequential(nn.Linear(4, 3, rng=0, mask=MASK), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2, rng=1))
    model[3].weight.requires_grad = False
    path = tmp_path / f"m{kind}"
    nn.save(model, path, {"a": [1, 2.5]})
    original, state = path.read_bytes(), model.state_dict()
    other = nn.Sequential(nn.Linear(4, 3, rng=8, mask=MASK), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2, rng=9))
    start = other.state_dict()
    rng, whole = np.random.default_rng(3), 0
    for turn in range(300):
        data = mutated(original, rng)
        path.write_bytes(data)
        try:
            back = nn.load(path)
        except nn.FileError as error:
            assert str(path) in str(error)
            with pytest.raises(nn.FileError):
                nn.load(path, model=other)
            same_state(other.state_dict(), start)
            continue
        whole += 1
        same_state(back.state_dict(), state)
        assert repr(back) == repr(model), turn
        assert [p.requires_grad for p in back.parameters()] == [p.requires_grad for p in model.parameters()]
        assert nn.load_metadata(path) == {"a": [1, 2.5]}
    assert whole < 60


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory as on Linux")
def test_hostile_files_load_within_64_mb_more_than_the_process_had(tmp_path):
    """By the system's own limit: the errors come although no more memory is to be had."""
    np.savez_compressed(tmp_path / "bomb.npz", weight=np.zeros((2**12, 2**12)), bias=np.zeros(2**12))
    described(tmp_path / "huge.npz", lambda m: m["modules"][0]["config"].update(sizes=[4, 10**9, 2]))
    described(tmp_path / "many.npz", lambda m: m.update(modules=chain(30, 10)))
    program = """
        import os, resource, sys, nn
        pages = int(open("/proc/self/statm").read().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + 2**26
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for name in ("bomb", "huge", "many"):
            for options in ({}, {"model": nn.Linear(4, 3)}):
                try:
                    nn.load(os.path.join(sys.argv[1], name + ".npz"), **options)
                except nn.FileError as error:
                    print(name, type(error).__name__)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)]
    root = os.path.dirname(os.path.dirname(nn.__file__))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root}, check=False)
    assert done.stdout.split() == ["bomb", "FileError"] * 2 + ["huge", "FileError"] * 2 + ["many", "FileError"] * 2, (
        done.stderr
    )
