# %% [markdown]
# # 11. Extending the engine
#
# The engine knows a table: for each function one line that sends a gradient back. Afterwards you can add a line of your own, let
# `ag.gradcheck` find what is wrong with it, write one that is more exact than the derivative of the formula, build a layer on it, and
# say how one line gives gradients, higher orders, forward mode and programs.

# %%
import inspect
import math
import textwrap

import matplotlib.pyplot as plt
import numpy as np

import autograd_mini as ag
import nn

BLUE, ORANGE, GREEN, GREY, PAPER = "#0b57a4", "#c4500b", "#1d7a5f", "#9aa3ad", "#fcfcfb"
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})


def say(text):
    print(textwrap.fill(str(text), 110, subsequent_indent="    "))


# %% [markdown]
# ## A function that the engine cannot look into
#
# Where is a planet at a given time? Its angle $E$ (here no error) follows from the time, written as an angle $M$, and from how far the
# ellipse is from a circle, $e$. Kepler's equation cannot be solved for $E$ by a formula:
#
# $$E - e \sin E = M$$
#
# So it is solved in a loop. With Python's `math`:


# %%
def planet(M, e):
    E = M
    for _ in range(50):
        step = (E - e * math.sin(E) - M) / (1 - e * math.cos(E))
        E = E - step
        if abs(step) < 1e-12:
            break
    return E


E = planet(1.0, 0.5)
print(f"E = {E:.6f}, and E - e sin E = {E - 0.5 * math.sin(E):.6f}")
try:
    planet(ag.Tensor(1.0, requires_grad=True), 0.5)
except ag.errors.LostGradientError as error:
    say(error)

# %% [markdown]
# `math` makes plain numbers of everything, and the gradient would be lost. Written with `np.sin` it would not be: then the engine records
# the loop, every step of it.
#
# **Predict.** How many values does it compute for one $E$, and how many does the slope need?


# %%
def kepler_steps(M, e):
    E = M
    for _ in range(50):
        step = (E - e * np.sin(E) - M) / (1 - e * np.cos(E))
        E = E - step
        if np.max(np.abs(step)) < 1e-12:
            break
    return E


M = ag.Tensor(1.0, requires_grad=True, name="M")
recorded = [step for step in ag.steps(kepler_steps(M, 0.5)) if step.phase == "forward"]
print(f"{len(recorded)} values recorded")

# %% [markdown]
# One value would do, the last: the way to $E$ does not matter for its slope, only the equation that it fulfils. Nudge $M$ and $e$; then
# $E$ moves so that the equation still holds:
#
# $$dE - e \cos E\, dE - \sin E\, de = dM \qquad\Longrightarrow\qquad
# \frac{\partial E}{\partial M} = \frac{1}{1 - e \cos E}, \qquad \frac{\partial E}{\partial e} = \frac{\sin E}{1 - e \cos E}$$

# %%
h = 1e-5
dM = (planet(1 + h, 0.5) - planet(1 - h, 0.5)) / (2 * h)
de = (planet(1.0, 0.5 + h) - planet(1.0, 0.5 - h)) / (2 * h)
print(f"by nudges:  dE/dM {dM:.6f}   dE/de {de:.6f}")
D = 1 - 0.5 * math.cos(E)
print(f"by formula: dE/dM {1 / D:.6f}   dE/de {math.sin(E) / D:.6f}")

# %% [markdown]
# ## A line in the table
#
# Two calls. `ag.primitive` says: do not look inside, this is one function. `ag.defvjp` says how it sends a gradient back, one line for
# each operand. A line gets $g = \partial(\text{result})/\partial y$, which has arrived at the output $y$; then $y$ itself, and the
# operands. It returns what goes on to its operand:
#
# $$\bar M = g\, \frac{\partial y}{\partial M}, \qquad \bar e = g\, \frac{\partial y}{\partial e}$$


# %%
@ag.primitive
def kepler(M, e):
    return np.vectorize(planet)(M, e)  # for arrays: one planet after the other


ag.defvjp(
    kepler,
    lambda g, y, _M, e: g / (1 - e * np.cos(y)),
    lambda g, y, _M, e: g * np.sin(y) / (1 - e * np.cos(y)),
    broadcasts=True,
)
y = kepler(M, 0.5)
y.name = "y"
dM, de = ag.grad(kepler, argnums=(0, 1))(1.0, 0.5)
print(f"the engine: dE/dM {dM:.6f}   dE/de {de:.6f}")
ag.draw(y)

# %% [markdown]
# The loop inside still uses `math`; nobody looks. The formula wants $E$, which is the output, so it reads `y` and solves nothing again.
# A name that begins with `_` says that the line does not read it: the engine then need not keep that array.
#
# The engine's own functions got their lines in the same way; `nn`'s, too. Some lines of `autograd_mini/rules/elementwise.py`:

# %%
import autograd_mini.rules.elementwise as file

shown = tuple(f"defvjp(np.{name}," for name in ("multiply", "exp", "log", "sin", "cos", "tanh"))
for line in inspect.getsource(file).splitlines():
    if line.startswith(shown):
        print(line)

# %% [markdown]
# ## Is it right?
#
# `ag.gradcheck` nudges every entry and compares. It says True, or raises:

# %%
rng = np.random.default_rng(0)
times, far = rng.uniform(0.3, 2.8, size=4), 0.6
print(ag.gradcheck(kepler, times, far))

# %% [markdown]
# Now rules that are wrong. Each gets the same function; `complaint` keeps of the error what it says of the cause.


# %%
def with_rule(function, *rule, **options):
    own = ag.primitive(function)  # another function each time, as far as the table is concerned
    ag.defvjp(own, *rule, **options)
    return own


def complaint(function, *inputs, order=1):
    try:
        ag.gradcheck(function, *inputs, order=order)
    except ag.errors.GradcheckError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        cause = [i for i, line in enumerate(lines) if line.startswith("wrong rule")]
        return lines[cause[0] + 1] if cause else lines[-1]
    return "right"


def kepler_alone(M, e):
    return np.vectorize(planet)(M, e)


# %% [markdown]
# **Predict.** Three of these are right at the output's end, where $g = 1$. Which?


# %%
def for_e(g, y, _M, e):
    return g * np.sin(y) / (1 - e * np.cos(y))


wrong = {
    "sign": lambda g, y, _M, e: g / (e * np.cos(y) - 1),
    "factor": lambda g, y, _M, e: 2 * g / (1 - e * np.cos(y)),
    "g dropped": lambda g, y, _M, e: 1 / (1 - e * np.cos(y)),
    "g squared": lambda g, y, _M, e: g * g / (1 - e * np.cos(y)),
    "|g|": lambda g, y, _M, e: np.abs(g) / (1 - e * np.cos(y)),
    "no slope": lambda g, y, _M, e: g + 0 * y,
    "at M, not y": lambda g, _y, M, e: g / (1 - e * np.cos(M)),
}
for mistake, for_M in wrong.items():
    bad = with_rule(kepler_alone, for_M, for_e, broadcasts=True)
    same = np.isclose(ag.grad(bad)(1.0, far), ag.grad(kepler)(1.0, far))
    say(f"{mistake:11} {'right' if same else 'wrong'} for g = 1. {complaint(bad, times, far)}")

# %% [markdown]
# Three mistakes do not show while $g = 1$, that is, in a test that ends at `y.sum()`. `gradcheck` takes a random $g$, and multiples of it.
#
# It tries mistakes out: it names one only if, without it, the numbers agree in every entry, here and at points nearby. If none of those it
# knows does, it says that.
#
# ## Transposes
#
# A matrix operand hides another kind. $Y = X W^{\mathsf T} + b$, samples in rows:
#
# $$\bar X = G\,W, \qquad \bar W = G^{\mathsf T} X, \qquad \bar b = \sum_{\text{rows}} G$$
#
# **Predict.** $W$ is 3 by 3. Which of these mistakes does a look at the shapes find?


# %%
def affine_alone(X, W, b):
    return X @ W.T + b


to_X, to_W, to_b = (
    lambda g, _y, _X, W, _b: g @ W,
    lambda g, _y, X, _W, _b: g.T @ X,
    lambda g, _y, _X, _W, _b: np.sum(g, axis=0),
)
X, W, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 3)), rng.normal(size=3)
tried = {
    "as above": (to_X, to_W, to_b),
    "g @ W.T": (lambda g, _y, _X, W, _b: g @ W.T, to_W, to_b),
    "X.T @ g": (to_X, lambda g, _y, X, _W, _b: X.T @ g, to_b),
    "b: no sum": (to_X, to_W, lambda g, _y, _X, _W, _b: g),
    "b: the mean": (to_X, to_W, lambda g, _y, _X, _W, _b: np.mean(g, axis=0)),
    "b: None": (to_X, to_W, None),
}
for name, rule in tried.items():
    say(f"{name:12} {complaint(with_rule(affine_alone, *rule), X, W, b)}")

# %% [markdown]
# Only the missing sum: what goes back has its operand's shape, and the engine refuses any other. With a square $W$ a transpose too many
# leaves the shape as it is.
#
# ## What was broadcast
#
# One $e$ served four planets. Going back, its four shares add up, as for any value that is used four times. A function that works entry by
# entry need not write that sum: `broadcasts=True`, above, lets the sweep do it, for every shape. Without it:

# %%
forgotten = with_rule(kepler_alone, lambda g, y, _M, e: g / (1 - e * np.cos(y)), for_e)
say(complaint(forgotten, times, far))
angles = kepler(times, far)
shares = np.sin(angles) / (1 - far * np.cos(angles))
print(f"the shares of e {shares.round(6)}, their sum {shares.sum():.6f}")
print(f"the engine {ag.grad(lambda e: np.sum(kepler(times, e)))(far):.6f}")

# %% [markdown]
# ## Better than the derivative of the formula
#
# The softplus, a ReLU without its corner, and its slopes:
#
# $$s(z) = \log(1 + e^z), \qquad s'(z) = \frac{e^z}{1 + e^z} = \sigma(z), \qquad s''(z) = \sigma(z)\,\sigma(-z)$$
#
# The formula overflows. So it is usually written $\max(z, 0) + \log(1 + e^{-|z|})$, the same function. Three ways to have it:


# %%
def formula(z):
    return np.log(1 + np.exp(z))


def rewritten(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


softplus = ag.primitive(rewritten)
ag.defvjp(softplus, lambda g, _y, z: g * nn.sigmoid(z))

# %% [markdown]
# **Predict.** The engine differentiates the first two by itself. At which of the five places will a value or a slope of theirs be wrong?

# %%
with np.errstate(all="ignore"):
    print(f"{'z':>16}  {'value':>9}  {'slope':>9}  {'second':>9}")
    for name, f in [("formula", formula), ("rewritten", rewritten), ("own rule", softplus)]:
        for z in (-800.0, -50.0, 0.0, 50.0, 800.0):
            second = ag.grad(ag.grad(f))(z) + 0.0  # so that -0 is shown as 0
            print(f"{name:9} {z:6g}  {f(z):9.3g}  {ag.grad(f)(z):9.3g}  {second:9.3g}")

# %% [markdown]
# The formula: `nan` on the right, and at $-50$ a value of 0. Rewritten it is right, and at 0 its second derivative is 0 in place of $\frac14$:
# there $|z|$ has a corner, and so has the maximum; the two cancel in the function, and need not in the rules. Our rule knows nothing of the
# corner, since $s$ has none.
#
# Is it exact, too? How many digits of $s''$ are right:

# %% jupyter={"source_hidden": true}
line = np.linspace(-60, 60, 481)
e = np.exp(-np.abs(line))
exact = e / (1 + e) ** 2
figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
with np.errstate(all="ignore"):
    for name, f, style, color in [
        ("formula", formula, "-", ORANGE),
        ("rewritten", rewritten, "--", GREEN),
        ("own rule", softplus, "-", BLUE),
    ]:
        second = ag.elementwise_grad(ag.elementwise_grad(f))(line)
        digits = -np.log10(np.maximum(np.abs(second / exact - 1), 1e-16))
        axes.plot(line, digits, style, color=color, linewidth=3 if name == "formula" else 1.6, label=name)
axes.set(xlabel="z", ylabel="right digits of $s''(z)$", ylim=(-1, 17))
axes.legend(frameon=False, loc="lower left")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# Above 0 our rule loses digits, as the formula does; the rewritten function keeps them, but for its hole at 0. The reason is one rule
# further down: the sigmoid's is $g\,y\,(1 - y)$, and once $y$ rounds to 1 nothing is left of $1 - y$. As an error of $s''$ that is below
# $2 \cdot 10^{-16}$, as a relative one it is everything. Exercise 3 mends it.
#
# ## It differentiates again
#
# A rule is fed arrays first; for a second derivative it is fed Tensors, and what it does is recorded, as all else. So a line of NumPy has
# all orders. Kepler's, to the third:

# %%
print(ag.gradcheck(kepler, times, far, order=3))

# %% [markdown]
# What that takes: in the line NumPy functions and operators, and functions that have rules. No branch on values, no assignment into arrays.
# A line that takes for constant what is not has only one order:


# %%
def cut_for_M(g, y, _M, e):
    return g / (1 - e * np.cos(ag.stop_gradient(y)))


cut = with_rule(kepler_alone, cut_for_M, for_e, broadcasts=True)
print("first: ", complaint(cut, times, far))
say(f"second: {complaint(cut, times, far, order=2)}")

# %% [markdown]
# ## What one line is good for
#
# | fed with | comes out | asked for by |
# |---|---|---|
# | arrays | the gradient | `backward`, `ag.grad` |
# | Tensors | the gradient, recorded: the next order | `ag.grad(ag.grad(f))`, `ag.hessian` |
# | a $g$ to be differentiated by | the forward mode | `ag.jvp` |
# | names | the program | `ag.trace(...).source()` |
#
# There is no second table for the third row. A line is linear in $g$: it sends $g$ to $g J$. So for any $v$ the number
# $(g J)\, v$ has by $g$ the gradient $J v$, which is what forward mode wants; at any $g$, as for every linear function, so at 0:

# %%
v = np.array([1.0, -2.0, 0.5, 3.0])
_, pull = ag.vjp(lambda M: kepler(M, far), times)
print("by g:   ", ag.grad(lambda g: np.sum(pull(g)[0] * v))(np.zeros(4)))
print("ag.jvp: ", ag.jvp(lambda M: kepler(M, far), (times,), (v,))[1])
nudge = (kepler(times + h * v, far) - kepler(times - h * v, far)) / (2 * h)
print("a nudge:", nudge)

# %% [markdown]
# A rule with `|g|` would break it. That is why `gradcheck` wants lines that are linear in $g$.
#
# And the fourth row. The program of a gradient holds the line as it was written, simplified:


# %%
def later(M, e):
    return np.sum(kepler(M, e))


print(ag.trace(ag.grad(later, argnums=(0, 1)))(times, np.array(far)).source())

# %% [markdown]
# `kepler` itself stands there as a call; the program takes it as an argument. The sum for $e$ is the one that `broadcasts=True` put in.
#
# Forward mode and second order are other programs from the same lines. **Predict.** What becomes of `g @ W` in forward mode?

# %%
affine = with_rule(affine_alone, to_X, to_W, to_b)


def forward_mode(X, W, b, V):
    return ag.jvp(lambda X: affine(X, W, b), (X,), (V,))[1]


print(ag.trace(forward_mode)(X, W, b, X).source())

# %% [markdown]
# The transpose: what sends gradients back by $W$ sends nudges forward by $W^{\mathsf T}$. And the second order of `kepler`:


# %%
def second_order(M, e):
    return ag.grad(lambda M: np.sum(ag.grad(later)(M, e)))(M)


print(ag.trace(second_order)(times, np.array(far)).source())

# %% [markdown]
# Read it against the formula, with $D = 1 - e \cos E$:
# $\dfrac{d}{dM}\, \dfrac1D = -\dfrac{1}{D^2} \cdot e \sin E \cdot \dfrac1D$.
#
# ## A layer of one's own
#
# A layer is an `nn.Module`: parameters as attributes, and `forward`. Ours is a softplus that learns, for each unit, how sharp its corner is:
#
# $$a = \frac{s(\beta z)}{\beta}, \qquad \frac{\partial a}{\partial z} = \sigma(\beta z), \qquad
# \frac{\partial a}{\partial \beta} = \frac{z\, \sigma(\beta z) - a}{\beta}$$
#
# As $\beta$ grows, it becomes the ReLU. No rule is needed here: it is made of functions that have one.


# %%
class Sharp(nn.Module):
    def __init__(self, units, beta=1.0):
        self.beta = nn.Parameter(np.full(units, beta))

    def forward(self, z):
        return softplus(self.beta * z) / self.beta


# %% [markdown]
# Let three such units fit a function with two corners, with $\beta$ fixed at 1, and learned:

# %%
inputs = np.linspace(-2, 2, 81)[:, None]
targets = np.abs(inputs) - np.maximum(inputs - 1, 0)


def fitted(learn):
    sharp = Sharp(3)
    model = nn.Sequential(nn.Linear(1, 3, rng=1), sharp, nn.Linear(3, 1, rng=2))
    trained = [p for p in model.parameters() if learn or p is not sharp.beta]
    optimizer = nn.Adam(trained, lr=0.03)
    for _ in range(1500):
        optimizer.zero_grad()
        loss = nn.squared_error(model(inputs), targets)
        loss.backward()
        optimizer.step()
    return model, sharp.beta.data, loss.item()


fits = {name: fitted(learn) for name, learn in (("β = 1", False), ("β learned", True))}
for name, (_, beta, loss) in fits.items():
    print(f"{name:10} loss {loss:.2g}   β {np.round(beta, 1)}")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(inputs, targets, color=GREY, linewidth=5, alpha=0.6, label="wanted")
for (name, (model, _, _)), style, color in zip(fits.items(), ("--", "-"), (ORANGE, BLUE)):
    axes.plot(inputs, nn.evaluate(model, inputs), style, color=color, linewidth=1.8, label=name)
axes.set(xlabel="x")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# ## Is the layer right?
#
# `nn.compare` holds the engine against rules written by hand, and for our layer nobody has written one:

# %%
model = nn.Sequential(nn.Linear(2, 3, rng=0), Sharp(3, beta=2.0), nn.Linear(3, 1, rng=1))
x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
try:
    nn.compare(model, x, y, nn.squared_error)
except TypeError as error:
    say(error)

# %% [markdown]
# Three things are left. Differences, for the layer alone:


# %%
def sharp(z, beta):
    return softplus(beta * z) / beta


print(ag.gradcheck(sharp, x, np.array([0.5, 3.0]), order=2))

# %% [markdown]
# The rule by hand, as in chapter 3: what arrives at the units, times the formula above, added up over the samples.

# %%
first, last = model[0], model[2]
z = x @ first.weight.data.T + first.bias.data
a = softplus(2 * z) / 2
delta = (a @ last.weight.data.T + last.bias.data - y) / len(x)  # the loss is the mean over the samples
by_hand = np.sum(delta @ last.weight.data * (z * nn.sigmoid(2 * z) - a) / 2, axis=0)

nn.squared_error(model(x), y).backward()
print("by hand:   ", by_hand)
print("the engine:", model[1].beta.grad)

# %% [markdown]
# And a twin: here, where all $\beta$ are 2, `nn.Softplus` computes the same, and of it the rules are known. (Above $\beta z = 20$ it
# returns $z$ itself, unless the threshold is higher.)

# %%
twin = nn.Sequential(first, nn.Softplus(2.0, threshold=40), last)
known = ag.gradients(nn.squared_error(twin(x), y), [first.weight, last.weight])
print("as in the twin:", np.allclose(first.weight.grad, known[0]), np.allclose(last.weight.grad, known[1]))
print("nn.compare of the twin passes:", nn.compare(twin, x, y, nn.squared_error).passed)

# %% [markdown]
# ## Corners
#
# At a corner there is no slope, and a rule has to say one all the same. Any between the two sides does for a descent; which one is a
# convention, to be written down:

# %%
corners = {
    "nn.relu(z)": nn.relu,
    "np.maximum(z, 0)": lambda z: np.maximum(z, 0),
    "np.where(z > 0, z, 0)": lambda z: np.where(z > 0, z, 0),
    "np.where(z >= 0, z, 0)": lambda z: np.where(z >= 0, z, 0),
    "np.abs(z)": np.abs,
    "np.sqrt(z)": np.sqrt,
}
with np.errstate(divide="ignore"):
    for name, f in corners.items():
        print(f"{name:23} slope at 0: {ag.grad(f)(0.0):g}")

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.8), layout="constrained", sharey=True)
line = np.linspace(-1.5, 1.5, 201)
for axes, name in zip(panels, ("nn.relu(z)", "np.maximum(z, 0)", "np.where(z >= 0, z, 0)")):
    f = corners[name]
    for slope in np.linspace(0, 1, 7):
        axes.plot(line, slope * line, color=GREY, linewidth=0.7)
    axes.plot(line, f(line), color=BLUE, linewidth=2.4)
    axes.plot(line, ag.grad(f)(0.0) * line, "--", color=ORANGE, linewidth=2)
    axes.set(title=name, xlabel="z", ylim=(-0.6, 1.5))
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("grey: all that would do")
plt.show()

# %% [markdown]
# **Predict.** $\max(x, 0) - \max(-x, 0)$ is $x$. Its slope at 0, by each of the two conventions? And can differences check one?

# %%
print("np.maximum:", ag.grad(lambda x: np.maximum(x, 0) - np.maximum(-x, 0))(0.0))
print("nn.relu:   ", ag.grad(lambda x: nn.relu(x) - nn.relu(-x))(0.0))
try:
    ag.gradcheck(nn.relu, np.array([0.0, 1.0]))
except ag.errors.GradcheckError as error:
    say(str(error).splitlines()[-1].strip())

# %% [markdown]
# (The slopes in the message are multiplied by the random $g$.) One half is right for this sum, by its symmetry; 0 is what other libraries
# have for the ReLU. Neither follows from the function. And where two corners cancel, as in the rewritten softplus, what the conventions give need not be a
# slope of it at all: a reason to write a rule.
#
# A rule that others are to use goes into `autograd_mini/rules/`; `CONTRIBUTING.md` says what belongs to it. Its tests are then made from the
# table: value, gradient, second and third order, forward mode, dtypes, broadcasting.

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** The rule of the bell, $y = e^{-z^2/2}$.


# %% exercise 1
def bell_rule(g, y, z):
    return ...


# %% check 1
@ag.primitive
def bell(z):
    return np.exp(-z * z / 2)


if bell_rule(1.0, 1.0, 1.0) is ...:
    print("Exercise 1: not filled in yet")
else:
    ag.defvjp(bell, bell_rule)
    try:
        ag.gradcheck(bell, np.array([-1.5, 0.4, 2.0]), order=2)
    except ag.errors.GradcheckError as error:
        raise AssertionError(f"Exercise 1: {error}") from None
    print("Exercise 1: right, also differentiated again")

# %% [markdown]
# **Exercise 2.** The length of each row, $y_s = \sqrt{\sum_i x_{si}^2}$. `x` has shape (n, d), `y` and `g` have (n,). For a row of zeros, a
# corner, let the rule give zeros, and no nan in the next order.


# %% exercise 2
def length_rule(g, y, x):
    # a column of what each row is to be multiplied by: no 0 may stand in a denominator
    return ...


# %% check 2
@ag.primitive
def length(x):
    return np.sqrt(np.sum(x * x, axis=1))


if length_rule(np.ones(1), np.ones(1), np.ones((1, 2))) is ...:
    print("Exercise 2: not filled in yet")
else:
    ag.defvjp(length, length_rule)
    try:
        ag.gradcheck(length, np.array([[3.0, -4.0, 1.0], [0.5, 0.0, 0.1]]), order=2)
    except (ag.errors.GradcheckError, ValueError) as error:
        raise AssertionError(f"Exercise 2: {error}") from None
    with np.errstate(all="ignore"):
        rows = np.array([[0.0, 0.0], [3.0, 4.0]])
        corner = ag.grad(lambda x: np.sum(length(x)))(rows)
        again = ag.hvp(lambda x: np.sum(length(x)), rows, np.ones((2, 2)))
    same = np.allclose(corner, [[0, 0], [0.6, 0.8]], rtol=1e-12, atol=0)
    assert same, f"Exercise 2: at the rows 0 0 and 3 4 it gives {corner.tolist()}."
    assert np.isfinite(again).all(), f"Exercise 2: there the next order is {again.tolist()}."
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** A rule for the sigmoid that is exact on both sides, where $y (1 - y)$ is 0 above $z = 37$. `nn.sigmoid` itself is exact.


# %% exercise 3
def sigmoid_rule(g, y, z):
    return ...


# %% check 3
exact_sigmoid = ag.primitive(lambda z: nn.sigmoid(z))
if sigmoid_rule(1.0, 0.5, np.zeros(1)) is ...:
    print("Exercise 3: not filled in yet")
else:
    ag.defvjp(exact_sigmoid, sigmoid_rule)
    try:
        ag.gradcheck(exact_sigmoid, np.array([-2.0, 0.3, 1.0]), order=2)
    except ag.errors.GradcheckError as error:
        raise AssertionError(f"Exercise 3: {error}") from None
    with np.errstate(all="ignore"):
        for at in (-800.0, -40.0, 5.0, 40.0, 800.0):
            found, right = ag.grad(exact_sigmoid)(at), math.exp(-abs(at)) / (1 + math.exp(-abs(at))) ** 2
            words = f"at z = {at:g} the slope is {right:.6g}, not {found:.6g}."
            assert np.isclose(found, right, rtol=1e-12, atol=0), f"Exercise 3: {words}"
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** Forward mode from a pullback. `pull` sends a $g$ of `n` entries to the array $g J$; return $J v$.


# %% exercise 4
def pushed(pull, v, n):
    return ...


# %% check 4
def turning(x):
    return np.array([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0], [1.0, 1.0, 1.0]]) @ np.sin(x)


cases = [(turning, 3), (lambda x: turning(x)[:2] * x[0], 2)]
for f, n in cases:
    at, v = np.array([0.3, -1.0, 2.0]), np.array([1.0, 10.0, -2.0])
    found = pushed(lambda g, f=f: ag.vjp(f, at)[1](g)[0], v, n)
    if found is ...:
        print("Exercise 4: not filled in yet")
        break
    right = ag.jvp(f, (at,), (v,))[1]
    words = f"the tangent is {right.round(4)}, not {np.round(found, 4)}."
    assert np.shape(found) == (n,) and np.allclose(found, right), f"Exercise 4: {words}"
else:
    print("Exercise 4: right")

# %% [markdown]
# **Exercise 5.** Of the softplus, too, the slope follows from the output alone: $\sigma(z)$ from $a = \log(1 + e^z)$. Find it, and write the
# backward pass of a network of softplus units: one sample, $E = \frac12 \sum_i (o_i - y_i)^2$.


# %% exercise 5
def backward(x, y, weights, biases):
    # forward: a[0] = x, then np.logaddexp(0, W a + b), layer by layer
    # the last delta: (o - y) times the slope; then layer by layer to the first
    return ...  # the gradients of the weights, and those of the biases: two lists, the first layer first


# %% check 5
if backward(np.ones(2), np.ones(1), [np.ones((1, 2))], [np.ones(1)]) is ...:
    print("Exercise 5: not filled in yet")
else:
    verdict = nn.check_delta_rule(backward, notation="Y", factor=0.5, activations="softplus")
    print("Exercise 5:", verdict.headline())
    print(*verdict.hints[:1])  # verdict.hints[1] says more, print(verdict) all

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# def bell_rule(g, y, z):
#     return -g * z * y
# ```
#
# The formula of the derivative holds the output: no exponential is computed again.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def length_rule(g, y, x):
#     return np.expand_dims(g / np.where(y == 0, 1, y), 1) * x
# ```
#
# The 1 is harmless, since the row it divides is 0. A `np.where` around a quotient would come too late: 0/0 warns, and is nan in the next
# order.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def sigmoid_rule(g, y, z):
#     return g * y * nn.sigmoid(-z)
# ```
#
# $1 - \sigma(z) = \sigma(-z)$, without the subtraction.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def pushed(pull, v, n):
#     return ag.grad(lambda g: np.sum(pull(g) * v))(np.zeros(n))
# ```
#
# `np.array([np.sum(pull(e) * v) for e in np.eye(n)])` is right, too: row by row of $J$, in $n$ sweeps. This takes two.
#
# </details>
#
# <details><summary>Exercise 5</summary>
#
# ```python
# def backward(x, y, weights, biases):
#     a = [x]
#     for W, b in zip(weights, biases):
#         a.append(np.logaddexp(0, W @ a[-1] + b))
#     delta = (a[-1] - y) * -np.expm1(-a[-1])
#     deltas = [delta]
#     for l in reversed(range(1, len(weights))):
#         deltas.insert(0, weights[l].T @ deltas[0] * -np.expm1(-a[l]))
#     return [np.outer(delta, below) for delta, below in zip(deltas, a)], deltas
# ```
#
# $e^a = 1 + e^z$, so $\sigma(z) = e^z / (1 + e^z) = 1 - e^{-a}$; `np.expm1` keeps its digits where $a$ is small.
#
# </details>
