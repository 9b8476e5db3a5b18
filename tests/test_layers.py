"""The tree: each layer imports only layers above it, and importing the package is light and silent."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "nanograd"

# From the ground up; a file may import from its own layer and from those above it in this list.
LAYERS = [
    ["errors", "return_types", "warned"],
    ["version", "switches", "threads"],
    ["dtypes"],
    ["absent"],
    ["devices", "formats", "storage", "settings"],
    ["kernels.cache"],
    ["kernels.compile"],
    ["kernels.kernel"],
    ["kernels"],
    ["tape"],
    ["scalar"],
    ["ops.op", "ops.naming", "ops.refusing", "ops.delivering", "random"],
    ["ops.writing"],
    ["ops.kinds"],
    ["ops.shape", "ops.becoming"],
    ["ops.broadcasting", "ops.joining", "ops.rearranging", "ops.diagonals", "ops.comparison"],
    ["ops.rounding"],
    ["ops.arithmetic", "ops.elementary", "ops.trigonometry", "ops.special", "ops.bitwise"],
    ["ops.indexing", "ops.scattering", "ops.placing", "ops.choosing"],
    ["ops.reduction"],
    ["ops"],
    ["methods", "printing"],
    ["tensors"],
    ["drawing.vertex"],
    ["drawing.layout", "drawing.tree"],
    ["drawing", "cuda", "distributed", "special", "linalg", "fft"],
    ["autograd"],
    ["nn"],
    ["distributions"],
    ["overview", "serialization"],
    ["optim"],
    ["amp", "accelerator", "backends", "compiler", "cpu", "cuda.amp", "mps", "xpu"],
    ["utils", "vision"],
    ["testing", "lab"],
    ["stopwatch"],
    ["autograd.profiler", "profiler"],
    [""],  # the package itself: the public names
    ["examples", "script", "warmup"],
    ["course"],
    ["__main__"],
]


def layer(name):
    """The index of the most specific entry that holds module ``name``."""
    best, length = None, -1
    for number, entries in enumerate(LAYERS):
        for entry in entries:
            if (name == entry or (entry == "" and name == "") or (name.startswith(entry + ".") and entry)) and len(
                entry
            ) > length:
                best, length = number, len(entry)
    return best


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        yield path, name.removesuffix("__init__").rstrip(".")


def imports(path):
    """(line, module) of imports of nanograd at module level or in functions, type checking apart."""
    tree = ast.parse(path.read_text())
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(id(n) for n in ast.walk(node))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.split(".")[0] == "nanograd")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "nanograd":
            known = {m for _, m in modules()}
            for a in node.names:
                inner = f"{node.module}.{a.name}".removeprefix("nanograd.").removeprefix("nanograd")
                yield node.lineno, f"nanograd.{inner}" if inner in known else node.module


# The seams find what they replace by name: they import the package when asked, not before.
BY_NAME = {("lab", ""), ("stopwatch", "")}


@pytest.mark.parametrize(("path", "name"), list(modules()), ids=[n or "nanograd" for _, n in modules()])
def test_imports_point_up(path, name):
    mine = layer(name)
    assert mine is not None, f"{name} is in no layer: add it to LAYERS"
    for line, imported in imports(path):
        theirs = imported.removeprefix("nanograd").lstrip(".")
        if (name, theirs) in BY_NAME:
            continue
        assert layer(theirs) <= mine, f"{path.name}:{line}: {name} imports {imported}, which stands below it"


def test_no_module_is_named_like_a_public_function():
    import nanograd

    names = {n for _, n in modules() if n and "." not in n}
    clashes = {n for n in names if callable(getattr(nanograd, n, None))}
    assert not clashes


def fresh(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)


def test_importing_is_silent_and_loads_neither_numba_nor_plotting_nor_pytest():
    done = fresh(
        "import sys, nanograd\n"
        "heavy = 'numba llvmlite matplotlib pytest tqdm PIL nanograd.course nanograd.testing'.split()\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    "block", ["import sys; sys.modules['numba'] = None", "import os; os.environ['NANOGRAD_JIT'] = '0'"]
)
def test_without_numba_the_references_train(block):
    done = fresh(
        block
        + """
import nanograd as torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(20, 300), torch.nn.ReLU(), torch.nn.Linear(300, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x, y = torch.randn(64, 20), torch.randint(0, 3, (64,))
for _ in range(60):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
print(loss.item() < 0.1, sys.modules.get("numba") if "sys" in globals() else None)
"""
    )
    assert (done.stdout, done.stderr) == ("True None\n", "")


def test_unknown_names_suggest_the_nearest():
    import nanograd

    with pytest.raises(AttributeError, match=r"does not have this name. Did you mean 'zeros'"):
        _ = nanograd.zeross
    done = fresh("import nanograd; nanograd.ones(1).bakward()")
    assert "'Tensor' object has no attribute 'bakward'. Did you mean: 'backward'?" in done.stderr
