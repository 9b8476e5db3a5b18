"""The documented errors of operations on elements: arithmetic, rounding, bits, comparisons, special functions."""

from __future__ import annotations

import pytest

import nanograd as torch
from nanograd.errors import DTypeError, ShapeError

from .case import Case

FLOATS = torch.tensor([1.0, 2.5])
INTEGERS = torch.tensor([1, 2])
ZEROS = torch.tensor([1, 0])
TRUTHS = torch.tensor([True, False])
DOUBLES = FLOATS.double()

CASES = [
    # arithmetic
    Case("add", DTypeError, lambda: torch.add(INTEGERS, INTEGERS, alpha=0.5), r"^add.*alpha.*0\.5"),
    Case("add", DTypeError, lambda: INTEGERS.add_(1, alpha=1.5), r"^add.*alpha.*1\.5"),
    Case("sub", DTypeError, lambda: TRUTHS - TRUTHS, r"^sub.*(truth|bool)", "truth values"),
    Case("sub", DTypeError, lambda: 1 - TRUTHS, r"^r?sub.*(truth|bool)", "truth values"),
    Case("sub", DTypeError, lambda: torch.sub(INTEGERS, 1, alpha=0.5), r"^sub.*alpha.*0\.5", "fractional alpha"),
    Case("div", DTypeError, lambda: torch.div(INTEGERS, ZEROS, rounding_mode="floor"),
         r"^(floor_)?div(ide)?: integer division by zero"),
    Case("div", DTypeError, lambda: torch.div(INTEGERS, 0, rounding_mode="trunc"), r"^div: integer division by zero"),
    Case("div", ValueError, lambda: torch.div(FLOATS, FLOATS, rounding_mode="ceil"), r"^div.*'ceil'"),
    Case("floor_divide", DTypeError, lambda: INTEGERS // 0, r"^floor_divide: integer division by zero"),
    Case("floor_divide", DTypeError, lambda: torch.floor_divide(INTEGERS, ZEROS),
         r"^floor_divide: integer division by zero"),
    Case("fmod", DTypeError, lambda: torch.fmod(INTEGERS, ZEROS), r"^fmod: integer division by zero"),
    Case("fmod", DTypeError, lambda: torch.fmod(INTEGERS, 0), r"^fmod: integer division by zero"),
    Case("remainder", DTypeError, lambda: INTEGERS % ZEROS, r"^remainder: integer division by zero"),
    Case("remainder", DTypeError, lambda: 5 % ZEROS, r"^remainder: integer division by zero"),
    Case("gcd", DTypeError, lambda: torch.gcd(FLOATS, FLOATS), r"^gcd.*float32"),
    Case("gcd", DTypeError, lambda: torch.gcd(TRUTHS, TRUTHS), r"^gcd.*bool"),
    Case("lcm", DTypeError, lambda: torch.lcm(FLOATS, INTEGERS), r"^lcm.*float32"),
    Case("lerp", DTypeError, lambda: torch.lerp(INTEGERS, INTEGERS, 0.5), r"^lerp.*int64", "for integers"),
    Case("lerp", DTypeError, lambda: torch.lerp(FLOATS, DOUBLES, 0.5), r"^lerp.*float32.*float64", "different"),
    Case("addcmul", DTypeError, lambda: torch.addcmul(TRUTHS, TRUTHS, TRUTHS), r"^addcmul.*(truth|bool)"),
    Case("addcdiv", DTypeError, lambda: torch.addcdiv(INTEGERS, INTEGERS, INTEGERS), r"^addcdiv.*integer"),
    # powers and exponents
    Case("pow", DTypeError, lambda: torch.pow(TRUTHS, TRUTHS), r"^pow.*(truth|bool)", "truth values"),
    Case("pow", DTypeError, lambda: INTEGERS**-2, r"negative power.*-2", "negative powers"),
    Case("pow", DTypeError, lambda: torch.pow(INTEGERS, -INTEGERS), r"negative power", "negative powers"),
    Case("logaddexp", DTypeError, lambda: torch.logaddexp(INTEGERS, INTEGERS), r"^logaddexp:.*int64"),
    Case("logaddexp2", DTypeError, lambda: torch.logaddexp2(INTEGERS, INTEGERS), r"^logaddexp2:.*int64"),
    Case("hypot", DTypeError, lambda: torch.hypot(INTEGERS, INTEGERS), r"^hypot.*int64"),
    Case("logit", ValueError, lambda: torch.logit(FLOATS, eps=0.7), r"^logit.*eps.*0\.7"),
    Case("logit", ValueError, lambda: torch.logit(FLOATS, eps=-0.1), r"^logit.*eps.*-0\.1"),
    Case("relu", DTypeError, lambda: torch.relu(TRUTHS), r"^relu.*(truth|bool)"),
    Case("prelu", ShapeError, lambda: torch.prelu(torch.ones(2, 3), torch.ones(4)), r"^prelu.*4.*3|^prelu.*3.*4"),
    Case("prelu", DTypeError, lambda: torch.prelu(FLOATS, torch.ones(1).double()), r"^prelu.*float64"),
    # rounding, signs, parts of a number
    Case("neg", DTypeError, lambda: -TRUTHS, r"^neg.*truth"),
    Case("positive", DTypeError, lambda: +TRUTHS, r"^positive.*(truth|bool)"),
    Case("abs", DTypeError, lambda: abs(TRUTHS), r"^abs.*(truth|bool)"),
    Case("floor", DTypeError, lambda: TRUTHS.floor(), r"^floor.*(truth|bool)"),
    Case("ceil", DTypeError, lambda: TRUTHS.ceil(), r"^ceil.*(truth|bool)"),
    Case("trunc", DTypeError, lambda: TRUTHS.trunc(), r"^trunc.*(truth|bool)"),
    Case("round", DTypeError, lambda: TRUTHS.round(), r"^round.*(truth|bool)", "truth values"),
    Case("round", DTypeError, lambda: INTEGERS.round(decimals=1), r"^round.*expected floats.*int64", "decimals"),
    Case("frac", DTypeError, lambda: INTEGERS.frac(), r"^frac.*int64"),
    Case("frac", DTypeError, lambda: TRUTHS.frac(), r"^frac.*bool"),
    Case("frexp", DTypeError, lambda: torch.frexp(INTEGERS), r"^frexp.*int64"),
    Case("nextafter", DTypeError, lambda: torch.nextafter(INTEGERS, INTEGERS), r"^nextafter.*int64"),
    Case("heaviside", DTypeError, lambda: torch.heaviside(FLOATS, DOUBLES), r"^heaviside.*float32.*float64"),
    # bits
    Case("bitwise_and", DTypeError, lambda: FLOATS & FLOATS, r"^bitwise_and.*float32"),
    Case("bitwise_and", DTypeError, lambda: INTEGERS & 1.5, r"^bitwise_and.*float"),
    Case("bitwise_or", DTypeError, lambda: FLOATS | INTEGERS, r"^bitwise_or.*float32"),
    Case("bitwise_xor", DTypeError, lambda: FLOATS ^ INTEGERS, r"^bitwise_xor.*float32"),
    Case("bitwise_not", DTypeError, lambda: ~FLOATS, r"^bitwise_not.*float32"),
    Case("bitwise_left_shift", DTypeError, lambda: FLOATS << 1, r"^bitwise_left_shift.*float32"),
    Case("bitwise_left_shift", DTypeError, lambda: TRUTHS << TRUTHS, r"^bitwise_left_shift.*(truth|bool)"),
    Case("bitwise_right_shift", DTypeError, lambda: FLOATS >> 1, r"^bitwise_right_shift.*float32"),
    # comparisons and choices
    Case("clamp", ValueError, lambda: FLOATS.clamp(), r"^clamp.*min.*max"),
    Case("isclose", ValueError, lambda: torch.isclose(FLOATS, FLOATS, rtol=-1.0), r"^isclose.*rtol.*-1"),
    Case("isclose", ValueError, lambda: torch.isclose(FLOATS, FLOATS, atol=-2.0), r"^isclose.*atol.*-2"),
    Case("masked_fill", DTypeError, lambda: FLOATS.masked_fill(INTEGERS, 0.0), r"mask.*bool.*int64", "mask"),
    Case("masked_fill", DTypeError, lambda: INTEGERS.masked_fill(TRUTHS, 1 << 70), r"^masked_fill.*int64",
         "cannot hold"),
    Case("masked_fill", DTypeError, lambda: torch.tensor([1], dtype=torch.uint8).masked_fill(TRUTHS[:1], 300),
         r"^masked_fill.*300.*uint8|^masked_fill.*uint8.*300", "cannot hold"),
    Case("masked_fill", ShapeError, lambda: FLOATS.masked_fill(TRUTHS, FLOATS), r"^masked_fill.*\(2,\)"),
    Case("where", DTypeError, lambda: torch.where(FLOATS, FLOATS, FLOATS), r"^where.*bool.*float32"),
    # special functions
    Case("polygamma", ValueError, lambda: torch.polygamma(-1, FLOATS), r"^polygamma.*-1"),
    Case("mvlgamma", ValueError, lambda: torch.mvlgamma(FLOATS, 0), r"^mvlgamma.*p.*0"),
    Case("mvlgamma", DTypeError, lambda: torch.mvlgamma(TRUTHS, 2), r"^mvlgamma.*(truth|bool)"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
