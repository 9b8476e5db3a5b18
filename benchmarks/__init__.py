"""Speed beside torch and others, in one run: ``python -m benchmarks --quick``.  Quote ratios, never absolute times."""
