"""The trees family learns what no line can, from columns and text, answers as it learnt, and makes each choice once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from startlm.core.contracts import Facts, Labelled
from startlm.core.errors import MissingExtraError
from startlm.core.inputs import encode_inputs
from startlm.core.number_losses import LEVELS, in_order, pinball
from startlm.engines.trees import TreesEngine
from startlm.families import growing
from startlm.families.trees import Trees
from startlm.testing import check_engine
from startlm.tokenizers.ngrams import Ngrams

KINDS = ("boosted", "shallow", "forest", "extra")
WORDS = {0: ["refund", "退款"], 1: ["parcel", "包裹"], 2: ["tea", "茶"]}


def columns(rows, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, 3)).astype(np.float32)


def crossed(rows, seed=0, labels=2):
    """The label, or the number, hangs on whether two columns have the same sign: no line tells."""
    seen = columns(rows, seed)
    told = np.where(labels == 1, seen[:, 0] * seen[:, 1], (seen[:, 0] * seen[:, 1] > 0) + (labels > 2) * (seen[:, 2] > 0))
    return Labelled([""] * rows, told.astype(float) if labels == 1 else told.astype(np.int64), features=seen)


def worded(rows, seed=0):
    """The label hangs on a word and a column together."""
    random, seen = np.random.default_rng(seed), columns(rows, seed)
    word = random.integers(0, 3, rows)
    texts = [f"{random.choice(WORDS[kind])} {random.choice(['please', '谢谢', 'now'])}" for kind in word]
    return Labelled(texts, (word + (seen[:, 0] > 0)) % 3, features=seen)


def recipe_of(rows, labels, **options):
    recipe = Trees.recipe(Facts(len(rows), labels, 20.0, 40, 0.5, features=rows.features.shape[1], numeric=rows.numeric), "small")
    return replace(recipe, options={**recipe.options, **options})


def fit(rows, labels, dev=None, **options):
    *_, last = Trees.fit_steps(rows, dev, labels, recipe_of(rows, labels, **options), 0)
    return last.result


def answers(fitted, rows):
    return TreesEngine.from_state(fitted.engine).logits(encode_inputs(Ngrams.from_state(fitted.tokenizer.state()), rows))


def numbers(fitted, rows):
    logits = answers(fitted, rows)
    return logits[:, 1] - logits[:, 0]


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_labels_that_no_line_tells_apart_are_learnt_by_every_kind(kind, labels):
    train, new = crossed(600, labels=labels), crossed(400, 1, labels)
    logits = answers(fit(train, labels, kind=kind, rounds=40), new)
    assert logits.shape == (400, labels) and (logits.argmax(axis=1) == new.labels).mean() > (0.68 if kind == "extra" else 0.9)


@pytest.mark.parametrize("loss", ["squared", "absolute"])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_no_line_tells_are_learnt_by_every_kind(kind, loss):
    train, new = crossed(800, labels=1), crossed(400, 1, 1)
    found = numbers(fit(train, 1, kind=kind, rounds=60, loss=loss), new)
    assert np.abs(found - new.labels).mean() < 0.75 * np.abs(new.labels).mean()


def test_text_and_columns_together_tell_what_neither_does_alone():
    train, new = worded(600), worded(300, 1)
    together = (answers(fit(train, 3), new).argmax(axis=1) == new.labels).mean()
    bare = Labelled([""] * 600, train.labels, features=train.features)
    columns_alone = (answers(fit(bare, 3), replace(new, texts=[""] * 300)).argmax(axis=1) == new.labels).mean()
    none = np.zeros((600, 0), np.float32)
    text_alone = (answers(fit(replace(train, features=none), 3), replace(new, features=none[:300])).argmax(axis=1) == new.labels).mean()
    assert together > 0.9 and max(columns_alone, text_alone) < 0.7


def test_the_trees_learn_from_scores_of_rows_that_the_linear_model_had_not_seen():
    """Labels drawn by lot: by its own rows the linear model would look right, and the trees would follow it."""
    random = np.random.default_rng(0)
    train = Labelled([f"word{number} other{number}" for number in range(300)], random.integers(0, 2, 300), features=columns(300))
    from startlm.families.trees import _equal_rows, _score_text

    tokenizer = Ngrams.fit(train.texts)
    scored = _score_text(train, None, tokenizer, 2, recipe_of(train, 2, cost=2.0, ratio=0.0), _equal_rows(train), 0)
    own = tokenizer.encode(train.texts)
    seen = np.add.reduceat(own.weights * scored.weights[own.values, 0].astype(np.float32), own.starts[:-1]) + scored.bias[0]
    assert ((seen > 0) == train.labels).mean() > 0.7
    assert 0.35 < ((scored.unseen[:, 0] > 0) == train.labels).mean() < 0.65


def test_equal_rows_fall_in_one_fold():
    """A number drawn by lot for each of 60 rows that stand five times each: a fold that held a copy would make the forest look perfect."""
    from startlm.families.trees import _equal_rows, _trials
    from startlm.families.growing import Ground

    rows = Labelled([""] * 300, np.tile(np.random.default_rng(0).normal(size=60), 5), features=np.tile(columns(60), (5, 1)))
    for part, held in _trials(Ground(rows.features, rows.labels, 1, {}, 0), None, _equal_rows(rows)):
        assert not {row.tobytes() for row in part.seen} & {row.tobytes() for row in held.seen}
        assert len(part.seen) + len(held.seen) == 300


@pytest.mark.parametrize("with_dev", [False, True])
def test_choices_are_written_into_the_recipe_and_not_made_again(with_dev):
    train, dev = worded(240), worded(80, 1)
    steps = list(Trees.fit_steps(train, dev if with_dev else None, 3, recipe_of(train, 3), 0))
    first = steps[-1].result
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1)) and all(step.loss is not None for step in steps[2:-1])
    assert {"kind", "rounds", "cost", "ratio"} <= set(first.recipe.options) and first.recipe.options["kind"] in KINDS
    again = list(Trees.fit_steps(train, None, 3, first.recipe, 0))
    assert len(again) == 3 and again[-1].result.recipe.options == first.recipe.options
    assert all(np.array_equal(first.engine.arrays[name], again[-1].result.engine.arrays[name]) for name in first.engine.arrays)


def test_another_number_of_threads_gives_the_same_bits(monkeypatch):
    train = crossed(300)
    one = fit(train, 2, kind="boosted", rounds=5).engine.arrays
    monkeypatch.setattr(growing, "THREADS", 2)
    two = fit(train, 2, kind="boosted", rounds=5).engine.arrays
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_fitted_keeps_the_contract_of_an_engine(kind):
    train = worded(150)
    fitted = fit(train, 3, kind=kind, rounds=10)
    check_engine("trees", fitted.engine, encode_inputs(fitted.tokenizer, train.take(np.arange(40))), tolerance=0.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("labels", "there"), [(2, [0]), (2, [1]), (4, [2]), (4, [1, 3]), (4, [0, 2, 3])])
def test_a_label_without_rows_is_never_the_answer(kind, labels, there):
    rows = crossed(90)
    rows = replace(rows, labels=np.array(there)[np.arange(90) % len(there)])
    logits = answers(fit(rows, labels, kind=kind, rounds=10), rows)
    assert logits.shape == (90, labels) and np.isfinite(logits).all() and set(logits.argmax(axis=1)) <= set(there)


@pytest.mark.parametrize("kind", ["boosted", "forest", "extra"])
def test_balanced_weights_raise_the_rare_label(kind):
    random = np.random.default_rng(0)
    rows = Labelled([""] * 400, (random.random(400) < 0.1).astype(np.int64), features=columns(400))
    plain, balanced = (answers(fit(rows, 2, kind=kind, rounds=30, class_weights=weights), crossed(200, 5)) for weights in (None, "balanced"))
    assert (balanced[:, 1] - balanced[:, 0]).mean() > (plain[:, 1] - plain[:, 0]).mean()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_handful_of_rows_is_answered(rows):
    assert np.isfinite(answers(fit(crossed(rows), 2), crossed(5, 1))).all()
    assert np.isfinite(numbers(fit(crossed(rows, labels=1), 1), crossed(5, 1))).all()


def test_what_nothing_tells_is_answered_by_the_shares_or_the_mean():
    bare = np.zeros((90, 0), np.float32)
    share = answers(fit(Labelled([""] * 90, (np.arange(90) % 3 == 0).astype(np.int64), features=bare), 2), Labelled([""], np.zeros(1, np.int64)))
    mean = numbers(fit(Labelled([""] * 90, np.arange(90.0), features=bare), 1), Labelled([""], np.zeros(1)))
    assert share[0, 1] - share[0, 0] == pytest.approx(np.log(0.5), abs=1e-5) and mean == pytest.approx([44.5])


def test_the_size_bounds_the_trees_that_are_stored():
    for size, most in (("small", 8e6), ("auto", 24e6), ("large", 96e6)):
        recipe = Trees.recipe(Facts(10**6, 150, 60.0, 90, 0.0, features=20), size)
        assert recipe.options["most_rounds"] * 150 * recipe.options["leaves"] * 24 <= most


def test_without_lightgbm_the_line_that_installs_it_is_said(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"startlm\[train\]"):
        fit(crossed(60), 2)


# --------------------------------------------------------------- quantiles

def spread_out(rows, seed=0):
    """A number whose spread hangs on whether two columns have the same sign."""
    seen = columns(rows, seed)
    spread = np.where(seen[:, 0] * seen[:, 1] > 0, 2.0, 0.2)
    return Labelled([""] * rows, seen[:, 2] + spread * np.random.default_rng(seed + 99).normal(size=rows), features=seen), spread


@pytest.mark.parametrize("kind", ["boosted", "shallow", "forest", "extra"])
def test_quantiles_are_wide_where_rows_are_spread(kind):
    train, (new, spread) = spread_out(3_000)[0], spread_out(1_500, 1)
    middle, low, high = in_order(answers(fit(train, 3, kind=kind, rounds=120, loss="quantiles"), new)).T
    wide = spread > 1
    assert np.mean((high - low)[wide]) > 1.8 * np.mean((high - low)[~wide])
    assert np.mean((new.labels >= low) & (new.labels <= high)) > 0.75  # calibration rows move them to what is promised
    assert np.abs(middle - new.labels).mean() < np.abs(new.labels - np.median(new.labels)).mean()


@pytest.mark.parametrize("kind", ["shallow", "extra"])
def test_text_comes_into_quantiles_and_the_engine_answers_each_row_alike_alone(kind):
    rows = worded(400)
    train = replace(rows, labels=rows.labels * 3.0 + columns(400, 5)[:, 0])
    fitted = fit(train, 3, loss="quantiles", kind=kind, rounds=60)
    assert answers(fitted, train).shape == (400, 3) and np.abs(in_order(answers(fitted, train))[:, 0] - train.labels).mean() < 1.0
    check_engine("trees", fitted.engine, encode_inputs(fitted.tokenizer, train.take(np.arange(60))))


def test_of_all_kinds_the_one_with_the_least_pinball_loss_is_chosen_by_the_same_measure():
    train, held = (growing.Ground(rows.features, rows.labels, 3, {"loss": "quantiles", "leaves": 15, "bytes": 8e6}, 0) for rows, _ in (spread_out(900), spread_out(400, 1)))
    for kind in ("boosted", "extra"):
        loss = growing.losses_of(train, held, kind, 40)[-1]
        fitted = fit(Labelled([""] * 900, train.targets, features=train.seen), 3, kind=kind, rounds=40, loss="quantiles")
        told = answers(fitted, Labelled([""] * 400, held.targets, features=held.seen))
        assert loss == pytest.approx(pinball(told, held.targets).mean(), rel=1e-3), "as the engine answers"


def test_too_few_rows_have_the_quantiles_of_all():
    rows, _ = spread_out(9)
    assert answers(fit(rows, 3, loss="quantiles"), rows)[0] == pytest.approx(np.quantile(rows.labels, LEVELS), rel=1e-6)
