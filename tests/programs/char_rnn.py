"""A character RNN, written out: it tells from which made-up language a name comes, one letter at a time."""

import torch
import torch.nn as nn

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAMES = {
    "Vowelish": ["aeoa", "iuea", "oaeiu", "eaioa", "uiae"],
    "Konsonant": ["krst", "bldrk", "mtzk", "gvrks", "plnt"],
    "Mixed": ["kato", "belu", "miso", "tari", "nuke"],
}
languages = list(NAMES)


def line_to_tensor(line):
    """(letters, 1, 26), one-hot."""
    tensor = torch.zeros(len(line), 1, len(LETTERS))
    for i, letter in enumerate(line):
        tensor[i][0][LETTERS.find(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        return self.softmax(self.h2o(hidden)), hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


rnn = RNN(len(LETTERS), 24, len(languages))
with torch.no_grad():
    for k, p in enumerate(rnn.parameters()):
        p.copy_(0.2 * torch.sin(torch.arange(p.numel()) * 0.7 + k).reshape(p.shape))
criterion = nn.NLLLoss()
learning_rate = 0.05


def train(category, line):
    hidden = rnn.init_hidden()
    rnn.zero_grad()
    for letter in line:
        output, hidden = rnn(letter, hidden)
    loss = criterion(output, category)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)
    return output, loss.item()


for epoch in range(12):
    total = 0.0
    for n in range(5):
        for k, language in enumerate(languages):
            total += train(torch.tensor([k], dtype=torch.long), line_to_tensor(NAMES[language][n]))[1]
    if epoch % 3 == 0:
        print(f"epoch {epoch:2d}  average loss {total / 15:.4f}")


def evaluate(line):
    with torch.no_grad():
        hidden = rnn.init_hidden()
        for letter in line_to_tensor(line):
            output, hidden = rnn(letter, hidden)
    value, index = output.topk(2)
    return [(languages[i], round(v.exp().item(), 2)) for v, i in zip(value[0], index[0], strict=True)]


for name in ("aioe", "krtz", "lano"):
    print(name, evaluate(name))
