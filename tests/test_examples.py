"""The examples run as the command runs them, and reach what they promise."""

import importlib
import re

import pytest

import nanograd as torch
from nanograd import examples, nn
from nanograd.examples import digits


def test_every_example_has_a_main():
    for module in examples.NAMES.values():
        assert callable(importlib.import_module(module).main)


def test_the_digits_are_learned(capsys):
    assert digits.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert re.fullmatch(r"epoch   1   loss \d\.\d{4}   test accuracy \d\d\.\d %", lines[0])
    found = re.fullmatch(r"test accuracy: (\d\d\.\d) % in \d+\.\d s", lines[-1])
    assert found
    assert float(found[1]) >= 97.0


def test_the_seed_decides_everything(capsys):
    def losses(seed):
        digits.main(["--epochs", "2", "--seed", seed, "--lr", "0.01"])
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]

    first = losses("1")
    assert first == losses("1")
    assert first != losses("2")


def test_training_lowers_the_loss_and_evaluation_changes_nothing():
    torch.manual_seed(0)
    model, data, losses = digits.network(), digits.digits("test"), []
    digits.train(model, data, epochs=3, lr=1e-3, after_epoch=lambda epoch, loss: losses.append(loss))
    assert losses[2] < losses[0]
    assert digits.accuracy(model, data) == digits.accuracy(model, data)
    assert digits.accuracy(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), data) < 0.6


@pytest.mark.parametrize(
    "wrong", [["--epochs", "0"], ["--lr", "0"], ["--lr", "nan"], ["--epochs", "x"], ["--seeds", "1"]]
)
def test_wrong_options_are_refused(wrong, capsys):
    with pytest.raises(SystemExit) as end:
        digits.main(wrong)
    assert end.value.code == 2
    assert "nanograd train digits: error: " in capsys.readouterr().err
