"""Mistakes in words, and the equations, right and as found, in the notation of the student."""

from __future__ import annotations

from dataclasses import dataclass

from .rules import Choice, Fact, by_slot
from .scales import Convention

__all__ = ["Equations", "kind_of", "nudge", "why"]

# what a fact is called, what it means, and a question that leads to it
KINDS: dict[tuple[str, str], tuple[str, str, str]] = {
    ("scale", "sign"): (
        "sign",
        "The sign is turned round.",
        "Move one number a little in the direction in which you step: does the error grow or fall?",
    ),
    ("scale", "n"): (
        "missing 1/n",
        "The mean over n samples needs a factor 1/n, once; here it is missing.",
        "Give the function the same sample twice: should the gradient of a mean change?",
    ),
    ("scale", "share"): (
        "extra 1/n",
        "A factor 1/n too many: the sum over samples is to be divided by n once, or not at all.",
        "Give the function every sample twice, then once: how should each result differ? Count your divisions by n.",
    ),
    ("scale", "two"): (
        "factor 2",
        "Twice what it should be under the convention of the rest.",
        "Is the error |y - o|², or half of it? Follow the factor 2 from the loss on.",
    ),
    ("scale", "half"): (
        "factor 2",
        "Half of what it should be under the convention of the rest.",
        "Is the error |y - o|², or half of it? Follow the factor 2 from the loss on.",
    ),
    ("scale", "m"): (
        "factor 1/m",
        "The mean over the m outputs is not taken here, as it is in the rest.",
        "Over what does your error take a mean, samples, outputs or both? Is it the same everywhere?",
    ),
    ("scale", "outputs"): (
        "factor 1/m",
        "Divided by the number of outputs m, as the rest is not.",
        "Over what does your error take a mean, samples, outputs or both? Is it the same everywhere?",
    ),
    ("scale", "count"): (
        "1/m for 1/n",
        "It is divided by the number of outputs m, where the number of samples n belongs.",
        "Which axis of your arrays counts the samples? Print its length, and what you divide by.",
    ),
    ("scale", "rate"): (
        "learning rate",
        "A factor alpha too many: the learning rate belongs into the update alone, once.",
        "Where does the learning rate come in, and how often?",
    ),
    ("scale", "norate"): (
        "learning rate",
        "The learning rate alpha is missing.",
        "Does your step get smaller when the learning rate does?",
    ),
    ("scale", "zero"): (
        "all zero",
        "It is 0 everywhere: nothing is added up, or the weights do not change.",
        "Print this term: which line of yours should fill it?",
    ),
    ("slope", "missing"): (
        "missing f'",
        "The derivative of the activation at z is missing.",
        "Between a and z lies the activation. Which factor of the chain rule belongs to it?",
    ),
    ("slope", "a"): (
        "f' at the wrong place",
        "f' is taken at the activation a = f(z), but belongs at z.",
        "Print what goes into your derivative: has it been through the activation already?",
    ),
    ("slope", "formula"): (
        "f' at the wrong place",
        "The short form of f', such as a (1 - a), is of the output a; here it got z.",
        "a (1 - a) is at most 1/4. Print yours: is it?",
    ),
    ("slope", "f"): (
        "f for f'",
        "The activation f stands where its derivative f' belongs.",
        "Which function multiplies the error here, the activation or its derivative?",
    ),
    ("slope", "sigmoid"): (
        "f' of another activation",
        "a (1 - a) is the derivative of the sigmoid; the activation here is another one.",
        "Which activation does this layer have? Differentiate it, and compare with your f' at z = 0.",
    ),
    ("slope", "tanh"): (
        "f' of another activation",
        "1 - a² is the derivative of tanh; the activation here is another one.",
        "Which activation does this layer have? Differentiate it, and compare with your f' at z = 0.",
    ),
    ("slope", "twice"): (
        "f' twice",
        "The derivative of the activation is in it twice.",
        "How often does the error pass the activation on its way from the output to this term? Count your factors f'.",
    ),
    ("slope", "above"): (
        "f' at the wrong place",
        "f' is taken at the z of the layer above.",
        "At which layer's z is the derivative taken? Follow the index.",
    ),
    ("slope", "below"): (
        "f' at the wrong place",
        "f' is taken at the z of the layer below.",
        "At which layer's z is the derivative taken? Follow the index.",
    ),
    ("slope", "before"): (
        "f' at the wrong place",
        "f' of the layer above multiplies before the weights; f' of the layer itself is to multiply after them.",
        "In which order does the error pass the weights and the activation, on its way back?",
    ),
    ("error", "target"): (
        "target forgotten",
        "The target y is not in it: the output itself is taken for the error.",
        "If the output equals the target, what should the output delta be? What is yours?",
    ),
    ("weights", "transposed"): (
        "transpose",
        "The weights are used the way they go forwards; backwards it is their transpose.",
        "Along which index of the weight does the forward pass add up, and along which one this sum?",
    ),
    ("time", "updated"): (
        "updated weights",
        "The weights are those after the update; the delta needs the ones that made the output, before it.",
        "Which weights produced the output whose error you carry back? Do you still have them?",
    ),
    ("weights", "own"): (
        "weights of the wrong layer",
        "The weights are the layer's own; the error comes back through those of the layer above.",
        "Through which layer's weights did this layer's activation go on to the output?",
    ),
    ("sum", "last"): (
        "= for +=",
        "Only the last unit of the layer above counts: the sum over all of them is overwritten, not added up.",
        "How many units of the layer above does this unit feed? How many does your sum contain?",
    ),
    ("source", "output"): (
        "delta of the wrong layer",
        "The output delta is used, in place of the one of the layer above.",
        "Whose delta do you carry back at this layer? Does your loop put the new one in its place?",
    ),
    ("inputs", "own"): (
        "activation of the wrong layer",
        "The activation is the layer's own output; it should be the layer's input.",
        "By what was this weight multiplied in the forward pass?",
    ),
    ("inputs", "x"): (
        "activation of the wrong layer",
        "The activation is the network's input x; it should be the layer's own input.",
        "By what was this weight multiplied in the forward pass?",
    ),
    ("inputs", "z"): (
        "z for a",
        "The z of the layer below is used, before its activation; the weight was multiplied by a.",
        "By what was this weight multiplied in the forward pass?",
    ),
    ("inputs", "missing"): (
        "activation forgotten",
        "The activation that the weight was multiplied by is missing.",
        "If the input of this weight were 0, what should its gradient be? What is yours?",
    ),
    ("inputs", "b"): (
        "bias as its own input",
        "The bias is multiplied in; its input is the constant 1.",
        "A bias is a weight of an input that is always 1. What is its gradient, then?",
    ),
    ("delta", "above"): (
        "delta of the wrong layer",
        "The delta is that of the layer above.",
        "To which layer does the delta belong that you use here? Follow the index.",
    ),
    ("samples", "last"): (
        "= for +=",
        "Only the last sample counts: the others are overwritten, not added up.",
        "Shuffle the samples: does your gradient change? Should it?",
    ),
    ("samples", "unsummed"): (
        "not summed",
        "One bias gradient for each sample came out: they are to be added up.",
        "Compare the shape of your gradient with that of the bias.",
    ),
    ("samples", "axis"): (
        "summed over the wrong axis",
        "It is added up over the units, not over the samples.",
        "Compare the shape of your gradient with that of the bias.",
    ),
    ("orientation", "transposed"): (
        "transpose",
        "It is the transpose of what it should be.",
        "Compare its shape with that of the weight, or of z, in a layer that is not square.",
    ),
    ("mask", "ignored"): (
        "mask ignored",
        "Absent connections have a gradient: where the mask is 0, it must be 0.",
        "Is there a weight that does not exist? What is its gradient?",
    ),
    ("update", "lost"): (
        "= for +=",
        "The old value is lost: the step replaces it, instead of being added to it.",
        "What is left of the old weight after your update?",
    ),
    ("bias", "forgotten"): (
        "bias forgotten",
        "The forward pass leaves the biases out.",
        "Print z for an input of zeros: what should it be?",
    ),
    ("activation", "forgotten"): (
        "output activation forgotten",
        "The forward pass stops at z of the output layer, without its activation.",
        "In which range do your outputs lie? In which should they?",
    ),
    ("unknown", "nan"): (
        "not finite",
        "It holds NaN or infinite values.",
        "Print this term and what it is made of: where does the first NaN or infinity appear?",
    ),
    ("unknown", ""): (
        "unknown",
        "It departs, by no mistake that is known here; what follows was judged from your own values.",
        "Work out this term by hand for a network with one unit per layer, and print yours beside it.",
    ),
}

ZERO_BIAS = (
    "bias forgotten",
    "The bias gradient is 0: the bias does not learn.",
    "Which of the parameters never change? Which rule do they follow?",
)
OUTPUT_SIGN = "Nudge the output up a little: does the error grow or fall? Compare with the sign of your output delta."


def kind_of(fact: Fact) -> str:
    """Return what a mistake is called."""
    return _entry(fact)[0]


def _entry(fact: Fact) -> tuple[str, str, str]:
    if fact == Fact("bias", "scale", "zero"):
        return ZERO_BIAS
    return KINDS[fact.slot, fact.choice]


def nudge(fact: Fact) -> str:
    """Return a question that leads to a mistake."""
    return OUTPUT_SIGN if fact == Fact("output", "scale", "sign") else _entry(fact)[2]


def why(fact: Fact, loss: str, deltas_returned: bool, stepped: bool) -> str:
    """Return a mistake in words."""
    text = _entry(fact)[1]
    if fact.term == "output" and fact.slot == "slope" and loss == "squared_error" and fact.choice == "missing":
        text += (
            " Of log loss with a sigmoid, o - y alone would be right: if that is meant, say "
            "loss='binary_cross_entropy' (claim Y10)."
        )
    if fact.term == "output" and fact.slot == "slope" and loss != "squared_error" and fact.choice == "twice":
        text = (
            "f' is multiplied in, but in this loss it has cancelled: the output delta is o - y. With f' it is that of "
            "the squared error (claim Y10)."
        )
    if fact == Fact("output", "scale", "sign") and not deltas_returned:
        text += (
            f" It may as well be the sign of the {'update' if stepped else 'gradients'}: that gives the same numbers."
        )
    return text


@dataclass(frozen=True)
class _Symbols:
    """The letters of a notation."""

    top: str  # the output delta's name
    error: str
    error_turned: str
    target: str  # the output, where the target is forgotten
    f: str
    z: dict[str, str]  # of the output, hidden layer, layer above, layer below
    a: dict[str, str]
    short: dict[str, str]  # a (1 - a) with z in it
    hidden: str
    times: str  # between f' and the rest
    weights: dict[str, str]  # as they stand before the delta
    delta: dict[str, str]
    total: str  # before weights and delta


SYMBOLS = {
    "Y": _Symbols(
        "δᵢᴸ", "(oᵢ − yᵢ)", "(yᵢ − oᵢ)", "oᵢ", "f", {"L": "zᵢᴸ", "l": "zᵢˡ", "above": "zᵢˡ⁺¹", "below": "zᵢˡ⁻¹"},
        {"L": "aᵢᴸ", "l": "aᵢˡ"}, {"L": "zᵢᴸ (1 − zᵢᴸ)", "l": "zᵢˡ (1 − zᵢˡ)"}, "δᵢˡ", " ",
        {"": "wⱼᵢˡ⁺¹", "transposed": "wᵢⱼˡ⁺¹", "own": "wⱼᵢˡ"},
        {"": "δⱼˡ⁺¹", "output": "δⱼᴸ", "before": "f′(zⱼˡ⁺¹) δⱼˡ⁺¹"}, "Σⱼ ",
    ),
    "M": _Symbols(
        "Δᴸ", "(Aᴸ − Y)", "(Y − Aᴸ)", "Aᴸ", "σ", {"L": "Zᴸ", "l": "Zˡ", "above": "Zˡ⁺¹", "below": "Zˡ⁻¹"},
        {"L": "Aᴸ", "l": "Aˡ"}, {"L": "Zᴸ ⊙ (1 − Zᴸ)", "l": "Zˡ ⊙ (1 − Zˡ)"}, "Δˡ", " ⊙ ",
        {"": "(Wˡ⁺¹)ᵀ", "transposed": "Wˡ⁺¹", "own": "(Wˡ)ᵀ"},
        {"": "Δˡ⁺¹", "output": "Δᴸ", "before": "(Δˡ⁺¹ ⊙ σ′(Zˡ⁺¹))"}, "",
    ),
    "R": _Symbols(
        "Δₖ", "(yₖ − aₖ)", "(aₖ − yₖ)", "−aₖ", "g", {"L": "inₖ", "l": "inⱼ", "above": "inₖ", "below": "inᵢ"},
        {"L": "aₖ", "l": "aⱼ"}, {"L": "inₖ (1 − inₖ)", "l": "inⱼ (1 − inⱼ)"}, "Δⱼ", " ",
        {"": "wⱼₖ", "transposed": "wₖⱼ", "own": "wᵢⱼ"},
        {"": "Δₖ", "output": "Δ(output)", "before": "g′(inₖ) Δₖ"}, "Σₖ ",
    ),
}  # fmt: skip

CLAIMS = {
    "output": {"Y": "Y10", "M": "M3", "R": "R2"},
    "hidden": {"Y": "Y8", "M": "M4", "R": "R3"},
    "weight": {"Y": "Y7", "M": "M5", "R": "R4"},
    "bias": {"Y": "Y7, Y2", "M": "M6", "R": "R4"},
    "update": {"Y": "Y11", "M": "Y11", "R": "R4"},
    "forward": {"Y": "Y1", "M": "M1", "R": "R1"},
}


@dataclass(frozen=True)
class Equations:
    """Writes the rules of one graded function down."""

    notation: str
    loss: str
    convention: Convention
    batches: bool
    stepped: bool  # whether the gradients were read from an update

    def claim(self, term: str) -> str:
        """Return the claims that a rule comes from."""
        claim = CLAIMS[term][self.notation]
        if term in ("weight", "bias") and self.stepped and self.notation != "R":
            claim += ", Y11"
        return claim

    def write(self, term: str, facts: Choice) -> str:
        """Return the equation of a term with these mistakes in it; none, if they are unknown."""
        if any(fact.slot == "unknown" for fact in facts):
            return ""
        wrong = by_slot(frozenset(fact for fact in facts if fact.slot != "scale"))
        slips = {fact.choice for fact in facts if fact.slot == "scale"}
        names = {"output": self._output, "hidden": self._hidden, "weight": self._weight, "bias": self._bias}
        if term == "forward":
            return self._forward(facts)
        if term == "update":
            return self._update(slips)
        return names[term](wrong, slips)

    def _factor(self, slips: set[str], *, two: int = 0, n: int = 0, m: int = 0, rate: int = 0) -> str:
        """Return the number before a term, with a space after it."""
        n = (n + ("n" in slips) + ("count" in slips) - ("share" in slips)) if self.batches else 0
        powers = [
            ("2", two + ("two" in slips) - ("half" in slips)),
            ("α", rate + ("rate" in slips) - ("norate" in slips)),
            ("n", n),
            ("m", m + ("m" in slips) - ("outputs" in slips) - ("count" in slips)),
        ]
        above = " ".join(f"{s}²" if power > 1 else s for s, power in powers if power > 0)
        below = " ".join(f"{s}²" if power < -1 else s for s, power in powers if power < 0)
        if not below:
            return f"{above} " if above else ""
        return f"{above or '1'}/{below if ' ' not in below else f'({below})'} "

    def _slope(self, choice: str | None, place: str) -> str:
        s = SYMBOLS[self.notation]
        where = {"above": "above", "below": "below"}.get(choice or "", place)
        layer = f" of the layer {choice}" if choice in ("above", "below") and self.notation == "R" else ""
        if choice in ("missing", "before"):
            return ""
        if choice == "formula":
            return s.short[place]
        if choice == "sigmoid":
            return s.short[place].replace(s.z[place], s.a[place])
        if choice == "tanh":
            return f"(1 − {s.a[place]}²)"
        if choice == "a":
            return f"{s.f}′({s.a[place]})"
        if choice == "f":
            return f"{s.f}({s.z[place]})"
        return f"{s.f}′({s.z[where]}{layer}){'²' if choice == 'twice' else ''}"

    def _output(self, wrong: dict[str, str], slips: set[str]) -> str:
        s, c = SYMBOLS[self.notation], self.convention
        factor = self._factor(slips, two=c.doubled, n=-(c.mean and c.early), m=-c.outputs)
        error = s.error_turned if "sign" in slips else s.error
        if "error" in wrong:
            error = s.target if "sign" not in slips else s.target[1:] if s.target[0] == "−" else f"−{s.target}"
        if "zero" in slips:
            return f"{s.top} = 0"
        if self.loss == "squared_error":
            slope = self._slope(wrong.get("slope"), "L")
        elif not wrong:
            slope = ""
        elif wrong.get("slope") == "twice":
            slope = self._slope(None, "L")
        else:
            slope = f"/ {self._slope(None, 'L')} {self._slope(wrong['slope'], 'L')}".rstrip()
        times = " " if slope.startswith("/") else s.times
        turned = ", transposed" if "orientation" in wrong else ""
        if not factor and not slope:
            error = error.strip("()")
        return f"{s.top} = {factor}{error}{times if slope else ''}{slope}{turned}"

    def _hidden(self, wrong: dict[str, str], slips: set[str]) -> str:
        s = SYMBOLS[self.notation]
        if "zero" in slips:
            return f"{s.hidden} = 0"
        slope = self._slope(wrong.get("slope"), "l")
        source = "output" if "source" in wrong else "before" if wrong.get("slope") == "before" else ""
        total = "" if "sum" in wrong else s.total
        weights = s.weights[wrong.get("weights", "")]
        pulled = f"{total}{weights}{'(new)' if 'time' in wrong else ''} {s.delta[source]}"
        sign = "−" if "sign" in slips else ""
        factor = self._factor(slips)
        rest = " (of the last unit only)" if "sum" in wrong else ""
        rest += ", transposed" if "orientation" in wrong else ""
        if self.notation == "M":
            return f"{s.hidden} = {sign}{factor}{pulled}{f' ⊙ {slope}' if slope else ''}{rest}"
        return f"{s.hidden} = {sign}{factor}{f'{slope} ' if slope else ''}{pulled}{rest}"

    def _signed(self, left: str, old: str, slips: set[str], product: str, lost: bool) -> str:
        """Return a gradient, or its step, with sign and factor; in R, Delta has the minus in it."""
        c = self.convention
        share = -(c.mean and not c.early)
        minus = (self.notation == "R") != ("sign" in slips)
        if "zero" in slips:
            product = "0"
        if not self.stepped:
            factor = "" if product == "0" else self._factor(slips, n=share)
            return f"{left} = {'−' if minus and product != '0' else ''}{factor}{product}"
        factor = "" if product == "0" else self._factor(slips, n=share, rate=1)
        sign = "+" if minus else "−"
        if lost:
            return f"{old} ← {'' if minus else '−'}{factor}{product}"
        return f"{old} ← {old} {sign} {factor}{product}" if product != "0" else f"{old} ← {old}"

    def _weight(self, wrong: dict[str, str], slips: set[str]) -> str:
        inputs, above = wrong.get("inputs", ""), "delta" in wrong
        twice = "slope" in wrong
        if self.notation == "M":
            a = {"": "(Aˡ⁻¹)ᵀ", "own": "(Aˡ)ᵀ", "z": "(Zˡ⁻¹)ᵀ", "x": "Xᵀ", "missing": ""}[inputs]
            delta = ("Δˡ⁺¹" if above else "Δˡ") + (" ⊙ σ′(Zˡ)" if twice else "")
            left, old = "∂C/∂Wˡ", "Wˡ"
            product = f"{f'({delta})' if twice else delta} {a}".rstrip()
            product = f"({product})ᵀ" if "orientation" in wrong else product
        elif self.notation == "Y":
            a = {"": "aⱼˡ⁻¹", "own": "aⱼˡ", "z": "zⱼˡ⁻¹", "x": "xⱼ", "missing": ""}[inputs]
            delta, turned = "δᵢˡ⁺¹" if above else "δᵢˡ", "orientation" in wrong
            if turned:
                delta, a = delta.replace("ᵢ", "ⱼ"), a.replace("ⱼ", "ᵢ")
            left, old = "∂E/∂wᵢⱼˡ", "wᵢⱼˡ"
            product = f"{delta}{' f′(zᵢˡ)' if twice else ''} {a}".rstrip()
        else:
            a = {"": "aᵢ", "own": "aⱼ", "z": "inᵢ", "x": "xᵢ", "missing": ""}[inputs]
            delta = "Δₖ" if above else "Δⱼ"
            if "orientation" in wrong:
                delta, a = "Δᵢ", a.replace("ᵢ", "ⱼ")
            left, old = "∂Loss/∂wᵢⱼ", "wᵢⱼ"
            product = f"{a} {delta}{' g′(inⱼ)' if twice else ''}".strip()
        product = self._over_samples(product, wrong)
        product += " where the mask is 0, too" if "mask" in wrong else ""
        return self._signed(left, old, slips, product, "update" in wrong)

    def _over_samples(self, product: str, wrong: dict[str, str]) -> str:
        if not self.batches:
            return product
        if wrong.get("samples") == "last":
            return f"{product} (of the last sample only)"
        if wrong.get("samples") == "unsummed":
            return f"{product} (of each sample apart)"
        if wrong.get("samples") == "axis":
            return f"{'Σⱼ' if self.notation == 'R' else 'Σᵢ'} {product} (over units)"
        is_matrix = self.notation == "M" and ("ᵀ" in product)
        return product if is_matrix else f"Σₛ {product}"

    def _bias(self, wrong: dict[str, str], slips: set[str]) -> str:
        above, twice = "delta" in wrong, "slope" in wrong
        if self.notation == "M":
            left, old, delta, f, b = "∂C/∂Bˡ", "Bˡ", "Δˡ⁺¹" if above else "Δˡ", " ⊙ σ′(Zˡ)", " ⊙ Bˡ"
        elif self.notation == "Y":
            left, old, delta, f, b = "∂E/∂bᵢˡ", "bᵢˡ", "δᵢˡ⁺¹" if above else "δᵢˡ", " f′(zᵢˡ)", " bᵢˡ"
        else:
            left, old, delta, f, b = "∂Loss/∂bⱼ", "bⱼ", "Δₖ" if above else "Δⱼ", " g′(inⱼ)", " bⱼ"
        product = f"{delta}{f if twice else ''}{b if 'inputs' in wrong else ''}"
        return self._signed(left, old, slips, self._over_samples(product, wrong), "update" in wrong)

    def _update(self, slips: set[str]) -> str:
        W, g = {"Y": ("wᵢⱼˡ", "∂E/∂wᵢⱼˡ"), "M": ("Wˡ", "∂C/∂Wˡ"), "R": ("wᵢⱼ", "∂Loss/∂wᵢⱼ")}[self.notation]
        sign = "+" if "sign" in slips else "−"
        return f"{W} ← {W} {sign} {self._factor(slips, rate=1)}{g}" if "zero" not in slips else f"{W} ← {W}"

    def _forward(self, facts: Choice) -> str:
        forms = {
            "Y": ("zᵢˡ = Σⱼ wᵢⱼˡ aⱼˡ⁻¹", " + bᵢˡ", "oᵢ = zᵢᴸ", "oᵢ = f(zᵢᴸ)"),
            "M": ("Zˡ = Wˡ Aˡ⁻¹", " + Bˡ", "Aᴸ = Zᴸ", "Aᴸ = σ(Zᴸ)"),
            "R": ("inⱼ = Σᵢ wᵢⱼ aᵢ", " + bⱼ", "aₖ = inₖ", "aₖ = g(inₖ)"),
        }[self.notation]
        if any(fact.slot == "activation" for fact in facts):
            return forms[2]
        return forms[0] if any(fact.slot == "bias" for fact in facts) else forms[0] + forms[1]

    def forward_right(self, fact: Fact) -> str:
        """Return the forward rule that a mistake concerns."""
        if fact.slot == "bias":
            return self._forward(frozenset())
        return {"Y": "oᵢ = f(zᵢᴸ)", "M": "Aᴸ = σ(Zᴸ)", "R": "aₖ = g(inₖ)"}[self.notation]
