"""The documented errors of arguments that do not fit: shapes, numbers and words, function by function."""

from __future__ import annotations

from typing import Any

import pytest

import nanograd as torch
from nanograd import nn
from nanograd.errors import DTypeError, ShapeError
from nanograd.nn import functional as F

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
INTEGERS = torch.tensor([0, 1])


def ones(*shape: int) -> Any:
    return torch.ones(*shape)


PARTS = [
    Case("stack", ShapeError, lambda: torch.stack([ones(2), ones(3)]), r"^stack:.*\[2\].*\[3\]"),
    Case("chunk", ShapeError, lambda: ones(4).chunk(0), r"^chunk:.*got: 0"),
    Case("split", ShapeError, lambda: ones(4).split(-1), r"^split:.*split_size=-1", "below 0"),
    Case("split", ShapeError, lambda: ones(4).split([1, 2]), r"^split:.*\[1, 2\].*4.*3", "add up"),
    Case("tensor_split", ShapeError, lambda: ones(4).tensor_split(0), r"^tensor_split:.*got 0"),
    Case("unbind", IndexError, lambda: torch.tensor(1.0).unbind(), r"^unbind:.*no dimensions.*item"),
    Case("meshgrid", ShapeError, lambda: torch.meshgrid([], indexing="ij"), r"^meshgrid:.*non-empty", "no tensors"),
    Case("meshgrid", ShapeError, lambda: torch.meshgrid(ones(2, 3), indexing="ij"), r"^meshgrid:.*\(2, 3\)", "several"),
    Case("meshgrid", ShapeError, lambda: torch.meshgrid(ones(2), indexing="yx"), r"\"ij\".*yx", "another indexing"),
    Case("meshgrid", DTypeError, lambda: torch.meshgrid(ones(2), INTEGERS, indexing="ij"), r"float32.*int64"),
    Case("cartesian_prod", ShapeError, lambda: torch.cartesian_prod(ones(2, 3)), r"^cartesian_prod:.*\[2, 3\]"),
    Case("combinations", ShapeError, lambda: torch.combinations(ones(2, 3)), r"^combinations:.*\[2, 3\]", "vector"),
    Case("combinations", ShapeError, lambda: torch.combinations(FLOATS, -1), r"^combinations:.*got -1", "negative"),
    Case("bmm", ShapeError, lambda: torch.bmm(ones(2, 3, 4), ones(3, 4, 5)), r"^bmm:.*\(2, 3, 4\) and \(3, 4, 5\)"),
    Case("inner", ShapeError, lambda: torch.inner(ones(2), ones(3)), r"^inner:.*\(2,\) and \(3,\)"),
    Case("trace", ShapeError, lambda: torch.trace(FLOATS), r"^trace:.*matrix.*dim 1"),
    Case("flatten", ShapeError, lambda: ones(2, 3, 4).flatten(2, 1), r"^flatten:.*start_dim 2.*end_dim 1"),
    Case("permute", ShapeError, lambda: ones(2, 3).permute(0, 0), r"^permute:.*\(?\[?0, 0.*duplicate"),
    Case("permute", ShapeError, lambda: ones(2, 3).permute(0), r"^permute:.*2 dimensions"),
    Case("movedim", ShapeError, lambda: ones(2, 3).movedim((0, 1), (0,)), r"^movedim:.*\(0, 1\) and \(0,\)"),
    Case("unflatten", ShapeError, lambda: ones(6).unflatten(0, (4, 2)), r"^unflatten:.*\[4, 2\].*6"),
    Case("fliplr", ShapeError, lambda: torch.fliplr(FLOATS), r"^fliplr:.*\(2,\)"),
    Case("flipud", ShapeError, lambda: torch.flipud(torch.tensor(1.0)), r"^flipud:.*0-d"),
    Case("roll", ShapeError, lambda: ones(2, 3).roll((1, 2), (0,)), r"^roll:.*shifts: 2, dims:1"),
    Case("rot90", ShapeError, lambda: torch.rot90(ones(2, 3), 1, (0, 0)), r"^rot90:.*different.*0 and dim1 = 0"),
    Case("rot90", ShapeError, lambda: torch.rot90(ones(2, 3), 1, (0,)), r"^rot90:.*dims = 1"),
    Case("kthvalue", ShapeError, lambda: FLOATS.kthvalue(3), r"^kthvalue:.*k = 3.*size is 2"),
    Case("bincount", DTypeError, lambda: torch.bincount(FLOATS), r"^bincount:.*float32"),
    Case("bincount", ShapeError, lambda: torch.bincount(torch.ones(2, 3, dtype=torch.int64)), r"^bincount:.*\(2, 3\)",
         "vector"),
    Case("bincount", ShapeError, lambda: torch.bincount(-INTEGERS), r"^bincount:.*negative", "negative"),
    Case("randperm", ShapeError, lambda: torch.randperm(-1), r"^randperm:.*-1"),
    Case("diag", ShapeError, lambda: torch.diag(ones(1, 2, 3)), r"^diag:.*\(1, 2, 3\)"),
]  # fmt: skip

LAYERS = [
    Case("nn.functional.huber_loss", ShapeError, lambda: F.huber_loss(FLOATS, FLOATS, delta=0.0), r"^huber_loss.*0\.0"),
    Case("nn.functional.smooth_l1_loss", ShapeError, lambda: F.smooth_l1_loss(FLOATS, FLOATS, beta=-1.0),
         r"^smooth_l1_loss.*-1\.0"),
    Case("nn.functional.one_hot", DTypeError, lambda: F.one_hot(FLOATS), r"^one_hot:.*float32.*long"),
    Case("nn.functional.one_hot", ShapeError, lambda: F.one_hot(-INTEGERS), r"^one_hot:.*got -1", "negative"),
    Case("nn.functional.one_hot", ShapeError, lambda: F.one_hot(INTEGERS, 1), r"^one_hot:.*\(1\), got 1", "beyond"),
    Case("nn.functional.embedding_bag", ValueError, lambda: F.embedding_bag(INTEGERS[None], ones(2, 3), mode="min"),
         r"^embedding_bag:.*'min'"),
    Case("nn.functional.multi_margin_loss", ShapeError, lambda: F.multi_margin_loss(ones(2, 3), INTEGERS, p=3),
         r"^multi_margin_loss:.*got 3", "another p"),
    Case("nn.functional.multi_margin_loss", ShapeError, lambda: F.multi_margin_loss(ones(3, 3), INTEGERS),
         r"^multi_margin_loss:.*\[2\].*\[3, 3\]", "another shape"),
    Case("nn.functional.margin_ranking_loss", ShapeError, lambda: F.margin_ranking_loss(ones(2), ones(2, 1), ones(2)),
         r"^margin_ranking_loss.*\[2\].*\[2, 1\]"),
    Case("nn.MultiMarginLoss", ValueError, lambda: nn.MultiMarginLoss(3), r"p == 2.*got 3"),
    Case("nn.TripletMarginLoss", ValueError, lambda: nn.TripletMarginLoss(0.0), r"^TripletMarginLoss:.*0\.0"),
    Case("nn.RNN", ValueError, lambda: nn.RNN(1, 1, nonlinearity="sigmoid"), r"'sigmoid'.*'tanh'"),
    Case("nn.Softmax2d", ShapeError, lambda: nn.Softmax2d()(ones(2, 3)), r"^Softmax2d:.*2D"),
]  # fmt: skip

CASES = [*PARTS, *LAYERS]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
