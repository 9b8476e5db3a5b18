"""SummaryWriter: numbers, histograms, pictures and texts of a run, as TensorBoard reads them."""

from nanograd.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
