"""Mixed precision under its older name."""

from nanograd.amp import GradScaler, autocast

__all__ = ["GradScaler", "autocast"]
