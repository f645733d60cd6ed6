# %% [markdown]
# # 8. When to stop, and what was learned
#
# A network that makes no mistake on what it has seen may have learned it, or learned it by heart. Afterwards you can tell the two apart
# from two curves, stop in time, split data without deceiving yourself, compare remedies over several seeds, and say what a test set's
# number means, and how often you may look at it.

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
# ## The test set goes away first
#
# 1,797 handwritten digits, 8 times 8 pixels. Before anything is looked at, 360 of them are put where they can be taken from once: an
# iterator with one element. They come out at the end of the chapter.

# %%
X, y = nn.load_digits()
rest, test = nn.stratified_split(y, 360, rng=0)
sealed = iter([(X[test], y[test])])
print(f"{len(rest)} digits to work with, {len(test)} put away, of each digit {np.bincount(y[test])}")

# %% [markdown]
# From the rest each seed draws anew: 200 to learn from (**training**), 100 to decide by (**validation**), and 250 that neither learn nor
# decide and tell us the truth (**others**). Outside a course, nobody has those.
#
# Real labels contain mistakes. These hardly do, so we make some: each training label is replaced by a wrong one with probability one fifth.


# %%
def draw(seed, rows=200, wrong=0.2):
    rng = np.random.default_rng(seed)
    order = rng.permutation(rest)
    training, validation, others = np.split(order[: rows + 350], [rows, rows + 100])
    shift = rng.integers(1, 10, size=rows) * (rng.random(rows) < wrong)  # 0: the label stays
    return (X[training], (y[training] + shift) % 10), (X[validation], y[validation]), (X[others], y[others])


training, validation, others = draw(seed=0)
truth = draw(seed=0, wrong=0.0)[0][1]
mislabelled = training[1] != truth
print(f"{mislabelled.sum()} of {len(truth)} training labels are wrong")

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 10, figsize=(9.5, 1.5), layout="constrained")
for axes, image, label, false in zip(panels, training[0], training[1], mislabelled):
    axes.imshow(image.reshape(8, 8), cmap="gray_r")
    axes.set_title(f"{label}?" if false else f"{label}", color=ORANGE if false else "black")
    axes.axis("off")
figure.suptitle("the first ten, with their labels", fontsize=10, color="#555555")
plt.show()

# %% [markdown]
# ## Two errors
#
# What descent lowers is the mean loss over the $n$ training rows. What we want to be low is its mean over all digits that anybody will
# write, and that we can only estimate, on rows that had no part in the descent:
#
# $$E_{\text{train}} = \frac1n \sum_{s \in \text{training}} J_s, \qquad
# E_{\text{val}} = \frac1m \sum_{s \in \text{validation}} J_s$$
#
# `learn` trains a network and notes, after each **epoch** (one pass through all training rows), loss and errors on all three parts. All
# training rows make one step (batch mode).


# %%
def learn(parts, seed=0, units=64, epochs=50, batch_size=None, rate=0.02, dropout=0.0, decay=0.0, each=True, watch=()):
    model = nn.MLP([64, units, 10], dropout=dropout, rng=seed)
    inputs, labels = (np.concatenate(arrays) for arrays in zip(*parts))
    ends = np.cumsum([len(part[1]) for part in parts])[:-1]
    notes = []

    def note(run):
        if not each and run.epoch < epochs:
            return  # noted at the end alone
        outputs = nn.evaluate(run.model, inputs)
        losses = nn.cross_entropy(outputs, labels, reduction="none")
        errors = outputs.argmax(axis=1) != labels
        notes.append([[part.mean() for part in np.split(values, ends)] for values in (losses, errors)])

    optimizer = nn.AdamW(model.parameters(), lr=rate, weight_decay=decay)  # Adam, unless decay says otherwise
    options = {"loss": nn.cross_entropy, "optimizer": optimizer, "callbacks": [note, *watch], "rng": seed}
    nn.fit(model, parts[0], epochs=epochs, batch_size=batch_size, progress=False, **options)
    return np.array(notes)  # epochs; loss or error; part


LOSS, ERROR = 0, 1
TRAINING, VALIDATION, OTHERS = 0, 1, 2
answers = []
curves = learn(
    draw(0), epochs=70, watch=[lambda run: answers.append(nn.evaluate(run.model, training[0]).argmax(axis=1))]
)
clean = learn(draw(0, wrong=0.0), epochs=70)
answers = np.array(answers)
print(f"{64 * 64 + 64 + 64 * 10 + 10:,} weights and biases, {len(truth)} rows")

# %% [markdown]
# **Predict.** The network is far too large for 200 rows. After 70 epochs, how many of the training rows does it get wrong, the mislabelled
# ones included? What happens to the error on validation? And what did the network answer for the mislabelled rows on its way?

# %% jupyter={"source_hidden": true}
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
epochs = np.arange(1, len(curves) + 1)
for axes, what in ((left, LOSS), (middle, ERROR)):
    for part, color, style, name in ((TRAINING, BLUE, "-", "training"), (VALIDATION, ORANGE, "--", "validation")):
        axes.plot(epochs, curves[:, what, part], style, color=color, linewidth=2, label=name)
        axes.plot(epochs, clean[:, what, part], style, color=color, linewidth=1, alpha=0.5)
    axes.set(xlabel="epoch", ylim=(0, None), title=("loss E", "part answered wrongly")[what])
left.legend(frameon=False, title="thin: all labels right")
right.plot(epochs, (answers == truth)[:, mislabelled].mean(axis=1), color=GREEN, linewidth=2)
right.plot(epochs, (answers == training[1])[:, mislabelled].mean(axis=1), "--", color=BLUE, linewidth=2)
right.text(4, 0.92, "the true digit", color=GREEN)
right.text(70, 0.66, "the label", color=BLUE, ha="right")
right.set(xlabel="epoch", ylim=(0, 1.02), title="mislabelled training rows:\npart answered with …")
for axes in (left, middle, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
for name, notes in (("one label in five wrong", curves), ("all labels right", clean)):
    for epoch in (notes[:, LOSS, VALIDATION].argmin(), len(notes) - 1):
        on_training, on_validation = 100 * notes[epoch, ERROR, :2]
        print(
            f"{name:24} epoch {epoch + 1:2}: {on_training:5.1f} % wrong in training, {on_validation:4.1f} % in validation"
        )

# %% [markdown]
# Look at the picture on the right first. For a while the network answers the mislabelled rows *rightly*: it has learned what a seven
# looks like, and one wrong label does not change that. Then it bends until it gives the wrong labels back. The first is learning, the
# second learning by heart, and the validation error tells one from the other: it falls during the first and rises during the second. That
# is **overfitting**. The training error falls all the way and says nothing.
#
# With the right labels (thin lines) the same network, as large, gets all training rows right, and its validation error stays where it is.
# A gap between two curves is no harm in itself. A validation curve that rises is.
#
# ## Is it the size?
#
# **Predict.** Hidden layers of 4, 16, 64 and 128 units, on the same rows. Which makes the most errors on others after 50 epochs? And at
# the epoch in which its validation loss was lowest?

# %%
SEEDS = range(5)
parts = [draw(seed) for seed in SEEDS]
plain = np.array([learn(parts[seed], seed) for seed in SEEDS])  # seeds, epochs, loss or error, part


def at_best(notes):
    return notes[notes[:, LOSS, VALIDATION].argmin()]


sizes = {units: [learn(parts[seed], seed, units) for seed in range(3)] for units in (4, 16, 128)}
sizes = {4: sizes[4], 16: sizes[16], 64: list(plain[:3]), 128: sizes[128]}
last = {units: 100 * np.array([notes[-1, ERROR, OTHERS] for notes in runs]) for units, runs in sizes.items()}
stopped = {units: 100 * np.array([at_best(notes)[ERROR, OTHERS] for notes in runs]) for units, runs in sizes.items()}
for units, runs in sizes.items():
    on_training = 100 * np.mean([notes[-1, ERROR, TRAINING] for notes in runs])
    print(
        f"{units:3} units: {on_training:4.1f} % of training wrong in the end; "
        f"others {last[units].mean():4.1f} %, at the best epoch {stopped[units].mean():4.1f} %"
    )

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(5.6, 3.2), layout="constrained")
for errors, color, mark, name in ((last, ORANGE, "s--", "after 50 epochs"), (stopped, BLUE, "o-", "at the best epoch")):
    axes.plot(list(errors), [values.mean() for values in errors.values()], mark, color=color, linewidth=2, label=name)
    for units, values in errors.items():
        axes.plot([units] * len(values), values, mark[0], color=color, markersize=4, alpha=0.4)
axes.set_xscale("log", base=2)
axes.set(xlabel="hidden units", ylabel="errors on others, %", ylim=(0, None), xticks=list(sizes))
axes.set_xticklabels(sizes)
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# Too small is worst: 4 units, whose validation loss still falls at epoch 50, get little better later. Of the others, the larger learn the
# wrong labels by heart sooner, if one lets them; stopped in time they are as good as any. So a network "too large for its rows" is, here,
# one that was trained too long on them. How long is too long?
#
# ## Three ways to stop
#
# After a number of epochs that was fixed before; when the training loss is below a threshold; when the validation error rises, and then the
# best weights come back *(claim R12)*. All three, measured, with a quarter of *all* labels random:

# %%
ways = nn.experiments.stopping(seeds=2)
say(ways.finding)
ways.plot()

# %% [markdown]
# The first two are as good as the guess. That experiment draws from all 1,797 digits, those that we put away among them: it may teach
# us, but nothing found there may choose our network.
#
# The third way needs a rule for "rises". **Patience** $p$: stop when the validation loss has not been below its lowest for $p$ epochs. By
# hand, on a list of losses:


# %%
def stop(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return epoch + 1, best + 1  # counted from 1: the last epoch, the one whose weights come back


print("losses 3 2 2.5 1 4 5:  ", *(f"patience {p}: {stop([3, 2, 2.5, 1, 4, 5], p)}" for p in (1, 2)), sep="   ")

# %% [markdown]
# The engine does the same while it trains, with a copy of the weights of the best epoch:

# %%
model = nn.MLP([64, 64, 10], rng=0)
optimizer = nn.Adam(model.parameters(), lr=0.02)
options = {"loss": nn.cross_entropy, "optimizer": optimizer, "batch_size": None, "rng": 0, "progress": False}
history = nn.fit(model, training, epochs=50, validation=validation, patience=5, **options)
print("by hand:   ", stop(curves[:, LOSS, VALIDATION], patience=5))
print("the engine:", (history.epochs, history.best_epoch), history.stopped_by)
now = nn.cross_entropy(nn.evaluate(model, validation[0]), validation[1])
print("the weights that it leaves have the lowest loss:", now == min(history.validation_loss))

# %% [markdown]
# ## The first rise
#
# **Predict.** "Stop when the validation error rises" is patience 1. Is the first rise the one that matters: in batch mode, with
# mini-batches of 20 rows, with dropout (half of the hidden units put out at random, for each row and step)?

# %%
noisy = np.array([learn(parts[seed], seed, epochs=40, batch_size=20, rate=0.005) for seed in SEEDS])
dropped = np.array([learn(parts[seed], seed, dropout=0.5) for seed in SEEDS])
kinds = {"batch": plain, "mini-batches of 20": noisy, "batch, dropout": dropped}
patiences = (1, 2, 3, 5, 10, 20)
print("loss on others with patience", *(f"{p:6}" for p in patiences), "   lowest")
left_behind = {}
for name, runs in kinds.items():
    ends = np.array([[stop(notes[:, LOSS, VALIDATION], p) for p in patiences] for notes in runs])
    found = np.array([[notes[best - 1, LOSS, OTHERS] for _, best in way] for notes, way in zip(runs, ends)])
    lowest = runs[:, :, LOSS, OTHERS].min(axis=1)
    left_behind[name] = found - lowest[:, None]
    print(f"{name:27}", *(f"{loss:6.3f}" for loss in found.mean(axis=0)), f"   {lowest.mean():6.3f}")
    print(f"{'   epochs':27}", *(f"{n:6.0f}" for n in np.median(ends[:, :, 0], axis=0)))

# %% jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
losses = noisy[0, :, LOSS, VALIDATION]
left.plot(np.arange(1, len(losses) + 1), losses, color=GREY, linewidth=1.5)
for p, color, mark in ((1, ORANGE, "s"), (3, GREEN, "^"), (10, BLUE, "o")):
    end, best = stop(losses, p)
    left.plot(best, losses[best - 1], mark, color=color, markersize=9, label=f"patience {p}: epoch {best}")
left.set(xlabel="epoch", ylabel="validation loss", ylim=(0.5, 1.0), title="mini-batches of 20, one seed")
left.legend(frameon=False)
styles = ((BLUE, "o-"), (ORANGE, "s--"), (GREEN, "^:"))
for (name, more), (color, style) in zip(left_behind.items(), styles):
    right.plot(patiences, more.mean(axis=0), style, color=color, linewidth=2, label=name)
right.set(xscale="log", xlabel="patience, epochs", ylabel="above the lowest", title="loss on others, mean of 5 seeds")
right.set_xticks(patiences, patiences)
right.minorticks_off()
right.set_ylim(0, 0.11)
right.legend(frameon=False, loc="upper right")
for axes in (left, right):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# This is the condition under which R12's third way works. Where the steps are noisy, the first rise is often noise, and patience finds what
# lies behind it. In batch mode without dropout the loss is nearly smooth and the first rise is the rise: waiting costs epochs, and once it
# found an epoch that only the validation rows liked.

# %% [markdown]
# ## Errors are not the loss
#
# **Predict.** Multiply the logits (the sums $z$ before the softmax) of a trained network by 3. What happens to its errors, and what to its
# loss?

# %%
few = draw(seed=0, rows=100, wrong=0.0)
model = nn.MLP([64, 64, 10], rng=0)
optimizer = nn.Adam(model.parameters(), lr=0.01)
nn.fit(model, few[0], loss=nn.cross_entropy, optimizer=optimizer, epochs=300, batch_size=None, rng=0, progress=False)
logits, labels = nn.evaluate(model, few[2][0]), few[2][1]
for factor in (0.25, 0.5, 1, 3):
    probabilities = nn.softmax(factor * logits)
    losses = -np.log(probabilities[np.arange(len(labels)), labels])
    wrong = probabilities.argmax(axis=1) != labels
    share = 100 * losses[wrong].sum() / losses.sum()
    print(
        f"logits times {factor:4}: {100 * wrong.mean():.1f} % errors, loss {losses.mean():.3f}, "
        f"{share:.0f} % of it from wrong answers"
    )

# %% [markdown]
# The errors ask which logit is largest; the loss asks how much was staked on the label. A network that has got all training rows right can
# lower its training loss further only by staking more, on right answers and wrong ones alike. So the validation loss may rise while no
# answer changes. Which of the two should stop the training? Both, measured, each by its lowest value on validation:

# %%
for name, runs in kinds.items():
    by = np.array([[notes[notes[:, what, VALIDATION].argmin(), :, OTHERS] for what in (LOSS, ERROR)] for notes in runs])
    by = by.mean(axis=0)
    print(f"{name:20} stopped by the loss:   others {by[0, LOSS]:.3f}, {100 * by[0, ERROR]:.1f} % errors")
    print(f"{'':20} stopped by the errors: others {by[1, LOSS]:.3f}, {100 * by[1, ERROR]:.1f} % errors")

# %% [markdown]
# Stopped by the loss, the loss is lower in all three; stopped by the errors, the errors are fewer in two. With five draws that decides
# little. Errors jump by a whole row, and their lowest value is often a lucky one. The loss changes a little with every row.
#
# ## Leaks
#
# The validation error estimates the error on new rows, *if* nothing of the validation rows has got into the training. The usual example is
# standardising: each column minus its mean, over its standard deviation. Both have to come from the training rows alone:
#
# $$\tilde x_j = \frac{x_j - \mu_j}{\sigma_j}, \qquad \mu_j, \sigma_j \text{ over the training rows}$$


# %%
def standardised(rows, *parts):
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)  # a pixel that is always white stays as it is
    return [(part - mean) / deviation for part in parts]


def accuracies(training, *parts, classes=10):
    model = nn.MLP([training[0].shape[1], 32, classes], rng=0)
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    nn.fit(model, training, loss=nn.cross_entropy, optimizer=optimizer, epochs=25, batch_size=None, progress=False)
    return [100 * nn.accuracy(nn.evaluate(model, inputs), labels) for inputs, labels in parts]


# %% [markdown]
# Three ways to leak, each beside the same without the leak:
#
# - *scale*: mean and deviation over training and validation rows together;
# - *copies*: 100 digits, four copies of each with a little noise, to have more rows; only then the split into training and validation;
# - *columns*: each row has 1,000 columns of pure noise, and its label is a tossed coin. The 20 columns that go best with the labels are
#   kept, chosen on all rows that one has; only then the split.
#
# **Predict.** In which does the validation accuracy promise too much, and how much?


# %%
def scale(seed, leak):
    (x, labels), (x_held, y_held), (x_new, y_new) = draw(seed, rows=100, wrong=0.0)
    rows = np.concatenate([x, x_held]) if leak else x
    x, x_held, x_new = standardised(rows, x, x_held, x_new)
    return accuracies((x, labels), (x_held, y_held), (x_new, y_new))


def copies(seed, leak):
    (x, labels), _, new = draw(seed, rows=100, wrong=0.0)
    rng = np.random.default_rng(seed)
    x, labels = np.repeat(x, 4, axis=0), np.repeat(labels, 4)
    x = x + 0.1 * rng.normal(size=x.shape)
    order = rng.permutation(400) if leak else np.arange(400)  # in their order, the copies of a digit stay together
    return accuracies(*((x[rows], labels[rows]) for rows in np.split(order, 2)), new)


def columns(seed, leak):
    rng = np.random.default_rng(seed)
    x, coins = rng.normal(size=(520, 1000)), rng.integers(0, 2, 520)
    seen = slice(120 if leak else 60)  # 60 rows for training, 60 for validation, 400 new ones
    apart = np.abs(x[seen][coins[seen] == 1].mean(axis=0) - x[seen][coins[seen] == 0].mean(axis=0))
    x = x[:, np.argsort(apart)[-20:]]
    return accuracies(*((x[rows], coins[rows]) for rows in np.split(np.arange(520), [60, 120])), classes=2)


measured = {}
for way in (scale, copies, columns):
    measured[way.__name__] = np.array([[way(seed, leak) for leak in (True, False)] for seed in SEEDS])
print("accuracy, %: mean of 5 seeds  validation   new    difference")
for name, values in measured.items():
    for place, words in enumerate(("leak", "no leak")):
        promised, kept = values[:, place].T
        gap = promised - kept
        print(
            f"{name:8} {words:20} {promised.mean():10.1f} {kept.mean():7.1f} {gap.mean():7.1f} ± {gap.std(ddof=1):.1f}"
        )

# %% jupyter={"source_hidden": true}
figure, panels = plt.subplots(1, 3, figsize=(9.5, 3.3), layout="constrained", sharey=True)
for axes, (name, values) in zip(panels, measured.items()):
    for place, color, mark, pairs in ((0, ORANGE, "s", values[:, 0]), (1.6, BLUE, "o", values[:, 1])):
        axes.plot([place, place + 1], pairs.T, mark + "-", color=color, linewidth=1, markersize=4, alpha=0.7)
    axes.set(title=name, xlim=(-0.4, 3.0), xticks=[0, 1, 1.6, 2.6])
    axes.set_xticklabels(["validation", "new", "validation", "new"], fontsize=8)
    axes.text(0.5, 31, "leak", color=ORANGE, ha="center")
    axes.text(2.1, 31, "no leak", color=BLUE, ha="center")
    axes.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("accuracy, %")
panels[0].set_ylim(28, 101)
plt.show()

# %% [markdown]
# The famous leak, the scale, does no harm here that five seeds could show (± is the deviation of one seed): the labels are not in it, and a
# mean over 200 rows is about that over 100. Avoid it all the same; it costs nothing. The other two do harm, and nothing looks wrong. The
# network that saw copies is even the better one, since it learns from nearly 100 different digits, and not 50; but it is not as good as
# promised. And nobody can guess tossed coins on average more than half of the time, yet the validation says that we can. Whatever looks at
# labels, or makes rows out of rows, has to come after the split.
#
# ## Remedies
#
# **Weight decay** adds $\frac{\lambda}{2} \sum w^2$ to the error. Its slope is $\lambda w$, so each step shrinks every weight a little:
#
# $$w \leftarrow w - \alpha \left( \frac{\partial E}{\partial w} + \lambda w \right)
# = (1 - \alpha \lambda)\, w - \alpha \frac{\partial E}{\partial w}$$

# %%
inputs, targets, w = training[0][:5], np.ones((5, 1)), np.full((64, 1), 0.1)
alpha, decay = 0.1, 0.5
by_hand = (1 - alpha * decay) * w - alpha * inputs.T @ (inputs @ w - targets) / 5
with_penalty = ag.grad(lambda w: nn.squared_error(inputs @ w, targets) + decay / 2 * np.sum(w**2))(w)
parameter = nn.Parameter(w)
nn.squared_error(inputs @ parameter, targets).backward()
nn.SGD([parameter], lr=alpha, weight_decay=decay).step()
print("down the slope of the sum: ", np.allclose(w - alpha * with_penalty, by_hand))
print("the engine's weight_decay: ", np.allclose(parameter.data, by_hand))

# %% [markdown]
# Adam would divide $\lambda w$ by the usual size of the slopes, and so shrink least where the slopes are largest. AdamW, which `learn`
# uses, shrinks all weights alike: $(1 - \alpha \lambda)\, w$, less the step of Adam.
#
# **Dropout** puts out each hidden unit with probability $p$, anew for each row at each step, and divides what stays by $1 - p$, which keeps
# the mean. No unit can rely on another. When the network is used, nothing is put out.

# %%
a, p = np.array([1.0, 2.0, 3.0, 4.0]), 0.5
rng, layer = np.random.default_rng(0), nn.Dropout(p, rng=0)
for _ in range(3):
    kept = rng.random(4) >= p
    print("by hand:", a * kept / (1 - p), "  the engine:", layer(a))
print("mean of 10,000:", layer(np.tile(a, (10000, 1))).mean(axis=0).round(1))
print("in use:        ", layer.eval()(a))

# %% [markdown]
# **Predict.** Which helps most: early stopping, weight decay, dropout? Do two of them help twice as much? And what would right labels be
# worth?
#
# Each on the same five draws. When to stop, and how strong the decay is, is decided by the validation rows; dropout is one half; together
# with dropout the decay is 1. What is shown are the errors on others. Who does nothing needs no validation rows and might learn from them:
# *nothing, 300 rows*.


# %%
def in_the_end(draws, **options):
    return np.array([learn(draws[s], s, each=False, **options)[-1, ERROR] for s in SEEDS])


choices = {
    "weight decay": [in_the_end(parts, decay=decay) for decay in (1.0, 3.0)],
    "dropout": [dropped[:, -1, ERROR]],
    "decay and dropout": [in_the_end(parts, dropout=0.5, decay=1.0)],
}
joined = [(tuple(map(np.concatenate, zip(*three[:2]))), *three[1:]) for three in parts]  # training and validation
found = {
    "nothing": plain[:, -1, ERROR, OTHERS],
    "nothing, 300 rows": in_the_end(joined)[:, OTHERS],
    "early stopping": [at_best(notes)[ERROR, OTHERS] for notes in plain],
}
for name, runs in choices.items():
    chosen = np.argmin([run[:, VALIDATION] for run in runs], axis=0)
    found[name] = np.array(runs)[chosen, SEEDS, OTHERS]
found["right labels"] = in_the_end([draw(s, wrong=0.0) for s in SEEDS])[:, OTHERS]
found = {name: 100 * np.array(errors) for name, errors in found.items()}


def mean_and_deviation(values):
    return f"{values.mean():5.1f} ± {values.std(ddof=1):.1f}"


print("errors on others, %              fewer than with nothing   with early stopping")
for name, errors in found.items():
    values = errors, found["nothing"] - errors, found["early stopping"] - errors
    print(f"{name:18}", *(f"{mean_and_deviation(each):>18}" for each in values))

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
places = np.arange(len(found))
errors = np.array(list(found.values()))
for draws, mark in zip(errors.T, "osD^v"):
    axes.plot(draws, places, mark + "-", color=GREY, linewidth=0.7, markersize=5)
axes.plot(errors.mean(axis=1), places, "|", color=BLUE, markersize=22, markeredgewidth=3)
axes.set_yticks(places, list(found))
axes.invert_yaxis()
axes.set(xlabel="errors on others, %   (grey: one draw each; bar: their mean)", xlim=(0, None))
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# One draw differs from the next by more than the remedies differ: with one draw each, any of them could win. So compare within the
# draws, as the second and third column do. Their ± is the deviation of one draw, that of a mean of five is $1 / \sqrt 5$ of it, less than
# half. Each remedy is better than nothing, then. Which is best, five draws do not say: no remedy differs from early stopping by more
# than chance could make it. Two together do not add up, for they mend the same thing.
#
# Two lines are there for honesty. Learning from the 100 validation rows, whose labels are right, in place of deciding by them does about
# as well: holding out has its price. And right labels do more than all remedies.
#
# ## What more rows are worth
#
# **Predict.** All labels right. 25 rows leave some errors. How many rows leave half as many?

# %%
counts = (25, 50, 100, 200, 400, 800)
many = [[learn(draw(s, n, 0.0), s, epochs=40, each=False)[-1, ERROR] for s in range(3)] for n in counts]
many = 100 * np.array(many)  # counts, seeds, part
mean = many.mean(axis=1)
for n, row in zip(counts, mean):
    print(f"{n:4} rows: training {row[TRAINING]:.1f} %, others {row[OTHERS]:.1f} % wrong")
power = np.polyfit(np.log(counts), np.log(mean[:, OTHERS]), 1)[0]
print(f"the errors fall like rows^{power:.1f}: twice the rows leave {100 * 2**power:.0f} % of them")

# %% jupyter={"source_hidden": true}
figure, axes = plt.subplots(figsize=(5.6, 3.3), layout="constrained")
axes.plot(counts, mean[:, OTHERS], "o-", color=GREEN, linewidth=2, label="others")
for seed in range(3):
    axes.plot(counts, many[:, seed, OTHERS], "o", color=GREEN, markersize=3, alpha=0.5)
axes.plot(counts, mean[:, TRAINING], "s--", color=BLUE, linewidth=2, label="training")
axes.set(xscale="log", xlabel="training rows", ylabel="errors, %", ylim=(-1, None))
axes.set_xticks(counts, counts)
axes.minorticks_off()
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The training error is 0, or nearly, all along, and knows nothing of it. If the curve of the others still falls at the right end, rows
# are what to ask for.
#
# ## The test set, once
#
# First everything is finished: a network for our 200 rows with their wrong labels, with the remedy that validation prefers; and one that
# learns from all the rest but 300 rows to stop by, with the labels as they are.


# %%
def finished(training, validation, dropout, rate, **options):
    model = nn.MLP([64, 64, 10], dropout=dropout, rng=0)
    options |= {"loss": nn.cross_entropy, "optimizer": nn.Adam(model.parameters(), lr=rate), "progress": False}
    history = nn.fit(model, training, validation=validation, patience=20, **options)
    return model, min(history.validation_loss)


candidates = {p: finished(training, validation, p, 0.02, epochs=50, batch_size=None) for p in (0.0, 0.3, 0.5)}
for p, (_, loss) in candidates.items():
    print(f"dropout {p}: validation loss {loss:.3f}")
small, _ = min(candidates.values(), key=lambda found: found[1])

learned, held = (rest[rows] for rows in nn.stratified_split(y[rest], 300, rng=0))
large, _ = finished((X[learned], y[learned]), (X[held], y[held]), dropout=0.3, rate=0.005, epochs=40, batch_size=64)

# %% [markdown]
# **Predict.** How many of the 360 test digits does each get wrong?
#
# Now, and never again:

# %%
X_test, y_test = next(sealed)
n = len(y_test)
for name, model in (("200 rows, some labels wrong", small), ("1,137 rows, right labels", large)):
    wrong = nn.evaluate(model, X_test).argmax(axis=1) != y_test
    p = wrong.mean()
    print(
        f"{name:28} {wrong.sum():2} of {n} wrong: {100 * p:4.1f} %, give or take {100 * np.sqrt(p * (1 - p) / n):.1f}"
    )
print("a second look:", next(sealed, "there is none"))

# %% [markdown]
# "Give or take" is the standard deviation of a part $p$ that was counted on $n$ rows, $\sqrt{p (1 - p) / n}$. A rival whose error is half a
# percentage point lower, two rows of these 360, has shown nothing. (For a handful of errors the formula is rough.)
#
# And why once? Because who looks, chooses, and what was chosen for being low is partly low by luck. Thirty rivals: one network with
# dropout, as it was after the epochs 21 to 50. A thousand times, 100 of the 250 others are taken as a test set, and the rival with the
# fewest errors on it wins. How does the winner do on the 150 that did not choose it?

# %%
rivals = []
watch = [lambda run: rivals.append(nn.evaluate(run.model, others[0]).argmax(axis=1) != others[1])]
learn(draw(0), dropout=0.5, each=False, watch=watch)
rivals, rng, luck = np.array(rivals[20:]), np.random.default_rng(0), []
for _ in range(1000):
    looked_at, unseen = np.split(rng.permutation(250), [100])
    winner = rivals[:, looked_at].mean(axis=1).argmin()
    luck.append((rivals[winner, looked_at].mean(), rivals[winner, unseen].mean(), rivals[:, unseen].mean()))
on_test, on_unseen, anyone = 100 * np.mean(luck, axis=0)
print(f"the winner: {on_test:.1f} % errors on the test set that chose it, {on_unseen:.1f} % on unseen rows")
print(f"all rivals: {anyone:.1f} % on unseen rows")

# %% [markdown]
# The winner's number is too good, and the winner no better than the rest. The validation loss of the best epoch is such a number, too. A
# test set that is looked at to choose is a validation set, and there is no other in the drawer.
#
# ## Which ones?
#
# The test rows are out now. We may look at what went wrong on them, as long as nothing is chosen by it.
#
# The **confusion matrix** says what is taken for what: the row is the label, the column the answer. That of the network with the wrong
# labels, by hand and as the package shows it:

# %%
outputs = nn.evaluate(small, X_test)
by_hand = np.zeros((10, 10), int)
np.add.at(by_hand, (y_test, outputs.argmax(axis=1)), 1)
matrix = nn.metrics.confusion_matrix(outputs, y_test)
print("the same:", np.array_equal(matrix, by_hand), "  on the diagonal:", np.trace(by_hand), "of", by_hand.sum())
matrix

# %% [markdown]
# And those on which the other network's loss is largest. Would you have read them?

# %% jupyter={"source_hidden": true}
probabilities = nn.softmax(nn.evaluate(large, X_test))
right = probabilities[np.arange(n), y_test]
figure, panels = plt.subplots(2, 6, figsize=(9.5, 4), layout="constrained")
for axes, worst in zip(panels.flat, np.argsort(right)):
    answer = probabilities[worst].argmax()
    axes.imshow(X_test[worst].reshape(8, 8), cmap="gray_r")
    axes.set_title(
        f"a {y_test[worst]}, said {answer}\nwith {100 * probabilities[worst, answer]:.0f} %",
        fontsize=10,
        color=ORANGE if answer != y_test[worst] else "black",
    )
    axes.axis("off")
plt.show()

# %% [markdown]
# ## Exercises
#
# Replace each `...`. The cell below it says whether your answer is right; the solutions are at the end.

# %% [markdown]
# **Exercise 1.** Descent that gives the best weights back: those with the lowest error on held-out rows, among the first ones and those
# after each step. `slope` and `held_out` are functions of `w`; take `steps` steps at the rate `alpha`.


# %% exercise 1
def descend(w, slope, held_out, alpha, steps):
    # the best weights so far are the first ones
    # after each step: are these better?
    return ...  # the best weights


# %% check 1
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(24, 10)), rng.normal(size=(24, 1))
Y = Y + X[:, :1]
slope = ag.grad(lambda w: nn.squared_error(X[:12] @ w, Y[:12]))


def held_out(w):
    return float(nn.squared_error(X[12:] @ w, Y[12:]))


if descend(np.zeros((10, 1)), slope, held_out, 0.1, 3) is ...:
    print("Exercise 1: not filled in yet")
else:
    for first, alpha, steps in ((0.0, 0.1, 200), (0.0, 0.1, 3), (0.5, 0.5, 40), (0.0, 1.0, 6)):
        path = [np.full((10, 1), first)]
        for _ in range(steps):
            path.append(path[-1] - alpha * slope(path[-1]))
        errors = [held_out(w) for w in path]
        best = int(np.argmin(errors))
        found = held_out(descend(path[0].copy(), slope, held_out, alpha, steps))
        words = f"from {first}, of {steps} steps with {alpha}, the best weights are those after step {best}: "
        words += f"their error is {errors[best]:.4f}, that of yours"
        hint = "Those are the last weights. Did you keep them, or only another name for an array that moved on?"
        hint = hint if np.isclose(found, errors[-1]) else ""
        assert np.isclose(found, errors[best]), f"Exercise 1: {words} {found:.4f}. {hint}"
    print("Exercise 1: right")

# %% [markdown]
# **Exercise 2.** Standardise training rows and new rows, without a leak, with `std` as NumPy computes it. A column that never varies is to
# stay finite.


# %% exercise 2
def standardise(training, new):
    return ...  # the two, standardised


# %% check 2
rng = np.random.default_rng(0)
rows = np.column_stack([rng.normal(3, 2, 50), rng.normal(-1, 0.1, 50), np.full(50, 7.0)])
with np.errstate(all="ignore"):
    found = standardise(rows[:40], rows[40:])
    if found is ...:
        print("Exercise 2: not filled in yet")
    else:
        seen, new = found
        alone = np.concatenate([standardise(rows[:40], rows[i : i + 1])[1] for i in range(40, 50)])
        finite = np.isfinite(seen).all() and np.isfinite(new).all()
        assert finite, "Exercise 2: the last column is 7 everywhere, and your result is not finite there."
        assert np.allclose(seen.mean(axis=0)[:2], 0) and np.allclose(seen.std(axis=0)[:2], 1), (
            f"Exercise 2: the training columns have means {seen.mean(axis=0)[:2].round(3)} and deviations "
            f"{seen.std(axis=0)[:2].round(3)}, not 0 and 1. Whose mean did you take?"
        )
        assert np.allclose(new, alone), (
            "Exercise 2: a new row comes out otherwise if it comes alone: others leak into it."
        )
        same = (rows[40:, :2] - rows[:40, :2].mean(axis=0)) / rows[:40, :2].std(axis=0)
        assert np.allclose(new[:, :2], same), (
            f"Exercise 2: the first new row is {same[0].round(3)}, not {new[0, :2].round(3)}: as far from the training "
            "mean as before, in training deviations."
        )
        print("Exercise 2: right")

# %% [markdown]
# **Exercise 3.** The delta rule through dropout. One hidden layer of tanh, whose activations are multiplied by the mask $m$ (0 or 1) and
# divided by $1 - p$; a linear output; $E = \frac12 \lVert o - y \rVert^2$, one sample. The two deltas?


# %% exercise 3
def deltas(x, y, W1, W2, m, p):
    # forward: z1, a1, what dropout makes of a1, o
    return ...  # delta of the hidden layer, delta of the output


# %% check 3
rng = np.random.default_rng(2)
x, y, W1, W2, m = rng.normal(size=3), rng.normal(size=2), rng.normal(size=(6, 3)), rng.normal(size=(2, 6)), np.eye(6)[1]
m = m + np.eye(6)[2] + np.eye(6)[4]
if deltas(x, y, W1, W2, m, 0.2) is ...:
    print("Exercise 3: not filled in yet")
else:
    for p in (0.2, 0.5):

        def error(z1, z2):
            return nn.squared_error(W2 @ (np.tanh(z1 + W1 @ x) * m / (1 - p)) + z2, y)

        right = ag.grad(error, argnums=(0, 1))(np.zeros(6), np.zeros(2))
        both = deltas(x, y, W1, W2, m, p)
        assert len(both) == 2, "Exercise 3: the two deltas: two arrays are asked for."
        for name, engine, found in zip(("hidden layer", "output"), right, both):
            shape = np.shape(found)
            assert shape == engine.shape, f"Exercise 3: delta of the {name} has shape {shape}, not {engine.shape}."
            words = f"for m = {m} and p = {p} delta of the {name} is {engine.round(3)}, not {np.round(found, 3)}."
            hint = "What does a unit that is put out change?" if np.any(np.asarray(found)[engine == 0]) else ""
            assert np.allclose(found, engine), f"Exercise 3: {words} {hint}"
    print("Exercise 3: right")

# %% [markdown]
# **Exercise 4.** From a confusion matrix, rows the labels and columns the answers: of each class, the part of its samples that are found
# (**recall**), and the part of the answers with its name that are right (**precision**).


# %% exercise 4
def recall_and_precision(matrix):
    return ...  # two arrays, a number for each class


# %% check 4
rng = np.random.default_rng(1)
labels = rng.choice(3, size=60, p=[0.6, 0.3, 0.1])
answers = np.where(rng.random(60) < 0.7, labels, rng.integers(0, 3, 60))
found = recall_and_precision(np.asarray(nn.metrics.confusion_matrix(answers, labels)))
if found is ...:
    print("Exercise 4: not filled in yet")
else:
    for k in range(3):
        recall, precision = np.mean(answers[labels == k] == k), np.mean(labels[answers == k] == k)
        for name, right, values in (("recall", recall, found[0]), ("precision", precision, found[1])):
            words = f"the {name} of class {k} is {right:.3f}, not {values[k]:.3f}."
            hint = "The two are exchanged." if np.isclose(values[k], recall + precision - right) else ""
            assert np.isclose(values[k], right), f"Exercise 4: {words} {hint}"
    print("Exercise 4: right")

# %% [markdown]
# ## Solutions
#
# <details><summary>Exercise 1</summary>
#
# ```python
# def descend(w, slope, held_out, alpha, steps):
#     best, lowest = w.copy(), held_out(w)
#     for _ in range(steps):
#         w = w - alpha * slope(w)
#         if held_out(w) < lowest:
#             best, lowest = w.copy(), held_out(w)
#     return best
# ```
#
# With `w -= ...` in place, `best = w` would be another name for the weights that move on. So `fit` copies them.
#
# </details>
#
# <details><summary>Exercise 2</summary>
#
# ```python
# def standardise(training, new):
#     mean, deviation = training.mean(axis=0), training.std(axis=0)
#     deviation = np.where(deviation > 0, deviation, 1.0)
#     return (training - mean) / deviation, (new - mean) / deviation
# ```
#
# In use the rows come one at a time. One row has no deviation of its own, so the training's has to be kept in any case.
#
# </details>
#
# <details><summary>Exercise 3</summary>
#
# ```python
# def deltas(x, y, W1, W2, m, p):
#     a1 = np.tanh(W1 @ x)
#     delta2 = W2 @ (a1 * m / (1 - p)) - y
#     delta1 = W2.T @ delta2 * m / (1 - p) * (1 - a1**2)
#     return delta1, delta2
# ```
#
# What multiplied the activations on the way up multiplies the deltas on the way down. The slope is that of the tanh before the dropout.
#
# </details>
#
# <details><summary>Exercise 4</summary>
#
# ```python
# def recall_and_precision(matrix):
#     right = np.diag(matrix)
#     return right / matrix.sum(axis=1), right / matrix.sum(axis=0)
# ```
#
# Where one class is rare, the errors as a whole hardly see it. These do.
#
# </details>
