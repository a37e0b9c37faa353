"""The shelf of engines: what answers from a bundle, without torch. `core.shelves.look_up` imports one by its name."""

ENGINES = {
    "hidden": "startlm.engines.hidden:HiddenEngine",
    "numpy": "startlm.engines.numpy:NumpyEngine",
    "onnx": "startlm.engines.onnx:OnnxEngine",
    "trees": "startlm.engines.trees:TreesEngine",
}
