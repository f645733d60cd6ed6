"""autograd-mini predict, compare, draw, explain and completion: a trained model put to use."""

import csv
import io
import os
import subprocess
import sys

import click.testing
import numpy as np
import pytest

import nn
from nn import cli, tables
from nn.cli.options import Comma
from nn.cli.program import spoken
from nn.cli.screen import Screen
from nn.tables.errors import quoted
from nn.tabular import TabularModel

from .test_tabular import flowers, write

HEAD = ["length", "width", "colour", "kind"]


def invoke(*arguments):
    return click.testing.CliRunner().invoke(cli.main, list(map(str, arguments)), catch_exceptions=False)


def good(*arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("use")
    write(folder / "flowers.csv", HEAD, flowers())
    write(folder / "houses.csv", ["size", "price"], [[i, 1000 + 25 * i] for i in range(60)])
    quick = ["--layers", "4", "--epochs", "5", "--lr", "0.03", "--quiet"]
    good("train", folder / "flowers.csv", "--target", "kind", *quick, "--out", folder / "flowers")
    good("train", folder / "houses.csv", "--target", "price", *quick, "--out", folder / "houses")
    return folder


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


# ------------------------------------------------------------------------------------------------------- predict


def test_predictions_are_csv(folder):
    result = good("predict", folder / "flowers", folder / "flowers.csv")
    rows = read(result.stdout)
    assert [int(row["row"]) for row in rows] == list(range(2, 92))
    model = TabularModel.load(folder / "flowers" / "model.npz")
    assert [row["predicted kind"] for row in rows] == list(model.predict(folder / "flowers.csv"))
    right = np.mean([row["predicted kind"] == flower[3] for row, flower in zip(rows, flowers(), strict=True)])
    assert result.stderr.startswith(f"accuracy {100 * right:.1f} %, cross-entropy ")


def test_numbers_are_written_in_full(folder):
    rows = read(good("predict", folder / "houses", folder / "houses.csv").stdout)
    said = TabularModel.load(folder / "houses" / "model.npz").predict(folder / "houses.csv")
    np.testing.assert_allclose([float(row["predicted price"]) for row in rows], said, rtol=1e-9)


def test_columns_may_be_in_another_order_and_the_target_missing(folder, tmp_path):
    rows = [[r[2], "x", r[0], r[1]] for r in flowers()]
    other = write(tmp_path / "new.csv", ["colour", "name", "length", "width"], rows)
    one, two = (good("predict", folder / "flowers", file) for file in (folder / "flowers.csv", other))
    assert one.stdout == two.stdout
    assert two.stderr == ""


def test_which_part_of_an_archive_is_read_is_said(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        f"{name}_{part}": rng.normal(size=size)
        for part in ("train", "test")
        for name, size in (("x", (60, 2)), ("y", 60))
    }
    np.savez(tmp_path / "d.npz", **arrays)
    good("train", tmp_path / "d.npz", "--out", tmp_path / "d", "--epochs", "1", "--quiet")
    note = (
        f"Note: {quoted(str(tmp_path / 'd.npz'))} has parts, 'train', 'test': this is train. Choose with --part test.\n"
    )
    unsaid = good("predict", tmp_path / "d", tmp_path / "d.npz")
    said = good("predict", tmp_path / "d", tmp_path / "d.npz", "--part", "train")
    assert unsaid.stdout == said.stdout != good("predict", tmp_path / "d", tmp_path / "d.npz", "--part", "test").stdout
    assert unsaid.stderr == note + said.stderr
    assert note not in good("predict", tmp_path / "d", tmp_path / "d.npz", "--quiet").stderr


def test_a_word_that_looks_like_nothing_can_be_a_value(tmp_path):
    rows = [[code, i % 5, 1.0 * (code == "NA")] for i, code in enumerate(["NA", "DE", "FR"] * 20)]
    countries = write(tmp_path / "countries.csv", ["country", "n", "y"], rows)
    command = ["train", countries, "--target", "y", "--task", "classification", "--epochs", "1"]
    refused = invoke(*command, "--out", tmp_path / "refused")
    assert refused.exit_code == 3
    assert "row 2, column 'country'" in refused.stderr
    assert "('NA'), here and in 19 more rows" in refused.stderr
    assert "say so with --value-word" in refused.stderr
    good(*command, "--value-word", "NA", "--out", tmp_path / "m")
    names = [
        column.categories
        for column in TabularModel.load(tmp_path / "m" / "model.npz").encoding.inputs
        if column.name == "country"
    ]
    assert [sorted(map(str, values)) for values in names] == [["DE", "FR", "NA"]]


def test_probabilities_and_copied_columns(folder):
    options = ["--probabilities", "--keep", "colour,length"]
    rows = read(good("predict", folder / "flowers", folder / "flowers.csv", *options).stdout)
    assert list(rows[0]) == ["row", "colour", "length", "predicted kind", "p(iris)", "p(lily)", "p(rose)"]
    for row, flower in zip(rows, flowers(), strict=True):
        chances = {name: float(row[f"p({name})"]) for name in ("iris", "lily", "rose")}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
        assert max(chances, key=chances.get) == row["predicted kind"]
        assert (row["colour"], row["length"]) == (flower[2], flower[0])


def test_a_file_is_there_in_full_or_as_it_was(folder, tmp_path):
    out = tmp_path / "said.csv"
    out.write_text("mine")
    bad = write(tmp_path / "bad.csv", HEAD, [*flowers(), ["x", "1", "red", "rose"]])
    result = invoke("predict", folder / "flowers", bad, "--out", out)
    assert result.exit_code == 3
    assert "row 92, column 'length'" in result.stderr
    assert out.read_text() == "mine"
    result = good("predict", folder / "flowers", folder / "flowers.csv", "--out", out)
    assert result.stdout == ""
    assert f"90 predictions of kind in {out}" in result.stderr
    assert len(read(out.read_text("utf-8"))) == 90
    assert {path.name for path in tmp_path.iterdir()} == {"said.csv", "bad.csv"}


def test_categories_that_are_new_are_counted_or_refused(folder, tmp_path):
    new = write(tmp_path / "new.csv", HEAD[:3], [["0.1", "0.2", "mauve"], ["0.1", "0.2", "red"]])
    result = good("predict", folder / "flowers", new)
    assert "'mauve' was not there in training (row 2)" in result.stderr
    assert len(read(result.stdout)) == 2
    assert good("predict", folder / "flowers", new, "--quiet").stderr == ""
    result = invoke("predict", folder / "flowers", new, "--unseen", "refuse")
    assert result.exit_code == 3
    assert "row 2, column 'colour'" in result.stderr


def test_a_missing_column_is_named(folder, tmp_path):
    new = write(tmp_path / "new.csv", ["lenght", "width", "colour"], [["0.1", "0.2", "red"]])
    result = invoke("predict", folder / "flowers", new)
    assert result.exit_code == 3
    assert "'length'" in result.stderr
    assert "'lenght'" in result.stderr
    assert result.stdout == "", "not even a header"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["houses", "houses.csv", "--probabilities"], 2, "price is a number"),
        (["flowers", "flowers.csv", "--keep", "colr"], 3, "'colr'"),
        (["none", "flowers.csv"], 2, "none"),
        (["flowers", "none.csv"], 2, "none.csv"),
        (["flowers/results.json", "flowers.csv"], 3, "results.json"),
        (["flowers/checkpoint.npz", "flowers.csv"], 3, "checkpoint.npz"),
        (["plain.npz", "flowers.csv"], 3, "does not say how columns become inputs"),
        (["newer.npz", "flowers.csv"], 3, "Install the newer autograd_mini"),
        (["cut.npz", "flowers.csv"], 3, "cut.npz"),
        (["flowers", "flowers.csv", "--out", "flowers"], 2, "The predictions cannot be written to"),
        (["flowers", "flowers.csv", "--out", "none/said.csv"], 2, "The predictions cannot be written to"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_predict_refuses(folder, arguments, code, message, monkeypatch):
    monkeypatch.chdir(folder)
    nn.save(nn.MLP([3, 2], rng=0), "plain.npz")
    model = TabularModel.load("flowers/model.npz")
    content = {"version": 2, "package": "9.9", "encoding": model.encoding.to_dict(), "about": {}}
    nn.save(model.model, "newer.npz", {"tabular": content})
    (folder / "cut.npz").write_bytes((folder / "flowers" / "model.npz").read_bytes()[:-100])
    result = invoke("predict", *arguments)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr.splitlines()[-1]
    assert result.stdout == ""


# ------------------------------------------------------------------------------------- compare, draw and explain


def test_compare_proves_the_gradients(folder):
    result = good("compare", folder / "flowers", folder / "flowers.csv", "--rows", "8")
    assert "on 8 rows with the largest loss" in result.stdout
    assert "Delta rule and autodiff agree" in result.stdout
    assert "row 5 of" in good("compare", folder / "houses", folder / "houses.csv", "--row", "5").stdout


def test_compare_writes_in_other_notations(folder):
    result = good("compare", folder / "flowers", folder / "flowers.csv", "--rows", "4", "--notation", "M")
    assert "Δ" in result.stdout
    assert "⊙" in result.stdout


def test_compare_exits_with_1_where_they_disagree(folder, monkeypatch):
    monkeypatch.setattr(nn.Comparison, "agrees", lambda self, row: False)
    assert invoke("compare", folder / "flowers", folder / "flowers.csv", "--rows", "2").exit_code == 1


@pytest.mark.parametrize("ending", ["svg", "html"])
def test_draw_writes_a_picture(folder, tmp_path, ending):
    out = tmp_path / f"graph.{ending}"
    result = good("draw", folder / "flowers", folder / "flowers.csv", "--row", "3", "--out", out)
    assert result.stdout == f"{out}\n"
    text = out.read_text("utf-8")
    assert "<svg" in text
    assert "W1" in text or "W¹" in text


def test_explain_gives_the_gradient(folder):
    text = good(
        "explain", folder / "houses", folder / "houses.csv", "--row", "3", "--weight", "W1", "--index", "2,0"
    ).stdout
    assert "W1[2, 0]" in text
    model = TabularModel.load(folder / "houses" / "model.npz")
    table = tables.open_table(folder / "houses.csv")
    rows = nn.tabular.rows_of(table, model.encoding, [3])
    nn.squared_error(model.model(rows.X), rows.y).backward()
    value = model.model.parameters()[0].grad[2, 0]
    assert f"{value:.6g}" in text.replace("−", "-") or f"{value:.4g}" in text.replace("−", "-")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["explain", "--weight", "W9"],
            2,
            "no weight W9. The model has W1 [4, 5], b1 [4], W2 [3, 4], b2 [3].",
        ),
        (["explain", "--weight", "W1", "--index", "4,0"], 2, "the places of W1 are 0,0 to 3,4"),
        (["explain", "--weight", "b1", "--index", "0,0"], 2, "the places of b1 are 0 to 3"),
        (["explain", "--weight", "b1", "--index", "x"], 2, "must be whole numbers"),
        (["explain", "--weight", "b1", "--row", "92"], 3, "there is no row 92. Its rows of data are 2 to 91"),
        (["explain", "--weight", "b1", "--row", "1"], 3, "the header being row 1"),
        (["draw", "--out", "graph.pdf"], 2, "must end in .svg, .png or .html"),
        (["draw", "--out", "none/graph.svg"], 2, "none"),
        (["compare", "--rows", "0"], 2, "--rows"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_the_views_refuse(folder, arguments, code, message, monkeypatch):
    monkeypatch.chdir(folder)
    command, *more = arguments
    result = invoke(command, "flowers", "flowers.csv", *more)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr.splitlines()[-1].replace("│", "")


def test_the_target_is_needed_to_prove(folder, tmp_path):
    new = write(tmp_path / "new.csv", HEAD[:3], [row[:3] for row in flowers()])
    result = invoke("compare", folder / "flowers", new)
    assert result.exit_code == 3
    assert "'kind'" in result.stderr


def test_a_table_that_is_too_wide_becomes_lists(capsys):
    screen = Screen()
    for width, expected in ((40, ["rule value other", "∂E/∂w 1.5 2.5 ✓"]), (20, ["∂E/∂w ✓", "value 1.5", "other 2.5"])):
        screen.console.width = width
        screen.table(["rule", "value", "other"], [(["∂E/∂w", "1.5", "2.5"], True)])
        lines = capsys.readouterr().out.splitlines()
        assert [" ".join(line.split()) for line in lines] == expected
        assert max(map(len, lines)) <= width


# ------------------------------------------------------------------------------------------------------ completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell):
    text = good("completion", shell).stdout
    assert "_AUTOGRAD_MINI_COMPLETE" in text
    assert f"{shell}_" in text


def test_completion_knows_the_commands():
    completed = click.shell_completion.ShellComplete(cli.main, {}, "autograd-mini", "_X").get_completions
    assert {item.value for item in completed([], "")} >= {"train", "predict", "demo"}
    assert "--optimizer" in {item.value for item in completed(["train"], "--opt")}
    assert [item.value for item in completed(["train", "--optimizer"], "ad")] == ["adam", "adamw", "adagrad"]


def test_completion_finds_out_the_shell(monkeypatch):
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert "zsh" in good("completion").stdout
    monkeypatch.setenv("SHELL", "")
    result = invoke("completion")
    assert (result.exit_code, "Say bash, zsh or fish" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Fill it in, or pass missing='impute': the mean.", "Fill it in, or pass --missing impute: the mean."),
        ("pass task='regression' if", "pass --task regression if"),
        ("Leave the column out (ignore).", "Leave the column out (--ignore)."),
        ("pass header=False", "pass --no-header"),
    ],
)
def test_messages_name_options_of_the_command(text, said):
    assert spoken(text) == said


def test_a_reader_who_has_seen_enough_is_no_error(folder):
    program = "import sys; from nn.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "predict", "flowers", "flowers.csv"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    message = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0
    assert b"Traceback" not in message
    assert b"BrokenPipe" not in message


def test_a_prediction_has_all_its_digits(tmp_path):
    """Of 100 billion and some thousandths, ten digits would be the same number in each row."""
    path = write(tmp_path / "big.csv", ["x", "y"], [[i / 7, 1e11 + i / 1000] for i in range(60)])
    good("train", path, "--target", "y", "--epochs", "2", "--layers", "4", "--quiet", "--out", tmp_path / "big")
    rows = read(good("predict", tmp_path / "big", path).stdout)
    model = TabularModel.load(tmp_path / "big" / "model.npz")
    assert [float(row["predicted y"]) for row in rows] == model.predict(path).tolist()
    assert len({row["predicted y"] for row in rows}) > 30


@pytest.mark.parametrize("last", ["", "daisy"], ids=["missing", "unknown"])
def test_a_target_that_is_missing_or_unknown_is_predicted_all_the_same(folder, tmp_path, last):
    rows = flowers()[:5]
    path = write(tmp_path / "new.csv", HEAD, [*rows, [*rows[0][:3], last]])
    result = good("predict", folder / "flowers", path)
    assert [row["predicted kind"] for row in read(result.stdout)] == list(
        TabularModel.load(folder / "flowers" / "model.npz").predict(path)
    )
    assert "row 7, column 'kind'" in result.stderr and "nothing is said of how good" in result.stderr
    assert "accuracy" not in result.stderr


def test_outputs_that_are_no_numbers_are_refused_and_no_class_is_told(folder, tmp_path):
    out = tmp_path / "model"
    quick = ["--layers", "4", "--epochs", "1", "--dtype", "float32", "--quiet", "--out", out]
    good("train", folder / "flowers.csv", "--target", "kind", *quick)
    path = write(tmp_path / "far.csv", HEAD[:3], [["0.1", "0.2", "red"], ["1e300", "-1e300", "red"]])
    result = invoke("predict", out, path, "--out", tmp_path / "p.csv")
    assert result.exit_code == 3 and "far.csv: row 3: the model has no answer" in result.stderr
    assert not (tmp_path / "p.csv").exists()
    with np.errstate(all="ignore"), pytest.raises(tables.TableError, match=r"row 3: the model has no answer"):
        TabularModel.load(out / "model.npz").predict(path)


def test_a_row_that_is_empty_is_not_the_first(folder, tmp_path):
    path = tmp_path / "gaps.csv"
    path.write_text("size,price\n\n10,1250\n\n20,1500\n")
    explain = ["explain", folder / "houses", path, "--weight", "b2", "--index", "0"]
    assert "row 3 of" in good(*explain).stdout
    assert "row 4 is empty. Its rows of data are 2 to 5" in invoke(*explain, "--row", "4").stderr


@pytest.mark.parametrize("text", ['"last, first",id', ' "last, first" , id', 'id,"last, first"'])
def test_a_name_that_holds_a_comma_stands_in_quotes(text):
    assert sorted(Comma("columns", str, "names").convert(text, None, None)) == ["id", "last, first"]


def test_what_is_no_file_is_written_to_and_a_link_stays_one(folder, tmp_path):
    """Such as /dev/stdout: a file in its place would be another thing than what was named."""
    pipe, link, real = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "real.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    good("predict", folder / "houses", folder / "houses.csv", "--out", pipe)
    assert os.read(reader, 1000).startswith(b"row,predicted price") and pipe.is_fifo()
    os.close(reader)
    real.write_text("")
    link.symlink_to(real)
    good("predict", folder / "houses", folder / "houses.csv", "--out", link)
    assert link.is_symlink() and real.read_text().startswith("row,predicted price")


def test_the_file_that_is_read_is_not_written_over(folder, tmp_path):
    path = write(tmp_path / "new.csv", ["size"], [[10]])
    before = path.read_bytes()
    assert invoke("predict", folder / "houses", path, "--out", tmp_path / "." / "new.csv").exit_code == 2
    assert invoke("train", path, "--target", "size", "--log", path, "--out", tmp_path / "m").exit_code == 2
    assert path.read_bytes() == before and not (tmp_path / "m").exists()


def test_without_a_standard_output_there_is_no_traceback(folder):
    code = "import sys; sys.stdout = None; from nn.cli import main; main()"
    for arguments in (["predict"], ["explain", "--weight", "b2"], ["compare", "--rows", "2"]):
        command, *more = arguments
        run = [sys.executable, "-c", code, command, folder / "houses", folder / "houses.csv", *more]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == (2 if command == "predict" else 0), done.stderr
        assert "Traceback" not in done.stderr
