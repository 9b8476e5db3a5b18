"""Data sets of one's own: collate_fn, samplers, splits, streams, and workers."""

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
    random_split,
)


class Sentences(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, i):
        return torch.arange(1, i + 2), {"label": i % 2, "name": f"s{i}"}


def collate(samples):
    words, facts = zip(*samples, strict=True)
    lengths = torch.tensor([len(w) for w in words])
    return pad_sequence(words, batch_first=True), lengths, torch.tensor([f["label"] for f in facts])


class Stream(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        yield from range(first, 10, step)


for workers in (0, 2):
    for padded, lengths, labels in DataLoader(Sentences(), batch_size=3, collate_fn=collate, num_workers=workers):
        print(tuple(padded.shape), lengths.tolist(), labels.tolist(), padded[0].tolist())
packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
print(packed.batch_sizes, pad_packed_sequence(packed, batch_first=True)[0].shape)

# what the loader makes of numbers, dictionaries, tuples and text
batch = next(iter(DataLoader([{"x": i, "y": (i * 0.5, "n" + str(i))} for i in range(3)], batch_size=3)))
print(batch)
x, y = next(iter(DataLoader(TensorDataset(torch.arange(6.0).view(3, 2), torch.arange(3)), batch_size=2)))
print(x, y)

# parts, orders and streams
parts = random_split(range(10), [7, 3], generator=torch.Generator().manual_seed(42))
print([len(part) for part in parts], sorted(i for part in parts for i in part))
print([len(part) for part in random_split(range(10), [0.5, 0.3, 0.2])], list(Subset("abcdef", [1, 3])))
print(list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False)))
print(sorted(RandomSampler(range(5))), sorted(SubsetRandomSampler([2, 4, 6])))
print(set(WeightedRandomSampler([0.0, 1.0, 0.0, 1.0], 20)) <= {1, 3})
print(sorted(i for batch in DataLoader(Stream(), batch_size=2, num_workers=2) for i in batch.tolist()))
loader = DataLoader(range(10), batch_size=4, shuffle=True, drop_last=True, pin_memory=False)
print(len(loader), sorted(len(batch) for batch in loader), sum(len(batch) for batch in DataLoader(range(10), 4)))
same = [
    torch.cat(list(DataLoader(range(9), 3, shuffle=True, generator=torch.Generator().manual_seed(1)))) for _ in "ab"
]
print(torch.equal(*same), sorted(same[0].tolist()))
