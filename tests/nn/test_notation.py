"""The three notations: each rule as its source writes it, and every rule true of the numbers that it stands for."""

import functools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import functional, notation
from nn.comparing import hand, loss, reading, rules
from nn.notation import (
    NOTATIONS,
    PLAIN,
    Dropped,
    Jacobian,
    Named,
    Normalized,
    Outputs,
    Point,
    Rule,
    Slope,
    Total,
    Weighted,
    legend,
)

Z1, Z2, A0, A1, A2 = (Point(letter, int(layer)) for letter, layer in ("z1", "z2", "a0", "a1", "a2"))
HIDDEN = Rule("delta", Z1, Slope("sigmoid", Z1, Weighted(Z2)))


def written(rule):
    return [rule.equation(name).text for name in NOTATIONS]


# ---------------------------------------------------------------------------------------------- what the sources say


def test_Y8_M4_R3_the_delta_rule():
    assert written(HIDDEN) == [
        "δᵢ¹ = σ′(zᵢ¹) Σⱼ wⱼᵢ² δⱼ²",
        "Δ² = (W³ᵀ Δ³) ⊙ σ′(Z²)",
        "Δⱼ = g′(inⱼ) Σₖ wⱼₖ Δₖ",
    ]
    assert HIDDEN.equation("Y").latex == r"\delta_{i}^{1} = \sigma'(z_{i}^{1})\, \sum_{j}\, w_{ji}^{2}\, \delta_{j}^{2}"
    assert (
        HIDDEN.equation("M").latex == r"\Delta^{2} = ((\mathbf{W}^{3})^{T}\, \Delta^{3}) \odot \sigma'(\mathbf{Z}^{2})"
    )


def test_Y7_M5_R4_the_gradient_of_a_weight_and_Y6_of_a_batch():
    assert written(Rule("W", Z2, A1, samples=False)) == [
        "∂E/∂wᵢⱼ² = δᵢ² aⱼ¹",
        "∂C/∂W³ = Δ³ A²ᵀ",
        "−∂Loss/∂wᵢⱼ = aᵢ Δⱼ",
    ]
    assert written(Rule("W", Z2, A1, output=True)) == [
        "∂E/∂wᵢⱼ² = Σₛ δᵢ² aⱼ¹",
        "∂C/∂W³ = Δ³ A²ᵀ",
        "−∂Loss/∂wⱼₖ = Σₛ aⱼ Δₖ",
    ]


def test_M6_the_gradient_of_a_bias():
    assert written(Rule("b", Z1, samples=False)) == ["∂E/∂bᵢ¹ = δᵢ¹", "∂C/∂B² = Δ²", "−∂Loss/∂bⱼ = Δⱼ"]
    assert written(Rule("b", Z1)) == ["∂E/∂bᵢ¹ = Σₛ δᵢ¹", "∂C/∂B² = Σₛ Δₛ²", "−∂Loss/∂bⱼ = Σₛ Δⱼ"]


def test_M3_R2_R5_the_output_delta_with_the_losses_factor_and_M8_the_means_1_by_n():
    def of(share, factor):
        outputs = Outputs("squared_error", A2, factor=factor, share=share)
        return written(Rule("delta", Z2, Slope("tanh", Z2, outputs), output=True))

    assert of("", 0.5) == [
        "δᵢ² = (oᵢ − yᵢ) tanh′(zᵢ²)",
        "Δ³ = (A³ − Y) ⊙ tanh′(Z³)",
        "Δₖ = (yₖ − aₖ) tanh′(inₖ)",
    ]
    assert of("n", 1) == [
        "δᵢ² = 2 (oᵢ − yᵢ)/n · tanh′(zᵢ²)",
        "Δ³ = 2 (A³ − Y)/n ⊙ tanh′(Z³)",
        "Δₖ = 2 (yₖ − aₖ)/n · tanh′(inₖ)",
    ]


def test_Y10_o_minus_y():
    for name in ("binary_cross_entropy", "cross_entropy"):
        rule = Rule("delta", Z2, Outputs(name, A2, joined=True, share=""), output=True)
        assert written(rule) == ["δᵢ² = oᵢ − yᵢ", "Δ³ = A³ − Y", "Δₖ = yₖ − aₖ"]


def test_Y1_M1_R1_the_forward_pass_and_Y11_R4_the_update():
    assert written(Rule("z", Z1, A0)) == ["zᵢ¹ = Σⱼ wᵢⱼ¹ aⱼ⁰ + bᵢ¹", "Z² = W² A¹ + B²", "inⱼ = Σᵢ wᵢⱼ aᵢ"]
    assert written(Rule("a", A1, Slope("f", Z1, Named(Z1)))) == ["aᵢ¹ = f(zᵢ¹)", "A² = σ(Z²)", "aⱼ = g(inⱼ)"]
    update = Rule("update", Z1, A0, samples=False)
    assert [update.equation(name).right.text for name in NOTATIONS] == [
        "wᵢⱼ¹ ← wᵢⱼ¹ − α δᵢ¹ aⱼ⁰",
        "W² ← W² − α Δ² A¹ᵀ",
        "wᵢⱼ ← wᵢⱼ + α aᵢ Δⱼ",
    ]


# -------------------------------------------------------------------------------------------------- what they do not


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (
            Normalized("batch", Point("v", 1), True),
            [
                "γᵢ¹/τᵢ¹ · (uᵢ¹ − ⟨uᵢ¹⟩ − ẑᵢ¹ ⟨uᵢ¹ ẑᵢ¹⟩)",
                "γ²/τ² ⊙ (U² − ⟨U²⟩ − Ẑ² ⊙ ⟨U² ⊙ Ẑ²⟩)",
                "γⱼ/τⱼ · (Uⱼ − ⟨Uⱼ⟩ − ẑⱼ ⟨Uⱼ ẑⱼ⟩)",
            ],
        ),
        (
            Normalized("sample", Point("v", 1), False),
            [
                "1/τ¹ · (uᵢ¹ − ⟨uᵢ¹⟩ − ẑᵢ¹ ⟨uᵢ¹ ẑᵢ¹⟩)",
                "1/τ² ⊙ (U² − ⟨U²⟩ − Ẑ² ⊙ ⟨U² ⊙ Ẑ²⟩)",
                "1/τ · (Uⱼ − ⟨Uⱼ⟩ − ẑⱼ ⟨Uⱼ ẑⱼ⟩)",
            ],
        ),
        (Normalized("running", Point("v", 1), True), ["γᵢ¹/τᵢ¹ · uᵢ¹", "γ²/τ² ⊙ U²", "γⱼ/τⱼ · Uⱼ"]),
        (
            Dropped(Point("ã", 1), 0.75, Weighted(Z2)),
            ["mᵢ¹/0.75 · Σⱼ wⱼᵢ² δⱼ²", "(W³ᵀ Δ³) ⊙ M²/0.75", "mⱼ/0.75 · Σₖ wⱼₖ Δₖ"],
        ),
        (
            Jacobian("softmax", Z1, A1, Dropped(Point("ã", 1), 0.5, Weighted(Z2))),
            [
                "Σₘ aₘ¹ ([m = i] − aᵢ¹) mₘ¹/0.5 · Σⱼ wⱼₘ² δⱼ²",
                "softmax′(Z²)ᵀ ((W³ᵀ Δ³) ⊙ M²/0.5)",
                "Σₘ aₘ ([m = j] − aⱼ) mₘ/0.5 · Σₖ wₘₖ Δₖ",
            ],
        ),
        (
            Slope("tanh", Z1, Total((Weighted(Z2), Weighted(Point("z", 3))))),
            [
                "tanh′(zᵢ¹) (Σⱼ wⱼᵢ² δⱼ² + Σⱼ wⱼᵢ³ δⱼ³)",
                "(W³ᵀ Δ³ + W⁴ᵀ Δ⁴) ⊙ tanh′(Z²)",
                "tanh′(inⱼ¹) (Σₖ wⱼₖ² Δₖ² + Σₖ wⱼₖ³ Δₖ³)",
            ],
        ),
    ],
    ids=["batch", "sample", "running", "dropout", "softmax", "skip"],
)
def test_R14_the_remedies_in_the_symbols_of_each(expression, expected):
    branched = isinstance(getattr(expression, "then", None), Total)  # R has no layers, but needs them where ways part
    rule = Rule("delta", Z1, expression, branched=branched)
    assert [rule.equation(name).right.text for name in NOTATIONS] == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"loss": "absolute_error"}, ["sign(oᵢ − yᵢ)/n", "sign(A³ − Y)/n", "sign(yₖ − aₖ)/n"]),
        (
            {"loss": "huber", "threshold": 0.5},
            ["clip(oᵢ − yᵢ, −0.5, 0.5)/n", "clip(A³ − Y, −0.5, 0.5)/n", "clip(yₖ − aₖ, −0.5, 0.5)/n"],
        ),
        ({"loss": "hinge"}, ["−yᵢ [yᵢ oᵢ < 1]/n", "−Y ⊙ [Y ⊙ A³ < 1]/n", "yₖ [yₖ aₖ < 1]/n"]),
        (
            {"loss": "hinge", "options": ("labels",)},
            ["(qᵢ − yᵢ Σₘ qₘ)/n", "(Q − Y ⊙ Σₘ Qₘ)/n", "(yₖ Σₘ qₘ − qₖ)/n"],
        ),
        (
            {"loss": "binary_cross_entropy"},
            ["(oᵢ − yᵢ)/(n oᵢ (1 − oᵢ))", "(A³ − Y)/(n A³ ⊙ (1 − A³))", "(yₖ − aₖ)/(n aₖ (1 − aₖ))"],
        ),
        (
            {"loss": "binary_cross_entropy", "joined": True, "options": ("pos_weight", "weight")},
            [
                "ωᵢ ((1 − yᵢ) oᵢ − p yᵢ (1 − oᵢ))/n",
                "ω ⊙ ((1 − Y) ⊙ A³ − p ⊙ Y ⊙ (1 − A³))/n",
                "ωₖ (p yₖ (1 − aₖ) − (1 − yₖ) aₖ)/n",
            ],
        ),
        (
            {"loss": "cross_entropy", "joined": True, "options": ("targets",)},
            ["(oᵢ − tᵢ)/n", "(A³ − T)/n", "(tₖ − aₖ)/n"],
        ),
        (
            {"loss": "cross_entropy", "joined": True, "options": ("partial", "targets"), "share": "N"},
            ["(oᵢ Σₘ tₘ − tᵢ)/N", "(A³ ⊙ Σₘ Tₘ − T)/N", "(tₖ − aₖ Σₘ tₘ)/N"],
        ),
        ({"loss": "cross_entropy"}, ["−yᵢ/(n oᵢ)", "−Y/(n A³)", "yₖ/(n aₖ)"]),
        ({"loss": "kl_divergence", "share": ""}, ["−yᵢ/oᵢ", "−Y/A³", "yₖ/aₖ"]),
        ({"loss": "kl_divergence", "options": ("log_outputs",)}, ["−yᵢ/n", "−Y/n", "yₖ/n"]),
    ],
)  # fmt: skip
def test_Y10_the_derivatives_of_the_losses(options, expected):
    rule = Rule("delta", Z2, Outputs(point=A2, **options), output=True)
    assert [rule.equation(name).right.text for name in NOTATIONS] == expected


# ---------------------------------------------------------------- each rule, worked out, gives what it is the rule of

rng = np.random.default_rng(0)
X, Y, LABELS = rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])
partial = functools.partial


def chain(*layers):
    return nn.Sequential(*layers)


NETWORKS = {
    "perceptron": chain(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 2, rng=1), nn.Sigmoid()),
    "softmax inside": chain(nn.Linear(3, 4, rng=0), nn.Softmax(), nn.Linear(4, 2, rng=1), nn.LogSoftmax()),
    "normalized": chain(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.GELU(), nn.LayerNorm(4), nn.Linear(4, 2, rng=1)),
    "evaluated": chain(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.ELU(), nn.Linear(4, 2, rng=1)).eval(),
    "dropped": chain(nn.Linear(3, 6, rng=0), nn.SiLU(), nn.Dropout(0.4, rng=2), nn.Linear(6, 2, rng=1)),
    "skipped": chain(
        nn.Residual(chain(nn.LayerNorm(3), nn.Linear(3, 3, rng=0), nn.Residual(nn.Tanh()))),
        nn.Softplus(),
        nn.Residual(nn.Linear(3, 2, rng=1), shortcut=nn.Linear(3, 2, rng=2)),
    ),
}
LOSSES = {
    "squared": (partial(nn.squared_error, factor=2.0), Y),
    "absolute": (nn.absolute_error, Y),
    "huber": (partial(nn.huber, delta=0.3, reduction="sum"), Y),
    "hinge": (nn.hinge, np.sign(Y)),
    "hinge of labels": (nn.hinge, LABELS),
    "log loss": (partial(nn.binary_cross_entropy_with_logits, weight=[1.0, 3.0], pos_weight=2.0), (Y > 0) * 1.0),
    "cross-entropy": (partial(nn.cross_entropy, weight=[1.0, 3.0], label_smoothing=0.1), LABELS),
}


class Numbers:
    """Works rules out: an expression of `notation` with arrays for its symbols."""

    def __init__(self, model, loss_function, y):
        self.network, self.y = reading.read(model), np.asarray(y)
        self.loss = loss.read_loss(loss_function, None)
        with ag.recording():
            forward = reading.run(model, self.network, X)
        self.o, self.records = hand.sweep(self.network, forward, X, self.y, self.loss)
        self.rules = rules.Rules(self.network, self.loss, self.o, self.y)
        points = {node.point: step for step, node in enumerate(self.network.nodes, 1)}
        self.u = {point: self.records[step].u for point, step in points.items() if step in self.records}
        self.module = {node.point: node.module for node in self.network.nodes}
        self.values = {point: self.records[step].y for point, step in points.items() if step in self.records}
        self.inputs = {point: self.records[step].x for point, step in points.items() if step in self.records}
        self.kept = {self.network.nodes[step - 1].point: kept for step, kept in forward.kept.items()}
        for node in self.network.nodes:
            if node.module is None:
                first, second = (self.values.get(self.network.point(s), X) for s in node.sources)
                self.values[node.point] = first + second
        self.values[Point("a", 0)] = X

    def of(self, e):
        if isinstance(e, Weighted):
            return self.u[e.point] @ self.module[e.point].weight.data
        if isinstance(e, Slope):
            f = getattr(functional, e.function)
            return ag.grad(lambda z: f(z).sum())(self.values[e.at]) * self.of(e.then)
        if isinstance(e, Dropped):
            return self.kept[e.point] / e.keep * self.of(e.then)
        if isinstance(e, Total):
            return sum(map(self.of, e.terms))
        if isinstance(e, Jacobian):
            a, u = self.values[e.out], self.of(e.then)
            entry = np.eye(a.shape[-1]) - (a if e.function == "softmax" else np.exp(a))[:, :, None]  # [m = i] - a_i
            entry = entry * a[:, None, :] if e.function == "softmax" else entry
            return np.einsum("sim,sm->si", entry, u)
        if isinstance(e, Normalized):
            return self.normalized(e)
        assert isinstance(e, Outputs)
        return self.outputs(e)

    def normalized(self, e):
        module, x, u = self.module[e.point], self.inputs[e.point], self.u[e.point]
        gamma = module.weight.data
        if e.over == "running":
            return gamma / np.sqrt(module.running_var.numpy() + module.eps) * u
        axis = {"batch": 0, "sample": 1}[e.over]
        mean = partial(np.mean, axis=axis, keepdims=True)
        tau = np.sqrt(np.var(x, axis=axis, keepdims=True) + module.eps)
        hat = (x - mean(x)) / tau
        if e.over == "batch":
            return gamma / tau * (u - mean(u) - hat * mean(u * hat))
        return 1 / tau * (gamma * u - mean(gamma * u) - hat * mean(gamma * u * hat))

    def outputs(self, e):
        o, y, keywords = self.o, self.y, self.loss.keywords
        labels = y.ndim < o.ndim
        t = np.eye(o.shape[-1])[y] if labels else y
        share = {"": 1, "n": len(o)}.get(e.share)
        if e.loss == "squared_error":
            return 2 * e.factor * (o - t) / share
        if e.loss == "absolute_error":
            return np.sign(o - t) / share
        if e.loss == "huber":
            return np.clip(o - t, -e.threshold, e.threshold) / share
        if e.loss == "hinge" and "labels" in e.options:
            q = (o > (t * o).sum(1, keepdims=True) - 1) & (t == 0)
            return (q - t * q.sum(1, keepdims=True)) / share
        if e.loss == "hinge":
            return -t * (t * o < 1) / share
        assert e.joined
        w = np.asarray(keywords["weight"])
        if e.loss == "binary_cross_entropy":
            return w * ((1 - t) * o - keywords["pos_weight"] * t * (1 - o)) / share
        epsilon = keywords["label_smoothing"]
        assert e.share == "N" and set(e.options) == {"partial", "targets"}
        share, t = w[y].sum(), w * ((1 - epsilon) * t + epsilon / o.shape[-1])
        return (o * t.sum(1, keepdims=True) - t) / share


@pytest.mark.parametrize(
    "case", [*((name, "squared") for name in NETWORKS), *(("perceptron", name) for name in LOSSES)]
)
def test_each_rule_worked_out_gives_the_gradient_that_it_is_the_rule_of(case):
    name, which = case
    model = NETWORKS[name]
    if which in ("log loss", "cross-entropy"):
        model = chain(*model.layers[:-1])
    numbers = Numbers(model, *LOSSES[which])
    proved = 0
    for step, record in numbers.records.items():
        node = numbers.network.nodes[step - 1]
        if node.point.letter not in "zv":
            continue
        found = numbers.rules.of(step)
        np.testing.assert_allclose(numbers.of(found["delta"].is_), record.u, rtol=1e-9, atol=1e-12)
        if node.point.letter == "z":  # the weights' inputs
            np.testing.assert_allclose(
                record.u.T @ numbers.values[found["weight"].is_], record.gradients["W"], atol=1e-12
            )
        proved += 1
    assert proved >= 2


# ------------------------------------------------------------------------------------------------------ how it looks


def everything():
    """Rules of networks with every kind of layer."""
    for model in NETWORKS.values():
        numbers = Numbers(model, *LOSSES["squared"])
        for step, node in enumerate(numbers.network.nodes, 1):
            if node.point.letter in ("z", "v"):
                yield from numbers.rules.of(step).values()
    for options in ({"loss": "huber"}, {"loss": "hinge"}, {"loss": "hinge", "options": ("labels",)}):
        yield Rule("delta", Z2, Slope("leaky_relu", Z2, Outputs(point=A2, **options)), output=True)
    for options in (("pos_weight", "weight"), ("weight",)):
        yield Rule("delta", Z2, Outputs("binary_cross_entropy", A2, True, options=options), output=True)
    for options in (("partial", "targets"), ("targets",)):
        yield Rule("delta", Z2, Outputs("cross_entropy", A2, True, share="N", options=options), output=True)
    yield Rule("update", Z1, A0)


@pytest.fixture(scope="module")
def formulas():
    rules_found = list(dict.fromkeys(everything()))
    equations = [rule.equation(name) for rule in rules_found for name in NOTATIONS]
    keys = [symbol for rule in rules_found for name in NOTATIONS for symbol, _ in legend([rule], name)]
    return list({formula.latex: formula for formula in [f for equation in equations for f in equation] + keys}.values())


def test_text_can_be_spelled_in_plain_letters(formulas):
    table = str.maketrans(PLAIN)
    assert all(formula.text.translate(table).isascii() for formula in formulas)


def test_latex_is_plain_and_balanced(formulas):
    for formula in formulas:
        assert formula.latex.isascii(), formula
        assert formula.latex.count("{") == formula.latex.count("}")
        assert formula.latex.count("(") == formula.latex.count(")")


def test_latex_is_read_by_matplotlib(formulas):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for formula in {re.sub(r"\d", "1", formula.latex) for formula in formulas}:  # a number is like another
        parser.parse(f"${formula}$")


def test_unknown_notations_are_refused():
    for wrong in ("y", "Z", None, 1, ["Y"]):
        with pytest.raises(ValueError, match=r"Rule\.equation: notation is .*, but must be one of 'Y' \(Yehoshua"):
            HIDDEN.equation(wrong)


# ---------------------------------------------------------------------------------------------- the table of symbols


def test_M1_the_table_says_that_equation_2_has_z_and_a_swapped():
    table = str(notation.symbols())
    assert "eq. (2) has Z and A in each other's place" in table and "claim M1" in table
    assert "Aˡ = σ(Zˡ)" in table and "Zˡ = σ(Aˡ)" not in table


def test_the_table_holds_each_name_and_each_rule_in_each_notation():
    table = notation.symbols()
    rows = {row[0]: [str(cell) for cell in row[1:]] for row in (*table.names, *table.rules)}
    assert rows["delta"] == ["δᵢˡ", "Δˡ", "Δⱼ", "delta"]
    assert rows["what it is"] == ["∂E/∂zᵢˡ", "∂C/∂Zˡ", "−∂Loss/∂inⱼ", "dE/dz"]
    assert rows["its ends"] == ["to i, from j", "to i, from j", "from i, to j", "to i, from j"]
    assert rows["number of the input's layer"] == ["0", "1", "none", "0"]
    assert rows["delta rule"][:3] == [
        "δᵢˡ = f′(zᵢˡ) Σⱼ wⱼᵢˡ⁺¹ δⱼˡ⁺¹",
        "Δˡ = (Wˡ⁺¹ᵀ Δˡ⁺¹) ⊙ σ′(Zˡ)",
        "Δⱼ = g′(inⱼ) Σₖ wⱼₖ Δₖ",
    ]
    assert rows["update"][:3] == ["wᵢⱼˡ ← wᵢⱼˡ − α δᵢˡ aⱼˡ⁻¹", "Wˡ ← Wˡ − α Δˡ Aˡ⁻¹ᵀ", "wᵢⱼ ← wᵢⱼ + α aᵢ Δⱼ"]
    assert all(len(row) == 5 for row in (*table.names, *table.rules))


def test_the_table_as_text_as_html_and_as_latex_says_the_same():
    table = notation.symbols()
    lines = str(table).splitlines()
    assert max(map(len, lines)) <= 110
    page = ElementTree.fromstring(f"<div>{table._repr_html_()}</div>")
    cells = [[cell.text or "" for cell in row] for row in page.iter("tr")]
    assert cells == [list(table.head), *([str(cell) for cell in row] for row in (*table.names, *table.rules))]
    for row in cells[1:]:
        assert all(any(cell in line for line in lines) for cell in row)
    latex = table.latex()
    assert latex.startswith(r"\begin{array}{lllll}") and latex.isascii()
    assert all(line.count("&") == 4 for line in latex.splitlines()[1:-1])
    assert table._repr_latex_() == f"$$\n{latex}\n$$"
