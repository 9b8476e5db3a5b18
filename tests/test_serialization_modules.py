"""Whole modules: saved, and rebuilt without their constructors from classes that are already imported."""

import contextlib
import enum
import io
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field

import pytest

import nanograd as torch
from nanograd import nn, optim
from nanograd.nn import functional as F
from nanograd.serialization import (
    FileFormatError,
    UnsafeFileError,
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
)


class Kind(enum.Enum):
    SMALL = "s"
    LARGE = 2


@dataclass
class Config:
    width: int
    rates: list = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Slotted:
    width: int
    kind: Kind


class Plain:
    """No module, no data class."""

    def __init__(self):
        self.secret = 1


class Net(nn.Module):
    built = 0

    def __init__(self, config):
        super().__init__()
        Net.built += 1
        self.config = config
        self.kind = Kind.LARGE
        self.slotted = Slotted(3, Kind.SMALL)
        self.layer = nn.Linear(2, config.width)
        self.again = self.layer
        self.act = F.relu
        self.kind_of_norm = nn.LayerNorm if hasattr(nn, "LayerNorm") else nn.Linear
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("scratch", torch.ones(1), persistent=False)
        self.sizes = {"a": (1, 2), 3: {4, 5}}
        self.parts = nn.ModuleList([nn.Sequential(nn.Linear(config.width, 1), nn.Tanh())])
        self.free = nn.ParameterList([nn.Parameter(torch.ones(1))])

    def forward(self, x):
        return self.parts[0](self.act(self.layer(x)))


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def load(content, **options):
    return torch.load(io.BytesIO(content), **options)


def test_a_module_comes_back_whole_and_its_constructor_does_not_run():
    net = Net(Config(4, [0.1]))
    net.eval()
    net.layer.weight.requires_grad_(False)
    x = torch.ones(3, 2)
    built = Net.built
    loaded = load(saved(net), weights_only=False)
    assert Net.built == built
    assert type(loaded) is Net
    assert repr(loaded) == repr(net)
    assert torch.equal(loaded(x), net(x))
    assert not loaded.training
    assert list(loaded.state_dict()) == list(net.state_dict())
    assert loaded.again is loaded.layer
    assert (loaded.layer.weight.requires_grad, loaded.layer.bias.requires_grad) == (False, True)
    assert loaded.act is F.relu
    assert loaded.kind_of_norm is net.kind_of_norm
    assert (loaded.config, loaded.kind, loaded.slotted, loaded.sizes) == (net.config, net.kind, net.slotted, net.sizes)
    assert "scratch" not in loaded.state_dict()
    assert loaded.scratch.item() == 1


def test_a_loaded_module_trains():
    torch.manual_seed(0)
    net = load(saved(Net(Config(4))), weights_only=False)
    net.act = torch.tanh
    before = net.layer.weight.clone()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    net(torch.ones(3, 2)).sum().backward()
    optimizer.step()
    assert not torch.equal(before, net.layer.weight)
    assert net.again.weight is net.layer.weight


def test_tied_weights_and_shared_modules_stay_tied():
    encoder, decoder = nn.Linear(3, 3), nn.Linear(3, 3)
    decoder.weight = encoder.weight
    shared = nn.Sequential(encoder, decoder, encoder)
    loaded = load(saved({"net": shared, "again": shared}), weights_only=False)
    assert loaded["net"] is loaded["again"]
    assert loaded["net"][0] is loaded["net"][2]
    assert loaded["net"][0].weight is loaded["net"][1].weight


@pytest.mark.filterwarnings("ignore")  # of constructors: this is about what becomes of what they make
def test_every_layer_of_this_library_comes_back():
    made = []
    for name in nn.__all__:
        kind = getattr(nn, name)
        if isinstance(kind, type) and issubclass(kind, nn.Module):
            for arguments in ((), (4,), (4, 2), (4, 2, 3)):
                with contextlib.suppress(TypeError, ValueError, NotImplementedError):
                    made.append(kind(*arguments))
                    break
    assert len(made) > 20
    ready = [m for m in made if not (isinstance(m, nn.LazyModule) and m.has_uninitialized_params())]
    assert len(ready) > 120
    for module in ready:
        assert repr(load(saved(module), weights_only=False)) == repr(module)


def test_weights_only_refuses_and_says_how_to_load():
    content = saved(nn.Linear(1, 1))
    for options in ({}, {"weights_only": True}, {"weights_only": None}):
        with pytest.raises(
            UnsafeFileError, match=r"Weights only load failed.*nn\.linear\.Linear.*weights_only=False.*state_dict"
        ):
            load(content, **options)


def test_an_allowed_class_is_loaded_weights_only():
    content = saved(nn.Linear(1, 1))
    with torch.serialization.safe_globals([nn.Linear]):
        assert get_safe_globals() == [nn.Linear]
        assert type(load(content)) is nn.Linear
    assert get_safe_globals() == []
    add_safe_globals([Plain])
    try:
        plain = saved({"p": Plain()})
        assert load(plain)["p"].secret == 1
    finally:
        clear_safe_globals()
    with pytest.raises(UnsafeFileError, match=r"names the class .*Plain.*add_safe_globals"):
        load(plain, weights_only=False)
    with pytest.raises(TypeError, match=r"add_safe_globals: expected classes, got 3"):
        add_safe_globals([3])


class Odd(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value


class OwnState(nn.Module):
    def __setstate__(self, state):
        raise AssertionError("called")


def function_of_a_script(x):
    return x


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Odd(lambda x: x), r"function .*lambda.* \(at 'Odd\.value'\).*a method of the module"),
        (
            lambda: nn.Sequential(Odd(function_of_a_script)),
            r"function_of_a_script \(at 'Sequential\._modules\.0\.value'\)",
        ),
        (lambda: Odd({"a": Plain()}), r"Plain \(at 'Odd\.value\.a'\).*add_safe_globals"),
        (lambda: Odd(open), r"builtin_function_or_method \(at 'Odd\.value'\)"),
        (lambda: Odd(nn.Linear(1, 1).forward), r"method \(at 'Odd\.value'\)"),
        (lambda: OwnState(), r"OwnState defines __setstate__"),
        (lambda: type("Local", (nn.Module,), {})(), r"Local cannot be found again by its name.*top level"),
    ],
)
def test_what_a_module_cannot_take_along_is_refused_by_name(make, words):
    with pytest.raises(TypeError, match=words):
        saved(make())


def test_hooks_are_refused_with_the_remedy():
    net = nn.Linear(1, 1)
    handle = net.register_forward_hook(lambda *args: None)
    with pytest.raises(TypeError, match=r"save: Linear has hooks.*handle.remove\(\)"):
        saved(net)

    handle.remove()
    assert type(load(saved(net), weights_only=False)) is nn.Linear


def test_modules_whose_inside_is_wrong_are_refused():
    good = saved(nn.Linear(1, 1))
    assert load(good, weights_only=False)
    import zipfile

    def changed(old, new):
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(out, "w") as target:
            for name in source.namelist():
                content = source.read(name)
                assert not name.endswith("data.pkl") or old in content
                target.writestr(name, content.replace(old, new) if name.endswith("data.pkl") else content)
        return out.getvalue()

    with pytest.raises(FileFormatError, match="_parameters of a Linear are not a dict of Parameters"):
        load(changed(b"_parameters", b"_parameterx"), weights_only=False)
    with pytest.raises(FileFormatError, match="_buffers of a Linear"):
        load(changed(b"_buffers", b"_bufferx"), weights_only=False)
    with pytest.raises(
        UnsafeFileError, match=r"names nanograd\.nn\.linear\.sqrt|has not imported nanograd\.nn\.linear\.Linea2"
    ):
        load(changed(b"\nLinear\n", b"\nLinea2\n"), weights_only=False)


def test_a_prefix_that_another_program_added_is_named():
    net = nn.Linear(2, 1)
    for prefix in ("module.", "_orig_mod."):
        with pytest.raises(RuntimeError, match=rf"Missing key.*(\n.*)*k.removeprefix\('{prefix}'\)"):
            net.load_state_dict({prefix + k: v for k, v in net.state_dict().items()})
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict({"module.other": torch.ones(1)})
    assert "removeprefix" not in str(caught.value)


def test_one_element_loads_into_a_parameter_without_dimensions():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.tensor(1.0))

    for assign in (False, True):
        net = Scale()
        net.load_state_dict({"factor": torch.tensor([3.0])}, assign=assign)
        assert (net.factor.shape, net.factor.item()) == ((), 3)


SCRIPT = """
    import sys
    import nanograd as torch
    from nanograd import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)
        def forward(self, x):
            return self.layer(x)
"""


def run(tmp_path, code, *options):
    (tmp_path / "script.py").write_text(textwrap.dedent(code))
    return subprocess.run(
        [sys.executable, *options, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={"PYTHONPATH": str(next(p for p in torch.__path__)) + "/..", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_a_script_loads_what_another_saved_if_it_has_the_class(tmp_path):
    done = run(tmp_path, SCRIPT + "\n    torch.manual_seed(0); torch.save(Net(), 'net.pt')\n")
    assert done.stderr == ""
    done = run(
        tmp_path,
        SCRIPT + "\n    net = torch.load('net.pt', weights_only=False); print(net, net(torch.ones(2)).shape)\n",
    )
    assert done.stderr == ""
    assert done.stdout.startswith("Net(\n  (layer): Linear(in_features=2, out_features=1, bias=True)\n)")
    done = run(tmp_path, "import nanograd as torch; torch.load('net.pt', weights_only=False)")
    assert "holds an object of __main__.Net, and this program defines no such class" in done.stderr


def test_an_unmodified_script_saves_and_loads_its_own_class(tmp_path):
    code = (
        SCRIPT.replace("nanograd as torch", "torch").replace("nanograd", "torch")
        + """
    net = Net()
    torch.save(net, 'net.pth')
    again = torch.load('net.pth', weights_only=False)
    print(type(again) is Net, torch.equal(again.layer.weight, net.layer.weight))
"""
    )
    done = run(tmp_path, code, "-m", "nanograd")
    assert (done.stderr, done.stdout) == ("", "True True\n")


def test_nothing_is_imported_for_a_file(tmp_path):
    (tmp_path / "models.py").write_text(textwrap.dedent(SCRIPT) + "\nprint('imported')\n")
    done = run(tmp_path, "import models, nanograd as torch; torch.save(models.Net(), 'net.pt')")
    assert done.stderr == ""
    done = run(tmp_path, "import nanograd as torch; torch.load('net.pt', weights_only=False)")
    assert done.stdout == ""
    assert "has not imported models.Net. Define or import the class before loading" in done.stderr
    done = run(tmp_path, "import models, nanograd as torch; print(type(torch.load('net.pt', weights_only=False)))")
    assert done.stdout == "imported\n<class 'models.Net'>\n"
