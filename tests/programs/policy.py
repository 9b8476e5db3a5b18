"""REINFORCE with Categorical: a policy learns which of four levers pays."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical, Normal

torch.manual_seed(543)
pays = torch.tensor([0.1, 0.2, 0.9, 0.3])


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Linear(1, 4)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)
        self.saved_log_probs, self.rewards = [], []

    def forward(self, x):
        return F.softmax(self.affine(x), dim=1)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-2)
for _ in range(60):
    for _ in range(10):
        m = Categorical(policy(torch.ones(1, 1)))
        action = m.sample()
        policy.saved_log_probs.append(m.log_prob(action))
        policy.rewards.append(pays[action.item()].item())
    returns = torch.tensor(policy.rewards)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    losses = [-log_prob * r for log_prob, r in zip(policy.saved_log_probs, returns, strict=True)]
    optimizer.zero_grad()
    torch.cat(losses).sum().backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]
print(policy(torch.ones(1, 1)).argmax().item(), bool(policy(torch.ones(1, 1))[0, 2] > 0.5))

m = Categorical(logits=torch.tensor([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]]))
print(m.probs, m.entropy(), m.log_prob(torch.tensor([2, 0])), m.sample((5,)).shape, sep="\n")
print(Normal(torch.tensor([0.0, 1.0]), 2.0).log_prob(torch.tensor([1.0, 1.0])))
