"""Modules: parameters and parts found, named, copied, loaded; modes; what a forward pass shows to observers."""

import copy
import pickle

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.module import observe


class Net(nn.Module):
    """Parameters and parts in every place where they may stand."""

    def __init__(self, dtype=float):
        self.first = nn.Linear(2, 3, rng=0, dtype=dtype)
        self.scale = nn.Parameter(np.ones(3, dtype))
        self.blocks = [nn.Linear(3, 3, rng=1, dtype=dtype), (nn.Tanh(), nn.Linear(3, 3, rng=2, dtype=dtype))]
        self.heads = {"left": nn.Linear(3, 1, rng=3, bias=False, dtype=dtype)}
        self.extra = [nn.Parameter(np.full(1, 0.5, dtype))]
        self.notes = ["not a parameter", 1.5, None]

    def forward(self, x):
        h = np.tanh(self.first(x)) * self.scale
        tanh, last = self.blocks[1]
        return self.heads["left"](last(tanh(self.blocks[0](h)))) + self.extra[0]


NAMES = [
    "scale", "extra.0",
    "first.weight", "first.bias",
    "blocks.0.weight", "blocks.0.bias",
    "blocks.1.1.weight", "blocks.1.1.bias",
    "heads.left.weight",
]  # fmt: skip
X = np.random.default_rng(0).normal(size=(5, 2))
Y = np.random.default_rng(1).normal(size=(5, 1))


def train(model, steps=3):
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.squared_error(model(X), Y).backward()
        optimizer.step()


# ------------------------------------------------------------------------------------------------ parameters


def test_parameter_copies_its_data_and_requires_grad():
    a = np.zeros(2)
    p = nn.Parameter(a, name="w")
    p.data += 1
    assert a.tolist() == [0, 0] and p.data.tolist() == [1, 1]
    assert p.requires_grad and p.name == "w" and p.grad is None
    assert nn.Parameter(np.float32(1)).dtype == np.float32


@pytest.mark.parametrize("data", [1, [1, 2], "text", None])
def test_parameter_of_anything_but_floats_is_an_error(data):
    with pytest.raises(ag.errors.DTypeError):
        nn.Parameter(data)


def test_parameters_are_found_in_order_each_once_wherever_they_stand():
    model = Net()
    assert [name for name, _ in model.named_parameters()] == NAMES
    parameters = model.parameters()
    assert len({id(p) for p in parameters}) == len(parameters) == len(NAMES)
    assert [p is q for p, (_, q) in zip(parameters, model.named_parameters(), strict=True)] == [True] * len(NAMES)


def test_a_parameter_is_called_after_its_attribute_unless_it_has_a_name():
    model = Net()
    assert (model.scale.name, model.extra[0].name, model.first.weight.name) == ("scale", "extra.0", "weight")
    model.other = nn.Parameter(1.0, name="mine")
    model.again = model.other
    assert model.other.name == "mine"


def test_a_shared_part_counts_once():
    model = nn.Module()
    model.a = nn.Linear(2, 2)
    model.b = model.a
    model.tied = model.a.weight
    assert [name for name, _ in model.named_parameters()] == ["tied", "a.bias"]
    assert [name for name, _ in model.named_modules()] == ["", "a"]


def test_a_part_that_knows_its_owner_is_no_endless_loop():
    owner, part = nn.Module(), nn.Linear(1, 1)
    owner.part, part.owner = part, owner
    assert [name for name, _ in owner.named_parameters()] == ["part.weight", "part.bias"]
    owner.eval()
    assert not part.training


def test_parts_appear_and_vanish_with_their_attributes():
    model = Net()
    model.scale = None
    del model.first
    model.blocks.pop()
    assert [name for name, _ in model.named_parameters()] == [
        "extra.0", "blocks.0.weight", "blocks.0.bias", "heads.left.weight"
    ]  # fmt: skip


def test_every_parameter_gets_a_gradient_and_zero_grad_forgets_it():
    model = Net()
    nn.squared_error(model(X), Y).backward()
    for name, p in model.named_parameters():
        assert np.any(p.grad), name
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


# ---------------------------------------------------------------------------------------------------- states


def test_state_dict_is_a_copy_and_comes_back():
    model, other = Net(), Net()
    state = model.state_dict()
    assert list(state) == NAMES
    before = model(X).numpy()
    train(model)
    assert not np.allclose(model(X).numpy(), before)
    assert (state["scale"] == 1).all()
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other(X).numpy(), model(X).numpy())
    arrays = [p.data for p in model.parameters()]
    model.load_state_dict(state)
    np.testing.assert_array_equal(model(X).numpy(), before)
    assert all(p.data is array for p, array in zip(model.parameters(), arrays, strict=True))  # in place


def test_load_state_dict_takes_lists_and_tensors_and_casts_floats():
    model = nn.Linear(2, 1, dtype=np.float32)
    model.load_state_dict({"weight": [[1, 2]], "bias": ag.Tensor([0.5])})
    assert model.weight.data.tolist() == [[1, 2]] and model.bias.data.tolist() == [0.5]
    assert model.weight.dtype == model.bias.dtype == np.float32


def test_the_parameters_of_another_model_are_a_state():
    first, second = nn.MLP([2, 3, 1], rng=0), nn.MLP([2, 3, 1], rng=1)
    second.load_state_dict(dict(first.named_parameters()))
    np.testing.assert_array_equal(first(np.ones((1, 2))).numpy(), second(np.ones((1, 2))).numpy())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("scale"), KeyError, "missing scale, unknown none"),
        (lambda s: s.update(more=1.0), KeyError, "missing none, unknown more"),
        (lambda s: s.update({NAMES[-1]: np.ones((3, 1))}), ag.errors.ShapeError, r"shape \(1, 3\).*\(3, 1\)"),
        (lambda s: s.update({NAMES[-1]: np.ones(3)}), ag.errors.ShapeError, r"heads.left.weight .*\(3,\) in the state"),
        (lambda s: s.update({NAMES[-1]: np.ones((1, 3), complex)}), ag.errors.DTypeError, "heads.left.weight.*complex"),
        (lambda s: s.update({NAMES[-1]: np.array([["a", "b", "c"]])}), ag.errors.DTypeError, "heads.left.weight"),
        (lambda s: s.update({NAMES[-1]: [[1.0, None, 2.0]]}), ag.errors.DTypeError, "heads.left.weight.*object"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    model = Net()
    before, state = model.state_dict(), {name: value + 1 for name, value in model.state_dict().items()}
    change(state)
    with pytest.raises(error, match=message):
        model.load_state_dict(state)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_load_state_dict_is_noticed_by_a_graph_that_needs_the_old_weights():
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 1, rng=1))
    loss = nn.squared_error(model(X), Y)
    model.load_state_dict(model.state_dict())
    with pytest.raises(ag.errors.OverwrittenError, match=r"np\.matmul"):
        loss.backward()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_copy_gives_equal_outputs_and_trains_on_its_own(copied, dtype):
    model = Net(dtype)
    model.heads["left"].eval()
    twin = copied(model)
    np.testing.assert_array_equal(twin(X).numpy(), model(X).numpy())
    assert [(n, p.name, p.dtype) for n, p in twin.named_parameters()] == [
        (n, p.name, p.dtype) for n, p in model.named_parameters()
    ]
    assert all(type(p) is nn.Parameter and p.requires_grad for p in twin.parameters())
    assert [m.training for _, m in twin.named_modules()] == [m.training for _, m in model.named_modules()]
    before = model.state_dict()
    train(twin)
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(p.data, before[name])
        assert p.grad is None
    assert not np.allclose(twin(X).numpy(), model(X).numpy())
    train(model)
    np.testing.assert_array_equal(twin(X).numpy(), model(X).numpy())  # the same steps from the same start


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_what_is_shared_stays_shared_in_a_copy(copied):
    layer = nn.Linear(2, 2, rng=0)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    twin = copied(model)
    assert twin[0] is twin[2] and twin[0] is not layer
    assert len(twin.parameters()) == 2


def test_a_mask_travels_with_a_copy():
    layer = nn.Linear(2, 2, mask=[[1, 0], [1, 1]], rng=0)
    twin = copy.deepcopy(layer)
    twin.weight.data = np.ones((2, 2))
    assert twin([1.0, 1.0]).numpy().tolist() == [1, 2]


# ------------------------------------------------------------------------------------------- modes and calls


def test_train_and_eval_reach_every_part():
    model = Net()
    modules = [module for _, module in model.named_modules()]
    assert len(modules) == 6 and all(module.training for module in modules)
    assert model.eval() is model
    assert not any(module.training for module in modules)
    model.blocks[1][0].train()
    assert [module.training for module in modules].count(True) == 1
    assert model.train() is model and all(module.training for module in modules)


def test_a_module_without_forward_says_so():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty has no forward\(\)"):
        Empty()(1.0)


def test_scopes_are_the_attributes_under_which_modules_are_held():
    class Scopes(nn.Module):
        def __init__(self):
            self.encoder = nn.MLP([2, 2, 2], rng=0)
            self.heads = [nn.Linear(2, 1, rng=1)]

        def forward(self, x):
            self.seen = [self.encoder(x), self.heads[0](self.encoder(x)), np.exp(self.encoder(x))]
            return self.seen[1]

    model = Scopes()
    model(X)
    assert [y.node.scope for y in model.seen] == [("encoder", "layer2"), ("heads.0",), ()]
    outer = nn.Module()
    outer.inner = model
    outer.inner(X)
    assert model.seen[0].node.scope == ("inner", "encoder", "layer2")


def test_a_scope_is_left_when_forward_raises():
    model = nn.Module()
    model.part = nn.Linear(2, 1)
    with pytest.raises(ag.errors.ShapeError):
        model.part(np.ones(3))
    assert (ag.Tensor(1.0, requires_grad=True) * 2).node.scope == ()


def test_observers_see_every_output_inner_modules_first():
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh())
    seen = []
    with observe(lambda module, output: seen.append((module, output.shape))):
        model(X)
    model(X)
    assert seen == [(model[0], (5, 3)), (model[1], (5, 3)), (model, (5, 3))]


def test_repr_shows_the_parts():
    assert repr(nn.Module()) == "Module()"
    model = Net()
    assert repr(model).splitlines() == [
        "Net(",
        "  (first): Linear(2 -> 3)",
        "  (blocks.0): Linear(3 -> 3)",
        "  (blocks.1.0): Tanh()",
        "  (blocks.1.1): Linear(3 -> 3)",
        "  (heads.left): Linear(3 -> 1, bias=False)",
        ")",
    ]
    model.inner = nn.Sequential(nn.Tanh())
    assert repr(model).splitlines()[-4:] == ["  (inner): Sequential(", "    (0): Tanh()", "  )", ")"]


@pytest.mark.parametrize("yes", [True, 1, np.True_, np.int64(1)])
def test_a_mode_may_be_spelled_as_a_number(yes):
    model = Net()
    assert model.train(yes - yes if not isinstance(yes, (bool, np.bool_)) else not yes).training is False
    assert model.train(yes).training is True
    assert nn.Linear(3, 2, bias=yes).bias is not None


# ----------------------------------------------------------------------------------- buffers, sharing, freezing


class Running(nn.Module):
    """Keeps a running mean, and shares its layer."""

    def __init__(self):
        self.mean = nn.Buffer(np.zeros(2))
        self.calls = nn.Buffer(0)
        self.first = nn.Linear(2, 2, rng=0)
        self.again = self.first
        self.tied = nn.Linear(2, 2, rng=1)
        self.tied.weight = self.first.weight
        self.rng = np.random.default_rng(3)

    def forward(self, x):
        if self.training:
            self.mean.assign(0.5 * self.mean.value + 0.5 * np.mean(x, axis=0))
            self.calls.assign(self.calls.value + 1)
        return self.again(self.tied(self.first(x - self.mean.value)))


def test_buffers_are_state_but_no_parameters():
    model = Running()
    assert [name for name, _ in model.named_parameters()] == ["first.weight", "first.bias", "tied.bias"]
    assert [name for name, _ in model.named_buffers()] == ["mean", "calls"]
    model(np.array([[1.0, 2.0]]))
    assert model.mean.data.tolist() == [0.5, 1] and model.calls.data == 1 and model.calls.dtype.kind == "i"
    assert model.mean.name == "mean" and not model.mean.requires_grad


def test_no_gradient_passes_through_a_buffer_and_a_value_assigned_is_read_in_the_same_pass():
    model = Running()
    x = ag.Tensor([[1.0, 2.0]], requires_grad=True)
    model(x).sum().backward()
    M = (model.first.weight.data @ model.first.weight.data @ model.first.weight.data).sum(axis=0)
    np.testing.assert_allclose(x.grad, M[None], rtol=1e-12)
    assert model.mean.data.tolist() == [0.5, 1] and model.mean.grad is None


def test_a_state_names_what_is_shared_under_each_name_and_takes_either():
    model, other = Running(), Running()
    model.first.weight.data = [[1.0, 2.0], [3.0, 4.0]]
    state = model.state_dict()
    assert list(state) == [
        "mean", "calls", "first.weight", "first.bias", "again.weight", "again.bias", "tied.weight", "tied.bias",
    ]  # fmt: skip
    for name in ("first.weight", "again.weight", "tied.weight"):
        part = {key: value for key, value in state.items() if "weight" not in key} | {name: state[name]}
        other.load_state_dict(part)
        assert other.tied.weight.data.tolist() == [[1, 2], [3, 4]]
        other.load_state_dict(Running().state_dict())


def test_different_values_for_what_is_shared_are_refused():
    model = Running()
    state = model.state_dict()
    before, state["tied.weight"] = model.first.weight.data.copy(), state["tied.weight"] + 1
    with pytest.raises(ValueError, match=r"first\.weight and tied\.weight are one in this model, and differ"):
        model.load_state_dict(state)
    np.testing.assert_array_equal(model.first.weight.data, before)


def test_a_state_that_fits_in_part_is_taken_if_that_is_said():
    model = nn.MLP([2, 3, 1], rng=0)
    kept = model[2].weight.data.copy()
    missing, unknown = model.load_state_dict({"0.weight": np.ones((3, 2)), "extra": np.ones(2)}, strict=False)
    assert (missing, unknown) == (["0.bias", "2.bias", "2.weight"], ["extra"])
    assert model[0].weight.data.tolist() == np.ones((3, 2)).tolist()
    np.testing.assert_array_equal(model[2].weight.data, kept)
    with pytest.raises(ag.errors.ShapeError, match=r"0\.weight has shape \(3, 2\)"):
        model.load_state_dict({"0.weight": np.ones((2, 3))}, strict=False)


def test_integers_stay_integers_and_are_not_cut():
    model = Running()
    model.load_state_dict(model.state_dict() | {"calls": np.array(7, np.int32)})
    assert model.calls.data == 7 and model.calls.dtype == np.array(0).dtype
    with pytest.raises(ag.errors.DTypeError, match="calls is int64 in this model and float64 in the state"):
        model.load_state_dict(model.state_dict() | {"calls": np.array(7.5)})
    with pytest.raises(ag.errors.DTypeError, match="calls is int64, and the value is float64"):
        model.calls.assign(0.5)
    with pytest.raises(ag.errors.ShapeError, match=r"mean has shape \(2,\), and the value has \(3,\)"):
        model.mean.assign(np.ones(3))


def test_frozen_parameters_have_no_gradient_and_stay():
    model = nn.MLP([2, 3, 1], rng=0)
    assert model[0].freeze() is model[0]
    before = model[0].weight.data.copy()
    history = nn.fit(
        model, (np.eye(2), np.ones((2, 1))), loss=nn.squared_error, optimizer=nn.SGD(model.parameters(), 0.1), epochs=3
    )
    np.testing.assert_array_equal(model[0].weight.data, before)
    assert model[0].weight.grad is None and history.gradient_norms["0.weight"] == [0, 0, 0]
    model.unfreeze()
    nn.squared_error(model(np.eye(2)), np.ones((2, 1))).backward()
    assert model[0].weight.grad is not None


def test_generators_are_found_once():
    model = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=1), Running())
    assert [name for name, _ in model.named_generators()] == ["0.rng", "1.rng", "2.rng"]
    shared = np.random.default_rng(0)
    model = nn.Sequential(nn.Dropout(0.5, rng=shared), nn.Dropout(0.5, rng=shared))
    assert [name for name, _ in model.named_generators()] == ["0.rng"]


def test_a_module_that_holds_itself_has_a_state():
    model = Running()
    model.first.above = model
    assert len(model.state_dict()) == 8


def test_a_buffer_cannot_be_written_by_a_program_that_is_no_training_step():
    with pytest.raises(ag.errors.TraceError, match=r"mean gets a new value .*Write model.eval\(\) first"):
        ag.compile(Running())(np.ones((1, 2)))


def test_a_module_without_config_says_so():
    with pytest.raises(TypeError, match=r"Running cannot be described: it has no config\(\)"):
        Running().config()
