# %% [markdown]
# # 2. The reverse sweep, and why its order is topological
#
# Afterwards you can write the sweep of an autodiff engine in seven lines, say why it visits values in one order and not in another,
# recognise the wrong numbers that other orders give, and see the same sweep in a triangular system of equations.

# %%
import matplotlib.pyplot as plt
import numpy as np

import autograd_mini as ag

BLUE, ORANGE, GREY, INK, PAPER = "#0b57a4", "#c4500b", "#9aa3ad", "#20262d", "#fcfcfb"
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})

# %% [markdown]
# ## A graph as a dict
#
# $u = x \cdot x$, $v = u + 3$, $y = u \cdot v$, at $x = 2$.

# %%
x = ag.Tensor(2.0, requires_grad=True, name="x")
u = x * x
v = u + 3
y = u * v
u.name, v.name, y.name = "u", "v", "y"
ag.draw(y)

# %% [markdown]
# For the derivatives, all that matters is what each value was computed from, and the slope along that arrow. The dict keeps the order in
# which the values were computed: $x$, $u$, $v$, $y$.

# %%
graph = {
    "x": [],
    "u": [("x", 2.0), ("x", 2.0)],  # u = x * x: each factor's slope is the other factor
    "v": [("u", 1.0)],
    "y": [("u", 7.0), ("v", 4.0)],  # y = u * v
}

# %% [markdown]
# The right answer is easy here: $y = x^2 (x^2 + 3) = x^4 + 3x^2$, so $\dfrac{dy}{dx} = 4x^3 + 6x = 44$.
#
# ## Path by path: right, and too slow
#
# Along a path multiply, over the paths add:
#
# $$\frac{dy}{dx} = \sum_{\text{paths } x \to y}\ \prod_{\text{arrows}} \text{slope}$$
#
# As a recursion that is two lines.


# %%
def path_by_path(graph, end, start):
    if end == start:
        return 1.0
    return sum(slope * path_by_path(graph, operand, start) for operand, slope in graph[end])


print("path by path:", path_by_path(graph, "y", "x"))
print()
print(ag.paths(y, x))

# %% [markdown]
# **Predict.** A network with 3 inputs, 10 hidden layers of 3 neurons and one output has 93 arrows. How many paths lead from its inputs to
# its output?
#
# Let the values be the weighted sums $z$. From $z_i^l$ to $z_j^{l+1}$ the slope is $w_{ji}^{l+1} f'(z_i^l)$, here with $f = \tanh$.


# %%
def network(depth, width=3):
    rng = np.random.default_rng(depth)
    graph = {f"x{j + 1}": [] for j in range(width)}
    below, a, slope = list(graph), rng.normal(size=width), np.ones(width)
    x, weights = a, []
    for l in range(1, depth + 2):
        W = rng.normal(size=(width if l <= depth else 1, width))
        names = [f"z{l}_{i + 1}" for i in range(len(W))]
        for name, row in zip(names, W):
            graph[name] = list(zip(below, row * slope))
        z = W @ a
        below, a, slope = names, np.tanh(z), 1 - np.tanh(z) ** 2
        weights.append(W)
    return graph, x, weights


class Counted(dict):
    """A graph that knows how often each value was asked what it was computed from."""

    def __init__(self, graph):
        super().__init__(graph)
        self.asked = []

    def __getitem__(self, name):
        self.asked.append(name)
        return super().__getitem__(name)


depths, asked, arrows = range(1, 11), [], []
for depth in depths:
    layered = Counted(network(depth)[0])
    path_by_path(layered, f"z{depth + 1}_1", "none")  # walks them all, and arrives nowhere
    asked.append(sum(name.startswith("x") for name in layered.asked))
    arrows.append(sum(len(uses) for uses in layered.values()))
    if depth in (1, 2, 5, 10):
        print(
            f"hidden layers {depth:2}: {asked[-1]:7,} paths = 3^{depth + 1:<2}   {arrows[-1]:3} arrows = 9 * {depth} + 3"
        )

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.semilogy(depths, asked, "o-", color=ORANGE, linewidth=2)
axes.semilogy(depths, arrows, "s-", color=BLUE, linewidth=2)
axes.annotate("paths", (depths[-3], asked[-3]), (-12, 6), textcoords="offset points", ha="right", color=ORANGE)
axes.annotate("arrows", (depths[-3], arrows[-3]), (0, 10), textcoords="offset points", ha="center", color=BLUE)
axes.set(xlabel="hidden layers of 3 neurons", title="each layer: three times the paths, nine arrows more")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The paths share almost all of their arrows. So add up first, at each value, and pass the *sum* on: then each arrow is passed once
# *(claim M7)*. But when is the sum complete?
#
# ## Three sweeps that are wrong
#
# **Predict.** Which of these gives 44?


# %%
def overwrite(graph, end):
    """= in place of +=."""
    grad = {end: 1.0}
    for name in reversed(graph):
        for operand, slope in graph[name]:
            grad[operand] = grad[name] * slope
    return grad


def depth_first(graph, end):
    """Go on from a value as soon as something has arrived there."""
    grad = {end: 1.0}

    def visit(name):
        for operand, slope in graph[name]:
            first = operand not in grad
            grad[operand] = grad.get(operand, 0.0) + grad[name] * slope
            if first:
                visit(operand)

    visit(end)
    return grad


def every_time(graph, end):
    """Go on from a value every time that something arrives there."""
    grad = {end: 1.0}

    def visit(name):
        for operand, slope in graph[name]:
            grad[operand] = grad.get(operand, 0.0) + grad[name] * slope
            visit(operand)

    visit(end)
    return grad


wrong_sweeps = overwrite, depth_first, every_time
for wrong in wrong_sweeps:
    print(f"{wrong.__name__:12}", wrong(graph, "y"))

# %% [markdown]
# None. What went wrong, at $u$, which is used twice, by $y$ and by $v$:
#
# - `overwrite`: the share from $v$ replaced the one from $y$. At $x$ it happens again.
# - `depth_first`: $u$ passed on its 7 before the 4 from $v$ was there. The 4 arrived, and stayed.
# - `every_time`: $u$ passed on 7, and then 11, in which the 7 is contained once more.
#
# Write the product as $v \cdot u$. The function is the same, and the answers of the two that search depth first are others:

# %%
turned = {**graph, "y": [("v", 4.0), ("u", 7.0)]}  # y = v * u
for wrong in wrong_sweeps:
    print(f"{wrong.__name__:12} y = u * v: {wrong(graph, 'y')['x']:3.0f}   y = v * u: {wrong(turned, 'y')['x']:3.0f}")

# %% [markdown]
# And without a value that is used twice, nothing shows. A test on a chain finds none of these mistakes:

# %%
chain = {"x": [], "u": [("x", 3.0)], "v": [("u", 5.0)], "y": [("v", 2.0)]}
for wrong in wrong_sweeps:
    print(f"{wrong.__name__:12} on a chain, 3 * 5 * 2 = {wrong(chain, 'y')['x']:.0f}")

# %% [markdown]
# ## The right order
#
# A value may pass on its sum when **all** of its uses have added to it. So visit it after all values that were computed from it. An order
# in which every value stands after those that it was computed from is called **topological**; the sweep goes through one backward.
#
# No search is needed for it. Nothing can be computed before its operands are, so the order in which the values were computed is one.


# %%
def sweep(graph, end):
    grad = {name: 0.0 for name in graph}
    grad[end] = 1.0
    for name in reversed(graph):
        for operand, slope in graph[name]:
            grad[operand] += grad[name] * slope
    return grad


y.backward()
print("the sweep: ", sweep(graph, "y"))
print("the engine:", x.grad)

# %% [markdown]
# In the circles, who was visited first, second, third, fourth; below them, what each ended up with. In the middle $u$ does get its 11, but
# it was visited before $v$, and had passed on 7 by then.

# %% jupyter={"source_hidden": true}
# This cell only draws.
places = {"x": (0, 0), "u": (1, 0), "v": (2, 0.75), "y": (3, 0)}
figure, panels = plt.subplots(1, 3, figsize=(11, 3.1), layout="constrained")
for axes, how in zip(panels, (sweep, depth_first, overwrite)):
    watched = Counted(graph)
    grad = how(watched, "y")
    for (start, end), bend in {
        ("x", "u"): (-0.35, 0.35),
        ("u", "v"): (0,),
        ("u", "y"): (0.25,),
        ("v", "y"): (0,),
    }.items():
        for rad in bend:
            style = {"arrowstyle": "<|-", "color": GREY, "linewidth": 1.6, "connectionstyle": f"arc3,rad={rad}"}
            arrow = {**style, "shrinkA": 14, "shrinkB": 14, "mutation_scale": 14}
            axes.annotate("", places[end], places[start], arrowprops=arrow)
    for name, (px, py) in places.items():
        right = grad[name] == sweep(graph, "y")[name]
        colour = INK if right else ORANGE
        axes.plot(px, py, "o", markersize=25, color=PAPER, markeredgecolor=colour, markeredgewidth=1.5)
        axes.text(px, py, f"{watched.asked.index(name) + 1}", ha="center", va="center", color=colour)
        axes.text(px, py + 0.27, f"${name}$", ha="center", color=INK, fontsize=12)
        words = f"{grad[name]:.0f}" if right else f"{grad[name]:.0f}, not {sweep(graph, 'y')[name]:.0f}"
        weight = "normal" if right else "bold"
        axes.text(px, py - 0.28, words, ha="center", va="top", color=colour, weight=weight)
    axes.set(title=how.__name__, xlim=(-0.5, 3.4), ylim=(-0.75, 1.25))
    axes.axis("off")
plt.show()

# %% [markdown]
# The engine numbers its values as they are made, and always visits the newest that waits. `ag.steps` lists what it did:

# %%
for step in ag.steps(y):
    print(step)

# %% [markdown]
# `ag.player(y, "sweep.html")` writes the same as a page to step through. `ag.player(y, "wrong.html", bug="dfs_order")` makes the mistake of
# `depth_first` beside the right sweep, marks the first wrong number, and shows where gradient descent goes with it;
# `bug="overwrite"` does so for the other one.
#
# ## From the output back
#
# In the network, `grad[operand] += grad[name] * slope` is the delta rule, one term at a time *(claim Y8)*:
#
# $$\delta_i^l = \sum_j \delta_j^{l+1} \cdot \underbrace{w_{ji}^{l+1} f'(z_i^l)}_{\text{slope}}$$
#
# The sum over $j$ goes over all that $z_i^l$ feeds. So the deltas come from the output back, a layer when the layer after it is done.
# Within a layer any order will do, since no neuron there feeds another.

# %%
layered, inputs, weights = network(2)
grad = sweep(layered, "z3_1")
print("the sweep  layer 2:", np.array([grad[f"z2_{i}"] for i in (1, 2, 3)]))
print("           layer 1:", np.array([grad[f"z1_{i}"] for i in (1, 2, 3)]))

z1 = ag.Tensor(weights[0] @ inputs, requires_grad=True)
z2 = weights[1] @ np.tanh(z1)
z3 = weights[2] @ np.tanh(z2)
delta1, delta2 = ag.gradients(z3[0], [z1, z2])
print("the engine layer 2:", delta2)
print("           layer 1:", delta1)

# %% [markdown]
# One visit each, however many the paths are. With ten hidden layers they were 177,147:

# %%
watched = Counted(network(10)[0])
grad = sweep(watched, "z11_1")
print(f"the sweep visits {len(watched.asked)} values and passes {sum(map(len, watched.values()))} arrows")
print("equal to the sum over all paths:", np.isclose(grad["x1"], path_by_path(watched, "z11_1", "x1"), rtol=1e-10))

# %% [markdown]
# ## The sweep solves a triangular system
#
# Write $\bar v_j$ for what $v_j$ ends up with. Each is its seed plus what its uses send:
#
# $$\bar v_j = e_j + \sum_{i > j} L_{ij}\, \bar v_i, \qquad L_{ij} = \frac{\partial v_i}{\partial v_j}
# \qquad\Longleftrightarrow\qquad (I - L^{\mathsf T})\, \bar v = e$$
#
# In topological order $L_{ij} = 0$ unless $i > j$. So the last equation has one unknown, the one above it one more: solve from the last row
# up. That is the sweep; each row waits for those below it.


# %%
def matrix_of(graph):
    names = list(graph)
    L = np.zeros((len(names), len(names)))
    for i, name in enumerate(names):
        for operand, slope in graph[name]:
            L[i, names.index(operand)] += slope
    return L


L, e = matrix_of(graph), np.array([0.0, 0.0, 0.0, 1.0])
print(np.eye(4) - L.T)

v_bar = np.zeros(4)
for j in reversed(range(4)):
    v_bar[j] = e[j] + L[:, j] @ v_bar
print("from the last row up:", v_bar, "  np.linalg.solve:", np.linalg.solve(np.eye(4) - L.T, e))

# %% [markdown]
# `ag.triangular` reads the system from the engine's graph:

# %%
system = ag.triangular(y)
print(system)
print("the same matrix:", np.array_equal(system.matrix, L))

# %% [markdown]
# A wrong order is one in which the matrix is not triangular: somewhere a row needs a number that is not known yet. Left the network with
# two hidden layers in the order of its computation, right in another one.

# %% jupyter={"source_hidden": true}
# This cell only draws.
shuffled = [list(layered)[k] for k in np.random.default_rng(0).permutation(len(layered))]
figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for axes, names in zip(panels, (list(layered), shuffled)):
    A = matrix_of({name: layered[name] for name in names}).T
    later, n = np.triu(A, 1) != 0, len(names)
    for where, colour, mark in [(later, BLUE, "s"), ((A != 0) & ~later, ORANGE, "X")]:
        i, j = np.nonzero(where)
        axes.plot(j, i, mark, color=colour, markersize=11)
    axes.plot(range(n), range(n), color=GREY, linewidth=1)
    parts = [name[1:].partition("_") for name in names]
    labels = [f"$z_{i}^{l}$" if i else f"$x_{l}$" for l, _, i in parts]  # z of neuron i in layer l
    axes.set(xlim=(-0.7, n - 0.3), ylim=(n - 0.3, -0.7), aspect="equal", xticks=range(n), yticks=range(n))
    axes.set_xticklabels(labels, fontsize=9)
    axes.set_yticklabels(labels, fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("in topological order" if names is not shuffled else "in another: ✕ is not known yet")
    print(f"{(A != 0).sum()} slopes, {((A != 0) & ~later).sum()} of them below the diagonal")
plt.show()

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** On paper: $u = 3x$, $v = u \cdot x$, $y = v + u$ at $x = 2$. The right $dy/dx$, and what `depth_first` makes of it. It
# takes the operands in the order in which they are written: from $y$ first to $v$, from $v$ first to $u$.

# %% exercise 1
right = ...
depth_first_says = ...

# %% check 1
if right is ... or depth_first_says is ...:
    print("Exercise 1: not filled in yet")
else:
    paper, sums = {"x": [], "u": [("x", 3)], "v": [("u", 2), ("x", 6)], "y": [("v", 1), ("u", 1)]}, {"y": 1}

    def passed_on(name):
        for operand, slope in paper[name]:
            new = operand not in sums
            sums[operand] = sums.get(operand, 0) + sums[name] * slope
            if new:
                passed_on(operand)

    passed_on("y")
    engine = ag.grad(lambda x: 3 * x * x + 3 * x)(2.0)
    assert np.isclose(right, engine), f"Exercise 1: dy/dx is {engine:g}, not {right:g}. Three paths lead from x to y."
    hint = f"u has passed on the share of v alone when that of y arrives; x ends up with {sums['x']}."
    assert np.isclose(depth_first_says, sums["x"]), f"Exercise 1: depth first does not say {depth_first_says:g}. {hint}"
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** An engine of your own. A program is a list of lines: a name, an operation, the names of its operands. `values` has the
# number of every name, `SLOPES` the slopes of an operation by its operands.

# %% exercise 2
SLOPES = {"add": lambda a, b: (1.0, 1.0), "mul": lambda a, b: (b, a), "sin": lambda a: (np.cos(a),)}


def backward(program, values):
    # 1. a sum for each name, which begins at 0; at 1 for the last line's
    # 2. the lines from the last to the first: operation, operands, slopes
    # 3. to each operand's sum its share
    return ...  # a dict: for each name the derivative of the last line's value


# %% check 2
TABLE = {"add": np.add, "mul": np.multiply, "sin": np.sin}
programs = [
    [("u", "mul", ["x", "t"]), ("y", "sin", ["u"])],
    [("u", "sin", ["x"]), ("v", "add", ["u", "t"]), ("y", "mul", ["u", "v"])],
    [("u", "mul", ["x", "x"]), ("v", "mul", ["u", "t"]), ("w", "add", ["v", "u"]), ("y", "mul", ["w", "u"])],
]
for program in programs:
    T = {"x": ag.Tensor(0.5, requires_grad=True), "t": ag.Tensor(-1.5, requires_grad=True)}
    for name, operation, operands in program:
        T[name] = TABLE[operation](*(T[operand] for operand in operands))
    found = backward(program, {name: value.item() for name, value in T.items()})
    if found is ...:
        print("Exercise 2: not filled in yet")
        break
    text = "; ".join(f"{name} = {operation}({', '.join(operands)})" for name, operation, operands in program)
    for name in reversed(T):
        engine = ag.gradients(T["y"], T[name]).item() if name != "y" else 1.0
        assert name in found, f"Exercise 2: {text}: there is no derivative by {name}."
        words = f"{text}: dy/d{name} is {engine:.4f}, not {found[name]:.4f}."
        hint = (
            f"In how many places is {name} an operand?" if found[name] else "Nothing has arrived: which line is first?"
        )
        assert np.isclose(found[name], engine), f"Exercise 2: {words} {hint}"
else:
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** The number of paths from `start` to `end`, in one sweep: without walking them. The dict is in the order of computation.


# %% exercise 3
def count_paths(graph, end, start):
    return ...


# %% check 3
class Patient(dict):
    def __getitem__(self, name):
        self.reads = getattr(self, "reads", 0) + 1
        assert self.reads <= 500, "Exercise 3: 100 values were looked up 500 times. Each path is walked by itself."
        return super().__getitem__(name)


diamond = {"x": [], "u": [("x", 0.5)], "v": [("x", -2.0), ("u", 3.0)], "y": [("u", 1.0), ("v", 4.0)]}
if count_paths(diamond, "y", "x") is ...:
    print("Exercise 3: not filled in yet")
else:
    x = ag.Tensor(1.0, requires_grad=True)
    u = x * 0.5
    v = x * -2.0 + u * 3.0
    engine, found = ag.paths(u * 1.0 + v * 4.0, x).count, count_paths(diamond, "y", "x")
    assert found == engine, (
        f"Exercise 3: {engine} paths lead from x to y in {diamond}, not {found}. Which slope counts?"
    )
    doublings = Patient({"v0": []} | {f"v{i + 1}": [(f"v{i}", 1.0), (f"v{i}", 1.0)] for i in range(100)})
    found = count_paths(doublings, "v100", "v0")
    assert found == 2**100, f"Exercise 3: 100 doublings have 2^100 = {2**100} paths, not {found}."
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** If the dict is in no particular order, it must be found. Return the names of all that `end` was computed from, and `end`,
# each after its own operands. Depth first is good for that: it is not the search that was wrong, but passing on during it.


# %% exercise 4
def topological(graph, end):
    # visit(name): nothing to do if it is in the list; else its operands first, then the name itself
    return ...  # a list of names


# %% check 4
rng = np.random.default_rng(1)
for size in (2, 4, 8, 16):
    names = [f"v{i}" for i in range(size)]
    uses = {names[i]: [(names[j], 1.0) for j in sorted({i - 1, *rng.integers(0, i, 2)})] for i in range(1, size)}
    uses["v0"] = []
    mixed = {names[k]: uses[names[k]] for k in rng.permutation(size)}
    found = topological(mixed, names[-1])
    if found is ...:
        print("Exercise 4: not filled in yet")
        break
    assert len(found) == len(set(found)), f"Exercise 4: a name is in the list more than once: {found}."
    assert set(found) == set(names), f"Exercise 4: missing: {sorted(set(names) - set(found))}."
    for name in names:
        for operand, _ in mixed[name]:
            words = f"{name} is computed from {operand}, but stands before it: {found}."
            assert found.index(operand) < found.index(name), f"Exercise 4: {words}"
else:
    print("Exercise 4: right")

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# right = 1 * 2 * 3 + 1 * 6 + 1 * 3
# depth_first_says = 1 * 2 * 3 + 1 * 6
# ```
#
# $y = 3x^2 + 3x$, whose slope is $6x + 3$. The path straight from $u$ to $y$ is lost.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# SLOPES = {"add": lambda a, b: (1.0, 1.0), "mul": lambda a, b: (b, a), "sin": lambda a: (np.cos(a),)}
#
#
# def backward(program, values):
#     grad = {name: 0.0 for name in values}
#     grad[program[-1][0]] = 1.0
#     for name, operation, operands in reversed(program):
#         slopes = SLOPES[operation](*(values[operand] for operand in operands))
#         for operand, slope in zip(operands, slopes):
#             grad[operand] += grad[name] * slope
#     return grad
# ```
#
# With one more line in `SLOPES` it knows one more operation.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def count_paths(graph, end, start):
#     count = {name: 0 for name in graph}
#     count[end] = 1
#     for name in reversed(graph):
#         for operand, _ in graph[name]:
#             count[operand] += count[name]
#     return count[start]
# ```
#
# The sweep, with every slope 1. So many paths can be counted, though never walked.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def topological(graph, end):
#     order = []
#
#     def visit(name):
#         if name not in order:
#             for operand, _ in graph[name]:
#                 visit(operand)
#             order.append(name)
#
#     visit(end)
#     return order
# ```
#
# A name goes into the list after all that it was computed from. `in` searches the list: for large graphs, keep a set beside it.
#
# </details>
