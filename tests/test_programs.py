"""Programs written for torch, as beginners' texts teach it, run on nanograd and print what they print on torch.

``programs/NAME.py`` is a program and ``NAME.out`` what it prints: with torch 2.13.0, where torch (and torchvision,
tensorboard) can run it, which ``oracle/test_beginners.py`` does.  ``programs/slips/NAME.py`` is a beginner's slip, and
the lines of ``NAME.err`` stand in the message in which it ends.
"""

import contextlib
import io
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import nanograd as torch
from nanograd.script import run_script
from nanograd.utils import tensorboard_logger

HERE = Path(__file__).parent / "programs"
PROGRAMS = sorted(HERE.glob("*.py"))
SLIPS = sorted((HERE / "slips").glob("*.py"))
NUMBER = re.compile(r"-?\d+\.\d*(?:e[-+]\d+)?")


def program_id(path):
    return path.stem


def differences(said, expected):
    """Lines that differ, where a number may differ by one in the last place that is shown."""
    pairs = zip(said.splitlines(), expected.splitlines(), strict=False)
    wrong = [f"said     {a}\nexpected {b}" for a, b in pairs if not alike(a, b)]
    if len(said.splitlines()) != len(expected.splitlines()):
        wrong.append(f"said {len(said.splitlines())} lines, expected {len(expected.splitlines())}")
    return wrong


def alike(line, expected):
    if line == expected:
        return True
    numbers = zip(NUMBER.findall(line), NUMBER.findall(expected), strict=False)
    return NUMBER.sub("#", line) == NUMBER.sub("#", expected) and all(near(a, b) for a, b in numbers)


def near(number, expected):
    step = 10.0 ** -len(expected.partition("e")[0].partition(".")[2])
    if "e" in expected:
        step *= 10.0 ** int(expected.partition("e")[2])
    return abs(float(number) - float(expected)) < 1.5 * step


@pytest.fixture(autouse=True)
def switches(monkeypatch):
    """What a program switched is switched back."""
    monkeypatch.setattr(tensorboard_logger, "_default", None)
    yield
    if tensorboard_logger._default is not None:
        tensorboard_logger._default.writer.close()
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = torch.backends.cudnn.deterministic = torch.backends.cuda.matmul.allow_tf32 = False


@pytest.mark.parametrize("program", PROGRAMS, ids=program_id)
def test_under_nanograd_run(program, capfd):
    status = run_script(program, [])
    out, err = capfd.readouterr()
    assert (status, err) == (0, "")
    assert not differences(out, program.with_suffix(".out").read_text())


@pytest.fixture(scope="module")
def substituted(tmp_path_factory):
    """The programs with ``import nanograd as torch`` in them."""
    target = tmp_path_factory.mktemp("substituted")
    for path in HERE.rglob("*.py"):
        copy = target / path.relative_to(HERE)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(substitute(path.read_text()))
    return target


RULES = [
    (r"^import torch$", "import nanograd as torch"),
    (r"^import torchvision$", "import nanograd.vision as torchvision"),
    (r"^(import|from) torchvision\b", r"\1 nanograd.vision"),
    (r"^(import|from) tensorboard_logger\b", r"\1 nanograd.utils.tensorboard_logger"),
    (r"^(import|from) torch\b", r"\1 nanograd"),
]


def substitute(text):
    for pattern, name in RULES:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text


def test_every_import_is_substituted(substituted):
    for path in substituted.rglob("*.py"):
        assert not re.search(r"^\s*(import|from) (torch|tensorboard)", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS, ids=program_id)
def test_with_nanograd_imported_as_torch(program, substituted, monkeypatch, capfd):
    path = substituted / program.name
    assert not differences(printed(path, monkeypatch, capfd), program.with_suffix(".out").read_text())


def printed(path, monkeypatch, capfd):
    """What a script prints that is run in this process as Python would run it."""
    monkeypatch.setattr(sys, "argv", [str(path)])
    monkeypatch.syspath_prepend(path.parent)
    before = set(sys.modules)
    try:
        with contextlib.suppress(SystemExit):
            runpy.run_path(str(path), run_name="__main__")
    finally:
        for name in [name for name in sys.modules.keys() - before if name.startswith("beside")]:
            del sys.modules[name]
    out, err = capfd.readouterr()
    assert err == ""
    return out


def test_options_reach_a_program(capfd):
    assert run_script(HERE / "arguments.py", ["--epochs", "1", "--hidden", "4", "--no-cuda"]) == 0
    out, _ = capfd.readouterr()
    assert out.splitlines()[0] == "Namespace(epochs=1, lr=0.1, hidden=4, no_cuda=True) cpu {}"
    assert out.splitlines()[-1] == "arguments.py ['--epochs', '1', '--hidden', '4', '--no-cuda'] arguments.py __main__"
    assert run_script(HERE / "arguments.py", ["--nosuch"]) == 2
    assert "unrecognized arguments: --nosuch" in capfd.readouterr().err


# Slips


@pytest.mark.parametrize("slip", SLIPS, ids=program_id)
def test_a_slip_ends_in_the_message_that_names_it(slip, capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    heard = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(heard):
        warnings.simplefilter("ignore", SyntaxWarning)  # see the test below
        assert run_script(slip, []) == 1
    err = heard.getvalue()
    message = re.split(r"^  File .*\n(?:    .*\n)+", err, maxsplit=1, flags=re.MULTILINE)[1]
    for words in slip.with_suffix(".err").read_text().splitlines():
        assert words in message
    assert err.startswith("Traceback (most recent call last):\n")
    lines = re.findall(r'^  File "([^"]*)"', err, re.MULTILINE)
    assert set(lines) <= {str(slip)}, "a line of nanograd's own is shown"


def test_missing_commas_are_named_as_python_names_them():
    slip = HERE / "slips" / "missing_commas.py"
    done = subprocess.run(
        [sys.executable, "-m", "nanograd", "run", str(slip)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "perhaps you missed a comma?" in done.stderr


@pytest.mark.parametrize("path", [*PROGRAMS, *SLIPS], ids=program_id)
def test_says_what_it_shows_and_what_it_prints(path):
    assert path.read_text().startswith('"""')
    expected = path.with_suffix(".err" if path.parent.name == "slips" else ".out")
    assert expected.is_file()
    assert expected.read_text().strip()
