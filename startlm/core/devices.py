"""What a network can be trained on here: the processor, and a GPU where PyTorch sees one. Needs torch."""

from __future__ import annotations

import os

import torch

from .language import Said, say

__all__ = ["devices", "place", "usable"]


def devices() -> list[str]:
    """cpu, and cuda where there is a GPU. CUDA_VISIBLE_DEVICES="" hides it."""
    if not torch.cuda.is_available():
        return ["cpu"]
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS refuses to be deterministic; read when it starts
    return ["cpu", "cuda"]


def usable(device: str) -> str:
    """The device, or the processor where it is missing: a run begun beside a GPU goes on without one."""
    return device if device in devices() else "cpu"


def place(device: str, threads: int) -> Said:
    """For people: the GPU's name, or the threads of the processor."""
    if device == "cuda":
        name = torch.cuda.get_device_name()
        return say(name, name)
    return say(f"{threads} threads", f"{threads} 个线程")
