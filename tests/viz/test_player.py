"""The player: one page that shows every number of the sweep, as a browser shows it; and what is refused."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.scipy.special import expit
from autograd_mini.viz.arrays import summary
from autograd_mini.viz.boxes import boxes_of
from autograd_mini.viz.playing.museum import BUGS, exhibit
from autograd_mini.viz.playing.story import inlined
from autograd_mini.viz.playing.typeset import typeset
from autograd_mini.viz.sheet import BAD
from autograd_mini.viz.theme import DARK, LIGHT

from ..browsing import WIDTHS, ask

WEIGHTS = {"w1": 0.15, "w2": 0.20, "w3": 0.25, "w4": 0.30, "w5": 0.40, "w6": 0.45, "w7": 0.50, "w8": 0.55}


def leaf(value, name):
    return ag.Tensor(value, requires_grad=True, name=name)


def mazur():
    """Mazur's 2-2-2 net, number by number: E = 0.298371109; and its leaves."""
    x1, x2 = ag.Tensor(0.05, name="x1"), ag.Tensor(0.10, name="x2")
    leaves = {name: leaf(value, name) for name, value in (WEIGHTS | {"b1": 0.35, "b2": 0.6}).items()}
    w1, w2, w3, w4, w5, w6, w7, w8, b1, b2 = leaves.values()
    with ag.keep():
        with ag.scope("hidden"):
            h1, h2 = expit(w1 * x1 + w2 * x2 + b1), expit(w3 * x1 + w4 * x2 + b1)
        with ag.scope("output"):
            o1, o2 = expit(w5 * h1 + w6 * h2 + b2), expit(w7 * h1 + w8 * h2 + b2)
        with ag.scope("loss"):
            error = 0.5 * (0.01 - o1) ** 2 + 0.5 * (0.99 - o2) ** 2
    error.name = "E"
    return error, leaves


def layers():
    """A small net of arrays."""
    rng = np.random.default_rng(0)
    w, v = leaf(rng.normal(size=(3, 2)), "W"), leaf(rng.normal(size=(9, 3)), "V")
    with ag.keep():
        with ag.scope("hidden"):
            h = np.tanh(rng.normal(size=(2, 2)) @ w.T)
        return np.mean(np.square(h @ v.T - 1.0)), {"W": w, "V": v}


def cube():
    x = leaf(3.0, "x")
    return x * x + x, {"x": x}


GRAPHS = {"scalars": mazur, "arrays": layers, "fan_out": cube}


@pytest.fixture(scope="module", params=list(GRAPHS))
def graph(request):
    return GRAPHS[request.param]()


@pytest.fixture(scope="module")
def page(graph, tmp_path_factory):
    return ag.player(graph[0], tmp_path_factory.mktemp("player") / "page.html")


# --------------------------------------------------------------------------------------------------------- the file


class Reader(HTMLParser):
    """Checks that what is opened is closed."""

    VOID = ("meta", "input", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_is_one_file_that_asks_for_nothing(page):
    text = page.read_text("utf-8")
    tags = Reader(text).tags
    assert not [tag for tag, _ in tags if tag in ("link", "img", "iframe", "object")]
    assert not [attrs for _, attrs in tags if {"src", "href", "xlink:href"} & set(attrs)]
    assert "default-src 'none'" in text
    assert "url(" not in text and "@import" not in text


def test_a_net_of_2_2_2_units_takes_less_than_150_kilobytes(tmp_path):
    assert ag.player(mazur()[0], tmp_path / "page.html").stat().st_size < 150_000


def test_it_is_the_same_file_in_every_run(tmp_path):
    pages = [ag.player(mazur()[0], tmp_path / f"{i}.html").read_bytes() for i in range(2)]
    assert pages[0] == pages[1]


def test_no_grad_is_set(tmp_path):
    y, leaves = mazur()
    ag.player(y, tmp_path / "page.html")
    assert all(x.grad is None for x in leaves.values())


def test_without_a_script_all_of_it_can_be_read(page, graph):
    """The picture is that of the sweep's end, and every step is in the page as words, formulas and numbers."""
    text = page.read_text("utf-8")
    assert 'class="js"' not in text
    steps = ag.steps(graph[0])
    shown = [step for step in steps if step.phase in ("forward", "seed") or step.contributions]
    assert text.count("<article") == len(shown) + 2
    for step in steps:
        if step.phase == "backward" and np.size(step.gradient) == 1:
            assert f"∂ {summary(step.gradient)}" in text


def test_names_are_escaped(tmp_path):
    a, b = leaf(2.0, "<script>alert(1)</script>"), leaf([1.0, 2.0], 'a "b" é 你')
    with ag.scope("</style>&"):
        y = np.sum(a * b)
    path = ag.player(y, tmp_path / "page.html", title="</title><script>", notes={"</style>&": "<b>one</b>\ntwo"})
    text = path.read_text("utf-8")
    assert [tag for tag, _ in Reader(text).tags].count("script") == 3
    assert "alert(1)<" not in text
    assert "&lt;/title&gt;&lt;script&gt;" in text
    assert "&lt;b&gt;one&lt;/b&gt;<br>two" in text


def test_a_rules_several_lines_are_written_as_one():
    assert inlined("t1 = 1 - y; t2 = t1 * 2; g * t2") == "g * ((1 - y) * 2)"
    assert inlined("t1 = np.zeros(3); t1[0] = g; t1") == "t1 = np.zeros(3); t1[0] = g; t1"


def test_formulas_in_unicode_become_mathml():
    sigma = typeset("σ′(zᵢ¹) Σⱼ")
    assert sigma.startswith('<msup><mi>σ</mi><mi>′</mi></msup><mo stretchy="false">(</mo><msubsup><mi>z</mi><mi>i</mi>')
    assert sigma.endswith('<mspace width=".2em"/><munder><mo>∑</mo><mi>j</mi></munder>')
    assert typeset("a < b") == "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"


def nan():
    return np.sum(leaf([[1.0, np.nan], [np.inf, 2.0]], "x") * leaf(2.0, "s"))


def empty():
    return np.sum(leaf(np.zeros((0, 3)), "e") * 2.0)


def many():
    return np.linalg.eigh(leaf(np.eye(2) + 0.5, "A"))[0].sum()


def scattered():
    return np.sum(leaf(np.arange(5.0), "v")[np.array([0, 0, 1])] * 2.0)


def complex_numbers():
    return np.abs(np.sum(leaf([1 + 2j, 3.0], "c") * 2))


@pytest.mark.parametrize("case", [nan, empty, many, scattered, complex_numbers], ids=lambda case: case.__name__)
def test_odd_values_are_shown(case, tmp_path):
    Reader(ag.player(case(), tmp_path / "page.html").read_text("utf-8"))


def test_a_cotangent_is_the_seed(tmp_path):
    v = leaf([1.0, 2.0], "v")
    path = ag.player(v * v, tmp_path / "page.html", cotangent=[0.25, 8.0])
    assert "with the cotangent that was given" in path.read_text("utf-8")


def test_rules_by_hand_stand_beside_the_sweep(tmp_path):
    y, _ = cube()
    rules = {"x": {"by_hand": 7.5, "Y": "∂E/∂x = 2 x + 1", "labels": ["only"]}}
    text = ag.player(y, tmp_path / "page.html", rules=rules).read_text("utf-8")
    row = re.findall("<tr><th>only</th>(.*?)</tr>", text)
    assert re.findall("<td>(.*?)</td>", row[0]) == ["7.5", "−7.5", "7", "0.5"]
    assert "By hand" in text and 'value="Y" selected' in text


# ------------------------------------------------------------------------------------------------------- as it is seen


LOOK = """const read = g => [...g.querySelectorAll("text")].map(t => t.textContent).join(" ");
    const part = (n, kind) => [...n.querySelectorAll(kind)].filter(seen).map(read).join("|");
    const nodes = [...d.querySelectorAll(".n")];
    const look = () => Object.fromEntries(nodes.map(n => [n.id, [part(n, ".v"), part(n, ".g")]]));
    const last = +d.getElementById("slider").max;
"""


def words(a, sign=""):
    """What a box shows of an array whose numbers are written out."""
    a = np.asarray(a)
    if a.size == 1:
        return f"{sign}{summary(a)}"
    if max(a.reshape(-1, a.shape[-1]).shape) > 3:
        return f"{sign}{summary(a)}"
    return re.sub(r"[\[\],]", "", summary(a)) + (f" {sign.strip()}" if sign else "")


def expected(y):
    """What each box shows at each step: computed here from the engine's gradients, contribution by contribution."""
    steps = ag.steps(y)
    ids = {step.name: step.id for step in steps if step.phase in ("input", "forward")}
    leaves = {step.id: step for step in steps if step.phase == "input"}
    flowing = {step.id for step in steps if step.gradient is not None}
    now = {step.id: ["", "" if step.id in flowing else "∂ –"] for step in steps}
    moments = []
    for step in steps:
        if step.phase == "input":
            now[step.id][0] = words(step.value)
    moments.append({key: [*both] for key, both in now.items()})
    if not any(seen for _, seen in moments[0].values()):
        moments[0] = {key: [value, ""] for key, (value, _) in moments[0].items()}
    for step in steps:
        if step.phase == "forward":
            now[step.id][0] = words(step.value)
        elif step.phase == "seed":
            now[step.id][1] = words(step.gradient, "∂ ")
        elif step.phase == "backward" and step.contributions:
            for sent in step.contributions:
                now[ids[sent.operand]][1] = words(sent.total, "∂ ")
        else:
            continue
        moments.append({key: [*both] for key, both in now.items()})
    moments.append({key: [*both] for key, both in now.items()})
    assert leaves
    return moments


def test_every_step_forward_and_back_shows_the_engines_numbers(browser, page, graph):
    shown = browser.open(page)
    shown.keyboard.press("Home")  # the keys work, whatever has the focus
    now = ask(shown, f"{LOOK} window.looked = () => [at(), last, look()]; return looked();")
    there, back, look = [now], [], "looked()"
    while there[-1][0] < there[-1][1]:
        shown.keyboard.press("ArrowRight")
        there.append(shown.evaluate(look))
    while True:
        back.insert(0, shown.evaluate(look))
        if back[0][0] == 0:
            break
        shown.keyboard.press("ArrowLeft")
    there, back = ([step for _, _, step in steps] for steps in (there, back))
    hoped = expected(graph[0])
    for shown in (there, back):
        assert len(shown) == len(hoped)
        for i, (one, other) in enumerate(zip(shown, hoped, strict=True)):
            constants = {key for key, (_, gradient) in hoped[-1].items() if gradient == "∂ –"}
            for key in other:
                assert one[key][0] == other[key][0], (i, key)
                if key not in constants:
                    assert one[key][1] == other[key][1], (i, key)
    y, leaves = graph
    ids = {step.name: step.id for step in ag.steps(y)}
    for name, gradient in zip(leaves, ag.gradients(y, list(leaves.values())), strict=True):
        assert there[-1][ids[name]][1] == words(np.asarray(gradient), "∂ ")


def test_links_keys_slider_and_clicks_go_to_a_step(browser, tmp_path):
    page = ag.player(cube()[0], tmp_path / "page.html")
    shown = browser.open(page, hash="#4")
    at, play = "+document.querySelector('article.on').dataset.step", shown.locator("#play")
    been = [shown.evaluate(at)]
    assert shown.evaluate("+slider.max") == 6

    def after(do, *arguments):
        do(*arguments)
        been.append(shown.evaluate(at))

    for key in ("Home", "ArrowRight", "ArrowDown", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft"):
        after(shown.keyboard.press, key)
    shown.keyboard.press(" ")
    assert play.text_content() == "Pause"
    shown.keyboard.press(" ")
    assert play.text_content() == "Play"
    assert been == [4, 0, 1, 2, 1, 6, 6, 0, 0]
    been.clear()
    after(shown.locator("#slider").fill, "3")
    after(shown.locator("#next").click)
    after(shown.locator("#n1").click)  # the sweep has begun: where z1 passes its gradient on
    shown.keyboard.press("Home")
    after(shown.locator("#n1").click)  # before: where it is computed
    assert been == [3, 4, 5, 1]
    shown.wait_for_url("**#1")
    shown.evaluate("location.hash = '#999'")
    shown.locator("article.on[data-step='6']").wait_for()


MEASURE = """const faults = [], box = e => e.getBoundingClientRect();
    const last = +d.getElementById("slider").max;
    const off = (a, b) => a.right < b.left + 1 || a.bottom < b.top + 1, apart = (a, b) => off(a, b) || off(b, a);
    const scrolls = e => { for (; e; e = e.parentElement) {
      if (["auto", "scroll"].includes(w.getComputedStyle(e).overflowX)) return true; } return false; };
    press("End");
    if (d.documentElement.scrollWidth > d.documentElement.clientWidth) faults.push("wider than the window");
    const nodes = [...d.querySelectorAll(".n")], frames = nodes.map(n => box(n.querySelector(".b")));
    nodes.forEach((n, i) => {
      const words = [...n.querySelectorAll("text")].filter(seen);
      for (const t of words) {
        const b = box(t), f = frames[i];
        if (b.left < f.left - 1 || b.right > f.right + 1 || b.top < f.top - 1 || b.bottom > f.bottom + 1)
          faults.push(`${n.id}: ${t.textContent} leaves its box`);
        for (const u of words)
          if (u !== t && !apart(box(u), b)) faults.push(`${n.id}: ${t.textContent} on ${u.textContent}`);
      }
      frames.forEach((f, j) => { if (j < i && !apart(f, frames[i])) faults.push(`${n.id} on ${nodes[j].id}`); });
    });
    for (let i = 0; i <= last; i++) {
      d.getElementById("slider").value = i; d.getElementById("slider").dispatchEvent(new w.Event("input"));
      for (const l of [...d.querySelectorAll(".lab")].filter(seen))
        if (frames.some((f, j) => !apart(box(nodes[j].querySelector(".b")), box(l)))) faults.push(`${l.id} on a box`);
      for (const e of d.querySelectorAll("article.on *, #panel > *")) {
        const b = box(e);
        if (b.width && b.right > d.documentElement.clientWidth + 1 && !scrolls(e.parentElement))
          faults.push(`${i}: ${e.tagName} clipped`);
      }
    }
    return [...new Set(faults)].slice(0, 10);"""


@pytest.mark.parametrize("bug", [None, "wrong_sign"])
def test_nothing_is_clipped_or_overlaps(browser, bug, tmp_path):
    """At 1500, 800 and 420 pixels."""
    y = layers()[0] if bug is None else mazur()[0]
    shown = browser.open(ag.player(y, tmp_path / "page.html", bug=bug))
    for width in WIDTHS:
        shown.set_viewport_size({"width": width, "height": 860})
        assert ask(shown, MEASURE) == [], width


def test_the_theme_follows_the_reader_and_a_switch(browser, tmp_path):
    page = ag.player(cube()[0], tmp_path / "page.html")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light, dark = rgb(LIGHT.paper), rgb(DARK.paper)
    for prefers_dark, first, then in ((False, light, dark), (True, dark, light)):
        shown = browser.open(page, dark=prefers_dark)
        assert shown.evaluate(paper) == first
        shown.locator("#theme").click()
        assert shown.evaluate(paper) == then
    shown = browser.open(page)
    shown.emulate_media(color_scheme="dark")  # while it is open
    assert shown.evaluate(paper) == dark


def rgb(colour):
    return f"rgb({', '.join(str(byte) for byte in bytes.fromhex(colour[1:]))})"


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read(name):
    theme = {"light": LIGHT, "dark": DARK}[name]
    texts = {"ink": theme.ink, "muted": theme.muted, "value": theme.value, "gradient": theme.gradient}
    texts |= {"local": theme.local, "fault": theme.fault, "bad": BAD[name]}
    papers = {key: getattr(theme, key) for key in ("paper", "leaf", "constant", "result", "output", "group")}
    low = [(t, p) for t, text in texts.items() for p, paper in papers.items() if contrast(text, paper) < 4.5]
    assert low == []


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    parts = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) / 255
    return float(np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_without_a_script_every_step_is_seen(browser, tmp_path):
    page = ag.player(cube()[0], tmp_path / "page.html")
    script = """const high = [...d.querySelectorAll("article")].map(a => a.getBoundingClientRect().height > 20);
        const on = kind => [...d.querySelectorAll(kind)].filter(seen).map(e => e.textContent);
        return [high, on("#net .g:not(.p)"), on("#net .g.p"), w.getComputedStyle(d.querySelector("nav")).display];"""
    high, whole, partial, controls = ask(browser.open(page, script=False), script)
    assert high == [True] * 7
    assert whole == ["∂ 7", "∂ 1", "∂ 1"] and partial == []
    assert controls == "none"


def test_predict_hides_the_number_and_says_what_is_left_out(browser, tmp_path):
    page = ag.player(mazur()[0], tmp_path / "page.html")
    shown = browser.open(page, hash="#45")
    shown.locator("#predict").click()
    shares = shown.locator("#n6 .g")
    share, score = shown.locator("article.on .asking"), shown.locator("#score")
    assert share.locator(".ans").first.is_hidden()

    def visible():
        return any(shares.nth(i).is_visible() for i in range(shares.count()))

    def tell(text):
        shown.locator("#answer").fill(text)
        shown.keyboard.press("Enter")
        return shown.locator("#said").text_content()

    assert not visible()
    assert [tell(text) for text in ("0.1385", "0.5933", "-0.08217", "four", "77")] == [
        "That is the incoming gradient: the local derivative is left out.",
        "That is the local derivative: the incoming gradient is left out.",
        "The size is right; look at the sign.",
        "A number, please: −0.25 or 1e-3.",
        "Not yet. A hint?",
    ]
    tell("0.0825")
    assert score.text_content() == "0 of 1" and visible()
    tell("0.0554")
    assert score.text_content() == "1 of 2"
    assert share.count() == 0 and shown.locator("#ask").is_hidden()


def test_motion_stops_where_the_reader_wants_none(page):
    text = page.read_text("utf-8")
    assert text.count("animation:") == text.count("@media (prefers-reduced-motion:no-preference){.e.on path{animation:")


# ------------------------------------------------------------------------------------------------------ the bug museum


def wrong_of(y, bug):
    boxes = boxes_of(y, None, None)
    shown = exhibit(boxes, bug)
    return {box.name: shown.gradients.get(box.id) for box in boxes}, shown


def test_overwriting_keeps_the_last_share_alone():
    """x * x + x at 3: 1, then 3, then 3 are to be added up (claim Y8)."""
    assert wrong_of(cube()[0], "overwrite")[0]["x"] == 3


def test_gradients_that_are_not_set_to_zero_double():
    assert wrong_of(cube()[0], "no_zero_grad")[0]["x"] == 14


def test_depth_first_passes_on_what_is_not_whole():
    """y = h + 2 h with h = 3 x: by depth first, h passes 1 on, and its other share, 2, is lost."""
    x = leaf(1.0, "x")
    h = 3.0 * x
    assert wrong_of(h + 2.0 * h, "dfs_order")[0]["x"] == 3
    assert ag.gradients(h + 2.0 * h, [x])[0] == 9


def test_a_transpose_left_out_gives_each_unit_anothers_share():
    w = leaf([[1.0, 2.0], [3.0, 4.0]], "W")
    x, g = np.array([[1.0, 0.0]]), np.array([[1.0, 10.0]])
    with ag.keep():
        y = np.sum(x @ w.T * g)
    wrong, _ = wrong_of(y, "no_transpose")
    np.testing.assert_array_equal(wrong["W"], ag.gradients(y, [w])[0].T)


def test_a_slope_left_out_passes_the_gradient_as_it_is():
    x = leaf(0.3, "x")
    assert wrong_of(np.tanh(x) * 5.0, "no_sigma_prime")[0]["x"] == 5


def test_a_tuple_is_swept_too():
    a = leaf(np.array([[2.0, 0.5], [0.5, 1.0]]), "A")
    y = np.linalg.eigh(a)[0] @ np.array([1.0, 2.0]) + np.sum(a)
    wrong, _ = wrong_of(y, "wrong_sign")
    np.testing.assert_array_equal(wrong["A"], -ag.gradients(y, [a])[0])


def test_the_wrong_sign_turns_every_gradient_round():
    wrong, _ = wrong_of(mazur()[0], "wrong_sign")
    y, leaves = mazur()
    for name, gradient in zip(leaves, ag.gradients(y, list(leaves.values())), strict=True):
        assert wrong[name] == -gradient


@pytest.mark.parametrize("bug", BUGS)
def test_the_wrong_gradients_change_how_the_loss_falls(bug):
    """The right curve is plain gradient descent by the engine; the wrong one is another."""
    y, leaves = layers() if bug in ("no_transpose", "no_sigma_prime") else mazur()
    if bug == "no_transpose":
        w = leaf([[1.0, 2.0], [3.0, 4.0]], "W")
        with ag.keep():
            y = np.mean(np.square(np.array([[1.0, 0.5]]) @ w.T))
        leaves = {"W": w}
    shown = wrong_of(y, bug)[1]
    assert shown.right != shown.wrong
    assert shown.right[0] == shown.wrong[0] == float(y.data)
    assert shown.right == sorted(shown.right, reverse=True)
    for x, gradient in zip(leaves.values(), ag.gradients(y, list(leaves.values())), strict=True):
        x.data = x.data - shown.rate * gradient
    again = {"overwrite": mazur}.get(bug)
    if again is not None:  # the same function at the new leaves
        values = [x.data for x in leaves.values()]
        y, fresh = again()
        for x, value in zip(fresh.values(), values, strict=True):
            x.data = value
        assert exhibit(boxes_of(retold(fresh), None, None), bug).right[0] == pytest.approx(shown.right[1], rel=1e-12)


def retold(leaves):
    """Mazur's net at the leaves as they are now."""
    w1, w2, w3, w4, w5, w6, w7, w8, b1, b2 = leaves.values()
    with ag.keep():
        h1, h2 = expit(w1 * 0.05 + w2 * 0.1 + b1), expit(w3 * 0.05 + w4 * 0.1 + b1)
        o1, o2 = expit(w5 * h1 + w6 * h2 + b2), expit(w7 * h1 + w8 * h2 + b2)
        return 0.5 * (0.01 - o1) ** 2 + 0.5 * (0.99 - o2) ** 2


def test_without_kept_values_there_is_no_curve(tmp_path):
    y, leaves = cube()
    leaves.clear()
    text = ag.player(y, tmp_path / "page.html", bug="overwrite").read_text("utf-8")
    assert "polyline" in text  # x is a residual of x * x
    v = leaf([1.0, 2.0], "v")
    path = ag.player(v * v + v, tmp_path / "page.html", bug="overwrite", cotangent=[1.0, 1.0])
    assert "No loss curves" in path.read_text("utf-8")


def test_the_first_wrong_step_is_in_red_and_one_click_away(browser, tmp_path):
    y, _ = mazur()
    page = ag.player(y, tmp_path / "page.html", bug="overwrite")
    assert page.stat().st_size < 150_000
    script = (
        LOOK
        + """d.getElementById("fault").click();
        const first = at(), words = () => d.querySelector("article.on").textContent;
        const here = words(), w_ = [...d.querySelectorAll(".w")].filter(seen).map(e => e.textContent);
        const red = w.getComputedStyle(d.querySelector("article.on .first")).backgroundColor;
        press("ArrowLeft"); const before = [words().includes("With the bug: the same"), words().includes("wrong step")];
        press("Home"); return [first, here, w_, red, before, d.querySelectorAll("article.on polyline").length];"""
    )
    first, here, wrong, red, before, curves = ask(browser.open(page), script)
    steps = [step for step in ag.steps(y) if step.phase == "backward" and step.contributions]
    reused = next(step for step in steps for sent in step.contributions if sent.use > 1)
    assert f"≠ {summary(reused.contributions[-1].value)}" in wrong
    assert first > 0 and "The first wrong step" in here and red == rgb(BAD["light"])
    assert before == [True, False] and curves == 2
