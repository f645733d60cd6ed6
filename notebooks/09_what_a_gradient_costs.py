# %% [markdown]
# # 9. What a gradient costs
#
# A network with a million weights has a million partials, and one sweep finds them all. What does that cost? Afterwards you can say it
# before computing: how many multiplications, how many numbers kept; choose forward or reverse from the shape of the Jacobian; pay for
# memory with computing; and see what a program leaves out.
#
# We count operations, not seconds. Seconds belong to the machine.

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

import autograd_mini as ag
import nn
from nn.experiments.counting import Counted, counting
from nn.experiments.storage import stored_bytes

BLUE, ORANGE, GREEN, GREY, PAPER = "#0b57a4", "#c4500b", "#1d7a5f", "#9aa3ad", "#fcfcfb"
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})


def say(finding):
    print(textwrap.fill(finding, 100))


# %% [markdown]
# ## Counting
#
# `ag.trace` records a function as a straight line of NumPy calls. So its multiplications can be counted: a product of an (m, k) and a
# (k, n) matrix has $m\,k\,n$, a product entry by entry has one for each entry, and so
# has a division. What `tanh` does inside is not counted.

# %%
ENTRYWISE = np.multiply, np.divide, np.square, np.power, np.outer  # all powers here are squares


def multiplications(f, *arguments):
    count = 0
    for step in ag.trace(f)(*arguments).steps:
        if step.function is np.matmul:
            count += step.out.size * next(step.operands()).shape[-1]
        elif step.function in ENTRYWISE:
            count += step.out.size
    return count


def weights(sizes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(m, n)) / np.sqrt(n) for n, m in zip(sizes, sizes[1:])]


def net(x, Ws):
    a = x
    for W in Ws[:-1]:
        a = np.tanh(a @ W.T)
    return a @ Ws[-1].T


def E(Ws, x, y):
    return 0.5 * np.sum(np.square(net(x, Ws) - y))


# %% [markdown]
# For one sample the forward pass uses each weight once: $z_i = \sum_j w_{ij} a_j$. So it costs about $w$ multiplications, one for each
# weight. The rest, here the square and the factor $\frac12$, is small.

# %%
x, y = np.ones((1, 20)), np.zeros((1, 1))
Ws = weights([20, 20, 20, 1])
w = sum(W.size for W in Ws)
print("weights:", w, "  forward pass:", multiplications(E, Ws, x, y))

# %% [markdown]
# **Predict.** And the error *with* its 820 partials? In the sweep a weight is used where it passes delta on, and its partial is a product:
#
# $$\delta^{l-1} = (W^{l\mathsf T} \delta^l) \odot f'(z^{l-1}), \qquad \frac{\partial E}{\partial w_{ij}^l} = \delta_i^l\, a_j^{l-1}$$
#
# By hand, and by the engine.


# %%
def by_hand(Ws, x, y):
    a = [x]
    for W in Ws[:-1]:
        a.append(np.tanh(a[-1] @ W.T))
    o = a[-1] @ Ws[-1].T
    delta, gradients = o - y, []
    for l in reversed(range(len(Ws))):
        gradients.insert(0, delta.T @ a[l])
        if l:
            delta = delta @ Ws[l] * (1 - a[l] * a[l])
    return 0.5 * np.sum(np.square(o - y)), gradients


engine = ag.value_and_grad(E)
forward, both = multiplications(E, Ws, x, y), multiplications(engine, Ws, x, y)
print("by hand:   ", multiplications(by_hand, Ws, x, y))
print("the engine:", both, f"= {both / forward:.2f} forward passes")
print("the same gradient:", all(map(np.allclose, by_hand(Ws, x, y)[1], engine(Ws, x, y)[1])))

# %% [markdown]
# A weight takes part three times: forward, back, in its partial. In the first layer twice, for nobody asks for the slopes by the inputs.
# Each tanh adds two. That is all, whatever the size, where $w^1$ is the number of weights of the first layer:
#
# $$3w - w^{1} + 2 \cdot \text{hidden units} + 2$$

# %%
for width in (2, 8, 32, 64):
    Ws, x = weights([width, width, width, 1]), np.ones((1, width))
    w, formula = sum(W.size for W in Ws), 3 * sum(W.size for W in Ws) - Ws[0].size + 2 * 2 * width + 2
    forward, both = multiplications(E, Ws, x, y), multiplications(engine, Ws, x, y)
    print(f"{w:5} weights: forward {forward:5}, with all partials {both:6} = {formula:6}, ratio {both / forward:.2f}")

# %% [markdown]
# Two to three forward passes for all partials, however many they are; somewhat more through many narrow layers, where tanh's two count
# beside the weights. This is not about networks: for what is made of $+$, $-$, $\times$, $\div$, a function together with *all* its
# partials takes at most three times the multiplications and divisions of the function alone, those by constants not counted (Baur and
# Strassen, 1983).
#
# ## One by one
#
# The obvious way asks each weight by itself: move it a little, see what the error does.
#
# $$\frac{\partial E}{\partial w_k} \approx \frac{E(w + h\,e_k) - E(w)}{h}$$
#
# **Predict.** With 8,256 weights, how many times the cost of the sweep?

# %%
print("     w   one by one    the sweep   ratio   ratio / w")
found = []
for width in (2, 8, 32, 64):
    Ws, x = weights([width, width, width, 1]), np.ones((1, width))
    w = sum(W.size for W in Ws)
    apart = (w + 1) * multiplications(E, Ws, x, y) + w  # a pass for each weight, one for all, w divisions
    together = multiplications(engine, Ws, x, y)
    found.append((w, apart, together))
    print(f"{w:6} {apart:12,} {together:12,} {apart / together:7.1f}   {apart / together / w:.2f}")
w, apart, together = np.log(np.array(found, float).T)
print(f"grows like w^{np.polyfit(w, apart, 1)[0]:.2f} and like w^{np.polyfit(w, together, 1)[0]:.2f}")

# %% [markdown]
# $O(w^2)$, at most a constant times $w^2$, against $O(w)$ *(claim R6)*. The note calls that gain exponential. It is a factor: it grows in
# proportion to $w$. A thousand times the weights, a thousand times the gain.
#
# No other way to go one by one changes that. Four ways, on arrays that count what NumPy multiplies in them: a delta found anew for each
# weight; two-sided differences; a direction for each weight (forward mode, below); one sweep.

# %%
cost = nn.experiments.gradient_cost(seeds=1)
say(cost.finding)
print()
print(f"{'multiplications':19}", *(f"w = {w:<5}" for w in cost.data["weights"]))
for method, counts, power in zip(cost.data["methods"], cost.data["multiplications"], cost.data["exponents"]):
    print(f"{method:19}", *(f"{n:9,}" for n in counts), f"   w^{power:.2f}")

# %% [markdown]
# In networks as small as these the error's own multiplications, the same at each size, weigh most in the smallest; and a pass per weight
# goes only from its layer on. So the powers come out lower than 1 and 2. And $w$ stands for operations here. Where a weight is shared, by
# all samples of a batch or all places of a picture, a forward pass costs more than $w$, and a gradient about as many of *those*.
#
# ## Path by path
#
# What *is* exponential is to go through the sum over all paths, term by term. Chapter 2 walked them; `ag.paths` counts what each way would
# multiply, in the graph of single numbers.

# %%
graphs = [nn.MLP([3] * (depth + 1) + [1], "tanh", rng=0)(np.ones((1, 3))) for depth in (1, 2, 4, 6, 8)]
first, *others = [ag.paths(y) for y in graphs]
print(others[-1])

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(7, 3.9), layout="constrained")
w = [graph.weights for graph in (first, *others)]
ways = {"path by path": (ORANGE, "D-"), "finite differences": ("#5d6670", "s--"), "forward mode": (GREEN, "^-.")}
for way, (color, mark) in {**ways, "reverse sweep": (BLUE, "o-")}.items():
    counts = [graph.multiplications[way][1] for graph in (first, *others)]
    axes.loglog(w, counts, mark, color=color, linewidth=2)
    axes.annotate(way, (w[-1], counts[-1]), (8, 0), textcoords="offset points", va="center", color=color)
axes.set(xlabel="numbers in the leaves: weights, biases", title="multiplications for all partials", xlim=(14, 230))
axes.set_xticks(w, [f"{n}" for n in w])
axes.minorticks_off()
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# On these scales a power is a straight line. Only path by path bends upward: with each layer of 3 neurons there are three times the paths.
# Differences and forward mode are slow, but they too add up at each neuron before they go on.
#
# To pass on a sum in place of its terms is **dynamic programming** *(claim M7)*, and the sweep is one way to do it. Count the paths in the
# same manner, each slope replaced by 1, and even numbers that nobody could walk are soon found:

# %%
hidden = 100
ways = np.ones((1, 3), dtype=object)  # from the output to each of the last 3 neurons
for _ in range(hidden):
    ways = ways @ np.ones((3, 3), dtype=object)
print(f"{hidden} hidden layers, {9 * hidden + 3} arrows: {ways.sum():.3e} paths; 3^101 = {3.0**101:.3e}")

# %% [markdown]
# ## Forward or reverse
#
# The slopes of a function with $n$ inputs and $m$ outputs are a Jacobian, $m$ rows and $n$ columns. Of layers it is a product:
#
# $$J = J_3\, J_2\, J_1$$
#
# Nothing says at which end to begin. **Forward mode** pushes a direction $u$ of the inputs along: $J_3 (J_2 (J_1 u))$, which is $J u$.
# **Reverse mode** pulls a cotangent $v$ of the outputs back: $((v J_3) J_2) J_1$, which is $v J$. Drawn to scale, for a tall Jacobian and
# for a wide one:

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 2, figsize=(9.5, 2.9), layout="constrained")
for axes, (n, m) in zip(panels, [(4, 30), (30, 4)]):
    shapes = {"v": (1, m), "J_3": (m, 12), "J_2": (12, 12), "J_1": (12, n), "u": (n, 1)}
    left = 0
    for name, (height, width) in shapes.items():
        color = {"v": BLUE, "u": ORANGE}.get(name, GREY)
        axes.add_patch(plt.Rectangle((left, -height / 2), width, height, color=color, alpha=0.6))
        axes.text(left + width / 2, max(height / 2, 2) + 1, f"${name}$", ha="center", color="#20262d")
        left += width + 4
    axes.text(2 + shapes["v"][1] / 2, -19, "pull →", ha="center", color=BLUE)
    axes.text(left - 5, -19, "← push", ha="center", color=ORANGE)
    axes.set(xlim=(-3, left + 4), ylim=(-21, 20), aspect="equal")
    axes.set_title("tall: 4 inputs, 30 outputs" if m > n else "wide: 30 inputs, 4 outputs")
    axes.axis("off")
plt.show()

# %% [markdown]
# Both, as programs:


# %%
def push(x, u, Ws):
    return ag.jvp(lambda x: net(x, Ws), (x,), (u,))[1]


def pull(x, v, Ws):
    return ag.vjp(lambda x: net(x, Ws), x)[1](v)[0]


n, m = 2, 30
Ws, x = weights([n, 6, m]), np.ones((1, n))
print(ag.trace(push)(x, np.ones((1, n)), Ws).source())
print(ag.trace(pull)(x, np.ones((1, m)), Ws).source())

# %% [markdown]
# The same factors, `W`, `1 - a * a`, `Ws_1`, in the two orders. (`push` has a part called backward, under an `errstate` that silences
# NumPy's warnings, because the engine makes forward mode from the rules of the sweep. What it does not need is not in the program.)
#
# A push gives one *column* of the Jacobian, or a mixture of them; a pull one *row*.
#
# **Predict.** The whole Jacobian, for 2 inputs and 30 outputs: by columns or by rows? For 30 inputs and 2 outputs? For 30 and 1?


# %%
def by_columns(x, Ws):
    return [push(x, u[None], Ws) for u in np.eye(x.shape[1])]


def by_rows(x, Ws):
    return [pull(x, v[None], Ws) for v in np.eye(len(Ws[-1]))]


def by_jacobian(x, Ws):
    return ag.jacobian(net)(x, Ws)[0, :, 0]


print("inputs  outputs  Jacobian   by columns   by rows   ag.jacobian")
counted = []
for n, m in [(2, 30), (9, 23), (16, 16), (23, 9), (30, 2), (30, 1)]:
    Ws, x = weights([n, 12, 12, m]), np.ones((1, n))
    J = by_jacobian(x, Ws)
    assert np.allclose(np.vstack(by_columns(x, Ws)).T, J) and np.allclose(np.vstack(by_rows(x, Ws)), J)
    counts = [multiplications(way, x, Ws) for way in (by_columns, by_rows, by_jacobian)]
    shape = "tall" if m > n else "wide" if n > m else "square"
    print(f"{n:6} {m:8}  {shape:8} {counts[0]:12,} {counts[1]:9,} {counts[2]:13,}")
    counted.append((n, *counts[:2]))

# %% jupyter={"source_hidden": true}
inputs, columns, rows = np.array(counted[:-1]).T
figure, axes = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
axes.plot(inputs, columns, "s--", color=ORANGE, linewidth=2, label="by columns: forward mode")
axes.plot(inputs, rows, "o-", color=BLUE, linewidth=2, label="by rows: reverse mode")
axes.legend(frameon=False, loc="upper center")
axes.set(ylim=(0, None), xlabel="inputs → outputs", ylabel="multiplications", title="tall to wide")
axes.set_xticks(inputs, [f"{n} → {32 - n}" for n in inputs])
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# One pass for each column, or one for each row. The cheaper way is the one with fewer passes: by columns if there are fewer inputs, by rows
# if there are fewer outputs. A loss is the extreme case, one output and very many inputs: a single row. That is why networks are trained in
# reverse. With few inputs and many outputs, a curve or a surface, say, forward mode is the one to take *(claim R6)*. `ag.jacobian` goes by
# rows always, all in one sweep; for a tall one, stack columns from `ag.jvp`.
#
# A product of matrices may also be begun in the middle. Multiplied out, on arrays that count:

# %%
sizes = [10, 10, 1, 10, 10]  # inputs, three layers, outputs; the one in the middle is a bottleneck
J1, J2, J3, J4 = (Counted(W) for W in weights(sizes))
orders = {
    "forward, J4 (J3 (J2 J1))": lambda: J4 @ (J3 @ (J2 @ J1)),
    "reverse, ((J4 J3) J2) J1": lambda: ((J4 @ J3) @ J2) @ J1,
    "from the middle, (J4 J3) (J2 J1)": lambda: (J4 @ J3) @ (J2 @ J1),
}
results = []
for name, order in orders.items():
    with counting() as tally:
        results.append(order().array)
    print(f"{name:33} {tally.multiplications:5,}")
print("the same matrix:", np.allclose(results[0], results[1]) and np.allclose(results[0], results[2]))

# %% [markdown]
# In a chain the best brackets are found by dynamic programming (exercise 2); in a graph, to find the cheapest way is NP-hard (Naumann,
# 2008): no quick way is known. Forward and reverse are not always the cheapest. They are the two that need no search.
#
# ## What the sweep keeps
#
# Forward mode can forget a value as soon as the next is there. The sweep comes back, and reads. What it reads stands in the program: the
# names of the forward part that occur in the backward part.

# %%
Ws, x, y = weights([3, 4, 4, 2]), np.ones((5, 3)), np.zeros((5, 2))
print(ag.trace(engine)(Ws, x, y).source())

# %% [markdown]
# `z1` and `z2` do not occur: $\tanh' = 1 - a^2$ needs the activations only *(claim R7)*. So of each layer its $a$ is kept, samples times
# units numbers, and of the error its `h2`; the weights and inputs are there anyway. `stored_bytes` adds up the arrays that a recorded graph
# keeps alive. (The engine also keeps arrays of at most 1,024 numbers, for its pictures, so take larger ones.)
#
# **Predict.** Twice the layers; twice the units, which is four times the weights; twice the samples. Which costs memory, and how much?


# %%
def kept(result, *apart):
    """How many numbers a result's graph keeps, besides the result and what is there anyway."""
    return stored_bytes(result, [result.data, *apart]) // 8


print("layers  units  samples   weights      kept   by hand")
for depth, width, samples in [(4, 50, 400), (8, 50, 400), (4, 100, 400), (4, 50, 800)]:
    model, x = nn.MLP([width] * (depth + 1), "tanh", rng=0), np.ones((samples, width))
    values = [p.data for p in model.parameters()]
    w, by_formula = sum(p.size for p in values), (depth - 1) * width * samples
    print(f"{depth:6} {width:6} {samples:8} {w:9,} {kept(model(x), x, *values):9,} {by_formula:9,}")
with ag.no_grad():
    print("under no_grad a result has", "a graph" if model(x).node else "no graph: nothing is kept")

# %% [markdown]
# All but the outputs' layer, times units, times samples: the $O(n)$ of the note counts activations, not weights. Beside many weights, a
# small batch's activations take little. (`backward(retain_graph=False)` lets go of each value as soon as it has been read.)
#
# Which values those are, the rules decide, by what they read. $u = x + 1$ for 2,000 numbers, and a function of it:

# %%
x = ag.Tensor(np.linspace(0.1, 1, 2000), requires_grad=True)
for name, f, why in [
    ("u + 1", lambda u: u + 1, "the slope is 1"),
    ("3 * u", lambda u: 3 * u, "the slope is 3"),
    ("np.sin(u)", np.sin, "cos(u): what went in"),
    ("np.tanh(u)", np.tanh, "1 - y * y: what came out"),
    ("np.exp(np.tanh(u))", lambda u: np.exp(np.tanh(u)), "both came out"),
    ("np.sin(np.exp(u))", lambda u: np.sin(np.exp(u)), "what came out of one went into the other"),
    ("u * np.tanh(u)", lambda u: u * np.tanh(u), "u and tanh(u): each is the other's slope"),
]:
    print(f"{name:19} keeps {kept(np.sum(f(x + 1)), x.data):5,}   {why}")

# %% [markdown]
# ## Keep less, compute again
#
# What was not kept can be computed again from the last value below it that was. Keep every sixth of 36 layers:


# %%
def gradient(Ws, x, keep):
    """The gradient of half the outputs' sum of squares; calls of tanh; what was kept, step by step."""
    kept, a, calls, film, found = {0: x}, x, 0, [], []
    for l, W in enumerate(Ws, 1):
        a = np.tanh(a @ W.T)
        calls += 1
        if l in keep:
            kept[l] = a
        film.append([*kept])
    g = a
    for l in reversed(range(1, len(Ws) + 1)):
        if l - 1 not in kept:
            last = max(known for known in kept if known < l)
            a = kept[last]
            for again in range(last + 1, l):
                a = kept[again] = np.tanh(a @ Ws[again - 1].T)
                calls += 1
                film.append([*kept])
        delta = g * (1 - kept[l] ** 2)
        found.insert(0, delta.T @ kept[l - 1])
        g = delta @ Ws[l - 1]
        film.append([*kept])
        del kept[l]
    return found, calls, film


depth = 36
Ws, x = weights([16] * (depth + 1)), np.random.default_rng(1).normal(size=(200, 16))
every, sixth = range(1, depth + 1), range(6, depth + 1, 6)
films = []
for name, keep in [("every layer", every), ("every sixth", sixth)]:
    found, calls, film = gradient(Ws, x, keep)
    films.append(film)
    most = max(map(len, film)) - 1  # without x
    print(f"{name}: {len(keep):2} layers kept till the sweep, {most:2} at most, {calls} calls of tanh")
print("the same gradient:", all(map(np.allclose, gradient(Ws, x, every)[0], found)))

# %% [markdown]
# Each column is a moment. Dark is what is kept then.

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 3, figsize=(10, 3.3), layout="constrained", width_ratios=(72, 102, 70))
for axes, film, name in zip(panels, films, ("every layer kept", "every sixth kept")):
    image = np.zeros((depth, len(film)))
    for moment, alive in enumerate(film):
        image[[l - 1 for l in alive if l], moment] = 1
    axes.imshow(image, cmap="Blues", vmin=0, vmax=1.25, aspect="auto", origin="lower", interpolation="nearest")
    axes.axvline(depth - 0.5, color=ORANGE, linewidth=1.5)
    axes.set(title=name, xlabel="step; the sweep begins at the line", yticks=[5, 17, 35], yticklabels=[6, 18, 36])
panels[0].set_ylabel("layer")
parts = [1, 2, 3, 4, 6, 9, 12, 18, 36]
most = [max(map(len, gradient(Ws, x, range(depth // s, depth + 1, depth // s))[2])) - 1 for s in parts]
panels[2].plot(parts, most, "o-", color=BLUE)
panels[2].axvline(6, color=GREY, linewidth=1)
panels[2].set(title="at most at once", xlabel="parts", xscale="log", ylim=(0, 40))
panels[2].set_xticks([1, 2, 6, 18, 36], ["1", "2", "6", "18", "36"])
panels[2].minorticks_off()
panels[2].spines[["top", "right"]].set_visible(False)
plt.show()
print("parts:", parts, " layers kept at most at once:", most)

# %% [markdown]
# Cut $n$ layers into $s$ parts: $s$ values wait, and one part's other $n/s - 1$ are computed again. The sum is least where its slope is 0:
#
# $$s + \frac{n}{s} - 1, \qquad 1 - \frac{n}{s^2} = 0 \ \Longrightarrow\ s = \sqrt n$$
#
# That is $2\sqrt n - 1$ in place of $n$ (Chen, Xu, Zhang and Guestrin, 2016). The engine does it for any function: `ag.checkpoint(f)` keeps
# the arguments of `f`, and runs it again in the sweep.

# %%
calls = 0


def part(a, Ws):
    global calls
    for W in Ws:
        calls += 1
        a = np.tanh(a @ W.T)
    return a


print("parts   kept till the sweep   calls of tanh")
for name, size in [("none", 36), (1, 36), (6, 6), (36, 1)]:
    calls, a, T = 0, x, [ag.Tensor(W, requires_grad=True) for W in Ws]
    for i in range(0, depth, size):
        a = (part if name == "none" else ag.checkpoint(part))(a, T[i : i + size])
    between = kept(a, x, *Ws) // x.size + 1  # and the outputs
    (0.5 * np.sum(a * a)).backward()
    same = all(np.allclose(t.grad, g) for t, g in zip(T, found))
    print(f"{name:>5} {between:21} {calls:15}   the same gradient: {same}")

# %% [markdown]
# One part keeps least till then, but has all 36 at once in the sweep. There are 72 calls, where we had 66: the engine runs a part to its
# end, and does not know that the end is still there.
#
# That is the price. The products of the forward pass are a third of all, so to do them twice makes $\frac43$ of the multiplications,
# whatever the depth. What it buys grows with the depth. What is stored after the forward pass, in layers (the error keeps one more, its
# $o - y$):

# %%
memory = nn.experiments.memory(seeds=1, depths=(4, 16, 36, 64), samples=100)
stored, depths = memory.data["stored"][0] / (8 * 100 * 16), memory.data["depths"]
print(f"{'depth':12}", *(f"{n:5}" for n in depths))
for name, values, runs in zip(("all kept", "checkpoints"), stored, memory.data["calls"][0]):
    power = np.polyfit(np.log(depths), np.log(values), 1)[0]
    print(f"{name:12}", *(f"{v:5.1f}" for v in values), f"  like n^{power:.2f}, {runs[-1]} calls at {depths[-1]}")

# %% [markdown]
# ## What a program leaves out
#
# The engine does what you wrote, call by call. A traced program can be shortened first. Here the layer is written down twice, once for the
# error, once for a penalty on large activations:


# %%
def layer(W, x):
    return np.tanh(x @ W.T)


def careless(W, x, t):
    return np.sum(np.square(layer(W, x) - t)) / 2 + np.sum(np.square(layer(W, x))) / 20


def careful(W, x, t):
    h = layer(W, x)
    return np.sum(np.square(h - t)) / 2 + np.sum(np.square(h)) / 20


rng = np.random.default_rng(0)
arguments = rng.normal(size=(8, 8)), rng.normal(size=(100, 8)), rng.normal(size=(100, 8))
print(ag.trace(ag.value_and_grad(careless))(*arguments).source())

# %% [markdown]
# One `np.tanh`: a **common subexpression** is computed once. And `1 - h1 * h1`, which the sweep needs for both terms, too.
#
# **Predict.** Trace `ag.grad` in place of `ag.value_and_grad`: the same, but for what is returned. What else is missing from the program?

# %%
print(ag.trace(ag.grad(careless))(*arguments).source())

# %% [markdown]
# The error itself. No partial needs it, so it is **dead**. The gradient is found without ever computing what it is the gradient of.
#
# Counted: what NumPy multiplies when the engine runs, which has to go forward in order to record, and what the program does.

# %%
print(f"{'':27} {'engine':>8} {'program':>8} {'lines':>7}")
for f in (careless, careful):
    for derivative in (ag.value_and_grad, ag.grad):
        with counting() as tally:
            derivative(f)(Counted(arguments[0]), *arguments[1:])  # what is computed from W counts, too
        program = multiplications(derivative(f), *arguments)
        lines = sum(" = " in line for line in ag.trace(derivative(f))(*arguments).source().splitlines())
        print(f"{derivative.__name__ + '(' + f.__name__ + ')':27} {tally.multiplications:8,} {program:8,} {lines:7}")

# %% [markdown]
# The careless program still is not the careful one: `g3.T @ x + d_z1.T @ x` are two products, where $(g_3 + \delta)^{\mathsf T} x$ is one.
# The program makes no change that would alter the rounding. It finds the same value computed twice, but it does not add up *first*, which
# is what the sweep does where you use a value twice. Dynamic programming is only as good as the graph.
#
# `ag.compile` runs such programs: recorded once, then called without recording. `print(fast.source())` shows the calls, each below its line
# of the program. They write into arrays that are used again. And a checkpoint inside is not heeded: a program decides itself what to keep.

# %%
fast = ag.compile(ag.value_and_grad(careless))
assert all(map(np.allclose, fast(*arguments), ag.value_and_grad(careless)(*arguments)))
lines = ag.trace(ag.value_and_grad(careless))(*arguments).source().splitlines()
wanted = [line.partition("  #")[0].strip() for line in lines if " = " in line]
there = sum(f"# {line}\n" in fast.source() for line in wanted)
print(f"{len(wanted)} lines has the program, {there} of them are found in what compile runs")


def halves(Ws, x):
    return 0.5 * np.sum(np.square(ag.checkpoint(part)(ag.checkpoint(part)(x, Ws[:18]), Ws[18:])))


program = ag.trace(ag.grad(halves))(Ws, x)
print("tanh in a program with two checkpoints of 18 layers:", sum(step.function is np.tanh for step in program.steps))

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** $f = x_1 x_2 \cdots x_n$. Each partial is the product of all others. Return all $n$, with at most $3n$ multiplications,
# for any numbers, 0 among them. `x` is a list. Keep the products in lists, not in arrays, and write them with `*`.


# %% exercise 1
def partials(x):
    # what stands before x_i: a product that grows from the left
    # what stands after it: one that grows from the right
    return ...  # a list


# %% check 1
x = [np.float64(v) for v in (0.5, -2.0, 1.5, 0.0, 3.0, -0.5, 2.0, 0.25, 1.0, -1.5, 4.0, 0.75)]
with np.errstate(all="ignore"):
    found = partials(list(x))
if found is ...:
    print("Exercise 1: not filled in yet")
else:
    engine, found = ag.grad(np.prod)(np.array(x)), np.array(found, float)
    assert found.shape == engine.shape, f"Exercise 1: {len(engine)} partials are asked for, not {found.size}."
    wrong = np.flatnonzero(~np.isclose(found, engine))
    words = [f"the partial by x_{i + 1} is {engine[i]:.4g}, not {found[i]:.4g}. Here x_4 is 0." for i in wrong[:1]]
    assert not words, f"Exercise 1: {words[0]}"
    with counting() as tally:
        try:
            partials([Counted(v) for v in x])
        except (TypeError, ValueError):
            raise AssertionError(
                "Exercise 1: the check counts what * does, on numbers that an array of floats cannot hold. Keep them in "
                "lists, and write products with *."
            ) from None
    words = f"{tally.multiplications} multiplications for {len(x)} numbers, more than {3 * len(x)}."
    assert 0 < tally.multiplications <= 3 * len(x), f"Exercise 1: {words}"
    print("Exercise 1: right,", tally.multiplications, "multiplications for", len(x), "numbers")

# %% [markdown]
# **Exercise 2.** The fewest multiplications for a product $J_k \cdots J_2 J_1$, over all ways to set brackets. `sizes` holds $k + 1$ numbers:
# $J_i$ has `sizes[i]` rows and `sizes[i - 1]` columns. With 14 matrices there are 742,900 ways, so do not try them all.


# %% exercise 2
def cheapest(sizes):
    # best[i, j]: the fewest for the product from sizes[i] to sizes[j]; 0 if j = i + 1
    # else the last product joins two parts at some k between: sizes[i] * sizes[k] * sizes[j], and both parts' best
    return ...


# %% check 2
class Patient(list):
    """Sizes that can be read so often, and no more."""

    def __init__(self, numbers, reads=None):
        super().__init__(numbers)
        self.reads = [0] if reads is None else reads

    def __getitem__(self, i):
        self.reads[0] += 1
        assert self.reads[0] < 20_000, "Exercise 2: 14 matrices, 20,000 looks at the sizes. Keep the best of each part."
        found = super().__getitem__(i)
        return Patient(found, self.reads) if isinstance(i, slice) else found


def carried_out(sizes, rng):
    """The multiplications of a product in some order."""
    factors = [Counted(np.ones((m, n))) for n, m in zip(sizes, sizes[1:])]
    with counting() as tally:
        while len(factors) > 1:
            i = rng.integers(len(factors) - 1)
            factors[i : i + 2] = [factors[i + 1] @ factors[i]]
    return tally.multiplications


rng = np.random.default_rng(0)
for sizes in ([3, 5], [3, 5, 2], [10, 10, 1, 10, 10], [2, 9, 3, 8, 1, 7], [8, 2, 9, 4, 6]):
    found = cheapest(Patient(sizes))
    if found is ...:
        print("Exercise 2: not filled in yet")
        break
    least = min(carried_out(sizes, rng) for _ in range(100))
    assert found <= least, f"Exercise 2: sizes {sizes}: a way was carried out with {least}; {found} is not the fewest."
    assert found >= least, f"Exercise 2: sizes {sizes}: of 100 ways none took fewer than {least}; {found} is too few."
else:
    found = cheapest(Patient([2] * 15))
    assert found == 13 * 8, f"Exercise 2: 14 matrices (2, 2) take 13 products of 8, which is 104, not {found}."
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** A network with biases: hidden layers of tanh, a linear output. How many numbers must the forward pass keep for the sweep to
# the weights, besides the inputs, the outputs and the weights? `sizes` are inputs, hidden layers, outputs.


# %% exercise 3
def numbers_kept(sizes, samples):
    return ...


# %% check 3
if numbers_kept([3, 4, 2], 2000) is ...:
    print("Exercise 3: not filled in yet")
else:
    for sizes, samples in [([3, 4, 2], 2000), ([3, 4, 2], 3000), ([3, 7, 5, 2], 2000), ([6, 2, 2, 2, 9], 1500)]:
        model, x = nn.MLP(sizes, "tanh", rng=0), np.ones((samples, sizes[0]))
        result = model(x)
        engine = stored_bytes(result, [x, result.data, *(p.data for p in model.parameters())]) // 8
        found = numbers_kept(sizes, samples)
        words = f"sizes {sizes}, {samples} samples: the engine keeps {engine:,}, not {found:,}."
        assert found == engine, f"Exercise 3: {words} Which values does a slope or a partial read?"
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** Checkpoints in checkpoints: $n$ layers in two halves, each half checkpointed and made of two halves, each checkpointed,
# and so on down to single layers, $n = 2, 4, 8, \dots$ How many computations of a layer are there in all, forward pass and sweep together,
# a layer computed twice counting as two?


# %% exercise 4
def computed(n):
    # the forward pass: n. Then: each level of halves is run again once
    return ...


# %% check 4
runs = []


def nested(a, Ws):
    if len(Ws) == 1:
        runs.append(1)
        return np.tanh(a @ Ws[0].T)
    half = len(Ws) // 2
    return ag.checkpoint(nested)(ag.checkpoint(nested)(a, Ws[:half]), Ws[half:])


if computed(2) is ...:
    print("Exercise 4: not filled in yet")
else:
    for n in (2, 4, 8, 16):
        runs.clear()
        ag.grad(lambda Ws: np.sum(nested(np.ones((1, 2)), Ws)))([0.5 * np.eye(2)] * n)
        words = f"{n} layers: the engine computed {len(runs)}, not {computed(n):g}. How many levels of halves?"
        assert np.isclose(computed(n), len(runs)), f"Exercise 4: {words}"
    print("Exercise 4: right")

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# def partials(x):
#     before, after = [1.0], [1.0]
#     for i in range(len(x) - 1):
#         before.append(before[-1] * x[i])
#         after.insert(0, after[0] * x[-1 - i])
#     return [b * a for b, a in zip(before, after)]
# ```
#
# The list `before` is the forward pass, `after` the sweep: the cotangents of the partial products.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def cheapest(sizes):
#     last = len(sizes) - 1
#     best = {(i, i + 1): 0 for i in range(last)}
#     for length in range(2, last + 1):
#         for i in range(last - length + 1):
#             j = i + length
#             best[i, j] = min(best[i, k] + best[k, j] + sizes[i] * sizes[k] * sizes[j] for k in range(i + 1, j))
#     return best[0, last]
# ```
#
# The short parts first, so that each is there when a longer one asks: a topological order once more.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def numbers_kept(sizes, samples):
#     return samples * sum(sizes[1:-1])
# ```
#
# The activations of the hidden layers, each read twice: for tanh's slope, and as what goes into the next layer. A sum keeps nothing, so
# biases cost nothing.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def computed(n):
#     return n * (1 + np.log2(n))
# ```
#
# There are $\log_2 n$ levels, and at each of them one value waits: for a thousand layers some ten, where each layer is computed 11 times.
# With fewer levels, of more parts each, one gets what lies between that and $2 \sqrt n$.
#
# </details>
