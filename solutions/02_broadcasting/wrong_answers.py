"""Answers to lesson 02 that beginners give: wrong ones with the sentence that names them, right ones in other words.

They run where lesson.py runs, beside its imports and its other exercises.
"""

from itertools import zip_longest

import numpy as np

from nanograd.course import also_right, wrong

# ---- broadcast_shape -----------------------------------------------------------------------------------------------


@wrong("broadcast_shape", says="you lined the shapes up at the left; broadcasting lines them up at the right")
def lined_up_at_the_left(a, b):
    sizes = []
    for m, n in zip_longest(a, b, fillvalue=1):
        if m != n and 1 not in (m, n):
            raise ValueError(f"{a} and {b} do not fit")
        sizes.append(n if m == 1 else m)
    return tuple(sizes)


@wrong("broadcast_shape", says="you took the larger size without checking that sizes that differ include a 1")
def larger_unchecked(a, b):
    sizes = [max(m, n) for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1)]
    return tuple(reversed(sizes))


@wrong("broadcast_shape", says="you took the larger of two sizes, but 1 against 0 gives 0: take the one that is not 1")
def larger_checked(a, b):
    sizes = []
    for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):
        if m != n and 1 not in (m, n):
            raise ValueError(f"{a} and {b} do not fit")
        sizes.append(max(m, n))
    return tuple(reversed(sizes))


@wrong("broadcast_shape", says="you stopped where the shorter shape ends; the other shape's leading sizes are missing")
def stopped_at_the_shorter(a, b):
    sizes = []
    for m, n in zip(reversed(a), reversed(b), strict=False):
        if m != n and 1 not in (m, n):
            raise ValueError(f"{a} and {b} do not fit")
        sizes.append(n if m == 1 else m)
    return tuple(reversed(sizes))


@wrong("broadcast_shape", says="you collected the sizes from the right and did not turn them around at the end")
def not_turned_around(a, b):
    sizes = []
    for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):
        if m != n and 1 not in (m, n):
            raise ValueError(f"{a} and {b} do not fit")
        sizes.append(n if m == 1 else m)
    return tuple(sizes)


@wrong("broadcast_shape", says="you let only the second shape stretch; a 1 in the first stretches just as well")
def only_the_second_stretches(a, b):
    sizes = []
    for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):
        if n not in (m, 1):
            raise ValueError(f"{a} and {b} do not fit")
        sizes.append(m)
    return tuple(reversed(sizes))


@wrong(
    "broadcast_shape",
    says="shapes that do not fit must raise ValueError; assert is for your own mistakes and can be off",
)
def asserted(a, b):
    sizes = []
    for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):
        assert m == n or 1 in (m, n), f"{a} and {b} do not fit"
        sizes.append(n if m == 1 else m)
    return tuple(reversed(sizes))


@wrong(
    "broadcast_shape", says="the message of your ValueError does not name both shapes, so its reader has to guess them"
)
def nameless(a, b):
    sizes = []
    for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):
        if m != n and 1 not in (m, n):
            raise ValueError("shapes do not fit")
        sizes.append(n if m == 1 else m)
    return tuple(reversed(sizes))


@also_right("broadcast_shape")
def padded_with_ones(a, b):
    ndim = max(len(a), len(b))
    result = []
    for m, n in zip((1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b, strict=True):
        if m == n or n == 1:
            result.append(m)
        elif m == 1:
            result.append(n)
        else:
            raise ValueError(f"cannot broadcast {b} with {a}")
    return tuple(result)


@also_right("broadcast_shape")
def from_the_longer_shape(a, b):
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    result = list(longer)
    for place in range(-1, -len(shorter) - 1, -1):
        if result[place] == 1:
            result[place] = shorter[place]
        elif shorter[place] not in (1, result[place]):
            raise ValueError("cannot broadcast " + str(b) + " with " + str(a))
    return tuple(result)


# ---- broadcast_strides ---------------------------------------------------------------------------------------------


@wrong(
    "broadcast_strides", says="you kept the stride of a size-1 axis: reading walks on into numbers that are not its own"
)
def stretched_axis_moves(shape, strides, out):
    return (0,) * (len(out) - len(shape)) + tuple(strides)


@wrong("broadcast_strides", says="you put the zeros of the added axes at the end; axes are added at the front")
def added_at_the_end(shape, strides, out):
    kept = tuple(0 if size == 1 else stride for size, stride in zip(shape, strides, strict=True))
    return kept + (0,) * (len(out) - len(shape))


@wrong("broadcast_strides", says="you gave the added axes no stride: the result needs one for each axis of out")
def added_axes_forgotten(shape, strides, out):
    return tuple(0 if size == 1 else stride for size, stride in zip(shape, strides, strict=True))


@wrong(
    "broadcast_strides", says="you gave the added axes a stride of 1; only a stride of 0 reads the same numbers again"
)
def added_axes_step(shape, strides, out):
    kept = tuple(0 if size == 1 else stride for size, stride in zip(shape, strides, strict=True))
    return (1,) * (len(out) - len(shape)) + kept


@wrong(
    "broadcast_strides", says="you computed the strides of a fresh array of shape out, as if the copies had been made"
)
def as_if_copied(shape, strides, out):
    result, step = [], 1
    for size in reversed(out):
        result.append(step)
        step *= size
    return tuple(reversed(result))


@wrong(
    "broadcast_strides", says="you computed new strides from the shape; the array has its own, and may be transposed"
)
def strides_ignored(shape, strides, out):
    result, step = [], 1
    for size in reversed(shape):
        result.append(0 if size == 1 else step)
        step *= size
    return (0,) * (len(out) - len(shape)) + tuple(reversed(result))


@wrong(
    "broadcast_strides", says="you swapped the cases: a size-1 axis gets stride 0, every other axis keeps its stride"
)
def cases_swapped(shape, strides, out):
    kept = tuple(stride if size == 1 else 0 for size, stride in zip(shape, strides, strict=True))
    return (0,) * (len(out) - len(shape)) + kept


@also_right("broadcast_strides")
def a_kept_one_keeps_its_stride(shape, strides, out):
    result = list(strides)
    for axis in range(-len(shape), 0):
        if shape[axis] != out[axis]:
            result[axis] = 0
    return tuple([0] * (len(out) - len(shape)) + result)


@also_right("broadcast_strides")
def from_the_right(shape, strides, out):
    result = []
    for axis in range(1, len(out) + 1):
        result.insert(0, 0 if axis > len(shape) or shape[-axis] == 1 else strides[-axis])
    return tuple(result)


# ---- unbroadcast ---------------------------------------------------------------------------------------------------


@wrong("unbroadcast", says="you returned the gradient as it came: it must be summed down to the shape of the input")
def identity(grad, shape):
    return grad


@wrong("unbroadcast", says="you summed the added axes but not the size-1 axes")
def leading_only(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    return grad


@wrong("unbroadcast", says="you summed the size-1 axes but not the axes that broadcasting added in front")
def stretched_only(grad, shape):
    added = grad.ndim - len(shape)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=added + axis, keepdims=True)
    return grad


@wrong("unbroadcast", says="you summed the size-1 axes away: keep them with size 1 (keepdims=True)")
def no_keepdims(grad, shape):
    added = grad.ndim - len(shape)
    ones = tuple(added + axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=(*range(added), *ones))


@wrong(
    "unbroadcast",
    says="you summed the size-1 axes away one by one, so those behind them moved up: keep them (keepdims=True)",
)
def no_keepdims_one_by_one(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=axis)
    return grad


@wrong("unbroadcast", says="you took the mean over the copies; their gradients add up")
def mean_for_sum(grad, shape):
    added = grad.ndim - len(shape)
    ones = tuple(added + axis for axis, size in enumerate(shape) if size == 1)
    return grad.mean(axis=(*range(added), *ones)).reshape(shape)


@wrong("unbroadcast", says="you kept the gradient of the first copy only; the gradients of all the copies add up")
def first_copy(grad, shape):
    added = grad.ndim - len(shape)
    grad = grad[(0,) * added]
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.take([0], axis=axis)
    return grad


@wrong("unbroadcast", says="you summed trailing axes away; broadcasting adds axes at the front")
def trailing(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=-1)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad


@wrong("unbroadcast", says="you summed everything; each element of the input gets the sum over its own copies only")
def sum_of_everything(grad, shape):
    return np.full(shape, grad.sum(), grad.dtype)


@also_right("unbroadcast")
def in_one_sum(grad, shape):
    padded = (1,) * (grad.ndim - len(shape)) + shape
    copied = tuple(axis for axis, size in enumerate(padded) if size == 1)
    return np.sum(grad, axis=copied, keepdims=True).reshape(shape)


@also_right("unbroadcast")
def by_two_loops(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad


@also_right("unbroadcast")
def by_einsum(grad, shape):
    axes = list(range(grad.ndim))
    kept = [axis for axis, size in zip(axes[grad.ndim - len(shape) :], shape, strict=True) if size != 1]
    return np.einsum(grad, axes, kept).reshape(shape)


# ---- reduced_shape -------------------------------------------------------------------------------------------------


def existing(shape, dims):
    """The dims counted from the front."""
    n = len(shape)
    dims = range(n) if dims is None else dims
    if any(not -n <= dim < n for dim in dims):
        raise IndexError(f"{dims} in {shape}")
    return [dim % n for dim in dims]


@wrong("reduced_shape", says="you did not count negative dims from the end: -1 is the last dim")
def negative_dims_unknown(shape, dims, keepdim):
    existing(shape, dims)
    dims = range(len(shape)) if dims is None else dims
    if keepdim:
        return tuple(1 if axis in dims else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in dims)


@wrong(
    "reduced_shape",
    says="you took each dim as it is: -1 counts from the end, and a dim that does not exist raises IndexError",
)
def dims_taken_as_they_are(shape, dims, keepdim):
    dims = range(len(shape)) if dims is None else dims
    if keepdim:
        return tuple(1 if axis in dims else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in dims)


@wrong("reduced_shape", says="you removed the dims although keepdim=True asks to keep them with size 1")
def never_kept(shape, dims, keepdim):
    gone = existing(shape, dims)
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


@wrong("reduced_shape", says="you kept the dims with size 1 although keepdim=False asks to remove them")
def always_kept(shape, dims, keepdim):
    gone = existing(shape, dims)
    return tuple(1 if axis in gone else size for axis, size in enumerate(shape))


@wrong("reduced_shape", says="you removed every size-1 dim; only the summed ones go, another 1 stays")
def squeezed(shape, dims, keepdim):
    gone = existing(shape, dims)
    kept = tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return kept if keepdim else tuple(size for size in kept if size != 1)


@wrong("reduced_shape", says="you removed the dims one after the other; after the first, those behind it have moved up")
def removed_one_by_one(shape, dims, keepdim):
    gone = existing(shape, dims)
    if keepdim:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    sizes = list(shape)
    for dim in range(len(shape)) if dims is None else dims:
        del sizes[dim]
    return tuple(sizes)


@wrong("reduced_shape", says="you wrapped a dim that does not exist around with %; it must raise IndexError")
def wrapped_around(shape, dims, keepdim):
    n = len(shape)
    gone = set(range(n)) if dims is None else {dim % max(n, 1) for dim in dims}
    if keepdim:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


@wrong("reduced_shape", says="you kept the summed dims and removed the others; it is the other way round")
def inverted(shape, dims, keepdim):
    gone = existing(shape, dims)
    if keepdim:
        return tuple(size if axis in gone else 1 for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis in gone)


@wrong("reduced_shape", says="you did not handle dims=None, which means all dims")
def none_forgotten(shape, dims, keepdim):
    gone = existing(shape, tuple(dims))
    if keepdim:
        return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in gone)


@also_right("reduced_shape")
def by_list_indices(shape, dims, keepdim):
    sizes = list(shape)
    for dim in range(len(shape)) if dims is None else dims:
        sizes[dim] = None  # a list knows negative positions, and raises IndexError for one that does not exist
    return tuple(1 if size is None else size for size in sizes if keepdim or size is not None)


@also_right("reduced_shape")
def removed_from_the_back(shape, dims, keepdim):
    n, sizes = len(shape), list(shape)
    dims = list(range(n)) if dims is None else list(dims)
    for place, dim in enumerate(dims):
        if dim < -n or dim >= n:
            raise IndexError(f"dim {dim}")
        if dim < 0:
            dims[place] = n + dim
    for dim in sorted(dims, reverse=True):
        if keepdim:
            sizes[dim] = 1
        else:
            sizes.pop(dim)
    return tuple(sizes)


# ---- sum_backward --------------------------------------------------------------------------------------------------


@wrong(
    "sum_backward", says="you did not put the summed dims back with size 1, so the gradient lines up with other dims"
)
def dims_not_put_back(grad, shape, dims):
    return np.broadcast_to(grad, shape)


@wrong("sum_backward", says="you divided by the number of summands; that is the backward of a mean")
def mean_backward(grad, shape, dims):
    kept = reduced_shape(shape, dims, keepdim=True)
    copies = max(1, np.prod(shape) // max(1, np.prod(kept)))
    return np.broadcast_to(np.reshape(grad, kept) / grad.dtype.type(copies), shape)


@wrong(
    "sum_backward", says="you ignored the gradient that arrives: the slope of a sum is 1, times the upstream gradient"
)
def upstream_ignored(grad, shape, dims):
    return np.ones(shape, grad.dtype)


@wrong(
    "sum_backward", says="you gave every element the sum of all gradients; each gets that of the one sum it went into"
)
def gradients_summed(grad, shape, dims):
    return np.full(shape, grad.sum(), grad.dtype)


@wrong("sum_backward", says="you returned the gradient in the shape of the sum; it must have the shape of x")
def shape_of_the_sum(grad, shape, dims):
    return grad


@wrong(
    "sum_backward", says="you put the summed dims back at the end; they must return to the places they were taken from"
)
def put_back_at_the_end(grad, shape, dims):
    missing = len(shape) - grad.ndim
    return np.broadcast_to(np.reshape(grad, grad.shape + (1,) * missing), shape)


@wrong("sum_backward", says="you filled the shape in reading order; the copies must run along the summed dims")
def filled_in_order(grad, shape, dims):
    return np.resize(grad, shape)


@wrong("sum_backward", says="you added the dims although keepdim=True had left them there: reshape fits both cases")
def put_back_twice(grad, shape, dims):
    grad = np.expand_dims(grad, tuple(range(len(shape))) if dims is None else dims)
    return np.broadcast_to(grad, shape)


@also_right("sum_backward")
def times_ones(grad, shape, dims):
    return grad.reshape(reduced_shape(shape, dims, True)) * np.ones(shape, grad.dtype)


@also_right("sum_backward")
def put_back_where_missing(grad, shape, dims):
    dims = tuple(range(len(shape))) if dims is None else dims
    if grad.ndim < len(shape):
        grad = np.expand_dims(grad, dims)
    for dim in dims:
        grad = np.repeat(grad, shape[dim], axis=dim)
    return grad


# ---- concat_backward -----------------------------------------------------------------------------------------------


@wrong("concat_backward", says="you cut into equal pieces; each piece has the size of the array that was joined")
def cut_evenly(grad, sizes, dim):
    return np.array_split(grad, len(sizes), axis=dim)


@wrong("concat_backward", says="you used the sizes as cutting positions; the cuts are where the sizes add up")
def sizes_as_positions(grad, sizes, dim):
    return np.split(grad, sizes[:-1], axis=dim)


@wrong(
    "concat_backward", says="you cut once too often: the last size ends at the end of grad, which leaves an empty piece"
)
def one_cut_too_many(grad, sizes, dim):
    return np.split(grad, np.cumsum(sizes), axis=dim)


@wrong("concat_backward", says="you always cut along dim 0; cut along the dim that was given")
def dim_ignored(grad, sizes, dim):
    return np.split(grad, np.cumsum(sizes)[:-1], axis=0)


@wrong("concat_backward", says="you gave every input the whole gradient; each gets only its own part")
def whole_gradient(grad, sizes, dim):
    return [grad for _ in sizes]


@wrong(
    "concat_backward",
    says="each of your pieces is one short: a slice ends before its stop, so the stop is start + size",
)
def one_short(grad, sizes, dim):
    starts = np.cumsum([0, *sizes[:-1]])
    return [grad.take(range(start, start + size - 1), axis=dim) for start, size in zip(starts, sizes, strict=True)]


@wrong("concat_backward", says="you returned the pieces in the opposite order")
def pieces_turned_around(grad, sizes, dim):
    return np.split(grad, np.cumsum(sizes)[:-1], axis=dim)[::-1]


@wrong(
    "concat_backward", says="every piece of yours starts at 0: move the start on by the sizes of the pieces before it"
)
def never_moved_on(grad, sizes, dim):
    return [grad.take(range(size), axis=dim) for size in sizes]


@wrong(
    "concat_backward", says="you built the index for dims counted from the front; a negative dim cuts along dim 0 here"
)
def negative_dim_unknown(grad, sizes, dim):
    pieces, start = [], 0
    for size in sizes:
        pieces.append(grad[(*[slice(None)] * dim, slice(start, start + size))])
        start += size
    return pieces


@also_right("concat_backward")
def by_slices(grad, sizes, dim):
    pieces, start = [], 0
    for size in sizes:
        pieces.append(grad[(*[slice(None)] * (dim % grad.ndim), slice(start, start + size))])
        start += size
    return pieces


@also_right("concat_backward")
def by_moving_the_dim_to_the_front(grad, sizes, dim):
    front = np.moveaxis(grad, dim, 0)
    ends = np.cumsum(sizes)
    return tuple(np.moveaxis(front[end - size : end], 0, dim) for size, end in zip(sizes, ends, strict=True))
