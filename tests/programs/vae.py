"""A variational autoencoder: two heads, a sample that lets gradients through, and a loss of two parts."""

import torch
from torch import nn, optim
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 24)
        self.fc21 = nn.Linear(24, 2)
        self.fc22 = nn.Linear(24, 2)
        self.fc3 = nn.Linear(2, 24)
        self.fc4 = nn.Linear(24, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar, eps):
        std = torch.exp(0.5 * logvar)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x, eps):
        mu, logvar = self.encode(x.view(-1, 64))
        return self.decode(self.reparameterize(mu, logvar, eps)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction="sum")
    # 0.5 * sum(1 + log(sigma^2) - mu^2 - sigma^2), as in Kingma and Welling, 2014, appendix B
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


model = VAE()
with torch.no_grad():
    for k, p in enumerate(model.parameters()):
        p.copy_(0.2 * torch.sin(torch.arange(p.numel()) * 0.7 + k).reshape(p.shape))
optimizer = optim.Adam(model.parameters(), lr=1e-2)
rows = torch.arange(8.0)
data = torch.stack([((rows - k % 8).abs() < 2).float().expand(8, 8) for k in range(32)]).unsqueeze(1)
print(data.shape, model.reparameterize(torch.zeros(3, 2), torch.zeros(3, 2), torch.randn_like(torch.zeros(3, 2))).shape)

for epoch in range(1, 41):
    model.train()
    eps = torch.cos(torch.arange(64.0) * 2.3 + epoch).view(32, 2)
    optimizer.zero_grad()
    recon_batch, mu, logvar = model(data, eps)
    loss = loss_function(recon_batch, data, mu, logvar)
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        print(f"====> Epoch: {epoch} Average loss: {loss.item() / len(data):.3f}")
with torch.no_grad():
    sample = model.decode(torch.zeros(4, 2)).cpu()
print(sample.view(4, 1, 8, 8).shape, bool((sample >= 0).all() and (sample <= 1).all()))
