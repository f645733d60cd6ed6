"""The command line: what is printed, where it goes, and the exit code."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import click.testing
import pytest

import autograd_mini as ag
from nn import cli, demo
from nn.reports import demo as report

QUICK = ["demo", "--epochs", "2"]


def invoke(*arguments):
    return click.testing.CliRunner().invoke(cli.main, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture(scope="module")
def computed():
    return demo.run(seed=0, epochs=2, progress=False)


@pytest.fixture
def quick(monkeypatch, computed):
    """For what does not depend on the numbers or the pictures: these were computed before, those are not drawn."""
    monkeypatch.setattr(demo, "run", lambda *_, **__: computed)
    monkeypatch.setenv("AUTOGRAD_MINI_DOT", "no such program")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "report"
    return invoke(*QUICK, "--out", out), out


def test_the_demo_succeeds_and_writes_the_report(run):
    result, out = run
    assert result.exit_code == 0
    assert result.stderr == ""
    assert {path.name for path in out.iterdir()} == {"index.html", "results.json", "graph.svg", "graph.png"}


def test_what_is_printed(run):
    result, out = run
    results = json.loads((out / "results.json").read_text("utf-8"))
    text = result.stdout
    assert f"test accuracy        {100 * results['training']['test_accuracy']:.1f} %" in text
    for row in results["proof"]["rows"]:
        values = [f"{row[side]:.4e}" for side in ("by_hand", "autodiff", "finite")]
        pattern = r"\s+".join(map(re.escape, [row["equation"], *values, f"{row['error']:.1e}", "✓"]))
        assert re.search(pattern, text), row
    for line in results["worked_example"]["lines"]:
        values = [f"{line[side]:.8f}" for side in ("by_hand", "autodiff", "published")]
        assert re.search(r"\s+".join(map(re.escape, [line["symbol"], *values, "✓"])), text), line
    assert "Delta rule and autodiff agree" in text
    assert "Output 0.6718, after one step 0.6981: every published digit reproduced." in text
    assert str(out / "index.html") in text
    assert (out / "index.html").as_uri() in text


def test_no_control_characters_where_there_is_no_terminal(run):
    result, _ = run
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", result.stdout)
    assert max(map(len, result.stdout.splitlines()[:-4])) <= 100


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_every_encoding_can_be_printed(encoding, tmp_path):
    """In a process of its own, whose output is no terminal; the folder's name is what not every encoding has."""
    out = tmp_path / "Σ"
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        "from nn.cli import main; main()",
        *QUICK[:-1],
        "1",
        "--out",
        str(out),
    ]
    environment = os.environ | {
        "PYTHONIOENCODING": encoding,
        "PYTHONUTF8": "0",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "AUTOGRAD_MINI_DOT": "no such program",  # what is drawn does not matter here
    }
    done = subprocess.run(command, env=environment, capture_output=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "delta_i^3 = (o_i - y_i)/n" in text
    assert " ok" in text
    assert (out / "index.html").as_uri() in text, "the address of the page must be right in any encoding"
    assert done.stderr == b""


@pytest.mark.usefixtures("quick")
def test_quiet_prints_the_path_only(tmp_path):
    result = invoke(*QUICK, "--quiet", "--out", tmp_path)
    assert result.stdout == f"{tmp_path / 'index.html'}\n"
    assert result.stderr == ""


@pytest.mark.usefixtures("quick")
def test_the_default_folder_is_in_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke(*QUICK).exit_code == 0
    assert (tmp_path / "autograd-mini-report" / "index.html").exists()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("option", ["--open", "--no-open"])
def test_the_browser_opens_only_when_asked(option, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert invoke(*QUICK, "--out", tmp_path, option).exit_code == 0
    assert opened == ([(tmp_path / "index.html").as_uri()] if option == "--open" else [])


def test_a_folder_that_cannot_be_made_is_known_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "run", None)
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = invoke("demo", "--out", out)
        assert result.exit_code == 2
        assert re.fullmatch(
            rf"Error: The report cannot be written to {re.escape(str(out))}: [^.\n]+\.\n", result.stderr
        )
        assert result.stdout == ""
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.usefixtures("quick")
def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "results.json").mkdir()
    result = invoke(*QUICK, "--out", tmp_path)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert str(tmp_path) in result.stderr


@pytest.mark.usefixtures("quick")
def test_a_failed_proof_exits_with_1_and_says_which(tmp_path, monkeypatch, computed):
    lines = computed.worked.lines
    worked = dataclasses.replace(computed.worked, lines=(lines[0]._replace(autodiff=0.5), *lines[1:]))
    wrong = dataclasses.replace(computed, worked=worked)
    monkeypatch.setattr(demo, "run", lambda *_, **__: wrong)
    result = invoke(*QUICK, "--out", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == "Not proved: a^1_1 of the worked example\n"
    assert "NOT every published digit reproduced" in result.stdout
    assert "not proved" in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--epochs", "0"], "--epochs"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seed", "one"], "--seed"),
        (["demo", "--sed", "1"], "--seed"),
        (["dem"], "No such command"),
        (["demo", "extra"], "extra"),
    ],
)
def test_bad_usage_exits_with_2(arguments, message):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_help_shows_an_example():
    assert "demo" in invoke("--help").stdout
    text = invoke("demo", "--help").stdout
    assert "autograd-mini demo --seed 3 --out report --open" in text
    for option in ("--seed", "--epochs", "--out", "--open / --no-open", "--quiet"):
        assert option in text


def test_version():
    assert invoke("--version").stdout == f"autograd-mini, version {ag.__version__}\n"


def test_prepare_comes_first(tmp_path, monkeypatch):
    """Nothing is printed or computed for a folder that cannot be used."""
    monkeypatch.setattr(report, "prepare", lambda folder: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    result = invoke(*QUICK, "--out", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No space left on device" in result.stderr
