"""The progress of a training: in a terminal, a notebook, a log file, and where nobody asked for it."""

import functools
import io
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

import nn
from nn.training import progress
from nn.training.progress import bar

FULL = nn.History(loss=[0.51234], validation_loss=[0.4], metrics={"accuracy": [0.9876], "f1": [0.9]})
LOSS = nn.History(loss=[0.51234])


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """No variable that makes a terminal of what is none."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "JUPYTER_COLUMNS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that stands still unless it is moved: ``clock.now += seconds``."""
    watch = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: watch.now))
    return watch


@pytest.fixture
def screen(monkeypatch):
    """Let the bar write to a terminal of a given width, without colours; `frames` returns what it has shown."""

    def open_screen(width=80, **options):
        file = io.StringIO()
        options = {"force_terminal": True, "color_system": None, "width": width, **options}
        monkeypatch.setattr(progress, "Console", functools.partial(Console, file=file, **options))
        return file

    return open_screen


def frames(file):
    """Return the lines that a terminal has shown one after the other, without codes."""
    texts = re.split(r"[\r\n]+", re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", file.getvalue()))
    return [text for text in texts if text.strip()]


def run(epochs, show=None, history=LOSS, start=0):
    with bar(epochs, show, start) as report:
        for _ in range(start, epochs):
            report.epoch(history)


# --------------------------------------------------------------------------------------------------- in a terminal


def test_in_a_terminal_the_bar_moves_within_an_epoch(screen, clock):
    file = screen()
    with bar(2) as report:
        for done in (25, 50, 75, 100):
            clock.now += 10
            report.batch(done, 100)
    found = frames(file)
    filled = [frame.count("━") for frame in found]
    assert filled[0] < filled[1] < filled[2] < filled[3]
    assert all(frame.startswith("epoch 1/2") for frame in found)
    assert "0:10, 1:10 left" in found[0] and "0:30, 0:50 left" in found[2]


def test_in_a_terminal_the_last_state_stays(screen):
    file = screen()
    run(3, history=FULL)
    last = frames(file)[-1]
    assert last.startswith("epoch 3/3") and "loss 0.5123" in last and "val 0.4000" in last and "left" not in last
    assert file.getvalue().endswith("\x1b[?25h")  # the cursor is back


def test_a_terminal_is_not_written_to_at_each_of_many_fast_steps(screen, clock):
    file = screen()
    with bar(10) as report:
        for done in range(1, 1001):
            clock.now += 0.001
            report.batch(done, 1000)
    assert 9 <= len(frames(file)) <= 13  # a second, at ten frames


def test_where_the_number_of_batches_is_not_known_they_are_counted(screen, clock):
    file = screen()
    with bar(2) as report:
        clock.now += 1
        report.batch(37, None)
        assert frames(file)[-1].startswith("epoch 1/2 batch 37 ") and "left" not in frames(file)[-1]
        clock.now += 1
        report.epoch(LOSS)
        clock.now += 1
        report.batch(37, 74)
    assert frames(file)[-1].startswith("epoch 2/2 ") and "batch" not in frames(file)[-1]
    assert "0:03, 0:01 left" in frames(file)[-1]


def test_the_first_second_is_no_measure_of_the_rest(screen, clock):
    file = screen()
    with bar(100) as report:
        clock.now += 0.9
        report.batch(1, 100)  # it may have been compiled first
        clock.now += 0.1
        report.batch(10, 100)
    assert "left" not in frames(file)[0] and "0:01, 16:39 left" in frames(file)[-1]


def test_a_resumed_run_counts_on_and_estimates_by_its_own_epochs(screen, clock):
    file = screen()
    with bar(10, start=6) as report:
        clock.now += 60
        report.epoch(LOSS)
    assert frames(file)[-1].startswith("epoch  7/10 ") and "1:00, 3:00 left" in frames(file)[-1]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (10, "epoch   1…"),
        (24, "epoch   1/100  loss 0.5…"),
        (27, "epoch   1/100  loss 0.5123"),
        (39, "epoch   1/100  loss 0.5123  val 0.4000"),
        (56, "epoch   1/100  loss 0.5123  val 0.4000  accuracy 0.9876"),
        (67, "epoch   1/100  loss 0.5123  val 0.4000  accuracy 0.9876  f1 0.9000"),
        (73, "epoch   1/100  loss 0.5123  val 0.4000  accuracy 0.9876  f1 0.9000  1:15"),
        (87, "epoch   1/100  loss 0.5123  val 0.4000  accuracy 0.9876  f1 0.9000  1:15, 2:03:45 left"),
        (110, "epoch   1/100  BAR  loss 0.5123  val 0.4000  accuracy 0.9876  f1 0.9000  1:15, 2:03:45 left"),
        (112, "epoch   1/100  BAR  loss 0.5123  validation 0.4000  accuracy 0.9876  f1 0.9000  1:15, 2:03:45 left"),
    ],
)
def test_what_has_no_room_is_left_out_the_loss_last(screen, clock, width, line):
    for columns in (width, width + 1):
        file = screen(columns)
        with bar(100) as report:
            clock.now += 75
            report.epoch(FULL)
        assert file.getvalue().count("\n") == 1 and all(len(frame) <= columns for frame in frames(file))
        if columns == width:
            assert frames(file)[-1] == line.replace("BAR", " " * (width - 1 - len(line.replace("BAR", ""))))


def test_80_columns_have_room_for_a_bar_with_loss_validation_and_times(screen, clock):
    file = screen()
    with bar(100) as report:
        clock.now += 75
        report.epoch(nn.History(loss=[0.5], validation_loss=[0.4]))
    assert re.fullmatch(r"epoch   1/100  ━? +loss 0\.5000  val 0\.4000  1:15, 2:03:45 left", frames(file)[-1])


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_passes_and_leaves_the_terminal_in_order(screen, error):
    file, out = screen(), sys.stdout
    with pytest.raises(error), bar(5) as report:
        report.epoch(LOSS)
        raise error
    assert sys.stdout is out and file.getvalue().endswith("\n\x1b[?25h")
    assert frames(file)[-1].startswith("epoch 1/5")
    run(2)  # another one can be shown
    assert frames(file)[-1].startswith("epoch 2/2")


def test_what_is_printed_in_between_stands_above_the_bar(screen):
    file = screen()
    with bar(2) as report:
        report.epoch(LOSS)
        print("a note")
        report.epoch(LOSS)
    assert [frame for frame in frames(file) if frame == "a note"] and frames(file)[-1].startswith("epoch 2/2")


def test_in_a_terminal_that_cannot_move_its_cursor_there_are_lines(screen, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    file = screen()
    run(3)
    assert file.getvalue() == "".join(f"epoch {k}/3  loss 0.5123  0:00\n" for k in (1, 2, 3))


CHILD = """
import os, signal, sys
from nn import History
from nn.training import progress
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with Ctrl-C ignored
progress.REFRESH = progress._Live.refresh = 0.0
try:
    with progress.bar(4) as report:
        for done in (1, 2, 3, 4):
            report.batch(done, 4)
        report.epoch(History(loss=[0.5]))
        if sys.argv[1] == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        for _ in range(3):
            report.epoch(History(loss=[0.25]))
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("way", ["to the end", "interrupt"])
def test_in_a_real_terminal(way):
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, way], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as child:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # what Linux says when the other side is closed
                break
            if not part:
                break
            seen += part
    os.close(ours)
    text = seen.decode()
    assert child.returncode == 0, text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor goes and comes back
    lines = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", text)
    steps = [part.count("━") + part.count("╸") for part in lines.split("\r") if part.startswith("epoch 1/4")]
    assert len(steps) >= 5
    assert ("interrupted" in lines) is (way == "interrupt")
    assert ("epoch 4/4" in lines) is (way != "interrupt")


# ----------------------------------------------------------------------------------------- in log files and pipes


def test_outside_a_terminal_nothing_is_written_unless_asked_for(capsys):
    run(3)
    run(3, show=False)
    assert capsys.readouterr() == ("", "")


def test_in_a_log_file_each_line_is_plain_and_complete(capsys):
    run(2, True, FULL)
    out, err = capsys.readouterr()
    assert err == "" and all(c.isprintable() and c.isascii() for c in out.replace("\n", ""))
    assert out.splitlines() == [
        f"epoch {k}/2  loss 0.5123  validation 0.4000  accuracy 0.9876  f1 0.9000  0:00" for k in (1, 2)
    ]


@pytest.mark.parametrize(
    ("epochs", "start", "lines"),
    [
        (1, 0, [1]),
        (7, 0, [1, 2, 5, 7]),
        (100, 0, [1, 2, 5, 10, 20, 50, 100]),
        (3456, 0, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 3456]),
        (30, 15, [20, 30]),
    ],
)
def test_in_a_log_file_the_lines_become_rarer_and_the_last_epoch_has_one(capsys, epochs, start, lines):
    run(epochs, True, start=start)
    found = capsys.readouterr().out.splitlines()
    assert [int(re.match(r"epoch +(\d+)/", line)[1]) for line in found] == lines


def test_in_a_log_file_slow_epochs_have_a_line_each_half_minute(capsys, clock):
    with bar(100, True) as report:
        for _ in range(20):
            clock.now += 11
            report.epoch(LOSS)
    found = capsys.readouterr().out.splitlines()
    assert [int(line[6:9]) for line in found] == [1, 2, 5, 8, 10, 13, 16, 19, 20]
    assert found[-1] == "epoch  20/100  loss 0.5123  3:40"


def test_in_a_log_file_the_last_epoch_before_an_exception_has_a_line(capsys):
    with pytest.raises(KeyboardInterrupt), bar(100, True) as report:
        for _ in range(7):
            report.epoch(LOSS)
        raise KeyboardInterrupt
    assert capsys.readouterr().out.splitlines()[-1].startswith("epoch   7/100  loss")


def test_a_log_that_is_to_be_coloured_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    run(3)
    assert capsys.readouterr() == ("", "")
    run(1, True)
    assert capsys.readouterr().out == "epoch 1/1  loss 0.5123  0:00\n"


@pytest.mark.parametrize("show", [None, True])
def test_without_an_epoch_to_come_nothing_is_written(screen, show):
    file = screen()
    run(0, show)
    run(5, show, start=5)
    assert file.getvalue() == ""


# ---------------------------------------------------------------------------------------------------- in notebooks


@pytest.mark.parametrize(("installed", "kind"), [("ipywidgets IPython", "_Bar"), ("IPython", "_Cell"), ("", "Report")])
def test_a_notebook_has_the_bar_with_ipywidgets_and_else_a_line_of_text(monkeypatch, screen, installed, kind):
    screen(force_jupyter=True, force_terminal=None)
    monkeypatch.setattr(progress, "find_spec", lambda name: name if name in installed.split() else None)
    for name in ("_Bar", "_Cell"):
        monkeypatch.setattr(progress, name, lambda *state, name=name: SimpleNamespace(name=name, close=lambda: None))
    with bar(3) as report:
        assert getattr(report, "name", "Report") == kind


def test_the_bar_of_a_notebook_ends_with_the_last_state(monkeypatch, screen, clock):
    shown = []
    screen(force_jupyter=True, force_terminal=None)
    monkeypatch.setattr(progress, "find_spec", lambda name: name)
    monkeypatch.setattr("rich.live.Live.refresh", lambda live: shown.append(live.get_renderable().state.over))
    with bar(5) as report:
        for _ in range(5):
            report.epoch(LOSS)
            clock.now += 0.04
    assert shown == [1, 4, 5]


def test_the_line_of_a_notebook_changes_in_its_place(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    code = f"""
import sys; sys.path[:0] = {sys.path!r}
from nn import History
from nn.training import progress
progress.find_spec = lambda name: name if name == "IPython" else None
with progress.bar(200) as report:
    for k in range(200):
        report.batch(1, 2)
        report.epoch(History(loss=[1 / (k + 1)]))
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert output.data["text/plain"].startswith("epoch 200/200  loss 5.000e-03  ")


# --------------------------------------------------------------------------------------------------- the figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0000"),
        (0.25, "0.2500"),
        (-1.5, "-1.5000"),
        (123.45678, "123.4568"),
        (0.00123456, "1.235e-03"),
        (1e-300, "1.000e-300"),
        (123456.0, "1.235e+05"),
        (np.float32(0.5), "0.5000"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_figures_keep_four_digits(value, text):
    assert progress.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.9, "0:59"), (75, "1:15"), (3599, "59:59"), (3600, "1:00:00"), (1e6, "277:46:40")],
)
def test_times_are_read_as_on_a_clock(seconds, text):
    assert progress.clock(seconds) == text
