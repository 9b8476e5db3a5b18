# %% [markdown]
# # Broadcasting and reductions
#
# You have the scores of 2 teams in 3 rounds, shape `(2, 3)`, and a bonus for each round, shape `(3,)`.
# You write `scores + bonus` and it works: the bonus is added to both rows, and nobody wrote a loop.
# That is **broadcasting**. Every layer of a network leans on it: a bias of shape `(features,)` meets a batch of
# shape `(batch, features)`.
#
# Going forward, broadcasting is a convenience. Going backward, it is a question.
# The gradient that arrives has shape `(2, 3)`, the bonus has shape `(3,)`, and
#
# > **a gradient has the shape of the thing it belongs to.**
#
# So something must turn `(2, 3)` into `(3,)`. The whole lesson is one small table:
#
# | forward | backward | you write |
# |---|---|---|
# | copy (broadcast) | add up | `broadcast_shape`, `broadcast_strides`, `unbroadcast` |
# | add up (sum) | copy | `reduced_shape`, `sum_backward` |
# | join (concatenate) | cut | `concat_backward` |
#
# In every backward function below, `grad` is the gradient that arrives from the loss: how much the loss changes for a
# small change of the *output*. The function answers for the *input*. You need nothing but NumPy.

# %%
import numpy as np

# %% [markdown]
# ## 1. Which shape comes out?
#
# Line the two shapes up **at the right**. A missing size counts as 1. Then go through the pairs:
#
# ```text
#     a        (7, 1, 5)
#     b           (3, 1)       the missing size counts as 1
#              ---------
#     result   (7, 3, 5)
# ```
#
# - Equal sizes fit. The result has that size.
# - A 1 fits anything: it is stretched to the other size.
# - Anything else is an error. `(2, 3)` and `(2, 5)` do not fit: 3 meets 5, and neither of them is 1.
#
# "Take the larger one" is nearly the rule, and wrong twice. It lets 3 and 5 pass. And a batch can be empty:
# 1 against 0 gives 0, because the one copy is made zero times.
#
# An error is read by somebody who did not expect it. Yours should say what came: name both shapes.


# %%
def broadcast_shape(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of x + y, for x of shape ``a`` and y of shape ``b``.

    Raises ValueError when the shapes do not fit. The message names both, as Python prints them.

    >>> broadcast_shape((7, 1, 5), (3, 1))
    (7, 3, 5)
    """
    # your code here (roughly 6 lines)
    raise NotImplementedError("02.broadcast_shape")


# %% [markdown]
# ## 2. Copies that are not made
#
# Does NumPy really copy the bonus for every row? No. An array is a row of numbers in memory and a recipe for finding
# the element `[i, j]` in it: *go `i` steps of one length and `j` steps of another*. Those lengths are the **strides**.
# A fresh array of shape `(2, 3)` has strides `(3, 1)`, counted in elements: one row further is 3 numbers further.
#
# Now the trick. A stride of **0** says: stay where you are. One row of memory then looks like many rows.
#
# ```text
#     memory   10  20  30              shape (3,), strides (1,)
#
#     read as shape (2, 3) with strides (0, 1):     position of [i, j] = 0*i + 1*j
#
#              j=0 j=1 j=2
#         i=0   10  20  30
#         i=1   10  20  30             the same three numbers, read again
# ```
#
# So broadcasting changes only the recipe. An axis that was **added** gets stride 0. An axis that is **stretched** from
# size 1 gets stride 0. Every other axis keeps the stride it has: do not compute a new one, the array may be a
# transposed view with strides of its own.


# %%
def broadcast_strides(shape: tuple[int, ...], strides: tuple[int, ...], out: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides that read an array of ``shape`` as if it had shape ``out``.

    ``strides`` are its own; ``shape`` fits ``out``. The unit does not matter (elements, or
    bytes as in NumPy): a stride is kept or is 0.

    >>> broadcast_strides((3, 1), (1, 1), (7, 3, 5))
    (0, 1, 0)
    """
    # your code here (roughly 3 lines)
    raise NotImplementedError("02.broadcast_strides")


# %% [markdown]
# ## 3. The backward of copying is adding
#
# Back to `total = scores + bonus`. Round 0's bonus $b_0$ went into two totals:
#
# $$t_{0,0} = s_{0,0} + b_0 \qquad t_{1,0} = s_{1,0} + b_0$$
#
# Say the loss changes by 0.1 when $t_{0,0}$ changes by one, and by 4 when $t_{1,0}$ does. Nudge $b_0$ by one and *both*
# totals move. The loss changes by $0.1 + 4 = 4.1$. One number that was used twice gets the sum of the two answers:
#
# ```text
#     grad     0.1   0.2   0.3         shape (2, 3)
#              4     5     6
#              ---------------         add over the axis that was added
#              4.1   5.2   6.3         shape (3,): the gradient of the bonus
# ```
#
# There are two kinds of copied axes, and they end differently:
#
# ```text
#     grad     (7, 3, 5)
#     shape       (3, 1)
#               |     |
#               |     stretched: add up, and keep the axis with size 1
#               added: add up, and the axis is gone
# ```
#
# A function like this one runs for every bias of a network at every step of its training. Its wrong versions often do
# not crash: NumPy broadcasts the wrong shape onward, and the network only trains worse.


# %%
def unbroadcast(grad: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum ``grad`` over every axis along which an array of ``shape`` was copied.

    Shapes:
        grad: a shape that ``shape`` broadcasts to -> ``shape``

    >>> unbroadcast(np.array([[0.5, 2.0, 3.0], [4.0, 5.0, 6.0]]), (3,))
    array([4.5, 7. , 9. ])
    """
    # your code here (roughly 5 lines)
    raise NotImplementedError("02.unbroadcast")


# %% [markdown]
# ## 4. Which shape does a sum leave?
#
# `x.sum(...)` does on purpose what `unbroadcast` did by need: it adds along some axes. Libraries in torch's style call
# an axis a *dim* and let you say two things: which dims to add over, and whether they stay behind with size 1
# (`keepdim`). For an `x` of shape `(2, 3, 5)`:
#
# | `dims` | `keepdim=False` | `keepdim=True` |
# |---|---|---|
# | `(1,)` | `(2, 5)` | `(2, 1, 5)` |
# | `(-1,)` | `(2, 3)` | `(2, 3, 1)` |
# | `(0, 2)` | `(3,)` | `(1, 3, 1)` |
# | `None`: all of them | `()` | `(1, 1, 1)` |
#
# A negative dim counts from the end, as an index of a list does: -1 is the last. A dim that does not exist is an
# error. Beware of `%` here: `4 % 3` is 1, and a typing slip becomes a sum over the wrong dim.


# %%
def reduced_shape(shape: tuple[int, ...], dims: tuple[int, ...] | None, keepdim: bool) -> tuple[int, ...]:
    """Return the shape of a sum over ``dims`` of an array of ``shape``; None means all dims.

    Raises IndexError for a dim that is not in -n to n - 1, where n = len(shape).

    >>> reduced_shape((2, 3, 5), (0, -1), keepdim=True)
    (1, 3, 1)
    """
    # your code here (roughly 10 lines)
    raise NotImplementedError("02.reduced_shape")


# %% [markdown]
# ## 5. The backward of adding is copying
#
# Take $y = x_0 + x_1 + x_2$. Nudge any of the three by one and $y$ moves by one. So each of them gets the gradient of
# $y$ as it is, no more and no less. When there are many sums, each input gets the gradient of the sum it went into:
#
# ```text
#     x (2, 3), summed over dim 1                grad of y (2,)        grad of x (2, 3)
#
#         a  b  c   ->   y0 = a + b + c               0.5              0.5  0.5  0.5
#         d  e  f   ->   y1 = d + e + f               4                4    4    4
# ```
#
# Copying is broadcasting, so NumPy can do it: `np.broadcast_to(grad, shape)`. Almost. Shapes are lined up at the right:
# a grad of shape `(2,)` against `(2, 3)` means 2 meets 3, an error. If `x` were square there would be *no* error, and
# the copies would run along the wrong dim. The remedy is to give `grad` back the dims that the sum removed, with
# size 1. Your `reduced_shape` knows that shape. (With `keepdim=True` they are still there, and the same line works.)


# %%
def sum_backward(grad: np.ndarray, shape: tuple[int, ...], dims: tuple[int, ...] | None) -> np.ndarray:
    """Return the gradient of x, of ``shape``, for y = x.sum(dims); ``grad`` is that of y.

    Shapes:
        grad: reduced_shape(shape, dims, keepdim), for either keepdim -> ``shape``

    A read-only view is fine.

    >>> sum_backward(np.array([0.5, 4.0]), (2, 3), (1,))
    array([[0.5, 0.5, 0.5],
           [4. , 4. , 4. ]])
    """
    # your code here (roughly 2 lines)
    raise NotImplementedError("02.sum_backward")


# %% [markdown]
# ## 6. The backward of joining is cutting
#
# The last of the three pairs is the plainest. Joining arrays along a dim moves numbers and changes none of them, so
# each number takes its own gradient back:
#
# ```text
#     a (2, 3)     b (2, 2)                joined along dim 1: (2, 5)
#
#     grad      1   2   3 |  4   5
#               6   7   8 |  9  10
#               gradient  | gradient
#               of a      | of b           cut after 3
# ```
#
# The pieces need not be equal: `sizes` says how long each is along `dim`, here `(3, 2)`. The cuts are where the sizes
# add up: sizes `(3, 2, 4)` are cut at 3 and at 5. You will meet this again wherever a network joins two paths.


# %%
def concat_backward(grad: np.ndarray, sizes: tuple[int, ...], dim: int) -> list[np.ndarray]:
    """Cut ``grad`` along ``dim`` into one gradient for each of the arrays that were joined.

    Shapes:
        grad: sum(sizes) along dim -> one piece for each size, of that size along dim

    ``dim`` may be negative.

    >>> concat_backward(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), (3, 2), dim=1)
    [array([[1., 2., 3.]]), array([[4., 5.]])]
    """
    # your code here (roughly 2 lines)
    raise NotImplementedError("02.concat_backward")


# %% [markdown]
# ## The ending: two sensors, and the trap
#
# Time to train something with these functions. Two sensors measure the same thing: 30 readings from the first, 20 from
# the second. Both rise with the same slope $w$, but each has an offset of its own, $b_1$ and $b_2$. Read `train` below
# from top to bottom: first forward, then the same steps backward in the opposite order. Each backward line is one of
# your functions or school calculus. Note $w$: it is used twice, so its two gradients are added.
#
# `train` runs twice. First with targets of shape `(50, 1)`, like the predictions. Then with the very same numbers in
# shape `(50,)`, as they come out of a file. Ask your `broadcast_shape` what `(50, 1) - (50,)` is:
#
# ```text
#     prediction   (50,  1)
#     target          (50,)
#                  --------
#     error        (50, 50)      every prediction against every target
# ```
#
# Nothing crashes. The loss falls and settles. Every backward function does its duty. But each prediction is now pulled
# toward all 50 targets at once, so the best it can do is to say their mean: a flat line. Once you know this bug you
# will meet it often. **Look at the shape of the error before you believe a loss.**


# %%
def train(x1: np.ndarray, x2: np.ndarray, target: np.ndarray, steps: int = 300, lr: float = 0.3) -> list[float]:
    """Fit ``w * x1 + b1`` and ``w * x2 + b2``, joined, to ``target`` by gradient descent; return [w, b1, b2]."""
    w, b1, b2 = np.zeros(1), np.zeros(1), np.zeros(1)
    for _ in range(steps):
        prediction = np.concatenate([w * x1 + b1, w * x2 + b2])  # (30, 1) and (20, 1) -> (50, 1)
        error = prediction - target
        # The loss is (error ** 2).sum() / error.size. From here on, backward.
        grad_square = sum_backward(np.array(1 / error.size), error.shape, None)
        grad_error = grad_square * 2 * error
        grad_prediction = unbroadcast(grad_error, prediction.shape)
        grad1, grad2 = concat_backward(grad_prediction, (len(x1), len(x2)), dim=0)
        w = w - lr * (unbroadcast(grad1 * x1, w.shape) + unbroadcast(grad2 * x2, w.shape))
        b1 = b1 - lr * unbroadcast(grad1, b1.shape)
        b2 = b2 - lr * unbroadcast(grad2, b2.shape)
    return [w.item(), b1.item(), b2.item()]


def picture(curves: list[tuple[str, np.ndarray, np.ndarray]], rows: int = 15, columns: int = 56) -> str:
    """Draw (mark, x, y) curves as text, for x from -1 to 1 and y from -4 to 4; a later mark covers an earlier one."""
    canvas = [[" "] * columns for _ in range(rows)]
    for mark, xs, ys in curves:
        for x, y in zip(xs.ravel(), ys.ravel(), strict=True):
            row, column = round((4 - y) / 8 * (rows - 1)), round((x + 1) / 2 * (columns - 1))
            if 0 <= row < rows and 0 <= column < columns:
                canvas[row][column] = mark
    return "\n".join("    |" + "".join(row).rstrip() for row in canvas)


# %%
if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x1, x2 = rng.uniform(-1, 1, (30, 1)), rng.uniform(-1, 1, (20, 1))
    y1, y2 = 2 * x1 + 1.5 + 0.3 * rng.standard_normal(x1.shape), 2 * x2 - 1.5 + 0.3 * rng.standard_normal(x2.shape)
    column = np.concatenate([y1, y2])
    at = np.linspace(-1, 1, 56)
    for target in (column, column[:, 0]):
        w, b1, b2 = train(x1, x2, target)
        error = broadcast_shape(column.shape, target.shape)
        print(f"target {target.shape}, so the error is {error}: w = {w:.2f}, b1 = {b1:.2f}, b2 = {b2:.2f}")
        print(picture([("-", at, w * at + b1), ("-", at, w * at + b2), ("o", x1, y1), ("x", x2, y2)]))
    # The recipe of exercise 2, with NumPy following it: three numbers in memory, read as three rows.
    row = np.array([10.0, 20.0, 30.0])
    strides = broadcast_strides(row.shape, row.strides, (3, 3))
    print(f"strides {strides} bytes:", np.lib.stride_tricks.as_strided(row, (3, 3), strides).tolist())
