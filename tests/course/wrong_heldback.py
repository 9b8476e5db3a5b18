"""Wrong answers that were written apart from wrong_answers.py; each names the known mistake that it makes.

They are read as text and run in the place of a learner's answer, never imported.
"""
# ruff: noqa: B007, B905, F821

from nanograd.course import wrong

# ---- 02 ------------------------------------------------------------------------------------------------------------


@wrong("broadcast_shape", says="lined_up_at_the_left")
def pad_on_the_right(a, b):
    n = max(len(a), len(b))
    a, b = tuple(a) + (1,) * (n - len(a)), tuple(b) + (1,) * (n - len(b))
    out = ()
    for i in range(n):
        if a[i] == b[i] or b[i] == 1:
            out += (a[i],)
        elif a[i] == 1:
            out += (b[i],)
        else:
            raise ValueError(f"shapes {a} {b}")
    return out


@wrong("broadcast_shape", says="not_turned_around")
def forgot_the_last_reversed(a, b):
    out = []
    for i in range(1, max(len(a), len(b)) + 1):
        x = a[-i] if i <= len(a) else 1
        y = b[-i] if i <= len(b) else 1
        if x != 1 and y != 1 and x != y:
            raise ValueError("cannot broadcast " + str(a) + " and " + str(b))
        out.append(y if x == 1 else x)
    return tuple(out)


@wrong("broadcast_strides", says="stretched_axis_moves")
def zeros_in_front_only(shape, strides, out):
    result = [0] * len(out)
    for i in range(len(shape)):
        result[len(out) - len(shape) + i] = strides[i]
    return tuple(result)


@wrong("broadcast_strides", says="cases_swapped")
def comparison_upside_down(shape, strides, out):
    result = []
    offset = len(out) - len(shape)
    for axis in range(len(out)):
        if axis < offset or shape[axis - offset] != 1:
            result.append(0)
        else:
            result.append(strides[axis - offset])
    return tuple(result)


@wrong("broadcast_strides", says="added_at_the_end")
def zeros_behind(shape, strides, out):
    result = []
    for n, s in zip(shape, strides):
        result += [s * (n != 1)]
    while len(result) < len(out):
        result.append(0)
    return tuple(result)


@wrong("unbroadcast", says="leading_only")
def loop_while_too_deep(grad, shape):
    while len(grad.shape) != len(shape):
        grad = np.add.reduce(grad, axis=0)
    return grad


@wrong("unbroadcast", says="mean_for_sum")
def average(grad, shape):
    padded = (1,) * (grad.ndim - len(shape)) + tuple(shape)
    axes = tuple(i for i in range(grad.ndim) if padded[i] == 1)
    return np.mean(grad, axis=axes, keepdims=True).reshape(shape)


@wrong("unbroadcast", says="identity")
def nothing_to_do(grad, shape):
    return np.array(grad)


@wrong("reduced_shape", says="inverted")
def kept_the_wrong_ones(shape, dims, keepdim):
    n = len(shape)
    if dims is None:
        dims = range(n)
    result = []
    for d in dims:
        if d >= n or d < -n:
            raise IndexError(d)
    chosen = [d + n if d < 0 else d for d in dims]
    for i in range(n):
        if i in chosen:
            result.append(shape[i])
        elif keepdim:
            result.append(1)
    return tuple(result)


@wrong("reduced_shape", says="never_kept")
def keepdim_unused(shape, dims, keepdim):
    n = len(shape)
    remaining = list(range(n))
    for d in remaining[:] if dims is None else dims:
        if d not in range(-n, n):
            raise IndexError("no such dim")
        remaining.remove(d % n)
    return tuple([shape[i] for i in remaining])


@wrong("sum_backward", says="dims_not_put_back")
def only_ones_times(grad, shape, dims):
    return np.ones(shape, dtype=grad.dtype) * grad


@wrong("sum_backward", says="upstream_ignored")
def only_ones(grad, shape, dims):
    out = np.empty(shape, dtype=grad.dtype)
    out.fill(1)
    return out


@wrong("concat_backward", says="sizes_as_positions")
def split_at_the_sizes(grad, sizes, dim):
    return np.split(grad, list(sizes)[: len(sizes) - 1], axis=dim)


@wrong("concat_backward", says="pieces_turned_around")
def from_the_end(grad, sizes, dim):
    parts = []
    end = grad.shape[dim]
    for size in sizes[::-1]:
        parts.append(np.take(grad, np.arange(end - size, end), axis=dim))
        end -= size
    return parts


@wrong("concat_backward", says="dim_ignored")
def first_axis(grad, sizes, dim):
    start, parts = 0, []
    for size in sizes:
        parts.append(grad[start : start + size])
        start += size
    return parts


# ---- 03 ------------------------------------------------------------------------------------------------------------


@wrong("mul_backward", says="mul_swapped")
def each_its_own(x, y, upstream):
    gx = x * upstream
    gy = y * upstream
    return (gx, gy)


@wrong("mul_backward", says="mul_without_upstream")
def only_the_slopes(x, y, upstream):
    slopes = {"x": y, "y": x}
    return slopes["x"], slopes["y"]


@wrong("pow_backward", says="pow_without_n")
def only_the_power(x, n, upstream):
    return upstream * math.pow(x, n - 1)


@wrong("pow_backward", says="pow_same_exponent")
def exponent_untouched(x, n, upstream):
    power = x**n
    return n * power * upstream


@wrong("relu_backward", says="relu_open_at_zero")
def below_zero_closed(x, upstream):
    if x < 0:
        return 0.0
    return upstream


@wrong("relu_backward", says="relu_without_upstream")
def zero_or_one(x, upstream):
    return float(x > 0)


@wrong("tanh_backward", says="tanh_of_tanh")
def tanh_once_more(y, upstream):
    t = math.tanh(y)
    return (1 - t**2) * upstream


@wrong("tanh_backward", says="tanh_not_squared")
def one_minus_y(y, upstream):
    return upstream - upstream * y


@wrong("topological_order", says="order_turned_around")
def root_first(root):
    def visit(node, done, order):
        work = [(node, iter(node.inputs))]
        done.add(id(node))
        while work:
            top, inputs = work[-1]
            child = next((each for each in inputs if id(each) not in done), None)
            if child is None:
                order.insert(0, top)
                work.pop()
            else:
                done.add(id(child))
                work.append((child, iter(child.inputs)))
        return order

    return visit(root, set(), [])


@wrong("topological_order", says="order_by_recursion")
def depth_first(root):
    order = []

    def walk(node):
        if not any(node is each for each in order[-50:]) and node not in found:
            found.add(node)
            for child in node.inputs:
                walk(child)
            order.append(node)

    found = set()
    walk(root)
    return order


@wrong("topological_order", says="order_without_leaves")
def no_leaves(root):
    order, seen, stack = [], set(), [root]
    while stack:
        node = stack[-1]
        new = [each for each in node.inputs if each.inputs and each not in seen]
        if node in seen or not new:
            stack.pop()
            if node not in seen and node.inputs:
                order.append(node)
            seen.add(node)
        else:
            stack += new
    return order


@wrong("backward", says="backward_assigns")
def last_use_wins(root):
    nodes = topological_order(root)
    for node in nodes:
        if len(node.inputs) > 0:
            node.grad = 0.0
    root.grad = 1.0
    while nodes:
        node = nodes.pop()
        gradients = node.rule(node.grad)
        for i, each in enumerate(node.inputs):
            each.grad = gradients[i]


@wrong("backward", says="backward_without_start")
def nobody_starts(root):
    order = topological_order(root)
    for node in order:
        node.grad = node.grad * (not node.inputs)
    for node in order[::-1]:
        for each, g in zip(node.inputs, node.rule(node.grad)):
            each.grad = each.grad + g


@wrong("backward", says="backward_resets_leaves")
def everything_to_zero(root):
    order = topological_order(root)
    for node in order:
        node.grad = 0.0
    root.grad = 1.0
    for node in order[::-1]:
        for each, g in zip(node.inputs, node.rule(node.grad)):
            each.grad = each.grad + g


@wrong("train", says="train_without_zero")
def gradients_pile_up(parameters, loss, steps, lr):
    history = []
    for step in range(steps):
        now = loss()
        history += [now.data]
        backward(now)
        for p in parameters:
            p.data = p.data - lr * p.grad
    return history


@wrong("train", says="train_uphill")
def plus_for_minus(parameters, loss, steps, lr):
    history = []
    while len(history) < steps:
        now = loss()
        for p in parameters:
            p.grad = 0.0
        backward(now)
        for p in parameters:
            p.data = p.data + p.grad * lr
        history.append(now.data)
    return history
