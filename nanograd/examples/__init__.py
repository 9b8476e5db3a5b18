"""Short programs on the public API: ``nanograd train NAME``, or ``python -m nanograd.examples.NAME``."""

NAMES = ("linear", "digits", "headlines", "names", "gpt", "gan", "autoencoder")
"""What ``nanograd train`` knows: the modules here that have a ``main(argv)``."""

__all__ = ["NAMES"]
