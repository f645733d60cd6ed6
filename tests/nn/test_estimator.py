"""MLPClassifier and MLPRegressor: scikit-learn's own checks, its tools around them, and its numbers beside theirs."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import nn

sklearn = pytest.importorskip("sklearn", reason="needs the extra: pip install 'autograd-mini[sklearn]'")

import joblib  # noqa: E402
from scipy import sparse  # noqa: E402
from sklearn import neural_network  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import ConvergenceWarning, NotFittedError  # noqa: E402
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402
from sklearn.metrics import accuracy_score, r2_score  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

DIGITS, LABELS = nn.load_digits()
DIGITS, LABELS = DIGITS[:300], LABELS[:300]
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)  # three classes
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * X[:, 0] ** 2
BOTH = [(nn.MLPClassifier, Y), (nn.MLPRegressor, NUMBERS)]
both = pytest.mark.parametrize(("kind", "y"), BOTH, ids=["classifier", "regressor"])


def make(kind=nn.MLPClassifier, hidden=(8,), **options):
    """Return an estimator that trains for a few epochs, without asking whether it converges."""
    usual = {"max_iter": 5, "n_iter_no_change": np.inf, "random_state": 0}
    return kind(hidden, **{**usual, **options})


def same(a, b, x=X):
    return np.array_equal(a.predict(x), b.predict(x)) and same_weights(a, b)


def same_weights(a, b):
    a, b = a.model_.state_dict(), b.model_.state_dict()
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# -------------------------------------------------------------------------------------- scikit-learn's own checks


QUICK = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.05, "max_iter": 30}


@parametrize_with_checks([nn.MLPClassifier(**QUICK), nn.MLPRegressor(**QUICK)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


# ---------------------------------------------------------------------------------------- scikit-learn's own tools


def test_scaled_in_a_pipeline_it_learns_the_digits():
    model = make_pipeline(StandardScaler(), make(hidden=(32,), max_iter=40, learning_rate_init=0.01))
    assert model.fit(DIGITS[:200], LABELS[:200]).score(DIGITS[200:], LABELS[200:]) > 0.8


@both
def test_grid_search_reaches_its_parameters_through_a_pipeline(kind, y):
    pipeline = make_pipeline(StandardScaler(), make(kind, max_iter=30, learning_rate_init=0.05))
    name = kind.__name__.lower()
    search = GridSearchCV(pipeline, {f"{name}__hidden_layer_sizes": [(4,), (8, 4)], f"{name}__alpha": [0, 1.0]}, cv=2)
    search.fit(X, y)
    assert search.best_score_ == max(search.cv_results_["mean_test_score"]) > 0.5
    assert search.best_estimator_[-1].hidden_layer_sizes == search.best_params_[f"{name}__hidden_layer_sizes"]


def test_grid_search_in_two_processes_finds_the_same_scores_as_in_one():
    grid = {"hidden_layer_sizes": [(4,), (8,)]}
    one, two = (GridSearchCV(make(), grid, cv=2, n_jobs=n).fit(X, Y) for n in (1, 2))
    assert np.array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    assert same(one.best_estimator_, two.best_estimator_)


@both
def test_cross_validation_scores_are_those_of_estimators_fitted_by_hand(kind, y):
    scores = cross_val_score(make(kind), X, y, cv=[(np.arange(30), np.arange(30, 60))])
    assert scores == [make(kind).fit(X[:30], y[:30]).score(X[30:], y[30:])]


@both
def test_clone_has_the_parameters_and_nothing_that_was_learned(kind, y):
    estimator = make(kind, alpha=0.3).fit(X, y)
    again = clone(estimator)
    assert again.get_params() == estimator.get_params()
    assert not hasattr(again, "model_")
    with pytest.raises(NotFittedError):
        again.predict(X)


@both
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_pickled_dumped_and_copied_it_predicts_the_same_to_the_last_bit(kind, y, solver, tmp_path):
    estimator = make(kind, solver=solver).fit(X, y)
    joblib.dump(estimator, tmp_path / "estimator")
    for other in (
        pickle.loads(pickle.dumps(estimator)),
        joblib.load(tmp_path / "estimator"),
        copy.deepcopy(estimator),
    ):
        assert other is not estimator
        assert same(estimator, other)
        assert other.history_ == estimator.history_


@both
def test_training_goes_on_the_same_in_what_was_pickled(kind, y):
    estimator = make(kind, dropout=0.3, batch_size=16).fit(X, y)
    other = pickle.loads(pickle.dumps(estimator))
    for _ in range(3):
        estimator.partial_fit(X, y)
        other.partial_fit(X, y)
    assert same(estimator, other)


def test_columns_of_a_data_frame_are_remembered_by_name():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    estimator = make().fit(frame, pandas.Series(Y))
    assert list(estimator.feature_names_in_) == list("abcd")
    assert np.array_equal(estimator.predict(frame), make().fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(frame[list("dcba")])


# ------------------------------------------------------------------------------------------ beside scikit-learn's MLP


def pair(kind, x, y, **options):
    """Return an estimator of ours and one of scikit-learn's that begin with the same weights."""
    options = {"warm_start": True, "random_state": 0, "shuffle": False, "batch_size": 64, **options}
    ours, theirs = kind((12, 8), "tanh", **options), getattr(neural_network, kind.__name__)(**options)
    theirs.set_params(hidden_layer_sizes=(12, 8), activation="tanh")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for estimator in (ours, theirs):
            estimator.set_params(max_iter=1).fit(x, y)
        values = [a for pair in zip(theirs.coefs_, theirs.intercepts_, strict=True) for a in (pair[0].T, pair[1])]
        names = ours.model_.state_dict()
        ours.model_.load_state_dict(dict(zip(names, values, strict=True)))
        for estimator in (ours, theirs):
            estimator.set_params(max_iter=8)
    return ours, theirs


TARGETS = {
    "classes": (nn.MLPClassifier, LABELS),
    "two classes": (nn.MLPClassifier, LABELS % 2),
    "multilabel": (nn.MLPClassifier, (LABELS[:, None] > [2, 5, 7]).astype(int)),
    "numbers": (nn.MLPRegressor, LABELS / 10),
    "pairs of numbers": (nn.MLPRegressor, np.column_stack([LABELS / 10, DIGITS[:, 20]])),
}
SOLVERS = {
    "momentum": ({"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.05}, 1e-13),
    "Nesterov": ({"solver": "sgd", "learning_rate_init": 0.05}, 1e-13),
    "adam": ({"solver": "adam"}, 1e-4),  # epsilon is added elsewhere: Kingma and Ba's section 2, or their algorithm 1
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("targets", TARGETS)
def test_trained_from_the_same_weights_it_predicts_as_scikit_learns(targets, solver):
    (kind, y), (options, tolerance) = TARGETS[targets], SOLVERS[solver]
    ours, theirs = (e.fit(DIGITS, y) for e in pair(kind, DIGITS, y, alpha=0.5, **options))
    method = "predict" if kind is nn.MLPRegressor else "predict_proba"
    np.testing.assert_allclose(getattr(ours, method)(DIGITS), getattr(theirs, method)(DIGITS), tolerance, tolerance)
    if y.ndim == 1:  # of several outputs scikit-learn's loss is the mean, though its gradient is that of the sum
        np.testing.assert_allclose(ours.loss_curve_[1:], theirs.loss_curve_[1:], rtol=tolerance)
    assert np.array_equal(ours.predict(DIGITS), theirs.predict(DIGITS)) or kind is nn.MLPRegressor


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7), reason="scikit-learn's takes weights since 1.7"
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("targets", TARGETS)
def test_weighted_samples_count_as_in_scikit_learns(targets):
    kind, y = TARGETS[targets]
    weights = np.random.default_rng(1).uniform(0.1, 3, len(y))
    options = {"solver": "sgd", "learning_rate_init": 0.05, "alpha": 0.5, "batch_size": len(y)}
    ours, theirs = (e.fit(DIGITS, y, weights) for e in pair(kind, DIGITS, y, **options))
    method = "predict" if kind is nn.MLPRegressor else "predict_proba"
    np.testing.assert_allclose(getattr(ours, method)(DIGITS), getattr(theirs, method)(DIGITS), rtol=1e-12)


LINEAR = {"solver": "lbfgs", "alpha": 1.0, "tol": 1e-7, "max_iter": 3000, "random_state": 0}


@pytest.mark.parametrize("y", [LABELS, LABELS % 2], ids=["ten classes", "two classes"])
def test_without_hidden_layers_lbfgs_finds_the_minimum_of_logistic_regression(y):
    ours = nn.MLPClassifier((), **LINEAR).fit(DIGITS, y)
    theirs = LogisticRegression(C=1.0, tol=1e-9, max_iter=5000).fit(DIGITS, y)
    np.testing.assert_allclose(ours.predict_proba(DIGITS), theirs.predict_proba(DIGITS), atol=5e-4)


@pytest.mark.parametrize("weights", [None, np.arange(300) % 4], ids=["alike", "weighted"])
def test_without_hidden_layers_lbfgs_finds_the_minimum_of_ridge_regression(weights):
    ours = nn.MLPRegressor((), **LINEAR).fit(DIGITS, LABELS, weights)
    theirs = Ridge(alpha=1.0).fit(DIGITS, LABELS, weights)
    np.testing.assert_allclose(ours.predict(DIGITS), theirs.predict(DIGITS), atol=2e-3)


def test_lbfgs_stops_where_no_number_of_the_gradient_exceeds_tol():
    estimator = nn.MLPRegressor((), solver="lbfgs", alpha=0.0, tol=1e-3, random_state=0).fit(X, NUMBERS)
    errors = estimator.predict(X) - NUMBERS
    assert np.abs(X.T @ errors / 60).max() <= 1e-3
    assert estimator.n_iter_ < 50
    assert estimator.history_.stopped_by == "callback"


# ---------------------------------------------------------------------------------------------------- what is learned


@pytest.mark.parametrize(
    "names",
    [["a", "bb", "c"], [-1, 5, 7], [1.0, 2.0, 4.0], np.array(["x", "yy", "zzz"], object)],
    ids=["text", "integers", "floats", "objects"],
)
def test_labels_of_any_type_come_back_as_they_are(names):
    names = np.asarray(names)
    numbered, named = (make(max_iter=40, learning_rate_init=0.05).fit(X, y) for y in (Y, names[Y]))
    assert np.array_equal(named.classes_, names)
    assert named.predict(X).dtype == names.dtype
    assert np.array_equal(named.predict(X), names[numbered.predict(X)])
    assert named.score(X, names[Y]) == numbered.score(X, Y) > 0.8


def test_two_classes_take_one_output_and_yield_two_probabilities():
    estimator = make().fit(X, Y > 0)
    assert estimator.n_outputs_ == 1
    probabilities = estimator.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(probabilities[:, 1], nn.sigmoid(estimator.model_(X).numpy()[:, 0]), rtol=1e-15)
    assert np.array_equal(estimator.predict(X), probabilities[:, 1] > 0.5)


TASKS = {"three classes": Y, "two classes": Y > 0, "multilabel": (Y[:, None] > [0, 1]).astype(int)}


@pytest.mark.parametrize("task", TASKS)
def test_log_probabilities_are_the_logarithms_and_stay_finite_where_those_round_to_zero(task):
    estimator = make().fit(X, TASKS[task])
    np.testing.assert_allclose(estimator.predict_log_proba(X), np.log(estimator.predict_proba(X)), rtol=1e-12)
    far = estimator.predict_log_proba(1e5 * X)
    assert np.isfinite(far).all()
    assert (estimator.predict_proba(1e5 * X) == 0).any()


def test_multilabel_targets_are_learned_label_by_label():
    y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0, X[:, 0] < X[:, 1]]).astype(int)
    estimator = make(max_iter=100, learning_rate_init=0.05).fit(X, y)
    assert estimator.predict_proba(X).shape == y.shape
    assert np.array_equal(estimator.predict(X), estimator.predict_proba(X) > 0.5)
    assert np.mean(estimator.predict(X) == y) > 0.95
    assert same(estimator, make(max_iter=100, learning_rate_init=0.05).fit(X, sparse.csr_array(y)))


def test_several_numbers_are_learned_at_once():
    y = np.column_stack([NUMBERS, X[:, 0]])
    estimator = make(nn.MLPRegressor, max_iter=200, learning_rate_init=0.02).fit(X, y)
    assert estimator.predict(X).shape == y.shape
    assert r2_score(y, estimator.predict(X), multioutput="raw_values").min() > 0.9


@both
def test_sparse_inputs_are_learned_and_predicted_as_dense_ones(kind, y):
    x = np.where(np.abs(X) > 0.7, X, 0)
    dense = make(kind, batch_size=16, early_stopping=True).fit(x, y)
    for form in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        assert same(dense, make(kind, batch_size=16, early_stopping=True).fit(form(x), y), form(x))


@both
def test_float32_inputs_make_a_float32_model(kind, y):
    estimator = make(kind).fit(X.astype(np.float32), y)
    assert {p.dtype for p in estimator.model_.parameters()} == {np.dtype(np.float32)}
    outputs = estimator.predict(X.astype(np.float32)) if kind is nn.MLPRegressor else estimator.predict_proba(X)
    assert outputs.dtype == np.float32


def test_many_samples_are_predicted_in_parts_as_they_are_one_by_one():
    estimator, x = make(nn.MLPRegressor).fit(X, NUMBERS), np.random.default_rng(2).normal(size=(10_000, 4))
    outputs = estimator.predict(x)
    assert outputs.shape == (10_000,)
    for i in (0, 4095, 4096, 9_999):
        np.testing.assert_allclose(outputs[i], estimator.predict(x[i : i + 1])[0], rtol=1e-12)


# ------------------------------------------------------------------------------------------------------- sample weights


@both
def test_weights_of_one_change_nothing(kind, y):
    plain, weighted = (make(kind, batch_size=16).fit(X, y, w) for w in (None, np.ones(60)))
    np.testing.assert_allclose(weighted.loss_curve_, plain.loss_curve_, rtol=1e-12)


@both
def test_samples_without_weight_are_as_good_as_absent(kind, y):
    kept = np.arange(60) % 3 > 0
    weighted = make(kind, batch_size=16).fit(X, y, 2.0 * kept)
    np.testing.assert_allclose(
        weighted.loss_curve_, make(kind, batch_size=16, alpha=1e-4 / 2).fit(X[kept], y[kept]).loss_curve_, rtol=1e-12
    )


@both
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_weight_of_three_is_the_sample_three_times(kind, y, solver):
    times = np.arange(60) % 3 + 1
    options = {"solver": solver, "batch_size": 10_000, "alpha": 0.1}
    a, b = make(kind, **options).fit(X, y, times), make(kind, **options).fit(X.repeat(times, 0), y.repeat(times))
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_batches_of_weighted_samples_sum_to_the_weighted_loss_of_all(task):
    """A batch is divided by its size times the mean weight of all, so that no batch counts for more than it holds."""
    y, weights = TASKS[task], np.random.default_rng(3).uniform(0, 2, 60)
    estimator = make(alpha=0, solver="sgd", learning_rate_init=1e-300, max_iter=1, batch_size=7).fit(X, y, weights)
    logs = estimator.predict_log_proba(X)
    if y.ndim == 1:
        losses = -logs[np.arange(60), y.astype(int)]
    else:
        losses = -np.sum(np.where(y, logs, np.log1p(-np.exp(logs))), axis=1)
    assert estimator.loss_ == pytest.approx(np.average(losses, weights=weights), rel=1e-12)


# ------------------------------------------------------------------------------------------------------------ training


@both
def test_the_same_random_state_gives_the_same_estimator_and_another_one_another(kind, y):
    options = {"dropout": 0.2, "batch_size": 16, "early_stopping": True}
    first = make(kind, **options).fit(X, y)
    assert same(first, make(kind, **options).fit(X, y))
    assert same(first, make(kind, **options, random_state=np.random.RandomState(0)).fit(X, y))
    assert not same_weights(first, make(kind, **options, random_state=1).fit(X, y))


def test_without_a_random_state_numpys_seed_decides_as_everywhere_in_scikit_learn():
    fits = []
    for seed in (5, 5, 6):
        np.random.seed(seed)
        fits.append(make(random_state=None).fit(X, Y))
    assert same(fits[0], fits[1])
    assert not same_weights(fits[0], fits[2])


def test_the_order_of_the_samples_is_shuffled_unless_it_is_not_to_be():
    shuffled, kept = (make(shuffle=s, batch_size=16, max_iter=1).fit(X, Y) for s in (True, False))
    model = make()._model((4, 8, 3), float, np.random.default_rng(np.random.RandomState(0).randint(2**31 - 1)))
    penalised = [p for p in model.parameters() if p.ndim == 2]

    def loss(outputs, targets):
        return nn.cross_entropy(outputs, targets) + sum(5e-5 / len(targets) * np.sum(p * p) for p in penalised)

    loader = nn.DataLoader((X, Y), 16, shuffle=False)
    history = nn.fit(model, loader, loss=loss, optimizer=nn.Adam(model.parameters()), epochs=1, compile=False)
    assert kept.loss_ == pytest.approx(history.loss[0], rel=1e-14)
    np.testing.assert_allclose(kept.model_(X).numpy(), model(X).numpy(), rtol=1e-12)
    assert not same_weights(shuffled, kept)


@pytest.mark.parametrize("activation", ["relu", "logistic"])
@both
def test_weights_and_biases_begin_within_scikit_learns_bounds(kind, y, activation):
    """From larger ones, early stopping ended in models that were worse than scikit-learn's."""
    options = {"activation": activation, "learning_rate_init": 1e-12, "solver": "sgd", "max_iter": 1, "random_state": 0}
    own = make(kind, (300, 200), **options).fit(X, y).model_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = getattr(neural_network, kind.__name__)(hidden_layer_sizes=(300, 200), **options).fit(X, y)
    layers = [layer for layer in own.layers if isinstance(layer, nn.Linear)]
    for layer, weight, bias in zip(layers, theirs.coefs_, theirs.intercepts_, strict=True):
        bound = np.sqrt((2 if activation == "logistic" else 6) / sum(weight.shape))
        for values, others in ((layer.weight.data, weight), (layer.bias.data, bias)):
            assert np.abs(values).max() <= bound + 1e-9
            assert np.abs(others).max() <= bound + 1e-9
            if values.size > 100:
                assert np.abs(values).max() > 0.95 * bound
                assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.1)


@both
@pytest.mark.parametrize("early_stopping", [False, True])
def test_it_is_as_patient_as_scikit_learns(kind, y, early_stopping):
    options = {"learning_rate_init": 1e-12, "n_iter_no_change": 3, "early_stopping": early_stopping, "random_state": 0}
    theirs = getattr(neural_network, kind.__name__)(hidden_layer_sizes=(4,), **options)
    assert kind((4,), **options).fit(X, y).n_iter_ == theirs.fit(X, y).n_iter_ == 5


@both
def test_training_stops_when_the_loss_no_longer_falls_by_tol(kind, y):
    estimator = kind((8,), learning_rate_init=0.05, tol=0.01, n_iter_no_change=3, max_iter=1000, random_state=0)
    losses = estimator.fit(X, y).loss_curve_
    assert 3 < estimator.n_iter_ == len(losses) < 1000
    assert min(losses[-3:]) > min(losses[:-3]) - 3 * 0.01
    assert losses[-1] == estimator.loss_


@both
def test_warns_where_training_ended_before_it_converged(kind, y):
    with pytest.warns(ConvergenceWarning, match="max_iter=3") as caught:
        kind((8,), max_iter=3).fit(X, y)
    assert caught[0].filename == __file__


@both
def test_early_stopping_restores_the_weights_of_the_best_score(kind, y):
    options = {"early_stopping": True, "learning_rate_init": 0.05, "validation_fraction": 0.3, "n_iter_no_change": 5}
    estimator = make(kind, max_iter=200, **options).fit(X, y)
    scores = estimator.validation_scores_
    assert estimator.best_validation_score_ == max(scores)
    assert estimator.history_.best_epoch == int(np.argmax(scores)) + 1
    assert len(scores) == estimator.n_iter_ < 200
    until_best = make(kind, **{**options, "n_iter_no_change": np.inf}, max_iter=estimator.history_.best_epoch).fit(X, y)
    np.testing.assert_allclose(estimator.model_(X).numpy(), until_best.model_(X).numpy(), rtol=1e-6, atol=1e-9)


def test_early_stopping_holds_the_classes_out_in_proportion():
    seen = []

    class Spy(nn.MLPClassifier):
        def _score_of(self, outputs, targets, weights):
            seen.append(targets)
            return super()._score_of(outputs, targets, weights)

    y = np.repeat([0, 1], [50, 10])
    make(Spy, early_stopping=True, validation_fraction=0.2, max_iter=1).fit(X, y)
    assert seen[0].sum() == 2
    assert len(seen[0]) == 12


@both
def test_the_validation_score_is_weighted_where_the_samples_are(kind, y):
    class Spy(kind):
        def _score_of(self, outputs, targets, weights):
            self.held_out = outputs, targets, weights
            return super()._score_of(outputs, targets, weights)

    weights = np.random.default_rng(4).uniform(0.1, 9, 60)
    estimator = make(Spy, early_stopping=True, validation_fraction=0.5, max_iter=1).fit(X, y, weights)
    outputs, targets, held = estimator.held_out
    assert set(held) <= set(weights)
    chosen, score = (outputs, r2_score) if kind is nn.MLPRegressor else (outputs.argmax(1), accuracy_score)
    assert estimator.validation_scores_ == [score(targets, chosen, sample_weight=held)]


@both
def test_warm_start_goes_on_where_the_last_fit_ended(kind, y):
    options = {"solver": "sgd", "momentum": 0.0}
    twice = make(kind, warm_start=True, max_iter=3, **options).fit(X, y).fit(X, y)
    once = make(kind, max_iter=6, **options).fit(X, y)
    assert same(twice, once)
    assert twice.loss_curve_ == once.loss_curve_
    assert (twice.n_iter_, len(twice.history_.loss)) == (3, 3)
    cold = make(kind, max_iter=3, **options)
    assert same(cold.fit(X, y), cold.fit(X, y))
    assert len(cold.loss_curve_) == 3


@both
def test_partial_fit_is_an_epoch_with_the_optimizer_as_it_was(kind, y):
    first = {"classes": [0, 1, 2]} if kind is nn.MLPClassifier else {}
    parts, whole = make(kind), make(kind, max_iter=4).fit(X, y)
    parts.partial_fit(X, y, **first)
    for _ in range(3):
        parts.partial_fit(X, y)
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-12)
    np.testing.assert_allclose(parts.model_(X).numpy(), whole.model_(X).numpy(), rtol=1e-9)


def test_partial_fit_may_meet_its_classes_one_by_one():
    estimator = make(learning_rate_init=0.05)
    for k in (0, 1, 2):
        estimator.partial_fit(X[Y == k], Y[Y == k], classes=[0, 1, 2])
    assert np.array_equal(estimator.classes_, [0, 1, 2])
    assert estimator.predict_proba(X).shape == (60, 3)


def test_partial_fit_takes_another_optimizer_when_another_is_asked_for():
    estimator = make(solver="lbfgs").fit(X, Y).set_params(solver="sgd", learning_rate_init=0.01)
    before = estimator.loss_
    estimator.partial_fit(X, Y)
    assert estimator.loss_ < before
    assert estimator.history_.learning_rates == [0.01]


def test_lbfgs_has_no_partial_fit():
    assert not hasattr(nn.MLPClassifier(solver="lbfgs"), "partial_fit")
    assert hasattr(nn.MLPClassifier(), "partial_fit")


def test_a_fit_that_fails_leaves_no_model_of_other_classes_behind():
    estimator = make().fit(X, Y)
    with pytest.raises(ValueError, match="sample_weight"):
        estimator.fit(X, Y > 0, sample_weight=[1.0])
    with pytest.raises(NotFittedError):
        estimator.predict(X)


@both
@pytest.mark.parametrize("after", [1, 3])
def test_ctrl_c_ends_what_is_around_too_and_what_was_reached_is_kept(kind, y, after):
    class Interrupted(kind):
        calls = 0

        def _score_of(self, outputs, targets, weights):
            type(self).calls += 1
            if self.calls > after:
                raise KeyboardInterrupt
            return super()._score_of(outputs, targets, weights)

    estimator = make(Interrupted, early_stopping=True, max_iter=50)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    assert len(estimator.validation_scores_) == after
    assert estimator.predict(X).shape == (60,)


def test_ctrl_c_before_the_first_step_leaves_it_unfitted(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(nn.MLP, "forward", interrupted)
    estimator = make(batch_size=60)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, Y)
    assert not hasattr(estimator, "model_")


# ---------------------------------------------------------------------------------------------------- what nn offers


def test_dropout_stands_behind_each_hidden_layer_and_is_out_of_the_way_in_predictions():
    estimator = make(hidden=(8, 6), dropout=0.5).fit(X, Y)
    assert sum(isinstance(layer, nn.Dropout) for layer in estimator.model_.layers) == 2
    assert np.array_equal(estimator.predict_proba(X), estimator.predict_proba(X))
    assert not same_weights(estimator, make(hidden=(8, 6), dropout=0.1).fit(X, Y))


def test_clip_norm_shortens_the_steps():
    options = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 1.0, "max_iter": 1, "alpha": 0}
    free, clipped = (make(**options, clip_norm=c).fit(X, Y) for c in (None, 1e-3))
    begin = make(**{**options, "learning_rate_init": 1e-300}).fit(X, Y)

    def way(estimator):
        start = begin.model_.state_dict()
        return np.sqrt(sum(np.sum((v - start[k]) ** 2) for k, v in estimator.model_.state_dict().items()))

    assert way(clipped) == pytest.approx(1e-3, rel=1e-2)
    assert way(free) > 0.1


@pytest.mark.parametrize("activation", ["logistic", "sigmoid", "gelu"])
def test_activations_are_those_of_nn_and_scikit_learns_name_of_the_sigmoid(activation):
    layer = make(activation=activation).fit(X, Y).model_.layers[1]
    assert isinstance(layer, nn.layers.ACTIVATIONS["gelu" if activation == "gelu" else "sigmoid"])


def test_the_model_is_one_of_nn_to_be_compared_and_the_history_one_too():
    estimator = make(hidden=(8, 5), activation="tanh").fit(X, Y)
    report = nn.compare(estimator.model_, X[:10], Y[:10], nn.cross_entropy)
    assert report.max_error < report.tolerance
    assert isinstance(estimator.history_, nn.History)
    assert not any(module.training for _, module in estimator.model_.named_modules())
    assert all(p.grad is None for p in estimator.model_.parameters())


@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_the_loss_holds_the_penalty_on_the_weights_only_if_it_is_asked_for(penalty):
    estimator = make(
        nn.MLPRegressor, solver="sgd", learning_rate_init=1e-300, alpha=penalty, max_iter=1, batch_size=60
    ).fit(X, NUMBERS)
    squares = sum(np.sum(p.data**2) for p in estimator.model_.parameters() if p.ndim == 2)
    error = 0.5 * np.mean((estimator.predict(X) - NUMBERS) ** 2)
    assert estimator.loss_ == pytest.approx(error + 0.5 * penalty * squares / 60, rel=1e-12)


@both
def test_the_step_is_compiled_if_there_are_steps_enough_and_gives_the_same(kind, y):
    few, many = make(kind, max_iter=50).fit(X, y), make(kind, max_iter=100).fit(X, y)
    assert many.history_.uncompiled is None
    np.testing.assert_allclose(many.loss_curve_[:50], few.loss_curve_, rtol=1e-9)


def test_labels_of_weighted_and_plain_samples_train_compiled_steps():
    for y in TASKS.values():
        for weights in (None, np.linspace(0.1, 2, 60)):
            assert make(max_iter=70).fit(X, y, weights).history_.uncompiled is None


# ------------------------------------------------------------------------------------------------------ the lazy door


def run(program):
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nn_does_not_import_scikit_learn_before_it_is_asked_for():
    run(
        "import sys, nn\n"
        "from nn import *\n"
        "assert 'MLPClassifier' in dir(nn)\n"
        "assert 'sklearn' not in sys.modules\n"
        "nn.MLPClassifier\n"
        "assert 'sklearn' in sys.modules\n"
    )


def test_without_scikit_learn_nn_works_and_says_what_to_install():
    said = run(
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "from nn import *\n"
        "import inspect, nn\n"
        "MLP([2, 1])\n"
        "assert inspect.getmembers(nn)\n"
        "for name in ('MLPClassifier', 'MLPRegressor'):\n"
        "    try:\n"
        "        getattr(nn, name)\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    assert said.count("pip install 'autograd-mini[sklearn]'") == 2


def test_a_name_that_does_not_exist_is_missing():
    assert not hasattr(nn, "MLPTransformer")
