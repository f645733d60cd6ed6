"""Metrics: values by hand and against scikit-learn's, names, and what is taken for logits, classes and labels."""

import functools
import sys
from unittest import mock
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import metrics, scorers

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(60, 4)) * 2
LABELS = RNG.integers(0, 4, 60)
Z[np.arange(60), LABELS] += 1.5
OUT, Y = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 3))


@pytest.fixture
def sklearn_metrics():
    return pytest.importorskip("sklearn.metrics", reason="needs scikit-learn")


# ------------------------------------------------------------------------------------------------------ accuracy


def test_accuracy_is_under_its_old_names_too():
    assert nn.accuracy is metrics.accuracy is nn.losses.accuracy


@pytest.mark.parametrize(
    ("outputs", "labels", "expected"),
    [
        ([[0.2], [0.9], [0.6]], [0, 1, 0], 2 / 3),  # probabilities: the border is 1/2
        ([[0.2], [0.9], [0.6]], [[0], [1], [0]], 2 / 3),
        ([0.2, 0.9, 0.6], [[0.0], [1.0], [0.0]], 2 / 3),
        ([[-0.2], [0.2], [0.3]], [0, 1, 1], 1.0),  # logits: one is below 0
        ([[0.2], [1.2], [0.3]], [1, 1, 0], 2 / 3),  # or above 1
        ([[0.2], [0.7], [0.3]], [-1, 1, 1], 2 / 3),  # or a label is -1
        ([[0.2, 0.8], [0.9, 0.1]], [[0, 1], [0, 1]], 0.5),  # several outputs, each with its own label
        ([[0.5], [0.5]], [0, 1], 0.5),  # on the border: 0
        ([[0.0], [-1.0]], [0, 1], 0.5),
        ([[0.2], [0.8]], [False, True], 1.0),
    ],
)
def test_binary_accuracy(outputs, labels, expected):
    assert metrics.binary_accuracy(outputs, labels) == pytest.approx(expected)
    assert metrics.binary_accuracy(ag.Tensor(outputs, requires_grad=True), np.array(labels)) == pytest.approx(expected)
    assert type(metrics.binary_accuracy(outputs, labels)) is float


def test_binary_accuracy_is_told_that_outputs_between_0_and_1_are_logits():
    outputs, labels = [[0.2], [0.9]], [1, 1]
    assert metrics.binary_accuracy(outputs, labels) == 0.5
    assert metrics.binary_accuracy(outputs, labels, logits=True) == 1
    assert metrics.binary_accuracy(outputs, labels, logits=False) == 0.5


def test_nan_is_never_right():
    assert metrics.binary_accuracy([[np.nan], [0.2]], [1, 0]) == 0.5
    assert metrics.binary_accuracy([np.nan, 0.2], [0, 0]) == 0.5
    for accuracy in (nn.accuracy, metrics.get("accuracy")):
        assert accuracy([[np.nan, 0.1], [0.1, np.nan], [0.1, 0.9], [-np.inf, np.inf]], [0, 1, 1, 1]) == 0.5
    assert metrics.get("accuracy")([[np.nan], [0.2]], [0, 0]) == 0.5
    outputs = np.array([[np.nan, 0.1, 0.2], [0.3, np.nan, 0.2], [0.3, 0.5, 0.2]])
    assert metrics.top_k_accuracy(outputs, [0, 0, 0]) == pytest.approx(2 / 3)
    assert metrics.top_k_accuracy(outputs, [0, 1, 1], k=3) == pytest.approx(1 / 3)


@pytest.mark.parametrize("label", [0.5, np.nan])
@pytest.mark.parametrize("metric", [nn.accuracy, metrics.top_k_accuracy, metrics.confusion_matrix])
def test_a_label_that_is_no_class_is_refused_and_not_rounded(metric, label):
    with pytest.raises(ValueError, match=f"there is a label {label}, but labels must be the classes' numbers, 0 to 1"):
        metric([[0.1, 0.9], [0.8, 0.2]], [label, 1])
    assert np.asarray(metric([[0.1, 0.9], [0.8, 0.2]], [1.0, 0.0])).sum() in (1, 2)


def test_top_k_accuracy_by_hand():
    outputs = [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]
    assert [metrics.top_k_accuracy(outputs, [1, 2, 2], k) for k in (1, 2, 3, 9)] == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert metrics.top_k_accuracy(outputs, [1, 2, 2]) == metrics.top_k_accuracy(outputs, [1, 2, 2], 2)


def test_top_1_accuracy_is_accuracy_also_of_equal_outputs():
    outputs = RNG.integers(0, 3, (50, 4)).astype(float)
    labels = RNG.integers(0, 4, 50)
    assert metrics.top_k_accuracy(outputs, labels, 1) == nn.accuracy(outputs, labels)
    assert metrics.top_k_accuracy(outputs.reshape(5, 10, 4), labels.reshape(5, 10), 1) == nn.accuracy(outputs, labels)


def test_top_k_accuracy_is_scikit_learn_s(sklearn_metrics):
    for k in (1, 2, 3):
        expected = sklearn_metrics.top_k_accuracy_score(LABELS, Z, k=k)
        assert metrics.top_k_accuracy(Z, LABELS, k) == pytest.approx(expected)


# ---------------------------------------------------------------------------------------------- confusion matrix


def test_confusion_matrix_counts_labels_in_rows_and_answers_in_columns():
    matrix = metrics.confusion_matrix(np.eye(3)[[0, 0, 1, 2, 2]], [0, 1, 1, 2, 0])
    expected = [[1, 0, 1], [1, 1, 0], [0, 0, 1]]
    assert np.asarray(matrix).tolist() == matrix.counts.tolist() == expected
    assert matrix[1, 0] == 1
    assert matrix[0].tolist() == [1, 0, 1]
    assert np.trace(np.asarray(matrix)) / 5 == nn.accuracy(np.eye(3)[[0, 0, 1, 2, 2]], [0, 1, 1, 2, 0])
    assert np.asarray(matrix, float).dtype == float


def test_confusion_matrix_has_a_row_for_a_class_that_does_not_occur():
    assert metrics.confusion_matrix(np.eye(4)[[0, 1]], [0, 0]).counts.shape == (4, 4)


@pytest.mark.parametrize(
    ("outputs", "labels", "logits"),
    [
        ([[0.2], [0.9], [0.6]], [0, 1, 0], None),
        ([0.2, 0.9, 0.6], [0, 1, 0], None),
        ([[-2.0], [0.2], [0.1]], [[0], [1], [0]], None),
        ([[0.0], [0.2], [0.1]], [0, 1, 0], True),
        ([0, 1, 1], [0, 1, 0], None),  # the answers themselves
    ],
)
def test_confusion_matrix_of_two_classes(outputs, labels, logits):
    assert metrics.confusion_matrix(outputs, labels, logits=logits).counts.tolist() == [[1, 1], [0, 1]]


def test_confusion_matrix_is_scikit_learn_s(sklearn_metrics):
    expected = sklearn_metrics.confusion_matrix(LABELS, Z.argmax(-1))
    assert metrics.confusion_matrix(Z, LABELS).counts.tolist() == expected.tolist()
    assert metrics.confusion_matrix(Z.argmax(-1), LABELS).counts.tolist() == expected.tolist()


@pytest.mark.parametrize("outputs", [Z, Z.argmax(-1), Z.argmax(-1)[:, None]], ids=["rows", "answers", "column"])
def test_confusion_matrix_takes_one_hot_rows_and_columns_of_labels(outputs):
    """Rows as long as those of the outputs were taken for classes of their own, and gave a matrix of two classes."""
    k = Z.shape[-1]
    counts = np.zeros((k, k), int)
    np.add.at(counts, (LABELS, Z.argmax(-1)), 1)
    targets = [LABELS, LABELS[:, None]]
    if outputs is Z:
        targets += [np.eye(k)[LABELS], np.eye(k, dtype=int)[LABELS], LABELS.astype(float)]
    for labels in targets:
        np.testing.assert_array_equal(metrics.confusion_matrix(outputs, labels, range(k)).counts, counts)


def test_confusion_matrix_refuses_what_is_no_answer():
    with pytest.raises(ValueError, match="some outputs are NaN"):
        metrics.confusion_matrix([[np.nan, 1.0]], [0])
    with pytest.raises(ag.errors.ShapeError, match=r"outputs\[:, j\]"):
        metrics.confusion_matrix([[0.2, 0.7]], [[1, 1]])
    with pytest.raises(ValueError, match="label -1 is out of range"):
        metrics.confusion_matrix([-1, -1], [-1, -1])
    with pytest.raises(TypeError, match="classes is 'ab', but must be a list of names"):
        metrics.confusion_matrix([0, 1], [0, 1], "ab")


def test_confusion_matrix_as_text_and_html():
    matrix = metrics.confusion_matrix(np.eye(2)[[0] * 12 + [1]], [0] * 11 + [1, 1], ["cat", "<dog>"])
    expected = """\
label, taken for →    cat  <dog>
────────────────────────────────
cat                    11      ·
<dog>                   1      1"""
    assert str(matrix) == repr(matrix) == expected
    page = ElementTree.fromstring(f"<div>{matrix._repr_html_()}</div>")
    cells = [["".join(cell.itertext()) for cell in line] for line in page.iter("tr")]
    assert cells == [["", "taken for"], ["label", "cat", "<dog>"], ["cat", "11", "0"], ["<dog>", "1", "1"]]


def test_confusion_matrix_refuses_a_class_that_has_no_name():
    with pytest.raises(ValueError, match="label 2 is out of range"):
        metrics.confusion_matrix([0, 2], [0, 1], ["a", "b"])


# -------------------------------------------------------------------------------------------------- regression


REGRESSION = {
    "r2_score": metrics.r2_score,
    "mean_absolute_error": metrics.mean_absolute_error,
    "root_mean_squared_error": metrics.root_mean_squared_error,
}


def test_regression_metrics_by_hand():
    o, y = np.array([[1.0, 0], [2, 1], [4, 5]]), np.array([[1.0, 1], [2, 2], [3, 3]])
    assert metrics.r2_score(o, y) == pytest.approx(((1 - 1 / 2) + (1 - 6 / 2)) / 2)
    assert metrics.mean_absolute_error(o, y) == pytest.approx(5 / 6)
    assert metrics.root_mean_squared_error(o, y) == pytest.approx((np.sqrt(1 / 3) + np.sqrt(2)) / 2)


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("shape", [(90,), (90, 1), (30, 3)], ids=str)
def test_regression_metrics_are_scikit_learn_s(sklearn_metrics, name, shape):
    o, y = OUT.reshape(shape), Y.reshape(shape)
    expected = getattr(sklearn_metrics, name)(y, o)
    value = REGRESSION[name](o, y)
    assert type(value) is float
    assert value == pytest.approx(expected, rel=1e-13)
    assert REGRESSION[name](ag.Tensor(o), y.astype(np.float32)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("o", "expected"), [([1.0, 1.0, 1.0], 1.0), ([1.0, 1.0, 2.0], 0.0)], ids=["right everywhere", "wrong somewhere"]
)
def test_r2_of_targets_that_are_all_equal_is_defined_as_scikit_learn_s(o, expected):
    assert metrics.r2_score(o, [1.0, 1.0, 1.0]) == expected
    two = np.stack([o, [0.0, 1.0, 2.0]], axis=1)
    assert metrics.r2_score(two, [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]) == (expected + 1) / 2


def test_equal_targets_whose_mean_is_off_by_rounding_are_equal():
    assert np.mean([0.1] * 3) != 0.1
    assert metrics.r2_score([0.1, 0.1, 0.2], [0.1] * 3) == 0
    assert metrics.r2_score([0.1] * 3, [0.1] * 3) == 1


def test_scikit_learn_s_r2_of_targets_that_are_all_equal(sklearn_metrics):
    for o in ([1.0, 1.0, 1.0], [1.0, 1.0, 2.0]):
        assert sklearn_metrics.r2_score([1.0, 1.0, 1.0], o) == metrics.r2_score(o, [1.0, 1.0, 1.0])


def test_r2_of_nan_is_nan():
    assert np.isnan(metrics.r2_score([1.0, np.nan, 2.0], [1.0, 2.0, 3.0]))


def test_outputs_of_several_axes_are_one_output_each():
    assert metrics.r2_score(OUT.reshape(30, 3, 1), Y.reshape(30, 3, 1)) == metrics.r2_score(OUT, Y)


# ------------------------------------------------------------------------------------------------------ names


NAMES = ["accuracy", "binary_accuracy", "top_k_accuracy", "r2", "r2_score", "mae", "mean_absolute_error", "rmse"]
NAMES += ["root_mean_squared_error"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_function_of_outputs_and_targets(name):
    o, y = (Z, LABELS) if name in ("accuracy", "top_k_accuracy") else (Z[:, :1], (LABELS[:, None] > 1).astype(float))
    assert type(metrics.get(name)(o, y)) is float


def test_a_function_is_returned_as_it_is():
    mine = functools.partial(metrics.top_k_accuracy, k=3)
    assert metrics.get(mine) is mine
    assert metrics.get(nn.accuracy) is nn.accuracy


def test_names_that_are_the_same_metric():
    assert metrics.get("r2") is metrics.get("r2_score") is metrics.r2_score
    assert metrics.get("mae") is metrics.get("mean_absolute_error") is metrics.mean_absolute_error
    assert metrics.get("rmse") is metrics.get("root_mean_squared_error") is metrics.root_mean_squared_error


def test_accuracy_by_name_takes_labels_one_hot_rows_and_single_columns():
    accuracy = metrics.get("accuracy")
    assert accuracy.__name__ == "accuracy"
    expected = nn.accuracy(Z, LABELS)
    for targets in (LABELS, LABELS[:, None], LABELS.astype(float), np.eye(4)[LABELS], 0.9 * np.eye(4)[LABELS] + 0.025):
        assert accuracy(Z, targets) == accuracy(nn.softmax(Z), targets) == expected
    assert accuracy([[0.2], [0.9], [0.6]], [0, 1, 0]) == pytest.approx(2 / 3)
    assert accuracy([[-2.0], [0.9], [0.1]], [[0.0], [1.0], [0.0]]) == pytest.approx(2 / 3)
    assert accuracy([[-2.0, 1.0], [0.9, 1.0]], [[0, 1], [0, 0]]) == 0.5  # outputs that are classes of their own
    assert accuracy([0.2, 0.9, 0.6], [0, 1, 0]) == pytest.approx(2 / 3)
    assert metrics.get("accuracy", logits=True)([[0.2], [0.9]], [1, 1]) == 1


def test_accuracy_by_name_refuses_numbers_for_labels():
    with pytest.raises(ValueError, match=r"there is a label 0.25, but labels must be 0 and 1"):
        metrics.get("accuracy")([[0.5], [0.6]], [[0.25], [1.0]])
    with pytest.raises(ag.errors.ShapeError, match=r"take labels of shape \(60,\), not \(59,\)"):
        metrics.get("accuracy")(Z, LABELS[1:])


def test_an_unknown_name_is_told_those_that_there_are():
    with pytest.raises(ValueError, match=r"no metric 'best'\. nn's are accuracy, .*, r2, .*rmse") as error:
        metrics.get("best")
    assert "meant" not in str(error.value)
    with pytest.raises(ValueError, match="Is 'f1_macro' meant"):
        metrics.get("f1-macro")


def test_without_scikit_learn_its_names_say_what_to_install():
    with mock.patch.dict(sys.modules, {"sklearn": None, "sklearn.metrics": None}):
        for name in ("f1_macro", "neg_log_loss", "log_loss"):
            with pytest.raises(ImportError, match=f"'{name}' is one of scikit-learn's .* pip install scikit-learn"):
                metrics.get(name)
        assert metrics.get("accuracy")(Z, LABELS) == nn.accuracy(Z, LABELS)
        with pytest.raises(ValueError, match="no metric 'best'"):
            metrics.get("best")


# ---------------------------------------------------------------------------------------- scikit-learn's scorers


def scored(m, name, y, classes=None, probabilities=None, decisions=None):
    """Return what scikit-learn's functions give for the arrays that a scorer should have made of the outputs."""
    average = name.rpartition("_")[2]
    return {
        "f1_macro": lambda: m.f1_score(y, classes, average=average),
        "f1_weighted": lambda: m.f1_score(y, classes, average=average),
        "precision_micro": lambda: m.precision_score(y, classes, average=average),
        "recall_macro": lambda: m.recall_score(y, classes, average=average),
        "jaccard_macro": lambda: m.jaccard_score(y, classes, average=average),
        "f1": lambda: m.f1_score(y, classes),
        "precision": lambda: m.precision_score(y, classes),
        "recall": lambda: m.recall_score(y, classes),
        "balanced_accuracy": lambda: m.balanced_accuracy_score(y, classes),
        "matthews_corrcoef": lambda: m.matthews_corrcoef(y, classes),
        "neg_log_loss": lambda: -m.log_loss(y, probabilities),
        "log_loss": lambda: m.log_loss(y, probabilities),
        "neg_brier_score": lambda: -m.brier_score_loss(y, probabilities[:, 1]),
        "roc_auc": lambda: m.roc_auc_score(y, decisions),
        "average_precision": lambda: m.average_precision_score(y, decisions),
        "roc_auc_ovr": lambda: m.roc_auc_score(y, probabilities, multi_class="ovr"),
        "roc_auc_ovo_weighted": lambda: m.roc_auc_score(y, probabilities, multi_class="ovo", average="weighted"),
    }[name]()


SEVERAL = ["f1_macro", "f1_weighted", "precision_micro", "recall_macro", "jaccard_macro", "balanced_accuracy"]
SEVERAL += ["matthews_corrcoef", "neg_log_loss", "log_loss", "roc_auc_ovr", "roc_auc_ovo_weighted"]


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("given", ["logits", "probabilities"])
@pytest.mark.parametrize("targets", ["labels", "column", "one-hot"])
def test_scorers_of_several_classes(sklearn_metrics, name, given, targets):
    probabilities = nn.softmax(Z)
    expected = scored(sklearn_metrics, name, LABELS, Z.argmax(-1), probabilities)
    y = {"labels": LABELS, "column": LABELS[:, None], "one-hot": np.eye(4)[LABELS]}[targets]
    metric = metrics.get(name)
    assert metric.__name__ == name
    value = metric(Z if given == "logits" else probabilities, y)
    assert type(value) is float
    assert value == pytest.approx(expected, rel=1e-12)


TWO = ["f1", "precision", "recall", "balanced_accuracy", "neg_log_loss", "log_loss", "neg_brier_score", "roc_auc"]
TWO += ["average_precision", "f1_macro"]


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("given", ["logits", "probabilities", "two logits", "two probabilities"])
@pytest.mark.parametrize("signs", [False, True], ids=["0 and 1", "-1 and 1"])
def test_scorers_of_two_classes(sklearn_metrics, name, given, signs):
    z, y = Z[:, 0], (LABELS == 0).astype(int)
    p = nn.sigmoid(z)
    both = np.stack([1 - p, p], axis=1)
    expected = scored(sklearn_metrics, name, y, (z > 0).astype(int), both, z)
    outputs = {
        "logits": z[:, None],
        "probabilities": p[:, None],
        "two logits": np.stack([0 * z + 5, z + 5], axis=1),
        "two probabilities": both,
    }[given]
    if given.startswith("two"):
        targets = np.eye(2)[y] if signs else y
        value = metrics.get(name)(outputs, targets)
    else:
        value = metrics.get(name, logits=given == "logits")(outputs, (2 * y - 1 if signs else y)[:, None].astype(float))
    assert value == pytest.approx(expected, rel=1e-12)


def test_scorers_of_outputs_that_are_classes_of_their_own(sklearn_metrics):
    y = (RNG.uniform(size=Z.shape) < 0.5).astype(int)
    for outputs in (Z, nn.sigmoid(Z)):
        expected = sklearn_metrics.f1_score(y, Z > 0, average="macro")
        assert metrics.get("f1_macro")(outputs, y) == pytest.approx(expected)
        assert metrics.get("roc_auc")(outputs, y) == pytest.approx(sklearn_metrics.roc_auc_score(y, Z))


@pytest.mark.parametrize("shape", [(90,), (90, 1), (30, 3)], ids=str)
def test_scorers_of_numbers(sklearn_metrics, shape):
    o, y = OUT.reshape(shape), Y.reshape(shape)
    m = sklearn_metrics
    for name, expected in {
        "neg_mean_squared_error": -m.mean_squared_error(y, o),
        "mean_squared_error": m.mean_squared_error(y, o),
        "explained_variance": m.explained_variance_score(y, o),
        "neg_median_absolute_error": -m.median_absolute_error(y, o),
        "neg_root_mean_squared_error": -m.root_mean_squared_error(y, o),
    }.items():
        assert metrics.get(name)(o, y) == pytest.approx(expected, rel=1e-12)


def test_a_scorer_of_numbers_is_told_from_one_of_classes(sklearn_metrics):
    """Each name of this scikit-learn's is one or the other: given what it is said to take, it answers."""
    several = Z > 0.1
    several[:, :2] = True  # more than one class in each row, or the rows would be one-hot
    positive = np.abs(OUT[:, :1]) + 0.1
    multilabel = ("f1_samples", "jaccard_samples", "precision_samples", "recall_samples")
    for name in set(sklearn_metrics.get_scorer_names()) - set(NAMES):
        if name in scorers.REGRESSION:
            value = metrics.get(name)(positive, np.abs(Y[:, :1]) + 0.1)
        elif name in multilabel:
            value = metrics.get(name)(Z - Z.mean(axis=-1, keepdims=True), several)
        else:
            value = metrics.get(name)(Z[:, :1], LABELS < 2)
        assert np.isfinite(value), name


def test_names_known_without_scikit_learn_are_its_names(sklearn_metrics):
    """Releases add and drop a few."""
    names, known = set(sklearn_metrics.get_scorer_names()), scorers.REGRESSION | scorers.CLASSIFICATION
    assert len(names & known) > 0.8 * max(len(names), len(known))


def test_the_log_loss_of_targets_without_one_of_the_classes_is_that_of_the_loss(sklearn_metrics):  # noqa: ARG001
    for labels in (np.array([0, 1, 1]), np.array([1, 1, 1])):
        logits = Z[:3]
        expected = float(nn.cross_entropy(logits, labels))
        assert metrics.get("log_loss", logits=True)(logits, labels) == pytest.approx(expected, rel=1e-12)
        assert metrics.get("neg_log_loss", logits=True)(logits, labels) == pytest.approx(-expected, rel=1e-12)
    one = float(nn.binary_cross_entropy_with_logits([[0.3], [2.0]], [[1], [1]]))
    assert metrics.get("log_loss", logits=True)([0.3, 2.0], [1, 1]) == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize("name", ["f1", "roc_auc", "log_loss", "r2", "neg_mean_squared_error"])
def test_a_scorer_of_nan_is_nan(sklearn_metrics, name):  # noqa: ARG001
    assert np.isnan(metrics.get(name)([0.2, np.nan, 0.6], [0, 1, 1]))


@pytest.mark.parametrize("name", ["accuracy", "f1", "roc_auc"])
def test_single_outputs_without_a_column_take_labels_in_one(sklearn_metrics, name):  # noqa: ARG001
    metric = metrics.get(name)
    assert metric([0.2, 0.9, 0.6], [[0], [1], [0]]) == metric([[0.2], [0.9], [0.6]], [0, 1, 0])
