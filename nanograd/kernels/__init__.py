"""Kernels: arrays in, arrays out.  They know nothing of gradients, and no formula knows how they work."""
