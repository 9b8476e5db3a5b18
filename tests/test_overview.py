"""summary: counts by hand, the shapes the layers give, and a model that is left as it was."""

import pytest

import nanograd as torch
from nanograd import nn


def test_counts_and_shapes():
    model = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 6 * 6, 10))
    model[3].weight.requires_grad_(False)
    table = torch.summary(model, (2, 1, 8, 8))
    assert [row.output for row in table.rows] == ["(2, 10)", "(2, 6, 6, 6)", "(2, 6, 6, 6)", "(2, 216)", "(2, 10)"]
    assert [row.parameters for row in table.rows] == [0, 60, 0, 0, 2170]
    assert (table.parameters, table.trainable, table.bytes) == (2230, 70, 8920)
    text = repr(table)
    assert "2,230 parameters (8.7 KB), 2,160 of them frozen" in text
    assert "  Conv2d (0)   (2, 6, 6, 6)          60" in text


def test_what_is_shared_counts_once_and_what_is_called_twice_is_one_row():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(7, 3)
            self.head = nn.Linear(3, 7, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x):
            return self.head(torch.tanh(self.embed(x))), self.embed(x)

    table = torch.summary(Tied(), torch.zeros(2, dtype=torch.int64))
    assert table.parameters == 21
    assert table.rows[0].output == "(2, 7), (2, 3)"
    assert table.rows[1].calls == 2


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    model[1].eval()
    torch.summary(model, torch.ones(1, 2))
    assert [m.training for m in model.modules()] == [True, True, False]
    with pytest.raises(RuntimeError, match="linear"):
        torch.summary(model, torch.ones(1, 3))
    assert [m.training for m in model.modules()] == [True, True, False]
    seen = []
    model.register_forward_hook(lambda m, a, y: seen.append(1))
    model(torch.ones(1, 2))
    assert seen == [1]


def test_without_an_input_and_with_lazy_layers():
    model = nn.Sequential(nn.LazyLinear(3))
    assert torch.summary(model).parameters == 0
    assert torch.summary(model, torch.ones(1, 5)).rows[1].kind == "Linear"
    assert torch.summary(model).parameters == 18


def test_mistakes():
    with pytest.raises(TypeError, match="expected a Module, got function"):
        torch.summary(lambda x: x)
    with pytest.raises(TypeError, match="a tensor, a list of tensors or a shape"):
        torch.summary(nn.Linear(2, 2), ["a"])
