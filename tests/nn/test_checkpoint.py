"""Checkpoints: a training that was cut off at any moment goes on as if it had not been, bit for bit."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import archive

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 4))
LABELS = rng.integers(0, 3, 30)


class Count(nn.Callback):
    """Counts epochs, and remembers the count."""

    def __init__(self):
        self.count = 0

    def on_epoch_end(self, _run):
        self.count += 1

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


def model_of():
    return nn.Sequential(
        nn.Linear(4, 6, rng=0), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3, rng=1), nn.Linear(6, 3, rng=2)
    )


RUNS = {
    "Adam": (lambda m: nn.Adam(m.parameters(), 0.01), {}),
    "momentum, schedule": (
        lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9),
        {"schedule": lambda o: nn.CosineAnnealingLR(o, T_max=12)},
    ),
    "warm-up by batches": (
        lambda m: nn.AdamW(m.parameters(), 0.01),
        {"schedule": lambda o: nn.OneCycleLR(o, max_lr=0.05, total_steps=12 * 3, cycle_momentum=False, every="batch")},
    ),
    "plateau": (
        lambda m: nn.SGD(m.parameters(), 0.1),
        {"schedule": lambda o: nn.ReduceLROnPlateau(o, patience=0, factor=0.5)},
    ),
    "groups": (
        lambda m: nn.SGD([{"params": m[0].parameters(), "momentum": 0.5}, {"params": m[4].parameters()}], lr=0.1),
        {"clip_norm": 0.5},
    ),
    "a fraction held out": (lambda m: nn.Adam(m.parameters(), 0.01), {"validation": 0.3, "metrics": "accuracy"}),
    "as it is written": (lambda m: nn.SGD(m.parameters(), 0.1, momentum=0.9), {"compile": False}),
    "L-BFGS": (lambda m: nn.LBFGS(m.parameters(), lr=0.1, max_iter=3), {"batch_size": None}),
}


def train(case, epochs=12, **options):
    optimizer, given = RUNS[case]
    given = dict(given)
    model = model_of()
    optimizer = optimizer(model)
    schedule = given.pop("schedule", None)
    given = {"batch_size": 12, "rng": 5, **given, **options}
    history = nn.fit(
        model, (X, LABELS), loss=nn.cross_entropy, optimizer=optimizer, epochs=epochs,
        schedule=None if schedule is None else schedule(optimizer), **given,
    )  # fmt: skip
    return model, optimizer, history


def told(history):
    """Return what a history says, but for the time it took."""
    found = history.as_dict()
    del found["seconds"]
    return found


def assert_same_run(a, b):
    for state, other in ((a[0].state_dict(), b[0].state_dict()),):
        assert state.keys() == other.keys()
        assert [state[k].tobytes() for k in state] == [other[k].tobytes() for k in state]
    (arrays, text), (others, other_text) = (archive.pack(run[1].state_dict()) for run in (a, b))
    assert text == other_text and {k: v.tobytes() for k, v in arrays.items()} == {
        k: v.tobytes() for k, v in others.items()
    }
    assert told(a[2]) == told(b[2])


@pytest.mark.parametrize("cut", [1, 5, 11])
@pytest.mark.parametrize("case", RUNS)
def test_a_training_in_two_parts_is_the_training_in_one_to_the_last_bit(case, cut, tmp_path):
    whole, path = train(case), tmp_path / "run.npz"
    train(case, cut, checkpoint=path)
    resumed = train(case, checkpoint=path, resume=True)
    assert_same_run(whole, resumed)
    assert_same_run(whole, train(case, resume=path))  # the file now holds the end: nothing is left to do
    assert os.listdir(tmp_path) == ["run.npz"]


def test_resume_true_begins_anew_where_there_is_no_checkpoint_yet(tmp_path):
    assert_same_run(train("Adam"), train("Adam", checkpoint=tmp_path / "run.npz", resume=True))


def test_a_checkpoint_changes_nothing_of_the_run(tmp_path):
    assert_same_run(train("groups"), train("groups", checkpoint=tmp_path / "run.npz"))


def test_a_generator_that_was_passed_stands_where_it_would_have_stood(tmp_path):
    path, whole_rng, first, second = tmp_path / "run.npz", *(np.random.default_rng(3) for _ in range(3))
    whole = train("a fraction held out", rng=whole_rng)
    train("a fraction held out", 4, rng=first, checkpoint=path)
    second.random(7)  # the generator of the second process may stand anywhere
    assert_same_run(whole, train("a fraction held out", rng=second, resume=path))
    assert whole_rng.random() == second.random()


def test_a_run_that_had_stopped_stays_stopped_with_the_best_weights(tmp_path):
    path = tmp_path / "run.npz"
    options = {"epochs": 200, "validation": (X[::-1], np.roll(LABELS, 1)), "patience": 3}
    model, _, history = train("Adam", checkpoint=path, **options)
    assert history.stopped_by == "validation" and history.epochs < 200
    again, _, told_again = train("Adam", resume=path, **options)
    assert told(told_again) == told(history)
    np.testing.assert_array_equal(nn.evaluate(again, X), nn.evaluate(model, X))


def test_callbacks_remember(tmp_path):
    path, first, second = tmp_path / "run.npz", Count(), Count()
    train("Adam", 4, checkpoint=path, callbacks=[first])
    train("Adam", 9, resume=path, callbacks=second)
    assert (first.count, second.count) == (4, 9)


def test_the_last_whole_epoch_is_kept_when_training_is_interrupted_or_fails(tmp_path):
    path = tmp_path / "run.npz"

    class Stop(nn.Callback):
        def on_batch_end(self, run):
            if (run.epoch, run.batch) == (5, 2):
                raise KeyboardInterrupt

    history = train("Adam", checkpoint=path, callbacks=[Stop()])[2]
    assert (history.stopped_by, history.epochs) == ("interrupt", 4)
    assert_same_run(train("Adam"), train("Adam", resume=path, callbacks=[nn.Callback()]))


def test_callbacks_without_a_state_may_be_others(tmp_path):
    path = tmp_path / "run.npz"
    train("Adam", 2, checkpoint=path, callbacks=[Count(), print])
    train("Adam", 3, resume=path, callbacks=[nn.Callback(), Count()])


@pytest.mark.parametrize("other", [(X, LABELS[::-1]), (X + 1e-9, LABELS)], ids=["labels", "inputs"])
def test_other_data_of_the_same_size_are_refused(tmp_path, other):
    path = tmp_path / "run.npz"
    train("Adam", 2, checkpoint=path)
    model = model_of()
    with pytest.raises(ValueError, match="is of a training with data of checksums"):
        nn.fit(
            model, other, loss=nn.cross_entropy, optimizer=nn.Adam(model.parameters(), 0.01), batch_size=12, rng=5,
            resume=path,
        )  # fmt: skip


def test_a_memory_map_is_not_read_for_its_checksum(tmp_path):
    path, model = tmp_path / "run.npz", model_of()
    np.save(tmp_path / "X.npy", X)
    data = np.load(tmp_path / "X.npy", mmap_mode="r"), LABELS
    options = {"loss": nn.cross_entropy, "checkpoint": path, "epochs": 1, "batch_size": 12}
    nn.fit(model, data, optimizer=nn.Adam(model.parameters(), 0.01), **options)
    checksums = archive.unpack(*archive.read(path))["setting"]["data of checksums"]
    assert checksums[0] is None and len(checksums[1]) == 8


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"batch_size": 6}, "batch_size 12, and this one has 6"),
        ({"clip_norm": 2.0}, r"clipping None, and this one has \[True, 2.0\]"),
        ({"metrics": ["accuracy"], "validation": (X, LABELS)}, "validation samples None, and this one has 30"),
        ({"callbacks": [Count()]}, r"callbacks with a state \[\], and this one has \['Count'\]"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_changes_nothing(tmp_path, options, what):
    path = tmp_path / "run.npz"
    train("Adam", 2, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=what):
        train("Adam", resume=path, checkpoint=path, **options)
    assert path.read_bytes() == before


def test_a_checkpoint_of_another_model_or_optimizer_is_refused_and_the_model_is_left_alone(tmp_path):
    path = tmp_path / "run.npz"
    train("Adam", 2, checkpoint=path)
    other = nn.MLP([4, 3], rng=0)
    before = other.state_dict()
    options = {"loss": nn.cross_entropy, "batch_size": 12, "rng": 5, "resume": path}
    with pytest.raises(ValueError, match=r"the checkpoint .* is of a training with parameters"):
        nn.fit(other, (X, LABELS), optimizer=nn.Adam(other.parameters(), 0.01), **options)
    assert all(np.array_equal(before[k], v) for k, v in other.state_dict().items())
    model = model_of()
    before = model.state_dict()
    for optimizer in (nn.SGD(model.parameters(), 0.01), nn.Adam(model.parameters(), betas=(0.5, 0.9))):
        with pytest.raises(ValueError, match=r"Make the optimizer as it was|must be what .* returns"):
            nn.fit(model, (X, LABELS), optimizer=optimizer, **options)
        assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    train("Adam", 2, checkpoint=path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ag.errors.AutogradError, match=r"run\.npz"):
        train("Adam", resume=path)


# -------------------------------------------------------------------------------------------------------- SIGKILL

SCRIPT = """
import sys
import numpy as np
import nn

rng = np.random.default_rng(0)
X, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)


def run(path, epochs):
    model = nn.Sequential(
        nn.Linear(4, 6, rng=0), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3, rng=1), nn.Linear(6, 3, rng=2)
    )
    optimizer = nn.Adam(model.parameters(), 0.01)
    schedule = nn.StepLR(optimizer, step_size=7, gamma=0.9)
    return model, nn.fit(
        model, (X, labels), loss=nn.cross_entropy, optimizer=optimizer, schedule=schedule, epochs=epochs,
        batch_size=8, validation=0.2, metrics="accuracy", checkpoint=path, resume=True, rng=3, progress=False,
        compile=False,
    )
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork and SIGKILL")
def test_killed_fifty_times_at_random_moments_the_run_is_the_one_that_was_not_killed(tmp_path):
    """Each child process is killed by SIGKILL some moments after it began; the next one goes on from the file."""
    script = textwrap.dedent(SCRIPT) + textwrap.dedent("""
        import os, random, signal, time

        path, epochs = sys.argv[1], int(sys.argv[2])
        random.seed(1)
        model, history = run(path + ".whole.npz", epochs)  # also loads everything before the first fork
        began = time.perf_counter()
        run(path + ".timed.npz", epochs)
        whole = time.perf_counter() - began
        killed, finished, seen = 0, 0, []
        while killed < 50:
            child = os.fork()
            if not child:
                run(path, epochs)
                os._exit(0)
            time.sleep(random.random() * whole / 10)
            os.kill(child, signal.SIGKILL)
            died = os.WIFSIGNALED(os.waitpid(child, 0)[1])
            killed += died
            finished += not died
            if os.path.exists(path):
                seen.append(nn.archive.unpack(*nn.archive.read(path))["history"]["loss"])  # never damaged, never behind
                assert seen[-1] == history.loss[: len(seen[-1])], "another run"
                assert len(seen) < 2 or len(seen[-1]) >= len(seen[-2]), "epochs were lost"
                if len(seen[-1]) == epochs:  # one way through is over: the next begins
                    again, told = run(path, epochs)
                    assert told.as_dict() | {"seconds": 0} == history.as_dict() | {"seconds": 0}
                    state, other = model.state_dict(), again.state_dict()
                    assert all(state[k].tobytes() == other[k].tobytes() for k in state)
                    finished += 1
                    os.remove(path)
                    seen.clear()
        again, told = run(path, epochs)
        assert told.as_dict() | {"seconds": 0} == history.as_dict() | {"seconds": 0}
        state, other = model.state_dict(), again.state_dict()
        assert all(state[k].tobytes() == other[k].tobytes() for k in state)
        print("killed", killed, "finished", finished)
        """)
    path = tmp_path / "run.py"
    path.write_text(script)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    result = subprocess.run(
        [sys.executable, path, tmp_path / "run.npz", "40"],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("killed 50")


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_ctrl_c_ends_a_training_in_a_terminal_after_the_running_batch(tmp_path):
    script = textwrap.dedent(SCRIPT) + textwrap.dedent("""
        import signal

        signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with Ctrl-C ignored

        class Tell(nn.Callback):
            def on_batch_end(self, run):
                if run.epoch == 2 and run.batch == 1:
                    print("training", flush=True)

        model = nn.MLP([4, 50, 3], rng=0)
        history = nn.fit(model, (X, labels), loss=nn.cross_entropy, optimizer=nn.SGD(model.parameters(), 0.01),
                         epochs=10**7, callbacks=[Tell()])
        print(history.stopped_by, history.epochs > 0, len(history.learning_rates) == history.epochs)
        """)
    path = tmp_path / "run.py"
    path.write_text(script)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    environment = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout.readline() == "training\n"
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out) == (0, "interrupt True True\n")


@pytest.mark.parametrize(("seconds", "written"), [(0, [1, 2, 3, 4, 5]), (1e9, [1, 5])])
def test_a_checkpoint_is_written_no_more_often_than_asked_and_at_the_end(tmp_path, monkeypatch, seconds, written):
    found = []
    monkeypatch.setattr(archive, "write", lambda path, arrays, meta: found.append(history.epochs))
    model = nn.MLP([4, 3], rng=0)
    history = nn.History()

    def note(run):
        history.loss[:] = run.history.loss

    nn.fit(
        model, (X, LABELS), loss=nn.cross_entropy, optimizer=nn.SGD(model.parameters(), 0.1), epochs=5,
        checkpoint=tmp_path / "run.npz", checkpoint_every=seconds, callbacks=note, progress=False,
    )  # fmt: skip
    assert found == written
    with pytest.raises(ValueError, match=r"checkpoint_every is -1, but must be a number of seconds, from 0 on"):
        nn.fit(
            model, (X, LABELS), loss=nn.cross_entropy, optimizer=nn.SGD(model.parameters(), 0.1), checkpoint_every=-1
        )
