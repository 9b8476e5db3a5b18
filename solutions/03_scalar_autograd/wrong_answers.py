"""Answers to lesson 03 that beginners give: wrong ones with the sentence that names them, right ones in other words.

They run where lesson.py runs, beside its imports, its class Scalar and its other exercises.
"""

import math

from nanograd.course import also_right, wrong

# ---- mul_backward --------------------------------------------------------------------------------------------------


@wrong("mul_backward", says="you swapped the slopes: the slope of x is y, and the slope of y is x")
def mul_swapped(x, y, upstream):
    return upstream * x, upstream * y


@wrong("mul_backward", says="you left upstream out: the local slope must be multiplied by the gradient of the result")
def mul_without_upstream(x, y, upstream):
    return y, x


@wrong(
    "mul_backward",
    says="that is the rule of a sum, which hands on upstream as it is; a product multiplies by the other input",
)
def mul_as_add(x, y, upstream):
    return upstream, upstream


@wrong("mul_backward", says="you added upstream to the slope; the chain rule multiplies")
def mul_plus_upstream(x, y, upstream):
    return upstream + y, upstream + x


@wrong("mul_backward", says="you multiplied by the product x y; the slope of each input is the other input alone")
def mul_by_the_product(x, y, upstream):
    return upstream * x * y, upstream * x * y


@wrong("mul_backward", says="you returned one number, the sum of both gradients; each input needs its own")
def mul_summed(x, y, upstream):
    return upstream * (x + y)


@also_right("mul_backward")
def mul_by_a_list(x, y, upstream):
    return [y * upstream, x * upstream]


# ---- pow_backward --------------------------------------------------------------------------------------------------


@wrong("pow_backward", says="you left out the factor n: the exponent comes down in front")
def pow_without_n(x, n, upstream):
    return upstream * x ** (n - 1)


@wrong("pow_backward", says="you left the exponent at n: in the slope it is n - 1")
def pow_same_exponent(x, n, upstream):
    return upstream * n * x**n


@wrong("pow_backward", says="you left upstream out: the local slope must be multiplied by the gradient of the result")
def pow_without_upstream(x, n, upstream):
    return n * x ** (n - 1)


@wrong("pow_backward", says="you took n - 1 as the factor; the factor is n, and only the exponent is one less")
def pow_factor_one_less(x, n, upstream):
    return upstream * (n - 1) * x ** (n - 1)


@wrong("pow_backward", says="you multiplied where a power is needed: the slope is n x to the power n - 1")
def pow_as_product(x, n, upstream):
    return upstream * n * x * (n - 1)


@wrong("pow_backward", says="you integrated: the slope of x^n is n x^(n-1), not x^(n+1) / (n+1)")
def pow_integrated(x, n, upstream):
    return upstream * x ** (n + 1) / (n + 1) if n != -1 else upstream * math.log(abs(x))


@wrong("pow_backward", says="you raised upstream to the power as well; it is a factor outside")
def pow_of_upstream(x, n, upstream):
    return n * (upstream * x) ** (n - 1)


@also_right("pow_backward")
def pow_by_pow(x, n, upstream):
    slope = math.pow(x, n - 1) * n
    return slope * upstream


# ---- relu_backward -------------------------------------------------------------------------------------------------


@wrong("relu_backward", says="at x = 0 you let the gradient through; the slope there is 0: compare with >, not >=")
def relu_open_at_zero(x, upstream):
    return upstream if x >= 0 else 0.0


@wrong("relu_backward", says="you left upstream out: an open gate hands on the gradient that arrives, not 1")
def relu_without_upstream(x, upstream):
    return 1.0 if x > 0 else 0.0


@wrong("relu_backward", says="you let the sign of upstream decide; the gate is open when x is positive")
def relu_gated_by_upstream(x, upstream):
    return upstream if upstream > 0 else 0.0


@wrong("relu_backward", says="you multiplied by the value of relu; its slope is 1 or 0")
def relu_value_for_slope(x, upstream):
    return upstream * max(0.0, x)


@wrong("relu_backward", says="you passed every gradient on; for x <= 0 the gate is closed and the gradient is 0")
def relu_always_open(x, upstream):
    return upstream


@wrong("relu_backward", says="you opened the gate for negative x and closed it for positive: it is the other way round")
def relu_turned_around(x, upstream):
    return upstream if x < 0 else 0.0


@wrong("relu_backward", says="you handed the negative side -upstream, the slope of abs(x); relu is flat there: 0")
def relu_as_abs(x, upstream):
    return upstream if x > 0 else -upstream if x < 0 else 0.0


@also_right("relu_backward")
def relu_by_a_factor(x, upstream):
    return upstream * (x > 0)


@also_right("relu_backward")
def relu_by_an_early_return(x, upstream):
    if x <= 0:
        return 0
    return upstream


# ---- tanh_backward -------------------------------------------------------------------------------------------------


@wrong("tanh_backward", says="you took tanh again, but y is already the result of tanh: the slope is 1 - y^2")
def tanh_of_tanh(y, upstream):
    return upstream * (1 - math.tanh(y) ** 2)


@wrong("tanh_backward", says="you left upstream out: the local slope must be multiplied by the gradient of the result")
def tanh_without_upstream(y, upstream):
    return 1 - y * y


@wrong("tanh_backward", says="you did not square y: the slope is 1 - y^2")
def tanh_not_squared(y, upstream):
    return upstream * (1 - y)


@wrong("tanh_backward", says="that is the slope of the sigmoid, y (1 - y); tanh has 1 - y^2")
def tanh_as_sigmoid(y, upstream):
    return upstream * y * (1 - y)


@wrong("tanh_backward", says="you turned the sign around: the slope is 1 - y^2, never negative")
def tanh_negative(y, upstream):
    return upstream * (y * y - 1)


@wrong(
    "tanh_backward",
    says="you went back from y to x and computed with exponentials; at y = 1 there is no x. 1 - y^2 needs only y",
)
def tanh_by_its_inverse(y, upstream):
    x = math.atanh(y)
    return upstream * 4 / (math.exp(x) + math.exp(-x)) ** 2


@wrong(
    "tanh_backward",
    says="you subtracted y^2 from upstream; upstream multiplies the whole slope: put 1 - y^2 in parentheses",
)
def tanh_without_parentheses(y, upstream):
    return upstream * 1 - y * y


@also_right("tanh_backward")
def tanh_factored(y, upstream):
    return (1 - y) * (1 + y) * upstream


# ---- topological_order ---------------------------------------------------------------------------------------------


@wrong(
    "topological_order",
    says="you called a function from within itself for each input: Python stops at about 1,000 such calls",
)
def order_by_recursion(root):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for each in node.inputs:
                visit(each)
            order.append(node)

    visit(root)
    return order


@wrong(
    "topological_order", says="you listed a node when you first met it; it may be listed only after all of its inputs"
)
def order_as_met(root):
    order, seen, stack = [], set(), [root]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
            stack.extend(node.inputs)
    return order[::-1]


@wrong("topological_order", says="your list is the wrong way round: inputs come first and the root last")
def order_turned_around(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, opened = stack.pop()
        if opened:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((each, False) for each in node.inputs)
    return order[::-1]


@wrong("topological_order", says="you listed a node once for each use; remember which nodes you have seen")
def order_with_repeats(root):
    order, stack = [], [(root, False)]
    while stack:
        node, opened = stack.pop()
        if opened:
            order.append(node)
        else:
            stack.append((node, True))
            stack.extend((each, False) for each in node.inputs)
    return order


@wrong("topological_order", says="you told nodes apart by their data; two different nodes may hold the same number")
def order_by_data(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, opened = stack.pop()
        if opened:
            order.append(node)
        elif node.data not in seen:
            seen.add(node.data)
            stack.append((node, True))
            stack.extend((each, False) for each in node.inputs)
    return order


@wrong("topological_order", says="you left the leaves out; they belong to the order, before everything that uses them")
def order_without_leaves(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, opened = stack.pop()
        if opened:
            order.append(node)
        elif node not in seen and node.inputs:
            seen.add(node)
            stack.append((node, True))
            stack.extend((each, False) for each in node.inputs)
    return order


@wrong("topological_order", says="you left the root out; it belongs to the order, at the end")
def order_without_root(root):
    order, seen, stack = [], {root}, [(each, False) for each in root.inputs]
    while stack:
        node, opened = stack.pop()
        if opened:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((each, False) for each in node.inputs)
    return order


@wrong("topological_order", says="you followed only the first input of each node")
def order_of_first_inputs(root):
    order, node = [root], root
    while node.inputs:
        node = node.inputs[0]
        order.append(node)
    return order[::-1]


@also_right("topological_order")
def order_with_iterators(root):
    order, seen, stack = [], {root}, [(root, iter(root.inputs))]
    while stack:
        node, inputs = stack[-1]
        for each in inputs:
            if each not in seen:
                seen.add(each)
                stack.append((each, iter(each.inputs)))
                break
        else:
            order.append(node)
            stack.pop()
    return order


@also_right("topological_order")
def order_by_counting_uses(root):
    uses, stack = {root: 0}, [root]
    while stack:
        for each in stack.pop().inputs:
            if each not in uses:
                uses[each] = 0
                stack.append(each)
            uses[each] += 1
    order, ready = [], [root]
    while ready:
        node = ready.pop()
        order.append(node)
        for each in node.inputs:
            uses[each] -= 1
            if uses[each] == 0:
                ready.append(each)
    order.reverse()
    return order


# ---- backward ------------------------------------------------------------------------------------------------------


def started(root):
    """The topological order, with every gradient as it is when the walk begins."""
    order = topological_order(root)
    for node in order:
        if node.inputs:
            node.grad = 0.0
    root.grad = 1.0
    return order


@wrong("backward", says="you assigned the gradient with =; a node that is used twice needs the sum of both: +=")
def backward_assigns(root):
    order = started(root)
    for node in reversed(order):
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad = gradient


@wrong(
    "backward",
    says="you called the rules with 1 instead of the node's own gradient, so nothing flows from step to step",
)
def backward_without_upstream(root):
    order = started(root)
    for node in reversed(order):
        for each, gradient in zip(node.inputs, node.rule(1.0), strict=True):
            each.grad += gradient


@wrong(
    "backward", says="you walked from the leaves to the root; gradients come from the root: walk the order from its end"
)
def backward_walks_forward(root):
    order = started(root)
    for node in order:
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad += gradient


@wrong(
    "backward",
    says="you walked in the order in which nodes are met, so some passed on a gradient that was not complete yet",
)
def backward_as_met(root):
    started(root)
    seen, stack = set(), [root]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
                each.grad += gradient
                stack.append(each)


@wrong(
    "backward", says="you visited a node again for each of its uses, and passed what it had already passed on once more"
)
def backward_visits_again(root):
    started(root)
    stack = [root]
    while stack:
        node = stack.pop()
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad += gradient
            stack.append(each)


@wrong("backward", says="you did not start the root's gradient at 1, so every gradient stays 0")
def backward_without_start(root):
    order = topological_order(root)
    for node in order:
        if node.inputs:
            node.grad = 0.0
    for node in reversed(order):
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad += gradient


@wrong("backward", says="you started the root's gradient at its data; the root moves by 1 when it moves by 1")
def backward_starts_at_data(root):
    order = topological_order(root)
    for node in order:
        if node.inputs:
            node.grad = 0.0
    root.grad = root.data
    for node in reversed(order):
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad += gradient


@wrong(
    "backward",
    says="you did not set the nodes that are no leaves to 0: what an earlier backward left there is passed on again",
)
def backward_keeps_old_gradients(root):
    root.grad = 1.0
    for node in reversed(topological_order(root)):
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad += gradient


@wrong("backward", says="you set the leaves to 0 as well; they must keep their gradients and go on adding")
def backward_resets_leaves(root):
    order = topological_order(root)
    for node in order:
        node.grad = 0.0
    root.grad = 1.0
    for node in reversed(order):
        for each, gradient in zip(node.inputs, node.rule(node.grad), strict=True):
            each.grad += gradient


@wrong(
    "backward",
    says="you called backward from within itself: Python stops at about 1,000 such calls, and chains are longer",
)
def backward_by_recursion(root):
    started(root)
    root.grad = 0.0

    def send(node, upstream):
        node.grad += upstream
        for each, gradient in zip(node.inputs, node.rule(upstream), strict=True):
            send(each, gradient)

    send(root, 1.0)


@also_right("backward")
def backward_by_index(root):
    order = topological_order(root)
    for node in order:
        node.grad = node.grad if not node.inputs else 0
    root.grad = root.grad + 1
    for k in range(len(order) - 1, -1, -1):
        gradients = order[k].rule(order[k].grad)
        for place, each in enumerate(order[k].inputs):
            each.grad = each.grad + gradients[place]


@also_right("backward")
def backward_with_a_table(root):
    table = dict.fromkeys(topological_order(root), 0.0)
    table[root] = 1.0
    for node in reversed(list(table)):
        for each, gradient in zip(node.inputs, node.rule(table[node]), strict=True):
            table[each] += gradient
    for node, gradient in table.items():
        node.grad = gradient if node.inputs else node.grad + gradient


# ---- train ---------------------------------------------------------------------------------------------------------


@wrong("train", says="you did not set the gradients to 0: each step adds to those of all the steps before")
def train_without_zero(parameters, loss, steps, lr):
    losses = []
    for _ in range(steps):
        result = loss()
        losses.append(result.data)
        backward(result)
        for parameter in parameters:
            parameter.data -= lr * parameter.grad
    return losses


@wrong("train", says="you stepped uphill: the gradient points to where the loss grows, so subtract it")
def train_uphill(parameters, loss, steps, lr):
    losses = []
    for _ in range(steps):
        result = loss()
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        backward(result)
        for parameter in parameters:
            parameter.data += lr * parameter.grad
    return losses


@wrong("train", says="you left lr out, so every step is as long as the gradient itself")
def train_without_lr(parameters, loss, steps, lr):
    losses = []
    for _ in range(steps):
        result = loss()
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        backward(result)
        for parameter in parameters:
            parameter.data -= parameter.grad
    return losses


@wrong(
    "train",
    says="you called loss() once, before the loop: its record knows nothing of parameters that have moved since",
)
def train_on_one_record(parameters, loss, steps, lr):
    losses, result = [], loss()
    for _ in range(steps):
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        backward(result)
        for parameter in parameters:
            parameter.data -= lr * parameter.grad
    return losses


@wrong(
    "train", says="your parameters never move: change parameter.data itself, after backward and before grad is set to 0"
)
def train_without_moving(parameters, loss, steps, lr):
    losses = []
    for _ in range(steps):
        result = loss()
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        backward(result)
        parameters = [Scalar(parameter.data - lr * parameter.grad) for parameter in parameters]
    return losses


@wrong("train", says="you noted the loss after the step; each loss is to be noted as it was before its step")
def train_notes_too_late(parameters, loss, steps, lr):
    losses = []
    for _ in range(steps):
        for parameter in parameters:
            parameter.grad = 0.0
        backward(loss())
        for parameter in parameters:
            parameter.data -= lr * parameter.grad
        losses.append(loss().data)
    return losses


@wrong(
    "train", says="you ran backward again for each parameter: once is enough, and the other gradients add up meanwhile"
)
def train_backward_for_each(parameters, loss, steps, lr):
    losses = []
    for _ in range(steps):
        result = loss()
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        for parameter in parameters:
            backward(result)
            parameter.data -= lr * parameter.grad
    return losses


@wrong("train", says="you moved by lr alone, whatever the gradient: multiply lr by the gradient")
def train_by_lr_alone(parameters, loss, steps, lr):
    losses = []
    for _ in range(steps):
        result = loss()
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        backward(result)
        for parameter in parameters:
            parameter.data -= lr
    return losses


@wrong("train", says="you did one step too few: range(1, steps) leaves the first one out")
def train_one_step_short(parameters, loss, steps, lr):
    losses = []
    for _ in range(1, steps):
        result = loss()
        losses.append(result.data)
        for parameter in parameters:
            parameter.grad = 0.0
        backward(result)
        for parameter in parameters:
            parameter.data -= lr * parameter.grad
    return losses


@also_right("train")
def train_zero_after_the_step(parameters, loss, steps, lr):
    losses = []
    for parameter in parameters:
        parameter.grad = 0.0
    while len(losses) < steps:
        result = loss()
        backward(result)
        for parameter in parameters:
            parameter.data = parameter.data - parameter.grad * lr
            parameter.grad = 0.0
        losses.append(result.data)
    return losses


@also_right("train")
def train_by_comprehensions(parameters, loss, steps, lr):
    def step():
        result = loss()
        before = [parameter.grad for parameter in parameters]
        backward(result)
        for parameter, old in zip(parameters, before, strict=True):
            parameter.data -= lr * (parameter.grad - old)
        return result.data

    return [step() for _ in range(steps)]
