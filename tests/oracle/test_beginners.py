"""The programs of ``tests/programs`` print on torch what is written beside them."""

import contextlib
import importlib.util
import re
import runpy
import sys
import warnings
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is the oracle here, and it is not installed")

PROGRAMS = sorted((Path(__file__).parent.parent / "programs").glob("*.py"))
COMPANIONS = {"torchvision": "torchvision", "torch.utils.tensorboard": "tensorboard", "tensorboard_logger": None}


@pytest.fixture(autouse=True)
def switches():
    """What a program switched is switched back."""
    import torch

    yield
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = torch.backends.cudnn.deterministic = torch.backends.cuda.matmul.allow_tf32 = False


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_on_torch(program, monkeypatch, capfd):
    for name, package in COMPANIONS.items():
        if re.search(rf"^(import|from) {name}\b", program.read_text(), re.MULTILINE):
            if package is None:
                pytest.skip("tensorboard_logger is no longer maintained: its names are nanograd's own")
            if importlib.util.find_spec(package) is None:
                pytest.skip(f"{package} is not installed")
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.syspath_prepend(program.parent)
    before = set(sys.modules)
    try:
        with warnings.catch_warnings(), contextlib.suppress(SystemExit):
            warnings.simplefilter("ignore")
            runpy.run_path(str(program), run_name="__main__")
    finally:
        for name in [name for name in sys.modules.keys() - before if name.startswith("beside")]:
            del sys.modules[name]
    expected = program.with_suffix(".out").read_text()
    numbers = re.compile(r"\d+\.\d+")  # torch's own last digits depend on the processor
    said = capfd.readouterr().out
    assert numbers.sub("#", said) == numbers.sub("#", expected)
    for a, b in zip(numbers.findall(said), numbers.findall(expected), strict=True):
        assert float(a) == pytest.approx(float(b), rel=2e-3, abs=2e-3)
