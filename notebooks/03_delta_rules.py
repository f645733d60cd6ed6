# %% [markdown]
# # 3. The delta rules: by index, in matrices, with the other sign
#
# Afterwards you can derive the equations of backpropagation, write them as matrices and say where each transpose comes from, find them in
# a program that nobody wrote, and read a textbook that has the other sign.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograd_mini as ag
import nn

BLUE, ORANGE, GREY, PAPER = "#0b57a4", "#c4500b", "#9aa3ad", "#fcfcfb"  # forward, backward, neither
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})

# %% [markdown]
# ## The forward pass
#
# Two inputs, three hidden neurons, two outputs. The weight $w_{ij}^l$ leads *to* neuron $i$ of layer $l$, *from* neuron $j$ of the layer
# below. A neuron adds up and squashes *(claim Y1)*:
#
# $$z_i^l = \sum_j w_{ij}^l\, a_j^{l-1} + b_i^l, \qquad a_i^l = f(z_i^l)$$

# %%
W1, b1 = np.array([[0.5, -1.0], [1.5, 0.4], [-0.3, 0.8]]), np.array([0.1, -0.2, 0.3])
W2, b2 = np.array([[1.2, -0.7, 0.6], [-0.4, 0.9, 1.1]]), np.array([0.0, -0.5])
x, y = np.array([1.0, -0.5]), np.array([1.0, 0.0])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


z1 = np.zeros(3)
for i in range(3):
    for j in range(2):
        z1[i] += W1[i, j] * x[j]
    z1[i] += b1[i]
print("by index   ", z1)

# %% [markdown]
# The double loop is a product of a matrix and a vector. Row $i$ of $W$ holds all weights that lead to neuron $i$ *(claim M1)*:
#
# $$Z^l = W^l A^{l-1} + B^l, \qquad A^l = \sigma(Z^l)$$
#
# The note from which these two come prints the second one as $Z = \sigma(A)$. That is a slip: then every $z$ would lie between 0 and 1.

# %%
a1 = sigmoid(W1 @ x + b1)
z2 = W2 @ a1 + b2
a2 = sigmoid(z2)
E = np.sum((a2 - y) ** 2) / 2
print("in matrices", W1 @ x + b1, "  between 0 and 1:", (z1 > 0) & (z1 < 1))
print("outputs    ", a2, "  error", E)

# %% [markdown]
# ## What a nudge of $z$ does
#
# Push one weighted sum a little, leave everything before it alone, and let the rest of the network run. By how much does the error change?
# That number has a name:
#
# $$\delta_i^l = \frac{\partial E}{\partial z_i^l}$$


# %%
def error_from_z1(z1):
    return error_from_z2(W2 @ sigmoid(z1) + b2)


def error_from_z2(z2):
    return np.sum((sigmoid(z2) - y) ** 2) / 2


def nudged(error, z, h=1e-5):
    return np.array([(error(z + h * e) - error(z - h * e)) / (2 * h) for e in np.eye(len(z))])


print("delta of layer 1, by nudges:", nudged(error_from_z1, z1))
print("delta of layer 2, by nudges:", nudged(error_from_z2, z2))

# %% [markdown]
# Ten runs of the network for five numbers. The rules of this chapter find them in one sweep, and then all gradients.
#
# ## The last delta
#
# $E = \frac12 \sum_i (a_i - y_i)^2$ depends on $z_i^L$ through $a_i^L$ alone. Two factors *(claim M3)*:
#
# $$\delta_i^L = \frac{\partial E}{\partial a_i^L} \cdot \frac{\partial a_i^L}{\partial z_i^L} = (a_i^L - y_i)\, f'(z_i^L)$$
#
# The slope of the sigmoid needs no $z$, only what the forward pass has found *(claims Y9, R10)*:
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}} \quad\Rightarrow\quad \sigma'(z) = \frac{e^{-z}}{(1 + e^{-z})^2}
# = \frac{1}{1 + e^{-z}} \cdot \frac{e^{-z}}{1 + e^{-z}} = a\,(1 - a)$$
#
# So it is with the others: the tanh has $1 - a^2$, the ReLU 1 where $a > 0$, else 0.

# %%
z = np.linspace(-4, 4, 401)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for name, f, slope, style in [
    ("sigmoid", nn.sigmoid, lambda a: a * (1 - a), "-"),
    ("tanh", nn.tanh, lambda a: 1 - a**2, "--"),
    ("ReLU", nn.relu, lambda a: np.where(a > 0, 1.0, 0.0), ":"),
]:
    a, engine = f(z), ag.elementwise_grad(f)(z)
    assert np.allclose(slope(a), engine)  # the formula is the derivative that the engine finds
    left.plot(z, engine, style, color=BLUE, linewidth=2, label=name)
    inside = a <= 1
    right.plot(a[inside], slope(a)[inside], style, color=ORANGE, linewidth=2, label=name)
left.set(xlabel="weighted sum z", title="slope at z, by the engine")
right.set(xlabel="output a", title="slope at the output a, by the formula")
left.legend(frameon=False, loc="upper left")
for axes in left, right:
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The sigmoid's slope is never more than a quarter, which chapter 7 will care about.

# %%
delta2 = np.zeros(2)
for i in range(2):
    delta2[i] = (a2[i] - y[i]) * a2[i] * (1 - a2[i])
print("by the rule ", delta2)
print("by nudges   ", nudged(error_from_z2, z2))

# %% [markdown]
# ## The delta rule
#
# A hidden $z_i^l$ moves its $a_i^l$, and that moves *every* sum $z_j^{l+1}$ that reads it, by $w_{ji}^{l+1}$. Along a path multiply, over
# the paths add *(claim Y8)*:
#
# $$\delta_i^l = \underbrace{\frac{\partial a_i^l}{\partial z_i^l}}_{f'(z_i^l)} \sum_j
# \underbrace{\frac{\partial z_j^{l+1}}{\partial a_i^l}}_{w_{ji}^{l+1}} \underbrace{\frac{\partial E}{\partial z_j^{l+1}}}_{\delta_j^{l+1}}
# = f'(z_i^l) \sum_j w_{ji}^{l+1} \delta_j^{l+1}$$
#
# **Predict.** To find $z_1^2$, the forward pass reads a row of $W^2$. Which numbers of $W^2$ does $\delta_2^1$ read?

# %% jupyter={"source_hidden": true}
# This cell only draws.
places = [[(0, 1.5), (0, 0.5)], [(1, 2), (1, 1), (1, 0)], [(2, 1.5), (2, 0.5)]]


def network(axes, ends, colour, labels, title):
    for layer in (0, 1):
        for i, end in enumerate(places[layer + 1]):
            for j, start in enumerate(places[layer]):
                bold = (layer, i, j) in ends
                style = ("-|>" if colour == BLUE else "<|-") if bold else "-"
                arrow = {"arrowstyle": style, "color": colour if bold else GREY, "linewidth": 2.2 if bold else 0.6}
                axes.annotate("", end, start, arrowprops={**arrow, "shrinkA": 15, "shrinkB": 15, "mutation_scale": 16})
                if bold:
                    at = 0.42 * np.array(start) + 0.58 * np.array(end)
                    text = f"$w_{{{i + 1}{j + 1}}}$"
                    axes.text(*at, text, ha="center", va="center", color=colour, backgroundcolor=PAPER, fontsize=11)
    for layer, neurons in enumerate(places):
        for i, (px, py) in enumerate(neurons):
            text = labels.get((layer, i), "")
            axes.plot(px, py, "o", markersize=28, color=PAPER, markeredgecolor=colour if text else GREY)
            axes.text(px, py, text, ha="center", va="center", color=colour)
    axes.set(title=title, xlim=(-0.25, 2.25), ylim=(-0.4, 2.4))
    axes.axis("off")


def matrix(axes, row, column, colour):
    for i in range(2):
        for j in range(3):
            on = i == row or j == column
            axes.text(j, -i, f"{W2[i, j]:.1f}", ha="center", va="center", color=colour if on else GREY, fontsize=13)
    corner, size = ((-0.45, -row - 0.4), (2.9, 0.8)) if row is not None else ((column - 0.45, -1.4), (0.9, 1.8))
    axes.add_patch(plt.Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=2))
    axes.set(xlim=(-2.2, 4.2), ylim=(-1.6, 0.6))
    axes.text(-0.9, -0.5, "$W^2$", ha="center", va="center", fontsize=13)
    axes.axis("off")


figure, panels = plt.subplots(2, 2, figsize=(9, 4.6), height_ratios=(3, 1), layout="constrained")
forward = {(0, 0): "$x_1$", (0, 1): "$x_2$", (1, 0): "$a_1^1$", (1, 1): "$a_2^1$", (1, 2): "$a_3^1$", (2, 0): "$z_1^2$"}
network(panels[0, 0], {(1, 0, 0), (1, 0, 1), (1, 0, 2)}, BLUE, forward, "forward: a row, all that leads to $z_1^2$")
back = {(2, 0): r"$\delta_1^2$", (2, 1): r"$\delta_2^2$", (1, 1): r"$\delta_2^1$"}
network(panels[0, 1], {(1, 0, 1), (1, 1, 1)}, ORANGE, back, "backward: a column, all that leads from neuron 2")
matrix(panels[1, 0], 0, None, BLUE)
matrix(panels[1, 1], None, 1, ORANGE)
plt.show()

# %% [markdown]
# A column: the same connections, walked the other way. That is where the transpose will come from.

# %%
delta1 = np.zeros(3)
for i in range(3):
    for j in range(2):
        delta1[i] += W2[j, i] * delta2[j]
    delta1[i] *= a1[i] * (1 - a1[i])
print("by the rule ", delta1)
print("by nudges   ", nudged(error_from_z1, z1))

# %% [markdown]
# ## The gradients
#
# A weight acts on the error through one sum only, the one at its end, and $\partial z_i / \partial w_{ij}$ is what it is multiplied by.
# For a bias that is 1 *(claims Y7, M5, M6)*:
#
# $$\frac{\partial E}{\partial w_{ij}^l} = \delta_i^l\, a_j^{l-1}, \qquad \frac{\partial E}{\partial b_i^l} = \delta_i^l$$

# %%
dW1 = np.array([[delta1[i] * x[j] for j in range(2)] for i in range(3)])
dW2 = np.array([[delta2[i] * a1[j] for j in range(3)] for i in range(2)])
print(dW2)

# %% [markdown]
# ## In matrices
#
# Each layer's deltas in one vector $\Delta^l$; $\odot$ multiplies entry by entry *(claims M3, M4, M5, M6)*:
#
# $$\Delta^L = (A^L - Y) \odot \sigma'(Z^L), \qquad \Delta^l = \left(W^{l+1}\right)^{\mathsf T} \Delta^{l+1} \odot \sigma'(Z^l)$$
#
# $$\frac{\partial E}{\partial W^l} = \Delta^l \left(A^{l-1}\right)^{\mathsf T}, \qquad \frac{\partial E}{\partial B^l} = \Delta^l$$
#
# $W^{\mathsf T}$, since the sum runs over the *first* index of $w_{ji}$. $\Delta A^{\mathsf T}$, a column times a row, is the table of all
# products $\delta_i a_j$. The loops above, in four lines:

# %%
Delta2 = (a2 - y) * a2 * (1 - a2)
Delta1 = W2.T @ Delta2 * a1 * (1 - a1)
gradient2 = np.outer(Delta2, a1)
gradient1 = np.outer(Delta1, x)
print("as by index:", np.allclose(Delta1, delta1), np.allclose(gradient1, dW1), np.allclose(gradient2, dW2))

# %% [markdown]
# ## Read it in a program that nobody wrote
#
# The engine knows the derivative of `@`, of `exp`, of `+`. It has never heard of a delta. We give it the forward pass and the error, and
# ask for the program that it derives.


# %%
def error(W1, b1, W2, b2, x, y):
    z1 = W1 @ x + b1
    a1 = nn.sigmoid(z1)
    z2 = W2 @ a1 + b2
    a2 = nn.sigmoid(z2)
    return np.sum((a2 - y) ** 2) / 2


program = ag.trace(ag.value_and_grad(error, argnums=(0, 1, 2, 3)))(W1, b1, W2, b2, x, y)
print(program.source())

# %% [markdown]
# Read `d_` as $\partial E / \partial$. Line by line, the backward pass is this chapter:
#
# | the program | the rule |
# |---|---|
# | `d_z2 = h3 * (a2 * (1 - a2))` | $\Delta^L = (A^L - Y) \odot \sigma'(Z^L)$ |
# | `d_W2 = np.outer(d_z2, a1)` | $\partial E/\partial W^2 = \Delta^2 (A^1)^{\mathsf T}$ |
# | `d_a1 = W2.T @ d_z2` and `d_z1 = d_a1 * (a1 * (1 - a1))` | $\Delta^1 = (W^2)^{\mathsf T} \Delta^2 \odot \sigma'(Z^1)$ |
# | `d_W1 = np.outer(d_z1, x)` | $\partial E/\partial W^1 = \Delta^1 X^{\mathsf T}$ |
# | it returns `d_z1` and `d_z2` for the biases | $\partial E/\partial B^l = \Delta^l$ |
#
# (The sigmoid's two lines in the forward pass are $1/(1 + e^{-z})$, written so that nothing overflows.)
#
# The listing is a program. Run it, and hold it against the four lines that we wrote:

# %%
derived = {}
exec(program.source(), derived)
_, (d_W1, d_b1, d_W2, d_b2) = derived["error"](W1, b1, W2, b2, x, y)
for name, found, by_hand in [("W1", d_W1, dW1), ("b1", d_b1, delta1), ("W2", d_W2, dW2), ("b2", d_b2, delta2)]:
    print(f"dE/d{name}: equal to the loops' to 14 digits: {np.allclose(found, by_hand, rtol=1e-14, atol=1e-16)}")

# %% [markdown]
# And as a picture. Blue is forward, orange backward: the orange numbers at `z1` and `z2` are the deltas.

# %%
names = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
T = {name: ag.Tensor(value, requires_grad=True, name=name) for name, value in names.items()}
x_, y_ = ag.Tensor(x, name="x"), ag.Tensor(y, name="y")
z1_ = T["W1"] @ x_ + T["b1"]
a1_ = nn.sigmoid(z1_)
z2_ = T["W2"] @ a1_ + T["b2"]
a2_ = nn.sigmoid(z2_)
E_ = np.sum((a2_ - y_) ** 2) / 2
z1_.name, a1_.name, z2_.name, a2_.name, E_.name = "z1", "a1", "z2", "a2", "E"
ag.draw(E_)

# %% [markdown]
# ## A bias is a weight
#
# Give each layer one more input that is always 1. Its weight is the bias *(claim Y2)*:
#
# $$W a + b = \left[\, b \mid W \,\right] \begin{bmatrix} 1 \\ a \end{bmatrix}$$
#
# Outputs and gradients are the same; then $\partial E/\partial b_i = \delta_i \cdot 1$ is no rule of its own.


# %%
def with_one(a):
    return np.concatenate([[1.0], a])


def error_without_biases(V1, V2, x, y):
    a1 = nn.sigmoid(V1 @ with_one(x))
    a2 = nn.sigmoid(V2 @ with_one(a1))
    return np.sum((a2 - y) ** 2) / 2


V1, V2 = np.column_stack([b1, W1]), np.column_stack([b2, W2])
value, (d_V1, d_V2) = ag.value_and_grad(error_without_biases, argnums=(0, 1))(V1, V2, x, y)
print("the same error:", np.isclose(value, E))
print("the gradient of [b | W] is [dE/db | dE/dW]:", np.allclose(d_V2, np.column_stack([d_b2, d_W2])))

# %% [markdown]
# ## The other sign
#
# Russell and Norvig number a weight the other way, $w_{ij}$ *from* $i$ *to* $j$, and call $\Delta$ what we call $-\delta$, the direction in
# which the sum *should* go *(claims R1, R2, R3, R4)*:
#
# $$\mathrm{in}_j = \sum_i w_{ij}\, a_i, \qquad \Delta_k = (y_k - a_k)\, g'(\mathrm{in}_k), \qquad
# \Delta_j = g'(\mathrm{in}_j) \sum_k w_{jk} \Delta_k, \qquad w_{ij} \leftarrow w_{ij} + \alpha\, a_i \Delta_j$$
#
# Two signs have changed, so the step has not: $w - \alpha\,\delta a = w + \alpha\, a \Delta$. (Their loss has no $\frac12$; what becomes
# of the 2 is in chapter 5.)
#
# **Predict.** With $w_{jk}$ from $j$ to $k$, does the backward pass read rows or columns?

# %%
alpha = 0.5
w1, w2 = W1.T, W2.T  # w1[i, j] leads from i to j
other1 = sigmoid(x @ w1 + b1)
other2 = sigmoid(other1 @ w2 + b2)
D2 = (y - other2) * other2 * (1 - other2)
D1 = other1 * (1 - other1) * (w2 @ D2)  # rows: no transpose here, but one in the forward pass
print("Delta is -delta:     ", np.allclose(D2, -delta2), np.allclose(D1, -delta1))
print("the same new weights:", np.allclose((w2 + alpha * np.outer(other1, D2)).T, W2 - alpha * dW2))

# %% [markdown]
# ## One table, three notations
#
# `nn.compare` holds the rules, as `nn/delta.py` has them by hand, against the engine and against difference quotients, for any model.

# %%
model = nn.MLP([2, 3, 2], "sigmoid", "sigmoid", rng=0)
report = nn.compare(model, x, y, nn.squared_error)
report

# %% [markdown]
# The same rules as the three texts write them. Find what differs: indices, layer numbers, signs.

# %%
for notation, source in [("Y", "Yehoshua"), ("M", "the matrix note"), ("R", "Russell and Norvig")]:
    print(source)
    for row in report.in_notation(notation).rows:
        print(f"    {row.symbol:>10} = {row.rule:<28} {row.by_hand:+.4f}")

# %% [markdown]
# ## The whole algorithm
#
# Any number of layers, any activation, any loss: the last delta, then one rule again and again *(claim Y13)*. The gradient of a weight,
# and so its step, is the same expression in the first, a middle and the last layer *(claim R15)*. Samples lie in rows here, so
# $W^{\mathsf T} \Delta$ reads `delta @ W`, and `delta.T @ a` adds up over the samples.


# %%
def backpropagation(x, y, weights, biases, f, f_prime, loss_slope):
    z, a = [], [x]
    for W, b in zip(weights, biases):
        z.append(a[-1] @ W.T + b)
        a.append(f(z[-1]))
    delta = loss_slope(a[-1], y) * f_prime(z[-1])
    gradients = []
    for l in reversed(range(len(weights))):
        gradients.insert(0, (delta.T @ a[l], delta.sum(axis=0)))
        if l > 0:
            delta = delta @ weights[l] * f_prime(z[l - 1])
    return gradients


# %% [markdown]
# Five networks, two activations, two errors; against the engine, which is told only the forward pass and the error.
# Do they agree to ten digits?

# %%
rng = np.random.default_rng(0)
activations = {"tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2), "sine": (np.sin, np.cos)}
errors = {
    "half square": (lambda o, y: np.sum((o - y) ** 2) / 2, lambda o, y: o - y),
    "log cosh": (lambda o, y: np.sum(np.log(np.cosh(o - y))), lambda o, y: np.tanh(o - y)),
}


def outputs(a, weights, biases, f):
    for W, b in zip(weights, biases):
        a = f(a @ W.T + b)
    return a


def agree(by_hand, engine):
    return all(np.allclose(a, b, rtol=1e-10, atol=1e-12) for pair in zip(by_hand, zip(*engine)) for a, b in zip(*pair))


for layers in (1, 2, 4, 8, 16):
    sizes = rng.integers(2, 7, layers + 1)
    weights = [rng.normal(size=(n_out, n_in)) / np.sqrt(n_in) for n_in, n_out in zip(sizes, sizes[1:])]
    biases = [rng.normal(size=n_out) for n_out in sizes[1:]]
    X, Y = rng.normal(size=(5, sizes[0])), rng.normal(size=(5, sizes[-1]))
    found = []
    for f_name, (f, f_prime) in activations.items():
        for error_name, (error, error_slope) in errors.items():
            by_hand = backpropagation(X, Y, weights, biases, f, f_prime, error_slope)
            engine = ag.grad(lambda W, b: error(outputs(X, W, b, f), Y), argnums=(0, 1))(weights, biases)
            found.append(f"{f_name} and {error_name} {agree(by_hand, engine)}")
    print(f"{layers:2} layers, {sum(W.size for W in weights):3} weights:  {',  '.join(found)}")

# %% [markdown]
# That is all of backpropagation. What is left: other losses (chapter 5), better steps (6), and what goes wrong in deep networks (7).

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** One step back. `W` leads from this layer to the next one, `delta` holds the next layer's deltas, `a` this layer's
# outputs, $a = \tanh(z)$. One sample. This layer's deltas?


# %% exercise 1
def one_step_back(W, delta, a):
    return ...


# %% check 1
W, delta, z = (
    np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 3.0], [-2.0, 1.0, 1.0]]),
    np.array([0.1, -0.2, 0.3]),
    np.ones(3) / 2,
)
if one_step_back(W, delta, np.tanh(z)) is ...:
    print("Exercise 1: not filled in yet")
else:
    found, right = one_step_back(W, delta, np.tanh(z)), ag.grad(lambda z: delta @ (W @ np.tanh(z)))(z)
    hint = "W @ delta reads rows." if np.allclose(found, W @ delta * (1 - np.tanh(z) ** 2)) else ""
    hint = "The slope of the tanh is missing." if np.allclose(found, W.T @ delta) else hint
    assert np.allclose(found, right), f"Exercise 1: it is {right.round(4)}, not {np.round(found, 4)}. {hint}"
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** The whole backward pass for one sample: sigmoids in all layers, $E = \frac12 \lVert o - y \rVert^2$. `weights` and
# `biases` are lists over the layers. The check runs it on random networks of one to four layers, and if it departs from the rules, says
# where.


# %% exercise 2
def backward(x, y, weights, biases):
    # 1. forward: a list a, with a[0] = x
    # 2. the last delta
    # 3. the deltas before it, from the last to the first: put each in front
    # 4. for each layer dE/dW; dE/db is its delta
    return ...  # deltas, weight gradients, bias gradients: three lists over the layers


# %% check 2
if backward(np.ones(2), np.ones(1), [np.ones((1, 2))], [np.ones(1)]) is ...:
    print("Exercise 2: not filled in yet")
else:
    verdict = nn.check_delta_rule(backward, notation="Y", factor=0.5)
    print("Exercise 2:", verdict.headline())
    print(*verdict.hints[:1])  # verdict.hints[1] says more, print(verdict) all

# %% [markdown]
# **Exercise 3.** The same with the samples in rows, `x` of shape (n, in), and any activation: `f` and `f_prime` are given, functions of
# $z$. The error is the *sum* over the samples.


# %% exercise 3
def backward_rows(x, y, weights, biases, f, f_prime):
    return ...  # deltas, weight gradients, bias gradients


# %% check 3
if backward_rows(np.ones((3, 2)), np.ones((3, 1)), [np.ones((1, 2))], [np.ones(1)], np.tanh, np.cos) is ...:
    print("Exercise 3: not filled in yet")
else:
    verdict = nn.check_delta_rule(backward_rows, samples="rows", factor=0.5, reduction="sum")
    print("Exercise 3:", verdict.headline())
    print(*verdict.hints[:1])  # verdict.hints[1] says more, print(verdict) all

# %% [markdown]
# **Exercise 4.** With the other sign. One sample, sigmoids, no biases to move; `weights[l][i, j]` leads *from* $i$ *to* $j$. Return what
# is to be *added* to the weights.


# %% exercise 4
def changes(x, y, weights, biases, learning_rate):
    return ...  # a list: for each layer, of the shape (from, to)


# %% check 4
if changes(np.ones(2), np.ones(1), [np.ones((2, 1))], [np.ones(1)], 0.5) is ...:
    print("Exercise 4: not filled in yet")
else:
    verdict = nn.check_delta_rule(changes, notation="R", returns="weight_changes")
    print("Exercise 4:", verdict.headline())
    print(*verdict.hints[:1])  # verdict.hints[1] says more, print(verdict) all

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# def one_step_back(W, delta, a):
#     return W.T @ delta * (1 - a**2)
# ```
#
# The column of each neuron, and its slope.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def backward(x, y, weights, biases):
#     a = [x]
#     for W, b in zip(weights, biases):
#         a.append(1 / (1 + np.exp(-(W @ a[-1] + b))))
#     deltas = [(a[-1] - y) * a[-1] * (1 - a[-1])]
#     for l in range(len(weights) - 1, 0, -1):
#         deltas.insert(0, weights[l].T @ deltas[0] * a[l] * (1 - a[l]))
#     return deltas, [np.outer(delta, below) for delta, below in zip(deltas, a)], deltas
# ```
#
# `a[l]` is what layer `l` gives out, counted from 1, and `weights[l]` leads from it to the next one.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def backward_rows(x, y, weights, biases, f, f_prime):
#     z, a = [], [x]
#     for W, b in zip(weights, biases):
#         z.append(a[-1] @ W.T + b)
#         a.append(f(z[-1]))
#     deltas = [(a[-1] - y) * f_prime(z[-1])]
#     for l in range(len(weights) - 1, 0, -1):
#         deltas.insert(0, deltas[0] @ weights[l] * f_prime(z[l - 1]))
#     gradients = [delta.T @ below for delta, below in zip(deltas, a)]
#     return deltas, gradients, [delta.sum(axis=0) for delta in deltas]
# ```
#
# Every product of matrices is turned round. The sums over the samples are in `delta.T @ below` and in `sum(axis=0)`.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def changes(x, y, weights, biases, learning_rate):
#     a = [x]
#     for w, b in zip(weights, biases):
#         a.append(1 / (1 + np.exp(-(a[-1] @ w + b))))
#     Delta = [(y - a[-1]) * a[-1] * (1 - a[-1])]
#     for l in range(len(weights) - 1, 0, -1):
#         Delta.insert(0, a[l] * (1 - a[l]) * (weights[l] @ Delta[0]))
#     return [learning_rate * np.outer(below, D) for below, D in zip(a, Delta)]
# ```
#
# `y - a` in place of `a - y`, added in place of subtracted.
#
# </details>
