"""The networks: padding never changes an answer, order counts where it must, attention is the paper's, recipes count right."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from startlm.core.contracts import Facts, Ragged
from startlm.core.encoder_heads import Prototypes
from startlm.core.embeddings import Embedding, pool
from startlm.core.errors import CallError
from startlm.core.layers import attend
from startlm.core.shelves import look_up
from startlm.engines.hidden import HiddenEngine
from startlm.families import FAMILIES
from startlm.families import network
from startlm.families.bag import Bag
from startlm.families.lstm import turn_round
from startlm.families.transformer import attention, positions
from startlm.core.language import say
from toy_weights import built_on, shared_toy_weights

NETWORKS = [name for name in FAMILIES if hasattr(look_up(FAMILIES, name, say("family", "模型")), "network")]
FACTS = Facts(rows=5_000, labels=7, mean_length=40, length_99=120, chinese=0.5, weights=str(shared_toy_weights()))
FROM_SCRATCH = [name for name in NETWORKS if not built_on(name)]
IN_ORDER = [name for name in NETWORKS if name != "bag"]  # ids at places, cut at the longest
VOCABULARY = 400


def build(name, size="small", **options):
    family = look_up(FAMILIES, name, say("family", "模型"))
    recipe = family.recipe(FACTS, size)
    torch.manual_seed(0)
    return family.network(replace(recipe, options={**recipe.options, **options}), VOCABULARY, 7).eval(), recipe


def draw(name, lengths, width, seed=0):
    """ids padded to `width`, each row the same whatever the others are."""
    many = () if name in ("transformer", "tuned") else (5,)
    ids = np.zeros((len(lengths), width, *many), dtype=np.int64)
    for row, length in enumerate(lengths):
        ids[row, :length] = np.random.default_rng((seed, row)).integers(1, VOCABULARY, (length, *many))
    if many:
        ids[:, :, 3:] = 0  # positions that hold fewer ids than there is room for
    return torch.from_numpy(ids), torch.tensor(lengths)


@pytest.mark.parametrize("name", IN_ORDER)
def test_padding_and_neighbours_never_change_an_answer(name):
    network, _ = build(name)
    lengths = [9, 1, 0, 30, 4]
    with torch.inference_mode():
        together = network(*draw(name, lengths, 30))
        longer = network(*draw(name, lengths, 64))
        assert torch.allclose(together, longer, atol=1e-6)
        for row, length in enumerate(lengths):
            ids, one = draw(name, lengths, 30)
            alone = network(ids[row : row + 1, : max(length, 1)], one[row : row + 1])
            assert torch.allclose(together[row], alone[0], atol=1e-6)


@pytest.mark.parametrize("name", IN_ORDER)
def test_what_stands_in_the_padding_is_never_read(name):
    network, _ = build(name)
    ids, lengths = draw(name, [6, 20], 20)
    dirty = ids.clone()
    dirty[0, 6:] = 7
    with torch.inference_mode():
        assert torch.allclose(network(ids, lengths), network(dirty, lengths), atol=1e-6)


@pytest.mark.parametrize("name", IN_ORDER)
@pytest.mark.parametrize("options", [{}, {"pooling": "last"}])
def test_word_order_changes_an_answer(name, options):
    network, _ = build(name, **options)
    ids, lengths = draw(name, [6], 6)
    with torch.inference_mode():
        assert (network(ids, lengths) - network(ids.flip(1), lengths)).abs().max() > 1e-4


@pytest.mark.parametrize("name", IN_ORDER)
def test_training_and_answering_compute_the_same_without_dropout(name):
    network, _ = build(name, dropout=0.0, token_dropout=0.0, head_dropout=0.0)
    ids, lengths = draw(name, [6, 3], 8)
    assert torch.allclose(network.train()(ids, lengths), network.eval()(ids, lengths), atol=1e-5)


@pytest.mark.parametrize("name", IN_ORDER)
def test_a_text_beyond_the_longest_is_read_up_to_there(name):
    network, _ = build(name, longest=8)
    ids, lengths = draw(name, [20], 20)
    with torch.inference_mode():
        assert torch.equal(network(ids, lengths), network(ids[:, :8], torch.tensor([8])))


def draw_bag(lengths, width):
    """ids, lengths and weights: a row's are the same whatever the width; an id of padding may be one that is in use."""
    ids, weights = torch.zeros(len(lengths), width, dtype=torch.int64), torch.zeros(len(lengths), width)
    for row, length in enumerate(lengths):
        random = torch.Generator().manual_seed(row)
        ids[row, :length] = torch.randint(VOCABULARY, (length,), generator=random)
        weights[row, :length] = torch.rand(length, generator=random)
    return ids, torch.tensor(lengths), weights


def test_a_bag_knows_no_padding_no_neighbours_and_no_order():
    network, _ = build("bag")
    lengths = [9, 1, 0, 30, 4]
    ids, counts, weights = draw_bag(lengths, 30)
    with torch.inference_mode():
        together = network(ids, counts, weights)
        assert torch.allclose(together, network(*draw_bag(lengths, 64)), atol=1e-6)
        assert torch.allclose(together, network(ids.flip(1), counts, weights.flip(1)), atol=1e-5)
        for row, length in enumerate(lengths):
            alone = network(ids[row : row + 1, : max(length, 1)], counts[row : row + 1], weights[row : row + 1, : max(length, 1)])
            assert torch.allclose(together[row], alone[0], atol=1e-6)
        assert (network(ids, counts, 2 * weights) - together)[[0, 1, 3, 4]].abs().max() > 1e-4


def test_a_trained_bag_answers_from_its_engine_as_it_did():
    network, _ = build("bag")
    ids, counts, weights = draw_bag([9, 1, 0, 30, 4], 30)
    real = (torch.arange(30) < counts.unsqueeze(1)).numpy()
    encoded = Ragged(ids.numpy()[real].astype(np.int32), np.concatenate([[0], np.cumsum(counts.numpy())]), weights.numpy()[real])
    answered = HiddenEngine.from_state(Bag.engine_state(network)).logits(encoded)
    with torch.inference_mode():
        assert answered == pytest.approx(network(ids, counts, weights).numpy(), abs=1e-3)  # its vectors are float16 there


def test_only_the_vectors_of_a_batchs_ids_have_a_gradient():
    network, _ = build("bag")
    ids, counts, weights = draw_bag([9, 4], 9)
    network.train()(ids, counts, weights).sum().backward()
    assert sorted(network.embedding.weight.grad.coalesce().indices()[0].tolist()) == sorted(set(ids.flatten().tolist()))


@pytest.mark.parametrize("name", FROM_SCRATCH)
def test_each_size_is_larger_than_the_one_before_and_says_why(name):
    recipes = [build(name, size)[1] for size in ("small", "medium", "large")]
    assert recipes[0].parameters < recipes[1].parameters < recipes[2].parameters
    assert all(recipe.reason.en and recipe.reason.zh for recipe in recipes)
    assert look_up(FAMILIES, name, say("", "")).recipe(FACTS, "auto").size in ("small", "medium")


@pytest.mark.parametrize(("name", "chosen"), [
    ("bag", {100: ("small", 16), 2_999: ("small", 15), 3_000: ("medium", 15), 10_000: ("medium", 8), 20_000: ("medium", 6), 10**6: ("medium", 6)}),
    ("convolution", {100: ("small", 20), 2_999: ("small", 20), 3_000: ("medium", 20), 10_000: ("medium", 12), 20_000: ("medium", 8), 10**6: ("medium", 6)}),
    ("lstm", {100: ("small", 20), 2_999: ("small", 20), 3_000: ("medium", 20), 10_000: ("medium", 12), 20_000: ("medium", 8), 10**6: ("medium", 6)}),
    ("transformer", {100: ("small", 25), 3_000: ("small", 25), 9_999: ("small", 15), 10_000: ("medium", 15), 20_000: ("medium", 11), 10**6: ("medium", 6)}),
])  # fmt: skip
def test_size_and_passes_follow_the_number_of_rows(name, chosen):
    recipe = look_up(FAMILIES, name, say("family", "模型")).recipe
    found = {rows: recipe(replace(FACTS, rows=rows), "auto") for rows in chosen}
    assert {rows: (each.size, each.options["epochs"]) for rows, each in found.items()} == chosen


@pytest.mark.parametrize("name", FROM_SCRATCH)
def test_the_parameters_promised_are_those_built(name):
    recipe = build(name, "medium")[1]
    network = build(name, "medium")[0]
    table = network.embedding.weight
    dense = sum(p.numel() for p in network.parameters()) - table.numel()
    promised = recipe.parameters - dense
    assert promised > 0 and promised % table.shape[1] == 0


@pytest.mark.parametrize("way", ["full", "few-shot", "lora"])
def test_what_is_said_to_learn_of_an_encoder_is_what_learns(way):
    family = look_up(FAMILIES, "tuned", say("family", "模型"))
    recipe = family.recipe(replace(FACTS, way=way), "auto")
    assert recipe.parameters == sum(p.numel() for p in family.network(recipe, VOCABULARY, 7).parameters())


@pytest.mark.parametrize("training", [True, False])
def test_the_attention_that_answers_and_learns_is_attention_as_it_is_written(training):
    mixed, real = torch.randn(2, 9, 3 * 32), torch.arange(9) < torch.tensor([9, 4]).unsqueeze(1)
    query, key, value = mixed.view(2, 9, 3, 4, 8).permute(2, 0, 3, 1, 4)
    wanted = attention(query, key, value, real).transpose(1, 2).reshape(2, 9, 32)
    assert torch.allclose(wanted, attend(mixed, 4, real[:, None, None, :], training=training), atol=1e-6)


def test_attention_of_equal_keys_is_the_mean_of_the_real_values():
    value = torch.tensor([1.0, 3.0, 100.0]).view(1, 1, 3, 1)
    real = torch.tensor([[True, True, False]])
    assert attention(torch.ones(1, 1, 3, 1), torch.ones(1, 1, 3, 1), value, real).flatten().tolist() == [2.0, 2.0, 2.0]


def test_positions_are_the_papers_sines_and_cosines():
    table = positions(torch.arange(5), 8)
    assert table[3, 1] == pytest.approx(np.sin(3 / 10_000 ** (2 / 8)), abs=1e-6)
    assert table[3, 5] == pytest.approx(np.cos(3 / 10_000 ** (2 / 8)), abs=1e-6)


def test_a_row_is_turned_round_within_its_own_length():
    vectors = torch.tensor([[1.0, 2, 3, 0, 0], [1, 2, 3, 4, 5]]).unsqueeze(2)
    assert turn_round(vectors, torch.tensor([3, 5])).squeeze(2).tolist() == [[3, 2, 1, 0, 0], [5, 4, 3, 2, 1]]


def test_pooling_sees_only_real_positions():
    states = torch.tensor([[[-1.0, -3.0, 50.0]]])
    assert pool(states, torch.tensor([2]), lowest=-1e4).tolist() == [[-1.0, -2.0]]


def test_the_gradient_of_a_table_has_only_the_rows_used_and_equals_the_dense_one():
    sparse, dense = Embedding(40, 4, spread=1.0), Embedding(40, 4, spread=1.0, sparse=False)
    dense.weight.data.copy_(sparse.weight.data)
    ids = torch.tensor([[[3, 5, 0], [3, 0, 0]], [[7, 7, 9], [0, 0, 0]]])
    for table in (sparse, dense):
        (table(ids) * torch.arange(4.0)).square().sum().backward()
    assert sorted(sparse.weight.grad.coalesce().indices()[0].tolist()) == [0, 3, 5, 7, 9]
    assert torch.allclose(sparse.weight.grad.to_dense(), dense.weight.grad, atol=1e-6)


class Answers:
    """An engine that answers label 0 for so many of its rows, and 1 for the rest."""

    def __init__(self, right):
        self.right = right

    def logits(self, rows):
        return np.eye(2, dtype=np.float32)[(np.arange(rows) >= self.right).astype(int)]


@pytest.mark.parametrize(("rows", "lost", "chosen"), [(1000, 3, "int8"), (1000, 4, "fp32"), (333, 0, "int8"), (333, 1, "fp32"), (2000, 6, "int8"), (7000, 21, "int8")])
def test_int8_may_lose_three_rows_in_a_thousand_and_not_one_more(monkeypatch, rows, lost, chosen):
    right = int(0.912 * rows)
    monkeypatch.setattr(network, "_quantised", lambda *_: b"")
    monkeypatch.setattr(network, "_engine", lambda _, precision, *__: Answers(right - (lost if precision == "int8" else 0)))
    recipe = look_up(FAMILIES, "convolution", say("", "")).recipe(FACTS, "small")
    assert network._choose_precision(b"", recipe, None, (rows, np.zeros(rows, dtype=int)), 0)[0] == chosen


def few_shot(**facts):
    family = look_up(FAMILIES, "tuned", say("", ""))
    recipe = family.recipe(replace(FACTS, **facts), "auto")
    torch.manual_seed(0)
    return recipe, family.network(recipe, VOCABULARY, 7)


@pytest.mark.parametrize(("rows", "asked", "way"), [(7 * 16, "auto", "few-shot"), (7 * 16 + 1, "auto", "full"), (7 * 16, "full", "full"), (5_000, "few-shot", "few-shot")])
def test_few_rows_a_label_get_a_vector_for_each_label_unless_another_way_is_asked_for(rows, asked, way):
    recipe, network = few_shot(rows=rows, way=asked)
    assert recipe.options["way"] == recipe.size == way and isinstance(network, Prototypes) == (way == "few-shot")


def test_a_labels_vector_begins_as_the_mean_of_its_rows_and_one_without_rows_stays():
    _, network = few_shot(rows=20)
    ids, lengths = draw("tuned", [6, 3, 9, 1], 9)
    counts = lengths.tolist()
    rows = Ragged(np.concatenate([row[:count] for row, count in zip(ids.numpy(), counts)]).astype(np.int32), np.cumsum([0, *counts]))
    before = network.labels.detach().clone()
    network.begin(rows, np.array([0, 2, 2, 5]))
    with torch.inference_mode():
        vectors = network.vectors(ids, lengths)
        assert torch.allclose(network.labels[0], vectors[0], atol=1e-5) and torch.allclose(network.labels[2], vectors[1:3].mean(0), atol=1e-5)
        assert torch.equal(network.labels[[1, 3, 4, 6]], before[[1, 3, 4, 6]])
        assert network(ids, lengths)[0, 0] == pytest.approx(20, abs=1e-3)  # its own label's cosine is 1


@pytest.mark.parametrize("facts", [{"several": True}, {"numeric": True}])
def test_few_shot_refuses_what_has_not_one_label_a_row(facts):
    with pytest.raises(CallError, match="one label a row") as refused:
        few_shot(way="few-shot", **facts)
    assert "每行一个标签" in refused.value.message.zh and refused.value.hint.zh
