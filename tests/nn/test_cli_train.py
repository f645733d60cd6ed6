"""autograd-mini train: the folder that it makes, what is printed, how it is interrupted, and what it refuses."""

import gzip
import json
import re
import signal
import struct
from html.parser import HTMLParser

import click.testing
import numpy as np
import pytest

import nn
from nn import cli
from nn.saving import archive
from nn.tabular import log, training

from .test_tabular import flowers, write

FILES = {"index.html", "results.json", "model.npz", "log.jsonl", "checkpoint.npz"}
QUICK = ["--layers", "8", "--epochs", "6", "--lr", "0.02"]


def invoke(*arguments):
    return click.testing.CliRunner().invoke(cli.main, list(map(str, arguments)), catch_exceptions=False)


def good(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def images(folder, n=60, name="train"):
    """IDX files of n images, 4 by 4, whose label is the row that is bright."""
    labels = (np.arange(n) % 4).astype(np.uint8)
    pixels = np.random.default_rng(0).integers(0, 80, (n, 4, 4)).astype(np.uint8)
    pixels[np.arange(n), labels] = 250
    path = folder / f"{name}-images-idx3-ubyte.gz"
    with gzip.open(path, "wb") as file:
        file.write(struct.pack(">BBBBIII", 0, 0, 8, 3, n, 4, 4) + pixels.tobytes())
    with gzip.open(folder / f"{name}-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">BBBBI", 0, 0, 8, 1, n) + labels.tobytes())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    write(folder / "flowers.csv", ["length", "width", "colour", "kind"], flowers())
    rows = [[i, 3 * i % 7, 1000 + 25 * i + 100 * (3 * i % 7)] for i in range(60)]
    write(folder / "houses.csv", ["size", "rooms", "price"], rows)
    return folder


@pytest.fixture(scope="module")
def run(folder):
    out = folder / "made" / "flowers"
    return good("train", folder / "flowers.csv", "--target", "kind", *QUICK, "--out", out), out


@pytest.fixture(scope="module")
def estimated(folder):
    out = folder / "houses"
    return good("train", folder / "houses.csv", "--target", "price", *QUICK, "--out", out), out


def results_of(out):
    return json.loads((out / "results.json").read_text("utf-8"))


class Text(HTMLParser):
    """A page's text, and whether its tags nest."""

    def __init__(self, page):
        super().__init__()
        self.open, self.words = [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, _):
        if tag not in {"meta", "path", "circle", "polyline", "rect"}:
            self.open.append(tag)

    def handle_startendtag(self, *_):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if not {"style", "desc", "title"} & set(self.open):
            self.words.append(text)


def text_of(out):
    return " ".join(" ".join(Text((out / "index.html").read_text("utf-8")).words).split())


# ------------------------------------------------------------------------------------------------ what comes out


def test_the_folder(run):
    result, out = run
    assert {path.name for path in out.iterdir()} == FILES, "and nothing half-written"
    assert result.stderr == ""


def test_what_is_printed(run):
    result, out = run
    results, text = results_of(out), result.stdout
    accuracy = results["scores"]["test"]["accuracy"]
    assert f"test accuracy        {100 * accuracy:.1f} %, " in text
    assert f"{100 * results['scores']['baseline']['accuracy']:.1f} %, always the most frequent class" in text
    assert "90 rows, 4 columns" in text
    assert re.search(r"numbers +length, width", text)
    assert re.search(r"target +'kind' is text, so each text is a class", text)
    for row in results["proof"]["rows"]:
        assert row["equation"] in text
    assert "Delta rule and autodiff agree" in text
    assert (out / "index.html").as_uri() in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), "no control characters where there is no terminal"


def test_the_page_says_what_results_say(run):
    _, out = run
    text, results = text_of(out), results_of(out)
    for part in ("training", "validation", "test"):
        scores = results["scores"][part]
        assert f"{100 * scores['accuracy']:.1f} % {scores['cross_entropy']:.3f}" in text, part
    for word in ("How it learned", "The proof of its gradients", "Where it is most wrong", "What was run", "taken for"):
        assert word in text
    first = results["worst"][0]
    assert f"{first['row']} {first['is']} {first['predicted']}" in text
    matrix = np.array(results["confusion_matrix"])
    assert matrix.sum() == results["data"]["rows"]["test"]
    assert np.trace(matrix) / matrix.sum() == pytest.approx(results["scores"]["test"]["accuracy"])
    assert "always the most frequent class" in text


def test_the_page_needs_nothing_else(run, estimated):
    for _, out in (run, estimated):
        page = (out / "index.html").read_text("utf-8")
        assert set(re.findall(r"""\w+://[^\s"'<>)]*""", page)) <= {"http://www.w3.org/2000/svg"}
        assert "<script" not in page
        assert set(re.findall(r'href="([^"]*)"', page)) <= FILES


def test_of_a_number_residuals_are_shown(estimated):
    result, out = estimated
    text, results = text_of(out), results_of(out)
    assert "predicted − true" in (out / "index.html").read_text("utf-8")
    assert "R²" in text
    assert f"{results['scores']['test']['rmse']:.4g}" in text
    assert re.search(r"test R² +0\.\d+|test R² +-?\d", result.stdout)
    assert "always the mean" in result.stdout


def test_images_are_shown_as_images(tmp_path):
    path, test = images(tmp_path), images(tmp_path, 20, "t10k")
    good("train", path, "--test", test, *QUICK, "--dtype", "float32", "--out", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert page.count('<svg class="image"') == 20
    results = results_of(tmp_path / "out")
    assert results["data"]["rows"]["test"] == 20
    assert results["training"]["sizes"] == [16, 8, 4]
    assert results["proof"]["tolerance"] == 1e-4


def test_the_log_has_a_line_for_each_epoch(run):
    _, out = run
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    assert [line["event"] for line in lines] == ["begin", *["epoch"] * 6, "end"]
    assert [line["loss"] for line in lines[1:-1]] == results_of(out)["training"]["loss"]
    assert lines[-1]["scores"] == {k: v for k, v in results_of(out)["scores"].items() if k not in ("baseline", "of")}


def test_quiet_prints_the_path_only(folder, tmp_path):
    result = good("train", folder / "houses.csv", "--target", "price", *QUICK, "--quiet", "--out", tmp_path / "a b")
    assert result.stdout == f"{tmp_path / 'a b' / 'index.html'}\n"
    assert result.stderr == ""


def test_the_folder_is_named_after_the_file(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    good("train", folder / "houses.csv", "--target", "price", *QUICK, "--quiet")
    assert {path.name for path in (tmp_path / "houses-model").iterdir()} == FILES


def test_the_same_seed_gives_the_same_model(run, folder, tmp_path):
    good("train", folder / "flowers.csv", "--target", "kind", *QUICK, "--out", tmp_path, "--quiet")
    for one, other in zip(*(nn.load(out / "model.npz").parameters() for out in (run[1], tmp_path)), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_text_from_the_file_is_escaped(tmp_path):
    rows = [[i % 5, "<b>&" if i % 2 else '<script>"'] for i in range(40)]
    write(tmp_path / "bad.csv", ["<script>alert(1)</script>", "is <i>"], rows)
    good("train", tmp_path / "bad.csv", "--target", "is <i>", *QUICK, "--quiet", "--out", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    Text(page)
    assert "<script" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_failed_proof_exits_with_1(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(nn.Comparison, "agrees", lambda self, row: row.symbol != "δ¹")
    result = invoke("train", folder / "houses.csv", "--target", "price", *QUICK, "--out", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == "Not proved: delta^1\n"
    assert "not proved" in (tmp_path / "index.html").read_text("utf-8")


def test_the_browser_opens_only_when_asked(folder, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    good("train", folder / "houses.csv", "--target", "price", *QUICK, "--out", tmp_path, "--quiet", "--open")
    assert opened == [(tmp_path / "index.html").as_uri()]


# ---------------------------------------------------------------------------------------- interrupted, and resumed


@pytest.fixture
def interrupted(folder, tmp_path, monkeypatch):
    """A training that Ctrl-C ended in its fourth epoch."""
    out = tmp_path / "out"
    epoch_end = log.Log.on_epoch_end

    def on_epoch_end(self, run):
        epoch_end(self, run)
        if run.epoch == 3:
            signal.raise_signal(signal.SIGINT)

    command = ["train", folder / "flowers.csv", "--target", "kind", *QUICK, "--out", out]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with it ignored
    try:
        with monkeypatch.context() as patch:
            patch.setattr(training, "EVERY", 0)
            patch.setattr(log.Log, "on_epoch_end", on_epoch_end)
            result = invoke(*command)
    finally:
        signal.signal(signal.SIGINT, before)
    return result, command, out


def test_ctrl_c_says_how_to_go_on(interrupted):
    result, command, out = interrupted
    assert result.exit_code == 130
    words = " ".join(map(str, command))
    assert "Interrupted. 3 epochs are kept in" in result.stderr
    assert f"  autograd-mini {words} --resume\n" in result.stderr
    assert f"  autograd-mini {words} --resume --epochs 3\n" in result.stderr
    assert {path.name for path in out.iterdir()} == {"checkpoint.npz", "log.jsonl"}


def test_a_resumed_training_is_the_one_that_was_not_interrupted(interrupted, run):
    _, command, out = interrupted
    good(*command, "--resume")
    assert {path.name for path in out.iterdir()} == FILES
    for one, other in zip(*(nn.load(folder / "model.npz").parameters() for folder in (run[1], out)), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    mine, whole = ((folder / "log.jsonl").read_text("utf-8").splitlines() for folder in (out, run[1]))
    assert mine[1:] == whole[1:]
    assert results_of(out)["scores"] == results_of(run[1])["scores"]
    assert results_of(out)["proof"] == results_of(run[1])["proof"]


def test_an_interrupted_training_can_be_ended_where_it_is(interrupted):
    _, command, out = interrupted
    good(*command, "--resume", "--epochs", "3")
    assert results_of(out)["training"]["epochs"] == 3


def test_an_interrupted_training_is_not_written_over(interrupted):
    _, command, out = interrupted
    before = (out / "checkpoint.npz").read_bytes()
    result = invoke(*command)
    assert result.exit_code == 2
    assert "interrupted after epoch 3. Add --resume to go on with it, --restart" in result.stderr
    assert (out / "checkpoint.npz").read_bytes() == before
    good(*command, "--restart", "--quiet")
    assert results_of(out)["training"]["epochs"] == 6


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--layers", "9"], "layers 8, and now it is 9"),
        (["--seed", "1"], "seed 0, and now it is 1"),
        (["--lr", "0.1"], "lr 0.02, and now it is 0.1"),
        (["--ignore", "width"], "ignore nothing, and now it is width"),
        (["--missing-word", "none"], "--missing-word nothing, and now it is none"),
        (["--value-word", "NA"], "--value-word nothing, and now it is NA"),
    ],
)
def test_a_training_is_resumed_with_its_own_options_only(interrupted, more, message):
    _, command, out = interrupted
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    result = invoke(*command, "--resume", *more)
    assert result.exit_code == 3
    assert message in result.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_training_is_resumed_on_its_own_file_only(tmp_path, interrupted, folder):
    _, command, _ = interrupted
    write(tmp_path / "flowers.csv", ["length", "width", "colour", "kind"], flowers(87))
    command = [tmp_path / "flowers.csv" if part == folder / "flowers.csv" else part for part in command]
    result = invoke(*command, "--resume")
    assert result.exit_code == 3
    assert "begun with file of" in result.stderr


def test_resume_without_a_checkpoint_begins(folder, tmp_path):
    good("train", folder / "houses.csv", "--target", "price", *QUICK, "--out", tmp_path, "--quiet", "--resume")


def test_a_finished_training_may_be_repeated_and_prolonged(folder, tmp_path):
    command = ["train", folder / "houses.csv", "--target", "price", *QUICK, "--out", tmp_path, "--quiet"]
    good(*command)
    good(*command)
    good(*command, "--resume", "--epochs", "8")
    assert results_of(tmp_path)["training"]["epochs"] == 8


# --------------------------------------------------------------------------------------------------- what it refuses


def csv_of(text):
    return lambda folder: _bytes(folder / "bad.csv", text.encode())


def _bytes(path, content):
    path.write_bytes(content)
    return path


ROWS = "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(40))
BAD = {  # what is wrong: a function that makes the file, arguments, exit code, pieces of the message
    "no file": (lambda folder: folder / "none.csv", [], 2, [r"none\.csv"]),
    "a folder": (lambda folder: folder, [], 3, [r"folder|directory"]),
    "empty": (csv_of(""), [], 3, [r"bad\.csv: ", "empty"]),
    "header only": (csv_of("a,b,y\n"), [], 3, [r"bad\.csv: ", "no rows|only the header|header"]),
    "ragged": (csv_of("a,b,y\n" + ROWS + "1,2\n"), [], 3, ["row 42", "2"]),
    "a wrong target": (csv_of("a,b,price\n" + ROWS), ["--target", "prise"], 3, ["'prise'", "'price'"]),
    "no target": (csv_of("a,b,y\n" + ROWS), ["--no-target"], 2, ["--target COLUMN: a, b, y"]),
    "a constant target": (csv_of("a,b,y\n" + "".join(f"{i},2,x\n" for i in range(20))), [], 3, ["column 'y'"]),
    "a class seen once": (csv_of("a,b,y\n" + ROWS + "1,2,c\n"), [], 3, ["column 'y'", "'c'"]),
    "dates": (csv_of("a,b,y\n" + ROWS + "2024-01-31,1,a\n"), [], 3, ["row 42, column 'a'"]),
    "missing values": (csv_of("a,b,y\n" + ROWS + ",1,a\n"), [], 3, ["row 42, column 'a'", "impute"]),
    "infinite values": (csv_of("a,b,y\n" + ROWS + "inf,1,a\n"), [], 3, ["row 42, column 'a'", "infinite"]),
    "not UTF-8": (
        lambda folder: _bytes(folder / "bad.csv", b"a,b,y\n" + ROWS.encode() + b"\xe9,1,a\n"),
        [],
        3,
        ["--encoding"],
    ),
    "NUL bytes": (lambda folder: _bytes(folder / "bad.csv", b"a,b,y\n1,\x00,2\n"), [], 3, [r"bad\.csv"]),
    "columns of one name": (csv_of("a,a,y\n" + ROWS), [], 3, ["'a'"]),
    "an ending that is unknown": (lambda folder: _bytes(folder / "a.docx", b"x"), [], 3, [r"\.docx"]),
    "gzip cut off": (
        lambda folder: _bytes(folder / "bad.csv.gz", gzip.compress(("a,b,y\n" + ROWS).encode())[:-20]),
        [],
        3,
        [r"bad\.csv\.gz"],
    ),
    "images cut off": (
        lambda folder: _bytes((path := images(folder)), gzip.compress(gzip.decompress(path.read_bytes())[:-5])),
        ["--no-target"],
        3,
        ["train-images"],
    ),
    "resume and restart": (csv_of("a,b,y\n" + ROWS), ["--resume", "--restart"], 2, ["one of them"]),
    "layers of none": (csv_of("a,b,y\n" + ROWS), ["--layers", "8,0"], 2, ["'8,0' must be numbers of units"]),
    "a test of all": (csv_of("a,b,y\n" + ROWS), ["--test", "1.5"], 2, ["fraction below 1"]),
    "a column to ignore that is not there": (csv_of("a,b,y\n" + ROWS), ["--ignore", "q"], 3, ["'q'"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused_is_one_sentence_and_leaves_nothing(case, tmp_path):
    make, arguments, code, pieces = BAD[case]
    file, out = make(tmp_path), tmp_path / "out"
    target = [] if {"--target", "--no-target"} & set(arguments) else ["--target", "y"]
    arguments = [a for a in arguments if a != "--no-target"]
    result = invoke("train", file, *target, *QUICK, "--out", out, *arguments)
    assert result.exit_code == code, result.stderr
    assert "Traceback" not in result.stderr
    error = result.stderr.splitlines()[-1]
    assert error.startswith("Error: ")
    for piece in pieces:
        assert re.search(piece, error), error
    assert not out.exists()


def test_a_test_file_is_looked_at_before_the_training(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("nn.cli.train.train", None)
    test = write(tmp_path / "test.csv", ["size", "rooms", "price"], [[1, 2, 3], [4, "x", 6]])
    result = invoke("train", folder / "houses.csv", "--target", "price", "--test", test, "--out", tmp_path / "out")
    assert result.exit_code == 3
    assert "test.csv: row 3, column 'rooms'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_known_before_training(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = invoke("train", folder / "houses.csv", "--target", "price", "--out", out)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"Error: The report cannot be written to {out}: ")
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_disk_that_is_full_ends_the_training_with_a_sentence(folder, tmp_path, monkeypatch):
    write_, written = archive.write, []

    def full(path, *more):
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        written.append(path)
        write_(path, *more)

    command = ["train", folder / "houses.csv", "--target", "price", *QUICK, "--out", tmp_path]
    with monkeypatch.context() as patch:
        patch.setattr(training, "EVERY", 0)
        patch.setattr(archive, "write", full)
        result = invoke(*command)
    assert result.exit_code == 2
    assert "cannot be written: No space left on device." in result.stderr
    assert "--resume" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint.npz", "log.jsonl"}
    good(*command, "--resume", "--quiet")
    assert results_of(tmp_path)["training"]["epochs"] == 6


def test_a_disk_that_is_full_from_the_start_leaves_nothing(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training, "EVERY", 0)
    monkeypatch.setattr(archive, "write", full)
    result = invoke("train", folder / "houses.csv", "--target", "price", *QUICK, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "No space left on device. No epoch was over: there is nothing to resume." in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [MemoryError(), OSError(12, "Cannot allocate memory")], ids=["array", "map"])
def test_too_little_memory_is_a_sentence(folder, tmp_path, monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr("nn.cli.train.prepare", fails)
    result = invoke("train", folder / "houses.csv", "--target", "price", "--out", tmp_path / "out")
    assert result.exit_code == 4
    assert result.stderr.startswith("Error: There is not enough memory. Take fewer or smaller --layers")
    assert list(tmp_path.iterdir()) == []


def test_an_infinite_loss_is_a_sentence(folder, tmp_path):
    command = ["train", folder / "houses.csv", "--target", "price", "--out", tmp_path, "--optimizer", "sgd"]
    result = invoke(*command, "--lr", "1e200", "--epochs", "3")
    assert result.exit_code == 4
    assert "learning rate" in result.stderr


@pytest.mark.parametrize("command", ["train", "predict", "compare", "draw", "explain", "completion"])
def test_help_shows_examples(command):
    text = good(command, "--help").stdout
    assert f"  autograd-mini {command} " in text
    assert command == "completion" or "Exit codes:" in text


def test_help_names_each_command():
    text = good("--help").stdout
    for command in ("train", "predict", "compare", "draw", "explain", "demo", "completion"):
        assert re.search(rf"^  {command} ", text, re.M)
    assert "130" in text


def test_without_validation_the_report_says_that_nothing_was_held_out(folder, tmp_path):
    out = tmp_path / "all"
    good("train", folder / "flowers.csv", "--target", "kind", *QUICK, "--validation", "0", "--test", "0", "--out", out)
    page = (out / "index.html").read_text("utf-8")
    assert "No rows were held out for validation" in page and "were restored" not in page
    assert "Validation: lowest" not in page
