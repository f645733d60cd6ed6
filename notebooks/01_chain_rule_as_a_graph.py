# %% [markdown]
# # 1. The chain rule as a graph
#
# A computation is a graph: each value knows what it was computed from. The chain rule walks that graph backward. Here we watch it do
# so, check it by hand, and meet a neuron on the way.

# %%
import numpy as np

import autograd_mini as ag

# %% [markdown]
# ## One value, used twice
#
# $y = x \cdot x + x$ at $x = 3$. The Tensor `x` asks to be differentiated by; everything computed from it is recorded.

# %%
x = ag.Tensor(3.0, requires_grad=True, name="x")
s = x * x
s.name = "s"
y = s + x
y.name = "y"
ag.draw(y)

# %% [markdown]
# Three arrows leave `x`: it is used three times, twice by the product and once by the sum. Each use sends something back, and what
# comes back **adds up**:
#
# $$\frac{dy}{dx} = \underbrace{x}_{\text{left factor}} + \underbrace{x}_{\text{right factor}} + \underbrace{1}_{\text{sum}} = 3 + 3 + 1 = 7$$

# %%
y.backward()
print("the engine:", x.grad, "  by hand:", 3 + 3 + 1)

# %% [markdown]
# ## Along a path multiply, over the paths add
#
# Take a value that reaches the result on two different ways, $y = \sin(x)\cdot e^{x}$. Every arrow has a local derivative. The derivative
# along a path is the product of its arrows; $dy/dx$ is the sum over all paths.

# %%
x = ag.Tensor(0.5, requires_grad=True, name="x")
u = np.sin(x)
v = np.exp(x)
u.name, v.name = "u", "v"
y = u * v
y.name = "y"
ag.draw(y)

# %%
through_u = v.item() * np.cos(0.5)  # dy/du * du/dx
through_v = u.item() * np.exp(0.5)  # dy/dv * dv/dx
y.backward()
print(f"path through u {through_u:.6f} + path through v {through_v:.6f} = {through_u + through_v:.6f}")
print(f"the engine                                        {x.grad:.6f}")

# %% [markdown]
# The engine does not list paths: their number can grow exponentially. It visits each node once, when all that flows back into it has
# arrived, and passes the sum on. In a chain of 40 doublings $x \to x + x$ there are $2^{40}$ paths and 40 visits. *(claim M7)*

# %%
x = ag.Tensor(1.0, requires_grad=True, name="x")
y = x
for _ in range(40):
    y = y + y
y.backward()
print(f"{x.grad:.0f} = 2^40 = {2**40}")

# %% [markdown]
# ## A neuron
#
# $z = w_1 x_1 + w_2 x_2 + b$, $a = \sigma(z)$, and the error $E = \frac12 (a - t)^2$. The textbook's names: $\delta = dE/dz$.

# %%
import nn

inputs = ag.Tensor([1.0, -2.0], name="x")
w = ag.Tensor([0.5, 0.25], requires_grad=True, name="w")
b = ag.Tensor(0.1, requires_grad=True, name="b")
target = 1.0

z = w @ inputs + b
a = nn.sigmoid(z)
z.name, a.name = "z", "a"
E = 0.5 * (a - target) ** 2
E.name = "E"
ag.draw(E)

# %% [markdown]
# By hand, from the error back to the weights *(claims Y7, Y9, M3, M5, M6)*:
#
# $$\delta = (a - t)\,\underbrace{a (1 - a)}_{\sigma'(z)}, \qquad \frac{\partial E}{\partial w_j} = \delta\,x_j, \qquad \frac{\partial E}{\partial b} = \delta$$
#
# Nobody told the engine about $\delta$. It is the cotangent that arrives at `z`:

# %%
delta = (a.item() - target) * a.item() * (1 - a.item())
E.backward()
print(f"delta     by hand {delta:.10f}   engine {ag.gradients(E, z):.10f}")
print(f"dE/dw     by hand {delta * inputs.numpy()}   engine {w.grad}")
print(f"dE/db     by hand {delta:.10f}   engine {b.grad:.10f}")

# %% [markdown]
# ## Check it without trusting anybody
#
# A derivative is a limit, so a difference quotient must come close. `gradcheck` compares every entry and says what is wrong where.


# %%
def error(w, b):
    return 0.5 * (nn.sigmoid(w @ inputs.numpy() + b) - target) ** 2


h = 1e-6
quotient = (error(np.array([0.5 + h, 0.25]), 0.1) - error(np.array([0.5 - h, 0.25]), 0.1)) / (2 * h)
print(f"difference quotient {quotient:.10f}   engine {w.grad[0]:.10f}")
print("gradcheck:", ag.gradcheck(error, np.array([0.5, 0.25]), np.array(0.1)))

# %% [markdown]
# ## Where the derivatives come from
#
# One table, one line per operand, in NumPy: `np.sin` has `g * np.cos(x)`. Fed arrays, the line computes. Fed Tensors, it records itself, so
# the derivative of the derivative needs nothing new.

# %%
first = ag.grad(np.sin)
second = ag.grad(first)
third = ag.grad(second)
print(f"sin {np.sin(0.5):+.4f}   1st {first(0.5):+.4f}   2nd {second(0.5):+.4f}   3rd {third(0.5):+.4f}")

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** $y = x \cdot x \cdot x + 2x$ at $x = 2$. Draw the graph on paper, count the arrows that leave $x$, and add up what each
# sends back.

# %% exercise 1
arrows = ...
derivative = ...

# %% check 1
if arrows is ... or derivative is ...:
    print("Exercise 1: not filled in yet")
else:
    x = ag.Tensor(2.0, requires_grad=True, name="x")
    (x * x * x + 2 * x).backward()
    assert arrows == 4, f"Exercise 1: not {arrows} arrows. Each time that x is written, it is used once."
    assert np.isclose(derivative, x.grad), f"Exercise 1: the arrows add up to {x.grad:g}, not {derivative:g}."
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** The derivative of $f(x) = \tanh(x)^2 \cdot x$, by hand; $\tanh' = 1 - \tanh^2$.


# %% exercise 2
def slope(x):
    return ...


# %% check 2
points = np.linspace(-2, 2, 9)
if slope(points) is ...:
    print("Exercise 2: not filled in yet")
else:
    engine = ag.elementwise_grad(lambda x: np.tanh(x) ** 2 * x)(points)
    worst = np.argmax(np.abs(slope(points) - engine))
    words = f"at x = {points[worst]} the engine has {engine[worst]:.4f}, you have {slope(points)[worst]:.4f}."
    assert np.allclose(slope(points), engine), f"Exercise 2: {words} The product has two factors, and x stands in both."
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** A neuron whose activation is $\tanh$ in place of the sigmoid: $z = w \cdot x + b$, $a = \tanh(z)$,
# $E = \frac12 (a - t)^2$. Its $\delta$, and the gradients.


# %% exercise 3
def neuron(w, b, x, t):
    # delta: the slope of E at a, times the slope of tanh at z
    return ...  # delta, dE/dw, dE/db


# %% check 3
w, b, x, t = np.array([0.5, -0.3]), 0.2, np.array([1.5, 2.0]), 1.0
if neuron(w, b, x, t) is ...:
    print("Exercise 3: not filled in yet")
else:
    delta, dw, db = neuron(w, b, x, t)
    engine_dw, engine_db = ag.grad(lambda w, b: 0.5 * (np.tanh(w @ x + b) - t) ** 2, argnums=(0, 1))(w, b)
    assert np.isclose(delta, engine_db), f"Exercise 3: delta is {engine_db:.4f}, not {delta:.4f}."
    assert np.allclose(dw, engine_dw), f"Exercise 3: delta is right, but dE/dw is {engine_dw}, not {dw}."
    assert np.isclose(db, engine_db), f"Exercise 3: delta is right, but dE/db is {engine_db:.4f}, not {db:.4f}."
    print("Exercise 3: right")

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# arrows = 4
# derivative = 4 + 4 + 4 + 2
# ```
#
# Three factors of 2: each sends back the product of the other two. The fourth arrow sends back 2.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def slope(x):
#     t = np.tanh(x)
#     return t**2 + x * 2 * t * (1 - t**2)
# ```
#
# Two paths lead from $x$ to the product: straight to it, and through the tanh and the square.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def neuron(w, b, x, t):
#     a = np.tanh(w @ x + b)
#     delta = (a - t) * (1 - a**2)
#     return delta, delta * x, delta
# ```
#
# Only the slope is another one.
#
# </details>
