"""An encoder and a decoder of GRUs that learn to turn sequences around, with teacher forcing."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim

SOS, EOS, WORDS, HIDDEN, LENGTH = 0, 1, 8, 32, 4


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, HIDDEN)
        self.gru = nn.GRU(HIDDEN, HIDDEN, batch_first=True)

    def forward(self, words):
        return self.gru(self.embedding(words))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, HIDDEN)
        self.gru = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.out = nn.Linear(HIDDEN, WORDS)

    def forward(self, hidden, target=None):
        word = torch.full((hidden.shape[1], 1), SOS)
        outputs = []
        for i in range(LENGTH + 1):
            output, hidden = self.gru(F.relu(self.embedding(word)), hidden)
            outputs.append(self.out(output))
            if target is not None:
                word = target[:, i].unsqueeze(1)  # teacher forcing
            else:
                word = outputs[-1].argmax(dim=-1).detach()
        return F.log_softmax(torch.cat(outputs, dim=1), dim=-1)


def fill(module, shift):
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(0.3 * torch.sin(torch.arange(p.numel()) * 0.7 + k + shift).reshape(p.shape))


encoder, decoder = Encoder(), Decoder()
fill(encoder, 0)
fill(decoder, 10)
n = torch.arange(48)
source = torch.stack([2 + (n * (k + 3) + n // 6) % 6 for k in range(LENGTH)], dim=1)
target = torch.cat([source.flip(1), torch.full((48, 1), EOS)], dim=1)
optimizers = [optim.Adam(part.parameters(), lr=0.01) for part in (encoder, decoder)]
criterion = nn.NLLLoss()
for epoch in range(61):
    for optimizer in optimizers:
        optimizer.zero_grad()
    outputs, hidden = encoder(source)
    scores = decoder(hidden, target)
    loss = criterion(scores.view(-1, scores.size(-1)), target.view(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    if epoch % 15 == 0:
        print(epoch, f"{loss.item():.3f}")
print(outputs.shape, hidden.shape, scores.shape)
with torch.no_grad():
    said = decoder(encoder(source)[1]).argmax(-1)
print((said == target).float().mean().item() > 0.8)

# one step of a cell is one step of the layer
cell = nn.GRUCell(HIDDEN, HIDDEN)
cell.load_state_dict({name.removesuffix("_l0"): p for name, p in encoder.gru.state_dict().items()})
x = encoder.embedding(source[:, 0])
print(torch.allclose(cell(x), encoder.gru(x.unsqueeze(1))[0][:, 0], atol=1e-6))
