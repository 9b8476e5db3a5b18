"""The examples run as the command runs them, and reach what they promise."""

import argparse
import contextlib
import importlib
import importlib.util
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nanograd as torch
from nanograd import examples, nn
from nanograd.course.commands import main as command
from nanograd.examples import autoencoder, digits, gan, gpt, headlines, linear, names, running
from nanograd.examples.running import Aim, Run
from nanograd.utils.data import DataLoader

CHECKOUT = Path(__file__).parents[1]


def program(name):
    return importlib.import_module(f"nanograd.examples.{name}")


def start(*words, **environment):
    """``nanograd train WORDS`` in a process of its own, as a shell starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "nanograd", "train", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        start_new_session=True,
    )


def trained(*words, **environment):
    """(exit status, lines, standard error) of ``nanograd train WORDS``."""
    process = start(*words, **environment)
    out, err = process.communicate()
    return process.returncode, out.splitlines(), err


def settings(example, **changed):
    """A Run as ``nanograd train`` makes it, with one epoch."""
    given = {"epochs": 1, "device": "cpu", "save": None, "log": None, "plot": None}
    if example.option:
        given[example.option] = next(iter(example.aims))
    return Run(example, argparse.Namespace(**{**given, **changed}))


# results: those that take longer are shortened here; docs/examples.md has the full ones


@pytest.mark.parametrize(
    "words",
    [
        ["linear"],
        ["digits", "--model", "mlp"],
        ["digits", "--model", "lenet", "--epochs", "10"],
        ["names", "--cell", "gru"],
        ["names", "--cell", "rnn", "--epochs", "8"],
        ["names", "--cell", "lstm", "--epochs", "8"],
        ["autoencoder"],
        ["headlines", "--epochs", "8"],
        ["gan", "--epochs", "15"],
    ],
    ids=" ".join,
)
def test_it_reaches_its_aim(words):
    status, lines, err = trained(*words)
    assert (status, err) == (0, "")
    assert re.match(r"epoch   1   \w+ \d+\.\d{4}", lines[0])
    assert re.fullmatch(r"\d+ epochs in \d+\.\d s", lines[-2])
    assert re.fullmatch(r".+: [\d.]+( %)?\. The aim, at (least|most) [\d.]+( %)?, is reached\.", lines[-1]), lines[-1]


def test_gpt_learns_much_in_one_epoch():
    status, lines, err = trained("gpt", "--epochs", "1")
    assert (status, err) == (0, "")
    bits = float(re.search(r"bits per character: (\d\.\d+)", lines[-1])[1])
    assert bits < 0.8 * math.log2(len(set(sonnets())))  # of what a blind guess costs
    assert len("\n".join(lines)) > gpt.SAMPLE


@pytest.fixture
def few_steps(monkeypatch):
    """Makes the epochs of gpt short."""
    monkeypatch.setattr(gpt, "STEPS", 2)
    monkeypatch.setattr(gpt, "SAMPLE", 5)


# one seed, one result


def test_the_seed_decides_everything_in_any_process():
    words = ["headlines", "--epochs", "1"]

    def numbers(seed, hashes):
        _, lines, _ = trained(*words, "--seed", seed, PYTHONHASHSEED=hashes)
        return [line for line in lines if not re.match(r"\d+ epochs? in ", line)]

    first = numbers("1", hashes="1")
    assert any(line.startswith("epoch") for line in first)
    assert first == numbers("1", hashes="2")
    assert first != numbers("2", hashes="1")


# the command


def test_every_example_is_in_the_list(capsys):
    assert command(["train", "--list"]) == 0
    out = capsys.readouterr().out
    for name in examples.NAMES:
        example = program(name).EXAMPLE
        assert example.name == name
        assert re.search(rf"^{name} +{re.escape(example.about)}$", out, re.MULTILINE)
        for choice, aim in example.aims.items():
            assert f"{choice}: {aim.what}: {aim.bound}".removeprefix(": ") in out
        assert example.lasts in out
    assert max(map(len, out.splitlines())) <= 100


def test_without_a_name_there_is_the_list(capsys):
    assert command(["train"]) == 2
    assert "autoencoder" in capsys.readouterr().out


def test_an_unknown_name_says_what_was_meant(capsys):
    assert command(["train", "digit"]) == 2
    assert "no example 'digit'; there are linear, digits, " in (err := capsys.readouterr().err)
    assert "Did you mean 'digits'?" in err


WRONG = [
    (["--epochs", "0"], "--epochs must be at least 1, got 0"),
    (["--epochs", "x"], "invalid int value: 'x'"),
    (["--seed=-1"], "--seed must be 0 or more and below 2**63, got -1"),
    (["--seed", str(2**63)], "--seed must be"),
    (["--seeds", "1"], "unrecognized arguments: --seeds"),
    (["--device", "cpuu"], "Did you mean 'cpu'?"),
    (["--model", "lenett"], "invalid choice: 'lenett'"),
    (["--save", "model.txt"], "the name must end in .pt, .pth, .safetensors; got 'model.txt'"),
    (["--save", "nosuch/model.pt"], "has no directory: make 'nosuch' first"),
    (["--save", "here.pt"], "is a directory"),
    (["--plot", "curve"], "the name must end in .png, .svg, .pdf"),
    (["--log", "file"], "--log: "),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=lambda value: str(value)[:30])
def test_wrong_options_are_refused_before_training(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "here.pt").mkdir()
    with pytest.raises(SystemExit) as end:
        digits.main(words)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "nanograd train digits: error: " in err
    assert message in err


def test_a_gpu_that_is_not_there(capsys):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SystemExit) as end:
        linear.main(["--device", "cuda"])
    assert end.value.code == 8
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("nanograd train linear: error: --device cuda: ")


def test_a_missed_aim_is_exit_status_1(capsys, monkeypatch):
    monkeypatch.setattr(torch.optim, "SGD", lambda parameters, lr: torch.optim.Adam(parameters, lr=1e-9))
    assert linear.main([]) == 1
    assert capsys.readouterr().out.endswith(", is missed.\n")
    assert linear.main(["--epochs", "2"]) == 0  # fewer epochs than the promise is for


# what a run leaves behind


@pytest.mark.parametrize(("name", "ending"), [("linear", ".pt"), ("linear", ".safetensors"), ("gpt", ".safetensors")])
def test_the_state_is_saved(name, ending, tmp_path, few_steps, capsys):
    models = {"linear": lambda: linear.LinearRegression(15), "gpt": lambda: gpt.GPT(len(set(sonnets())))}
    path = tmp_path / f"model{ending}"
    assert program(name).main(["--epochs", "1", "--save", str(path)]) == 0
    assert f"state of the model in {path}" in capsys.readouterr().out
    model = models[name]()
    model.load_state_dict(torch.load(path))
    if name == "linear":
        assert (model.linear.weight.abs() > 0.1).sum() > 10  # not what a layer starts with and keeps


def test_the_numbers_are_logged(tmp_path, capsys):
    linear.main(["--epochs", "2", "--log", str(tmp_path / "runs")])
    (file,) = (tmp_path / "runs").iterdir()
    content = file.read_bytes()
    assert content.count(b"loss") == 2
    assert content.count(b"validation R2") == 2


def test_a_plot_needs_its_extra(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(running, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as end:
        linear.main(["--plot", str(tmp_path / "curve.png")])
    assert end.value.code == 8
    assert "--plot needs matplotlib: install the plot extra" in capsys.readouterr().err


@pytest.mark.skipif(not importlib.util.find_spec("matplotlib"), reason="needs the plot extra")
def test_the_plot_is_drawn(tmp_path):
    path = tmp_path / "curve.svg"
    linear.main(["--epochs", "3", "--plot", str(path)])
    assert "<svg" in path.read_text()


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("everyone", [True, False], ids=["from a terminal", "to the command alone"])
def test_ctrl_c_saves_what_there_is(tmp_path, everyone):
    path = tmp_path / "model.pt"
    process = start("digits", "--model", "mlp", "--epochs", "100000", "--save", str(path))
    assert process.stdout.readline().startswith("epoch   1 ")
    os.killpg(process.pid, signal.SIGINT) if everyone else process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert re.search(r"interrupted in epoch \d+", err)
    assert f"state of the model in {path}" in out
    digits.MLP().load_state_dict(torch.load(path))


def test_an_interruption_before_there_is_a_model_saves_nothing(tmp_path, monkeypatch, capsys):
    def interrupted(self, model):
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "keep", interrupted)
    assert linear.main(["--save", str(tmp_path / "model.pt")]) == 130
    assert capsys.readouterr() == ("", "\ninterrupted\n")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_refuses_is_told(tmp_path, monkeypatch, capsys):
    def full(state, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    assert linear.main(["--epochs", "1", "--save", str(tmp_path / "model.pt")]) == 1
    assert "could not write: [Errno 28] No space left on device" in capsys.readouterr().err


# aims


def test_aims():
    high, low = Aim("R²", at_least=0.9), Aim("error", at_most=0.1, form="{:.1f}")
    assert [high.is_reached(value) for value in (0.89, 0.9, 1.0, math.nan)] == [False, True, True, False]
    assert [low.is_reached(value) for value in (0.11, 0.1, 0.0, math.nan)] == [False, True, True, False]
    assert high.verdict(0.5) == "R²: 0.50. The aim, at least 0.90, is missed."
    assert low.verdict(0.04) == "error: 0.0. The aim, at most 0.1, is reached."


# the subjects


def test_r_squared_is_the_share_of_the_variance():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 15)).astype(np.float32), rng.normal(size=(50, 1)).astype(np.float32)
    model = linear.LinearRegression(15)
    guess = x @ model.linear.weight.detach().numpy().T + model.linear.bias.detach().numpy()
    expected = 1 - ((y - guess) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert linear.r_squared(model, torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(expected, rel=1e-5)


def test_training_lowers_the_loss_and_evaluation_changes_nothing():
    torch.manual_seed(0)
    model, data = digits.MLP(), digits.digits("test")
    losses = [loss for _, loss in digits.learn(model, data, range(3))]
    assert losses[2] < losses[0]
    assert digits.accuracy(model, data) == digits.accuracy(model, data)
    assert digits.accuracy(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), data) < 0.6


def test_headlines_for_the_test_share_no_sentence_and_no_template_with_the_training():
    learned = {" ".join(words) for words, _ in headlines.headlines("learned_from", 4000, 1)}
    tested = {" ".join(words) for words, _ in headlines.headlines("tested_on", 1000, 2)}
    assert (len(learned), len(tested)) == (4000, 1000)
    assert not learned & tested
    assert not set(headlines.PHRASES["learned_from"]) & set(headlines.PHRASES["tested_on"])


def test_no_word_gives_satire_away_and_pairs_decide_it():
    made = headlines.headlines("learned_from", 4000, 1)
    assert 0.45 < np.mean([satire for _, satire in made]) < 0.55
    vocabulary = sorted({word for words, _ in made for word in words})
    counts = np.array([[word in words for word in vocabulary] for words, _ in made], float)
    labels = np.array([satire for _, satire in made]) * 2 - 1
    weights, *_ = np.linalg.lstsq(counts[:3000], labels[:3000], rcond=None)
    assert np.mean((counts[3000:] @ weights > 0) == (labels[3000:] > 0)) < 0.7  # a count of words hardly helps

    def kind(headline, lists):
        return next(number for number, text in enumerate(lists) if any(p in headline for p in headlines.PHRASES[text]))

    for words, satire in made[:200]:
        headline = " ".join(words)
        who = kind(headline, ("mighty", "neighbors"))
        what = kind(headline, ("great", "small"))
        assert satire == float(who != what), headline


def test_padding_does_not_change_what_a_headline_is():
    model = headlines.HeadlineNet(50).eval()
    long, short = torch.randint(2, 50, (1, 9)), torch.randint(2, 50, (1, 4))
    padded = torch.cat([long, nn.functional.pad(short, (0, 5))])
    together = model(padded, torch.tensor([9, 4]))
    alone = torch.cat([model(long, torch.tensor([9])), model(short, torch.tensor([4]))])
    torch.testing.assert_close(together, alone)


def test_names_are_shifted_by_one_letter_and_padded():
    letters, following = names.collate([names.encode("Ab"), names.encode("Cedi")])
    assert letters.tolist() == [[0, 1, 2, 0, 0], [0, 3, 5, 4, 9]]
    assert following.tolist() == [[1, 2, 0, -100, -100], [3, 5, 4, 9, 0]]


def test_the_names_are_names():
    known = running.data("names.txt").split()
    assert len(known) == len(set(known)) > 1000
    assert known == sorted(known)
    assert all(re.fullmatch("[A-Z][a-z]+", name) for name in known)


@pytest.mark.parametrize("cell", names.CELLS)
def test_who_knows_nothing_of_names_needs_the_bits_of_27_letters(cell):
    model = names.NameModel(cell)
    nn.init.zeros_(model.output.weight)
    nn.init.zeros_(model.output.bias)
    loader = DataLoader([names.encode("Ada"), names.encode("Emmanuel")], batch_size=2, collate_fn=names.collate)
    assert names.bits_per_letter(model, loader, "cpu") == pytest.approx(math.log2(27), rel=1e-6)
    torch.manual_seed(0)
    assert re.fullmatch("([A-Z][a-z]*)?", names.invent(model, "cpu"))


def sonnets():
    return running.data("sonnets.txt")


def test_the_sonnets_have_fourteen_lines_each():
    poems = sonnets().strip().split("\n\n")
    assert len(poems) == 49
    assert {len(poem.splitlines()) for poem in poems} == {14}
    assert len({poem.splitlines()[0] for poem in poems}) == 49
    assert sonnets().isascii()
    assert poems[6].startswith("Shall I compare thee to a summer's day?")


def test_gpt_does_not_look_ahead():
    model = gpt.GPT(60).eval()
    text = torch.randint(60, (1, 20))
    changed = text.clone()
    changed[0, 12] = (changed[0, 12] + 1) % 60
    before, after = model(text), model(changed)
    torch.testing.assert_close(before[:, :12], after[:, :12])
    assert (before[0, 12:] != after[0, 12:]).any(1).all()


def test_gpt_writes_with_the_vectors_it_reads_with():
    model = gpt.GPT(60)
    shapes = [tuple(p.shape) for p in model.parameters()]
    assert shapes.count((60, gpt.WIDTH)) == 1
    model(torch.randint(60, (2, 5))).sum().backward()
    assert model.characters.weight.grad.abs().sum(1).gt(0).all()  # also of characters that were not read


def test_windows_are_followed_by_what_follows():
    text = torch.arange(500)
    characters, following = gpt.windows(text, torch.tensor([3, 100]))
    assert characters.shape == following.shape == (2, gpt.CONTEXT)
    assert characters[:, 0].tolist() == [3, 100]
    assert (following == characters + 1).all()


def test_covered_counts_clouds_and_is_not_fooled_by_a_ring():
    torch.manual_seed(0)
    real = gan.real_points(4000)
    assert gan.covered(real)[0] == 8
    assert gan.covered(real)[1] > 0.98  # 1 - exp(-9/2) of a normal distribution in the plane is within three deviations
    angles = torch.linspace(0, 2 * math.pi, 4000)
    assert gan.covered(2 * torch.stack([angles.cos(), angles.sin()], 1))[0] == 0
    assert gan.covered(gan.CENTERS[:3].repeat(500, 1)) == (3, 1.0)
    assert gan.covered(torch.zeros(100, 2)) == (0, 0.0)


def test_steepness_of_a_plane_is_its_slope_squared():
    plane = nn.Linear(2, 1)
    points = torch.randn(7, 2, requires_grad=True)
    found = gan.steepness(plane(points), points)
    torch.testing.assert_close(found, plane.weight.square().sum())
    found.backward()
    torch.testing.assert_close(plane.weight.grad, 2 * plane.weight.detach())


def test_principal_components_leave_the_small_eigenvalues():
    known = autoencoder.digits(train=True)
    error = (autoencoder.principal_components(known, known) - known).square().sum(1).mean().item()
    left = np.linalg.eigvalsh(np.cov(known.double().numpy().T, bias=True))[: -autoencoder.WIDTH]
    assert error == pytest.approx(left.sum(), rel=1e-4)


def test_pictures():
    image = torch.zeros(64)
    image[1], image[62], image[63] = 1.0, 0.5, -3.0
    lines = autoencoder.picture(image)
    assert len(lines) == 8
    assert lines[0] == "  @@" + 12 * " "
    assert lines[7][:12].isspace()
    assert lines[7][12:14] in ("==", "++")  # a half is between two shades
    assert gan.picture(torch.tensor([[-2.5, 2.499], [9.0, 9.0]])).splitlines()[0] == "."


# the bar


def test_there_is_a_bar_on_a_terminal_and_none_elsewhere(monkeypatch):
    import io

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        with contextlib.redirect_stderr(stream):
            assert list(settings(linear.EXAMPLE, epochs=3).epochs()) == [1, 2, 3]
        assert ("linear" in stream.getvalue()) == shown
