"""The trees engine: LightGBM's and scikit-learn's answers from arrays alone, rows without neighbours, nothing damaged opened."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from startlm.core.contracts import Ragged, State
from startlm.core.errors import BundleError
from startlm.core.number_losses import LEVELS
from startlm.engines.trees import TreesEngine
from startlm.families.grown import Tree, from_forest, from_lightgbm, joined, stump
from startlm.testing import check_engine

TEXT, COLUMNS = 40, 12
NOTHING = {"weights": np.zeros((0, 0), np.float16), "bias": np.zeros(0, np.float32)}


def columns(rows, seed=0):
    """Numbers, few distinct ones, zeros and very large and small ones."""
    random = np.random.default_rng(seed)
    seen = random.normal(size=(rows, COLUMNS)).astype(np.float32)
    seen[:, 1], seen[:, 2], seen[:, 3] = random.integers(0, 3, rows), random.random(rows) < 0.1, random.normal(size=rows) * 1e30
    seen[random.random(rows) < 0.2, 4], seen[:, 5] = 0, random.normal(size=rows) * 1e-30
    return seen


def as_encoded(seen, text=0):
    """As `encode_inputs` gives it: what is zero is left out; before it, where there is a text, a few of its ids."""
    random = np.random.default_rng(1)
    rows = [np.concatenate([np.sort(random.choice(text, random.integers(0, 9), replace=False)) if text else np.zeros(0, int), text + np.flatnonzero(row)]) for row in seen]
    weights = [np.concatenate([random.random(np.sum(ids < text)), row[row != 0]]) for ids, row in zip(rows, seen, strict=True)]
    starts = np.concatenate([[0], np.cumsum([len(ids) for ids in rows])]).astype(np.int64)
    return Ragged(np.concatenate(rows).astype(np.int32), starts, np.concatenate(weights).astype(np.float32))


def target(seen):
    return np.sin(seen[:, 0] * 3) + seen[:, 1] * seen[:, 2] + (seen[:, 3] > 0) + np.abs(seen[:, 4])


def boosted(seen, wanted, rounds, **options):
    import lightgbm

    options = {"num_leaves": 31, "use_missing": False, "verbosity": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True, **options}
    return lightgbm.train(options, lightgbm.Dataset(seen, wanted, params={"verbosity": -1}), rounds)


def engine(trees, outputs, floor=0.0, median=False):
    return TreesEngine.from_state(State({"text": 0, "columns": COLUMNS, "outputs": outputs, "floor": floor, "median": median}, NOTHING | joined(trees)))


def sums(machine, seen):
    """float64 (N, C), before they become float32."""
    return machine._sums(seen)


@cache
def with_text(labels=3, rounds=30):
    """The state of trees that see columns and the scores of a text."""
    random = np.random.default_rng(2)
    seen = np.concatenate([columns(600), random.normal(size=(600, labels))], axis=1)
    trees = from_lightgbm(boosted(seen, random.integers(0, labels, 600), rounds, objective="multiclass", num_class=labels), rounds)
    arrays = {"weights": random.normal(size=(TEXT, labels)).astype(np.float16), "bias": random.normal(size=labels).astype(np.float32)}
    return State({"text": TEXT, "columns": COLUMNS, "outputs": labels, "floor": 0.0, "median": False}, arrays | joined(trees))


# ------------------------------------------------- what the libraries answer

@pytest.mark.parametrize("objective", ["l2", "l1", "binary"])
def test_boosted_trees_answer_as_lightgbm_does(objective):
    seen, new = columns(2_000), columns(1_000, seed=9)
    wanted = target(seen) if objective != "binary" else target(seen) > 1
    model = boosted(seen, wanted, 50, objective=objective)
    machine = engine(from_lightgbm(model, 50), 1)
    for rows in (seen, new):
        raw = model.predict(rows, raw_score=True)
        assert np.abs(sums(machine, rows)[:, 0] - raw).max() < 1e-9
        logits = machine.logits(as_encoded(rows))
        assert logits[:, 1] - logits[:, 0] == pytest.approx(raw, abs=1e-5)


def test_boosted_trees_of_many_labels_answer_as_lightgbm_does():
    seen = columns(2_000)
    model = boosted(seen, np.digitize(target(seen), [0, 1, 2]), 20, objective="multiclass", num_class=4)
    assert np.abs(sums(engine(from_lightgbm(model, 20), 4), seen) - model.predict(seen, raw_score=True)).max() < 1e-9


@pytest.mark.parametrize("leaves", [None, 50])
@pytest.mark.parametrize("name", ["RandomForestRegressor", "ExtraTreesRegressor"])
def test_a_forest_answers_as_scikit_learn_does(name, leaves):
    from sklearn import ensemble

    seen = np.delete(columns(800), 3, axis=1)
    new = np.delete(columns(500, seed=9), 3, axis=1)
    forest = getattr(ensemble, name)(20, random_state=0, max_leaf_nodes=leaves).fit(seen, np.nan_to_num(target(columns(800))))
    machine = engine(from_forest(forest), 1)
    assert np.abs(sums(machine, new)[:, 0] / 20 - forest.predict(new)).max() < 1e-9


def test_the_median_of_a_forest_is_that_of_its_trees():
    from sklearn.ensemble import RandomForestRegressor

    seen, new = columns(400), as_encoded(columns(100, seed=9))
    forest = RandomForestRegressor(20, random_state=0).fit(seen, np.nan_to_num(target(seen)))
    machine = engine(from_forest(forest), 1, median=True)
    logits = machine.logits(new)
    assert logits[:, 1] - logits[:, 0] == pytest.approx(np.median([tree.predict(columns(100, seed=9)) for tree in forest.estimators_], axis=0), abs=1e-5)
    check_engine("trees", machine.state(), new, tolerance=0.0)


def test_the_quantiles_of_a_forest_are_those_of_its_trees():
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(31, random_state=0).fit(columns(300), columns(300)[:, 0])
    logits = engine(from_forest(forest), 3, median=True).logits(as_encoded(columns(100, seed=9)))
    assert logits == pytest.approx(np.quantile([tree.predict(columns(100, seed=9)) for tree in forest.estimators_], LEVELS, axis=0).T, abs=1e-5)


def test_the_shares_of_a_forest_become_logarithms_that_end_at_the_floor():
    from sklearn.ensemble import RandomForestClassifier

    seen = np.delete(columns(800), 3, axis=1)
    forest = RandomForestClassifier(20, random_state=0).fit(seen, np.digitize(target(columns(800)), [0, 1]))
    machine = engine([tree._replace(leaf=tree.leaf / 20) for tree in from_forest(forest)], 3, floor=0.01)
    assert machine.logits(as_encoded(seen)) == pytest.approx(np.log(np.maximum(forest.predict_proba(seen), 0.01)), abs=1e-6)


def test_two_labels_share_the_votes_of_one_output():
    machine = engine([stump(np.array([0.9])), stump(np.array([0.1]))], 1, floor=0.01)
    logits = machine.logits(as_encoded(columns(2)))
    assert logits[:, 1] - logits[:, 0] == pytest.approx(np.log(1 / 0.01), abs=1e-5)


def test_a_value_on_the_threshold_goes_left_and_the_next_one_right():
    """0.1 lies between two float32 numbers: the lower one is left, the higher one right, as with a threshold of 64 bits."""
    low = np.nextafter(np.float32(0.1), np.float32(0)) if float(np.float32(0.1)) > 0.1 else np.float32(0.1)
    tree = Tree(np.array([0]), np.array([0.1]), np.array([-1]), np.array([-2]), np.array([[1.0], [2.0]]))
    seen = np.zeros((2, COLUMNS), np.float32)
    seen[:, 0] = low, np.nextafter(low, np.float32(1))
    assert sums(engine([tree], 1), seen)[:, 0].tolist() == [1.0, 2.0]


def test_the_scores_of_the_text_stand_behind_the_columns():
    state = with_text()
    rows = as_encoded(columns(50, seed=3), TEXT)
    dense = np.zeros((50, TEXT + COLUMNS))
    np.add.at(dense, (np.repeat(np.arange(50), rows.lengths), rows.values), rows.weights)
    seen = TreesEngine.from_state(state)._seen(rows)
    assert np.array_equal(seen[:, :COLUMNS], columns(50, seed=3))
    assert seen[:, COLUMNS:] == pytest.approx(dense[:, :TEXT] @ state.arrays["weights"].astype(float) + state.arrays["bias"], abs=1e-4)


# -------------------------------------------------- neighbours never matter

def test_rows_answer_bit_for_bit_the_same_alone_and_in_any_batch():
    seen = columns(300)
    seen[5] = 0  # a row without anything
    check_engine("trees", with_text(), as_encoded(seen, TEXT), tolerance=0.0)


def test_a_forest_keeps_the_contract_of_an_engine():
    from sklearn.ensemble import RandomForestClassifier

    seen = np.delete(columns(400), 3, axis=1)
    forest = RandomForestClassifier(15, random_state=0).fit(seen, np.digitize(target(columns(400)), [0, 1]))
    trees = [tree._replace(leaf=tree.leaf / 15) for tree in from_forest(forest)]
    check_engine("trees", engine(trees, 3, floor=0.01).state(), as_encoded(seen[:100]), tolerance=0.0)


def test_more_trees_than_a_block_holds_answer_the_same():
    random = np.random.default_rng(0)
    machine = engine([stump(random.normal(size=1)) for _ in range(40_000)], 1)
    rows = as_encoded(columns(9))
    assert np.array_equal(machine.logits(rows), np.concatenate([machine.logits(rows.take([i])) for i in range(9)]))


def test_rows_of_nothing_but_one_leaf_are_answered():
    machine = TreesEngine.from_state(State({"text": 0, "columns": 0, "outputs": 1, "floor": 0.0, "median": False}, NOTHING | joined([stump(np.array([3.0]))])))
    logits = machine.logits(Ragged(np.zeros(0, np.int32), np.zeros(3, np.int64), np.zeros(0, np.float32)))
    assert (logits[:, 1] - logits[:, 0]).tolist() == [3.0, 3.0]


# ------------------------------------------------------------- what is refused

def test_features_beyond_the_columns_are_refused():
    machine = TreesEngine.from_state(with_text())
    for rows in (Ragged(np.array([TEXT + COLUMNS], np.int32), np.array([0, 1]), np.ones(1, np.float32)), Ragged(np.array([1], np.int32), np.array([0, 1]))):
        with pytest.raises(BundleError):
            machine.logits(rows)


def chain(length):
    """One tree, so many steps deep."""
    steps = np.arange(length)
    return Tree(np.zeros(length, int), np.zeros(length), -1 - steps, np.append(steps[1:], -1 - length), np.zeros((length + 1, 1)))


def test_trees_deeper_than_any_that_is_grown_are_refused():
    assert engine([chain(64)], 1).logits(as_encoded(columns(2))).shape == (2, 2)
    with pytest.raises(BundleError):
        engine([chain(65)], 1)


@pytest.mark.parametrize("change", [{"outputs": 7}, {"outputs": True}, {"columns": COLUMNS - 12}, {"text": TEXT + 1}, {"floor": 0}, {"floor": 0.5}, {"floor": -0.1}, {"median": True, "floor": 0.1}, {"median": 0}, {"x": 1}])
def test_settings_that_are_never_written_are_refused(change):
    state = with_text()
    with pytest.raises(BundleError):
        TreesEngine.from_state(State({**state.settings, **change}, state.arrays))


@pytest.mark.parametrize(("name", "place", "value"), [
    ("left", 1, 0), ("left", 1, 1), ("right", 3, -1), ("right", 3, 10**6), ("left", 0, 5), ("roots", 0, 7), ("roots", 1, 0), ("feature", 0, -1), ("feature", 0, COLUMNS + 3),
    ("threshold", 0, np.nan), ("threshold", 0, np.inf), ("leaf", 0, np.nan), ("leaf", 0, 1e13), ("bias", 0, 1e9), ("weights", 0, np.inf),
])  # fmt: skip
def test_trees_that_are_never_written_are_refused(name, place, value):
    """Circles, branches that two trees share, children before their parents or nowhere, numbers that are none."""
    state = with_text(rounds=2)
    changed = state.arrays[name].copy()
    changed[place] = value
    with pytest.raises(BundleError):
        TreesEngine.from_state(State(state.settings, {**state.arrays, name: changed}))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_altered_arrays_are_refused_or_answer_with_numbers(data):
    state = with_text(rounds=2)
    name = data.draw(st.sampled_from(sorted(state.arrays)))
    raw = bytearray(state.arrays[name].tobytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=3)):
        raw[place] ^= 1 << data.draw(st.integers(0, 7))
    changed = np.frombuffer(bytes(raw), state.arrays[name].dtype).reshape(state.arrays[name].shape)
    try:
        logits = TreesEngine.from_state(State(state.settings, {**state.arrays, name: changed})).logits(as_encoded(columns(20), TEXT))
    except BundleError as error:
        assert error.hint.en and error.hint.zh
    else:
        assert logits.shape == (20, 3) and np.isfinite(logits).all()


# ------------------------------------------------------------------- surroundings

def test_the_engine_answers_without_the_libraries_that_grow_trees(tmp_path):
    np.savez(tmp_path / "arrays.npz", **with_text(rounds=3).arrays)
    code = (
        "import sys; sys.modules.update(torch=None, lightgbm=None, sklearn=None, scipy=None)\n"
        "import numpy as np; from startlm.engines.trees import TreesEngine; from startlm.core.contracts import Ragged, State\n"
        f"state = State({{'text': {TEXT}, 'columns': {COLUMNS}, 'outputs': 3, 'floor': 0.0, 'median': False}}, dict(np.load(sys.argv[1])))\n"
        "rows = Ragged(np.array([1, 45], np.int32), np.array([0, 2]), np.ones(2, np.float32))\n"
        "print(TreesEngine.from_state(state).logits(rows).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "arrays.npz")], capture_output=True, text=True, timeout=60)
    assert done.stdout == "(1, 3)\n" and done.stderr == ""
