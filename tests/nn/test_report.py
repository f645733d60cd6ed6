"""The demo's report: well-formed, self-contained, readable without script, and its numbers are results.json's."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import autograd_mini as ag
from nn import charts, demo
from nn.reports import demo as report
from nn.reports.pieces import MINUS
from nn.reports.style import STYLE

from ..browsing import WIDTHS, look_at, tab_through

VOID = {"meta", "br", "path", "polyline", "circle"}
NAMES = ["index.html", "results.json", "graph.svg", "graph.png"]


@pytest.fixture(scope="module")
def result():
    return demo.run(seed=0, epochs=3, progress=False)


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "made" / "when needed"
    paths = report.write(result, folder)
    assert paths == [folder / name for name in NAMES]
    return folder


@pytest.fixture
def unrendered(monkeypatch, tmp_path):
    """No program that renders graphs: pages come sooner, with graphs as text."""
    monkeypatch.setenv("AUTOGRAD_MINI_DOT", str(tmp_path / "no such program"))


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "index.html").read_text("utf-8")


@pytest.fixture(scope="module")
def results(folder):
    return json.loads((folder / "results.json").read_text("utf-8"))


class Reader(HTMLParser):
    """Checks that tags nest, and gathers ids, attributes, tables' cells and text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids, self.attributes, self.cells, self.words = [], [], [], [], []
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, text):
        if not {"style", "desc"} & set(self.open):
            self.words.append(text)
        if "td" in self.open:
            self.cells[-1] += text


def text_of(page):
    return " ".join(" ".join(Reader(page).words).split())


def test_the_page_is_well_formed(page):
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids)), "an id stands twice"
    assert {"h1", "h2", "figure", "table", "svg"} <= set(re.findall(r"<(\w+)", page))


def test_the_page_needs_nothing_else(page):
    addresses = re.findall(r"""\w+://[^\s"'<>)]*""", page)
    assert set(addresses) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "<script" not in page
    assert "@import" not in page
    for tag, name, value in Reader(page).attributes:
        assert not name.startswith("on")
        if name in ("href", "src"):
            assert tag == "a"
            assert value in NAMES, f"{value} is not in the report"


def test_numbers_are_those_of_results(page, results):
    text, cells = text_of(page), Reader(page).cells
    training, run = results["training"], results["run"]
    assert f"{100 * training['test_accuracy']:.1f} % of 360 digits" in text
    assert f"test accuracy {100 * training['test_accuracy']:.1f} %" in text
    assert f"validation accuracy {100 * training['validation_accuracy']:.1f} %" in text
    assert f"epoch {training['best_epoch']} of {training['epochs']}" in text
    assert f"it misread {len(training['misread'])}." in text
    for name in ("python", "numpy", "blas", "machine"):
        assert run[name] in text
    numbers = [cell.replace(MINUS, "-") for cell in cells]
    for row in results["proof"]["rows"]:
        place = cells.index(row["equation"])
        values = [f"{row[side]:.9e}" for side in ("by_hand", "autodiff", "finite")]
        assert numbers[place + 2 : place + 7] == [*values, f"{row['error']:.1e}", "✓"]
    for line in results["worked_example"]["lines"]:
        place = numbers.index(line["symbol"])
        values = [f"{line[side]:.8f}" for side in ("by_hand", "autodiff", "published")]
        assert numbers[place + 1 : place + 5] == [*values, "✓"]


def test_results_hold_the_curves(results):
    training = results["training"]
    assert len(training["loss"]) == len(training["validation_loss"]) == training["epochs"] == 3
    assert {len(norms) for norms in training["gradient_norms"].values()} == {3}
    assert results["proof"]["passed"] is results["worked_example"]["passed"] is True
    assert results["proof"]["max_error"] < 1e-12


@pytest.mark.usefixtures("unrendered")
def test_text_from_outside_is_escaped(result, monkeypatch):
    monkeypatch.setattr(report, "versions", lambda: dict.fromkeys(VERSIONS, '<script>alert("&")</script>'))
    page = report.page(result, report.results(result))
    assert "<script" not in page
    assert "&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;" in page


VERSIONS = ("autograd_mini", "python", "numpy", "blas", "machine")


def test_versions_say_something():
    versions = report.versions()
    assert tuple(versions) == VERSIONS
    assert all(versions.values())


@pytest.mark.usefixtures("unrendered")
def test_each_misread_digit_is_shown_up_to_a_limit(result, page, monkeypatch):
    misread = len(result.training.misread)
    assert page.count('<svg class="image"') == min(misread, report.SHOWN) + 10
    monkeypatch.setattr(report, "SHOWN", misread - 1)
    shorter = report.page(result, report.results(result))
    assert shorter.count('<svg class="image"') == misread - 1 + 10
    assert "(1 more not shown.)" in " ".join(shorter.split())


@pytest.mark.usefixtures("unrendered")
def test_a_failed_proof_is_not_hidden(result):
    lines = result.worked.lines
    worked = dataclasses.replace(result.worked, lines=(lines[0]._replace(autodiff=0.0), *lines[1:]))
    wrong = dataclasses.replace(result, worked=worked)
    page = report.page(wrong, report.results(wrong))
    assert "Gradients, not proved" in page
    assert "not reproduced" in page
    assert page.count("✗") == 1


def test_the_pictures(folder):
    assert (folder / "graph.svg").read_text("utf-8").startswith("<svg")
    assert (folder / "graph.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("unrendered")
def test_without_a_renderer_the_graphs_are_text(result, tmp_path):
    paths = report.write(result, tmp_path)
    assert [path.name for path in paths] == NAMES[:2]
    page = paths[0].read_text("utf-8")
    Reader(page)
    assert "layer3" in page
    assert "<pre>" in page
    assert "graph.svg" not in page, "no link to what is not there"


@pytest.mark.usefixtures("unrendered")
def test_other_files_are_left_alone(result, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "index.html").write_text("old")
    report.write(result, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "index.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_prepare_leaves_no_trace(tmp_path):
    report.prepare(tmp_path / "a" / "b")
    assert list(tmp_path.rglob("*")) == [tmp_path / "a", tmp_path / "a" / "b"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme):
    """Each colour that text has stands out from the page by 4.5 at least (WCAG 2, level AA)."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[["light", "dark"].index(scheme)]))

    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    for name in ("ink", "soft", "s1", "s2", "s3", "s4", "s5", "s6", "good", "bad"):
        low, high = sorted((luminance(colours["paper"]), luminance(colours[name])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


# ---------------------------------------------------------------------------------------------------- the charts


def chart(series, **options):
    svg = charts.curves(series, title="t", description="d", y_label="y", **options)
    Reader(svg)
    return svg


def places(svg, name):
    (found,) = re.findall(rf'<polyline class="{name}" points="([^"]*)"', svg)
    return np.array([point.split(",") for point in found.split()], float)


def test_equal_ratios_are_equal_distances():
    curve = places(chart({"a": [1.0, 0.1, 0.01]}), "s1")
    steps = np.diff(curve, axis=0)
    np.testing.assert_allclose(steps[0], steps[1], atol=0.11)
    assert steps[0][1] > 0, "smaller is lower"


@pytest.mark.parametrize(
    "values",
    [[0.5], [0.5, 0.5], [1e-300, 1e300], [1.0, 0.0, 0.5], [1.0, float("nan")], [0.0], [], [3e-4] * 200],
    ids=str,
)
def test_any_numbers_can_be_drawn(values):
    svg = chart({"a": values})
    coordinates = [float(n) for n in re.findall(r'[ "](?:x|y|cx|cy)="(-?[\d.]+)"', svg)]
    assert all(0 <= n <= charts.WIDTH for n in coordinates)


def test_names_of_close_curves_do_not_overlap():
    svg = chart({"a": [1.0, 0.1], "b": [1.0, 0.1001], "c": [1.0, 0.1002]})
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="start" class="name', svg))
    assert len(heights) == 3
    assert min(np.diff(heights)) >= charts.GAP - 0.2
    assert heights[-1] <= charts.BOTTOM + 6


@pytest.mark.parametrize("epoch", [1, 7, 10])
def test_the_mark_stands_at_its_epoch(epoch):
    values = [2.0**-i for i in range(10)]
    svg = chart({"a": values}, mark=(epoch, "here"))
    (x,) = re.findall(r'class="mark" d="M([\d.]+) ', svg)
    assert float(x) == places(svg, "s1")[epoch - 1][0]


def test_chart_text_is_escaped():
    assert "<b>" not in chart({"<b>": [1.0, 2.0]})


def test_an_image_has_each_pixel_once():
    pixels = np.random.default_rng(0).integers(0, 3, (8, 8)) / 2
    svg = charts.image(pixels, "an <image>")
    Reader(svg)
    drawn = np.zeros((8, 8))
    for shade, squares in re.findall(r'<path opacity="([\d.]+)" d="([^"]*)"', svg):
        for column, row in re.findall(r"M(\d+) (\d+)h1v1h-1z", squares):
            drawn[int(row), int(column)] += float(shade)
    np.testing.assert_array_equal(drawn, pixels)


# --------------------------------------------------------------------------------------------------- in a browser


def test_the_page_opens_from_a_file(browser, folder):
    """Without an error, and without a request."""
    assert "What was run" in browser.open(folder / "index.html").content()


def test_the_page_can_be_read(browser, folder):
    """At 360 pixels too."""
    page = browser.open(folder / "index.html")
    assert look_at(page, (1400, *WIDTHS, 360)) == []
    assert tab_through(page) == []


def test_the_graph_is_the_engines(result, folder):
    """No picture of its own: graph.svg is what ag.draw makes of the loss."""
    assert "layer1" in ag.draw(result.loss).svg()
    assert "layer1" in (folder / "graph.svg").read_text("utf-8")
