# %% [markdown]
# # 7. First weights and vanishing gradients
#
# Descent needs a place to start and a slope to follow. Both are lost easily. Afterwards you can say which starts keep units equal for
# ever, by which factor a layer multiplies the deltas that come back through it, how large first weights have to be and why, which factor
# each of the known remedies mends, and find a unit that has died.

# %%
import functools
import textwrap

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import autograd_mini as ag
import nn

BLUE, ORANGE, GREEN, GREY, PAPER = "#0b57a4", "#c4500b", "#1d7a5f", "#9aa3ad", "#fcfcfb"
COLOURS = LinearSegmentedColormap.from_list("signs", [BLUE, PAPER, ORANGE])  # below 0, 0, above 0
plt.rcParams.update({"figure.facecolor": PAPER, "axes.facecolor": PAPER, "font.size": 11})


def say(finding):
    print(textwrap.fill(finding, 100))


# %% [markdown]
# ## Equal stays equal
#
# Three hidden units, all weights 0.5. By the delta rule and the gradient of a weight:
#
# $$\delta_i = f'(z_i) \sum_k w_{ki}\, \delta_k, \qquad \frac{\partial E}{\partial w_{ij}} = \delta_i\, a_j$$
#
# **Predict.** After a thousand steps of descent, how many different units are there?

# %%
x, y = np.array([[1.0, -2.0], [0.5, 1.5]]), np.array([[1.0], [0.0]])  # two samples, in rows
W1, b1, W2, b2 = np.full((3, 2), 0.5), np.zeros(3), np.full((1, 3), 0.5), np.zeros(1)


def gradients(W1, b1, W2, b2):
    a1 = np.tanh(x @ W1.T + b1)
    delta2 = (a1 @ W2.T + b2 - y) / len(x)
    delta1 = delta2 @ W2 * (1 - a1**2)
    return delta1.T @ x, delta1.sum(axis=0), delta2.T @ a1, delta2.sum(axis=0)


def error(W1, b1, W2, b2):
    return nn.squared_error(np.tanh(x @ W1.T + b1) @ W2.T + b2, y)


by_hand, engine = gradients(W1, b1, W2, b2), ag.grad(error, argnums=(0, 1, 2, 3))(W1, b1, W2, b2)
print("gradient of the first weights, a row for each unit\n", by_hand[0])
print("the engine agrees:", all(np.allclose(g, e) for g, e in zip(by_hand, engine)))

for _ in range(1000):
    W1, b1, W2, b2 = (w - 0.1 * g for w, g in zip((W1, b1, W2, b2), gradients(W1, b1, W2, b2)))
print("after 1000 steps\n", W1)

# %% [markdown]
# One, three times. Units with the same weights in and the same weights out have the same $z$, so the same $\delta$, so the same gradient,
# and after the step they are as equal as before. Descent cannot part them *(claim R9)*.
#
# It is mostly said of zeros. What matters is that they are *equal*. Odd or even? Six units learn it from digits in 30 **epochs** (passes
# through all training rows), started at 0.01, all of them, and at random in $\pm 0.01$. Below, what each unit looks for: its 64 first
# weights, as a picture.

# %%
digits, labels = nn.load_digits()
images, odd = digits[:500], (labels[:500, None] % 2).astype(float)
learned = {}
for name, start, units in [
    ("all 0.01", nn.init.constant(0.01), 6),
    ("all 0.01, one unit", nn.init.constant(0.01), 1),
    ("random, ±0.01", nn.init.uniform(-0.01, 0.01), 6),
]:
    model = nn.MLP([64, units, 1], "tanh", initializer=start, rng=0)
    descent = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    log_loss = nn.binary_cross_entropy_with_logits
    nn.fit(model, (images, odd), loss=log_loss, optimizer=descent, epochs=30, progress=False)
    right = np.mean((model(images).numpy() > 0) == odd)
    learned[name] = model.parameters()[0].data
    print(f"{name:19} units: {units}   {100 * right:.0f} % of these digits are right")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, panels = plt.subplots(2, 6, figsize=(9.5, 3.5), layout="constrained")
for row, name in zip(panels, ("all 0.01", "random, ±0.01")):
    largest = np.abs(learned[name]).max()
    for axes, weights in zip(row, learned[name]):
        axes.imshow(weights.reshape(8, 8), cmap=COLOURS, vmin=-largest, vmax=largest)
        axes.set(xticks=[], yticks=[])
    row[0].set_ylabel(name)
figure.suptitle("the weights of six units after training: blue below 0, orange above", fontsize=11)
plt.show()

# %% [markdown]
# Six equal units are one unit. Random weights part them, however small: the least difference is enough. (Two of the six have stayed small.)
#
# From zeros it is worse still. **Predict.** All weights and biases are 0. Which of them have a gradient, and does the activation matter?

# %%
for activation in ("tanh", "relu", "sigmoid"):
    model = nn.MLP([64, 6, 6, 1], activation, initializer=nn.init.zeros)
    E = nn.squared_error(model(images), odd)
    E.backward()
    moving = [p.name for p in model.parameters() if np.any(p.grad)]
    print(f"{activation:8} of {len(model.parameters())} arrays a gradient have: {', '.join(moving)}")

# %% [markdown]
# A delta comes down through weights, and they are 0. A weight's gradient is $\delta$ times what it multiplies, and
# $\tanh(0) = \mathrm{relu}(0) = 0$; $\sigma(0) = \frac12$, so that sigmoids start to move, all alike. The engine, asked for the reason:

# %%
model = nn.MLP([64, 6, 6, 1], "tanh", initializer=nn.init.zeros)
E = nn.squared_error(model(images), odd)
print(ag.why(E, model.parameters()[4]))

# %% [markdown]
# So: random. How large?
#
# ## Large weights, flat slopes
#
# The slope of a sigmoid is told by its output, $a (1 - a)$; that of a ReLU is 1 or 0 *(claim R10)*. An output near 0 or 1 has nearly no
# slope: the unit is **saturated**, and what comes back through it is multiplied by nearly nothing.
#
# **Predict.** 30 sigmoid units read digits, with weights in $\pm 0.01$, and in $\pm 5$. What do their outputs look like?

# %%
rng = np.random.default_rng(0)
outputs = {}
for size in (0.01, 0.3, 5.0):
    W = rng.uniform(-size, size, (30, 64))
    a = nn.sigmoid(images @ W.T)
    slope = a * (1 - a)
    assert np.allclose(slope, ag.elementwise_grad(nn.sigmoid)(images @ W.T))  # the engine's slope
    outputs[size] = a
    flat = 100 * np.mean(slope < 0.01)
    print(f"weights in ±{size:<4}  mean slope {slope.mean():.3f}   slopes below 0.01: {flat:2.0f} %")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.6), layout="constrained")
for axes, (size, a) in zip(panels, outputs.items()):
    axes.hist(a.ravel(), bins=np.linspace(0, 1, 41), color=BLUE, weights=np.full(a.size, 100 / a.size))
    axes.set(title=f"weights in ±{size:g}", xlabel="output a", xlim=(0, 1), ylim=(0, 60))
    axes.plot(np.linspace(0, 1), 200 * np.linspace(0, 1) * (1 - np.linspace(0, 1)), color=ORANGE, linewidth=2)
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("% of units and digits")
panels[1].annotate("its slope,\n0 to ¼", (0.87, 24), (0.78, 36), color=ORANGE)
plt.show()

# %% [markdown]
# Far enough above 0 (from about 37 on) the slope is not small but 0, for $\sigma(z)$ is rounded to 1:

# %%
w = ag.Tensor(np.array([40.0, 2.0]), requires_grad=True, name="w")
print(ag.why((nn.sigmoid(w @ np.array([1.0, 0.5])) - 0.0) ** 2, w))

# %% [markdown]
# Completely wrong, and no gradient says so. (Log loss on the sigmoid's $z$ would: chapter 5.)
#
# The usual advice is therefore: uniform in $[-0.01, 0.01]$. Measured on digits, with one hidden layer and with three:

# %%
starts = nn.experiments.initializations(seeds=2)
say(starts.finding)
starts.plot()

# %% [markdown]
# Zeros and constants are worst, and saturated starts poor, as the advice has it: with one hidden layer. With three, neither $\pm 0.01$ nor
# Xavier's weights (explained below) have learned anything yet, and the saturated start has learned most, on average of two seeds. Look at
# the third panel: of the small start's gradient, next to nothing has arrived. Depth changes the question.
#
# ## Each layer is a factor
#
# Ten layers of one sigmoid unit each. The delta rule has one term then, and the whole way back is a product *(claim Y15)*:
#
# $$\delta^l = f'(z^l)\, w^{l+1}\, \delta^{l+1} \qquad\Rightarrow\qquad
# \delta^1 = \delta^L \prod_{l=2}^{L} w^l f'(z^{l-1})$$
#
# **Predict.** All weights are 1. With how many zeros after the point does $\delta^1 / \delta^{10}$ begin?

# %%
L, w = 10, 1.0
a = [0.5]
for _ in range(L):
    a.append(1 / (1 + np.exp(-w * a[-1])))
delta = [(a[L] - 1.0) * a[L] * (1 - a[L])]
for l in range(L - 1, 0, -1):
    delta.insert(0, a[l] * (1 - a[l]) * w * delta[0])

zs, value = [], ag.Tensor(0.5, requires_grad=True)
for _ in range(L):
    zs.append(w * value)
    value = nn.sigmoid(zs[-1])
engine = ag.gradients((value - 1.0) ** 2 / 2, zs)
print("delta by hand:", " ".join(f"{d:.0e}" for d in delta))
print("the engine agrees:", np.allclose(delta, engine, rtol=1e-12))
print(f"first over last: {delta[0] / delta[-1]:.2g}")

# %% [markdown]
# The sigmoid's slope is at most a quarter. From the last delta to the first there are $L - 1$ slopes, so $0.25^{L-1}$, here
# $3.8 \cdot 10^{-6}$, is the usual estimate *(claim R13)*. It leaves out the weights. Put every $z$ at 0, where the slope is exactly
# $\frac14$, and look at them alone.
#
# **Predict.** With $w = 1$, 4 and 8: do the deltas vanish?

# %%
for w in (1.0, 4.0, 8.0):
    value, zs = ag.Tensor(0.5, requires_grad=True), []
    for _ in range(L):
        zs.append(w * value - w / 2)  # the bias that puts z at 0
        value = nn.sigmoid(zs[-1])
    engine = ag.gradients((value - 1.0) ** 2 / 2, zs)
    ratio = engine[0] / engine[-1]
    print(f"w = {w:g}: each layer multiplies by {w / 4:<4g}  the first delta is {ratio:.2g} of the last")

# %% [markdown]
# They vanish, stay, **explode**. What counts is slope times weight, as with the learning rate it was rate times curvature.
#
# With many units $w$ is a matrix, and the most by which it can stretch the length $\lVert v \rVert$ of a vector is called its largest
# singular value, $\lVert W \rVert_2$, the same for $W^{\mathsf T}$. That gives a bound which always holds:
#
# $$\lVert \delta^1 \rVert \;\le\; 0.25^{L-1}\, \prod_{l=2}^{L} \lVert W^l \rVert_2 \cdot \lVert \delta^L \rVert$$
#
# So $0.25^{L-1}$ alone is a bound if no $\lVert W^l \rVert_2$ is above 1. We need the deltas of many networks: `layer` says what is done
# with a layer's weighted sums, and the engine does the rest.


# %%
def deltas(layer, weights, x, y):
    """The deltas of each layer, a row for each sample, and the outputs a."""
    a, zs, outputs = ag.Tensor(x, requires_grad=True), [], []
    for W in weights:
        zs.append(a @ W.T)
        a = layer(zs[-1], a)
        outputs.append(a.numpy())
    return ag.gradients(nn.squared_error(a, y), zs), outputs


def sigmoid_layer(z, a):
    return nn.sigmoid(z)


rng = np.random.default_rng(1)
x, y = rng.normal(size=(64, 32)), rng.normal(size=(64, 32))
matrices = [rng.normal(size=(32, 32)) / np.sqrt(32) for _ in range(L)]
print("weights times   first over last    bound         0.25^9")
for size in (0.1, 1.0, 4.0, 16.0):
    weights = [size * W for W in matrices]
    norms = [np.linalg.norm(d) for d in deltas(sigmoid_layer, weights, x, y)[0]]
    bound = np.prod([0.25 * np.linalg.norm(W, 2) for W in weights[1:]])
    print(f"{size:13}   {norms[0] / norms[-1]:15.1e}   {bound:6.1e}   {0.25 ** (L - 1):12.1e}")

# %% [markdown]
# Below its bound each time, and at 4 and 16 far above $0.25^9$. The bound is generous: few deltas point where a matrix stretches most, and
# under large weights few slopes are a quarter.
#
# Over several networks, layer by layer; bars at the right are the bounds:

# %%
depth = nn.experiments.vanishing(seeds=3)
say(depth.finding)
depth.plot()

# %% [markdown]
# Weights in $\pm 0.01$, the safe advice, lose the most. The dotted line of a quarter fits sigmoids with Xavier's weights, which we shall
# come to, and none of the other three. In the engine's picture of a small network, one sample, the frames and arrows fade as the gradients
# get smaller, from the output at the bottom to the input at the top:

# %%
model = nn.MLP([4, 4, 4, 4, 4, 4, 1], "sigmoid", rng=0)
ag.draw(model(ag.Tensor(x[:1, :4], name="x")), collapse=True, rankdir="TB", title="six layers of sigmoids")

# %% [markdown]
# ## What it does to learning
#
# The first layers' gradients are their deltas times the input. If these are a millionth of the last layer's, no one rate suits both. Two
# rings in the plane, the same steps of descent with momentum 0.9 for four networks with six hidden layers of eight units:

# %%
films = nn.flows(presets=["poor initialization", "sigmoid", "tanh", "relu"], steps=200, snapshots=2)
for film in films.values():
    losses, sizes = film.data["losses"], film.data["deltas"][0]
    print(f"{film.title:26}  delta, first over last {sizes[0] / sizes[-1]:7.1e}", end="   ")
    print(f"loss {losses[0]:.3f} to {losses[-1]:.3f}")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, panels = plt.subplots(1, 5, figsize=(10.5, 2.7), layout="constrained", width_ratios=(1, 1, 1, 1, 1.6))
for axes, film, mark in zip(panels, films.values(), "sovd"):
    side, points = film.snapshots[-1].picture, film.points
    axes.imshow(side, cmap=COLOURS, vmin=-1, vmax=1, extent=points.extent, alpha=0.55)
    for sign, color in ((1, ORANGE), (-1, BLUE)):
        axes.plot(*points.places[points.signs == sign].T, "o", color=color, markersize=2)
    activation, _, weights = film.title.partition(", ")
    axes.set(title=f"{activation}\n{weights}", xticks=[], yticks=[])
    axes.title.set_fontsize(9)
    sizes = film.data["deltas"][0]
    panels[-1].semilogy(np.arange(1, 8), sizes / sizes[-1], mark + "-", label=activation, markersize=4)
for line, color, style in zip(panels[-1].lines, (GREY, BLUE, ORANGE, GREEN), (":", "-", "-", "--")):
    line.set(color=color, linestyle=style)
for line, name in zip(panels[-1].lines, ("tanh, ±0.01", "sigmoid", "tanh", "ReLU")):
    line.set_label(name)
panels[-1].legend(frameon=False, fontsize=8)
panels[-1].set(xlabel="layer", title="|δ| at the start,\nthe last one's = 1")
panels[-1].title.set_fontsize(9)
panels[-1].spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The two on the left say the same of the whole plane, and their loss is that of a coin, $\log 2$. `nn.flows("flow.html")` writes a page on
# which you can follow the gradients step by step.
#
# The other end: deltas that grow. A ReLU network with 20 layers, started at He's weights times a factor, one step of descent:

# %%
for factor in (1.0, 2.0):
    for clipped in (False, True):
        model = nn.MLP([8] * 21 + [1], "relu", initializer=nn.init.he_normal, rng=0)
        for p in model.parameters():
            p.data *= factor
        before = nn.squared_error(model(x[:, :8]), y[:, :1])
        before.backward()
        length = nn.clip_grad_norm_(model.parameters(), 1.0 if clipped else np.inf)
        nn.SGD(model.parameters(), lr=0.01).step()
        after = nn.squared_error(model(x[:, :8]), y[:, :1]).item()
        name = "clipped to 1" if clipped else "as it is"
        print(f"factor {factor:g}, gradient {length:.1e} long, {name:12}", end="  ")
        print(f"E from {before.item():.3g} to {after:.3g}")

# %% [markdown]
# Clipping shortens the gradient and keeps its direction. It stops the explosion; a better start would not have needed it.
#
# ## How large, then?
#
# A bar is a mean, $\sigma_w$ the weights' standard deviation. Weights with mean 0, independent of what they multiply, have the variance
# $\sigma_w^2 = \overline{w^2}$; variances of independent terms add up:
#
# $$\overline{z_i^2} = \sum_{j=1}^{n_{in}} \overline{w_{ij}^2}\; \overline{a_j^2} = n_{in}\, \sigma_w^2\; \overline{a^2}$$
#
# To keep $z$ as large as it was, $\sigma_w^2 = 1 / n_{in}$. Backward the same sum runs over the units *above*, and wants
# $\sigma_w^2 = 1 / n_{out}$. Xavier takes the middle, $\sigma_w^2 = 2 / (n_{in} + n_{out})$. A ReLU throws half of $z^2$ away, on
# average, and He's $\sigma_w^2 = 2 / n_{in}$ makes up for it *(claim R14)*.

# %%
rng = np.random.default_rng(0)
a = rng.normal(size=(2000, 100))
W = rng.normal(size=(50, 100)) / np.sqrt(100)
z = a @ W.T
for name, values in (("a", a), ("z", z), ("relu(z)", nn.relu(z))):
    print(f"mean square of {name:7} {np.mean(values**2):.2f}")
W = nn.init.xavier_normal(rng, (50, 100))
print(f"Xavier: deviation {W.std():.3f}, by the formula {np.sqrt(2 / 150):.3f}")
W = nn.init.he_normal(rng, (50, 100))
print(f"He:     deviation {W.std():.3f}, by the formula {np.sqrt(2 / 100):.3f}")

# %% [markdown]
# **Predict.** Let $\sigma_w = g / \sqrt n$. At which $g$ does a layer neither shrink nor stretch the deltas: for a ReLU, for a tanh, for a
# sigmoid?

# %%
ACTIVATIONS = {"ReLU": nn.relu, "tanh": np.tanh, "sigmoid": nn.sigmoid}
gains = np.geomspace(0.1, 30, 16)
factors = {name: [] for name in ACTIVATIONS}
for name, f in ACTIVATIONS.items():
    for g in gains:
        first, *_, last = deltas(lambda z, a, f=f: f(z), [g * W for W in matrices], x, y)[0]
        factors[name].append((np.linalg.norm(first) / np.linalg.norm(last)) ** (1 / (L - 1)))
    crossing = np.exp(np.interp(0.0, np.log(factors[name]), np.log(gains)))
    print(f"{name:8} a factor of 1 per layer at about g = {crossing:.2g}")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, axes = plt.subplots(figsize=(7.5, 3.5), layout="constrained")
for (name, values), color, mark in zip(factors.items(), (GREEN, ORANGE, BLUE), "vos"):
    axes.loglog(gains, values, mark + "-", color=color, markersize=5, label=name)
axes.axhline(1, color=GREY, linewidth=1)
axes.text(0.1, 1.3, "above: deltas explode", color="#59626c", fontsize=9)
axes.text(33, 0.55, "below: they vanish", color="#59626c", fontsize=9, ha="right")
axes.set(xlabel="g: the weights' deviation times √n", ylabel="factor per layer")
for g, name, color in ((1, "Xavier", ORANGE), (np.sqrt(2), "He", GREEN)):
    axes.axvline(g, color=color, linestyle=":", linewidth=1.5)
    axes.text(g, 12, f" {name}" if g > 1 else f"{name} ", color=color, ha="left" if g > 1 else "right", fontsize=9)
axes.legend(frameon=False, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The ReLU's line is straight, for its slopes do not depend on the size of $z$; it crosses 1 near He's $\sqrt 2$. For tanh, Xavier's 1 is a
# little small. For a sigmoid it is far too small: the quarter alone asks for 4, and the flat slopes that such weights make, for more than
# twice that.
#
# **Predict.** Then why not take $g = 9$ with sigmoids? Ten hidden layers on digits, 60 steps; by chance 10 % are right.

# %%
train, test = (digits[:400], labels[:400]), (digits[400:900], labels[400:900])
for name, g in [("tanh", 1), ("sigmoid", 1), ("sigmoid", 9)]:
    right, flat = [], []
    for seed in range(2):
        start = functools.partial(nn.init.xavier_normal, gain=g)
        model = nn.MLP([64, *[16] * 10, 10], name, initializer=start, rng=seed)
        a = model.layers[1](model.layers[0](test[0])).numpy()
        flat.append(np.mean((a * (1 - a) if name == "sigmoid" else 1 - a**2) < 0.01))
        descent = nn.SGD(model.parameters(), lr=0.03, momentum=0.9)
        nn.fit(model, train, loss=nn.cross_entropy, optimizer=descent, epochs=15, batch_size=100, progress=False)
        right.append(100 * nn.accuracy(model(test[0]), test[1]))
    print(f"{name:8} g = {g}   right: {right[0]:.0f} and {right[1]:.0f} %", end="   ")
    print(f"slopes below 0.01 in the first layer, before: {100 * np.mean(flat):.0f} %")

# %% [markdown]
# With $g = 9$ the deltas arrive, and little is learned. In the first layer 40 % of the slopes are next to 0; a mean factor of 1 is what the
# others let pass, enlarged by the weights. That deltas have the right size is not yet enough.
#
# ## Four remedies, four factors
#
# $$\delta^l = f'(z^l) \odot \left(W^{l+1}\right)^{\mathsf T} \delta^{l+1}$$
#
# | remedy | what it does to the rule |
# |---|---|
# | ReLU | makes $f'$ 1, where a unit is on |
# | Xavier, He | make $W$ such that it keeps lengths |
# | batch normalisation | divides $W$ by the spread of its own $z$, and puts $z$ near 0 |
# | shortcut, $a + f(z)$ | adds $\partial E / \partial a$ of the layer above as it came, past that layer's $W$ and $f'$ |
#
# The first two are above. **Batch normalisation** subtracts the batch's mean from each unit's $z$ and divides by its deviation:

# %%


def batch_norm(z):
    return (z - np.mean(z, axis=0)) / np.sqrt(np.var(z, axis=0) + 1e-5)


z = rng.normal(size=(6, 3))
print("as nn.BatchNorm1d:", np.allclose(batch_norm(z), nn.BatchNorm1d(3)(z).numpy()))
print("of 10 z the same:  ", np.allclose(batch_norm(10 * z), batch_norm(z), rtol=1e-3))

for size in (0.1, 1.0, 16.0):
    weights = [size * W for W in matrices]
    plain, normed = (
        deltas(layer, weights, x, y)[0] for layer in (sigmoid_layer, lambda z, a: nn.sigmoid(batch_norm(z)))
    )
    ratios = [np.linalg.norm(d[0]) / np.linalg.norm(d[-1]) for d in (plain, normed)]
    print(f"weights times {size:<4}  first over last: plain {ratios[0]:.1e}, normalised {ratios[1]:.2f}")

# %% [markdown]
# Whatever the size of the weights, the division takes it out again.
#
# A **shortcut** adds a path for each layer, along which the slope is 1. Three layers, two ways through each, eight paths:

# %%
value = ag.Tensor(0.5, requires_grad=True, name="x")
x0 = value
for l in range(1, 4):
    s = nn.sigmoid(value)
    value = value + s
    s.name, value.name = f"s{l}", f"a{l}"
print(str(ag.paths(value, x0)).partition("\n\n")[0])

# %% [markdown]
# The last path passes by all sigmoids, and brings 1. Each layer's factor is $1 + w f'$ in place of $w f'$: small weights make it 1, not 0.
#
# **Predict.** Ten hidden layers on digits, 60 steps each, at the better of two rates. (In the picture shortcuts are called skips.) Which
# will learn: sigmoid with Xavier's weights? ReLU with $\pm 0.01$? Sigmoid with $\pm 0.01$ and shortcuts, where all deltas arrive?

# %%
networks = [
    "sigmoid, ±0.01",
    "sigmoid, Xavier",
    "sigmoid, He",
    "ReLU, ±0.01",
    "ReLU, He",
    "sigmoid, Xavier, batch norm",
    "sigmoid, Xavier, skips",
    "sigmoid, ±0.01, batch norm",
    "sigmoid, ±0.01, skips",
]
remedies = nn.experiments.remedies(seeds=2, networks=networks)
say(remedies.finding)
remedies.plot()

# %% [markdown]
# So each is a remedy under a condition *(claim R14)*:
#
# - Xavier's and He's weights lift a sigmoid's deltas by many powers of ten, and it learns nothing all the same: the quarter is still there.
# - A ReLU with weights in $\pm 0.01$ is no better than a sigmoid. It needs He's weights, and they need it.
# - Batch normalisation and shortcuts mend sigmoids; batch normalisation even mends $\pm 0.01$.
# - Shortcuts on $\pm 0.01$: the deltas all arrive, and nothing is learned. The first layer, which has no shortcut, makes nearly the same of
#   every digit: the first histogram of this chapter. Deltas have to arrive, *and* say something.
#
# Do two remedies help more than one? ReLU with He's weights, then shortcuts, then batch normalisation in them:

# %%
he = [np.sqrt(2) * W for W in matrices]
for name, layer in {
    "ReLU, He": lambda z, a: nn.relu(z),
    "ReLU, He, shortcuts": lambda z, a: a + nn.relu(z),
    "ReLU, He, shortcuts, batch norm": lambda z, a: a + nn.relu(batch_norm(z)),
}.items():
    d, a = deltas(layer, he, x, y)
    sizes = [np.sqrt(np.mean(a[l] ** 2)) for l in (0, -1)]
    ratio = np.linalg.norm(d[0]) / np.linalg.norm(d[-1])
    print(f"{name:32} delta, first over last {ratio:6.2g}", end="   ")
    print(f"outputs, first {sizes[0]:.1f}, last {sizes[1]:.1f}")

# %% [markdown]
# He's weights keep lengths already. A shortcut adds another length to each, forward and backward, and ten layers explode. With batch
# normalisation each layer adds about the same, and the sum grows slowly. Remedies combine where each mends another factor.
#
# ## Units that die
#
# The ReLU has a weakness of its own. Where $z \le 0$, its slope is 0 *(claim R10)*: no gradient, no change. If that is so on *all* samples,
# plain descent never moves the unit's own weights again; only a change below it can wake it. One large step is enough. One unit, by hand:

# %%
samples, targets = np.array([0.5, 1.0, 1.5]), np.array([0.2, 0.4, 0.6])
for alpha in (0.1, 2.0):
    w, b = 2.0, 0.0
    for step in range(4):
        z = w * samples + b
        delta = (np.maximum(z, 0) - targets) * (z > 0) / 3
        print(f"alpha {alpha}, step {step}: z", z.round(2), "  delta", delta.round(2) + 0.0)
        w, b = w - alpha * delta @ samples, b - alpha * delta.sum()

# %% [markdown]
# With the large rate the first step goes past 0, and all three deltas are 0 ever after. The engine knows the case:

# %%
W = ag.Tensor([[w]], requires_grad=True, name="w")
E = nn.squared_error(nn.relu(samples[:, None] @ W + b), targets[:, None])
print(ag.why(E, W))

# %% [markdown]
# In a network the others go on, and nobody notices. Two units, unit 1 off: a dotted arrow, and zeros at all of its weights.

# %%
W1 = ag.Tensor([[0.8, -0.5], [-0.6, -0.9]], requires_grad=True, name="W1")
w2 = ag.Tensor([1.0, -2.0], requires_grad=True, name="w2")
inputs = ag.Tensor([1.0, 0.5], name="x")
z = W1 @ inputs
a = nn.relu(z)
o = w2 @ a
z.name, a.name, o.name = "z", "a", "o"
ag.draw(o, scalars=True)

# %% [markdown]
# Here it is one sample; another may wake it. **Predict.** The rings again, six layers of eight ReLUs, with momentum 0.9, at the rate 0.1
# and at 0.5. How many of the 48 have no delta on any of the 120 samples?

# %%
films = nn.flows(presets=["relu", "dying relu"], steps=60, snapshots=9)
for film in films.values():
    data = film.data
    print(film.title)
    print("    without a delta: at the start", data["dead"][0].sum(), " in the end", data["dead"][-1].sum())
    print(f"    by layer, in the end: {data['dead'][-1, :6]}   loss {data['losses'][-1]:.2g}")

# %% jupyter={"source_hidden": true}
# This cell only draws.
figure, axes = plt.subplots(figsize=(7.5, 3), layout="constrained")
for film, color, mark, name in zip(films.values(), (BLUE, ORANGE), "os", ("α = 0.1", "α = 0.5")):
    axes.plot(film.data["steps"], film.data["dead"].sum(axis=1), mark + "-", color=color, label=name)
axes.set(xlabel="steps", ylabel="units without a delta, of 48", ylim=(-2, 51))
axes.legend(frameon=False, loc="center right")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# At the start some are dead: what a ReLU sends on is never below 0, so a unit whose weights are mostly negative may be off on every sample.
# At the high rate units go off in all layers, 36 have no delta after 15 steps. Once the last one of a layer is off, nothing comes back
# through it, those below have no delta either, and the network says the same of the whole plane. At the low rate a few go off, and a few
# wake: what comes from below has changed.
#
# Against it: smaller steps, or a slope below 0 that is not 0, as the **leaky** ReLU has. Both units after the large step, now at a rate
# that is small enough:

# %%
for low in (0.0, 0.1):  # the slope below 0
    w, b = 2.0, 0.0
    for step in range(301):
        z = w * samples + b
        delta = (np.where(z > 0, z, low * z) - targets) * np.where(z > 0, 1.0, low) / 3
        if step in (1, 50, 100, 300):
            print(f"slope {low} below 0, step {step:3}: z", z.round(2))
        alpha = 2.0 if step == 0 else 0.5
        w, b = w - alpha * delta @ samples, b - alpha * delta.sum()

# %% [markdown]
# One stays where it was thrown, the other comes back, and arrives at $z$ = the targets.
#
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** Two inputs, three tanh units, one output. Four starts:
#
# - A: $W^1 = 0$, $b^1 = 0$, $W^2$ random
# - B: $W^1$ random, all of $W^2$ 0.5
# - C: all of $W^1$ and $W^2$ 0.5, $b^1$ random
# - D: every row of $W^1$ is $(0.3, -0.7)$, all of $W^2$ 0.5, $b^1 = 0$
#
# After which of them do the three units have different first weights, once a few steps are taken?

# %% exercise 1
different = ...  # a set of letters, such as {"A", "D"}

# %% check 1
if different is ...:
    print("Exercise 1: not filled in yet")
else:
    rng = np.random.default_rng(0)
    equal1, equal2 = np.full((3, 2), 0.5), np.full((1, 3), 0.5)
    starts = {
        "A": (np.zeros((3, 2)), np.zeros(3), rng.normal(size=(1, 3))),
        "B": (rng.normal(size=(3, 2)), np.zeros(3), equal2),
        "C": (equal1, rng.normal(size=3), equal2),
        "D": (np.tile([0.3, -0.7], (3, 1)), np.zeros(3), equal2),
    }
    inputs, targets = rng.normal(size=(8, 2)), rng.normal(size=(8, 1))
    slopes = ag.grad(lambda V: nn.squared_error(np.tanh(inputs @ V[0].T + V[1]) @ V[2].T, targets))
    for letter, weights in starts.items():
        for _ in range(3):
            weights = tuple(w - 0.1 * g for w, g in zip(weights, slopes(weights)))
        parted = np.ptp(weights[0], axis=0).max() > 1e-9
        words = f"{letter}: after 3 steps the rows of W1 are {'different' if parted else 'equal'}."
        hint = "Compare the deltas of two units." if parted else "Which two units differ in weights in, or weights out?"
        assert (letter in different) == parted, f"Exercise 1: {words} {hint}"
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** The bound of this chapter, with $\lVert W \rVert_2$: what $\lVert \delta^1 \rVert / \lVert \delta^L \rVert$ cannot exceed.
# `weights` is the list $W^1, \dots, W^L$, `steepest` the greatest slope of the activation.


# %% exercise 2
def bound(weights, steepest):
    return ...


# %% check 2
def first_over_last(weights, slope, last):
    """Measure it in a network whose activation is slope * z, and whose last delta is given."""
    zs, a = [], ag.Tensor(np.ones(weights[0].shape[1]), requires_grad=True)
    for W in weights:
        zs.append(W @ a)
        a = slope * zs[-1]
    d = ag.gradients(np.sum(last * zs[-1]), zs)
    return np.linalg.norm(d[0]) / np.linalg.norm(d[-1])


rng = np.random.default_rng(4)
pair = [rng.normal(size=(4, 3)), rng.normal(size=(5, 4))]
turns = [c * np.linalg.qr(rng.normal(size=(4, 4)))[0] for c in (3.0, 0.5, 2.0, 7.0)]
if bound(pair, 0.25) is ...:
    print("Exercise 2: not filled in yet")
else:
    direction = np.linalg.svd(pair[1])[0][:, 0]  # the delta that this matrix stretches most
    for name, weights, last in [("two layers", pair, direction), ("four layers that turn", turns, np.ones(4))]:
        for slope in (1.0, 0.25):
            found, reached = bound(weights, slope), first_over_last(weights, slope, last)
            words = f"{name}, steepest {slope}: a network reaches {reached:.4f}, your bound is {found:.4f}"
            assert found > reached * (1 - 1e-9), f"Exercise 2: {words}: it is no bound."
            hint = "How many matrices and slopes are there from the last delta to the first? "
            hint += "Or is your norm not the largest stretch?"
            assert found < reached * (1 + 1e-9), f"Exercise 2: {words}: larger than need be. {hint}"
    opposed = [np.ones((1, 1)), np.array([[1.0], [-1.0]]), np.array([[1.0, 1.0]])]
    assert np.isclose(bound(opposed, 0.5), 0.5), (
        f"Exercise 2: two opposed units, steepest 0.5: your bound is {bound(opposed, 0.5):.4f}. With one of them flat, "
        "the other's way is not cancelled: each layer has its own factor."
    )
    print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** The leaky ReLU is $z$ above 0 and $s z$ below. Which deviation $\sigma_w$ of the weights keeps $\overline{z^2}$ from
# layer to layer? For $s = 0$ it is He's.


# %% exercise 3
def deviation(n_in, s):
    # of the mean square of z, which part is left after the leaky ReLU?
    return ...


# %% check 3
if deviation(100, 0.1) is ...:
    print("Exercise 3: not filled in yet")
else:
    rng = np.random.default_rng(5)
    for n_in in (100, 400):
        for s in (0.0, 0.2, 0.5, 1.0):
            below = rng.normal(size=(2000, n_in))
            W = rng.normal(size=(200, n_in))
            z = nn.leaky_relu(below, negative_slope=s) @ (deviation(n_in, s) * W).T
            change = np.mean(z**2) / np.mean(below**2)
            words = f"n_in {n_in}, s = {s}: the mean square of z becomes {change:.2f} times what it was."
            assert 0.93 < change < 1.07, f"Exercise 3: {words}"
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** Back through a shortcut: $y = a + \tanh(W a + b)$. Given $g = \partial E / \partial y$, samples in rows, return
# $\partial E / \partial a$ and $\partial E / \partial W$.


# %% exercise 4
def backward(g, a, W, b):
    z = a @ W.T + b
    # delta, then the two gradients
    return ...


# %% check 4
rng = np.random.default_rng(6)
a, g = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
W, b = rng.normal(size=(3, 3)), rng.normal(size=3)
found = backward(g, a, W, b)
if found is ...:
    print("Exercise 4: not filled in yet")
else:
    assert len(found) == 2, "Exercise 4: dE/da and dE/dW: two arrays are asked for."
    right = ag.grad(lambda a, W: np.sum(g * (a + np.tanh(a @ W.T + b))), argnums=(0, 1))(a, W)
    hints = "The output depends on a in two ways.", "Which of the two ways leads through W?"
    for name, mine, engine, hint in zip("aW", found, right, hints):
        assert np.shape(mine) == engine.shape, f"Exercise 4: dE/d{name} has shape {np.shape(mine)}, not {engine.shape}."
        words = f"dE/d{name} begins with {np.asarray(mine)[0, 0]:.4f}, the engine's with {engine[0, 0]:.4f}."
        assert np.allclose(mine, engine), f"Exercise 4: {words} {hint}"
    print("Exercise 4: right")

# %% [markdown]
# **Exercise 5.** How many ReLU units of a layer are dead? `Z` has their weighted sums, a row for each sample, a column for each unit.


# %% exercise 5
def dead(Z):
    return ...


# %% check 5
rng = np.random.default_rng(7)
tables = [rng.normal(size=(4, 6)) - 0.7, np.array([[-1.0, 0.0, 2.0], [-0.5, 0.0, -3.0]]), np.ones((3, 2))]
if dead(tables[0]) is ...:
    print("Exercise 5: not filled in yet")
else:
    for Z in tables:
        b = ag.Tensor(np.zeros(Z.shape[1]), requires_grad=True)
        count = int(np.sum(ag.gradients(np.sum(nn.relu(Z + b)), b) == 0))  # a bias without a gradient
        words = f"of {Z.shape[1]} units {count} have a bias without a gradient, you say {dead(Z)}: Z ="
        assert dead(Z) == count, f"Exercise 5: {words}\n{Z.round(2)}"
    print("Exercise 5: right")

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# different = {"A", "B", "C"}
# ```
#
# In A the weights out differ, so the deltas, so the first gradients; in C the $z$. In D the *columns* differ, which is no difference
# between units.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def bound(weights, steepest):
#     return np.prod([steepest * np.linalg.norm(W, 2) for W in weights[1:]])
# ```
#
# $W^1$ is below $\delta^1$. `np.linalg.norm(W)` without the 2 is the length of all entries, which is a bound as well, but a looser one.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def deviation(n_in, s):
#     return np.sqrt(2 / ((1 + s**2) * n_in))
# ```
#
# Half of the $z$ keep their square, the other half keep $s^2$ of it. At $s = 1$ nothing is lost, and $1 / \sqrt{n_{in}}$ will do.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def backward(g, a, W, b):
#     z = a @ W.T + b
#     delta = g * (1 - np.tanh(z) ** 2)
#     return g + delta @ W, delta.T @ a
# ```
#
# That `g +` is the whole remedy.
#
# </details>
#
# <details><summary>Exercise 5</summary>
#
# ```python
# def dead(Z):
#     return np.sum(np.all(Z <= 0, axis=0))
# ```
#
# On every sample, so `all` over the rows; and at 0 the slope is 0 by convention.
#
# </details>
