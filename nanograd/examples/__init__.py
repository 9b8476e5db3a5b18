"""Short programs on the public API: ``nanograd train NAME``."""

NAMES = {"digits": "nanograd.examples.digits"}
"""What ``nanograd train`` knows, and the module whose ``main(argv)`` it is."""

__all__ = ["NAMES"]
