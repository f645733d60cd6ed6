"""scikit-learn's scorers as metrics: each is shown an estimator whose answers are the outputs of a model."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from .functional import sigmoid, softmax
from .targets import classes_of, columns, plain

__all__ = ["metric", "names"]

# Of numbers; all others are of classes.
REGRESSION = frozenset(
    """
    d2_absolute_error_score explained_variance neg_max_error neg_mean_absolute_error neg_mean_absolute_percentage_error
    neg_mean_gamma_deviance neg_mean_poisson_deviance neg_mean_squared_error neg_mean_squared_log_error
    neg_median_absolute_error neg_root_mean_squared_error neg_root_mean_squared_log_error max_error r2
    """.split()
)
# Without scikit-learn this is what its names are known by.
CLASSIFICATION = frozenset(
    """
    accuracy adjusted_mutual_info_score adjusted_rand_score average_precision balanced_accuracy completeness_score
    d2_brier_score d2_log_loss_score f1 f1_macro f1_micro f1_samples f1_weighted fowlkes_mallows_score
    homogeneity_score jaccard jaccard_macro jaccard_micro jaccard_samples jaccard_weighted matthews_corrcoef
    mutual_info_score neg_brier_score neg_log_loss neg_negative_likelihood_ratio normalized_mutual_info_score
    positive_likelihood_ratio precision precision_macro precision_micro precision_samples precision_weighted rand_score
    recall recall_macro recall_micro recall_samples recall_weighted roc_auc roc_auc_ovo roc_auc_ovo_weighted roc_auc_ovr
    roc_auc_ovr_weighted top_k_accuracy v_measure_score
    """.split()
)


def names() -> list[str]:
    """Return the names of the scorers, also without the prefix ``neg_``, which changes the sign."""
    own: set[str] = set(REGRESSION | CLASSIFICATION)
    if find_spec("sklearn") is not None:
        from sklearn.metrics import get_scorer_names

        own = set(get_scorer_names())
    return sorted(own | {name.removeprefix("neg_") for name in own})


def metric(name: str, logits: bool | None = None) -> Callable[[Any, Any], float]:
    """Return a function of outputs and targets that asks the scorer of a name; of outputs with NaN it is NaN.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.metrics import get_scorer, get_scorer_names, log_loss
    except ImportError as error:
        raise ImportError(
            f"metrics.get: {name!r} is one of scikit-learn's scorers, and scikit-learn is not installed. Run "
            "pip install scikit-learn."
        ) from error
    asked, sign = name, 1
    if name not in get_scorer_names():
        name, sign = f"neg_{name}", -1
    scorer = get_scorer(name)
    estimator_of = _regressor if name in REGRESSION else functools.partial(_classifier, logits=logits)

    def value(outputs: Any, targets: Any) -> float:
        estimator, y = estimator_of(asked, outputs, targets)
        if np.isnan(plain(asked, "outputs", outputs)).any():
            return math.nan
        if name == "neg_log_loss" and not isinstance(estimator.classes_, list):  # a class may be absent from targets
            return -sign * float(log_loss(y, estimator.predict_proba(y), labels=estimator.classes_))
        return float(sign * scorer(estimator, np.zeros((len(y), 1)), y))

    return value


def _regressor(name: str, outputs: Any, targets: Any) -> tuple[Any, Any]:
    """Return a regressor that answers the outputs, and the targets."""
    values, targets = columns(name, outputs, targets)
    if values.shape[1] == 1:
        values, targets = values[:, 0], targets[:, 0]
    return _kinds()[0](values), targets


def _classifier(name: str, outputs: Any, targets: Any, logits: bool | None) -> tuple[Any, Any]:
    """Return a classifier that answers the outputs' classes, decisions and probabilities; and the labels."""
    values, y, logits = classes_of(name, outputs, targets, logits)
    classes: Any
    if values.shape == y.shape:  # one output for each label
        y = y.astype(int)
        positive = sigmoid(values) if logits else values
        predicted = (values > (0 if logits else 0.5)).astype(int)
        if values.ndim == 1:
            classes, probabilities = np.arange(2), np.stack([1 - positive, positive], axis=-1)
        else:
            classes, probabilities = [np.arange(2)] * values.shape[1], positive
        decisions = values
    else:
        k = values.shape[-1]
        values, y = values.reshape(-1, k), np.ravel(y).astype(int)
        classes, predicted = np.arange(k), np.argmax(values, axis=-1)
        probabilities = softmax(values) if logits else values
        decisions = values[:, 1] - values[:, 0] if k == 2 else values
    return _kinds()[1](predicted, probabilities, decisions, classes), y


@functools.cache
def _kinds() -> tuple[type[Any], type[Any]]:
    """Return a regressor and a classifier that answer what they were made of, whatever they are asked."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Answers(BaseEstimator):  # type: ignore[misc]
        def __init__(self, predicted: Any = None) -> None:
            self.predicted = predicted

        def predict(self, _X: Any) -> Any:
            return self.predicted

    class Regressor(RegressorMixin, Answers):  # type: ignore[misc]
        pass

    class Classifier(ClassifierMixin, Answers):  # type: ignore[misc]
        def __init__(
            self, predicted: Any = None, probabilities: Any = None, decisions: Any = None, classes: Any = None
        ) -> None:
            super().__init__(predicted)
            self.probabilities, self.decisions, self.classes = probabilities, decisions, classes
            self.classes_ = classes

        def predict_proba(self, _X: Any) -> Any:
            return self.probabilities

        def decision_function(self, _X: Any) -> Any:
            return self.decisions

    return Regressor, Classifier
