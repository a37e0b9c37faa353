"""Weight folders: found by name, read as data, and refused with a word where they are not what they should be."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from startlm.core.batches import padded
from startlm.core.encoder_heads import Vectors
from startlm.core.encoders import load_encoder, shape_of
from startlm.core.errors import CallError
from startlm.core.weight_folders import ENGLISH, MULTILINGUAL, find_weights
from startlm.tokenizers.subwords import Subwords
from toy_weights import toy_weights

TEXTS = ["please refund the cup", "where is my parcel", "", "我要退款"]


def vectors(name, texts=TEXTS, columns=()):
    tokenizer = Subwords.fit([], weights=str(name), columns=columns)
    rows = tokenizer.encode(texts)
    ids, lengths = padded(rows, np.arange(len(rows)))
    encoder = load_encoder(find_weights(str(name)), apart=tokenizer.beginning if columns else None)
    with torch.inference_mode():
        return Vectors(encoder)(torch.from_numpy(ids), torch.from_numpy(lengths)).numpy()


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra", "mpnet", "distilbert"])
def test_every_kind_gives_vectors_of_length_one_that_no_neighbour_changes(tmp_path, kind):
    toy_weights(tmp_path, kind)
    together = vectors(tmp_path)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert all(np.allclose(vectors(tmp_path, [text]), together[i], atol=1e-6) for i, text in enumerate(TEXTS))


def test_a_model_with_a_head_is_read_without_it(tmp_path):
    before = vectors(toy_weights(tmp_path))
    arrays = {f"bert.{name}": array for name, array in load_file(tmp_path / "model.safetensors").items()}
    save_file(arrays | {"classifier.weight": np.ones((3, 32), np.float32)}, tmp_path / "model.safetensors")
    assert np.array_equal(vectors(tmp_path), before)


def test_half_precision_is_read_as_it_is_written(tmp_path):
    before = vectors(toy_weights(tmp_path))
    tensors = {name: torch.from_numpy(array).to(torch.bfloat16) for name, array in load_file(tmp_path / "model.safetensors").items()}
    from safetensors.torch import save_file as save_tensors

    save_tensors(tensors, tmp_path / "model.safetensors")
    assert 0 < np.abs(vectors(tmp_path) - before).max() < 0.05


def test_of_two_texts_each_is_read_by_itself(tmp_path):
    toy_weights(tmp_path)
    apart = vectors(tmp_path, ["a: please refund the cup\nb: where is my parcel", "b: where is my parcel"], ("a", "b"))
    first, second = vectors(tmp_path, ["please refund the cup"])[0], vectors(tmp_path, ["where is my parcel"])[0]
    assert np.allclose(apart[0], np.concatenate([first, second, np.abs(first - second), first * second]), atol=1e-5)
    assert np.allclose(apart[1, 32:64], second, atol=1e-5)


def test_licence_and_origin_are_those_of_the_folder_and_no_path_is_told(tmp_path):
    found = find_weights(str(toy_weights(tmp_path / "toy", _name_or_path="/home/somebody/makers-model")))
    assert (found.licence, found.origin) == ("apache-2.0", "toy (makers-model)")


def without(name):
    return lambda folder: (folder / name).unlink()


def config(**changes):
    return lambda folder: (folder / "config.json").write_text(json.dumps(json.loads((folder / "config.json").read_text()) | changes))


def arrays(change):
    def alter(folder):
        found = load_file(folder / "model.safetensors")
        change(found)
        save_file(found, folder / "model.safetensors")

    return alter


def cut_short(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


NAME = "encoder.layer.1.output.dense.weight"
DAMAGE = {
    "no config": (without("config.json"), "config.json is missing"),
    "no tokenizer": (without("tokenizer.json"), "tokenizer.json is missing"),
    "no weights": (without("model.safetensors"), "model.safetensors is missing"),
    "a config that is no JSON": (lambda folder: (folder / "config.json").write_text("{"), "not JSON"),
    "a config that is a list": (lambda folder: (folder / "config.json").write_text("[]"), "config.json"),
    "weights cut short": (cut_short, "cut short or altered"),
    "weights that are a pickle": (pickled, "pickle"),
    "a causal model": (config(model_type="llama"), "architecture"),
    "no architecture": (config(model_type=None), "architecture"),
    "sizes from elsewhere": (config(num_hidden_layers=3), "is missing"),
    "a size that is none": (config(hidden_size=-1), "hidden_size"),
    "relative positions that BERT has not": (config(position_embedding_type="relative_key"), "sizes"),
    "a missing weight": (arrays(lambda found: found.pop(NAME)), NAME),
    "a weight of another size": (arrays(lambda found: found.update({NAME: np.zeros((2, 2), np.float32)})), "finite numbers"),
    "a weight that is no number": (arrays(lambda found: found.update({NAME: np.full((32, 64), np.nan, np.float32)})), "finite numbers"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_folder_that_is_not_what_it_should_be_is_refused_in_both_languages(tmp_path, damage):
    alter, said = DAMAGE[damage]
    alter(toy_weights(tmp_path))
    with pytest.raises(CallError) as caught:
        weights = find_weights(str(tmp_path))
        shape_of(weights)
        load_encoder(weights)
    assert said in str(caught.value) and caught.value.message.zh and caught.value.hint.zh


def test_a_pickle_is_refused_with_the_line_that_converts_it(tmp_path):
    pickled(toy_weights(tmp_path))
    with pytest.raises(CallError, match="save_file.*weights_only=True"):
        find_weights(str(tmp_path))


def test_tokenizer_and_weights_that_do_not_belong_together_are_refused(tmp_path):
    from startlm.families.encoders import loaded_encoder, subwords

    toy_weights(tmp_path, vocab_size=50)
    arrays(lambda found: found.update({"embeddings.word_embeddings.weight": found["embeddings.word_embeddings.weight"][:50]}))(tmp_path)
    weights = find_weights(str(tmp_path))
    with pytest.raises(CallError, match="belong together"):
        loaded_encoder(weights, subwords(weights))


def test_missing_weights_say_which_package_or_folder_would_give_them():
    with pytest.raises(CallError) as caught:
        find_weights("no-such-weights")
    assert ENGLISH in str(caught.value) and MULTILINGUAL in caught.value.hint.zh and "folder" in str(caught.value)


def test_a_hub_id_is_found_in_the_hubs_own_cache_and_else_says_how_to_fetch_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CallError, match="hf download makers/model"):
        find_weights("makers/model")
    toy_weights(tmp_path / "models--makers--model" / "snapshots" / "abc")
    assert find_weights("makers/model").origin == "makers/model"


def test_a_file_that_changed_is_read_again(tmp_path):
    before = find_weights(str(toy_weights(tmp_path))).fingerprint
    toy_weights(tmp_path, seed=1, layer_norm_eps=1e-6)
    assert find_weights(str(tmp_path)).fingerprint != before
