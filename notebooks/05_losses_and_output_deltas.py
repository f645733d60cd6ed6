# %% [markdown]
# # 5. Losses, and where the sweep begins
#
# The delta rule hands deltas down. Who hands out the first one? The loss. Afterwards you can derive the output delta of any loss, know why
# $o - y$ turns up three times and when it does not, and never lose a factor $\frac12$, 2 or $n$ again.

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import autograd_mini as ag
import nn

BLUE, ORANGE, GREY, PAPER = "#0b57a4", "#c4500b", "#9aa3ad", "#fcfcfb"
COLOURS = LinearSegmentedColormap.from_list("signs", [BLUE, PAPER, ORANGE])  # below 0, 0, above 0
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})

# %% [markdown]
# ## Three losses
#
# For numbers the squared error; for yes or no, where $o$ is the probability of yes, the log loss; for one of $k$ classes, where the $o_i$
# are their probabilities, the cross-entropy *(claims Y4, M2)*:
#
# $$J = \tfrac12 \sum_i (o_i - y_i)^2, \qquad J = -y \log o - (1 - y) \log (1 - o), \qquad J = -\sum_i y_i \log o_i$$

# %%
o, y = np.array([[0.2], [0.9], [0.6]]), np.array([[0.0], [1.0], [0.0]])  # three samples, in rows
probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
classes = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])

squared = np.sum((o - y) ** 2, axis=1) / 2
log_loss = np.sum(-y * np.log(o) - (1 - y) * np.log(1 - o), axis=1)
cross_entropy = -np.sum(classes * np.log(probabilities), axis=1)

print("squared error", squared, np.allclose(squared, nn.squared_error(o, y, reduction="none")))
print("log loss     ", log_loss, np.allclose(log_loss, nn.binary_cross_entropy(o, y, reduction="none")))
same = np.allclose(cross_entropy, nn.categorical_cross_entropy(probabilities, classes, reduction="none"))
print("cross-entropy", cross_entropy, same)

# %% [markdown]
# **Predict.** The target is 1. What does each say of an output near 0, and how steep is it there?

# %%
outputs = np.linspace(0.01, 0.99, 99)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for name, J, style in [
    ("squared error", lambda o: (o - 1) ** 2 / 2, "--"),
    ("log loss", lambda o: -np.log(o), "-"),
]:
    left.plot(outputs, J(outputs), style, color=BLUE, linewidth=2, label=name)
    right.plot(outputs, ag.elementwise_grad(J)(outputs), style, color=ORANGE, linewidth=2, label=name)
left.set(xlabel="output o", title="loss J, target 1", ylim=(0, 5))
right.set(xlabel="output o", title="its slope ∂J/∂o", ylim=(-20, 1))
for axes in left, right:
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# To the squared error a wrong output costs a half at most. The log loss has no bound, and neither has its slope.
#
# ## Many samples: a sum or a mean
#
# The derivative of a sum is the sum of the derivatives. So everything that was derived for one sample holds for $n$: add up *(claim Y6)*.
# Divide by $n$, and it is the mean; loss and gradients have that factor, and so has the learning rate that suits them *(claim Y4)*.

# %%
rng = np.random.default_rng(0)
X, Y, W = rng.normal(size=(4, 3)), rng.integers(0, 2, (4, 1)).astype(float), rng.normal(size=(1, 3))


def error(W, X, Y, reduction):
    return nn.binary_cross_entropy(nn.sigmoid(X @ W.T), Y, reduction=reduction)


by_sample = [ag.grad(error)(W, X[s : s + 1], Y[s : s + 1], "sum") for s in range(4)]
whole, mean = ag.grad(error)(W, X, Y, "sum"), ag.grad(error)(W, X, Y, "mean")
print("sum over the samples: ", whole, np.allclose(whole, sum(by_sample)))
print("mean over the samples:", mean, np.allclose(mean, whole / 4))

# %% [markdown]
# That needs an $E$ each of whose terms sees one sample. Batch normalisation breaks it: there each sample's output depends on the others.

# %%
model = nn.Sequential(nn.Linear(3, 2, rng=0), nn.BatchNorm1d(2), nn.Linear(2, 1, rng=0))


def gradient(X, Y):
    return ag.gradients(nn.squared_error(model(X), Y, reduction="sum"), model[0].weight)


added_up = gradient(X[:2], Y[:2]) + gradient(X[2:], Y[2:])
print("with batch normalisation two halves add up to the whole:", np.allclose(added_up, gradient(X, Y)))

# %% [markdown]
# ## The output delta
#
# In general two factors, the slope of the loss and that of the activation *(claim Y10)*:
#
# $$\delta_i^L = \frac{\partial J}{\partial o_i}\, f'(z_i^L)$$
#
# In three famous pairs the second factor cancels something in the first, and all three end at **output minus target**.
#
# **The identity and the squared error.** $\delta_i = (o_i - y_i) \cdot 1$. This is what the $\frac12$ is for *(claim M2)*.
#
# **The sigmoid and the log loss.** The slope of the loss has a denominator, and the slope of the sigmoid is just that:
#
# $$\frac{\partial J}{\partial o} = -\frac{y}{o} + \frac{1 - y}{1 - o} = \frac{o - y}{o (1 - o)}, \qquad f'(z) = o (1 - o)
# \quad\Rightarrow\quad \delta = o - y$$
#
# **The softmax and the cross-entropy.** Every output $o_i = e^{z_i} / \sum_k e^{z_k}$ depends on every sum. A whole matrix of slopes takes
# the place of $f'$:
#
# $$\frac{\partial o_i}{\partial z_k} = o_i \left( [i = k] - o_k \right), \qquad
# \delta_k = \sum_i \underbrace{-\frac{y_i}{o_i}}_{\partial J / \partial o_i} o_i \left( [i = k] - o_k \right) = o_k \sum_i y_i - y_k$$
#
# With targets that add up to 1 it is $o_k - y_k$ again.

# %%
z, y = np.array([2.0, 1.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0, 0.0])
o = np.exp(z) / np.sum(np.exp(z))
slopes = np.diag(o) - np.outer(o, o)
print("the matrix is the engine's:     ", np.allclose(slopes, ag.jacobian(nn.softmax)(z)))
print("through the matrix:             ", slopes.T @ (-y / o))
print("output minus target:            ", o - y)
print("the engine, from z to the loss: ", ag.grad(lambda z: -np.sum(y * np.log(nn.softmax(z))))(z))

# %%
figure, axes = plt.subplots(figsize=(4.2, 3.2), layout="constrained")
axes.imshow(slopes, cmap=COLOURS, vmin=-0.35, vmax=0.35)
for i, k in np.ndindex(4, 4):
    axes.text(k, i, f"{slopes[i, k]:.3f}", ha="center", va="center")
axes.set(xticks=range(4), yticks=range(4), xticklabels=range(1, 5), yticklabels=range(1, 5))
axes.set(xlabel="sum k", ylabel="output i", title="$\\partial o_i / \\partial z_k$ of a softmax")
plt.show()

# %% [markdown]
# The diagonal is positive, all else negative, and each column adds up to 0: the outputs compete for a total of 1.
#
# What if the targets do not add up to 1? Two classes marked as right, say:

# %%
both = np.array([1.0, 1.0, 0.0, 0.0])
print("the engine:         ", ag.grad(lambda z: -np.sum(both * np.log(nn.softmax(z))))(z))
print("o sum(y) - y:       ", o * both.sum() - both)
print("output minus target:", o - both, " wrong here")

# %% [markdown]
# ## Read it
#
# The engine multiplies the two factors. It does not know that they cancel.


# %%
def from_output(z, y):
    o = nn.sigmoid(z)
    return np.sum(-y * np.log(o) - (1 - y) * np.log(1 - o))


print(ag.trace(ag.value_and_grad(from_output))(np.array([0.3]), np.array([1.0])).source())

# %% [markdown]
# `d_o` is $\partial J/\partial o$, `o * h5` the slope $o (1 - o)$. On paper it makes no difference that they are not cancelled. In float64
# it does: at $z = -800$ the output is 0, its logarithm is not finite, and 0 times infinity is no number. So `nn` has each log loss also
# *from the sum z*, with the exact delta $\sigma(z) - y$.

# %%
z, y = np.array([-800.0]), np.array([1.0])
with np.errstate(all="ignore"):
    value, delta = ag.value_and_grad(from_output)(z, y)
print("through the output:", value, delta)
value, delta = ag.value_and_grad(nn.binary_cross_entropy_with_logits)(z, y)
print("from the sum:      ", value, delta)

# %% [markdown]
# ## What the cancelling is worth
#
# A sigmoid under the *squared* error keeps its slope: $\delta = (o - y)\, o (1 - o)$ *(claim Y10)*.
#
# **Predict.** The target is 1. A neuron that is sure of the opposite, $z = -6$: which of the two deltas is larger, and how much?

# %%
z = np.linspace(-8, 8, 321)
pairs = {
    "log loss": lambda z: nn.binary_cross_entropy_with_logits(z, np.ones_like(z)),
    "squared error": lambda z: nn.squared_error(nn.sigmoid(z), np.ones_like(z)),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for (name, E), style in zip(pairs.items(), ("-", "--")):
    slope = ag.compile(ag.grad(E))  # of all entries at once: E adds up over them
    print(f"{name:13}  delta at z = -6: {slope(np.array([-6.0]))[0]:.4f}")
    left.plot(z, slope(z), style, color=ORANGE, linewidth=2, label=name)
    learned, path = np.array([-6.0]), []  # the sum itself is learned, with alpha = 1
    for _ in range(500):
        path.append(nn.sigmoid(learned)[0])
        learned = learned - slope(learned)
    steps = f"after {np.argmax(np.array(path) > 0.5)} steps" if max(path) > 0.5 else "not after 500 steps"
    print(f"{'':13}  the output passes 1/2 {steps}")
    right.plot(path, style, color=BLUE, linewidth=2, label=name)
left.axvline(-6, color=GREY, linewidth=1)
left.set(xlabel="sum z", title="δ, target 1")
right.set(xlabel="steps, from z = −6", title="the output while it learns")
for axes in left, right:
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# Wrong and sure: the log loss says so at full strength, the squared error whispers.
#
# ## The factor of the squared error
#
# With $\frac12 \lVert o - y \rVert^2$ the delta is $o - y$ *(claim M2)*. With $\lVert o - y \rVert^2$ it is twice that. The note on
# Russell and Norvig starts from the second and has $\Delta = y - a$: the 2 has gone into the learning rate *(claim R5)*.

# %%
weights, biases, x, y = [np.array([[0.5, -1.0]])], [np.array([0.2])], np.array([1.0, 2.0]), np.array([1.0])


def network(factor):
    return nn.delta.DeltaNetwork(weights, biases, ["identity"], "squared_error", factor=factor)


def step(factor, alpha):
    moved = network(factor)
    moved.step(x, y, learning_rate=alpha)
    return moved.weights[0]


Delta, new, _ = nn.delta.from_to_update(network(1.0), x, y, alpha=0.1)  # the note's own rules
for factor in (0.5, 1.0):
    print(f"factor {factor}:  delta {network(factor).deltas(x, y)[0]}   a step leads to {step(factor, 0.1)}")
print(f"the note:    Delta {Delta[0]}   a step leads to {new[0].T}")
print("factor 1 with half the rate leads there too:", np.allclose(step(1.0, 0.05), new[0].T))

# %% [markdown]
# A network that learns does not mind. A gradient that is checked does: the engine differentiates the loss that you wrote, the 2 included.
# Elsewhere the factor is yet another: a mean over the $k$ outputs, as in PyTorch's `MSELoss`, has $1/k$.
#
# ## Many outputs
#
# A loss over $m$ outputs is a sum of $m$ losses. So its gradient is a sum of $m$ gradients *(claim R8)*:
#
# $$\frac{\partial E}{\partial w} = \sum_{k=1}^{m} \frac{\partial E_k}{\partial w}$$
#
# **Predict.** $E_1$ is the loss of output 1 alone. Which rows of the last layer's $\partial E_1 / \partial W$ are not 0: for a sigmoid at
# each output, and for a softmax?

# %%
x, y, labels = rng.normal(size=4), np.array([0.0, 1.0, 0.0]), ["$E_1$", "$E_2$", "$E_3$", "their sum", "$E$"]
W = rng.normal(size=(3, 4))


def sigmoids(W, k):
    o = nn.sigmoid(W @ x)
    return np.sum((-y * np.log(o) - (1 - y) * np.log(1 - o))[k])


def softmax(W, k):
    o = nn.softmax(W @ x)
    return np.sum((-(y + 0.5) / 2.5 * np.log(o))[k])  # targets 0.2, 0.6, 0.2, so that each output has a loss


figure, panels = plt.subplots(2, 5, figsize=(9, 3.6), layout="constrained")
for row, (name, E) in zip(panels, (("sigmoids", sigmoids), ("softmax", softmax))):
    parts = [ag.grad(E)(W, slice(k, k + 1)) for k in range(3)]
    whole = ag.grad(E)(W, slice(None))
    print(f"{name}: the three gradients add up to that of E: {np.allclose(sum(parts), whole)}")
    for axes, label, gradient in zip(row, labels, [*parts, sum(parts), whole]):
        largest = np.max(np.abs(whole))
        axes.imshow(gradient, cmap=COLOURS, vmin=-largest, vmax=largest)
        axes.set(title=label, xticks=[], yticks=range(3), yticklabels=range(1, 4))
    row[0].set_ylabel(f"{name}\noutput")
plt.show()

# %% [markdown]
# With sigmoids, $m$ problems that share only the layers below. With a softmax each loss pulls at all rows: its outputs are tied together.
# On networks with a hidden layer, measured:

# %%
measured = nn.experiments.outputs()
print(textwrap.fill(measured.finding, 100))

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** Counts: how many cars pass in an hour? The output is $o = e^z$, which is positive, and the loss $J = o - y \log o$. Its
# output delta, $\partial J / \partial z$?


# %% exercise 1
def count_delta(z, y):
    return ...


# %% check 1
z, y = np.array([0.5, -1.0, 2.0]), np.array([3.0, 0.0, 5.0])
if count_delta(z, y) is ...:
    print("Exercise 1: not filled in yet")
else:
    found, right = count_delta(z, y), ag.grad(lambda z: np.sum(np.exp(z) - y * np.log(np.exp(z))))(z)
    assert np.allclose(found, right), (
        f"Exercise 1: at z = {z} and y = {y} it is {right.round(3)}, not {np.round(found, 3)}."
    )
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** A softmax under the squared error, $J = \frac12 \sum_i (o_i - y_i)^2$. Nothing cancels: go through the matrix of slopes.


# %% exercise 2
def softmax_delta(z, y):
    return ...


# %% check 2
z, y = np.array([1.0, 0.0, -2.0]), np.array([0.0, 1.0, 0.0])
if softmax_delta(z, y) is ...:
    print("Exercise 2: not filled in yet")
else:
    found, right = softmax_delta(z, y), ag.grad(lambda z: np.sum((nn.softmax(z) - y) ** 2) / 2)(z)
    o = nn.softmax(z)
    hint = "That is the diagonal alone." if np.allclose(found, (o - y) * o * (1 - o)) else ""
    hint = "That is the cross-entropy's." if np.allclose(found, o - y) else hint
    assert np.allclose(found, right), f"Exercise 2: it is {right.round(4)}, not {np.round(found, 4)}. {hint}"
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** A text trains with the *mean* over 50 samples, the factor $\frac12$ and $\alpha = 0.2$. You have the *sum* over the
# samples and the factor 1. Which $\alpha$ makes the same step?

# %% exercise 3
alpha = ...

# %% check 3
if alpha is ...:
    print("Exercise 3: not filled in yet")
else:
    rng = np.random.default_rng(1)
    X, Y, W = rng.normal(size=(50, 2)), rng.normal(size=(50, 1)), rng.normal(size=(1, 2))
    theirs = 0.2 * ag.grad(lambda W: nn.squared_error(X @ W.T, Y, factor=0.5, reduction="mean"))(W)
    yours = alpha * ag.grad(lambda W: nn.squared_error(X @ W.T, Y, factor=1.0, reduction="sum"))(W)
    ratio = (yours / theirs).flat[0]
    assert np.allclose(yours, theirs), f"Exercise 3: with alpha = {alpha} your step is {ratio:.4g} times theirs."
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** A classifier's backward pass: tanh in the hidden layers, a softmax at the end, the cross-entropy as the mean over the
# samples. Samples in rows; `y` has one-hot rows.


# %% exercise 4
def classifier(x, y, weights, biases):
    # forward: tanh in all layers but the last, which has softmax rows: nn.softmax(z)
    # the first delta has a factor for the mean
    return ...  # deltas, weight gradients, bias gradients: lists over the layers


# %% check 4
if classifier(np.ones((3, 2)), np.eye(3), [np.ones((3, 2))], [np.ones(3)]) is ...:
    print("Exercise 4: not filled in yet")
else:
    verdict = nn.check_delta_rule(
        classifier, samples="rows", loss="cross_entropy", activations="tanh", reduction="mean"
    )
    print("Exercise 4:", verdict.headline())
    print(*verdict.hints[:1])  # verdict.hints[1] says more, print(verdict) all

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# def count_delta(z, y):
#     return np.exp(z) - y
# ```
#
# $(1 - y/o) \cdot o = o - y$: output minus target, a fourth time. These pairs are no accidents: each loss is the negative logarithm of a
# probability, and each activation the one that belongs to it.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def softmax_delta(z, y):
#     o = np.exp(z) / np.sum(np.exp(z))
#     return (np.diag(o) - np.outer(o, o)) @ (o - y)
# ```
#
# Or without the matrix: with $d = o - y$, it is `o * (d - np.sum(d * o))`.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# alpha = 0.2 / 50 / 2
# ```
#
# The sum is 50 times the mean, the factor 1 twice a half: gradients 100 times as large, and a rate that is 100 times smaller.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def classifier(x, y, weights, biases):
#     a = [x]
#     for W, b in zip(weights[:-1], biases[:-1]):
#         a.append(np.tanh(a[-1] @ W.T + b))
#     o = nn.softmax(a[-1] @ weights[-1].T + biases[-1])
#     deltas = [(o - y) / len(x)]
#     for l in range(len(weights) - 1, 0, -1):
#         deltas.insert(0, deltas[0] @ weights[l] * (1 - a[l] ** 2))
#     gradients = [delta.T @ below for delta, below in zip(deltas, a)]
#     return deltas, gradients, [delta.sum(axis=0) for delta in deltas]
# ```
#
# The mean's $1/n$ enters once, at the end of the network, and the rules hand it down.
#
# </details>
