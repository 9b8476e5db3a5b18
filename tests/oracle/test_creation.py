"""Making tensors, types and settings beside torch's: the same text is printed, the same class of error is raised."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import nanograd as ng

torch = pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")

KINDS = (IndexError, TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError)

# t is the module, x = t.arange(12.).reshape(3, 4), i = t.tensor([0, 2])
PRINTED = """
t.zeros(2, 3)
t.zeros((2, 3), dtype=t.int32)
t.zeros([])
t.zeros(0, 3)
t.zeros(size=(2,))
t.zeros(2, layout=t.strided, pin_memory=False)
t.ones(2, dtype=t.bool)
t.ones(2, requires_grad=True)
t.ones(t.Size([2]))
t.full((2, 2), 7)
t.full((2,), True)
t.full((2,), 2.5)
t.full((2,), 2.5, dtype=t.int64)
t.full((), 3.0)
t.full((2,), t.tensor(3))
t.full_like(x, 3)
t.full_like(i, 3)
t.zeros_like(x, dtype=t.int64)
t.zeros_like(x, memory_format=t.preserve_format)
t.ones_like(i)
t.ones_like(x, requires_grad=True)
t.empty(0, 3)
t.empty(2, 3).shape
t.empty_like(x).dtype
t.empty_strided((2, 3), (1, 2)).stride()
t.arange(5)
t.arange(1, 5)
t.arange(1, 2, 0.25)
t.arange(5, 1, -2)
t.arange(2.5)
t.arange(0)
t.arange(t.tensor(3))
t.arange(3, dtype=t.float64)
t.arange(3, dtype=t.uint8)
t.arange(True)
t.range(1, 3)
t.linspace(0, 1, 5)
t.linspace(0, 10, 1)
t.linspace(3, -3, 4, dtype=t.float64)
t.linspace(0, 1, 0)
t.linspace(0, 10, 4, dtype=t.int64)
t.linspace(t.tensor(1.0), 2, 3)
t.logspace(0, 2, 3)
t.logspace(0, 3, 4, base=2)
t.logspace(0, 2, 3, base=-2)
t.logspace(-1, 1, 3, dtype=t.float64)
t.eye(3)
t.eye(2, 3, dtype=t.int64)
t.eye(0)
t.tensor([[1, 2], [3, 4]])
t.tensor([1, 2.5])
t.tensor([True, 2])
t.tensor([])
t.tensor([[]])
t.tensor(())
t.tensor(3)
t.tensor(x)
t.tensor(np.arange(3))
t.tensor(np.float32(2.5))
t.tensor([np.float64(1), 2])
t.tensor([1.5, 2], dtype=t.uint8)
t.tensor(2.5, dtype=t.int64)
t.tensor([1, 0, 2], dtype=t.bool)
t.tensor(range(3))
t.as_tensor([1, 2])
t.as_tensor(x) is x
t.as_tensor(np.arange(3), dtype=t.float32)
t.asarray([1, 2])
t.asarray(x) is x
t.asarray(x, copy=True) is x
t.asarray(np.arange(3.0)).dtype
t.asarray(3.5)
t.asarray([1, 2], dtype=t.float32, requires_grad=True)
t.scalar_tensor(2)
t.scalar_tensor(True)
t.scalar_tensor(3, dtype=t.int64)
t.from_numpy(np.arange(3, dtype=np.int16))
t.frombuffer(bytearray(b"abcdefgh"), dtype=t.int16, count=2, offset=2)
t.frombuffer(bytearray(8), dtype=t.float32)
x.new_tensor([1, 2])
x.new_tensor([1, 2], dtype=t.int64)
x.new_zeros(2, 3)
x.new_zeros((2, 3), dtype=t.int64)
i.new_ones(2)
i.new_full((2,), 1.5)
x.new_full((2,), 1)
x.new_empty((2, 0))
x.new_empty_strided((2, 2), (1, 2)).stride()
t.tril_indices(3, 3)
t.tril_indices(3, 4, -1)
t.triu_indices(3, 4, 1)
t.triu_indices(2, 2, dtype=t.int32)
t.FloatTensor([1, 2])
t.FloatTensor(2, 3).shape
t.FloatTensor()
t.FloatTensor(3).shape
t.FloatTensor(t.Size([2])).shape
t.FloatTensor((2, 3))
t.FloatTensor([[1, 2]])
t.FloatTensor(np.zeros(2))
t.FloatTensor(x).shape
t.LongTensor([[1, 2]])
t.LongTensor([1.5, 2])
t.BoolTensor([0, 2])
t.ByteTensor([1, 2, 3])
t.CharTensor([-1])
t.ShortTensor([1])
t.IntTensor([1])
t.DoubleTensor([1])
t.HalfTensor([1])
t.FloatTensor
t.LongTensor.dtype
isinstance(x, t.FloatTensor)
isinstance(x, t.LongTensor)
isinstance(i, t.LongTensor)
type(t.FloatTensor([1])) is t.Tensor
x.type(t.DoubleTensor).dtype
x.type("torch.LongTensor").dtype
i.type(t.FloatTensor)
t.finfo(t.float32)
t.finfo(t.float64)
t.finfo(t.float16)
t.finfo()
[getattr(t.finfo(t.float16), n) for n in "bits eps max min tiny smallest_normal resolution dtype".split()]
[getattr(t.finfo(t.float64), n) for n in "bits eps max min tiny smallest_normal resolution dtype".split()]
t.iinfo(t.uint8)
t.iinfo(t.int8)
t.iinfo(t.int16)
t.iinfo(t.int32)
t.iinfo(t.int64)
[getattr(t.iinfo(t.int64), n) for n in "bits max min dtype".split()]
t.can_cast(t.float32, t.int64)
t.can_cast(t.int64, t.uint8)
t.can_cast(from_=t.bool, to=t.int8)
t.promote_types(t.int8, t.uint8)
t.result_type(t.tensor([1]), 1.5)
t.result_type(x, i)
t.is_tensor(x), t.is_tensor(1)
t.is_floating_point(x), t.is_floating_point(i)
t.is_complex(x), x.is_complex()
x.is_signed(), i.bool().is_signed()
t.numel(x)
t.is_nonzero(t.tensor([0.0])), t.tensor(3).is_nonzero()
t.is_same_size(x, x), x.is_same_size(i)
x.get_device()
t.get_default_device()
t.get_default_dtype()
t.contiguous_format, t.preserve_format, t.channels_last, t.strided, t.sparse_coo
isinstance(t.strided, t.layout), isinstance(t.channels_last, t.memory_format)
t.Generator().device
t.Generator().initial_seed()
t.Generator().manual_seed(7).initial_seed()
t.Generator().manual_seed(-1).initial_seed()
t.manual_seed(3).initial_seed(), t.initial_seed()
t.get_rng_state().dtype
t.rand(2, 3).shape, t.rand((2, 3)).dtype, t.rand(()).shape, t.rand(size=(2,)).shape
t.randn(2, dtype=t.float64).dtype, t.randn(0).shape
t.randint(5, (2,)).dtype, t.randint(0, 5, (2, 3)).shape, t.randint(high=5, size=(2,)).shape
t.randint(5, size=(2,)).shape
t.randint(0, 2, (3,), dtype=t.float32).dtype, t.randint(0, 2, (3,), dtype=t.bool).dtype
t.randint(3, 4, (2,))
t.randint_like(x, 5).dtype, t.randint_like(i, 3, 5).shape
t.randperm(3).dtype, t.randperm(0), t.randperm(1, dtype=t.int32)
t.rand_like(x).shape, t.randn_like(x, dtype=t.float64).dtype
t.normal(0.0, 1.0, (2, 3)).shape
t.normal(t.zeros(2, 1), t.ones(3)).shape
t.normal(t.zeros(2)).shape, t.normal(0, t.ones(2)).shape, t.normal(t.zeros(2), 0.5).dtype
t.normal(mean=0.0, std=1.0, size=(2,)).dtype
t.bernoulli(t.zeros(2)), t.bernoulli(t.ones(2)), t.bernoulli(x * 0 + 1, 0.0).sum()
t.zeros(2).bernoulli(1.0), t.zeros(2).bernoulli_(1), i.clone().bernoulli_(t.ones(2))
t.poisson(t.zeros(2)), t.poisson(x).dtype
t.multinomial(t.tensor([0.0, 1.0]), 1), t.multinomial(t.ones(2, 3), 2).shape, t.multinomial(t.ones(3), 5, True).shape
t.zeros(2).exponential_().dtype, t.zeros(2).geometric_(0.999999), t.zeros(2, dtype=t.int64).geometric_(0.999999)
t.zeros(3, dtype=t.int8).random_(1, 2), t.zeros(2).random_(1), t.zeros(2, dtype=t.bool).random_(1)
t.zeros(2).uniform_(3, 3), t.zeros(2).normal_(5, 0), t.zeros(2).normal_(mean=5, std=0), t.zeros(2).uniform_(to=0)
t.zeros(2).log_normal_().dtype, t.zeros(2).cauchy_().shape
t.combinations(t.arange(3), 0)
t.block_diag()
t.broadcast_shapes((2, 1), 3)
t.broadcast_shapes()
t.atleast_1d(), t.atleast_1d([t.tensor(1)])
x.clone(memory_format=t.contiguous_format).shape
t.zeros(4, 4).fill_diagonal_(2)
t.tensor([1, 2]).resize_(3).shape, x.clone().resize_(2, 2), x.clone().resize_(0)
t.zeros(3).set_(t.ones(2))
x.storage_offset(), x[1].storage_offset(), x[1:, 2:].storage_offset(), x.t()[2].storage_offset()
x[1:].data_ptr() - x.data_ptr()
t.zeros(3, 0).stride(), t.zeros(2, 0, 3).stride(), x[None].stride(), x.t().unsqueeze(0).stride(), x[:, None].stride()
x.squeeze_().shape, x.clone().t_().shape
""".strip().splitlines()

REFUSED = """
t.zeros(-1)
t.zeros(1.5)
t.zeros("a")
t.zeros(2, 2.5)
t.ones(2, dtype="a")
t.full((2,), "a")
t.full((2,), None)
t.zeros_like([1])
t.arange(0, 5, 0)
t.arange(0, 5, -1)
t.arange(0, float("inf"))
t.arange(3, dtype=t.bool)
t.arange("a")
t.linspace(0, 1, -1)
t.linspace(0, 1)
t.logspace(0, 1, -1)
t.eye(-1)
t.eye(2, -1)
t.empty_strided((2,), (1, 2))
t.empty_strided((2,), (-1,))
t.randint(5, 5, (2,))
t.randint(5)
t.randint(2.5, (2,))
t.randint(0, 300, (2,), dtype=t.uint8)
t.randperm(-1)
t.rand(2, dtype=t.int64)
t.randn(2, dtype=t.int64)
t.normal(0.0, 1.0)
t.normal(0.0, -1.0, (2,))
t.normal(x, -x - 1)
t.bernoulli(x)
t.bernoulli(i)
t.zeros(2).bernoulli_(2)
t.multinomial(t.tensor([1.0, -1.0]), 1)
t.multinomial(t.zeros(3), 1)
t.multinomial(t.ones(2, 2, 2), 1)
t.multinomial(t.ones(3), 0)
t.multinomial(i, 1)
t.multinomial(t.ones(3), 4)
t.poisson(-x - 1)
t.poisson(i)
t.zeros(2).exponential_(-1)
i.clone().exponential_()
t.zeros(2).geometric_(2)
t.zeros(2).cauchy_(0, -1)
t.zeros(2).log_normal_(0, -1)
t.zeros(2).uniform_(1, 0)
t.zeros(2).normal_(0, -1)
i.clone().normal_()
i.clone().uniform_()
t.zeros(2).random_(5, 5)
t.zeros(2).random_(0)
t.zeros(2, dtype=t.uint8).random_(300)
t.tensor([[1, 2], [3]])
t.tensor("a")
t.tensor(None)
t.tensor([1, None])
t.tensor([300], dtype=t.uint8)
t.tensor([1], dtype=t.int64, requires_grad=True)
t.from_numpy([1])
t.from_numpy(np.arange(3)[::-1])
t.from_numpy(np.array(["a"]))
t.as_tensor("a")
t.frombuffer(b"abc", dtype=t.int32)
t.frombuffer(b"", dtype=t.int8)
t.frombuffer(b"abcd", dtype=t.int8, count=9)
t.frombuffer(b"abcd", dtype=t.int8, offset=9)
t.set_default_dtype(t.int64)
t.set_default_tensor_type("torch.LongTensor")
t.finfo(t.int64)
t.iinfo(t.float32)
t.iinfo(t.bool)
t.finfo("a")
t.can_cast(t.float32, 1)
t.Generator().manual_seed(2**64)
t.Generator().manual_seed("a")
t.Generator().set_state(t.zeros(3, dtype=t.uint8))
t.Generator().set_state([1])
t.rand(2, generator=3)
t.tril_indices(-1, 2)
t.triu_indices(2, -1)
t.is_nonzero(x)
t.zeros(3).fill_diagonal_(1)
t.zeros(2, 3, 3).fill_diagonal_(1)
t.FloatTensor("a")
t.FloatTensor(5.0)
t.LongTensor(x)
t.ByteTensor([300])
t.zeros(2, layout=3)
t.broadcast_shapes((2,), (3,))
t.broadcast_shapes((-1,), (2,))
x.requires_grad_().resize_(2)
t.zeros(2).set_(t.zeros(2, dtype=t.int64))
t.bfloat17
x.view(5)
x.view("a")
x.t().view(12)
x.reshape(-1, -1)
x.expand(2)
x.permute(0, 0)
t.stack([])
t.cat([])
t.cat(x)
t.cat([x, 1])
t.stack([x, i])
t.tensor(1.0).unbind()
t.tensor(1.0).split(1)
t.meshgrid(x, i)
t.meshgrid(i, i, indexing="ab")
t.cartesian_prod(x)
t.combinations(x)
x.unflatten(1, ())
x.movedim((0, 0), (0, 1))
x.roll((1, 2), 0)
x.take(t.tensor([0.0]))
x.scatter(0, i, 1.0)
x.scatter(0, i[None], "a")
x.scatter(0, i[None], x, reduce="max")
x.scatter_reduce(0, i[None], x, "foo")
x.index_add(0, i, x)
x.index_fill(0, i, i)
x.masked_select(x)
x.tril(1.5)
x[0, 0, 0]
x[5]
x[::-1]
x[t.tensor([0.0])]
x[t.ones(2, dtype=t.bool)]
t.tensor(1.0)[0]
t.tensor(1.0)[:]
""".strip().splitlines()


def run(text: str, module: Any) -> Any:
    x = module.arange(12.0).reshape(3, 4)
    try:
        return repr(eval(text, {"t": module, "x": x, "i": module.tensor([0, 2]), "np": np}))
    except Exception as error:
        return error


@pytest.mark.parametrize("text", PRINTED)
def test_the_same_is_printed(text: str) -> None:
    theirs, ours = run(text, torch), run(text, ng)
    assert isinstance(theirs, str), f"torch raises {theirs}"
    assert ours == theirs


@pytest.mark.parametrize("text", REFUSED)
def test_the_same_class_of_error(text: str) -> None:
    theirs, ours = run(text, torch), run(text, ng)
    assert isinstance(theirs, Exception), f"torch gives {theirs}"
    assert isinstance(ours, Exception), f"torch raises {theirs!r:.200}, nanograd gives {ours}"
    wanted = [kind for kind in KINDS if isinstance(theirs, kind)]
    assert any(isinstance(ours, kind) for kind in wanted), f"torch raises {theirs!r:.200}, nanograd {ours!r:.200}"
    assert re.match(r"[a-zA-Z_0-9 .']+", str(ours))


def test_settings() -> None:
    try:
        for m in (torch, ng):
            m.set_default_dtype(m.float64)
        for text in ("t.zeros(2)", "t.tensor([1.5])", "t.arange(1.)", "t.tensor(1) + 1.5", "t.get_default_dtype()"):
            assert run(text, ng) == run(text, torch)
        for m in (torch, ng):
            m.set_default_tensor_type(m.FloatTensor)
        assert run("t.zeros(2).dtype", ng) == run("t.zeros(2).dtype", torch) == "torch.float32"
        for m in (torch, ng):
            m.set_default_tensor_type("torch.DoubleTensor")
        assert run("t.zeros(2).dtype", ng) == run("t.zeros(2).dtype", torch) == "torch.float64"
    finally:
        for m in (torch, ng):
            m.set_default_dtype(m.float32)


@pytest.mark.parametrize("seed", range(20))
def test_ranges(seed: int) -> None:
    """Counts and values of ranges of floats, in every dtype."""
    rng = np.random.default_rng(seed)
    for _ in range(60):
        start, step = (float(np.round(v, 2)) for v in (rng.uniform(-5, 5), rng.choice([-1, 1]) * rng.uniform(0.05, 2)))
        end = start + step * float(rng.integers(0, 30)) * (1 if rng.random() < 0.5 else 0.99)
        kind = str(rng.choice(["float32", "float64", "int64"]))
        if kind == "int64":
            start, end, step = int(start), int(end), max(1, int(step))
            end = max(start, end)
        a, b = (m.arange(start, end, step, dtype=getattr(m, kind)).numpy() for m in (torch, ng))
        np.testing.assert_allclose(b, a, 1e-5, 1e-6, err_msg=f"arange({start}, {end}, {step}, {kind})")
        steps = int(rng.integers(0, 20))
        for name in ("linspace", "logspace"):
            a, b = (getattr(m, name)(start, end, steps, dtype=m.float64).numpy() for m in (torch, ng))
            np.testing.assert_allclose(b, a, 1e-9, 1e-12, err_msg=f"{name}({start}, {end}, {steps})")
