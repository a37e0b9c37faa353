"""The linear family learns in both languages, answers as it learnt, and makes each choice once."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from startlm.core.contracts import Facts, Labelled, Recipe
from startlm.core.errors import CallError
from startlm.core.inputs import encode_inputs
from startlm.core.number_losses import in_order
from startlm.engines.numpy import NumpyEngine
from startlm.families.linear import Linear
from startlm.tokenizers.ngrams import Ngrams

THINGS = {0: ["my card has not arrived", "卡还没到", "card still missing"], 1: ["refund my money", "我要退款", "money back please"],
          2: ["app crashes on start", "软件打不开", "the app is frozen"]}


def problem(labels, rows, seed=0):
    random = np.random.default_rng(seed)
    targets = np.arange(rows) % labels
    ends = ["", " please", "，谢谢", " now", "！", " 12", " ok?"]
    return Labelled([random.choice(THINGS[label]) + random.choice(ends) for label in targets], targets.astype(np.int64))


def fit(train, labels, dev=None, options=None, seed=0):
    recipe = Linear.recipe(Facts(len(train), labels, 20.0, 40, 0.5), "auto")
    recipe = type(recipe)(**{**recipe.__dict__, "options": options or {}})
    *_, last = Linear.fit_steps(train, dev, labels, recipe, seed)
    return last.result


def answers(fitted, texts):
    return NumpyEngine.from_state(fitted.engine).logits(Ngrams.from_state(fitted.tokenizer.state()).encode(texts))


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("options", [{}, {"cost": 1.0, "ratio": 0.0}, {"cost": 1.0, "ratio": 0.5}, {"class_weights": "balanced"}])
def test_a_small_problem_in_both_languages_is_learnt(labels, options):
    fitted = fit(problem(labels, 90), labels, options=options)
    held = problem(labels, 60, seed=1)
    logits = answers(fitted, held.texts)
    assert logits.shape == (60, labels) and (logits.argmax(axis=1) == held.labels).all()


def test_the_same_seed_gives_the_same_bits_and_progress_is_counted():
    train = problem(3, 60)
    steps = list(Linear.fit_steps(train, None, 3, Linear.recipe(Facts(60, 3, 20.0, 40, 0.5), "small"), 7))
    again = fit(train, 3, seed=7)
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))
    assert all(np.array_equal(steps[-1].result.engine.arrays[key], again.engine.arrays[key]) for key in ("weights", "bias"))


def test_choices_are_written_into_the_recipe_and_not_made_again():
    train, dev = problem(3, 60), problem(3, 30, seed=1)
    first = fit(train, 3, dev)
    steps = list(Linear.fit_steps(train, None, 3, first.recipe, 0))
    assert set(first.recipe.options) == {"cost", "ratio"}
    assert len(steps) == 2 and steps[-1].result.recipe.options == first.recipe.options
    assert np.array_equal(steps[-1].result.engine.arrays["weights"], first.engine.arrays["weights"])


def test_an_empty_dev_part_is_as_good_as_none():
    train = problem(2, 40)
    assert np.array_equal(fit(train, 2, train.take([])).engine.arrays["weights"], fit(train, 2).engine.arrays["weights"])


def test_a_label_without_rows_is_never_the_answer():
    train = problem(2, 60)
    logits = answers(fit(train, 4), train.texts)
    assert logits.shape == (60, 4) and set(logits.argmax(axis=1)) == {0, 1}


@pytest.mark.parametrize("labels", [2, 3])
def test_rows_of_one_label_give_that_label(labels):
    train = Labelled(["card", "卡"], np.zeros(2, np.int64))
    assert answers(fit(train, labels), ["card", "else", ""]).argmax(axis=1).tolist() == [0, 0, 0]


def test_balanced_weights_raise_the_rare_label():
    train = Labelled(["card late"] * 60 + ["card late refund"] * 3 + ["card late"] * 3, np.array([0] * 60 + [1] * 6))
    options = {"cost": 1.0, "ratio": 0.0}
    plain, balanced = (answers(fit(train, 2, options={**options, "class_weights": w}), ["card late refund"]) for w in (None, "balanced"))
    assert balanced[0, 1] > plain[0, 1]


@pytest.mark.parametrize("size, megabytes", [("small", 8), ("auto", 24)])
def test_the_size_bounds_what_is_stored(size, megabytes):
    most = Linear.recipe(Facts(10**6, 150, 60.0, 90, 0.0), size).tokenizer_options["most"]
    assert most * (150 * 2 + 8) <= megabytes * 1e6


@pytest.mark.real_data
@pytest.mark.parametrize("file, text, label, least", [("banking77/train.csv", "text", "category", 0.78), ("thucnews-title/train.csv", "text", "label", 0.78)])
def test_real_messages_are_learnt_from_a_part_of_train(data_folder, file, text, label, least):
    with (data_folder / file).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names, numbers = np.unique([row[label] for row in rows], return_inverse=True)
    everything = Labelled([row[text] for row in rows], numbers)
    order = np.random.default_rng(0).permutation(len(rows))
    fitted, held = fit(everything.take(order[:3000]), len(names)), everything.take(order[3000:6000])
    assert (answers(fitted, held.texts).argmax(axis=1) == held.labels).mean() > least


# ------------------------------------------------------- numbers and columns

def priced(rows, seed=0, scale=1.0):
    """A number that hangs on a word and on two columns of different worth, with a little noise."""
    random = np.random.default_rng(seed)
    word, features = random.integers(0, 3, rows), random.normal(size=(rows, 2)).astype(np.float32)
    numbers = 10 * word + 3 * features[:, 0] - features[:, 1] + random.normal(size=rows) * 0.1 + 50
    return Labelled([random.choice(THINGS[kind]) for kind in word], numbers * scale, features=features)


def numbers(fitted, rows):
    logits = NumpyEngine.from_state(fitted.engine).logits(encode_inputs(Ngrams.from_state(fitted.tokenizer.state()), rows))
    return logits[:, 1] - logits[:, 0]


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e3])
@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_a_number_is_learnt_from_words_and_columns(loss, scale):
    fitted = fit(priced(300, scale=scale), 1, options={"loss": loss})
    held = priced(200, seed=1, scale=scale)
    assert np.abs(numbers(fitted, held) - held.labels).mean() < 0.5 * scale
    assert set(fitted.recipe.options) == {"loss", "alpha"}


def test_the_absolute_error_leaves_rows_that_are_far_away_where_they_are():
    train, held = priced(300), priced(200, seed=1)
    odd = replace(train, labels=np.where(np.arange(300) % 10 == 0, 900.0, train.labels))
    errors = {loss: np.abs(numbers(fit(odd, 1, options={"loss": loss}), held) - held.labels).mean() for loss in ("squared", "absolute")}
    assert errors["absolute"] < 1 < 20 < errors["squared"]


@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_the_choice_for_a_number_is_made_once_and_on_dev(loss):
    train, dev = priced(120), priced(60, seed=1)
    steps = list(Linear.fit_steps(train, dev, 1, Recipe("linear", "small", "ngrams", {}, {"loss": loss}), 0))
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1)) and all(step.loss > 0 for step in steps[1:-1])
    again = list(Linear.fit_steps(train, None, 1, steps[-1].result.recipe, 0))
    assert len(again) == 2 and np.array_equal(again[-1].result.engine.arrays["weights"], steps[-1].result.engine.arrays["weights"])


def test_a_number_that_is_always_the_same_is_the_answer():
    rows = replace(priced(40), labels=np.full(40, 7.5))
    assert numbers(fit(rows, 1), rows) == pytest.approx(7.5)


def test_columns_alone_are_enough():
    rows = priced(300)
    bare = replace(rows, texts=[""] * 300, labels=3 * rows.features[:, 0].astype(float) + 20)
    assert numbers(fit(bare, 1), bare) == pytest.approx(bare.labels, abs=0.1)


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("ratio", [0.0, 0.6])
def test_labels_hang_on_columns_too(labels, ratio):
    """Log-count ratios weigh n-grams; a column stands in every row."""
    random = np.random.default_rng(0)
    features = random.normal(size=(400, 2)).astype(np.float32)
    targets = np.digitize(features[:, 0], [0] if labels == 2 else [-0.5, 0.5])
    rows = Labelled([random.choice(THINGS[number % 3]) for number in range(400)], targets, features=features)
    fitted = fit(rows.take(np.arange(300)), labels, options={"ratio": ratio})
    held = rows.take(np.arange(300, 400))
    logits = NumpyEngine.from_state(fitted.engine).logits(encode_inputs(fitted.tokenizer, held))
    assert (logits.argmax(axis=1) == held.labels).mean() > (0.95 if labels == 2 else 0.7)


def test_numbers_too_large_for_the_weights_are_refused_with_a_hint():
    with pytest.raises(CallError, match="larger unit"):
        fit(priced(60, scale=1e6), 1)


# --------------------------------------------------------------- quantiles

def spread_out(rows, seed=0, scale=1.0):
    """A number whose spread hangs on a word and a column: tea is sure, cups are not."""
    random = np.random.default_rng(seed)
    word, features = random.integers(0, 2, rows), random.uniform(0, 1, size=(rows, 1)).astype(np.float32)
    spread = np.where(word == 1, 4.0, 0.5)
    numbers = 20 + 5 * features[:, 0] + spread * random.normal(size=rows)
    return Labelled([["tea", "cup"][kind] for kind in word], numbers * scale, features=features), spread * scale


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e3])
def test_quantiles_are_wide_where_rows_are_spread_and_hold_their_shares(scale):
    train, new = spread_out(3_000, scale=scale)[0], spread_out(2_000, 1, scale)
    fitted = fit(train, 3, options={"loss": "quantiles"})
    logits = NumpyEngine.from_state(fitted.engine).logits(encode_inputs(Ngrams.from_state(fitted.tokenizer.state()), new[0]))
    middle, low, high = in_order(logits).T
    truth, wide = new[0].labels, new[1] > scale
    for rows in (wide, ~wide):
        assert [np.mean(truth[rows] < each[rows]) for each in (low, middle, high)] == pytest.approx([0.05, 0.5, 0.95], abs=0.04)
    assert set(fitted.recipe.options) == {"loss", "alpha"} and logits.shape == (2_000, 3)


def test_a_quantile_is_that_of_scikit_learns_exact_solver():
    from sklearn.linear_model import QuantileRegressor

    from startlm.families.problem import fit_quantile
    from scipy.sparse import csr_matrix

    rows, _ = spread_out(500)
    features = np.concatenate([rows.features, rows.features**2], axis=1).astype(float)
    for level in (0.05, 0.5, 0.95):
        weights, bias = fit_quantile(csr_matrix(features), rows.labels / 3, level, 1e-6)
        exact = QuantileRegressor(quantile=level, alpha=0.0).fit(features, rows.labels / 3)
        off = lambda answers: np.mean(np.maximum(level * (rows.labels / 3 - answers), (level - 1) * (rows.labels / 3 - answers)))  # noqa: B023, E731
        assert off(features @ weights + bias) <= 1.02 * off(exact.predict(features))


def test_quantiles_of_a_number_that_is_always_the_same_are_that_number():
    rows = replace(priced(40), labels=np.full(40, 7.5))
    fitted = fit(rows, 3, options={"loss": "quantiles"})
    assert NumpyEngine.from_state(fitted.engine).logits(encode_inputs(Ngrams.from_state(fitted.tokenizer.state()), rows)) == pytest.approx(7.5)
