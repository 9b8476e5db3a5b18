"""The documented errors of nn.functional."""

from __future__ import annotations

from typing import Any

import pytest

import nanograd as torch
from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.nn import functional as F

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
INTEGERS = torch.tensor([0, 1])


def ones(*shape: int) -> Any:
    return torch.ones(*shape)


WINDOWS = [
    Case("conv2d", ShapeError, lambda: F.conv2d(ones(1, 3, 8, 8), ones(4, 2, 3, 3)), r"^conv2d:.*2.*3|^conv2d:.*3.*2"),
    Case("conv2d", ShapeError, lambda: F.conv2d(ones(1, 3, 2, 2), ones(4, 3, 3, 3)), r"^conv2d:.*2.*3|^conv2d:.*3.*2"),
    Case("conv2d", ShapeError, lambda: F.conv2d(ones(1, 3, 8, 8), ones(4, 3, 3, 3), groups=2),
         r"^conv2d:.*groups?=?.*2"),
    Case("conv2d", ShapeError, lambda: F.conv2d(ones(1, 3, 8, 8), ones(4, 3, 3, 3), ones(5)), r"^conv2d:.*bias.*5"),
    Case("conv2d", DTypeError, lambda: F.conv2d(ones(1, 1, 2, 2).double(), ones(1, 1, 1, 1)),
         r"^conv2d:.*float64.*float32"),
    Case("conv_transpose2d", ShapeError, lambda: F.conv_transpose2d(ones(1, 3, 2, 2), ones(2, 4, 3, 3)),
         r"^conv_transpose2d:.*3.*2|^conv_transpose2d:.*2.*3", "channels"),
    Case("conv_transpose2d", ShapeError,
         lambda: F.conv_transpose2d(ones(1, 1, 2, 2), ones(1, 1, 2, 2), stride=2, output_padding=2),
         r"^conv_transpose2d:.*output.?padding.*2", "output_padding"),
    Case("conv_transpose2d", DTypeError, lambda: F.conv_transpose2d(ones(1, 1, 2, 2), ones(1, 1, 2, 2).double()),
         r"^conv_transpose2d:.*float32.*float64"),
    Case("max_pool2d", ShapeError, lambda: F.max_pool2d(ones(1, 2, 2), 3), r"^max_pool2d:.*2.*3|^max_pool2d:.*3.*2"),
    Case("nn.functional.avg_pool2d", ShapeError, lambda: F.avg_pool2d(ones(1, 2, 2), 3), r"^avg_pool2d:.*2.*3|"
         r"^avg_pool2d:.*3.*2"),
    Case("nn.functional.max_unpool2d", ShapeError,
         lambda: F.max_unpool2d(ones(1, 1, 1), torch.tensor([[[9]]]), 2), r"^max_unpool2d:.*9.*2x2"),
    Case("nn.functional.fractional_max_pool2d", MissingError, lambda: F.fractional_max_pool2d(ones(1, 4, 4), 2),
         r"^fractional_max_pool2d:.*adaptive_max_pool2d"),
    Case("nn.functional.fractional_max_pool3d", MissingError, lambda: F.fractional_max_pool3d(ones(1, 4, 4, 4), 2),
         r"^fractional_max_pool3d:.*adaptive_max_pool3d"),
    Case("nn.functional.unfold", ShapeError, lambda: F.unfold(ones(1, 2, 2), 3), r"^unfold:.*2.*3|^unfold:.*3.*2"),
    Case("nn.functional.fold", ShapeError, lambda: F.fold(ones(1, 4, 5), (3, 3), 2), r"^fold:.*5.*4|^fold:.*4.*5"),
    Case("nn.functional.pad", ShapeError, lambda: F.pad(ones(2), (1, 2, 3)), r"^pad:.*(\(1, 2, 3\)|3)"),
    Case("nn.functional.pad", ShapeError, lambda: F.pad(ones(1, 2), (2, 0), "reflect"), r"^pad:.*2"),
    Case("nn.functional.pad", MissingError, lambda: F.pad(ones(2), (1, 1), "mirror"), r"^pad:.*mirror.*'reflect'"),
    Case("nn.functional.affine_grid", ValueError, lambda: F.affine_grid(ones(1, 2, 2), [1, 1, 2, 2]),
         r"^affine_grid:.*Nx2x3.*\[1, 2, 2\]"),
    Case("nn.functional.grid_sample", ShapeError, lambda: F.grid_sample(ones(1, 1, 2, 2), ones(1, 2, 2, 3)),
         r"^grid_sample:.*(\[1, 2, 2, 3\]|\(1, 2, 2, 3\)|3)"),
    Case("nn.functional.grid_sample", ValueError, lambda: F.grid_sample(ones(1, 1, 2, 2), ones(1, 2, 2, 2), "cubic"),
         r"grid_sample.*cubic.*bilinear|grid_sample.*bilinear.*cubic"),
    Case("nn.functional.interpolate", ValueError, lambda: F.interpolate(ones(1, 1, 2), 4, 2.0),
         r"size.*scale_factor"),
    Case("nn.functional.interpolate", ShapeError, lambda: F.interpolate(ones(1, 1, 2), 0),
         r"^interpolate:.*output \(W: 0\)"),
]  # fmt: skip

LAYERS = [
    Case("bilinear", ShapeError, lambda: F.bilinear(ones(2, 3), ones(2, 4), ones(5, 3, 3)),
         r"^bilinear.*\(2, 3\) and \(2, 4\) and weight \(5, 3, 3\)"),
    Case("bilinear", DTypeError, lambda: F.bilinear(ones(2, 3), ones(2, 4), ones(5, 3, 4).double()),
         r"^bilinear:.*float32.*float64"),
    Case("nn.functional.glu", ShapeError, lambda: F.glu(ones(2, 3)), r"^glu:.*3"),
    Case("nn.functional.softshrink", ShapeError, lambda: F.softshrink(FLOATS, -0.5), r"^softshrink:?.*-0\.5"),
    Case("rrelu", ShapeError, lambda: F.rrelu(FLOATS, 0.5, 0.1), r"^rrelu:.*0\.5.*0\.1|0\.1.*0\.5", "above"),
    Case("rrelu", ShapeError, lambda: F.rrelu(FLOATS, 0.5, float("inf")), r"^rrelu:.*inf", "not finite"),
    Case("nn.functional.dropout", ValueError, lambda: F.dropout(FLOATS, 1.5), r"dropout.*1\.5"),
    Case("nn.functional.dropout", ValueError, lambda: F.dropout(FLOATS, -0.1), r"dropout.*-0\.1"),
    Case("nn.functional.embedding", DTypeError, lambda: F.embedding(FLOATS, ones(3, 2)), r"^embedding:.*float32"),
    Case("nn.functional.embedding", IndexError, lambda: F.embedding(torch.tensor([3]), ones(3, 2)),
         r"^embedding:.*got 3.*3 rows"),
    Case("nn.functional.embedding", IndexError, lambda: F.embedding(torch.tensor([-1]), ones(3, 2)),
         r"^embedding:.*got -1.*3 rows"),
    Case("layer_norm", ShapeError, lambda: F.layer_norm(ones(2, 3), (4,)), r"^layer_norm:?.*4.*3|^layer_norm:?.*3.*4"),
    Case("layer_norm", DTypeError, lambda: F.layer_norm(INTEGERS, (2,)), r"^layer_norm:.*(int64|Long)"),
    Case("group_norm", ShapeError, lambda: F.group_norm(ones(2, 3, 4), 2), r"^group_norm:.*\[2, 3, 4\].*=2"),
    Case("group_norm", ValueError, lambda: F.group_norm(ones(1, 2), 2), r"1 value per channel.*\[1, "),
    Case("nn.functional.batch_norm", ValueError, lambda: F.batch_norm(ones(1, 3), None, None, training=True),
         r"1 value per channel.*\[1, 3\]"),
    Case("nn.functional.batch_norm", ShapeError, lambda: F.batch_norm(ones(2, 3), ones(4), ones(4)),
         r"^batch_norm: running_mean.*3.*4"),
    Case("nn.functional.batch_norm", ShapeError, lambda: F.batch_norm(FLOATS, ones(2), ones(2)),
         r"^batch_norm:.*\(N, C, …\).*\(2,\)"),
    Case("nn.functional.instance_norm", ValueError, lambda: F.instance_norm(ones(2, 3, 1)), r"1 spatial.*\[2, 3, 1\]"),
    Case("nn.functional.scaled_dot_product_attention", ShapeError,
         lambda: F.scaled_dot_product_attention(ones(2, 3), ones(2, 4), ones(2, 4)),
         r"query \(2, 3\) and key \(2, 4\)"),
    Case("nn.functional.scaled_dot_product_attention", ShapeError,
         lambda: F.scaled_dot_product_attention(FLOATS, FLOATS, FLOATS), r"2 dimensional.*\(2,\)"),
    Case("nn.functional.scaled_dot_product_attention", DTypeError,
         lambda: F.scaled_dot_product_attention(ones(2, 3), ones(2, 3).double(), ones(2, 3)),
         r"query.*float32 key.*float64"),
    Case("nn.functional.scaled_dot_product_attention", DTypeError,
         lambda: F.scaled_dot_product_attention(*[ones(2, 3).long()] * 3), r"floats.*query.*int64"),
]  # fmt: skip

LOSSES = [
    Case("nn.functional.binary_cross_entropy", ShapeError,
         lambda: F.binary_cross_entropy(FLOATS / 3, ones(2, 1)), r"^binary_cross_entropy:.*\[2, 1\].*\[2\]", "shapes"),
    Case("nn.functional.binary_cross_entropy", ShapeError,
         lambda: F.binary_cross_entropy(FLOATS, ones(2)), r"^binary_cross_entropy:.*between 0 and 1.*sigmoid",
         "outside"),
    Case("nn.functional.gaussian_nll_loss", ValueError, lambda: F.gaussian_nll_loss(FLOATS, FLOATS, -FLOATS),
         r"^gaussian_nll_loss:.*negative", "negative"),
    Case("nn.functional.gaussian_nll_loss", ValueError, lambda: F.gaussian_nll_loss(FLOATS, FLOATS, ones(3)),
         r"^gaussian_nll_loss:.*\(3,\).*\(2,\)", "shape"),
    Case("nn.functional.triplet_margin_with_distance_loss", ValueError,
         lambda: F.triplet_margin_with_distance_loss(FLOATS, FLOATS, FLOATS, margin=0.0), r"margin.*0\.0"),
    Case("pdist", ShapeError, lambda: F.pdist(ones(2, 3), -1.0), r"^pdist.*p values, got -1"),
]  # fmt: skip

CASES = [*WINDOWS, *LAYERS, *LOSSES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
