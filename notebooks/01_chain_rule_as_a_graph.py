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
# ## Your turn
#
# $f(x) = \tanh(x)^2 \cdot x$. Fill in the derivative by hand; the cell says whether it is right.


# %%
def by_hand(x):
    t = np.tanh(x)
    return t**2 + x * 2 * t * (1 - t**2)  # replace this line by your own


points = np.linspace(-2, 2, 9)
engine = np.array([ag.grad(lambda x: np.tanh(x) ** 2 * x)(p) for p in points])
print("right" if np.allclose(by_hand(points), engine) else f"off by {np.max(np.abs(by_hand(points) - engine)):.3g}")
