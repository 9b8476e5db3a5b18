"""Invent given names, letter by letter: ``nanograd train names --cell rnn``, ``gru`` or ``lstm``.

data/names.txt holds some thousand given names that are common, or once were, where English is spoken.  A network that
has read the beginning of a name says how likely each letter is to come next; drawing from that again and again makes
a new name.  A tenth of the names is kept apart to measure with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import nanograd as torch
from nanograd import Tensor, nn
from nanograd.examples import running
from nanograd.examples.running import Aim, Example, Run
from nanograd.nn.utils.rnn import pad_sequence
from nanograd.utils.data import DataLoader

EXAMPLE = Example(
    name="names",
    about="Given names, read and invented letter by letter by a recurrent network.",
    lasts="some seconds",
    epochs=15,
    aims={
        "gru": Aim("held-out names, bits per letter", at_most=3.2),
        "lstm": Aim("held-out names, bits per letter", at_most=3.2),
        "rnn": Aim("held-out names, bits per letter", at_most=3.2),
    },
    option="cell",
    option_help="the recurrent layer",
)

LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # the dot stands before and after each name
PADDING = -100  # what the loss leaves out
CELLS = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}


class NameModel(nn.Module):
    """Letters so far (N, T) → scores of the next one (N, T, 27), and the state to go on from."""

    def __init__(self, cell: str, width: int = 96) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS), 32)
        self.recurrent = CELLS[cell](32, width, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.output = nn.Linear(width, len(LETTERS))

    def forward(self, letters: Tensor, state: object = None) -> tuple[Tensor, object]:
        steps, state = self.recurrent(self.embedding(letters), state)
        return self.output(self.dropout(steps)), state


def encode(name: str) -> Tensor:
    """Anna → the places of . a n n a . in LETTERS."""
    return torch.tensor([LETTERS.index(letter) for letter in f".{name.lower()}."])


def collate(names: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The letters of several names (N, T), and those that follow them (N, T), filled up to the longest."""
    letters = pad_sequence([name[:-1] for name in names], batch_first=True)
    following = pad_sequence([name[1:] for name in names], batch_first=True, padding_value=PADDING)
    return letters, following


def bits_per_letter(model: nn.Module, loader: DataLoader, device: str) -> float:
    """What the model still does not know of a letter it has not seen: the mean of −log₂ of its probability."""
    model.eval()
    criterion = nn.CrossEntropyLoss(ignore_index=PADDING, reduction="sum")
    total, count = 0.0, 0
    with torch.no_grad():
        for letters, following in loader:
            scores, _ = model(letters.to(device))
            total += criterion(scores.flatten(0, 1), following.flatten().to(device)).item()
            count += int((following != PADDING).sum())
    return total / count / math.log(2)


@torch.no_grad()
def invent(model: nn.Module, device: str) -> str:
    """Draw letter after letter, until the dot ends the name."""
    model.eval()
    name, letter, state = "", torch.zeros(1, 1, dtype=torch.long, device=device), None
    while len(name) < 20:
        scores, state = model(letter, state)
        letter = torch.multinomial(scores[:, -1].softmax(-1), 1)  # (1, 1)
        if letter.item() == 0:
            break
        name += LETTERS[int(letter)]
    return name.capitalize()


def train(run: Run) -> float:
    known = running.data("names.txt").split()
    order = torch.randperm(len(known), generator=torch.Generator().manual_seed(0))  # the same for every seed
    names = [encode(known[i]) for i in order.tolist()]
    learning, held_out = names[: len(names) * 9 // 10], names[len(names) * 9 // 10 :]
    loader = DataLoader(learning, batch_size=32, shuffle=True, collate_fn=collate)
    watching = DataLoader(held_out, batch_size=256, collate_fn=collate)

    model = run.keep(NameModel(run.choice))
    criterion = nn.CrossEntropyLoss(ignore_index=PADDING)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.last_epoch)

    for _ in run.epochs():
        model.train()
        total = 0.0
        for letters, following in loader:
            scores, _ = model(letters.to(run.device))
            loss = criterion(scores.flatten(0, 1), following.flatten().to(run.device))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # recurrent gradients can explode
            optimizer.step()
            total += loss.item()
        schedule.step()
        run.report(loss=total / len(loader), held_out_bits=bits_per_letter(model, watching, run.device))

    invented = [invent(model, run.device) for _ in range(20)]
    run.say(f"invented: {', '.join(invented)}")
    run.say(f"new among them: {len(set(invented) - set(known))} of {len(invented)}")
    return bits_per_letter(model, watching, run.device)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and say whether the aim was reached."""
    return running.main(EXAMPLE, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
