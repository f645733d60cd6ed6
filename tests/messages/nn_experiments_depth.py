"""What goes wrong with the experiments on depth and cost."""

import nn

ROWS = {
    "nn.experiments.remedies(networks='ReLU, He')": (
        lambda: nn.experiments.remedies(networks="ReLU, He"),
        ValueError,
        ["remedies: networks is 'ReLU, He'", "sigmoid, Xavier; sigmoid, He", r"networks=\['sigmoid, Xavier'"],
    ),
    "nn.experiments.gradient_cost(depths=[3, 3])": (
        lambda: nn.experiments.gradient_cost(depths=[3, 3]),
        ValueError,
        [r"gradient_cost: depths is \[3, 3\]", "two different numbers", r"depths=\(2, 4, 8\)"],
    ),
}
