"""``nanograd run``: torch's names mean nanograd for one script and the processes it starts, and for nothing else."""

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import nanograd
from nanograd.script import run_script, stand_in

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture
def run(tmp_path, capfd):
    """Run a text as a script in this process: (status, standard output, standard error)."""

    def run(text, *arguments, name="script.py"):
        path = tmp_path / name
        path.write_text(text)
        status = run_script(path, arguments)
        return status, *capfd.readouterr()

    return run


# Names


@pytest.mark.parametrize(
    "statement",
    [
        "import torch; assert torch is nanograd",
        "import torch.nn as nn; assert nn is nanograd.nn",
        "from torch import nn, optim; assert optim is nanograd.optim",
        "import torch.nn.functional as F; assert F.relu is nanograd.nn.functional.relu",
        "from torch.autograd import Variable, Function; assert Function is nanograd.autograd.Function",
        "from torch.utils.data import DataLoader, Dataset",
        "from torch.utils.data.dataset import Dataset, random_split",
        "from torch.utils.data.dataloader import DataLoader, default_collate",
        "from torch.utils.data.sampler import SubsetRandomSampler",
        "from torch.optim.lr_scheduler import StepLR, LRScheduler",
        "from torch.optim.optimizer import Optimizer",
        "from torch.nn.utils.rnn import pad_sequence; from torch.nn.utils import clip_grad_norm_",
        "from torch.nn.parameter import Parameter; assert Parameter is nanograd.nn.Parameter",
        "from torch.nn.modules.module import Module; assert Module is nanograd.nn.Module",
        "from torch.nn.modules import Linear; from torch.nn.modules.linear import Linear as L; assert L is Linear",
        "from torch.nn.modules.loss import MSELoss; from torch.nn.modules.conv import Conv2d",
        "from torch.nn.modules.rnn import LSTM; from torch.nn.modules.batchnorm import BatchNorm2d",
        "from torch.nn.modules.container import Sequential; from torch.nn.modules.activation import ReLU",
        "from torch.nn.init import xavier_uniform_; from torch import Tensor, Size, device, dtype, Generator",
        "from torch.cuda.amp import autocast, GradScaler; import torch.cuda.amp",
        "import torch.backends.cudnn as cudnn; cudnn.benchmark = False; assert cudnn is nanograd.backends.cudnn",
        "import torch.accelerator, torch.amp, torch.mps, torch.xpu, torch.cpu, torch.compiler, torch.version",
        "from torch.functional import norm, einsum; from torch.random import manual_seed",
        "import torchvision; assert torchvision is nanograd.vision",
        "from torchvision import datasets, transforms, utils; from torchvision.transforms import ToTensor, Compose",
        "import torchvision.transforms.functional as TF; from torchvision.transforms import v2",
        "from torchvision.datasets.mnist import MNIST; from torchvision.utils import make_grid, save_image",
        "from torch.utils.tensorboard import SummaryWriter; import tensorboard_logger",
        "import torch.nn.parallel, torch.backends.cudnn; from torch.nn.parallel import DistributedDataParallel",
        "from torch.distributed import init_process_group, destroy_process_group; import torch.multiprocessing as mp",
        "from torch.nn.modules.utils import _pair; from torch.nn.modules.batchnorm import _BatchNorm",
        "from torch.nn.modules.loss import _Loss; from torch.utils.checkpoint import checkpoint",
        "from torch.profiler import ProfilerActivity, profile, record_function; import torch.autograd.profiler",
    ],
)
def test_names_resolve(run, statement):
    assert run(f"import nanograd\n{statement}\n") == (0, "", "")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import torch.jit", "ModuleNotFoundError: torch.jit: nanograd runs Python as it is"),
        ("from torch.nn.parallel import DistributedDataParallel as D; D(None)", "nanograd trains in one process"),
        ("import torch.distributed as dist; dist.init_process_group('gloo')", "nanograd trains in one process"),
        ("import torch.nosuch", "ModuleNotFoundError: torch.nosuch: nanograd does not have this module."),
        ("import torch.nosuch.more", "torch.nosuch: nanograd does not have this module."),
        ("import torchtext", "torchtext: nanograd has no data sets of texts"),
        ("from torchaudio import transforms", "torchaudio: nanograd does not read sound"),
        ("import torch._dynamo", "torch._dynamo: nanograd runs Python as it is"),
        ("from torch.hub import load", "torch.hub: nanograd downloads no models"),
        ("import torch; torch.zeross", "does not have this name. Did you mean 'zeros'?"),
        ("import torch; torch.nn.Linaer", "module 'nanograd.nn' has no attribute 'Linaer'"),
        ("from torch import vmap", "cannot import name 'vmap'"),
        ("from torch import vmap", "nanograd does not map functions"),
        ("from torch.nn import Linaer", "Did you mean 'Linear'?"),
        ("from torchvision.models import resnet18", "torchvision.models.resnet18: nanograd has no ready-made networks"),
        ("import torch_geometric", "ModuleNotFoundError: No module named 'torch_geometric'"),
    ],
)
def test_names_that_are_not_there_say_why(run, statement, message):
    status, _, err = run(statement)
    assert status == 1
    assert message in err
    assert err.count("Did you mean") <= 1
    assert "script.py" in err.splitlines()[1]
    assert str(CHECKOUT / "nanograd" / "script.py") not in err


def test_the_real_torch_is_set_aside_and_comes_back(run, monkeypatch):
    real, part = types.ModuleType("torch"), types.ModuleType("torch.nn")
    monkeypatch.setitem(sys.modules, "torch", real)
    monkeypatch.setitem(sys.modules, "torch.nn", part)
    assert run("import torch, torch.nn as nn\nprint(torch.__name__, nn.__name__)")[1] == "nanograd nanograd.nn\n"
    assert run("import torch\n1 / 0")[0] == 1
    assert sys.modules["torch"] is real
    assert sys.modules["torch.nn"] is part


def test_nothing_is_left_of_a_script(run, tmp_path):
    before = sys.argv, sys.path[:], sys.meta_path[:], set(sys.modules), sys.modules["__main__"]
    (tmp_path / "model_beside.py").write_text("import torch\nclass Net(torch.nn.Module): pass\n")
    status, out, _ = run("from model_beside import Net\nimport torch\nprint(issubclass(Net, torch.nn.Module))")
    assert (status, out) == (0, "True\n")
    assert before[:3] == (sys.argv, sys.path, sys.meta_path)
    assert sys.modules["__main__"] is before[4]
    left = {name for name in sys.modules.keys() - before[3] if not name.startswith("nanograd")}
    assert not {name for name in left if name.partition(".")[0] in ("torch", "torchvision", "model_beside")}
    with pytest.raises(ModuleNotFoundError):
        __import__("model_beside")


def test_only_inside_of_the_block_torch_means_nanograd():
    import importlib

    with stand_in():
        assert importlib.import_module("torch.nn") is nanograd.nn
        assert importlib.import_module("torch.nn.modules.utils")._pair(2) == (2, 2)
        assert importlib.import_module("torch.nn.modules.linear").Linear is nanograd.nn.Linear
        assert importlib.import_module("torch.random") is nanograd.random
    assert nanograd.nn.utils.rnn.pad_sequence  # what a script imports changes nothing of nanograd's
    assert sys.modules.get("torch") is not nanograd


# What a script is told


def test_a_script_knows_its_arguments_its_file_and_its_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.txt").write_text("42")
    text = """
import sys
from pathlib import Path
print(sys.argv, __name__, __file__, __spec__, sys.path[0])
print(Path("data.txt").read_text())
"""
    _, out, _ = run(text, "--lr", "0.1", "-v")
    path = str(tmp_path / "script.py")
    assert out == f"{[path, '--lr', '0.1', '-v']} __main__ {path} None {tmp_path}\n42\n"


@pytest.mark.parametrize(
    ("text", "status", "err"),
    [
        ("", 0, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit('no data')", 1, "no data\n"),
        ("import sys; sys.exit([1, 2])", 1, "[1, 2]\n"),
    ],
)
def test_exit_status(run, text, status, err):
    assert run(text) == (status, "", err)


def test_interrupts_go_through(run):
    with pytest.raises(KeyboardInterrupt):
        run("raise KeyboardInterrupt")


# Errors


def test_a_traceback_has_the_scripts_lines_and_not_nanograds(run, tmp_path, monkeypatch):
    (tmp_path / "network.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.inner = nn.Sequential(nn.Linear(2, 2), nn.Linear(3, 1))\n"
        "    def forward(self, x):\n        return self.inner(x)\n"
    )
    text = "import torch\nfrom network import Net\ndef main():\n    Net()(torch.zeros(1, 2))\nmain()\n"
    status, _, err = run(text)
    shown = [line.strip().split(", ") for line in err.splitlines() if line.startswith("  File")]
    assert status == 1
    assert [(Path(file.split('"')[1]).name, line) for file, line, _ in shown] == [
        ("script.py", "line 5"),
        ("script.py", "line 4"),
        ("network.py", "line 7"),
    ]
    assert err.splitlines()[-1].startswith("nanograd.errors.ShapeError: linear: ")
    monkeypatch.setenv("NANOGRAD_TRACE", "1")
    err = run(text)[2]
    assert "nanograd/nn/containers.py" in err
    assert "nanograd/script.py" in err


def test_what_nanograd_calls_is_left_out_and_what_calls_back_is_not(run):
    err = run("import torch\ntorch.load('nowhere.pt')")[2]
    assert err.count("  File") == 1
    err = run(
        """
import json, torch
x = torch.ones(1, requires_grad=True)
x.register_hook(lambda g: json.loads("{"))
x.backward()
"""
    )[2]
    assert [Path(line.split('"')[1]).name for line in err.splitlines() if line.startswith("  File")] == [
        "script.py", "script.py", "__init__.py", "decoder.py", "decoder.py",
    ]  # fmt: skip


def test_causes_and_groups_are_shown_the_same_way(run):
    text = """
import torch
try:
    torch.zeros(2) + torch.zeros(3)
except RuntimeError as error:
    try:
        torch.zeros(2) @ torch.zeros(3)
    except RuntimeError as other:
        raise ExceptionGroup("both", [error, other]) from error
"""
    err = run(text)[2]
    assert err.count("add: shapes (2,) and (3,) do not broadcast") == 2
    assert "direct cause" in err
    assert "nanograd/ops" not in err
    assert "nanograd/kernels" not in err


def test_an_exception_that_is_its_own_context_ends(run):
    status, _, err = run("a, b = ValueError('a'), ValueError('b')\na.__context__, b.__context__ = b, a\nraise a")
    assert status == 1
    assert err.endswith("ValueError: a\n")


def test_syntax_errors_are_shown_as_python_does(run):
    status, _, err = run("x = (\n")
    assert status == 1
    assert err.startswith("  File ")
    assert err.endswith("SyntaxError: '(' was never closed\n")


def test_a_hook_of_the_scripts_own_is_called(run):
    text = "import sys\nsys.excepthook = lambda kind, error, trace: print('mine:', error)\n1 / 0\n"
    hook = sys.excepthook
    try:
        assert run(text)[:2] == (1, "mine: division by zero\n")
    finally:
        sys.excepthook = hook


# Processes

CHILDREN = """
import multiprocessing
import torch
from torch.utils.data import DataLoader, Dataset
from beside_the_script import double

class Rows(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        import torch.nn
        return double(torch.tensor([i])), torch.nn.__name__

def grandchild(i):
    return torch.__name__

def child(method):
    with multiprocessing.get_context(method).Pool(1) as pool:
        print(torch.__name__, pool.map(grandchild, [0]), flush=True)

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        for x, name in DataLoader(Rows(), 2, num_workers=1, multiprocessing_context=method):
            print(method, x.tolist(), name, flush=True)
    process = multiprocessing.get_context("spawn").Process(target=child, args=("spawn",))
    process.start()
    process.join()
    print(process.exitcode)
"""


def test_processes_of_a_script_know_the_names_however_they_are_started(tmp_path):
    (tmp_path / "script.py").write_text(CHILDREN)
    (tmp_path / "beside_the_script.py").write_text("import torch\ndef double(x):\n    return torch.mul(x, 2)\n")
    command = "import sys; sys.path.insert(0, sys.argv.pop(1)); from nanograd.__main__ import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # nanograd stands where a new process does not look by itself
        [sys.executable, "-c", command, str(CHECKOUT), "run", "script.py"],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, env=environment, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    names = ("nanograd.nn", "nanograd.nn")
    said = ["[[0], [2]]", "[[4], [6]]"]
    lines = [f"{m} {v} {names}" for m in ("fork", "spawn", "forkserver") for v in said]
    assert done.stdout.splitlines() == [*lines, "nanograd ['nanograd']", "0"]


def test_afterwards_processes_are_started_as_before(run):
    from multiprocessing import spawn

    before = spawn.get_preparation_data
    run("import torch")
    assert spawn.get_preparation_data is before
    assert "torch" not in before("a process")


def test_what_is_said_to_be_absent_is_absent():
    import importlib

    from nanograd.absent import ABSENT

    for path in ABSENT:
        parent, _, name = f"nanograd.{path}".rpartition(".")
        place = nanograd.Tensor if parent == "nanograd.Tensor" else importlib.import_module(parent)
        found = vars(place).get(name)
        refuses = parent == "nanograd.Tensor" or isinstance(found, types.ModuleType)  # says itself what it lacks
        assert found is None or refuses, f"{path} exists: take it out of ABSENT"
