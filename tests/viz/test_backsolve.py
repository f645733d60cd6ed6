"""The player's matrix of local derivatives: solved upward in step with the sweep, and never wider than the window."""

import re

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import AutogradError
from autograd_mini.viz.arrays import number

from ..browsing import ask, look_at
from .nets import two_two_two, worked_example
from .test_player import cube, leaf, mazur

GRAPHS = {"scalars": mazur, "arrays": two_two_two, "written": cube}
READ = """const rows = [...d.querySelectorAll(".mr")], shown = e => getComputedStyle(e).visibility === "visible";
    window.read = () => rows.map(r => [r.dataset.of, r.classList.contains("has"), shown(r.querySelector(".mg"))]);
    return read();"""


def system_of(page):
    return page.read_text("utf-8").partition('<aside id="system"')[2].partition("</aside>")[0]


@pytest.fixture(scope="module", params=list(GRAPHS))
def graph(request):
    return GRAPHS[request.param]()[0]


@pytest.fixture(scope="module")
def page(graph, tmp_path_factory):
    return ag.player(graph, tmp_path_factory.mktemp("backsolve") / "page.html")


def test_the_gradients_in_it_are_those_that_numpy_solves(graph, page):
    system = ag.triangular(graph)
    solved = np.linalg.solve(np.eye(len(system.names)) - system.matrix.T, system.seed)
    shown = re.findall(r"<g id=g(\d+) .*?<text[^>]*>(.*?)</text></g>", system_of(page))
    assert [int(i) for i, _ in shown] == list(range(len(solved)))
    np.testing.assert_allclose([float(text.replace("−", "-")) for _, text in shown], solved, rtol=6e-4, atol=1e-15)


def test_its_cells_are_the_local_derivatives(graph, page):
    matrix = ag.triangular(graph).matrix
    cells = re.findall(r"id=m(\d+)_(\d+) class.*?<title>(.*?)</title>", system_of(page))
    assert {(int(i), int(j)) for i, j, _ in cells} == set(zip(*map(np.ndarray.tolist, np.nonzero(matrix)), strict=True))
    assert all(text == number(matrix[int(i), int(j)]) for i, j, text in cells)


def test_a_row_appears_with_its_value_and_is_solved_with_its_gradient(browser, graph, page):
    """At every step, forward and back."""
    ids = ag.triangular(graph).ids
    known = {step.id for step in ag.steps(graph) if step.phase == "input"}
    of = {step.name: step.id for step in ag.steps(graph)}
    whole: set[str] = set()
    hoped = []

    def at_this_step():
        hoped.append([[i, i in known, i in whole] for i in ids])

    at_this_step()
    for step in ag.steps(graph):
        if step.phase == "forward":
            known.add(step.id)
        elif step.phase == "seed":
            whole.add(step.id)
        elif step.phase == "backward" and step.contributions:
            whole |= {of[sent.operand] for sent in step.contributions if sent.use == sent.uses}
        else:
            continue
        at_this_step()
    hoped.append([[i, True, True] for i in ids])
    shown = browser.open(page, hash="#0")
    seen = [ask(shown, READ)]
    for _ in hoped[1:]:
        shown.keyboard.press("ArrowRight")
        seen.append(shown.evaluate("read()"))
    assert seen == hoped
    for step in hoped[-2::-1]:
        shown.keyboard.press("ArrowLeft")
        assert shown.evaluate("read()") == step


def test_a_step_lights_the_terms_of_the_rows_that_it_solves(browser, tmp_path):
    """x * x + x at 3: the last share makes dy/dx whole, 6 times that of z1 and 1 times that of y."""
    page = browser.open(ag.player(cube()[0], tmp_path / "page.html"), hash="#5")
    look = """const said = d.getElementById("solved");
        return [[...d.querySelectorAll(".mc.on,.mg.on")].map(e => e.id).sort(),
        d.querySelector(".mr.cur .ml").textContent, [...d.querySelectorAll(".mr.to .ml")].map(e => e.textContent),
        d.querySelector(".n.cur").id === d.querySelector(".mr.cur").dataset.of, said.innerText];"""
    assert ask(page, look) == [["g1", "g2", "m1_0", "m2_0"], "z1", ["x"], True, "∂x = 6 · ∂z1 + 1 · ∂y = 7"]
    page.keyboard.press("ArrowLeft")
    assert ask(page, look)[-1] == "∂z1 = 1 · ∂y = 1\n∂x: not all terms are known yet"
    page.locator("#first").click()
    page.keyboard.press("ArrowRight")
    assert ask(page, look)[-1] == "∂z1/∂x = 6"


def test_nothing_of_it_is_clipped_or_overlaps(browser, page):
    """At three widths, light and dark, at a step of the sweep and at the end."""
    unfold = "if (document.getElementById('system').hidden) document.getElementById('matrix').click(); "
    steps = [f"{unfold}slider.value = slider.max * {share} | 0; slider.oninput()" for share in (0.6, 1)]
    assert look_at(browser.open(page), states=steps) == []


def test_it_can_be_folded(browser, tmp_path):
    page = browser.open(ag.player(cube()[0], tmp_path / "page.html"))
    assert page.locator("#system").is_visible()
    page.locator("#matrix").click()
    assert not page.locator("#system").is_visible()
    assert page.locator("#matrix").get_attribute("aria-pressed") == "false"


def test_predict_holds_its_numbers_back_too(browser, tmp_path):
    page = browser.open(ag.player(cube()[0], tmp_path / "page.html"), hash="#5")
    page.locator("#predict").click()
    read = """return [getComputedStyle(d.getElementById("g0")).visibility,
        getComputedStyle(d.getElementById("solved")).visibility];"""
    assert ask(page, read) == ["hidden", "hidden"]
    for _ in range(2):
        page.locator("#reveal").click()
    assert ask(page, read) == ["visible", "visible"]


def test_without_a_script_all_of_it_is_seen(browser, tmp_path):
    page = browser.open(ag.player(cube()[0], tmp_path / "page.html"), script=False)
    assert page.locator("#g0").is_visible() and page.locator("#m2_0").is_visible()
    assert "∂x  = 6 · ∂z1 + 1 · ∂y = 7" in page.locator("#system-text").text_content()


@pytest.mark.parametrize(
    ("wanted", "keywords", "shown"),
    [(cube, {}, True), (cube, {"matrix": False}, False), (cube, {"bug": "overwrite"}, False),
     (cube, {"bug": "overwrite", "matrix": True}, True),
     (worked_example, {}, False), (worked_example, {"matrix": True}, True)],
    ids=["few", "few_not_wanted", "bug", "bug_wanted", "many", "many_wanted"],
)  # fmt: skip
def test_it_is_there_where_the_numbers_are_few_or_it_is_wanted(wanted, keywords, shown, tmp_path):
    text = ag.player(wanted()[0], tmp_path / "page.html", **keywords).read_text("utf-8")
    assert ('<aside id="system"' in text, 'id="matrix"' in text) == (shown, shown)


def test_what_has_no_matrix_has_a_page_without_one(tmp_path):
    """Complex numbers are not followed one by one: who asks is told so."""
    y = np.abs(np.sum(leaf([1 + 2j, 3.0], "c") * 2))
    assert "<aside" not in ag.player(y, tmp_path / "page.html").read_text("utf-8")
    with pytest.raises(AutogradError, match=r"player: .* is complex"):
        ag.player(y, tmp_path / "page.html", matrix=True)


def test_nan_and_inf_stand_in_it(tmp_path):
    with np.errstate(all="ignore"):
        y = np.sum(np.log(leaf([1.0, np.nan, 0.0], "x")))
    assert system_of(ag.player(y, tmp_path / "page.html")).count("h hx") == 4  # two derivatives, two gradients


def test_a_heat_map_is_saved(tmp_path):
    system = ag.triangular(cube()[0])
    path = system.save(tmp_path / "triangular.svg")
    assert path.read_text("utf-8") == system.svg("auto") + "\n"


# ----------------------------------------------------------------------------------------------- formulas are copied


def test_a_copy_of_a_formula_is_latex(browser, tmp_path):
    page = browser.open(ag.player(cube()[0], tmp_path / "page.html"), hash="#5")
    script = """const copied = e => {
          getSelection().selectAllChildren(e);
          const event = new ClipboardEvent("copy", {clipboardData: new DataTransfer(), bubbles: true});
          d.body.dispatchEvent(event);
          return event.clipboardData.getData("text/plain");
        };
        const on = d.querySelector("article.on");
        return [copied(on.querySelector("h2")), copied(on.querySelector("math[display=block]")),
          on.querySelector("h2 annotation").textContent, copied(d.querySelector("h1")),
          [...on.querySelectorAll("math")].every(m => m.querySelector("annotation[encoding='application/x-tex']"))];"""
    heading, equation, note, words, all_of_them = ask(page, script)
    assert heading == "Back through ${z}_{1}$ = $x\\cdot x$"
    assert equation.startswith(
        r"$\begin{aligned} \frac{\partial y}{\partial x} & +=\frac{\partial y}{\partial {z}_{1}}"
    )
    assert equation.endswith(r"\\  & =3 \end{aligned}$")
    assert note == "{z}_{1}"
    assert words == "" and all_of_them


# -------------------------------------------------------------------------------------------------------- the picture


def test_a_neurons_weights_stand_beside_each_other(tmp_path):
    """Mazur's net: w1 and w2 enter h1, w3 and w4 enter h2."""
    text = ag.player(mazur()[0], tmp_path / "page.html").read_text("utf-8")
    places = {
        name: (int(x), int(y))
        for x, y, name in re.findall(
            r'class="n \w+" transform="translate\((\d+) (\d+)\)"><title>\w+/(w\d)</title>', text
        )
    }
    for axis in (0, 1):
        order = sorted((f"w{i}" for i in range(1, 5)), key=lambda name: places[name][axis])
        if len({places[name][axis] for name in order}) > 1:
            assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({"w1", "w2"}), frozenset({"w3", "w4"})}
