"""The documented errors of modules, parameters, their initialization, and of nn.utils."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

import nanograd as torch
from nanograd import nn
from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.nn.utils import parametrize, rnn

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
INTEGERS = torch.tensor([0, 1])
NAN = float("nan")


def ones(*shape: int) -> Any:
    return torch.ones(*shape)


def net() -> Any:
    return nn.Sequential(OrderedDict(first=nn.Linear(2, 2), norm=nn.BatchNorm1d(2)))


def graded(value: float) -> Any:
    p = nn.Parameter(ones(2))
    p.grad = torch.tensor([value, 1.0])
    return [p]


class Doubled(nn.Module):
    """Twice the original; it does not say how to go back."""

    def forward(self, x: Any) -> Any:
        return 2 * x


class Longer(nn.Module):
    """One element more than the original."""

    def forward(self, x: Any) -> Any:
        return torch.cat([x, x[:1]])


class Typed(nn.Module):
    """Of another dtype than the original."""

    def forward(self, x: Any) -> Any:
        return x.double()


class Summed(nn.Module):
    """The sum of two originals."""

    def forward(self, x: Any, y: Any) -> Any:
        return x + y

    def right_inverse(self, value: Any) -> Any:
        return value / 2, value / 2


class Forgetful(Summed):
    """Gives three originals where it takes two."""

    count = 2

    def right_inverse(self, value: Any) -> Any:
        return (value,) * self.count


def parametrized(parametrization: Any, name: str = "weight", **options: Any) -> Any:
    return parametrize.register_parametrization(nn.Linear(2, 2), name, parametrization, **options)


def inverted_wrongly() -> None:
    rule = Forgetful()
    layer = parametrized(rule)
    rule.count = 3
    layer.weight = ones(2, 2)


def assign(layer: Any, value: Any) -> None:
    layer.weight = value


MODULES = [
    Case("nn.Module.register_parameter", KeyError, lambda: net().register_parameter("a.b", None), r"got .*a\.b",
         "has a dot"),
    Case("nn.Module.register_parameter", KeyError, lambda: net().register_parameter("", None), r"empty, got ", "dot"),
    Case("nn.Module.register_parameter", KeyError, lambda: net().register_parameter("eval", None), r"'eval' already",
         "taken"),
    Case("nn.Module.register_parameter", TypeError, lambda: net().register_parameter("w", FLOATS), r"'w'.*Parameter"),
    Case("nn.Module.register_parameter", ValueError,
         lambda: net().register_parameter("w", nn.Parameter(ones(2), False).mul_(nn.Parameter(ones(2)))),
         r"non-leaf.*'w'"),
    Case("nn.Module.register_buffer", KeyError, lambda: net().register_buffer("a.b", FLOATS), r"buffer.*a\.b", "dot"),
    Case("nn.Module.register_buffer", KeyError, lambda: net().register_buffer("eval", FLOATS), r"'eval' already",
         "taken"),
    Case("nn.Module.register_buffer", TypeError, lambda: net().register_buffer("b", [1.0]), r"list.*buffer 'b'"),
    Case("nn.Module.add_module", KeyError, lambda: net().add_module("a.b", nn.ReLU()), r"module.*a\.b", "dot"),
    Case("nn.Module.add_module", KeyError, lambda: net().add_module("eval", nn.ReLU()), r"'eval' already", "taken"),
    Case("nn.Module.add_module", TypeError, lambda: net().add_module("act", nn.ReLU), r"child module 'act'"),
    Case("nn.Module.train", ValueError, lambda: net().train("yes"), r"boolean.*'yes'"),
    Case("nn.Module.get_submodule", AttributeError, lambda: net().get_submodule("first.second"), r"'?Linear'?.*second"),
    Case("nn.Module.get_submodule", AttributeError, lambda: net().get_submodule("first.weight"),
         r"`weight`.*Parameter"),
    Case("nn.Module.get_parameter", AttributeError, lambda: net().get_parameter("first.w"), r"'?Linear'?.*'w'"),
    Case("nn.Module.get_parameter", AttributeError, lambda: net().get_parameter("first"), r"`first`.*Linear"),
    Case("nn.Module.get_buffer", AttributeError, lambda: net().get_buffer("norm.weight"), r"`weight`.*BatchNorm1d"),
    Case("nn.Module.set_submodule", ValueError, lambda: net().set_submodule("", nn.ReLU()), r"target name"),
    Case("nn.Module.set_submodule", AttributeError, lambda: net().set_submodule("second.a", nn.ReLU()),
         r"'Sequential'.*'second'",
         "does not lead on"),
    Case("nn.Module.set_submodule", AttributeError, lambda: net().set_submodule("second", nn.ReLU(), strict=True),
         r"Sequential has no attribute `second`", "strict"),
    Case("nn.Module.load_state_dict", RuntimeError, lambda: net().load_state_dict({"first.weight": ones(3, 3)}),
         r"[Mm]issing.*first\.bias.*first\.weight.*\[3, 3\].*\[2, 2\]"),
    Case("nn.Module.load_state_dict", RuntimeError,
         lambda: net().load_state_dict({**net().state_dict(), "second.bias": FLOATS}), r"[Uu]nexpected.*second\.bias"),
    Case("nn.ModuleList.extend", TypeError, lambda: nn.ModuleList().extend(3), r"^ModuleList\.extend.*int.*append"),
    Case("nn.ParameterList.extend", TypeError, lambda: nn.ParameterList().extend(FLOATS), r"extend.*Tensor.*append"),
    Case("nn.ParameterList.__call__", RuntimeError, lambda: nn.ParameterList()(), r"ParameterList.*not be called"),
    Case("nn.ParameterDict.__call__", RuntimeError, lambda: nn.ParameterDict()(), r"ParameterDict.*not be called"),
    Case("nn.Parameter", DTypeError, lambda: nn.Parameter([1.0]), r"Parameter.*list", "not a tensor"),
    Case("nn.Parameter", DTypeError, lambda: nn.Parameter(INTEGERS), r"floating.*gradients, got.*int64", "integers"),
    Case("nn.Dropout", ValueError, lambda: nn.Dropout(1.5), r"dropout.*0 and 1.*1\.5"),
    Case("nn.Dropout", ValueError, lambda: nn.Dropout(NAN), r"dropout.*0 and 1.*nan"),
    Case("nn.GroupNorm", ValueError, lambda: nn.GroupNorm(2, 3), r"\(3\).*\(2\)"),
    Case("nn.FractionalMaxPool2d", MissingError, lambda: nn.FractionalMaxPool2d(2), r"^Fractional.*2d:.*AdaptiveMax"),
    Case("nn.FractionalMaxPool3d", MissingError, lambda: nn.FractionalMaxPool3d(2), r"^Fractional.*3d:.*AdaptiveMax"),
    Case("nn.attention.sdpa_kernel", TypeError, lambda: nn.attention.sdpa_kernel("math").__enter__(),
         r"^sdpa_kernel:.*SDPBackend.*'math'"),
]  # fmt: skip

INIT = [
    Case("nn.init.trunc_normal_", ValueError, lambda: nn.init.trunc_normal_(ones(2), std=0.0), r"std=0\.0", "std"),
    Case("nn.init.trunc_normal_", ValueError, lambda: nn.init.trunc_normal_(ones(2), a=2.0, b=1.0), r"2\.0.*1\.0",
         "a > b"),
    Case("nn.init.dirac_", ValueError, lambda: nn.init.dirac_(ones(2, 2)), r"3, 4, or 5 dimensions.*\(2, 2\)",
         "dimensions"),
    Case("nn.init.dirac_", ValueError, lambda: nn.init.dirac_(ones(3, 2, 2), groups=2), r"divisible.*3 and groups=2",
         "groups"),
    Case("nn.init.calculate_gain", ValueError, lambda: nn.init.calculate_gain("relue"), r"relue.*relu", "nonlinearity"),
    Case("nn.init.calculate_gain", ValueError, lambda: nn.init.calculate_gain("leaky_relu", "x"), r"slope x", "param"),
    Case("nn.init.eye_", ValueError, lambda: nn.init.eye_(ones(2)), r"2 dimensions.*\(2,\)"),
    Case("nn.init.orthogonal_", ValueError, lambda: nn.init.orthogonal_(ones(2)), r"2 or more.*\(2,\)"),
    Case("nn.init.sparse_", ValueError, lambda: nn.init.sparse_(ones(2), 0.5), r"2 dimensions.*\(2,\)", "dimensions"),
    Case("nn.init.sparse_", ValueError, lambda: nn.init.sparse_(ones(2, 2), 1.5), r"sparsity.*1\.5", "shares"),
]  # fmt: skip

PARTS = [
    Case("nn.utils.clip_grad_norm_", RuntimeError,
         lambda: nn.utils.clip_grad_norm_(graded(NAN), 1.0, error_if_nonfinite=True), r"norm.*non-finite.*error_if"),
    Case("nn.utils.get_total_norm", RuntimeError,
         lambda: nn.utils.get_total_norm([FLOATS * float("inf")], error_if_nonfinite=True),
         r"norm.*non-finite.*error_if"),
    Case("nn.utils.remove_weight_norm", ValueError, lambda: nn.utils.remove_weight_norm(nn.Linear(1, 1)),
         r"weight.*Linear"),
    Case("nn.utils.remove_spectral_norm", ValueError, lambda: nn.utils.remove_spectral_norm(nn.Linear(1, 1)),
         r"weight.*Linear"),
    Case("nn.utils.vector_to_parameters", TypeError, lambda: nn.utils.vector_to_parameters([1.0], graded(1.0)),
         r"Tensor.*list"),
    Case("nn.utils.vector_to_parameters", ValueError, lambda: nn.utils.vector_to_parameters(ones(3), graded(1.0)),
         r"vector of 2.*\(3,\)"),
    Case("nn.utils.parametrize.register_parametrization", ValueError, lambda: parametrized(Doubled(), "weigth"),
         r"'weigth'.*'weight'", "no tensor"),
    Case("nn.utils.parametrize.register_parametrization", ValueError, lambda: parametrized(Longer()),
         r"shape.*\(3, 2\).*\(2, 2\)|\(2, 2\).*\(3, 2\)|\[2, 2\].*\[3, 2\]", "shape or dtype"),
    Case("nn.utils.parametrize.register_parametrization", ValueError, lambda: parametrized(Typed()),
         r"change the dtype.*float32.*float64", "shape or dtype"),
    Case("nn.utils.parametrize.remove_parametrizations", ValueError,
         lambda: parametrize.remove_parametrizations(nn.Linear(1, 1), "bias"), r"Linear.*bias", "not parametrized"),
    Case("nn.utils.parametrize.remove_parametrizations", ValueError,
         lambda: parametrize.remove_parametrizations(parametrized(Summed()), "weight", leave_parametrized=False),
         r"leave_parametrized=False.*sequence", "several originals"),
    Case("nn.utils.parametrize.ParametrizationList.right_inverse", RuntimeError,
         lambda: assign(parametrized(Doubled()), ones(2, 2)), r"Doubled.*right_inverse"),
    Case("nn.utils.parametrize.ParametrizationList.right_inverse", ValueError, inverted_wrongly, r"length 2.*length 3"),
]  # fmt: skip

SEQUENCES = [
    Case("nn.utils.rnn.pack_padded_sequence", ShapeError, lambda: rnn.pack_padded_sequence(ones(3, 2), [4, 1]),
         r"length of 4 .*3 steps",
         "do not fit"),
    Case("nn.utils.rnn.pack_padded_sequence", ShapeError, lambda: rnn.pack_padded_sequence(ones(3, 2), [3]),
         r"batch_size.*1 .*=2",
         "do not fit"),
    Case("nn.utils.rnn.pack_padded_sequence", ShapeError, lambda: rnn.pack_padded_sequence(ones(3, 2), [1, 3]),
         r"enforce_sorted=False", "not sorted"),
    Case("nn.utils.rnn.unpad_sequence", ShapeError, lambda: rnn.unpad_sequence(ones(3, 2), torch.tensor([3])),
         r"^unpad_sequence: 1 lengths.*2 seq"),
    Case("nn.utils.rnn.pad_packed_sequence", ValueError,
         lambda: rnn.pad_packed_sequence(rnn.pack_sequence([ones(3)]), total_length=2), r"total_length=2.*3"),
    Case("nn.utils.rnn.pad_sequence", ShapeError, lambda: rnn.pad_sequence([]), r"^pad_sequence:.*empty list",
         "no seq"),
    Case("nn.utils.rnn.pad_sequence", ShapeError, lambda: rnn.pad_sequence([ones(2, 3), ones(2, 4)]),
         r"\(2, 3\) and \(2, 4\)", "differ"),
    Case("nn.utils.rnn.pad_sequence", ValueError, lambda: rnn.pad_sequence([FLOATS], padding_side="top"), r"top"),
]  # fmt: skip


CASES = [*MODULES, *INIT, *PARTS, *SEQUENCES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
