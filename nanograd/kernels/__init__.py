"""Kernels: arrays in, arrays out.  They know nothing of gradients, and no formula knows how they work."""

import warnings

# Infinity and NaN are answers, as everywhere in torch.  NumPy's warning about them names the module that called it, so
# a filter by name silences the kernels and nobody else, and costs a call nothing (np.errstate takes longer than a small
# kernel).
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"nanograd\.kernels\.")
