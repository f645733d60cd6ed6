"""Every page as people see it: in windows of 1500, 800 and 420 pixels, light and dark, by keyboard, without motion.

`look_at` names what is wrong (looking.js); that it finds each kind of fault is tested first, on faults planted in a
page that has none.
"""

import asyncio

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import tables, tabular
from nn.reports import table as report

from .browsing import look, look_at, tab_through
from .nn.test_tabular import QUICK, flowers, write
from .viz.nets import GRAPHS, leaf

HOST = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width"><title>a page</title></head>
<body><main><h1>A page</h1>{}</main></body></html>"""


def hosted(part, folder, name="page.html"):
    """A page that has nothing but what a view gives for a page or a notebook."""
    page = folder / name
    page.write_text(HOST.format(part), "utf-8")
    return page


# ------------------------------------------------------------------------------------------- what the looking finds


def svg(part):
    return f'<svg viewBox="0 0 200 100" width="200" aria-label="a picture">{part}</svg>'


def on_white(part):
    return HOST.format(f'<div style="color:#000;background:#fff">{part}</div>')


SOUND = [
    "<p>Plain words, <b>bold</b>, <small>small</small>, H<sub>2</sub>O, <a href='#x' style='color:inherit'>a link</a>.",
    "<math><msub><mi>w</mi><mn>1</mn></msub><mo>=</mo><mfrac><mn>1</mn><mn>2</mn></mfrac></math>",
    '<div style="overflow:auto;width:9em"><p style="width:999em;margin:0">what scrolls</p></div>',
    '<p style="overflow:hidden;width:200px">short</p>',
    '<p style="font-size:30px;color:#888;background:#fff">large and pale</p>',
    '<p style="position:absolute;width:1px;height:1px;overflow:hidden;white-space:nowrap">for screen readers alone</p>',
    '<p style="visibility:hidden;color:#fff;background:#fff">nothing to be seen</p>',
    "<button disabled style='opacity:.3'>no</button>",
    "<button>press</button><label>name <input></label><select aria-label='one'><option>a</select>",
    svg('<g class="n"><rect fill="#fff" width="90" height="30"/><text x="5" y="20">in a node</text></g>'),
    svg('<rect fill="#111" width="90" height="30"/><text x="5" y="20" fill="#ddd">pale</text>'),
    svg('<text x="5" y="20">one line</text><text x="5" y="38">and another</text>'),
    svg('<text x="5" y="20" opacity="0" fill="#eee">unseen</text>'),
    "<details><summary>more</summary><p>words</p></details>",
    "<style>@keyframes turn{to{rotate:1turn}} @media not (prefers-reduced-motion:reduce){p{animation:turn 1s infinite}}"
    "</style><p>moves for those who like it</p>",
]


def test_what_is_sound_is_left_alone(browser, tmp_path):
    page = browser.open(
        hosted("".join(f'<div style="color:#000;background:#fff">{part}</div>' for part in SOUND), tmp_path), still=True
    )
    assert look_at(page, widths=(800,)) == []
    assert tab_through(page) == []


PLANTED = {  # by kind: what there is to be said, and of what
    "wide": [("2008 px in a window of 800", '<p style="width:2000px">wide</p>')],
    "clipped": [
        ('"too long', '<p style="overflow:hidden;white-space:nowrap;width:30px">too long for it</p>'),
        ('"too high', '<p style="overflow:hidden;height:8px;width:200px">too high</p>'),
        ('"left of all', '<p style="margin-left:-60px">left of all</p>'),
        ('"folded', '<details><summary>a</summary><p style="overflow:clip;height:9px">folded</p></details>'),
        ('"123456789012" in its field', '<input aria-label="n" size="2" value="123456789012">'),
        ('"too far"', '<svg width="50" height="9" aria-label="p"><text x="20" y="8">too far</text></svg>'),
    ],
    "outside": [
        ('"wide" leaves its cell', svg('<rect fill="#fff" width="20" height="20"/><text x="-3" y="15">wide</text>')),
        ('"off its view" leaves the picture', svg('<text x="170" y="50">off its view</text>')),
        (
            '"too wide" leaves the box of n7',
            svg('<g class="n" id="n7"><rect fill="#fff" width="30" height="30"/><text y="20">too wide</text></g>'),
        ),
        (
            '"below" leaves the box of n8',
            svg('<g class="node" id="n8"><polygon fill="#fff" points="0,0 90,0 90,30"/><text y="50">below</text></g>'),
        ),
    ],
    "overlap": [
        ('"second" on "first"', '<p>first</p><p style="margin-top:-2em">second</p>'),
        ('"∂ 7" on "x = 1"', svg('<text x="9" y="50">x = 1</text><text x="20" y="53">∂ 7</text>')),
        ('"w" on "words"', '<p>words<math style="margin-left:-1em"><mi>w</mi></math></p>'),
    ],
    "contrast": [
        ('"pale" has 2.85', '<p style="color:#999">pale</p>'),
        ('"faint" has 2.85', '<p style="opacity:.4">faint</p>'),
        ('"see-through" has 2.85', '<p style="color:rgba(0,0,0,.4)">see-through</p>'),
        ('"on light red" has', '<p style="color:#c00;background:rgba(255,0,0,.5)">on light red</p>'),
        ('"another space" has 2.85', '<p style="color:color(srgb .6 .6 .6)">another space</p>'),
        ('"twenty" has 3.54', '<p style="font-size:20px;color:#888">twenty</p>'),
        ('"large" has 2.85', '<p style="font-size:40px;color:#999">large</p>'),
        ('"on an image" lies', '<p style="background-image:linear-gradient(#000,#fff)">on an image</p>'),
        ('"half" has', svg('<rect fill="#222" x="20" width="90" height="30"/><text x="5" y="20">half</text>')),
        ('"on grey" has 3.66', svg('<rect fill="#666" width="99" height="30"/><text x="5" y="20">on grey</text>')),
        ('"dim" has 2.85', svg('<g opacity=".4"><text x="5" y="20">dim</text></g>')),
        ('"pale value" has 2.85', '<input aria-label="a" value="pale value" style="color:#999;background:#fff">'),
    ],
    "structure": [
        ("the id twice stands twice", '<p id="twice">a</p><p id="twice">b</p>'),
        ("a button has no name", "<button><svg width='9' height='9'></svg></button>"),
        ("a input has no name", "<input>"),
        ("a select has no name", "<select><option>a</select>"),
        ("img", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
        ("an svg has no text", '<svg width="9" height="9"></svg>'),
        ("the page has not one h1", "<h1>again</h1>"),
        ("the page has not one main", "<main>again</main>"),
        ('"astray" stands in no landmark', "</div></main><p>astray</p><main hidden>"),
    ],
    "moving": [
        ("turn", "<style>@keyframes turn{to{rotate:1turn}}p{animation:turn 1s infinite}</style><p>round</p>"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_fault_is_found(browser, kind, tmp_path):
    page = browser.open(hosted("", tmp_path), still=True)
    for fault, part in PLANTED[kind]:
        page.set_content(on_white(part))
        found = look_at(page, widths=(800,), schemes=("light",))
        assert [text for text in found if text.startswith(f"800 light: {kind}: {fault}")], (fault, found)


def test_what_a_page_must_have_is_missed(browser, tmp_path):
    page = browser.open(hosted("", tmp_path))
    for part, missing in [
        (' lang="en"', "the page has no lang"),
        ("<title>a page</title>", "the page has no title"),
        ('<meta name="viewport" content="width=device-width">', "the page has no viewport for phones"),
    ]:
        page.set_content(HOST.format("").replace(part, ""))
        assert look(page) == [f"structure: {missing}"]


def test_a_picture_without_a_title_is_found(browser, tmp_path):
    picture = tmp_path / "picture.svg"
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"></svg>', "utf-8")
    assert look(browser.open(picture)) == ["structure: the picture has no title"]


def test_what_a_keyboard_cannot_do_is_found(browser, tmp_path):
    page = browser.open(hosted("", tmp_path))
    for part, fault in [
        ("<style>:focus{outline:0}</style><button>dull</button>", "focus: button does not show that it has the focus"),
        ("<button id=a tabindex=-1>away</button>", "keyboard: Tab does not reach button#a"),
        (
            "<input aria-label=a onkeydown='event.preventDefault()'><button id=b>after a trap</button>",
            "keyboard: Tab does not reach button#b",
        ),
    ]:
        page.set_content(HOST.format(part))
        assert tab_through(page) == [fault]


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("<script>console.error('wrong')</script>", "wrong"),
        ("<script>nothing()</script>", "nothing is not defined"),
        ('<img alt="" src="other.png">', "asks for file://"),
        ("<script>fetch('https://127.0.0.1:9/').catch(() => {})</script>", "asks for https://127.0.0.1:9/"),
    ],
    ids=["console", "error", "file", "network"],
)
def test_errors_and_requests_are_noticed(browser, part, fault, tmp_path):
    browser.open(hosted(part, tmp_path))
    browser.close()  # nothing is noticed after that
    faults, browser.faults = browser.faults, []
    assert [found for found in faults if fault in found]


@pytest.mark.browser
def test_other_event_loops_run_while_the_browser_waits(chromium):
    async def three():
        await asyncio.sleep(0)
        return 3

    for _ in range(2):
        assert asyncio.run(three()) == 3
        with chromium.driven() as program:
            context = program.new_context()
            assert context.new_page().evaluate("1 + 2") == 3
            context.close()


# ------------------------------------------------------------------------------------------------------ the pages


def fan_out_of_20():
    x = leaf(0.3, "x")
    y = x * 1.0
    for i in range(2, 21):
        y = y + x * float(i)
    return y


def odd_names():
    a, b = leaf(2.0, "<script>alert(1)</script>"), leaf([1.0, 2.0], 'a "b" é 你')
    with ag.scope("</style>&"):
        return np.sum(a * b)


def odd_values():
    return np.sum(leaf([[1.0, np.nan], [np.inf, 2.0]], "x") * leaf(-1.23456e-300, "s"))


def player(y, **options):
    return lambda folder: ag.player(y(), folder / "page.html", **options)


def played_model(folder):
    model = nn.MLP([2, 2, 2], "sigmoid", "sigmoid", rng=0)
    return nn.player(model, [[0.05, 0.1]], [[0.01, 0.99]], nn.squared_error, folder / "page.html")


def step(share):
    """The place of a player after this share of its steps."""
    return f"slider.value = {share} * slider.max; slider.dispatchEvent(new Event('input'))"


STEPS = [step(share) for share in (0, 0.3, 0.6, 1)]
NOTATIONS = [f"notation.value = '{key}'; notation.dispatchEvent(new Event('change')); {step(0.8)}" for key in "YMR"]
NOTES = {"</style>&": "<b>one</b>\ntwo"}

PLAYERS = {
    "scalars": (player(lambda: GRAPHS["two_two_two"]()[0]), STEPS),
    "arrays": (player(lambda: GRAPHS["softmax_cross_entropy"]()[0]), STEPS),
    "residual block": (player(lambda: GRAPHS["residual_block"]()[0]), STEPS),
    "bug": (player(lambda: GRAPHS["two_two_two"]()[0], bug="wrong_sign"), STEPS),
    "predict": (player(lambda: GRAPHS["square"]()[0]), ["predict.click(); hint.click()"]),
    "odd names": (player(odd_names, notes=NOTES, title="</title><script>"), STEPS),
    "odd values": (player(odd_values), STEPS),
    "fan-out of 20": (player(fan_out_of_20), STEPS),
    "a model's": (played_model, NOTATIONS),
}


@pytest.mark.parametrize("name", PLAYERS)
def test_a_player_can_be_seen(browser, name, tmp_path):
    write, states = PLAYERS[name]
    with np.errstate(all="ignore"):
        page = browser.open(write(tmp_path), still=True)
    assert look_at(page, states=states) == []
    assert tab_through(page) == []


def flow_of_a_model(folder):
    X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [1.0], [0.0]])
    model = nn.MLP([2, 3, 3, 1], "sigmoid", rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.5)
    film = nn.flow(model, X, y, nn.binary_cross_entropy_with_logits, optimizer, steps=20, snapshots=3)
    return film.save(folder / "flow.html")


def test_a_flow_can_be_used_by_keyboard(browser, tmp_path):
    """How it looks: tests/viz/test_flow.py."""
    assert tab_through(browser.open(flow_of_a_model(tmp_path), still=True)) == []


def svg_of(name):
    return lambda folder: ag.draw(GRAPHS[name]()[0], theme="auto").save(folder / "draw.svg")


PICTURES = {
    "draw: scalars": svg_of("two_two_two"),
    "draw: residual block": svg_of("residual_block"),
    "animate": lambda folder: ag.animate(GRAPHS["two_two_two"]()[0], folder / "animate.svg"),
    "animate: frames": lambda folder: ag.animate(GRAPHS["square"]()[0], folder / "sheet.svg", frames=4),
    "triangular": lambda folder: ag.triangular(GRAPHS["worked_example"]()[0]).save(folder / "triangular.svg"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_can_be_seen(browser, name, tmp_path):
    """Opened alone; and in a page, where it takes no more than the room there is."""
    path = PICTURES[name](tmp_path)
    assert look_at(browser.open(path, still=True), widths=(1500,)) == []
    page = browser.open(hosted(path.read_text("utf-8"), tmp_path), still=True)
    assert look_at(page) == []


def test_an_animation_plays_as_an_image(browser, tmp_path):
    path = ag.animate(GRAPHS["square"]()[0], tmp_path / "animate.svg", seconds=2)
    page = browser.open(hosted(f'<img alt="the sweep" src="{path.name}">', tmp_path))
    faults, browser.faults = browser.faults, []
    assert faults == [f"asks for {path.as_uri()}"]  # the page does, for the picture; the picture for nothing
    image = page.locator("img")
    first = image.screenshot()
    assert any(image.screenshot() != first for _ in range(200))  # at some moment


def model_and_batch():
    return nn.MLP([2, 2, 2], "sigmoid", "sigmoid", rng=0), [[0.05, 0.1]], [[0.01, 0.99]]


def explained(_):
    y, (w, *_) = GRAPHS["two_two_two"]()
    return ag.explain(y, w, (0, 0)).html()


def counted(_):
    y, (w, *_) = GRAPHS["two_two_two"]()
    return ag.paths(y, w, (0, 0))._repr_html_()


PARTS = {
    "explain": explained,
    "paths": counted,
    "compare": lambda _: nn.compare(*model_and_batch(), nn.squared_error)._repr_html_(),
    "experiment": lambda _: nn.experiments.path_counts()._repr_html_(),
    "summary": lambda _: nn.summary(model_and_batch()[0])._repr_html_(),
    "notation": lambda _: nn.notation.symbols()._repr_html_(),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_page_can_be_seen(browser, name, tmp_path):
    assert look_at(browser.open(hosted(PARTS[name](tmp_path), tmp_path))) == []


def flowers_in(folder):
    return write(folder / "flowers.csv", ["length", "width", "<colour>", "kind"], flowers()), "kind"


def houses_in(folder):
    rows = [[i % 7, 3 * (i % 7) + i % 3] for i in range(60)]
    return write(folder / "houses.csv", ["size", "price"], rows), "price"


def images_in(folder):
    labels = np.arange(60) % 3
    images = np.random.default_rng(0).integers(0, 80, (60, 8, 8)) + 80 * labels[:, None, None]
    np.savez(folder / "images.npz", pixels=images.astype(np.uint8), label=labels)
    return folder / "images.npz", "label"


@pytest.mark.parametrize("table", [flowers_in, houses_in, images_in])
def test_a_report_can_be_seen(browser, table, tmp_path):
    path, target = table(tmp_path)
    trained = tabular.train(tabular.prepare(tables.open_table(path), target), QUICK, progress=False)
    page = browser.open(report.write(trained, tmp_path, "autograd-mini train")[0], still=True)
    assert look_at(page) == []
    assert tab_through(page) == []
