"""An LSTM that reads headlines: what comes out of nn.LSTM, and which part of it a classifier needs."""

import torch
import torch.nn as nn


def fill(module):
    """Weights by formula, the same everywhere."""
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(0.3 * torch.sin(torch.arange(p.numel()) * 0.7 + k).reshape(p.shape))


class HeadlineNet(nn.Module):
    def __init__(self):
        super(HeadlineNet, self).__init__()  # noqa: UP008 (as many texts write it)
        self.lstm = nn.LSTM(input_size=10, hidden_size=16, batch_first=True)
        self.hidden = nn.Linear(in_features=16, out_features=8)
        self.output = nn.Linear(in_features=8, out_features=1)

    def forward(self, x):
        lstm_out, (h_n, c_n) = self.lstm(x)
        z = lstm_out[:, -1]  # the last word of each headline
        z = torch.tanh(self.hidden(z))
        return torch.sigmoid(self.output(z))


model = HeadlineNet()
fill(model)
print(model)
for name, p in model.named_parameters():
    print(name, tuple(p.shape))

headlines = torch.sin(torch.arange(6 * 5 * 10.0) ** 1.1).reshape(6, 5, 10)  # 6 of 5 words, 10 numbers a word
labels = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0]).unsqueeze(1)
out, (h_n, c_n) = model.lstm(headlines)
print(out.shape, h_n.shape, c_n.shape, torch.equal(out[:, -1], h_n[-1]))
# legal, and not what was meant: the words of the last headline
print(out[-1].shape, out[:, -1].shape)

optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
criterion = nn.BCELoss()
for epoch in range(21):
    optimizer.zero_grad()
    loss = criterion(model(headlines), labels)
    loss.backward()
    optimizer.step()
    if epoch % 5 == 0:
        print(epoch, f"{loss.item():.4f}")
with torch.no_grad():
    print((model(headlines) > 0.5).long().flatten().tolist())
