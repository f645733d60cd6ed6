"""Travelling: pickles, copies and deep copies of Tensors, Parameters and Modules, within a process and to another."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import errors

TRAVELS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle, protocol {n}": lambda t, n=n: pickle.loads(pickle.dumps(t, n))
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}
DEEP = {name: travel for name, travel in TRAVELS.items() if name != "copy"}
travelling = pytest.mark.parametrize("travel", TRAVELS.values(), ids=TRAVELS)
travelling_deep = pytest.mark.parametrize("travel", DEEP.values(), ids=DEEP)


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def read_only(a):
    a.flags.writeable = False
    return a


class Tagged(nn.Parameter):
    """A subclass with attributes."""

    def __init__(self, data, tag):
        super().__init__(data)
        self.tag = tag


class Slotted(ag.Tensor):
    """A subclass with slots, one of which may stay empty."""

    __slots__ = ("also", "unit")


class Described(Slotted):
    """A subclass of that, with attributes besides."""


class Private(Slotted):
    """A subclass with a slot whose name Python mangles, and no other."""

    __slots__ = ("__own",)

    @property
    def own(self):
        return self.__own

    @own.setter
    def own(self, value):
        self.__own = value


# --- one Tensor --------------------------------------------------------------------------------------------------

ARRAYS = {
    "float64": np.arange(3.0),
    "float32": np.arange(3, dtype=np.float32),
    "float16": np.arange(3, dtype=np.float16),
    "complex": np.arange(3) * (1 + 2j),
    "complex64": np.arange(3).astype(np.complex64),
    "0-d": np.array(2.0),
    "empty": np.zeros((0, 3)),
    "not contiguous": np.arange(12.0).reshape(3, 4)[::2, ::-1],
    "Fortran order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "read-only": read_only(np.arange(3.0)),
    "broadcast": np.broadcast_to(np.arange(3.0), (2, 3)),
    "nan and inf": np.array([np.nan, np.inf, -0.0]),
}


@travelling
@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize("name", ARRAYS)
def test_a_leaf_arrives_with_all_it_has_and_shares_nothing(travel, name, requires_grad):
    a = ARRAYS[name]
    t = ag.Tensor(a, requires_grad=requires_grad, name="t")
    t.grad = np.ones_like(a)
    u = travel(t)
    assert (type(u), u.shape, u.dtype, u.name, u.requires_grad) == (ag.Tensor, a.shape, a.dtype, "t", requires_grad)
    np.testing.assert_array_equal(u.data, a)
    np.testing.assert_array_equal(u.grad, t.grad)
    assert not np.shares_memory(u.data, a) and not np.shares_memory(u.grad, t.grad)
    assert u.node is not t.node
    if u.data.flags.writeable or a.flags.writeable:  # protocol 5 hands on that an array is read-only
        u.data = np.zeros_like(a)
    np.testing.assert_array_equal(t.data, ARRAYS[name])


@travelling
def test_integers_and_truth_values_travel(travel):
    for a in (np.arange(3), np.array([True, False]), np.uint8([255])):
        u = travel(ag.Tensor(a))
        assert u.dtype == a.dtype and not u.requires_grad
        np.testing.assert_array_equal(u.data, a)


@travelling
def test_what_arrives_is_a_leaf_that_trains(travel):
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    v = travel(w)
    v.data = [5.0, 6.0]
    y.backward()  # the original's graph does not notice
    (v * v).sum().backward()
    np.testing.assert_array_equal(w.grad, [2, 4])
    np.testing.assert_array_equal(v.grad, [10, 12])


@travelling
def test_a_subclass_arrives_with_its_attributes(travel):
    p = Tagged([1.0, 2.0], tag={"layer": [1]})
    p.name = "p"
    q = travel(p)
    assert (type(q), q.tag, q.name, q.requires_grad) == (Tagged, {"layer": [1]}, "p", True)
    assert (q.tag is p.tag) is (travel is copy.copy)
    d = Described([3.0], requires_grad=True)
    d.unit, d.note = "m", "length"
    e = travel(d)
    assert (type(e), e.unit, e.note, e.tolist(), hasattr(e, "also")) == (Described, "m", "length", [3.0], False)


@travelling_deep
def test_a_tensor_that_leads_back_to_itself_arrives(travel):
    p = Tagged([1.0], tag=None)
    p.tag = {"self": p}
    q = travel(p)
    assert q.tag["self"] is q and q is not p


@travelling
def test_a_detached_view_arrives_apart_from_what_it_showed(travel):
    """On one memory without knowing of each other, a write to one would go unnoticed by the graphs of the other."""
    w = leaf([1.0, 2.0])
    d = w.detach()
    twin = w.detach()
    twin.requires_grad = True
    u, v, x = travel([w, d, twin]) if travel is not copy.copy else map(travel, [w, d, twin])
    y = (u * v * x).sum()
    v_before, x_before = v.tolist(), x.tolist()
    with ag.no_grad():
        assert not np.shares_memory(u.data, v.data) and not np.shares_memory(u.data, x.data)
    y.backward()
    u.data = [7.0, 8.0]
    assert (v.tolist(), x.tolist()) == (v_before, x_before)


@travelling
def test_a_recorded_gradient_arrives_as_numbers(travel):
    w = leaf([1.0, 2.0])
    (w**3).sum().backward(create_graph=True)
    assert isinstance(w.grad, ag.Tensor)
    v = travel(w)
    assert type(v.grad) is np.ndarray
    np.testing.assert_array_equal(v.grad, [3, 12])


@travelling
def test_hooks_do_not_travel(travel):
    """As `register_hook` says: a function of one process is not another's."""
    w = leaf([1.0, 2.0])
    w.register_hook(lambda g: 0 * g)
    v = travel(w)
    (v * v).sum().backward()
    np.testing.assert_array_equal(v.grad, [2, 4])
    assert "pickle" in ag.Tensor.register_hook.__doc__


@travelling
def test_results_are_refused_with_the_fix(travel):
    w = leaf([1.0, 2.0])
    for result in (w * 2, w[:1], w.T, np.linalg.slogdet(np.eye(2) * w).logabsdet):
        with pytest.raises(errors.LostGradientError, match=r"leaves.*\.detach\(\)"):
            travel(result)
        arrived = travel(result.detach())
        np.testing.assert_array_equal(arrived.data, result.data)


@travelling
def test_constants_travel_whatever_they_were_computed_from(travel):
    w = leaf([1.0, 2.0])
    with ag.no_grad():
        inside = w * 2
    for t in (inside, w > 1, w.detach().T, ag.Tensor([1.0, 2.0])[:1], ag.Tensor(3.0) * 2):
        u = travel(t)
        assert not u.requires_grad
        np.testing.assert_array_equal(u.data, t.data)


def test_a_pickle_with_buffers_out_of_band():
    t = leaf(np.arange(1000.0), name="t")
    buffers = []
    data = pickle.dumps(t, 5, buffer_callback=buffers.append)
    assert len(data) < 1000
    u = pickle.loads(data, buffers=[bytes(b.raw()) for b in buffers])  # then read-only
    np.testing.assert_array_equal(u.data, t.data)
    with pytest.raises(errors.LostGradientError, match=r"read-only.*copy"):
        u.data = np.zeros(1000)


def test_a_pickle_does_not_carry_what_the_tensor_is_a_view_of():
    big = np.zeros(100_000)
    assert len(pickle.dumps(ag.Tensor(big[:3], requires_grad=True))) < 1000


# --- Modules -----------------------------------------------------------------------------------------------------


class Tied(nn.Module):
    """Two layers with one weight, a masked one, a frozen one, a list of Parameters, and something that is no part."""

    def __init__(self):
        self.encoder = nn.Linear(3, 3, rng=0)
        self.decoder = nn.Linear(3, 3, rng=1)
        self.decoder.weight = self.encoder.weight
        self.masked = nn.Linear(3, 3, mask=np.tri(3), rng=2)
        self.frozen = nn.Linear(3, 3, rng=3)
        self.frozen.weight.requires_grad = False
        self.scales = [nn.Parameter(np.float32([1, 2, 3])), Tagged([1.0, 1.0, 1.0], tag="last")]
        self.same = {"again": self.scales[0]}
        self.history = []

    def forward(self, x):
        x = self.frozen(self.masked(self.decoder(np.tanh(self.encoder(x)))))
        return x * self.scales[0] * self.scales[1]


X = np.random.default_rng(0).normal(size=(4, 3))


def trained(model, steps=1):
    opt = nn.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    for _ in range(steps):
        opt.zero_grad()
        np.mean(model(X) ** 2).backward()
        opt.step()
    return model


@travelling_deep
def test_a_model_arrives_as_it_was_and_trains_on_its_own(travel):
    model = trained(Tied())
    before = model.state_dict()
    other = travel(model)
    assert other.encoder.weight is other.decoder.weight
    assert other.same["again"] is other.scales[0] and other.scales[1].tag == "last"
    assert [n for n, _ in other.named_parameters()] == [n for n, _ in model.named_parameters()]
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert (type(p), p.dtype, p.requires_grad, p.name) == (type(q), q.dtype, q.requires_grad, q.name)
        np.testing.assert_array_equal(p.data, q.data)
        np.testing.assert_array_equal(p.grad, q.grad) if p.grad is not None else None
        assert not np.shares_memory(p.data, q.data)
    np.testing.assert_array_equal(other(X).data, model(X).data)
    trained(other, 2)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    trained(model, 2)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, other.state_dict()[name])
    assert not np.any(np.triu(other.masked.weight.data, 1))


@travelling_deep
def test_a_model_and_its_optimizer_arrive_together(travel):
    model = nn.MLP([3, 4, 2], rng=0)
    opt = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step(model, opt):
        opt.zero_grad()
        np.mean(model(X) ** 2).backward(retain_graph=False)
        opt.step()

    step(model, opt)
    other, other_opt = travel((model, opt))
    assert all(p is q for p, q in zip(other.parameters(), other_opt.parameters, strict=True))
    step(model, opt)
    step(other, other_opt)  # with its velocity
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


@travelling_deep
def test_graphs_that_hang_on_a_model_stay_behind(travel):
    """The graph has edges to the Parameters, they have none to it."""
    model = trained(Tied())
    loss = np.mean(model(X) ** 2)
    other = travel(model)
    assert other.scales[0].node.parents == ()
    loss.backward()
    assert model.scales[0].grad is not None


@travelling_deep
def test_a_result_that_a_model_has_kept_is_refused_with_the_fix(travel):
    model = trained(Tied())
    model.history.append(np.mean(model(X) ** 2))
    with pytest.raises(errors.LostGradientError, match=r"\.detach\(\)"):
        travel(model)
    model.history[0] = model.history[0].detach()
    assert travel(model).history[0].item() == model.history[0].item()


def test_a_shallow_copy_of_a_model_has_the_same_parameters():
    model = nn.MLP([3, 4, 2], rng=0)
    assert all(p is q for p, q in zip(model.parameters(), copy.copy(model).parameters(), strict=True))


def test_the_variable_of_a_transform_is_refused():
    def f(x):
        for travel in TRAVELS.values():
            with pytest.raises(errors.LostGradientError, match=r"t\.copy\(\)"):
                travel(x)
        return x * 2

    assert ag.grad(f)(1.0) == 2


# --- to another process ------------------------------------------------------------------------------------------


def test_models_go_to_another_process_and_come_back():
    model = trained(nn.MLP([3, 4, 2], rng=0))
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # which has loaded nothing yet
        arrived = pool.apply(copy.deepcopy, (model,))
        gradient = pool.apply(ag.gradients, (ag.Tensor(2.0), leaf(3.0)))
    assert gradient == 0
    for p, q in zip(model.parameters(), arrived.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        np.testing.assert_array_equal(p.grad, q.grad)


@travelling
def test_a_private_slot_of_a_subclass_arrives(travel):
    x = Private(np.ones(2), requires_grad=True)
    x.own, x.unit = {"of": ["mine"]}, "m"
    y = travel(x)
    assert type(y) is Private and y.own == x.own and y.unit == "m"
