"""Operations: Tensor → Tensor, each with its formula and how a change flows back."""
