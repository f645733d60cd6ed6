"""The contenders of benchmarks/performance.py agree, and its tables say what is missing. No time is asserted."""

import argparse
import importlib.util
import json
import os

import numpy as np
import pytest

from benchmarks import contenders, environment, measure, performance, report
from benchmarks.contenders import Made, NotOffered
from benchmarks.workloads import WORKLOADS, Scalars, Training

NAMED = {w.name: Scalars(points=4, sizes=(2, 3, 3, 1)) if isinstance(w, Scalars) else w for w in WORKLOADS}
WITHOUT_PEERS = [name for name in contenders.OURS if name != "compiled-numba"]


def row(samples, **fields):
    return {"about": "", "unit": "s", "samples": samples, "absent": {}, "refused": {}, "first": {}} | fields


def judged(step, workload="small"):
    """What becomes of a contender with this step; it is given hand-written NumPy's step and the arguments."""

    def maker(name, workload):
        made = contenders.make("numpy", workload)
        return made if name == "numpy" else Made(lambda *arguments: step(made.step, *arguments))

    return measure.prepared(NAMED[workload], ["mine"], maker)


@pytest.mark.parametrize("name", performance.QUICK)
def test_contenders_compute_what_hand_written_numpy_does(name):
    taken, result = measure.prepared(NAMED[name], WITHOUT_PEERS)
    assert not result["refused"]
    assert "eager" in taken
    assert ("tuned" in taken) == (isinstance(NAMED[name], Training) or name.startswith("chain"))


def test_hand_tuned_numpy_agrees_where_biases_are_folded_and_where_not_and_with_adam():
    for sizes in ((300, 20, 5), (20, 300, 5), (300, 270, 260, 5)):
        for optimizer in ("SGD", "Adam"):
            workload = Training("", sizes, 7, optimizer, "float64", lr=1e-3)
            taken, result = measure.prepared(workload, ["tuned"])
            assert "tuned" in taken, result["refused"]


def test_a_contender_that_computes_the_same_takes_part():
    taken, result = judged(lambda theirs, x, y: theirs(x, y))
    assert "mine" in taken and not result["refused"]


@pytest.mark.parametrize(
    ("step", "workload", "why"),
    [
        (lambda theirs, x, y: 1.01 * theirs(x, y), "small", "step 1 of six has the loss"),
        (lambda theirs, x, y: theirs(x, y) + 1e-6, "medium-f64", "step 1 of six has the loss"),
        (lambda theirs, x, y: theirs(x[::-1], y), "small", "step 1 of six has the loss"),
        (lambda theirs, x, y: float("nan"), "small", "step 1 of six has the loss nan"),
        (lambda theirs, *cba: (theirs(*cba)[0], 1.001 * theirs(*cba)[1]), "chain-100", "its derivative is off"),
        (lambda theirs, *cba: (theirs(*cba)[0], theirs(*cba)[1][:1]), "chain-100", "its derivative has not the shape"),
        (lambda theirs, x, y: {}["no"], "small", "KeyError: 'no'"),
    ],
)
def test_a_contender_that_computes_something_else_is_refused_with_the_reason(step, workload, why):
    taken, result = judged(step, workload)
    assert "mine" not in taken
    assert why in result["refused"]["mine"]


def test_a_contender_that_goes_on_with_its_first_batch_is_refused():
    kept = []

    def step(theirs, x, y):
        kept.append((x, y))
        return theirs(*kept[0])

    assert "step 2 of six" in judged(step)[1]["refused"]["mine"]


def test_a_contender_that_does_not_update_its_weights_is_refused():
    first = {}

    def step(theirs, x, y):
        return first.setdefault(y.tobytes(), theirs(x, y))

    assert "step 4 of six" in judged(step)[1]["refused"]["mine"]


def test_one_that_has_no_such_program_is_absent_not_refused():
    def step(*_):
        raise NotOffered("it cannot")

    assert judged(step)[1]["absent"] == {"mine": "it cannot"}


def test_a_peer_that_is_not_installed_has_a_dash_and_is_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "torch" else found(name, *a))
    result = measure.timed(NAMED["tiny"], ["tuned", "torch"], 1, 1e-4)
    lines = list(report.text({"tiny": result}))
    assert "torch is missing in tiny: torch is not installed" in lines
    _, heads, (tiny,) = next(report.tables({"tiny": result}))
    assert tiny[heads.index("torch")] == "-" != tiny[heads.index("tuned")]


def test_contenders_take_turns_for_the_rounds_asked_for():
    result = measure.timed(NAMED["tiny"], ["tuned", "gemm"], 3, 1e-4)
    assert {name: len(samples) for name, samples in result["samples"].items()} == {"numpy": 3, "tuned": 3, "gemm": 3}


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    result = row({"numpy": [1.0, 2.0, 10.0], "eager": [2.0, 2.0, 30.0]})
    assert report.ratio(result, "eager", "numpy") == 2.0
    assert report.ratio(result, "jax", "numpy") is None


def test_each_goal_is_said_to_be_met_missed_or_not_measured():
    result = row(
        {"numpy": [1.0], "eager": [0.9], "compiled": [0.4], "jax": [1.0]},
        first={"eager": 0.0, "compiled": 10.0, "numpy": 0.0, "jax": 0.0},
    )
    verdicts = {v.what: v.met for v in report.verdicts({"small": result})}
    assert verdicts == {
        "eager / numpy": "missed",
        "compiled / numpy": "met",
        "compiled / jax": "met",
        "compiled-numba / jax": "not measured",
        "compiled / tuned": "not measured",
        "tuned / numpy": "not measured",
        "steps that repay compiling": "met",  # 10 s at half a second a step
    }


def test_what_misses_its_goal_says_so_beside_it():
    result = row({"numpy": [1.0], "eager": [0.9], "tuned": [0.3]})
    lines = list(report.text({"small": result}))
    assert "Goals: 1 met, 1 missed, 4 not measured" in lines
    (line,) = (line for line in lines if "missed" in line and line.startswith("small"))
    assert "0.90 (≤ 0.85) missed" in line and "0.30 (≤ 0.4) met" in line and "- (≤ 0.45)" in line


def test_what_misses_its_goal_by_little_is_not_rounded_to_it():
    result = row({"numpy": [1.0], "eager": [0.8501]})
    assert report.verdicts({"small": result})[0] == ("small", "eager / numpy", "≤ 0.85", "0.8501", "missed")


def test_goals_name_rows_and_contenders_that_exist():
    for goal in report.GOALS:
        assert goal.row in report.ROWS
        assert {goal.above, goal.below or "numpy"} <= set(contenders.CONTENDERS)


def test_runs_in_one_environment_are_pooled_and_a_new_run_replaces_its_rows():
    here, there = {"threads": 1, "kernel": "a"}, {"threads": 1, "kernel": "b"}
    first = {"environment": here, "rows": {"tiny": row({"numpy": [1.0]}), "small": row({"numpy": [2.0]})}}
    again = {"environment": here, "rows": {"tiny": row({"numpy": [3.0]})}}
    (pooled,) = report.pooled([first, again])
    assert pooled["rows"]["tiny"]["samples"] == {"numpy": [1.0, 3.0]}
    new = {"environment": there, "rows": {"tiny": row({"numpy": [4.0]})}}
    kept, last = report.replaced([first], new)
    assert list(kept["rows"]) == ["small"] and last == new
    assert first["rows"].keys() == {"tiny", "small"}, "what was given is not changed"


def test_the_page_is_made_from_the_numbers_alone():
    result = measure.timed(NAMED["tiny"], ["tuned"], 1, 1e-4)
    run = {"environment": {"threads": 1, "kernel": "K", "processor": "P", "versions": {}}, "rows": {"tiny": result}}
    lines = list(report.page([run], "# Title", None))
    assert lines == list(report.page(json.loads(json.dumps([run])), "# Title", None))
    assert lines[0] == "# Title" and "## 1 thread" in lines and any(line.startswith("| tiny |") for line in lines)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_every_contender_starts_from_the_same_numbers(workload):
    for one, other in zip(workload.arguments(), workload.arguments(), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_threads_cannot_be_set_once_numpy_is_imported():
    before = dict(os.environ)
    with pytest.raises(SystemExit, match="NumPy is imported already"):
        environment.fix(1)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"only": "small,smal"}, "no row smal; there are tiny,"),
        ({"contenders": "torhc"}, "no contender torhc; there are "),
    ],
)
def test_a_row_or_contender_that_does_not_exist_is_named(options, said):
    asked = argparse.Namespace(**{"only": None, "contenders": None, "torch_compile": False} | options)
    with pytest.raises(SystemExit, match=said):
        performance.chosen(asked)


def test_the_spread_is_that_of_the_ratios_not_of_the_times():
    assert report.spread({"tiny": row({"numpy": [1.0, 9.0, 5.0], "eager": [2.0, 18.0, 10.0]})}) == 0
    assert report.spread({"tiny": row({"numpy": [1.0, 1.0, 1.0], "eager": [1.0, 2.0, 3.0]})}) == 0.5


def test_the_environment_is_named():
    found = environment.described(1)
    assert found["kernel"] and found["processor"] and found["versions"]["numpy"] == np.__version__
