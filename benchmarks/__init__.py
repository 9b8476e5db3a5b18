"""Speed beside torch, in one run: ``python -m benchmarks.train w2 w3``.  Quote ratios, never absolute times."""
