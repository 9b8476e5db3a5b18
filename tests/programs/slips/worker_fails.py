"""An exception in a worker's sample."""

from torch.utils.data import DataLoader, Dataset


class Rows(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return [1, 2, 3][i]


list(DataLoader(Rows(), batch_size=2, num_workers=1))
