"""The plain functions behind the layers: ``nn.functional``, usually imported as ``F``.

What stands here is a composition of operations; the operations themselves come from ``nanograd.ops``.
"""

from typing import Any as _Any

from nanograd.absent import missing as _missing
from nanograd.nn.functional.activation import *
from nanograd.nn.functional.attention import *
from nanograd.nn.functional.convolution import *
from nanograd.nn.functional.ctc import *
from nanograd.nn.functional.distance import *
from nanograd.nn.functional.dropout import *
from nanograd.nn.functional.embedding import *
from nanograd.nn.functional.image import *
from nanograd.nn.functional.linear import *
from nanograd.nn.functional.loss import *
from nanograd.nn.functional.margin import *
from nanograd.nn.functional.normalization import *
from nanograd.nn.functional.padding import *
from nanograd.nn.functional.pooling import *
from nanograd.ops.refusing import guard as _guard

_guard(globals(), [name for name in globals() if not name.startswith("_")])


def __getattr__(name: str) -> _Any:
    return _missing("nn.functional", name, globals())
