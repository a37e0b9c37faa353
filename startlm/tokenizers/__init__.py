"""The shelf of tokenizers: text to ids. `core.shelves.look_up` imports one by its name."""

TOKENIZERS = {
    "ngrams": "startlm.tokenizers.ngrams:Ngrams",
}
