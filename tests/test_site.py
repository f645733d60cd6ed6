"""The documentation site: every public name and page is in it, its parts say what they should, and nothing is fetched.

`AUTOGRAD_MINI_SITE` names a built site, whose pages are then looked at: scripts/check builds one.
"""

import doctest
import functools
import http.server
import importlib
import logging
import os
import re
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from types import FunctionType
from urllib.parse import unquote, urldefrag

import pytest

import autograd_mini as ag
import nn
from autograd_mini import graph

from .conftest import ROOT
from .documents import alike, blocks, run

DOCS = ROOT / "docs"
REFERENCE = {page: re.findall(r"^::: (\S+)$", page.read_text("utf-8"), re.M) for page in DOCS.glob("api/*.md")}
PUBLIC = [f"autograd_mini.{name}" for name in ag.__all__] + [f"nn.{name}" for name in nn.__all__]


def of_docs(name):
    """Import one of the scripts in docs/."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS))


# --- the pages' sources


def test_every_public_name_is_described_once():
    described = sorted(name for names in REFERENCE.values() for name in names)
    others = ["nn.MLPClassifier", "nn.MLPRegressor", "nn.tabular"]  # asked for by name: not in nn.__all__
    assert described == sorted([*PUBLIC, *others])


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r"^ +- (?:\w[^:\n]*: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M))
    made = {"index.md", "contributing.md", "changelog.md", "course/*.md"}
    there = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert listed - made == {page for page in there if not page.endswith("_introduction.md")}


def test_the_page_on_the_engine_runs():
    page = (DOCS / "engine.md").read_text("utf-8")
    outcomes = run([block for block in blocks(page) if block.stated], {})
    assert outcomes
    for line, stated, found in outcomes:
        assert alike(stated, found), f"engine.md:{line} prints\n{found}"


def test_the_page_on_the_engine_has_the_tables_lines():
    """The rules that it quotes stand in the table so."""
    quoted = re.findall(r"^defvjp\(.*\)$", (DOCS / "engine.md").read_text("utf-8"), re.M)
    table = (ROOT / "autograd_mini/rules/elementwise.py").read_text("utf-8")
    assert quoted
    assert not [line for line in quoted if line.split() not in map(str.split, table.splitlines())]


def test_the_sweep_on_the_page_sweeps():
    """The skeleton of the sweep, run with the engine's own nodes, gives the engine's gradient."""
    (code,) = (b.body for b in blocks((DOCS / "engine.md").read_text("utf-8")) if b.body.startswith("while heap"))
    x = ag.Tensor([1.0, 2.0], requires_grad=True)
    y = ((x * x) * x + x).sum()
    names = {
        "heappop": importlib.import_module("heapq").heappop,
        "heappush": importlib.import_module("heapq").heappush,
        "fit": lambda share, parent: graph.fit(share, parent.out, None, 0),
        "heap": [-y.node.serial],
        "waiting": {-y.node.serial: y.node},
        "pending": {y.node: ag.Tensor(1.0).data},
    }
    code = code.replace("node.rule.vjps", "node.rule.vjps if node.rule else ()")  # leaves have none
    code = code.replace("g = pending.pop(node)", "g = pending.pop(node); found = g")
    code = code.replace("*node.args)", "*node.args, **node.kwargs or {})")
    exec(code, names)
    y.backward()
    assert list(names["found"]) == list(x.grad) == [4.0, 13.0]


# --- the house


def test_the_picture_of_the_house_shows_the_code(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["build_house.py", "--check"])
    of_docs("build_house").main()
    assert "up to date" in capsys.readouterr().out


def test_a_file_without_a_room_is_named(monkeypatch):
    house = of_docs("build_house")
    monkeypatch.setitem(house.NN, "training", "no_such_file")
    with pytest.raises(SystemExit, match=r"no room holds .*'training'"):
        house.homes()


def test_a_room_without_its_file_is_named(monkeypatch):
    house = of_docs("build_house")
    monkeypatch.setitem(house.NN, "training", "training no_such_file")
    with pytest.raises(SystemExit, match=r"hold what is not there.*no_such_file"):
        house.homes()


def test_a_circle_of_rooms_is_named():
    with pytest.raises(SystemExit, match="a circle: a -> b -> a"):
        of_docs("build_house").reduced({"a": {"b"}, "b": {"a"}})


def test_arrows_of_the_house():
    """By hand rests on NumPy alone; the engine on nothing of nn."""
    house = of_docs("build_house")
    arrows = house.arrows()
    assert arrows["by hand"] == {"NumPy"}
    assert all(not arrows[room] & set(house.NN) for room in house.ENGINE)
    assert house.reduced(arrows)["the table"] == {"foundations"}


# --- what becomes of docstrings, formulas and links


@pytest.mark.parametrize("name", ["build_house", "docstrings", "hooks"])
def test_examples(name):
    needs = {"docstrings": ["griffe"], "hooks": ["mkdocs", "latex2mathml", "fontTools"]}
    for needed in needs.get(name, []):
        pytest.importorskip(needed)
    assert not doctest.testmod(of_docs(name)).failed


@pytest.fixture
def hooks():
    for needed in ("mkdocs", "latex2mathml", "fontTools"):
        pytest.importorskip(needed)
    module = of_docs("hooks")
    module.site.__init__()
    yield module
    module.site.__init__()


@pytest.fixture
def docstrings():
    pytest.importorskip("griffe")
    return of_docs("docstrings")


def test_docstring_links_what_is_public(docstrings):
    said = docstrings.markdown("`fit`, `ag.grad`, `Tensor`, `nn.delta`, `nothing`, ``fit``", "nn")
    assert (
        said == "[`fit`][nn.fit], [`ag.grad`][autograd_mini.grad], `Tensor`, [`nn.delta`][nn.delta], `nothing`, ``fit``"
    )


def test_docstring_of_a_public_module_links_its_own_names_first(docstrings):
    said = docstrings.markdown("`LayerNorm`, `ACTIVATIONS`, `Linear`", "nn.delta")
    assert said == "[`LayerNorm`][nn.delta.LayerNorm], `ACTIVATIONS`, [`Linear`][nn.Linear]"
    assert docstrings.markdown("`load`", "nn.tables.dataset") == "[`load`][nn.tables.load]"
    assert docstrings.markdown("`compare`", "nn.compare") == "[`compare`][nn.compare]"


def test_docstring_does_not_link_a_parameter(docstrings):
    assert docstrings.markdown("`steps`", "autograd_mini", frozenset({"steps"})) == "`steps`"


def test_docstring_examples_anywhere_are_code(docstrings):
    assert docstrings.markdown("So:\n\n>>> `fit`\n[1][2]\n\nand", "nn").split("\n\n", 1)[1].split() == [
        "```pycon", ">>>", "`fit`", "[1][2]", "```", "and",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tex", "holds"),
    [
        (r"\lVert x \rVert^2", '<msup><mrow><mo stretchy="false">‖</mo><mi /></mrow><mn>2</mn></msup>'),
        (r"W^{\mathsf T}", "𝖳"),
        (r"f'(z)", '<mrow><mi>f</mi><mo lspace="0" rspace="0">′</mo></mrow>'),
        (r"\begin{aligned} a &= b \end{aligned}", 'style="text-align:right"'),
        (r"\dot q", '<mover accent="true"><mi>q</mi><mo>˙</mo></mover>'),
        (r"e \cos E", '<mo lspace="0.17em" rspace="0.17em">cos</mo>'),
        (r"\tanh(z)", '<mo lspace="0" rspace="0">tanh</mo>'),
        (r"\mbox{the $\Delta$ of $E$}", "<mi>Δ</mi>"),
    ],
)
def test_formula(hooks, caplog, tex, holds):
    assert holds in hooks.mathml(tex)
    assert not caplog.records


@pytest.mark.parametrize("tex", [r"\nosuchcommand x", r"a & b"])
def test_formula_that_cannot_be_set_stops_the_build(hooks, caplog, tex):
    hooks.mathml(tex)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


class Page:
    def __init__(self, uri):
        self.file = type("File", (), {"src_uri": uri})


def test_links_lead_to_the_sites_pages(hooks, caplog):
    hooks.site.pages = {
        "README.md": "index.md",
        "notebooks/01_a.ipynb": "course/01_a.md",
        "docs/claims.md": "claims.md",
    }
    hooks.site.origins = {page: origin for origin, page in hooks.site.pages.items()}
    text = 'The [course](notebooks/01_a.ipynb#sec), [claims](docs/claims.md), <img src="docs/a.svg">, `[x](y)`'
    said = hooks.on_page_markdown(text, Page("index.md"))
    assert said == 'The [course](course/01_a.md#sec), [claims](claims.md), <img src="a.svg">, `[x](y)`'
    assert hooks.on_page_markdown("[y](../README.md)", Page("course/01_a.md")) == "[y](../index.md)"
    assert not caplog.records
    hooks.on_page_markdown("[z](gone.md)", Page("index.md"))
    assert "gone.md" in caplog.text


def test_outputs_of_a_cell(hooks):
    text = {"output_type": "stream", "text": ["a ```` b\n"]}
    assert hooks.shown(text) == ("````` { .text .output }\na ```` b\n`````", None)
    picture = {"image/svg+xml": ["<svg/>"], "image/png": "iVBORw0KGgo=", "text/plain": ["<Figure size>"]}
    assert hooks.shown({"output_type": "display_data", "data": picture}) == ("", ("svg", "<svg/>", ""))
    formula = {"output_type": "display_data", "data": {"text/latex": [r"$$\delta$$"], "text/plain": ["d"]}}
    shown, _ = hooks.shown(formula)
    assert "<mi>δ</mi>" in hooks.site.raw[re.fullmatch("<p>(.*)</p>", shown)[1]]


# --- the built site


@pytest.fixture(scope="session")
def built():
    folder = os.environ.get("AUTOGRAD_MINI_SITE")
    if not folder:
        pytest.skip("AUTOGRAD_MINI_SITE does not name a built site")
    return Path(folder)


class Contents(HTMLParser):
    """What a page asks for as it is read, where its links lead, the places in it, and its text outside of code."""

    def __init__(self, text):
        super().__init__()
        self.assets, self.links, self.places, self.text, self.inside = [], [], set(), [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("script", "img", "source", "iframe", "video", "object") and given.get("src"):
            self.assets.append(given["src"])
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next", "alternate"):
            self.assets.append(given["href"])
        if tag in ("code", "pre", "script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if tag in self.inside:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.text.append(data)


@pytest.fixture(scope="session")
def pages(built):
    return {page.relative_to(built).as_posix(): Contents(page.read_text("utf-8")) for page in built.rglob("*.html")}


def test_built_pages_fetch_nothing(pages):
    fetched = {(page, a) for page, found in pages.items() for a in found.assets if re.match("[a-z]+:|//", a)}
    assert not {(page, address[:80]) for page, address in fetched if not address.startswith("data:")}


def test_built_styles_fetch_nothing(built):
    for style in built.rglob("*.css"):
        assert not re.findall(r"url\(['\"]?(?:https?:)?//[^)]*|@import[^;]*", style.read_text("utf-8")), style


def test_built_links_lead_somewhere(built, pages):
    lost = []
    for page, found in pages.items():
        if page == "404.html":  # whose links are the server's
            continue
        for link in [*found.links, *found.assets]:
            if re.match("[a-z]+:", link):
                continue
            path, place = urldefrag(link)
            there = (built / page).parent.joinpath(unquote(path)).resolve() if path else built / page
            there = there / "index.html" if there.is_dir() else there
            name = there.relative_to(built.resolve() if path else built).as_posix()
            if not there.is_file() or (place and name in pages and unquote(place) not in pages[name].places):
                lost.append(f"{page}: {link}")
    assert not lost


def test_built_formulas_are_set(pages):
    left = {
        page
        for page, found in pages.items()
        if re.search(r"\$\$|\\\(|\\\[|:math:|math::|raw-html-\d", "".join(found.text))
    }
    assert not left


def test_built_course_is_whole(built, pages):
    for notebook in ROOT.glob("notebooks/[0-9]*.ipynb"):
        assert (built / "course" / notebook.name).read_bytes() == notebook.read_bytes()
        assert f"course/{notebook.stem}.html" in pages


def test_built_reference_has_every_public_name(pages):
    places = set().union(*(found.places for page, found in pages.items() if page.startswith("api/")))
    assert not [name for name in PUBLIC if name not in places]
    for module in (nn.delta, nn.experiments, nn.init, nn.metrics, nn.notation, nn.tables, ag.errors):
        said = [name for name in module.__all__ if isinstance(getattr(module, name), (type, FunctionType))]
        assert not [name for name in said if f"{module.__name__}.{name}" not in places]


@pytest.mark.browser
def test_built_site_is_searched_in_a_browser(built, chromium):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home, faults = f"http://127.0.0.1:{server.server_port}/", []
    try:
        with chromium.driven() as program:
            page = program.new_context().new_page()
            page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
            page.on(
                "request", lambda r: faults.append(r.url) if not r.url.startswith((home, "data:", "blob:")) else None
            )
            page.goto(home + "index.html")
            page.fill("input.md-search__input", "jacobian")
            page.wait_for_selector(".md-search-result__link")
            found = page.eval_on_selector_all(".md-search-result__link", "links => links.map(link => link.href)")
            page.goto(home + "course/02_reverse_sweep.html")
            assert page.evaluate("document.fonts.load('16px Formulas').then(fonts => fonts.length)") == 1
            page.context.close()
    finally:
        server.shutdown()
        server.server_close()
    assert any("#autograd_mini.jacobian" in link for link in found)
    assert not faults
