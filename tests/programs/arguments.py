"""A script with options, and with its network in a module beside it."""

import argparse
import sys
from pathlib import Path

import torch
from beside.network import Net


def main():
    parser = argparse.ArgumentParser(description="a script")
    parser.add_argument("--epochs", type=int, default=3, metavar="N")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--hidden", type=int, default=8)
    parser.add_argument("--no-cuda", action="store_true")
    args = parser.parse_args()
    use_cuda = not args.no_cuda and torch.cuda.is_available()
    device = torch.device("cuda" if use_cuda else "cpu")
    kwargs = {"num_workers": 1, "pin_memory": True} if use_cuda else {}
    print(args, device, kwargs)

    model = Net(args.hidden).to(device)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])  # exclusive or
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(1, args.epochs + 1):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x.to(device)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"Epoch {epoch}: {loss.item():.4f}")
    print(Path(sys.argv[0]).name, sys.argv[1:], Path(__file__).name, __name__)
    sys.exit(0)


if __name__ == "__main__":
    main()
