# %% [markdown]
# # 4. The worked example, digit by digit
#
# One network, one sample, one step of gradient descent, thirteen published numbers. Afterwards you have seen each of them arise three
# times: from the formulas, from the hand-written rules, from the engine. And you know what goes wrong if the order is changed.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograd_mini as ag
import nn
from nn import examples

BLUE, ORANGE, GREY, PAPER = "#0b57a4", "#c4500b", "#9aa3ad", "#fcfcfb"  # forward, backward, neither
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})

# %% [markdown]
# ## The network
#
# Sigmoids throughout: 2 inputs, 3 neurons, 2 neurons, 1 output. $x_0 = 1$ is there for the biases, which are its weights. Some connections
# do not exist: in the matrices below they are `--`. The sample is $x_1 = 1$, $x_2 = 0$, with the target $y = 1$. The example is R.
# Yehoshua's, and so are the published numbers *(claim Y14)*.

# %%
given = [np.ma.masked_invalid(np.array(rows, float)) for rows in examples.WEIGHTS]  # w_ij leads to i, from j
for l, rows in enumerate(given, 1):
    print(f"W{l}\n{rows}")

# %%
W = [rows.filled(0) for rows in given]
masks = [~np.ma.getmaskarray(rows) for rows in given]  # True where there is a connection
x, y, alpha = np.array(examples.X), examples.Y, examples.LEARNING_RATE

# %% jupyter={"source_hidden": true}
# This cell only draws.
places = [[(0, 2), (0, 1), (0, 0)], [(1, 2), (1, 1), (1, 0)], [(2, 1.6), (2, 0.4)], [(3, 1)]]


def picture(axes, colour, labels, on_edges, backward=False):
    for l, mask in enumerate(masks):
        for i, j in np.argwhere(mask):
            start, end = np.array(places[l][j]), np.array(places[l + 1][i])
            style = {
                "arrowstyle": "<|-" if backward else "-|>",
                "color": GREY,
                "shrinkA": 24,
                "shrinkB": 24,
                "mutation_scale": 12,
            }
            axes.annotate("", end, start, arrowprops=style)
            at = start + (end - start) * (0.36 if (l, i) != (1, 1) else 0.6)
            box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
            axes.text(*at, on_edges(l, i, j), ha="center", va="center", color=colour, fontsize=10, bbox=box)
    for l, layer in enumerate(places):
        for i, place in enumerate(layer):
            axes.plot(*place, "o", markersize=46, color=PAPER, markeredgecolor=colour if labels[l][i] else GREY)
            axes.text(*place, labels[l][i], ha="center", va="center", color=colour, fontsize=10)
    axes.set(xlim=(-0.3, 3.3), ylim=(-0.4, 2.4))
    axes.axis("off")


neurons = [["$x_0$", "$x_1$", "$x_2$"], ["$a_1^1$", "$a_2^1$", "$a_3^1$"], ["$a_1^2$", "$a_2^2$"], ["$o$"]]
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
picture(axes, BLUE, neurons, lambda l, i, j: f"{W[l][i, j]:g}")
plt.show()

# %% [markdown]
# ## Phase 1: forward
#
# Three phases make a step *(claim Y3)*: the outputs, then the deltas and gradients, then the weights.
#
# **Predict.** Both weights to the output are positive. Can $o$ be below $\frac12$?


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


a11 = sigmoid(0.3 * 1 + 0.5 * 1)
a12 = sigmoid(0.7 * 1 - 0.2 * 1)
a13 = sigmoid(-0.1 * 1)
a21 = sigmoid(-0.5 * a11 + 0.4 * a12)
a22 = sigmoid(0.3 * a11 + 0.6 * a12 + 0.4 * a13)
o = sigmoid(0.5 * a21 + 0.7 * a22)


def beside_published(start, *numbers):
    for number, (name, published) in zip(numbers, list(examples.PUBLISHED.items())[start:]):
        print(f"{name:12} {number:11.8f}   published {published:11.8f}", "✓" if round(number, 8) == published else "✗")


beside_published(0, a11, a12, a13, a21, a22, o)

# %% [markdown]
# It cannot: activations of sigmoids are positive, so $z > 0$ and $\sigma(z) > \frac12$.
#
# ## Phase 2: backward
#
# For a target of 1 the log loss is $-\log o$. With a sigmoid before it the last delta is $\delta = o - y$ (chapter 5 says why). Then the
# delta rule: a column of weights, times the slope $a (1 - a)$.
#
# **Predict.** The output is too small. What is the sign of the last delta? One weight of $W^2$ is negative: whose delta may have the other
# sign?

# %%
d3 = o - y
d21 = a21 * (1 - a21) * 0.5 * d3
d22 = a22 * (1 - a22) * 0.7 * d3
d11 = a11 * (1 - a11) * (-0.5 * d21 + 0.3 * d22)
d12 = a12 * (1 - a12) * (0.4 * d21 + 0.6 * d22)
d13 = a13 * (1 - a13) * 0.4 * d22
beside_published(6, d3, d21, d22, d11, d12, d13)

# %% [markdown]
# The last delta is negative: a larger sum would lower the error. Only $-0.5 \cdot \delta_1^2$ has the other sign, and it wins:
# $\delta_1^1$ is positive.

# %%
# The same numbers, layer by layer.
a = [x, np.array([a11, a12, a13]), np.array([a21, a22]), np.array([o])]
deltas = [np.array([d11, d12, d13]), np.array([d21, d22]), np.array([d3])]

# %% jupyter={"source_hidden": true}
# This cell only draws: the deltas at the neurons, the gradients at the connections.
labels = [["", "", ""], *([f"{d:.4f}" for d in delta] for delta in deltas)]
figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
picture(axes, ORANGE, labels, lambda l, i, j: f"{deltas[l][i] * a[l][j]:.4f}".replace("0.0000", "0"), backward=True)
plt.show()

# %% [markdown]
# From layer to layer the deltas get smaller. Chapter 7 follows them through more layers.
#
# ## Phase 3: the step
#
# $w_{ij} \leftarrow w_{ij} - \alpha\,\delta_i a_j$, where there is a connection.

# %%
gradients = [np.where(mask, np.outer(delta, below), 0) for mask, delta, below in zip(masks, deltas, a)]
new = [w - alpha * g for w, g in zip(W, gradients)]


def output(weights):
    a = x
    for w in weights:
        a = sigmoid(w @ a)
    return a[0]


beside_published(12, output(new))
squared = sum(np.sum(g**2) for g in gradients)
print(f"\nthe error falls by {-np.log(o) + np.log(output(new)):.4f};   α · |gradient|² = {alpha * squared:.4f}")

# %% [markdown]
# All thirteen. The last line is what a gradient promises: a small step along it lowers the error by $\alpha$ times its length squared. This
# step is not that small.
#
# ## Phase 3 has to wait
#
# Somebody in a hurry moves the last weights as soon as their gradient is known, then sweeps on, through the *new* weights. The outputs were
# computed with the old ones, so these are the deltas of no network *(claim Y3)*.

# %%
hasty, moved = [None, None, deltas[2]], [None, None, new[2]]
for l in (1, 0):
    hasty[l] = moved[l + 1].T @ hasty[l + 1] * a[l + 1] * (1 - a[l + 1])
    moved[l] = W[l] - alpha * np.where(masks[l], np.outer(hasty[l], a[l]), 0)
for l in (2, 1):
    off = 100 * (hasty[l - 1] / deltas[l - 1] - 1)
    print(f"the deltas of layer {l} are off by", ", ".join(f"{p:+.0f} %" for p in off))

# %% [markdown]
# ## What is absent stays absent
#
# A connection that does not exist is not one of weight 0: that one would learn.

# %%
free = [w - alpha * np.outer(delta, below) for w, delta, below in zip(W, deltas, a)]
print(f"o after the step, absent connections absent:  {output(new):.8f}")
print(f"o after the step, absent connections as zeros {output(free):.8f}")

# %% [markdown]
# ## The engine
#
# It is told the forward pass and the error, nothing else.

# %%
T = [ag.Tensor(w, requires_grad=True, name=f"W{l}") for l, w in enumerate(W, 1)]
x_ = ag.Tensor(x, name="x")
z1 = T[0] @ x_
a1 = nn.sigmoid(z1)
z2 = T[1] @ a1
a2 = nn.sigmoid(z2)
z3 = T[2] @ a2
o_ = nn.sigmoid(z3)
E = -np.log(o_[0])
z1.name, a1.name, z2.name, a2.name, z3.name, o_.name, E.name = "z1", "a1", "z2", "a2", "z3", "o", "E"
engine = ag.gradients(E, [z3, z2, z1])
for l, (found, by_hand) in zip((3, 2, 1), zip(engine, reversed(deltas))):
    print(f"the cotangent of z{l} is delta {l}:", np.round(found, 8), np.allclose(found, by_hand, rtol=1e-12, atol=0))

# %%
ag.draw(E)

# %% [markdown]
# Why has $w_{21}^1$, which leads from $x_1$ to the second neuron, this gradient? `ag.explain` writes out the chain rule of one number.
# (Python counts from 0.)

# %%
explanation = ag.explain(E, T[0], index=(1, 1))
explanation

# %% [markdown]
# The same as text, for a terminal: `print(explanation)`.
#
# ## Three ways, one table
#
# `nn.delta.DeltaNetwork` holds the textbooks' rules for any network; `nn.examples.network()` is a model of layers, which `nn.SGD` trains.
# A mask says which connections there are.

# %%
rules = nn.delta.DeltaNetwork(W, None, ["sigmoid"] * 3, "binary_cross_entropy", masks=masks)
by_rules = [*np.concatenate(rules.forward(x).a[1:]), *np.concatenate(rules.deltas(x, [y])[::-1])]
rules.step(x, [y], learning_rate=alpha)
by_rules.append(rules.predict(x)[0])

model = examples.network()
optimizer = nn.SGD(model.parameters(), lr=alpha)
nn.binary_cross_entropy(model(x[None]), [[y]]).backward()
optimizer.step()
by_engine = [*a1.numpy(), *a2.numpy(), *o_.numpy(), *np.concatenate(engine), model(x[None]).item()]

print("number         published    by the rules  by the engine")
for (name, published), hand, found in zip(examples.PUBLISHED.items(), by_rules, by_engine):
    print(f"{name:13} {published:11.8f}     {hand:11.8f}    {found:11.8f}")

# %% [markdown]
# ## See it move
#
# `nn.player` writes a page that plays all this: forward, back, each delta beside the textbook's rule. It is one file, and needs no
# network. Here it goes to a temporary folder; give it a path of your own, and open it in a browser.

# %%
import tempfile
from pathlib import Path

path = Path(tempfile.mkdtemp()) / "worked_example.html"
page = nn.player(examples.network(), x[None], [[y]], nn.binary_cross_entropy, path)
print(page.name, "is written")
# import webbrowser; webbrowser.open(page.as_uri())

# %% [markdown]
# ## And then again, and again
#
# **Predict.** With the log loss $|\delta^3| = 1 - o$. Where do output and deltas go in 200 steps?

# %%
network = nn.delta.DeltaNetwork(W, None, ["sigmoid"] * 3, "binary_cross_entropy", masks=masks)
outputs, sizes = [], []
for _ in range(200):
    outputs.append(network.predict(x)[0])
    sizes.append([np.max(np.abs(delta)) for delta in network.deltas(x, [y])])
    network.step(x, [y], learning_rate=alpha)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.plot(outputs, color=BLUE, linewidth=2)
left.axhline(1, color=GREY, linewidth=1)
left.set(xlabel="steps", title="the output, target 1", ylim=(0.6, 1.02))
for l, style in zip((3, 2, 1), ("-", "--", ":")):
    right.semilogy(np.array(sizes)[:, l - 1], style, color=ORANGE, linewidth=2, label=f"layer {l}")
right.set(xlabel="steps", title="the largest |δ| of each layer")
right.legend(frameon=False, loc="upper right")
for axes in left, right:
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# A sample learned is a sample that says little more: its deltas die out, by themselves.

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** The same network and input, but the target is $y = 0$. The output is 0.67184586, as before. What are $\delta^3$, and
# $\delta_1^2$, whose neuron has the output 0.47601754 and leads to $o$ by the weight 0.5? Four digits after the point.

# %% exercise 1
delta3 = ...
delta2_1 = ...

# %% check 1
if delta3 is ... or delta2_1 is ...:
    print("Exercise 1: not filled in yet")
else:
    connections = [~np.isnan(np.array(rows, float)) for rows in examples.WEIGHTS]
    weights = [np.nan_to_num(np.array(rows, float)) for rows in examples.WEIGHTS]
    rules = nn.delta.DeltaNetwork(weights, None, ["sigmoid"] * 3, "binary_cross_entropy", masks=connections)
    _, right2, right3 = rules.deltas(examples.X, [0.0])
    assert abs(delta3 - right3[0]) < 1e-4, f"Exercise 1: the last delta is not {delta3}. It is o - y, with another y."
    assert abs(delta2_1 - right2[0]) < 1e-4, (
        f"Exercise 1: not {delta2_1}. It is slope times weight times the last delta."
    )
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** The other example that everybody meets is M. Mazur's (2015): 2 inputs, 2 sigmoids, 2 sigmoids, one bias for each layer,
# $E = \frac12 \lVert o - y \rVert^2$. He published $E = 0.298371109$, $\partial E/\partial w_5 = 0.082167041$, where $w_5$ is `W2[0, 0]`,
# and $\partial E/\partial w_1 = 0.000438568$, where $w_1$ is `W1[0, 0]`. Compute them.


# %% exercise 2
def mazur():
    x, y = np.array([0.05, 0.10]), np.array([0.01, 0.99])
    W1, b1 = np.array([[0.15, 0.20], [0.25, 0.30]]), 0.35
    W2, b2 = np.array([[0.40, 0.45], [0.50, 0.55]]), 0.60
    # forward, the deltas, the two gradients
    return ...  # E, dE/dw5, dE/dw1


# %% check 2
if mazur() is ...:
    print("Exercise 2: not filled in yet")
else:
    for name, found, published in zip(("E", "dE/dw5", "dE/dw1"), mazur(), (0.298371109, 0.082167041, 0.000438568)):
        assert abs(found - published) < 6e-10, f"Exercise 2: {name} was published as {published}, not {found:.9f}."
    print("Exercise 2: right, to every published digit")

# %% [markdown]
# **Exercise 3.** One step for any network of sigmoids without biases, with a log loss and masks, one sample. The check uses random
# networks in which connections are absent.


# %% exercise 3
def one_step(x, y, weights, masks, learning_rate):
    # forward, with every a kept; the deltas; only then the new weights
    return ...  # the new weights, a list


# %% check 3
if one_step(np.ones(2), np.ones(1), [np.ones((1, 2))], [np.ones((1, 2))], 0.5) is ...:
    print("Exercise 3: not filled in yet")
else:
    verdict = nn.check_delta_rule(one_step, loss="binary_cross_entropy", notation="Y", returns="weights")
    print("Exercise 3:", verdict.headline())
    print(*verdict.hints[:1])  # verdict.hints[1] says more, print(verdict) all

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# delta3 = 0.67184586 - 0
# delta2_1 = 0.47601754 * (1 - 0.47601754) * 0.5 * delta3
# ```
#
# The forward pass does not know the target. All deltas are those of $y = 1$ times $o / (o - 1)$.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def mazur():
#     x, y = np.array([0.05, 0.10]), np.array([0.01, 0.99])
#     W1, b1 = np.array([[0.15, 0.20], [0.25, 0.30]]), 0.35
#     W2, b2 = np.array([[0.40, 0.45], [0.50, 0.55]]), 0.60
#     a1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
#     o = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
#     delta2 = (o - y) * o * (1 - o)
#     delta1 = W2.T @ delta2 * a1 * (1 - a1)
#     return np.sum((o - y) ** 2) / 2, delta2[0] * a1[0], delta1[0] * x[0]
# ```
#
# Here the squared error is used, so that the last delta keeps its slope.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def one_step(x, y, weights, masks, learning_rate):
#     a = [x]
#     for W in weights:
#         a.append(1 / (1 + np.exp(-(W @ a[-1]))))
#     deltas = [a[-1] - y]
#     for l in range(len(weights) - 1, 0, -1):
#         deltas.insert(0, weights[l].T @ deltas[0] * a[l] * (1 - a[l]))
#     steps = [m * np.outer(delta, below) for m, delta, below in zip(masks, deltas, a)]
#     return [W - learning_rate * step for W, step in zip(weights, steps)]
# ```
#
# All deltas first, with the old weights; then the new ones, all in new arrays.
#
# </details>
