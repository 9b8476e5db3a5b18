"""Tell satire from news: ``nanograd train headlines``.

The headlines are made up from templates.  News is when the mighty deal with great matters, or neighbors with small
ones; satire is when the mighty deal with small matters, or neighbors with great ones.  No word says which: who came
first has to be remembered until the matter is known.  The test headlines come from templates never seen in training.

The network is an embedding, an LSTM and two linear layers.  Headlines differ in length: they are padded to the longest
of their batch and then packed, so that the LSTM ends with its state after the last word, not after the padding.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence

import nanograd as torch
from nanograd import Tensor, nn
from nanograd.examples import running
from nanograd.examples.running import Aim, Example, Run
from nanograd.nn.utils.rnn import pack_padded_sequence, pad_sequence
from nanograd.utils.data import DataLoader

EXAMPLE = Example(
    name="headlines",
    about="Satirical and serious headlines, told apart by an LSTM.",
    lasts="some seconds",
    epochs=10,
    aims={"": Aim("accuracy on templates never seen", at_least=90.0, form="{:.1f} %")},
)

PHRASES: dict[str, list[str]] = tomllib.loads(running.data("headlines.toml"))


def headlines(templates: str, count: int, seed: int) -> list[tuple[list[str], float]]:
    """``count`` different headlines as words, each with 1.0 if it is satire, 0.0 if it is news."""
    generator = random.Random(seed)
    made: dict[str, float] = {}
    while len(made) < count:
        mighty, great = generator.random() < 0.5, generator.random() < 0.5
        who = generator.choice(PHRASES["mighty" if mighty else "neighbors"])
        what = generator.choice(PHRASES["great" if great else "small"])
        headline = generator.choice(PHRASES[templates]).format(who=who, what=what)
        made[headline] = float(mighty != great)
    return [(headline.split(), satire) for headline, satire in made.items()]


class HeadlineNet(nn.Module):
    """Places of words in the vocabulary (N, T) and how many there are (N,) → scores (N,): above 0 for satire."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 32, padding_idx=0)
        self.lstm = nn.LSTM(input_size=32, hidden_size=64, batch_first=True)
        self.dropout = nn.Dropout(0.1)
        self.hidden = nn.Linear(64, 32)
        self.output = nn.Linear(32, 1)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        x = self.dropout(self.embedding(words))
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)  # h (layers, N, 64): the state after the last word of each headline
        z = torch.tanh(self.hidden(self.dropout(h[-1])))
        return self.output(z).squeeze(1)


def accuracy(model: nn.Module, loader: DataLoader, device: str) -> float:
    """The share of headlines that are recognized."""
    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for words, lengths, satire in loader:
            said = model(words.to(device), lengths) > 0
            right += int((said.cpu() == (satire > 0)).sum())
            count += len(satire)
    return right / count


def train(run: Run) -> float:
    learning, unseen = headlines("learned_from", 4000, seed=1), headlines("tested_on", 1000, seed=2)
    known = sorted({word for words, _ in learning for word in words})
    vocabulary = {word: place for place, word in enumerate(known, start=2)}  # 0: padding, 1: unknown

    def collate(made: list[tuple[list[str], float]]) -> tuple[Tensor, Tensor, Tensor]:
        places = [torch.tensor([vocabulary.get(word, 1) for word in words]) for words, _ in made]
        lengths = torch.tensor([len(words) for words, _ in made])
        return pad_sequence(places, batch_first=True), lengths, torch.tensor([satire for _, satire in made])

    loader = DataLoader(learning[400:], batch_size=64, shuffle=True, collate_fn=collate)
    watching = DataLoader(learning[:400], batch_size=256, collate_fn=collate)

    model = run.keep(HeadlineNet(len(vocabulary) + 2))
    criterion = nn.BCEWithLogitsLoss()  # the sigmoid is in the loss
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    for _ in run.epochs():
        model.train()
        total = 0.0
        for words, lengths, satire in loader:
            loss = criterion(model(words.to(run.device), lengths), satire.to(run.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        run.report(loss=total / len(loader), validation_accuracy=accuracy(model, watching, run.device))

    for made in unseen[:6]:
        words, lengths, _ = collate([made])
        with torch.no_grad():
            satire = torch.sigmoid(model(words.to(run.device), lengths)).item()
        run.say(f"{satire:4.0%} satire: {' '.join(made[0])}")
    return 100 * accuracy(model, DataLoader(unseen, batch_size=256, collate_fn=collate), run.device)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and say whether the aim was reached."""
    return running.main(EXAMPLE, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
