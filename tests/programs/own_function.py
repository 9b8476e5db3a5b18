"""An operation with a derivative of one's own: torch.autograd.Function."""

import math

import torch


class LegendrePolynomial3(torch.autograd.Function):
    """P3(x) = (5x^3 - 3x) / 2"""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class Scaled(torch.autograd.Function):
    """Several inputs and outputs, and a plain number."""

    @staticmethod
    def forward(ctx, a, b, factor):
        ctx.save_for_backward(a, b)
        ctx.factor = factor
        return a * b * factor, a + b

    @staticmethod
    def backward(ctx, grad_product, grad_sum):
        a, b = ctx.saved_tensors
        return grad_product * b * ctx.factor + grad_sum, grad_product * a * ctx.factor + grad_sum, None


x = torch.linspace(-math.pi, math.pi, 200, dtype=torch.float64)
y = torch.sin(x)
a, b, c, d = (torch.full((), v, dtype=torch.float64, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
P3 = LegendrePolynomial3.apply
learning_rate = 5e-6
for t in range(401):
    y_pred = a + b * P3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t % 100 == 0:
        print(t, f"{loss.item():.3f}")
    loss.backward()
    with torch.no_grad():
        for value in (a, b, c, d):
            value -= learning_rate * value.grad
            value.grad = None
print(f"Result: y = {b.item():.3f} * P3({d.item():.3f} x)", abs(a.item()) < 1e-6, abs(c.item()) < 1e-6)

u, v = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0], requires_grad=True)
product, total = Scaled.apply(u, v, 10.0)
(product.sum() + 2 * total.sum()).backward()
print(product, total, u.grad, v.grad, sep="\n")
points = torch.rand(4, dtype=torch.float64, requires_grad=True)
print(torch.autograd.gradcheck(P3, points))
