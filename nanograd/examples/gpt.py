"""Continue Shakespeare's sonnets, character by character: ``nanograd train gpt``.

A transformer that looks back only, and that writes with the same vectors it reads with.  data/sonnets.txt holds 49 of
the sonnets; the last tenth is kept apart to measure with.  It is little to learn a language from: without dropout the
network would soon know it by heart.

Source: A. Vaswani et al., "Attention is all you need", 2017; O. Press and L. Wolf, "Using the output embedding to
improve language models", 2017 (the tied weights).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import nanograd as torch
import nanograd.nn.functional as F
from nanograd import Tensor, nn
from nanograd.examples import running
from nanograd.examples.running import Aim, Example, Run

EXAMPLE = Example(
    name="gpt",
    about="Shakespeare's sonnets, continued by a transformer, character by character.",
    lasts="under a minute",
    epochs=6,
    aims={"": Aim("held-out verses, bits per character", at_most=2.9)},
)

CONTEXT, WIDTH, HEADS, LAYERS, DROPOUT = 64, 64, 4, 2, 0.1
BATCH, STEPS = 32, 100  # windows per step, steps per epoch
SAMPLE = 500  # characters written at the end


class Attention(nn.Module):
    """Every position gathers from those before it and from itself:  (N, T, C) → (N, T, C)."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        n, t, c = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)  # each (N, heads, T, C / heads)
        gathered = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(gathered.transpose(1, 2).reshape(n, t, c))


class Block(nn.Module):
    """Attention, then two layers at each position, both added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class GPT(nn.Module):
    """Characters (N, T) → scores of the next one (N, T, vocabulary)."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.characters = nn.Embedding(vocabulary, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        nn.init.normal_(self.characters.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)
        self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, characters: Tensor) -> Tensor:
        places = torch.arange(characters.shape[1], device=characters.device)
        x = self.blocks(self.characters(characters) + self.places(places))
        return F.linear(self.norm(x), self.characters.weight)  # tied: reads and writes with the same vectors


def windows(text: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
    """The characters at ``starts`` and after (N, 64), and those that follow each of them (N, 64)."""
    at = starts.unsqueeze(1) + torch.arange(CONTEXT, device=text.device)
    return text[at], text[at + 1]


def bits_per_character(model: nn.Module, text: Tensor) -> float:
    """The mean of −log₂ of the probability of each character, from windows side by side."""
    model.eval()
    with torch.no_grad():
        characters, following = windows(text, torch.arange(0, len(text) - CONTEXT, CONTEXT, device=text.device))
        return F.cross_entropy(model(characters).flatten(0, 1), following.flatten()).item() / math.log(2)


@torch.no_grad()
def write(model: nn.Module, start: Tensor, length: int, temperature: float = 0.8) -> Tensor:
    """Go on from the characters ``start`` (T,); a low temperature writes carefully, a high one boldly."""
    model.eval()
    text = start
    for _ in range(length):
        scores = model(text[-CONTEXT:].unsqueeze(0))[0, -1]
        text = torch.cat([text, torch.multinomial((scores / temperature).softmax(-1), 1)])
    return text


def train(run: Run) -> float:
    sonnets = running.data("sonnets.txt")
    alphabet = sorted(set(sonnets))
    text = torch.tensor([alphabet.index(character) for character in sonnets], device=run.device)
    learning, held_out = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]

    model = run.keep(GPT(len(alphabet)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=run.last_epoch * STEPS)

    for _ in run.epochs():
        model.train()
        total = 0.0
        for _ in range(STEPS):
            characters, following = windows(learning, torch.randint(len(learning) - CONTEXT, (BATCH,)).to(run.device))
            loss = F.cross_entropy(model(characters).flatten(0, 1), following.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        run.report(loss=total / STEPS, held_out_bits=bits_per_character(model, held_out))

    start = torch.tensor([alphabet.index("\n")], device=run.device)
    run.say("".join(alphabet[i] for i in write(model, start, SAMPLE).tolist()))
    run.say("")
    return bits_per_character(model, held_out)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and say whether the aim was reached."""
    return running.main(EXAMPLE, train, argv)


if __name__ == "__main__":
    raise SystemExit(main())
