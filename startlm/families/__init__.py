"""The shelf of families: how a model is made and learns. `core.shelves.look_up` imports one by its name."""

FAMILIES = {
    "linear": "startlm.families.linear:Linear",
    "static": "startlm.families.static:Static",
    "trees": "startlm.families.trees:Trees",
    "bag": "startlm.families.bag:Bag",
    "convolution": "startlm.families.convolution:Convolution",
    "lstm": "startlm.families.lstm:Lstm",
    "transformer": "startlm.families.transformer:Transformer",
    "pretrained": "startlm.families.pretrained:Pretrained",
    "tuned": "startlm.families.tuned:Tuned",
}
