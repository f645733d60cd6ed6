"""Schedules: their formulas, PyTorch's figures, several groups, resuming, and the steps that they lead to."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import nn

from . import optim_cases as cases

FIGURES = json.loads((Path(__file__).parents[1] / "data" / "nn_optim.json").read_text("utf-8"))["schedules"]
each = pytest.mark.parametrize("name", cases.SCHEDULES)


def sgd(lr=1.0, **options):
    return nn.SGD([nn.Parameter([1.0])], lr=lr, **options)


def taken(schedule, n, losses=None):
    """Return the first n learning rates, step by step."""
    rates = []
    for t in range(n):
        rates.append(schedule.optimizer.lr)
        schedule.step() if losses is None else schedule.step(losses[t])
    return rates


def test_there_is_a_figure_for_each_case():
    assert FIGURES.keys() == cases.SCHEDULES.keys()


@each
def test_learning_rates_and_momenta_of_both_groups_are_pytorch_s(name):
    """Its 2.13's, at each step of two groups: see test_optim_figures.py."""
    expected = np.array(FIGURES[name])
    np.testing.assert_allclose(cases.rates(name), expected, rtol=1e-12, atol=1e-15 * np.max(expected))


@each
def test_a_preview_is_what_comes_and_changes_nothing(name):
    build, count = cases.SCHEDULES[name]
    optimizer = cases.two_groups()
    schedule = build(optimizer)
    before = schedule.state_dict(), optimizer.state_dict()
    if "Plateau" in name:
        with pytest.raises(ValueError, match="depend on the losses"):
            schedule.preview(count)
    else:
        np.testing.assert_array_equal(schedule.preview(count), cases.rates(name)[:, ::2])
    assert (schedule.state_dict(), optimizer.state_dict()) == before


def test_a_preview_of_one_group_is_a_vector_and_may_be_empty():
    schedule = nn.StepLR(sgd(), 2)
    assert schedule.preview(3).shape == (3,) and schedule.preview(0).shape == (0,)
    assert nn.StepLR(cases.two_groups(), 2).preview(0).shape == (0, 2)
    schedule.step()
    np.testing.assert_allclose(schedule.preview(3), [1, 1, 0.1])  # from the beginning, wherever it is


@each
def test_a_run_goes_on_from_its_state(name):
    build, count = cases.SCHEDULES[name]
    optimizers = [cases.two_groups(), cases.two_groups(lr=0.7)]
    first, later = map(build, optimizers)
    for t in range(min(count // 2, 11)):
        first.step(cases.LOSSES[t])
    state = json.loads(json.dumps(first.state_dict()))  # it is text, numbers, lists
    later.load_state_dict(state)
    for t in range(first.t, count):
        if t > state["t"]:
            for schedule in (first, later):
                schedule.step(cases.LOSSES[t - 1])
        (a, b), (c, d) = (optimizer.groups for optimizer in optimizers)
        assert (a.lr, a.momentum, b.lr, b.momentum) == (c.lr, c.momentum, d.lr, d.momentum)


def test_a_state_brings_the_learning_rate_of_then_and_that_of_which_it_is_a_part():
    optimizer, other = sgd(0.5), sgd(0.1)
    schedule, later = nn.ExponentialLR(optimizer, 0.5), nn.ExponentialLR(other, 0.5)
    schedule.step()
    later.load_state_dict(schedule.state_dict())
    assert other.lr == 0.25 and later.base == [0.5]


def test_a_state_in_the_warm_up_brings_back_what_follows():
    states, values = [], []
    for stop in (3, 7):
        optimizer = sgd(0.4)
        schedule = nn.LinearWarmup(optimizer, 5, nn.CosineAnnealingLR(optimizer, 5))
        for _ in range(stop):
            schedule.step()
        states.append(schedule.state_dict())
        other = sgd(3.0)
        later = nn.LinearWarmup(other, 5, nn.CosineAnnealingLR(other, 5))
        later.load_state_dict(states[-1])
        values.append([*taken(later, 10 - stop), other.lr])
    assert values[0][-4:] == values[1][-4:] and values[0][-1] == 0


@pytest.mark.parametrize(
    "other",
    [
        lambda: nn.ExponentialLR(sgd(), 0.1).state_dict(),
        lambda: nn.StepLR(cases.two_groups(), 3).state_dict(),
        lambda: sgd().state_dict(),
        lambda: None,
        lambda: {},
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(other):
    schedule = nn.StepLR(sgd(), 3)
    schedule.step()
    before = schedule.state_dict()
    with pytest.raises(ValueError, match=r"StepLR\.load_state_dict"):
        schedule.load_state_dict(other())
    assert schedule.state_dict() == before


def test_a_warm_up_with_and_without_what_follows_do_not_fit_each_other():
    optimizer = sgd()
    alone, both = nn.LinearWarmup(optimizer, 3), nn.LinearWarmup(optimizer, 3, nn.StepLR(optimizer, 2))
    for a, b in ((alone, both), (both, alone)):
        with pytest.raises(ValueError, match=r"LinearWarmup\.load_state_dict"):
            a.load_state_dict(b.state_dict())


# --- the formulas, in numbers worked out by hand ---------------------------------------------------------------------


def test_step_sizes_and_milestones():
    np.testing.assert_allclose(taken(nn.StepLR(sgd(), 2, 0.5), 6), [1, 1, 0.5, 0.5, 0.25, 0.25])
    np.testing.assert_allclose(taken(nn.MultiStepLR(sgd(), [4, 1, 4], 0.5), 6), [1, 0.5, 0.5, 0.5, 0.125, 0.125])
    np.testing.assert_allclose(taken(nn.MultiStepLR(sgd(), [], 0.5), 2), [1, 1])


def test_the_cosine_falls_to_exactly_its_least_value():
    optimizer = sgd()
    schedule = nn.CosineAnnealingLR(optimizer, 4)
    np.testing.assert_allclose(taken(schedule, 4), [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2])
    assert optimizer.lr == 0
    w, v = nn.Parameter([1.0]), optimizer.parameters[0]
    v.grad = np.array([3.0])
    optimizer.step()
    assert v.data.tolist() == w.data.tolist()  # a learning rate of 0 moves nothing
    taken(schedule, 4)
    assert optimizer.lr == pytest.approx(1)  # and it rises again
    floor = sgd()
    taken(nn.CosineAnnealingLR(floor, 7, eta_min=0.3), 7)
    assert floor.lr == 0.3


def test_the_warm_up_ends_at_the_full_learning_rate():
    np.testing.assert_allclose(taken(nn.LinearWarmup(sgd(), 4, start_factor=0.2), 7), [0.2, 0.4, 0.6, 0.8, 1, 1, 1])
    optimizer = sgd()
    schedule = nn.LinearWarmup(optimizer, 2, nn.StepLR(optimizer, 1, 0.5), start_factor=0.5)
    np.testing.assert_allclose(taken(schedule, 5), [0.5, 0.75, 1, 0.5, 0.25])


def test_a_warm_up_rises_to_what_follows_it():
    optimizer = sgd(momentum=0.5)
    cycle = nn.OneCycleLR(optimizer, max_lr=2.0, total_steps=11, pct_start=0.5, div_factor=4.0)
    schedule = nn.LinearWarmup(optimizer, 2, cycle, start_factor=0.5)
    assert schedule.every == "batch" and optimizer.momentum == 0.95
    np.testing.assert_allclose(taken(schedule, 3), [0.25, 0.375, 0.5])
    assert optimizer.momentum < 0.95
    taken(schedule, 10)
    with pytest.raises(ValueError, match="total_steps is 11"):
        schedule.step()


def test_a_warm_up_and_then_a_plateau():
    optimizer = sgd()
    schedule = nn.LinearWarmup(optimizer, 2, nn.ReduceLROnPlateau(optimizer, factor=0.5, patience=0), start_factor=0.5)
    assert taken(schedule, 7, losses=[9, 9, 5, 5, 4, 4, 4]) == [0.5, 0.75, 1, 1, 0.5, 0.5, 0.25]


def test_one_cycle_in_numbers():
    """N = 9, p = 1/3: the peak is at step 2, the end at step 8."""
    optimizer = sgd(momentum=0.9)
    schedule = nn.OneCycleLR(
        optimizer, 0.8, 9, pct_start=1 / 3, anneal_strategy="linear", div_factor=4.0, final_div_factor=2.0
    )
    rates, momenta = [], []
    for _ in range(9):
        rates.append(optimizer.lr), momenta.append(optimizer.momentum)
        schedule.step()
    np.testing.assert_allclose(rates, [0.2, 0.5, *(0.8 - k * 0.7 / 6 for k in range(7))])
    np.testing.assert_allclose(momenta, [0.95, 0.9, *(0.85 + k * 0.1 / 6 for k in range(7))])


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_the_step_after_the_last_batch_keeps_the_last_learning_rate_and_one_more_is_an_error(strategy):
    """PyTorch goes on along the line there: to a learning rate below 0, of which nothing is seen if training ends."""
    optimizer = sgd()
    schedule = nn.OneCycleLR(optimizer, 0.5, 10, anneal_strategy=strategy)
    taken(schedule, 9)
    last = optimizer.lr
    schedule.step()
    assert optimizer.lr == last == pytest.approx(0.5 / 25 / 1e4)
    with pytest.raises(ValueError, match="step 11 was asked for, but total_steps is 10"):
        schedule.step()


def test_one_cycle_moves_a_momentum_wherever_there_is_one():
    for optimizer, cycled in (
        (sgd(), False),
        (sgd(momentum=0.5), True),
        (nn.RMSprop([nn.Parameter([1.0])], momentum=0.5), True),
        (nn.Adam([nn.Parameter([1.0])]), False),
    ):
        assert nn.OneCycleLR(optimizer, 0.1, 10).cycle_momentum is cycled
        if cycled:
            assert optimizer.momentum == 0.95
    optimizer = sgd(momentum=0.5)
    taken(nn.OneCycleLR(optimizer, 0.1, 10, cycle_momentum=False), 5)
    assert optimizer.momentum == 0.5


@pytest.mark.parametrize(
    ("optimizer", "why"),
    [(lambda: nn.Adam([nn.Parameter([1.0])]), "Adam's betas are fixed"), (sgd, "this SGD was made without one")],
)
def test_one_cycle_says_why_it_cannot_move_a_momentum(optimizer, why):
    with pytest.raises(ValueError, match=f"cycle_momentum is True, but must be False here, as {why}"):
        nn.OneCycleLR(optimizer(), 0.1, 10, cycle_momentum=True)


def test_a_plateau_is_left_alone_while_the_loss_falls_and_a_nan_is_no_better_loss():
    assert set(taken(nn.ReduceLROnPlateau(sgd(), patience=0), 20, losses=np.linspace(2, 1, 20))) == {1.0}
    rates = taken(nn.ReduceLROnPlateau(sgd(), patience=1, factor=0.5), 4, losses=[np.nan] * 4)
    assert rates == [1.0, 1.0, 0.5, 0.5]


def test_a_plateau_multiplies_what_was_assigned_by_hand_and_other_schedules_assign_their_own():
    optimizer = sgd()
    schedule = nn.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    taken(schedule, 1, losses=[1.0])
    optimizer.lr = 0.3
    taken(schedule, 1, losses=[1.0])
    assert optimizer.lr == 0.15
    other = nn.ExponentialLR(optimizer, 0.5)
    optimizer.lr = 7.0
    other.step()
    assert optimizer.lr == 0.075


def test_a_plateau_reads_a_loss_that_is_a_number_of_any_kind():
    for loss in (1, np.float32(1.0), np.array(1.0), nn.squared_error(nn.Parameter([[1.0]]), [[0.0]], factor=1.0)):
        schedule = nn.ReduceLROnPlateau(sgd())
        schedule.step(loss)
        assert type(schedule.best) is float and schedule.best == 1


def test_each_group_keeps_its_own_learning_rate():
    optimizer = cases.two_groups()
    schedule = nn.StepLR(optimizer, 1, 0.5)
    schedule.step()
    assert [group.lr for group in optimizer.groups] == [0.05, 0.01] and schedule.base == [0.1, 0.02]


def test_a_group_that_is_frozen_by_a_learning_rate_of_0_stays_so():
    optimizer = cases.two_groups()
    optimizer.groups[1].lr = 0
    schedule = nn.LinearWarmup(optimizer, 3)
    for _ in range(5):
        schedule.step()
    assert [group.lr for group in optimizer.groups] == [0.1, 0]


def test_what_fit_calls_them_after():
    optimizer = sgd()
    assert nn.StepLR(optimizer, 1).every == "epoch" and nn.StepLR(optimizer, 1, every="batch").every == "batch"
    assert nn.OneCycleLR(optimizer, 1, 1).every == "batch"
    assert nn.LinearWarmup(optimizer, 1).every == "epoch"
    assert nn.LinearWarmup(optimizer, 1, nn.StepLR(optimizer, 1, every="batch")).every == "batch"


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", ["SGD, momentum", "Adam", "AdamW", "RMSprop, all", "Adagrad, all"])
def test_a_scheduled_run_is_that_with_its_learning_rates_assigned_by_hand(name, compiled):
    """Of AdamW the decay is scheduled too."""
    nets = [cases.Net() for _ in range(2)]
    optimizers = [cases.make(name, net.weights) for net in nets]
    schedule = nn.LinearWarmup(optimizers[0], 5, nn.CosineAnnealingLR(optimizers[0], 20))
    rates = nn.LinearWarmup(optimizers[1], 5, nn.CosineAnnealingLR(optimizers[1], 20)).preview(25)
    mine, theirs = cases.steps(nets[0], optimizers[0], compiled), cases.steps(nets[1], optimizers[1])
    for t in range(25):
        optimizers[1].lr = rates[t]
        (_, weights), (_, same) = next(mine), next(theirs)
        np.testing.assert_allclose(weights, same, rtol=1e-12, atol=1e-14)
        schedule.step()
    assert optimizers[0].lr == 0


@pytest.mark.parametrize("every", ["epoch", "batch"])
def test_fit_calls_a_schedule_after_each_epoch_or_batch(every):
    model = nn.MLP([3, 2], rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    schedule = nn.ExponentialLR(optimizer, 0.5, every=every)
    data = cases.X, cases.Y
    nn.fit(model, data, loss=nn.squared_error, optimizer=optimizer, epochs=3, batch_size=3, schedule=schedule)
    assert schedule.t == (3 if every == "epoch" else 6)
    assert optimizer.lr == 0.1 * 0.5**schedule.t


def test_fit_trains_a_whole_cycle():
    model = nn.MLP([3, 2], rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = nn.OneCycleLR(optimizer, 0.1, total_steps=6)
    data = cases.X, cases.Y
    nn.fit(model, data, loss=nn.squared_error, optimizer=optimizer, epochs=3, batch_size=3, schedule=schedule)
    assert schedule.t == 6 and optimizer.lr < 1e-5
