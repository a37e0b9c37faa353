"""The shelf of tokenizers: text to ids. `core.shelves.look_up` imports one by its name."""

TOKENIZERS = {
    "ngrams": "startlm.tokenizers.ngrams:Ngrams",
    "pieces": "startlm.tokenizers.pieces:Pieces",
    "bytes_bpe": "startlm.tokenizers.bytes_bpe:BytesBpe",
    "characters": "startlm.tokenizers.characters:Characters",
    "subwords": "startlm.tokenizers.subwords:Subwords",
}
