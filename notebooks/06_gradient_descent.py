# %% [markdown]
# # 6. Gradient descent
#
# The gradient says where up is. What remains is to step the other way. Afterwards you can take the step by hand in either sign, say from
# the curvature which learning rate is too large, say what "faster" means of a mini-batch, and write momentum and Adam in a few lines,
# knowing what they do not promise.

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

import autograd_mini as ag
import nn

BLUE, ORANGE, GREEN, GREY, PAPER = "#0b57a4", "#c4500b", "#1d7a5f", "#9aa3ad", "#fcfcfb"
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})


def say(finding):
    print(textwrap.fill(finding, 100))


# %% [markdown]
# ## The step
#
# Each weight moves against its slope. With the delta rule's slope, $\partial E / \partial w_{ij} = \delta_i a_j$ *(claim Y11)*:
#
# $$w_{ij} \leftarrow w_{ij} - \alpha\, \delta_i\, a_j$$
#
# Two layers, one sample, by hand. The deltas are those of chapter 3.

# %%
x, y, alpha = np.array([1.0, -2.0]), np.array([0.0]), 0.5
W1, b1 = np.array([[0.5, -0.25], [0.75, 1.0]]), np.array([0.1, -0.2])
W2, b2 = np.array([[1.0, -0.5]]), np.array([0.3])

a1 = np.tanh(W1 @ x + b1)
o = nn.sigmoid(W2 @ a1 + b2)
delta2 = (o - y) * o * (1 - o)
delta1 = W2.T @ delta2 * (1 - a1**2)

new_W1 = W1 - alpha * np.outer(delta1, x)
new_W2 = W2 - alpha * np.outer(delta2, a1)
print("first layer\n", new_W1)
print("last layer\n", new_W2)

# %% [markdown]
# Both layers have one rule: $\alpha$ times what goes in, times the delta at the end *(claim R15)*. Only how the delta was found differs,
# and the engine's optimizer does not ask:

# %%
weights = [nn.Parameter(W1), nn.Parameter(b1), nn.Parameter(W2), nn.Parameter(b2)]


def error(W1, b1, W2, b2):
    return nn.squared_error(nn.sigmoid(W2 @ np.tanh(W1 @ x + b1) + b2), y)


before = error(*weights)
before.backward()
nn.SGD(weights, lr=alpha).step()
print("the same weights:", np.allclose(weights[0].data, new_W1), np.allclose(weights[2].data, new_W2))
print(f"the error before {before.item():.4f} and after {error(*weights).item():.4f}")

# %% [markdown]
# Three phases, over and over: forward, backward, move *(claim Y3)*. The third waits for the second. Who moves the last layer first, and
# goes on through its new weights, gets another delta below:

# %%
too_early = new_W2.T @ delta2 * (1 - a1**2)
print("delta of the first layer", delta1)
print("taken too early         ", too_early)
print(f"off by {100 * np.linalg.norm(too_early - delta1) / np.linalg.norm(delta1):.1f} %")

# %% [markdown]
# Russell and Norvig's sign is the other one, $\Delta = -\partial E / \partial z$, and the step has a plus. Two changes of sign cancel, and
# the step is the same *(claim R4)*:
#
# $$w_{ij} \leftarrow w_{ij} + \alpha\, a_i\, \Delta_j$$

# %%
network = nn.delta.DeltaNetwork([W1, W2], [b1, b2], ["tanh", "sigmoid"], "squared_error")
Delta, w, _ = nn.delta.from_to_update(network, x, y, alpha)
print("Delta is minus delta:", np.allclose(Delta[0], -delta1), np.allclose(Delta[1], -delta2))
print("the same weights:    ", np.allclose(w[0].T, new_W1), np.allclose(w[1].T, new_W2))

# %% [markdown]
# ## Which way a weight moves
#
# The plus makes it easy to read: a weight grows exactly when $a_i \Delta_j$ is positive *(claim R16)*.
#
# **Predict.** The input is $-2$ and $\Delta = -0.1$. Does the weight grow? And in a mini-batch, does every sample get its way?

# %%
for a_i in (-2.0, 0.0, 2.0):
    for Delta_j in (-0.1, 0.1):
        product = a_i * Delta_j
        verdict = "grows" if product > 0 else "shrinks" if product < 0 else "stays"
        print(f"a = {a_i:4}  Delta = {Delta_j:4}   the weight {verdict}")

# %%
sense = nn.experiments.update_sense(seeds=6)
say(sense.finding)
sense.plot()

# %% [markdown]
# The note names two positive signs; two negative ones do the same, and an input of 0 moves nothing. In a batch the mean decides, and many
# a sample is outvoted. And the rule is plain descent's own: with momentum or Adam a weight may move against its product, because these
# remember earlier slopes.
#
# ## How long a step
#
# A bowl: $E = \frac12 c\, w^2$. Its slope is $c\,w$, so a step multiplies $w$ by a number, always the same one:
#
# $$w \leftarrow w - \alpha c\, w = (1 - \alpha c)\, w$$
#
# It shrinks if $|1 - \alpha c| < 1$, that is for $0 < \alpha c < 2$. What counts is not $\alpha$, but $\alpha$ times the **curvature**.
#
# **Predict.** A common rule says $0 < \alpha < 1$. Is $\alpha = 1.5$ at $c = 1$ too large? Is $\alpha = 0.9$ at $c = 2.5$ all right?


# %%
def descend(slope, w, alpha, steps, mu=0.0):
    path, v = [w], 0.0
    for _ in range(steps):
        v = mu * v + slope(path[-1])  # mu: see below. Until then it is 0, and v the slope
        path.append(path[-1] - alpha * v)
    return np.array(path)


for alpha, c in [(1.5, 1.0), (0.9, 2.5)]:
    path = descend(lambda w, c=c: c * w, 1.0, alpha, 20)
    print(f"alpha {alpha}, curvature {c}: after 20 steps |w| = {abs(path[-1]):.2g}")

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 4, figsize=(9.5, 2.7), layout="constrained", sharey=True)
line = np.linspace(-2.2, 2.2, 100)
for axes, rate, name in zip(panels, (0.1, 1.0, 1.8, 2.1), ("creeps", "arrives", "swings", "diverges")):
    path = descend(lambda w: w, -1.5, rate, 9)
    path = path[np.abs(path) < 2.9]
    axes.plot(line, line**2 / 2, color=GREY)
    axes.plot(path, path**2 / 2, "o-", color=ORANGE if name == "diverges" else BLUE, markersize=4, linewidth=1)
    axes.set(title=f"α c = {rate:g}: {name}", xlabel="w", xlim=(-3, 3), ylim=(-0.2, 3.2))
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("E")
plt.show()

# %% [markdown]
# So the rule is neither needed nor enough *(claim Y11)*. Below $1/c$ the weight creeps; from $1/c$ to $2/c$ it swings from side to side,
# while the error falls all the same; above $2/c$ both grow *(claim R11)*.
#
# With many weights, the steepest direction sets the bound: the largest eigenvalue $\lambda$ of the Hessian, $\alpha < 2 / \lambda$.
# A network has another Hessian at each place. Both, measured, with rates in units of $2/\lambda$ at the start:

# %%
rates = nn.experiments.learning_rates((0.01, 0.1, 0.95, 1.05, 2, 4), seeds=2, steps=60)
say(rates.finding)
rates.plot()

# %% [markdown]
# On the regression theory and measurement agree. On the network a rate beyond the edge was not too large, but the best that was tried: the
# descent went to where the error curves less. "Too large diverges" is a theorem about bowls.
#
# ## How many samples for a step
#
# All of them (batch), one (stochastic), or a few (mini-batch). The partials of a batch's samples are averaged *(claim M8)*:
#
# $$\frac{\partial E}{\partial w} = \frac{1}{n} \sum_{s=1}^{n} \frac{\partial E_s}{\partial w}$$

# %%
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 2)) * [1.0, 0.5]
Y = X @ np.array([[1.0], [-1.0]]) + 0.5 * rng.normal(size=(40, 1))


def slope(w, rows, reduction="mean"):
    return ag.grad(lambda w: nn.squared_error(X[rows] @ w, Y[rows], reduction=reduction))(w)


w, rows = np.zeros((2, 1)), np.arange(8)
by_sample = [(X[[s]] @ w - Y[[s]]) * X[[s]].T for s in rows]  # delta times input, one sample at a time
print("the mean by hand:", np.mean(by_sample, axis=0).ravel())
print("the engine, mean:", slope(w, rows).ravel())
print("the engine, sum: ", slope(w, rows, "sum").ravel())
sizes = [len(rows) for rows in nn.data.batches(len(X), 16, np.random.default_rng(0))]
print("batches of 16 out of 40:", sizes)

# %% [markdown]
# The sum is 8 times as long and wants an eighth of the rate. And mind the last batch: its 8 samples share a step that others share with
# 15, so each of them counts twice.
#
# **Predict.** Three passes over the data at one and the same rate. Which comes furthest, and which walks straight?

# %% jupyter={"source_hidden": true}
best = np.linalg.lstsq(X, Y, rcond=None)[0]
grid = np.linspace(-0.6, 2.0, 60), np.linspace(-1.8, 0.8, 60)
surface = np.array([[np.mean((X @ [[u], [v]] - Y) ** 2) / 2 for u in grid[0]] for v in grid[1]])
least = np.mean((X @ best - Y) ** 2) / 2
figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.3), layout="constrained", sharey=True)
for axes, (name, size) in zip(panels, [("batch", 40), ("mini-batch of 8", 8), ("stochastic", 1)]):
    w, path, order = np.array([[-0.3], [0.5]]), [], np.random.default_rng(1)
    for _ in range(3):
        for rows in nn.data.batches(len(X), None if size == 40 else size, order):
            path.append(w.ravel())
            delta = X[rows] @ w - Y[rows]
            w = w - 0.3 * X[rows].T @ delta / len(rows)
    path = np.array([*path, w.ravel()])
    E = np.mean((X @ w - Y) ** 2) / 2 - least
    print(f"{name:15} {len(path) - 1:3} steps, E above its minimum: {E:.4f}")
    axes.contour(*grid, surface, levels=10, colors=GREY, linewidths=0.6)
    axes.plot(*path.T, "o-", color=BLUE, markersize=3, linewidth=1)
    axes.plot(*best.ravel(), "*", color=ORANGE, markersize=13)
    axes.set(title=f"{name}: {len(path) - 1} steps", xlabel="$w_1$", xlim=(-0.6, 2.0), ylim=(-1.8, 0.8))
panels[0].set_ylabel("$w_2$")
plt.show()

# %% [markdown]
# Stochastic descent is soon near the minimum, and then it jitters: each sample pulls its own way. On digits, each size at that of three
# rates that served it best *(claim Y12)*:

# %%
modes = nn.experiments.batch_modes(seeds=2, rates=(0.1, 1.0, 2.0))
say(modes.finding)

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
sizes = modes.data["batch_sizes"]
for b, (size, style) in enumerate(zip(sizes, ("-", "--", "-.", ":"))):
    left.plot(
        modes.data["seen"], modes.data["loss"][:, b].mean(axis=0), style, color=BLUE, linewidth=2, label=f"{size}"
    )
left.set(xlabel="samples seen", ylabel="loss of all samples", yscale="log")
left.legend(frameon=False, title="batches of")
for unit, color, mark in (("samples", ORANGE, "o-"), ("updates", BLUE, "s--")):
    needed = np.median(modes.data[f"{unit}_needed"], axis=0)
    right.plot(sizes, needed / needed.min(), mark, color=color, label=unit)
right.set(xlabel="batch size", ylabel="needed to a loss of 0.5,\nrelative to the least", xscale="log", yscale="log")
right.legend(frameon=False)
for axes in left, right:
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# "Stochastic is faster" is true per sample seen and false per step; and all 300 samples make a step hardly better than 100. Seconds are
# the machine's: NumPy computes ten samples in little more time than one, which is what mini-batches are for. "Less stable" is true of the
# gradients, and where all sizes have one rate:

# %%
print("loss in the end, batches of", *(f"{n:7}" for n in sizes))
for rate, losses in zip(modes.data["rates"], modes.data["tried"].T):
    print(f"{'alpha':>24} {rate:g}", *(f"{loss:7.2g}" for loss in losses))

# %% [markdown]
# Small batches want small rates, which takes much of the noise back. Compare the left picture: there 10 is rougher than 1.

# %% [markdown]
# ## More than one valley
#
# Descent goes downhill. Whether it gets to the *lowest* place is another matter. The error of
# $o = \tanh(w_1 x + 1) + \tanh(w_2 x + 1)$ on four samples, and where descent ends from each start *(claim Y5)*:

# %%
minima = nn.experiments.local_minima(starts=8, steps=1000)
say(minima.finding)
minima.plot()

# %% [markdown]
# The picture has each minimum twice: exchange the two units and nothing changes. Such copies do no harm; the shallower pair does. Who
# starts on the diagonal stays on it, and is stopped at a saddle: equal weights get equal gradients.
#
# The blame is often put on hidden units. **Predict.** Which of these curves downward somewhere: one sigmoid neuron, no hidden ones, under
# the log loss? Under the squared error? Two linear neurons in a row?

# %%
rng = np.random.default_rng(0)
inputs, targets = rng.normal(size=(12, 2)), rng.integers(0, 2, 12).astype(float)
points = 3 * rng.normal(size=(10, 2))
errors = {
    "one sigmoid, log loss": lambda w: nn.binary_cross_entropy_with_logits(inputs @ w, targets),
    "one sigmoid, squared error": lambda w: nn.squared_error(nn.sigmoid(inputs @ w), targets),
    "two linear neurons": lambda w: (w[0] * w[1] - 1) ** 2 / 2,
}
for name, E in errors.items():
    lowest = min(np.linalg.eigvalsh(ag.hessian(E)(point))[0] for point in points)
    print(f"{name:27} the least curvature at 10 points is {'negative' if lowest < 0 else 'positive'}")
downhill = ag.compile(ag.grad(errors["two linear neurons"]))
ends = [descend(downhill, point / 3, 0.1, 300)[-1] for point in points]
worst = max(errors["two linear neurons"](w) for w in ends)
print(f"two linear neurons: descent from 10 starts ends at E = {worst:.6f} at most")

# %% [markdown]
# Hidden units are not needed for a non-convex error, and a non-convex error need not have a bad minimum.
#
# ## Momentum
#
# Keep part of the last step *(claim Y16)*:
#
# $$v \leftarrow \mu v + \frac{\partial E}{\partial w}, \qquad w \leftarrow w - \alpha v$$
#
# Along a slope that stays the same, the steps grow by up to $1 / (1 - \mu)$: $1 + \mu + \mu^2 + \dots$; where it changes its sign, they
# cancel. `descend` above has the line already. The engine's:

# %%
w = nn.Parameter(np.array([1.0, 1.0]))
optimizer = nn.SGD([w], lr=0.02, momentum=0.9)
for _ in range(10):
    optimizer.zero_grad()
    E = 0.5 * w[0] ** 2 + 10 * w[1] ** 2
    E.backward()
    optimizer.step()
print("the engine:", w.data)
print("by hand:   ", descend(lambda w: np.array([1.0, 20.0]) * w, np.array([1.0, 1.0]), 0.02, 10, mu=0.9)[-1])

# %% [markdown]
# It is said to roll through local minima. $E = w^4 - 2 w^2 - 0.3 w$ has a shallow one on the left, a deeper one on the right.
#
# **Predict.** Started at $-2$, at $-1.25$ and at $2$: where does plain descent end, and where momentum?

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.1), layout="constrained", sharey=True)
line = np.linspace(-2.1, 2.1, 200)
for axes, start in zip(panels, (-2.0, -1.25, 2.0)):
    axes.plot(line, line**4 - 2 * line**2 - 0.3 * line, color=GREY)
    for mu, color, mark, name in ((0.0, BLUE, "s", "plain"), (0.9, ORANGE, "o", "μ = 0.9")):
        path = descend(lambda w: 4 * w**3 - 4 * w - 0.3, start, 0.01, 600, mu)
        height = path**4 - 2 * path**2 - 0.3 * path + (0.25 if mu else 0.0)
        axes.plot(path[:60], height[:60], mark, color=color, markersize=3, alpha=0.6)
        axes.plot(path[-1], height[-1], mark, color=color, markersize=9, label=name)
        print(f"from {start:5}: {name:8} ends at {path[-1]:.2f}")
    axes.set(title=f"from {start:g}", xlabel="w", ylim=(-1.8, 8))
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("E (momentum: drawn above)")
panels[1].legend(frameon=False)
plt.show()

# %% [markdown]
# It helps, it does not help, it harms. Which is usual? Random errors of two weights that have minima of different depth, many starts each:

# %%
inertia = nn.experiments.momentum((0.9,))
say(inertia.finding)

# %% [markdown]
# So it helps on some errors, from some starts. And its steps are longer: with $1 - \mu$ times the $\alpha$ nearly all of the lead is
# gone. Plain descent with the larger rate has no lead either, so it takes both. The article names none of these conditions.
#
# The clearer case for momentum is a narrow valley, where the steep direction keeps $\alpha$ small and the flat one waits:

# %%
for name, c, rate in (("narrow", np.array([1.0, 100.0]), 0.01), ("round", np.array([1.0, 1.0]), 0.9)):
    for mu in (0.0, 0.8):
        path = descend(lambda w, c=c: c * w, np.ones(2), rate, 1000, mu)
        near = np.argmax(np.abs(path).max(axis=1) < 1e-3)
        print(f"{name:6} bowl, alpha {rate}, mu {mu}: |w| < 0.001 after {near} steps")

# %% [markdown]
# In the round bowl the rate was right in all directions, and momentum only overshoots.
#
# ## Adam
#
# Adam divides each weight's mean slope by the usual size of its slopes. With $g$ the gradient of step $t$:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
# w \leftarrow w - \alpha \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$
#
# $m$ and $v$ start at 0, far below a mean. The two denominators make up for that. So in the first step they are $g$ and $g^2$.
#
# **Predict.** Two weights with the slopes 1000 and 0.001. How far does Adam move each in its first step?


# %%
def adam(slope, w, alpha, steps, beta1=0.9, beta2=0.999, eps=1e-8):
    path, m, v = [w], 0.0, 0.0
    for t in range(1, steps + 1):
        g = slope(path[-1])
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        path.append(path[-1] - alpha * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps))
    return np.array(path)


sizes = np.array([1000.0, 0.001])
w = nn.Parameter(np.ones(2))
optimizer = nn.Adam([w], lr=0.1)
for step in range(1, 4):
    w.grad = sizes * w.data
    optimizer.step()
    print(f"step {step}: the engine {w.data}   by hand {adam(lambda w: sizes * w, np.ones(2), 0.1, step)[-1]}")

# %% [markdown]
# Both move by $\alpha$, but for the last digits, which $\epsilon$ changes. In a narrow valley:

# %% jupyter={"source_hidden": true}
c = np.array([1.0, 20.0])
grid = np.linspace(-2.3, 0.7, 60), np.linspace(-1.1, 1.1, 60)
surface = (c[0] * grid[0][None, :] ** 2 + c[1] * grid[1][:, None] ** 2) / 2
start = np.array([-2.0, 0.8])
figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.1), layout="constrained", sharey=True)
for axes, name, color, path in zip(
    panels,
    ("plain, α = 0.09", "momentum 0.8, α = 0.03", "Adam, α = 0.2"),
    (BLUE, ORANGE, GREEN),
    (
        descend(lambda w: c * w, start, 0.09, 40),
        descend(lambda w: c * w, start, 0.03, 40, 0.8),
        adam(lambda w: c * w, start, 0.2, 40),
    ),
):
    axes.contour(*grid, surface, levels=np.geomspace(0.05, 12, 9), colors=GREY, linewidths=0.6)
    axes.plot(*path.T, "o-", color=color, markersize=3, linewidth=1)
    axes.plot(0, 0, "*", color="black", markersize=11)
    axes.set(title=name, xlabel="$w_1$", xlim=(-2.3, 0.7), ylim=(-1.1, 1.1))
    print(f"{name:22} |w| after 40 steps: {np.linalg.norm(path[-1]):.2g}")
panels[0].set_ylabel("$w_2$")
plt.show()

# %% [markdown]
# The gradient points at the wall. Adam heads along the valley at once; at these rates it is also the last to settle.
#
# The usual sentence is that momentum and Adam adapt the learning rate *(claim R11)*. Measured once, over a range of rates, then with the
# loss multiplied by 100:

# %%
adaptive = nn.experiments.adaptive_rates(seeds=1)
say(adaptive.finding)
adaptive.plot()

# %% [markdown]
# None of them changes $\alpha$. Plain descent and momentum want a hundredth of it when the loss is a hundred times as large; Adam and
# RMSprop do not notice. On this task Adam works over the widest range of rates, and momentum, at its best one, ends lowest. With each
# of them you still have to choose $\alpha$.
#
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** $E = \frac12 w^T H w$, where $H$ is symmetric and has positive eigenvalues. The rate at which descent begins to diverge?


# %% exercise 1
def edge(H):
    return ...


# %% check 1
H = np.array([[3.0, 1.0], [1.0, 2.0]])
if edge(H) is ...:
    print("Exercise 1: not filled in yet")
else:
    far = {}
    for part in (0.99, 1.01):
        w = np.array([1.0, 0.3])
        for _ in range(100):
            w = w - part * edge(H) * (H @ w)
        far[part] = np.linalg.norm(w)
    assert far[0.99] < 1, f"Exercise 1: with {0.99 * edge(H):.4f}, a little below your rate, it diverges."
    assert far[1.01] > 1, f"Exercise 1: with {1.01 * edge(H):.4f}, a little above your rate, it still converges."
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** One pass of mini-batch descent for a linear neuron, $o = x w$, under $E = \frac12 (o - y)^2$, the mean over each batch.
# Samples in rows, taken in their order; `X` is (n, d), `Y` (n, 1), `w` (d, 1).


# %% exercise 2
def one_pass(w, X, Y, alpha, size):
    # for each batch: the rows from start to start + size; their deltas; the step
    return ...  # the new w


# %% check 2
rng = np.random.default_rng(3)
X, Y, w = rng.normal(size=(10, 2)), rng.normal(size=(10, 1)), rng.normal(size=(2, 1))
if one_pass(w.copy(), X, Y, 0.1, 4) is ...:
    print("Exercise 2: not filled in yet")
else:
    for size in (10, 5, 4):  # 4, 4 and 2
        found, right = one_pass(w.copy(), X, Y, 0.1, size), w
        for start in range(0, 10, size):
            rows = slice(start, start + size)
            right = right - 0.1 * ag.grad(lambda w, rows=rows: nn.squared_error(X[rows] @ w, Y[rows]))(right)
        hint = "Its last batch has 2 samples." if size == 4 else ""
        words = f"batches of {size} lead to {right.ravel().round(4)}, not {np.ravel(found).round(4)}. {hint}"
        assert np.shape(found) == (2, 1) and np.allclose(found, right), f"Exercise 2: {words}"
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** Momentum. `slope` is a function of `w`; $v$ starts at 0.


# %% exercise 3
def with_momentum(slope, w, alpha, mu, steps):
    return ...  # w after so many steps


# %% check 3
def slope(w):
    return np.array([1.0, 10.0]) * w


if with_momentum(slope, np.array([1.0, -1.0]), 0.05, 0.9, 1) is ...:
    print("Exercise 3: not filled in yet")
else:
    for steps in (1, 2, 20):
        w = nn.Parameter(np.array([1.0, -1.0]))
        optimizer = nn.SGD([w], lr=0.05, momentum=0.9)
        for _ in range(steps):
            w.grad = slope(w.data)
            optimizer.step()
        found = with_momentum(slope, np.array([1.0, -1.0]), 0.05, 0.9, steps)
        words = f"after step {steps} the engine is at {w.data.round(4)}, you are at {np.round(found, 4)}."
        assert np.allclose(found, w.data), f"Exercise 3: {words}"
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** RMSprop is Adam without its $m$: it divides the gradient itself, and makes up for nothing:
# $v \leftarrow \rho v + (1 - \rho) g^2$, $w \leftarrow w - \alpha g / (\sqrt v + \epsilon)$, with $\rho = 0.99$ and $\epsilon = 10^{-8}$.
# Write it; then say how long its *first* step is, in units of $\alpha$, whatever the gradient.


# %% exercise 4
def rmsprop(slope, w, alpha, steps):
    return ...  # w after so many steps


first_step = ...

# %% check 4
if first_step is ... or rmsprop(np.sign, np.ones(2), 0.1, 1) is ...:
    print("Exercise 4: not filled in yet")
else:
    for steps in (1, 2, 10):
        w = nn.Parameter(np.array([1.0, -1.0]))
        optimizer = nn.RMSprop([w], lr=0.1)
        for _ in range(steps):
            w.grad = np.array([30.0, 0.2]) * w.data
            optimizer.step()
        found = rmsprop(lambda w: np.array([30.0, 0.2]) * w, np.array([1.0, -1.0]), 0.1, steps)
        words = f"after step {steps} the engine is at {w.data.round(4)}, you are at {np.round(found, 4)}."
        assert np.allclose(found, w.data), f"Exercise 4: {words}"
    w = nn.Parameter(np.array([1.0]))
    w.grad = np.array([7.0])
    nn.RMSprop([w], lr=1.0).step()
    length = 1 - w.data[0]
    assert np.isclose(first_step, length), (
        f"Exercise 4: the first step is {length:.4g} alpha long, not {first_step:.4g}."
    )
    print("Exercise 4: right")

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# def edge(H):
#     return 2 / np.linalg.eigvalsh(H)[-1]
# ```
#
# The largest entry of the diagonal is not enough: the steepest direction may lie across the axes.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def one_pass(w, X, Y, alpha, size):
#     for start in range(0, len(X), size):
#         x, y = X[start : start + size], Y[start : start + size]
#         delta = x @ w - y
#         w = w - alpha * x.T @ delta / len(x)
#     return w
# ```
#
# `len(x)`, not `size`: the last batch may be smaller.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def with_momentum(slope, w, alpha, mu, steps):
#     v = 0.0
#     for _ in range(steps):
#         v = mu * v + slope(w)
#         w = w - alpha * v
#     return w
# ```
#
# Some texts put $1 - \mu$ before the slope. That is the same with another $\alpha$.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def rmsprop(slope, w, alpha, steps):
#     v = 0.0
#     for _ in range(steps):
#         g = slope(w)
#         v = 0.99 * v + 0.01 * g**2
#         w = w - alpha * g / (np.sqrt(v) + 1e-8)
#     return w
#
#
# first_step = 10
# ```
#
# $v = 0.01\, g^2$, and $g / \sqrt v = 10$ times its sign. This is what Adam's two denominators are for.
#
# </details>
