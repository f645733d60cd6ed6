"""summary: rows, shapes, counts and marks; what it leaves as it was; how it looks."""

from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_mini as ag
import nn


class Net(nn.Module):
    """Nested, with a part in two places, a weight in two parts, and a part that is never called."""

    def __init__(self):
        self.encoder = nn.Sequential(nn.Linear(8, 16, rng=0), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5, rng=1))
        self.blocks = [nn.Linear(16, 16, rng=2), nn.Linear(16, 16, bias=False, rng=3)]
        self.again = self.blocks[0]
        self.tied = nn.Linear(16, 16, rng=4)
        self.tied.weight = self.blocks[1].weight
        self.unused = nn.Linear(2, 2, rng=5)
        self.scale = nn.Parameter(np.ones(16))

    def forward(self, x):
        x = self.encoder(x)
        for block in self.blocks:
            x = block(x)
        return self.tied(self.again(x)) * self.scale


def rows(model, x=None):
    return {row.name: row for row in nn.summary(model, x).rows}


def test_an_mlp_has_a_row_for_itself_and_one_for_each_layer_in_order():
    found = nn.summary(nn.MLP([64, 32, 10], rng=0), (5, 64))
    assert [(r.depth, r.name, r.module, r.output, r.parameters) for r in found.rows] == [
        (0, "", "MLP", "(5, 10)", 0),
        (1, "0", "Linear(64 -> 32)", "(5, 32)", 64 * 32 + 32),
        (1, "1", "ReLU()", "(5, 32)", 0),
        (1, "2", "Linear(32 -> 10)", "(5, 10)", 32 * 10 + 10),
    ]
    assert found.parameters == found.trainable == 64 * 32 + 32 + 32 * 10 + 10
    assert (found.frozen, found.buffers, found.bytes) == (0, 0, 8 * found.parameters)
    assert found.multiply_adds == 5 * (64 * 32 + 32 * 10)


def test_without_an_input_there_are_no_shapes_and_nothing_is_run():
    class Never(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2, rng=0)

        def forward(self, _x):
            raise AssertionError("was run")

    found = nn.summary(Never())
    assert [row.output for row in found.rows] == ["", ""]
    assert found.multiply_adds is None
    assert "output" not in str(found)


@pytest.mark.parametrize("x", [(4, 3), np.ones((4, 3)), np.ones((4, 3)).tolist(), ag.Tensor(np.ones((4, 3)))], ids=type)
def test_the_input_may_be_a_shape_or_an_input(x):
    assert rows(nn.Linear(3, 2, rng=0), x)[""].output == "(4, 2)"


def test_a_shape_gives_zeros_of_the_parameters_dtype():
    seen = []

    class Looks(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2, rng=0, dtype=np.float32)

        def forward(self, x):
            seen.append((x.dtype, x.shape, x.any()))
            return self.linear(x)

    found = nn.summary(Looks(), (1, 3))
    assert seen == [(np.float32, (1, 3), False)]
    assert found.bytes == 4 * 8


def test_what_is_shared_is_counted_once_and_marked():
    net = Net()
    found = rows(net, (4, 8))
    assert (found["blocks.0"].parameters, found["blocks.0"].output) == (16 * 16 + 16, "(4, 16) × 2")
    assert (found["again"].parameters, found["again"].shared) == (0, "same as blocks.0")
    assert (found["tied"].parameters, found["tied"].shared) == (16, "weight is blocks.1.weight")
    whole = nn.summary(net, (4, 8))
    assert whole.parameters == sum(p.size for p in net.parameters()) == sum(row.parameters for row in whole.rows)


def test_parameters_of_the_model_itself_are_in_its_row():
    assert rows(Net())[""].parameters == 16


def test_a_part_that_is_not_called_says_so():
    found = rows(Net(), (4, 8))
    assert found["unused"].output == "not called"
    assert [name for name, row in found.items() if row.output == "not called"] == ["unused"]


def test_multiply_adds_count_every_call_of_a_linear_layer():
    assert nn.summary(Net(), (4, 8)).multiply_adds == 4 * (8 * 16 + 4 * 16 * 16)


def test_frozen_parameters_are_told_from_trainable_ones():
    net = Net()
    net.encoder.freeze()
    net.blocks[0].bias.requires_grad = False
    found = nn.summary(net)
    assert (found.frozen, found.trainable) == (8 * 16 + 16 + 32 + 16, found.parameters - found.frozen)
    text = str(found)
    assert "144  frozen" in text
    assert "272  16 frozen" in text


def test_buffers_and_bytes():
    found = nn.summary(nn.BatchNorm1d(6, dtype=np.float32))
    buffers = [b for _, b in nn.BatchNorm1d(6, dtype=np.float32).named_buffers()]
    assert found.buffers == sum(b.size for b in buffers) > 0
    assert found.bytes == 2 * 6 * 4 + sum(b.data.nbytes for b in buffers)


def test_outputs_of_several_shapes_are_all_shown():
    class Twice(nn.Module):
        def __init__(self):
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(x), {"first": self.relu(x[:1]), "count": 3}

    found = rows(Twice(), (4, 3))
    assert found["relu"].output == "(4, 3), (1, 3)"
    assert found[""].output == "[(4, 3), [first: (1, 3), count: int]]"


# ------------------------------------------------------------------------------------------- nothing is changed


class Restless(nn.Module):
    """Draws and counts whatever the mode."""

    def __init__(self):
        self.rng, self.calls = np.random.default_rng(0), nn.Buffer(np.zeros(1))
        self.net = Net()

    def forward(self, x):
        self.calls.assign(self.calls.value + 1)
        return self.net(x) + self.rng.normal()


@pytest.mark.parametrize("fails", [False, True])
def test_modes_buffers_and_generators_are_afterwards_as_they_were(fails):
    model = Restless()
    model.net.blocks[1].eval()
    state = model.state_dict()
    modes = [module.training for _, module in model.named_modules()]
    draws = [generator.bit_generator.state for _, generator in model.named_generators()]
    assert len(draws) > 1
    if fails:
        with pytest.raises(ag.errors.ShapeError, match="takes 8 inputs"):
            nn.summary(model, (4, 9))
    else:
        nn.summary(model, (4, 8))
    assert [module.training for _, module in model.named_modules()] == modes
    assert [generator.bit_generator.state for _, generator in model.named_generators()] == draws
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[name])
    assert all(p.grad is None for p in model.parameters())


def test_the_model_runs_in_evaluation_mode_and_is_not_recorded():
    seen = []

    class Looks(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(3, 2, rng=0)

        def forward(self, x):
            out = self.linear(x)
            seen.append((self.training, self.linear.training, out.requires_grad))
            return out

    nn.summary(Looks(), (1, 3))
    assert seen == [(False, False, False)]


def test_a_graph_that_was_recorded_before_can_still_be_swept():
    net = Net()
    loss = np.mean(net(np.random.default_rng(0).normal(size=(4, 8))))
    nn.summary(net, (4, 8))
    loss.backward()
    assert net.scale.grad is not None


# ------------------------------------------------------------------------------------------------- how it looks


def test_as_text():
    net = Net()
    net.encoder.freeze()
    expected = """\
part      is                  output       parameters
────────────────────────────────────────────────────────────────────────────────
model     Net                 (4, 16)              16
encoder   Sequential          (4, 16)
  0       Linear(8 -> 16)     (4, 16)             144  frozen
  1       BatchNorm1d(16)     (4, 16)              32  frozen
  2       ReLU()              (4, 16)
  3       Dropout(0.5)        (4, 16)
blocks.0  Linear(16 -> 16)    (4, 16) × 2         272
blocks.1  Linear(16 -> 16, …  (4, 16)             256
again     Linear(16 -> 16)    (4, 16) × 2              same as blocks.0
tied      Linear(16 -> 16)    (4, 16)              16  weight is blocks.1.weight
unused    Linear(2 -> 2)      not called            6
────────────────────────────────────────────────────────────────────────────────
742 parameters (566 trainable, 176 frozen), 33 in buffers, 6.1 KiB, 4,608
multiply-adds"""
    assert str(nn.summary(net, (4, 8))) == repr(nn.summary(net, (4, 8))) == expected


def test_text_fits_80_columns_where_descriptions_can_be_cut():
    class Wordy(nn.Module):
        def forward(self, x):
            return x

        def __repr__(self):
            return "Wordy(" + ", ".join(f"option_{i}={i}" for i in range(30)) + ")"

    text = str(nn.summary(nn.Sequential(Wordy(), nn.Linear(3, 2, rng=0)), (1, 3)))
    assert max(map(len, text.splitlines())) == 80
    assert "Wordy(option_0=0" in text
    assert "…" in text


def test_a_repr_of_several_lines_is_the_class():
    class Tall(nn.Module):
        def __repr__(self):
            return "Tall(\n)"

    assert rows(Tall())[""].module == "Tall"


def test_as_html_every_cell_of_the_text_is_there_and_no_colour_is_fixed():
    net = Net()
    found = nn.summary(net, (4, 8))
    markup = found._repr_html_()
    page = ElementTree.fromstring(f"<div>{markup}</div>")
    cells = [["".join(cell.itertext()) for cell in line] for line in page.iter("tr")]
    assert cells == [[cell.strip() for cell in row] for row in found.cells()]
    assert "Linear(8 -&gt; 16)" in markup
    assert "#" not in markup  # a light page or a dark one: colours are inherited
    assert found.totals() in "".join(page.itertext())


def test_a_module_that_holds_itself_ends():
    model = nn.Linear(3, 2, rng=0)
    net = nn.Sequential(model)
    net.self = net
    assert [(row.name, row.shared) for row in nn.summary(net).rows] == [("", ""), ("0", ""), ("self", "same as model")]
