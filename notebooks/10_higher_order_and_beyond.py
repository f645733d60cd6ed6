# %% [markdown]
# # 10. Higher order, and beyond networks
#
# The derivative that the engine finds is a program, and a program can be differentiated. Afterwards you can read a second derivative,
# multiply with a Hessian that nobody stores, say what Newton's step gains and where it goes wrong, differentiate the solution of an
# equation, and get the motion of a pendulum from one number.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograd_mini as ag
import nn

BLUE, ORANGE, GREEN, GREY, PAPER = "#0b57a4", "#c4500b", "#1d7a5f", "#9aa3ad", "#fcfcfb"
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})

# %% [markdown]
# ## The derivative is a program
#
# $f(x) = x \sin x$. By hand, the product rule twice:
#
# $$f'(x) = \sin x + x \cos x, \qquad f''(x) = \cos x + \cos x - x \sin x$$
#
# `ag.grad` takes a function and returns a function. So it can take its own result:


# %%
def f(x):
    return x * np.sin(x)


x = np.array(0.5)
for derivative in (f, ag.grad(f), ag.grad(ag.grad(f))):
    print(ag.trace(derivative)(x).source().partition("\n\n\n")[2])

print(f"by hand:    {np.cos(x) + np.cos(x) - x * np.sin(x):.10f}")
print(f"the engine: {ag.grad(ag.grad(f))(x):.10f}")

# %% [markdown]
# Nobody wrote a rule for second derivatives. The rule of `np.sin` is the line `g * np.cos(x)`, in NumPy, and for `np.cos` there is a rule
# as well.
#
# On Tensors the same is called `create_graph=True`: the sweep records itself. Then what it found has a graph, like any other value.
# $y = x \cdot x \cdot x$, and the graph of its derivative:

# %%
x = ag.Tensor(2.0, requires_grad=True, name="x")
y = x * x * x
slope = ag.gradients(y, x, create_graph=True)
slope.name = "dy/dx"
print(f"the slope: {slope.item()} = 3 x^2   the slope of the slope: {ag.gradients(slope, x)} = 6 x")
ag.draw(slope)

# %% [markdown]
# ## The slope of a delta
#
# One sigmoid neuron, $o = \sigma(z)$. Under the log loss its delta is $o - y$, so the slope of the delta is that of $\sigma$. Under the
# squared error there is a factor more, and the product rule:
#
# $$\frac{d^2 E}{dz^2} = o(1 - o) \qquad\text{and}\qquad
# \frac{d^2 E}{dz^2} = \bigl(o(1 - o)\bigr)^2 + (o - y)\, o(1 - o)(1 - 2o)$$
#
# **Predict.** Which of them can be negative? Where: if the neuron is right, or if it is wrong?

# %%
z, y = np.linspace(-6, 6, 121), 1.0
o = nn.sigmoid(z)
by_hand = {
    "log loss": o * (1 - o),
    "squared error": (o * (1 - o)) ** 2 + (o - y) * o * (1 - o) * (1 - 2 * o),
}
errors = {
    "log loss": lambda z: np.logaddexp(0.0, z) - y * z,
    "squared error": lambda z: (nn.sigmoid(z) - y) ** 2 / 2,
}
curvature = {name: ag.elementwise_grad(ag.elementwise_grad(E))(z) for name, E in errors.items()}
for name in errors:
    negative = z[curvature[name] < 0]
    where = f"from z = {negative[0]:.1f} to {negative[-1]:.1f}" if len(negative) else "nowhere"
    print(f"{name:14} equal to the formula: {np.allclose(curvature[name], by_hand[name])}   negative: {where}")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.9), layout="constrained")
for name, color, style in (("log loss", BLUE, "-"), ("squared error", ORANGE, "--")):
    E = errors[name]
    for axes, values in zip(panels, (E(z), ag.elementwise_grad(E)(z), curvature[name])):
        axes.plot(z, values, style, color=color, linewidth=2, label=name)
for axes, title in zip(panels, ("the error", "its slope: δ", "the slope of δ")):
    axes.axhline(0, color=GREY, linewidth=1)
    axes.set(title=title, xlabel="z (the target is 1)")
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set_ylim(-0.1, 4)
panels[0].legend(frameon=False)
plt.show()

# %% [markdown]
# Under the squared error a neuron that is badly wrong, far on the left, has a small delta, and its error curves downward. With $y = 1$ the
# formula is $o (1 - o)^2 (3o - 1)$: negative exactly where $o < \frac13$. This is chapter 6's non-convex neuron without hidden units.
#
# ## The Hessian
#
# With many weights there is a second derivative for each pair, $H_{ij} = \partial^2 E / \partial w_i\, \partial w_j$. It is the Jacobian of
# the gradient: how each slope changes with each weight. For one sigmoid neuron under the log loss, $z_s = \sum_j w_j x_{sj}$, samples in
# rows:
#
# $$\frac{\partial E}{\partial w} = \frac1n X^{\mathsf T} (o - y), \qquad
# H = \frac1n X^{\mathsf T}\, \mathrm{diag}\bigl(o(1 - o)\bigr)\, X$$

# %%
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2)) @ np.array([[2.0, 1.5], [0.0, 0.6]])
Y = (X @ [1.0, -1.5] + rng.normal(size=60) > 0).astype(float)


def E(w):
    return np.mean(np.logaddexp(0.0, X @ w) - Y * (X @ w))  # the log loss, of the weighted sums


w = np.array([0.5, -0.5])
o = nn.sigmoid(X @ w)
by_hand = X.T @ ((o * (1 - o))[:, None] * X) / len(X)
H = ag.hessian(E)(w)
print("by hand\n", by_hand)
print("the engine\n", H)
print("symmetric:", np.allclose(H, H.T))
print("the Jacobian of the gradient:", np.allclose(ag.jacobian(ag.grad(E))(w), H))

# %% [markdown]
# ## Times a vector, without the matrix
#
# $Hv$ says how the gradient changes in the direction $v$. The gradient times a fixed vector is a number, and the gradient of that number is
# $Hv$:
#
# $$H v = \frac{\partial}{\partial w} \Bigl( \frac{\partial E}{\partial w} \cdot v \Bigr)$$

# %%
v = np.array([1.0, -2.0])
print("H times v:             ", H @ v)
print("gradient of a gradient:", ag.grad(lambda w: ag.grad(E)(w) @ v)(w))
print("ag.hvp:                ", ag.hvp(E, w, v))

# %% [markdown]
# **Predict.** A network has 481 weights and biases. How many numbers are in its Hessian, and how many in $Hv$?
#
# The largest curvature of such a network needs no Hessian. Multiply nearly any vector by $H$, again and again, each time making it as long
# as 1: the direction of the eigenvalue furthest from 0 grows fastest (here that is the largest), and in the end only that one is left
# (**power iteration**).

# %%
rng = np.random.default_rng(0)
inputs = np.linspace(-1, 1, 20)[:, None]
targets = np.sin(4 * inputs)
sizes = (1, 20, 20, 1)
start = np.concatenate(
    [np.append(rng.normal(size=(n, m)) / np.sqrt(m), np.zeros(n)) for m, n in zip(sizes, sizes[1:])]
)  # layer by layer: the weights (out, in), then the biases


def network_error(w):
    a, k = inputs, 0
    for m, n in zip(sizes, sizes[1:]):
        W, b = w[k : k + n * m].reshape(n, m), w[k + n * m : k + n * m + n]
        z = a @ W.T + b
        a, k = np.tanh(z), k + n * m + n
    return np.mean((z - targets) ** 2) / 2  # the last layer is linear


times = ag.compile(lambda w, v: ag.hvp(network_error, w, v))


def steepest(w, v, rounds):
    for _ in range(rounds):
        v = v / np.linalg.norm(v)
        product = times(w, v)
        curvature, v = v @ product, product
    return curvature, v


H = ag.hessian(network_error)(start)
largest, _ = steepest(start, rng.normal(size=start.size), 30)
print(f"{start.size} weights and biases, {H.size:,} numbers in the Hessian")
print(f"largest curvature, by 30 products:      {largest:.6f}")
eigenvalues = np.linalg.eigvalsh(H)
print(f"largest curvature, by the whole matrix: {eigenvalues[-1]:.6f}; the least is {eigenvalues[0]:.2f}")

# %% [markdown]
# ## The edge
#
# Chapter 6: on a bowl descent diverges above $\alpha = 2 / \lambda$, where $\lambda$ is the largest curvature. On a network a rate beyond
# that edge was *not* too large. Now $\lambda$ can be followed along the way.
#
# **Predict.** Three rates, 1,500 steps each. Does the curvature stay what it was at the start?

# %%
slope = ag.compile(ag.grad(network_error))
curvatures = {}
for alpha in (0.1, 0.2, 0.4):
    w, v, found = start, rng.normal(size=start.size), []
    for step in range(1501):
        if step % 20 == 0:
            largest, v = steepest(w, v, 20)
            found.append(largest)
        w = w - alpha * slope(w)
    curvatures[alpha] = found
    print(
        f"alpha {alpha}: 2 / alpha = {2 / alpha:2.0f}   curvature {found[0]:.1f}, at last {np.median(found[-25:]):.0f}"
    )

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
for (alpha, found), color, style in zip(curvatures.items(), (GREEN, BLUE, ORANGE), ("-", "--", "-.")):
    axes.plot(np.arange(len(found)) * 20, found, style, color=color, linewidth=2)
    axes.axhline(2 / alpha, color=color, linewidth=1, alpha=0.6)
    where = {"textcoords": "offset points", "color": color, "va": "center"}
    axes.annotate(f"2/α, α = {alpha:g}", (1500, 2 / alpha), (4, 0), **where)
axes.set(xlabel="steps", ylabel="largest curvature λ", xlim=(0, 1500), ylim=(0, 22))
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# Small steps lead to where the error curves more and more. Past $2/\alpha$ the weights swing ever wider, until they are thrown to where it
# curves less; in the end the curvature stays near $2/\alpha$. So past the bowl's bound a rate need not diverge: with these three the bound
# says where descent will live. (Twice the largest, 0.8, does diverge.) Cohen and others (2021, arXiv 2103.00065) found this in full-batch
# descent on larger networks, and called it the edge of stability.
#
# ## Newton's step
#
# The gradient says how the error changes, the Hessian how the gradient does. Take both, and the error near $w$ is a bowl, of which the
# lowest point is known:
#
# $$E(w + s) \approx E + g \cdot s + \tfrac12 s^{\mathsf T} H s \qquad\Longrightarrow\qquad s = -H^{-1} g$$
#
# No learning rate. One neuron, one number: $E = \log(1 + e^z) - y z$, with the slope $o - y$ and the curvature $o (1 - o)$.
#
# **Predict.** The target is 0.3, so the minimum lies at $z = -0.85$. Where do the steps lead from $z = 1$, and where from $z = 2$?


# %%
def neuron(z):
    return np.logaddexp(0.0, z) - 0.3 * z


neuron_slope, neuron_curvature = ag.grad(neuron), ag.grad(ag.grad(neuron))
tries = {}
for begin in (1.0, 2.0):
    z = np.array(begin)
    tries[begin] = [z]
    for _ in range(3):
        z = z - neuron_slope(z) / neuron_curvature(z)
        tries[begin].append(z)
    print(f"from {begin:g}:", *(f"{z:12.6f}" for z in tries[begin]))
print(f"the minimum: {np.log(0.3 / 0.7):.6f}")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, panels = plt.subplots(1, 2, figsize=(9.5, 3.2), layout="constrained", sharey=True)
line = np.linspace(-7, 5, 200)
for axes, begin in zip(panels, tries):
    z, after = tries[begin][:2]
    parabola = neuron(z) + neuron_slope(z) * (line - z) + neuron_curvature(z) * (line - z) ** 2 / 2
    axes.plot(line, np.logaddexp(0.0, line) - 0.3 * line, color=GREY, linewidth=2, label="E")
    axes.plot(line, parabola, "--", color=BLUE, label="the bowl that touches it")
    axes.plot(z, neuron(z), "o", color=BLUE, markersize=8)
    axes.plot(after, neuron(after), "s", color=ORANGE, markersize=8)
    axes.vlines(after, parabola.min(), neuron(after), color=ORANGE, linewidth=1.5, linestyle=":")
    axes.set(title=f"from z = {begin:g} to {after:.1f}", xlabel="z", ylim=(-0.9, 4))
    axes.spines[["top", "right"]].set_visible(False)
panels[0].legend(frameon=False)
plt.show()

# %% [markdown]
# At 2 the neuron is on its way to saturation: the delta is still large, its slope already small, and the step divides the one by the other.
# The next steps land further and further out, where the slope is smaller still. Methods that are built on Newton's step shorten it where
# the error would rise.
#
# Near a minimum it is hard to beat. The two weights from above, plain descent at the best rate for the bowl at the
# minimum, beside Newton's step:

# %%
value_and_slope = ag.compile(ag.value_and_grad(E))
curvatures_at = ag.compile(ag.hessian(E))


def newton(w, steps):
    path = [w]
    for _ in range(steps):
        path.append(path[-1] - np.linalg.solve(curvatures_at(path[-1]), value_and_slope(path[-1])[1]))
    return np.array(path)


def descent(w, alpha, steps):
    path = [w]
    for _ in range(steps):
        path.append(path[-1] - alpha * value_and_slope(path[-1])[1])
    return np.array(path)


by_newton = newton(np.zeros(2), 6)
low, high = np.linalg.eigvalsh(curvatures_at(by_newton[-1]))
by_descent = descent(np.zeros(2), 2 / (low + high), 60)
least = value_and_slope(by_newton[-1])[0]
print(f"curvatures at the minimum {low:.3f} and {high:.3f}: a valley")
for step in range(6):
    far = [np.linalg.norm(path[step] - by_newton[-1]) for path in (by_newton, by_descent)]
    print(f"step {step}: distance by Newton {far[0]:.0e}, by descent {far[1]:.2f}")
print(f"after 60 steps of descent {np.linalg.norm(by_descent[-1] - by_newton[-1]):.2f}")

# %% jupyter={"source_hidden": true}
# This cell only draws.
grid = np.linspace(-0.7, 3.2, 60), np.linspace(-4.2, 0.6, 60)
surface = np.array([[E(np.array([a, b])) for a in grid[0]] for b in grid[1]])
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.contour(*grid, surface, levels=least + np.geomspace(0.002, 2, 10), colors=GREY, linewidths=0.7)
axes.plot(*by_descent.T, "o-", color=ORANGE, markersize=3, linewidth=1, label="gradient descent, 60 steps")
axes.plot(*by_newton.T, "s-", color=BLUE, markersize=6, linewidth=1.5, label="Newton, 6 steps")
axes.set(xlabel="$w_1$", ylabel="$w_2$")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# Near the minimum each of Newton's steps squares the distance, up to a factor: the number of right digits doubles. And a valley is no
# narrower to it than a round bowl, for $H^{-1}$ undoes what $H$ does.
#
# The step asks only where the *gradient* is 0. $E = \frac12 (w_1 w_2 - 1)^2$ from chapter 6, two linear neurons in a row, has a saddle at 0.
#
# **Predict.** Where does each start end?


# %%
def two_linear(w):
    return (w[0] * w[1] - 1) ** 2 / 2


for begin in ([1.4, 0.6], [0.4, 0.3]):
    w = np.array(begin)
    curves = np.linalg.eigvalsh(ag.hessian(two_linear)(w))
    for _ in range(8):
        w = w - np.linalg.solve(ag.hessian(two_linear)(w), ag.grad(two_linear)(w))
    print(f"from {begin}, curvatures {curves.round(2)}: to {w.round(3) + 0.0}, E = {two_linear(w):.3f}")

# %% [markdown]
# With a negative curvature the bowl is a saddle, and its "lowest point" is none. Two more reasons why networks are not trained so: $H$ has
# $n^2$ numbers, and solving with it costs in proportion to $n^3$. Between the two stand methods that only multiply, with `ag.hvp`.
# SciPy has one, and takes the engine's functions as they are:
#
# ```python
# scipy.optimize.minimize(ag.value_and_grad(E), w, jac=True, method="Newton-CG", hessp=lambda w, v: ag.hvp(E, w, v))
# ```
#
# ## Jacobians
#
# A function with several results has a slope for each pair, $J_{ij} = \partial f_i / \partial x_j$. From polar to Cartesian coordinates:
#
# $$f(r, \varphi) = (r \cos \varphi,\ r \sin \varphi), \qquad
# J = \begin{pmatrix} \cos \varphi & -r \sin \varphi \\ \sin \varphi & r \cos \varphi \end{pmatrix}$$
#
# A reverse sweep gives $g J$, a forward one $J v$: with a one among zeros, a row, or a column.


# %%
def cartesian(p):
    r, angle = p
    return np.stack([r * np.cos(angle), r * np.sin(angle)])


p = np.array([2.0, 0.7])
by_hand = np.array([[np.cos(0.7), -2 * np.sin(0.7)], [np.sin(0.7), 2 * np.cos(0.7)]])
J = ag.jacobian(cartesian)(p)
_, pull = ag.vjp(cartesian, p)
print("by hand\n", by_hand)
print("the engine\n", J)
print("first row, reverse:   ", pull(np.array([1.0, 0.0]))[0])
print("first column, forward:", ag.jvp(cartesian, (p,), (np.array([1.0, 0.0]),))[1])
print(f"how much areas grow: {np.linalg.det(J):.3f}, which is r")

# %% [markdown]
# ## The derivative of a solution
#
# Where on its ellipse is a planet at the time $M$? Kepler's equation has no formula for the angle $u$. One solves it, for instance by
# repeating $u \leftarrow M + e \sin u$; $e$ says how long the ellipse is.
#
# $$u - e \sin u = M$$
#
# What is $du/de$? The equation holds for every $e$. So differentiate *the equation*, and solve for what is asked: **implicit**
# differentiation.
#
# $$\frac{du}{de} - \sin u - e \cos u\, \frac{du}{de} = 0 \qquad\Longrightarrow\qquad \frac{du}{de} = \frac{\sin u}{1 - e \cos u}$$
#
# The engine can also go back through the repetitions, one by one: **unrolled**.

# %%
M = 0.2


def repeat(e, rounds, u=0.0):
    for _ in range(rounds):
        u = M + e * np.sin(u)
    return u


e = np.array(0.9)
u = repeat(e, 500)
right = np.sin(u) / (1 - e * np.cos(u))
print(f"u = {u:.6f}   du/de by hand: {right:.6f}")
for rounds in (5, 20, 80):
    unrolled = ag.grad(repeat)(e, rounds)
    recorded = len(ag.trace(repeat)(e, rounds).steps)
    print(f"{rounds:2} rounds: du/de = {unrolled:.6f}, from {recorded} recorded operations")

# %% [markdown]
# It arrives, and the graph grows with every round. **Predict.** Somebody knows the solution already, and starts there. One round, and the
# value is right. And the derivative?

# %%
print(f"one round from the solution: u = {repeat(e, 1, u):.6f}")
print(f"its derivative: {ag.grad(lambda e: repeat(e, 1, u))(e):.6f}, not {right:.6f}")

# %% [markdown]
# It is $\sin u$, the numerator alone. The engine differentiates what was computed, and that the start depends on $e$ was computed elsewhere.
#
# The division comes from *Newton's* step, which for an equation $F(u) = 0$ goes to where the tangent is 0:
#
# $$u \leftarrow u - \frac{F(u, e)}{\partial F / \partial u}$$
#
# So solve without recording, by any method; then record one step of Newton's. It does not move $u$, for $F = 0$. And by $e$ it has the
# slope $-\dfrac{\partial F}{\partial e} \Big/ \dfrac{\partial F}{\partial u}$, the one that we want.


# %%
def F(u, e):
    return u - e * np.sin(u) - M


def implicit(e, rounds=500, steps=1):
    u = repeat(ag.stop_gradient(e), rounds)
    for _ in range(steps):
        u = u - F(u, e) / ag.grad(F)(u, e)
    return u


print(f"by hand: {right:.12f}   one recorded step: {ag.grad(implicit)(e):.12f}")

# %% [markdown]
# How near is each after so many rounds?

# %% jupyter={"source_hidden": true}
# This cell only draws.
counts = range(1, 51)
off = {
    "the value $u$": [abs(repeat(e, n) - u) for n in counts],
    "$du/de$, unrolled": [abs(ag.grad(repeat)(e, n) - right) for n in counts],
    "$du/de$, rounds unrecorded,\nthen one Newton step": [abs(ag.grad(implicit)(e, n) - right) for n in counts],
}
figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
for (name, values), color, style in zip(off.items(), (GREY, ORANGE, BLUE), ("-", "--", "-.")):
    axes.semilogy(counts, values, style, color=color, linewidth=2, label=name)
axes.set(xlabel="rounds", ylabel="off by")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# Unrolled, the derivative lags behind the value, and ever more so: it belongs to where the rounds are, on their way. The step's keeps pace.
#
# **Predict.** Is the *second* derivative through one recorded step right as well?


# %%
def formula(u, e):
    return np.sin(u) / (1 - e * np.cos(u))


by_u, by_e = ag.grad(formula, argnums=(0, 1))(u, e)
print(f"by hand:          {by_e + by_u * right:.6f}")  # e moves the formula, and moves the u in it
for steps in (1, 2):
    print(f"recorded steps {steps}: {ag.grad(ag.grad(implicit))(e, 500, steps):.6f}")

# %% [markdown]
# One step is right to first order, no more. When $e$ moves by $h$, the solution moves away from the fixed start by about $h$, and a step of
# Newton's squares that: what it misses is about $h^2$. Two steps miss $h^4$, and have the second and the third derivative right.
#
# ## Many unknowns
#
# Then the division is a linear system, $\dfrac{du}{de} = -\left(\dfrac{\partial F}{\partial u}\right)^{-1} \dfrac{\partial F}{\partial e}$.
# The simplest case is one itself, $A u = b$. For a cotangent $g$ of $u$:
#
# $$\bar b = A^{-\mathsf T} g, \qquad \bar A = -\bar b\, u^{\mathsf T}$$
#
# `np.linalg.solve` has this as its rule. One more `solve`, whatever happened inside:


# %%
def weighted(A, b, g):
    return g @ np.linalg.solve(A, b)


A, b, g = np.array([[3.0, 1.0], [-1.0, 2.0]]), np.array([1.0, 4.0]), np.array([1.0, 10.0])
b_bar = np.linalg.solve(A.T, g)
A_bar = -np.outer(b_bar, np.linalg.solve(A, b))
derived = ag.grad(weighted, argnums=(0, 1))
print("by hand\n", A_bar, b_bar)
print("the engine\n", *derived(A, b, g))
print()
print(ag.trace(derived)(A, b, g).source().partition("\n\n\n")[2])

# %% [markdown]
# ## A pendulum from one number
#
# Mechanics needs one scalar function, the Lagrangian: kinetic minus potential energy, $L(q, \dot q)$. All motion follows from it:
#
# $$\frac{d}{dt} \frac{\partial L}{\partial \dot q} = \frac{\partial L}{\partial q}
# \qquad\Longleftrightarrow\qquad
# \underbrace{\frac{\partial^2 L}{\partial \dot q^2}}_{\text{a Hessian}} \ddot q +
# \underbrace{\frac{\partial^2 L}{\partial \dot q\, \partial q}\, \dot q}_{\text{a product}} = \frac{\partial L}{\partial q}$$
#
# Two rods of length 1 hang from each other, each with a mass of 1 at its end; $q$ are their angles. We say where the masses are. Their
# velocities are a Jacobian times $\dot q$ (in the code `v`): forward mode.


# %%
def position(q):
    return np.cumsum(np.sin(q)), -np.cumsum(np.cos(q))


def lagrangian(q, v):
    (_, height), (across, up) = ag.jvp(position, (q,), (v,))
    return np.sum(across**2 + up**2) / 2 - 9.81 * np.sum(height)


def acceleration(q, v):
    inertia = ag.hessian(lagrangian, argnums=1)(q, v)
    _, drift = ag.jvp(lambda q: ag.grad(lagrangian, argnums=1)(q, v), (q,), (v,))
    return np.linalg.solve(inertia, ag.grad(lagrangian)(q, v) - drift)


def by_hand(q, v):
    (a, b), (da, db), g = q, v, 9.81
    d = a - b
    below = 3 - np.cos(2 * d)
    first = -3 * g * np.sin(a) - g * np.sin(a - 2 * b) - 2 * np.sin(d) * (db**2 + da**2 * np.cos(d))
    second = 2 * np.sin(d) * (2 * da**2 + 2 * g * np.cos(a) + db**2 * np.cos(d))
    return np.array([first, second]) / below


q, v = np.array([2.0, 2.5]), np.array([0.5, -0.3])
print("by hand, as in books:", by_hand(q, v))
print("the engine:          ", acceleration(q, v))

# %% [markdown]
# Compiled, it is one straight line of NumPy calls. Follow it for 8 seconds (Runge-Kutta, steps of 0.01): the energy stays what it was but for the
# integrator's error. Nobody said that it should.
#
# **Predict.** Two starts, 0.001 radians apart. Where are the lower ends after 8 seconds?

# %%
accelerate = ag.compile(acceleration)


def swing(q, h=0.01, steps=800):
    v, path = np.zeros(len(q)), []
    for _ in range(steps + 1):
        path.append((q, v))
        a = accelerate(q, v)
        b = accelerate(q + h / 2 * v, v + h / 2 * a)
        c = accelerate(q + h / 2 * v + h * h / 4 * a, v + h / 2 * b)
        d = accelerate(q + h * v + h * h / 2 * b, v + h * c)
        q, v = q + h * v + h * h / 6 * (a + b + c), v + h / 6 * (a + 2 * b + 2 * c + d)
    return path


def energy(q, v):
    return ag.grad(lagrangian, argnums=1)(q, v) @ v - lagrangian(q, v)


swings = [swing(np.array([2.0, 2.5])), swing(np.array([2.0, 2.501])), swing(np.array([2.0, 2.5, 2.5]))]
for path in swings:
    first, last = energy(*path[0]), energy(*path[-1])
    print(f"{len(path[0][0])} rods: energy {first:.4f}, after 8 seconds {last:.4f}")
ends = [np.array([[part[-1] for part in position(q)] for q, _ in path]) for path in swings]
apart = np.linalg.norm(ends[0] - ends[1], axis=1)
print(f"the two starts: {apart[0]:.4f} apart, after 8 seconds {apart[-1]:.1f}")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.4), layout="constrained", gridspec_kw={"width_ratios": [1, 1.3, 1]})
for axes, which, title in ((panels[0], (0, 1), "two rods, two starts"), (panels[2], (2,), "three rods")):
    for k, color, style in zip(which, (BLUE, ORANGE), ("-", "--")):
        axes.plot(*ends[k].T, style, color=color, linewidth=1)
        x, y = position(swings[k][-1][0])
        axes.plot([0, *x], [0, *y], "o-", color=color, linewidth=2.5, markersize=6)
    axes.plot(0, 0, "^", color="black", markersize=8)
    axes.set(title=title)
    axes.set_aspect("equal", adjustable="datalim")
panels[1].semilogy(np.arange(801) / 100, apart, color="black", linewidth=1.5)
panels[1].set(title="their distance", xlabel="seconds")
panels[1].spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# More than a thousand times as far apart as they were: chaos. The three rods took no new line, for `position` adds up as many as there are.
#
# ## Through the integrator
#
# Where it ends is a function of how it starts, with a Jacobian. A probe flies past two suns. Its acceleration is minus the gradient of one
# number, the potential. How must it start to be at the cross after 3 units of time? Two unknowns, two equations: Newton.
#
# **Predict.** How many flights does it take to hit to 8 digits?

# %%
SUNS, MASSES = np.array([[0.0, 0.0], [1.2, 0.6]]), np.array([1.0, 0.6])
LAUNCH, TARGET = np.array([-1.0, -0.6]), np.array([2.2, 1.2])


def potential(x):
    return -np.sum(MASSES / np.sqrt(np.sum((x - SUNS) ** 2, axis=1)))


pull = ag.grad(potential)


def flight(v, steps=40, time=3.0):
    x, h = LAUNCH, time / steps
    path, v = [x], v - h / 2 * pull(x)
    for _ in range(steps):  # leapfrog: the velocity is half a step ahead
        x = x + h * v
        v = v - h * pull(x)
        path.append(x)
    return path


def aim(v):
    flights = []
    while True:
        flights.append(np.array(flight(v)))
        miss = flights[-1][-1] - TARGET
        if np.linalg.norm(miss) < 1e-8 or len(flights) == 10:
            return flights
        v = v - np.linalg.solve(ag.jacobian(lambda v: flight(v)[-1])(v), miss)


aimed = [aim(np.array(v)) for v in ([1.2, -0.6], [1.4, 0.0])]
for flights in aimed:
    print("off by", *(f"{np.linalg.norm(path[-1] - TARGET):7.0e}" for path in flights))

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.9), layout="constrained", sharey=True)
for axes, flights in zip(panels, aimed):
    for k, path in enumerate(flights):
        last = k == len(flights) - 1
        axes.plot(*path.T, color=ORANGE if last else BLUE, linewidth=2.5 if last else 1, alpha=1 if last else 0.6)
        if k < 2:
            shift = (6, -4) if k == 0 else (-12, -12)
            axes.annotate(f"{k + 1}", path[-1], shift, textcoords="offset points", color=BLUE)
    axes.plot(*SUNS[0], "o", color=GREY, markersize=16)
    axes.plot(*SUNS[1], "o", color=GREY, markersize=12)
    axes.plot(*LAUNCH, "k^", markersize=7)
    axes.plot(*TARGET, "kx", markersize=10, markeredgewidth=2)
    axes.set(aspect="equal", title=f"flight {len(flights)} hits")
plt.show()

# %% [markdown]
# Two first aims, two answers. Each Jacobian went back through 40 steps, each of which held a gradient: second derivatives again.
#
# ## Complex numbers
#
# Of a real result, the gradient by $z = x + iy$ is the number $p$ with $dE = \mathrm{Re}(p\, dz)$:
#
# $$p = \frac{\partial E}{\partial x} - i \frac{\partial E}{\partial y}$$
#
# So of the real part of $z^3$ it is $3 z^2$, with nothing conjugated. **Predict.** Which way is down, $-p$ or $-\bar p$?
# $E = |z^2 - (3 + 4i)|^2$, which is 0 at $\pm(2 + i)$.


# %%
def mismatch(z):
    return np.abs(z**2 - (3 + 4j)) ** 2


z, h = 2 + 0j, 1e-6
by_x = (mismatch(z + h) - mismatch(z - h)) / (2 * h)
by_y = (mismatch(z + 1j * h) - mismatch(z - 1j * h)) / (2 * h)
print(f"difference quotients: {by_x - 1j * by_y:.4f}   the engine: {ag.grad(mismatch)(z):.4f}")
print(f"of z^3: {ag.vjp(lambda z: z**3, z)[1](1 + 0j)[0]:.4f}   3 z^2 = {3 * z**2:.4f}")
for name, way in (("conjugate", np.conj), ("p itself ", lambda p: p)):
    z = 2 + 0j
    for _ in range(5):
        z = z - 0.01 * way(ag.grad(mismatch)(z))
    print(f"5 steps along minus {name}: E from {mismatch(2 + 0j):.2f} to {mismatch(z):.2f}")

# %% [markdown]
# $dE$ is most negative along $-\bar p$: then $p\, dz = -|p|^2$. PyTorch's gradient is $\bar p$; JAX's is $p$.
#
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** A tanh neuron under the squared error, $E = \frac12 (a - y)^2$ with $a = \tanh z$. Its delta is $(a - y)(1 - a^2)$. The slope
# of the delta, by hand, for any array $z$?


# %% exercise 1
def slope_of_delta(z, y):
    return ...


# %% check 1
z = np.array([-2.0, -0.5, 0.3, 1.5])
if slope_of_delta(z, 0.5) is ...:
    print("Exercise 1: not filled in yet")
else:
    for y in (0.0, 0.5, -1.0):
        right = ag.elementwise_grad(ag.elementwise_grad(lambda z, y=y: (np.tanh(z) - y) ** 2 / 2))(z)
        found = slope_of_delta(z, y)
        words = f"z has the shape {z.shape}, and so has the slope; yours is {found}."
        assert np.shape(found) == z.shape, f"Exercise 1: {words}"
        k = np.argmax(np.abs(found - right))
        words = f"at z = {z[k]}, y = {y} it is {right[k]:.4f}, not {found[k]:.4f}. Two factors of delta depend on z."
        assert np.allclose(found, right), f"Exercise 1: {words}"
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** The *least* curvature, with products alone: is it negative? If $\lambda$ is the largest eigenvalue of $H$, then
# $H - \lambda I$ has no positive one, and the one furthest from 0 belongs to the least of $H$. `v` is a vector to begin with.


# %% exercise 2
def least_curvature(E, w, largest, v, rounds):
    # power iteration with (H - largest I) v = ag.hvp(E, w, v) - largest v
    return ...  # the least eigenvalue of H


# %% check 2
def bent(w):
    return np.sum(w**4) / 4 - w[0] * w[1] * 2 + w[2] * w[0] + np.sum(w**2)


w, v = np.array([0.1, -0.2, 0.3]), np.array([1.0, 0.5, -0.3])
eigenvalues = np.linalg.eigvalsh(ag.hessian(bent)(w))
found = least_curvature(bent, w, eigenvalues[-1], v, 300)
if found is ...:
    print("Exercise 2: not filled in yet")
else:
    words = f"the least eigenvalue is one number, not {found}."
    assert found is not None and np.shape(found) == (), f"Exercise 2: {words}"
    hint = "It has not come out of the shifted matrix." if np.isclose(found, eigenvalues[0] - eigenvalues[-1]) else ""
    words = f"the eigenvalues are {eigenvalues.round(4)}; the least is not {found:.4f}. {hint}"
    assert np.isclose(found, eigenvalues[0], rtol=1e-4), f"Exercise 2: {words}"
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** $F(u, e) = 0$ with as many equations as unknowns $u$; $e$ is one number, and `u` solves the equation for this `e`. Return
# $du/de$, an array like `u`.


# %% exercise 3
def sensitivity(F, u, e):
    # how F changes with u: ag.jacobian(F)(u, e); with e: ag.jacobian(F, argnums=1)(u, e)
    return ...


# %% check 3
W, x = np.array([[0.2, -0.9], [0.6, 0.1]]), np.array([0.5, -1.0])


def repeated(e):  # a layer that is fed its own output, until it settles
    u = np.zeros(2)
    for _ in range(100):
        u = np.tanh(e * (W @ u) + x)
    return u


def settled(u, e):
    return u - np.tanh(e * (W @ u) + x)


e = np.array(0.8)
found = sensitivity(settled, repeated(e), e)
if found is ...:
    print("Exercise 3: not filled in yet")
else:
    right = ag.jacobian(repeated)(e)  # unrolled
    assert found is not None, "Exercise 3: du/de is an array like u, not None."
    hint = "Differentiate F(u(e), e) = 0: two terms, and their sum is 0."
    if np.shape(found) == (2,) and np.allclose(found, -right):
        hint = "To which side does the term without du/de go?"
    words = f"through all repetitions du/de is {right.round(4)}, not {np.round(found, 4)}. {hint}"
    assert np.shape(found) == (2,) and np.allclose(found, right), f"Exercise 3: {words}"
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** Hamilton's form of mechanics has positions $q$ and momenta $p$, and one number again, the energy $H(q, p)$:
# $\dot q = \partial H / \partial p$ and $\dot p = -\partial H / \partial q$. One step of length $h$: first $p$ moves by $h \dot p$. Then $q$ moves by
# $h \dot q$, *taken at the new* $p$.


# %% exercise 4
def hamilton_step(H, q, p, h):
    # ag.grad(H) is the gradient by q; ag.grad(H, argnums=1) that by p
    return ...  # the new q and the new p


# %% check 4
def springs(q, p):
    return np.sum(p**2 / np.array([2.0, 1.0])) / 2 + (q[0] ** 2 + 3 * (q[1] - q[0]) ** 2) / 2


q, p, h = np.array([1.0, -0.5]), np.array([0.0, 0.7]), 0.05
found = hamilton_step(springs, q.copy(), p.copy(), h)
if found is ...:
    print("Exercise 4: not filled in yet")
else:
    two = isinstance(found, (tuple, list, np.ndarray)) and [np.shape(part) for part in found] == [(2,), (2,)]
    assert two, f"Exercise 4: the new q and the new p are two arrays, like the old ones; yours is {found}."
    new_p = p - h * ag.grad(springs)(q, p)
    new_q = q + h * ag.grad(springs, argnums=1)(q, new_p)
    hint = "p moves first, from the old q; return q, then p. Which way does a spring pull?"
    words = f"the new p is {new_p.round(4)}, not {np.round(found[1], 4)}. {hint}"
    assert np.allclose(found[1], new_p), f"Exercise 4: {words}"
    begin, now = springs(q, p), (q, p)
    for _ in range(300):
        now = hamilton_step(springs, *now, h)
    words = f"the new q is {new_q.round(4)}, not {np.round(found[0], 4)}."
    hint = f"After 300 such steps the energy, first {begin:.2f}, is {springs(*now):.3g}."
    assert np.allclose(found[0], new_q), f"Exercise 4: {words} {hint}"
    print(f"Exercise 4: right. The energy, first {begin:.2f}, is {springs(*now):.2f} after 300 steps")

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# def slope_of_delta(z, y):
#     a = np.tanh(z)
#     return (1 - a**2) ** 2 - (a - y) * 2 * a * (1 - a**2)
# ```
#
# The slope of $1 - a^2$ is $-2a$ times the slope of $a$.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def least_curvature(E, w, largest, v, rounds):
#     for _ in range(rounds):
#         v = v / np.linalg.norm(v)
#         product = ag.hvp(E, w, v) - largest * v
#         shifted, v = v @ product, product
#     return shifted + largest
# ```
#
# Each product costs a small multiple of one gradient, whatever the number of weights.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def sensitivity(F, u, e):
#     return -np.linalg.solve(ag.jacobian(F)(u, e), ag.jacobian(F, argnums=1)(u, e))
# ```
#
# A layer that is fed its own output until it settles can be trained so: what is kept for the sweep does not grow with the rounds.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def hamilton_step(H, q, p, h):
#     p = p - h * ag.grad(H)(q, p)
#     q = q + h * ag.grad(H, argnums=1)(q, p)
#     return q, p
# ```
#
# With both slopes taken at the old place, each step adds a little energy. In this order the energy only sways around its first value.
#
# </details>
