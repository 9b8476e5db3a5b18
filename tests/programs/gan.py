"""A generator and a discriminator that play against each other on points along a line."""

import torch
from torch import nn, optim

torch.manual_seed(999)


def weights_init(m):
    """Applied to every part of a network."""
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        with torch.no_grad():
            m.weight.copy_(0.4 * torch.sin(torch.arange(m.weight.numel()) * 1.3).reshape(m.weight.shape))
        nn.init.zeros_(m.bias)


class Generator(nn.Module):
    def __init__(self, nz=4):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(nz, 16), nn.ReLU(True), nn.Linear(16, 2))

    def forward(self, z):
        return self.main(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, x):
        return self.main(x).view(-1, 1).squeeze(1)


netG, netD = Generator(), Discriminator()
netG.apply(weights_init)
netD.apply(weights_init)
criterion = nn.BCELoss()
optimizerD = optim.Adam(netD.parameters(), lr=0.01, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.01, betas=(0.5, 0.999))
t = torch.linspace(-1, 1, 32)
real = torch.stack([t, 2 * t + 1], dim=1)
label = torch.full((32,), 1.0)

for i in range(60):
    noise = torch.sin(torch.arange(128.0) * 1.7 + i).view(32, 4)
    netD.zero_grad()
    output = netD(real)
    errD_real = criterion(output, label.fill_(1.0))
    errD_real.backward()
    fake = netG(noise)
    errD_fake = criterion(netD(fake.detach()), label.fill_(0.0))
    errD_fake.backward()
    errD = errD_real + errD_fake
    optimizerD.step()

    netG.zero_grad()
    output = netD(fake)
    errG = criterion(output, label.fill_(1.0))
    errG.backward()
    optimizerG.step()
    if i % 20 == 0:
        print(f"[{i:2d}/60] Loss_D: {errD.item():.3f} Loss_G: {errG.item():.3f} D(x): {output.mean().item():.3f}")
print(netG)
print(fake.shape, fake.requires_grad, fake.detach().requires_grad)
