"""The documented errors of tensors: making them, their shapes, parts of them, sums and matrices over them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nanograd as torch
from nanograd import linalg
from nanograd.errors import DTypeError, LinAlgError, MissingError, ShapeError

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
INTEGERS = torch.tensor([1, 2])
TRUTHS = torch.tensor([True, False])
SINGULAR = torch.tensor([[1.0, 2.0], [2.0, 4.0]])


def ones(*shape: int) -> Any:
    return torch.ones(*shape)


def put(index: Any, value: Any) -> None:
    ones(2, 3)[index] = value


MAKING = [
    Case("tensor", ShapeError, lambda: torch.tensor([[1, 2], [3]]), r"^tensor:.*length 2.*got length 1"),
    Case("tensor", DTypeError, lambda: torch.tensor("three"), r"^tensor:.*str"),
    Case("tensor", DTypeError, lambda: torch.tensor([1.0, None]), r"^tensor:.*None"),
    Case("from_numpy", DTypeError, lambda: torch.from_numpy([1, 2]), r"^from_numpy:.*list", "not an ndarray"),
    Case("from_numpy", DTypeError, lambda: torch.from_numpy(np.array(["a"])), r"<U1 are not supported", "no numbers"),
    Case("from_numpy", ShapeError, lambda: torch.from_numpy(np.arange(3)[::-1]), r"^from_numpy:.*negative.*copy"),
    Case("frombuffer", ValueError, lambda: torch.frombuffer(bytearray(7), dtype=torch.int16),
         r"^frombuffer:.*7 bytes.*\(2\)", "divide"),
    Case("frombuffer", ValueError, lambda: torch.frombuffer(bytearray(4), dtype=torch.int32, count=2),
         r"^frombuffer:.*4.*8|^frombuffer:.*2.*4", "too few"),
    Case("randint", ShapeError, lambda: torch.randint(3, 3, (2,)), r"^randint:?.*3.*3"),
    Case("randint", DTypeError, lambda: torch.randint(0, 300, (2,), dtype=torch.uint8), r"^randint:.*uint8"),
    Case("normal", ShapeError, lambda: torch.normal(0.0, -1.0, (2,)), r"^normal:? ?.*std.*-1"),
    Case("normal", ShapeError, lambda: torch.normal(FLOATS, -FLOATS), r"^normal:? ?.*std"),
    Case("Tensor.normal_", ShapeError, lambda: ones(2).normal_(0.0, -0.5), r"^normal_:? ?.*std.*-0\.5"),
    Case("bernoulli", ShapeError, lambda: torch.bernoulli(FLOATS), r"^bernoulli:.*\[0, 1\]"),
    Case("bernoulli", ShapeError, lambda: torch.bernoulli(FLOATS, p=1.5), r"^bernoulli:.*1\.5"),
    Case("bernoulli", ShapeError, lambda: torch.bernoulli(torch.tensor([float("nan")])), r"^bernoulli:.*\[0, 1\]"),
    Case("binomial", ShapeError, lambda: torch.binomial(-FLOATS, FLOATS / 10), r"^binomial:.*counts.*0", "counts"),
    Case("binomial", ShapeError, lambda: torch.binomial(FLOATS, FLOATS), r"^binomial:.*\[0, 1\]", "probabilities"),
    Case("poisson", ShapeError, lambda: torch.poisson(-FLOATS), r"^poisson:.*(rate|negative)"),
    Case("multinomial", ShapeError, lambda: torch.multinomial(ones(2), 3), r"^multinomial:.*3 .*from 2 ",
         "more distinct"),
    Case("multinomial", ShapeError, lambda: torch.multinomial(torch.tensor([1.0, 0.0]), 2), r"2 .*from 1 ",
         "more distinct"),
    Case("multinomial", ShapeError, lambda: torch.multinomial(-FLOATS, 1), r"^multinomial:.*(negative|< 0)",
         "negative"),
    Case("multinomial", ShapeError, lambda: torch.multinomial(FLOATS * float("inf"), 1), r"^multinomial:.*inf",
         "infinite"),
    Case("multinomial", ShapeError, lambda: torch.multinomial(FLOATS * float("nan"), 1), r"^multinomial:.*[Nn]a[Nn]",
         "NaN"),
    Case("Generator.set_state", ShapeError, lambda: torch.Generator().set_state(ones(3).to(torch.uint8)),
         r"^(Generator\.)?set_state:.*3"),
]  # fmt: skip

SHAPES = [
    Case("reshape", ShapeError, lambda: ones(2, 3).reshape(4, 2), r"^reshape:.*\[4, 2\].*8 elements.*\(2, 3\)"),
    Case("reshape", ShapeError, lambda: ones(2, 3).reshape(-1, 4), r"^reshape:.*\[-1, 4\].*\(2, 3\)"),
    Case("Tensor.view", ShapeError, lambda: ones(2, 3).t().view(6), r"^view:.*\(3, 2\).*reshape", "strides"),
    Case("Tensor.view", ShapeError, lambda: ones(3).view(torch.float64), r"^view:.*float32 as torch\.float64.*got 3",
         "bytes"),
    Case("t", ShapeError, lambda: torch.t(ones(1, 2, 3)), r"^t:.*(\(1, 2, 3\)|3D)"),
    Case("Tensor.mT", ShapeError, lambda: FLOATS.mT, r"(mT|matrix_transpose).*(\(2,\)|1)"),
    Case("broadcast_shapes", ShapeError, lambda: torch.broadcast_shapes((2, 3), (4,)),
         r"^broadcast_shapes:.*\(4,\).*\[2, 3\]"),
    Case("as_strided", ShapeError, lambda: ones(4).as_strided((3, 3), (1, 1)), r"^as_strided:.*5.*4", "beyond"),
    Case("as_strided", ShapeError, lambda: ones(4).as_strided((2,), (1,), 3), r"^as_strided:.*5.*4", "beyond"),
    Case("as_strided", ShapeError, lambda: ones(4).as_strided((2,), (-1,)), r"^as_strided:.*-1", "negative"),
    Case("cat", ShapeError, lambda: torch.cat([ones(2, 3), ones(2, 4)]), r"^cat:.*3.*4"),
    Case("cat", ValueError, lambda: torch.cat([]), r"^cat:.*(empty|non-empty|at least one)"),
    Case("split_with_sizes", ShapeError, lambda: torch.split_with_sizes(ones(5), [2, 2]), r"^split.*\[2, 2\].*5.*4"),
    Case("split_with_sizes", ShapeError, lambda: ones(5).split([6, -1]), r"^split.*\[6, -1\]"),
    Case("diagonal_scatter", ShapeError, lambda: torch.diagonal_scatter(ones(3, 3), ones(2)), r"src.*\[2\].*\[3\]"),
    Case("Tensor.resize_", ShapeError, lambda: ones(4)[:2].resize_(8), r"^resize_:.*\(2,\).*\(8,\).*clone"),
    Case("Tensor.set_", DTypeError, lambda: ones(2).set_(INTEGERS), r"^set_:.*float32.*int64"),
]  # fmt: skip

PARTS = [
    Case("narrow", IndexError, lambda: ones(2, 3).narrow(1, 4, 1), r"^narrow:.*4.*\(2, 3\)"),
    Case("narrow", ShapeError, lambda: ones(2, 3).narrow(1, 2, 2), r"^narrow:.*2.*2.*3"),
    Case("Tensor.__getitem__", IndexError, lambda: ones(2, 3)[2], r"2.*dim(ension)? 0.*size 2", "out of bounds"),
    Case("Tensor.__getitem__", IndexError, lambda: ones(2, 3)[:, torch.tensor([0, -4])], r"-4.*size 3",
         "out of bounds"),
    Case("Tensor.__getitem__", IndexError, lambda: ones(2, 3)[0, 0, 0], r"too many indices.*(\(2, 3\)|2)", "too many"),
    Case("Tensor.__getitem__", IndexError, lambda: ones(2, 3)["row"], r"^index:.*str 'row'", "another kind"),
    Case("Tensor.__getitem__", IndexError, lambda: ones(2, 3)[1.0], r"^index:.*float 1\.0", "another kind"),
    Case("Tensor.__setitem__", ShapeError, lambda: put(0, ones(4)), r"^setitem:.*\(4,\).*\(3,\)"),
    Case("Tensor.__setitem__", DTypeError, lambda: put(0, "x"), r"^setitem:.*str.*'x'"),
    Case("Tensor.__setitem__", IndexError, lambda: put(2, 1.0), r"2.*dim(ension)? 0.*size 2", "out of bounds"),
    Case("Tensor.__setitem__", IndexError, lambda: put((0, 0, 0), 1.0), r"too many indices", "too many"),
    Case("Tensor.__setitem__", IndexError, lambda: put("row", 1.0), r"^index:.*str 'row'", "another kind"),
    Case("gather", DTypeError, lambda: ones(2, 2).gather(0, ones(2, 2)), r"^gather:.*float32"),
    Case("gather", ShapeError, lambda: ones(2, 2).gather(0, INTEGERS), r"^gather:.*(\(2,\)|2.*1)"),
    Case("gather", IndexError, lambda: ones(2, 2).gather(0, torch.tensor([[0, 2]])), r"^gather:.*2.*size 2"),
    Case("scatter", DTypeError, lambda: ones(2, 2).scatter(0, ones(1, 2), 1.0), r"^scatter:.*float32", "integers"),
    Case("scatter", DTypeError, lambda: ones(2, 2).scatter(0, torch.tensor([[0, 1]]), ones(1, 2).double()),
         r"^scatter:.*float64", "for a src"),
    Case("scatter", ShapeError, lambda: ones(2, 2).scatter(0, INTEGERS, 1.0), r"^scatter:.*(\(2,\)|2.*1)",
         "dimensions"),
    Case("scatter", ShapeError, lambda: ones(2, 2).scatter(0, torch.tensor([[0, 1]]), ones(1, 1)),
         r"^scatter:.*\[1, 2\].*src \[1, 1\]", "smaller"),
    Case("scatter", IndexError, lambda: ones(2, 2).scatter(0, torch.tensor([[0, 5]]), 1.0), r"^scatter:.*5.*size 2"),
    Case("index_put", DTypeError, lambda: ones(3).index_put((INTEGERS,), INTEGERS), r"^index_put:.*float32.*int64"),
    Case("index_put", ShapeError, lambda: ones(3).index_put((INTEGERS,), ones(3)), r"^index_put:.*\(?3.*\(?2"),
]  # fmt: skip

SUMS_AND_MATRICES = [
    Case("mean", DTypeError, lambda: INTEGERS.mean(), r"^mean:?.*(int64|Long)"),
    Case("nanmean", DTypeError, lambda: torch.nanmean(INTEGERS), r"^nanmean:?.*(int64|Long)"),
    Case("var", DTypeError, lambda: INTEGERS.var(), r"^var:?.*(int64|Long)"),
    Case("topk", ShapeError, lambda: ones(2, 3).topk(4), r"^topk:.*4.*3|^topk:.*3.*4"),
    Case("topk", ShapeError, lambda: ones(2, 3).topk(-1), r"^topk:.*-1"),
    Case("is_nonzero", ShapeError, lambda: torch.is_nonzero(FLOATS), r"^is_nonzero:.*\(2,\)", "more"),
    Case("is_nonzero", ShapeError, lambda: torch.is_nonzero(ones(0)), r"^is_nonzero:.*no values.*\(0,\)", "none"),
    Case("Tensor.item", ShapeError, lambda: FLOATS.item(), r"^item:.*2 elements.*\(2,\)", "more"),
    Case("Tensor.item", ShapeError, lambda: ones(0, 3).item(), r"^item:.*0 elements.*\(0, 3\)", "none"),
    Case("matmul", ShapeError, lambda: ones(2, 3) @ ones(4, 5), r"^matmul:.*\(2, 3\).*\(4, 5\).*3.*4", "inner sizes"),
    Case("matmul", ShapeError, lambda: ones(2, 3) @ torch.tensor(1.0), r"^matmul:.*\(\)|0-d|0D", "0-d"),
    Case("tensordot", ShapeError, lambda: torch.tensordot(ones(2, 3), ones(4, 5), 1), r"^tensordot:.*3.*4"),
    Case("einsum", ShapeError, lambda: torch.einsum("ij,jk->ik", ones(2, 3), ones(4, 5)), r"^einsum.*j.*3.*4|"
         r"^einsum.*j.*4.*3"),
    Case("einsum", ShapeError, lambda: torch.einsum("ij->i", FLOATS), r"^einsum.*(ij|1)"),
    Case("einsum", ShapeError, lambda: torch.einsum("i->k", FLOATS), r"^einsum.*k"),
    Case("cdist", ShapeError, lambda: torch.cdist(ones(2, 3), ones(2, 4)), r"^cdist:.*3.*4", "length"),
    Case("cdist", ShapeError, lambda: torch.cdist(ones(2, 3), ones(2, 3), p=-1.0), r"^cdist:.*p values, got -1",
         "p < 0"),
    Case("linalg.cholesky", LinAlgError, lambda: linalg.cholesky(-SINGULAR), r"cholesky.*positive-definite"),
    Case("linalg.inv", LinAlgError, lambda: linalg.inv(SINGULAR), r"inv.*singular"),
    Case("linalg.lu_factor", LinAlgError, lambda: linalg.lu_factor(SINGULAR), r"lu_factor.*U\[2,2\] is zero"),
    Case("linalg.solve", LinAlgError, lambda: linalg.solve(SINGULAR, FLOATS), r"solve.*singular"),
    Case("Tensor.to_sparse", MissingError, lambda: FLOATS.to_sparse(), r"to_sparse.*sparse"),
    Case("Tensor.bfloat16", MissingError, lambda: FLOATS.bfloat16(), r"bfloat16.*(float16|float32)"),
]  # fmt: skip

CASES = [*MAKING, *SHAPES, *PARTS, *SUMS_AND_MATRICES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
