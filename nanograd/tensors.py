"""Tensor: an array and its place in the graph; methods.py is the table of contents of its operations."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, NoReturn, SupportsIndex, overload

import numpy as np

from nanograd import devices, dtypes
from nanograd.absent import ABSENT, explained
from nanograd.devices import Device
from nanograd.dtypes import DType, dtype_of, to_dtype
from nanograd.errors import DTypeError, GradError, ShapeError
from nanograd.formats import Layout, strided
from nanograd.kernels import elementwise, memory, window
from nanograd.methods import Methods
from nanograd.ops import arithmetic, broadcasting, comparison, creation, joining, linalg, reduction
from nanograd.ops import op as ops
from nanograd.ops import shape as layout
from nanograd.ops.refusing import guard_class
from nanograd.ops.writing import in_place, written
from nanograd.printing import array_text, size_note, with_notes
from nanograd.settings import get_default_dtype
from nanograd.storage import Storage
from nanograd.tape import TORCH_NAMES, Node, backward, is_stale
from nanograd.warned import outside

__all__ = ["RemovableHandle", "Size", "Tensor", "to_arguments"]


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple that prints as torch's."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if type(index) is slice else found

    def __add__(self, other: tuple[Any, ...]) -> Size:
        return Size(tuple.__add__(self, other))

    def numel(self) -> int:
        """The product of the sizes."""
        n = 1
        for s in self:
            n *= s
        return n


class RemovableHandle:
    """Takes a hook out again: ``handle.remove()``, or as a context manager."""

    _next = 0

    def __init__(self, hooks: dict[int, Any]) -> None:
        RemovableHandle._next += 1
        self.id = RemovableHandle._next
        self.hooks = hooks

    def remove(self) -> None:
        """Take the hook out; again does nothing."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Absent:
    """A name of torch's that tensors do not have: asking for it says what to use instead.

    A ``__getattr__`` would say it too, but a class that has one loses Python's fast attribute access.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, t: Any, kind: type) -> NoReturn:
        why = explained(f"Tensor.{self.name}")
        raise AttributeError(
            f"{kind.__name__!r} object has no attribute {self.name!r}. nanograd does not have it: {why}.",
            name=self.name,
            obj=kind if t is None else t,
        )


class Absentees:
    """Those names, apart from the ones that there are."""


for _path in ABSENT:
    _kind, _, _name = _path.partition(".")
    if _kind == "Tensor" and not hasattr(Methods, _name):
        setattr(Absentees, _name, Absent(_name))


def _present(names: Iterable[str]) -> list[str]:
    return [name for name in names if type(vars(Absentees).get(name)) is not Absent]


class TensorType(type):
    """The class of the classes of tensors, which prints them under torch's names."""

    def __repr__(cls) -> str:
        name = {"Tensor": "torch.Tensor", "Parameter": "torch.nn.parameter.Parameter"}.get(cls.__qualname__)
        return f"<class '{name}'>" if name and cls.__module__.startswith("nanograd.") else type.__repr__(cls)

    def __dir__(cls) -> list[str]:
        return _present(super().__dir__())


class Tensor(Methods, Absentees, metaclass=TensorType):
    """A multi-dimensional array of numbers that can record where it came from.

    ``array``    its elements, an array of its device
    ``node``     its place in the graph; None for a tensor that needs no gradient
    ``storage``  who else shares its memory and when it was written; None as long as nobody did either
    ``base``     the tensor it is a view of
    """

    array: Any
    node: Node | None = None
    output_nr: int = 0
    storage: Storage | None = None
    base: Tensor | None = None
    _accumulated: dict[int, Any] | None = None
    _grad: Tensor | None = None
    _retains = False
    _parked: Node | None = None  # of a leaf that stopped requiring grad: graphs recorded before know it by this node
    _title = "tensor"
    __array_priority__ = 1000  # NumPy's operators step back for ours

    def __new__(cls, data: Any = (), *args: Any) -> Any:
        """``Tensor([1, 2])`` makes float32 from data, ``Tensor(2, 3)`` zeros of that shape, as torch's."""
        if isinstance(data, int) or args:
            made = creation.empty(data, *args) if isinstance(data, int) else creation.tensor(data, dtype=args[0])
        else:
            made = creation.tensor(data, dtype=dtypes.float32)
        t = object.__new__(cls)
        t.array = made.array
        return t

    # What it is

    @property
    def shape(self) -> Size:
        """The size of each dimension."""
        return Size(self.array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return Size(self.array.shape)
        return self.array.shape[layout.one_dim("size", dim, self.array.ndim)]

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return dtype_of(self.array.dtype)

    @property
    def device(self) -> Device:
        """Where the elements live."""
        return devices.device_of(self.array)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim  # type: ignore[no-any-return]

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim  # type: ignore[no-any-return]

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size  # type: ignore[no-any-return]

    nelement = numel

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.array.dtype.itemsize  # type: ignore[no-any-return]

    def element_size(self) -> int:
        """Bytes per element."""
        return self.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """How many elements to step for the next one along each dimension."""
        strides = layout.strides_of(self.array)
        return strides if dim is None else strides[layout.one_dim("stride", dim, self.array.ndim)]

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in row-major order without gaps."""
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        """Whether the elements are floats."""
        return self.dtype.is_floating_point

    @property
    def layout(self) -> Layout:
        """``torch.strided``: every tensor is dense."""
        return strided

    @property
    def is_cuda(self) -> bool:
        """Whether it lives on a GPU."""
        return self.device.type == "cuda"

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self.array.ctypes.data  # type: ignore[no-any-return]

    def __len__(self) -> int:
        if not self.array.ndim:
            raise DTypeError("len: a 0-d tensor has no length. Use .numel() or .item().")
        return self.array.shape[0]  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        values = self.numpy_of()
        notes = [f"device='{self.device}'"] if self.device != devices.cpu else []
        notes += size_note(values)
        inferred = (dtypes.int64, dtypes.bool_) if values.size else ()
        if self.dtype is not get_default_dtype() and self.dtype not in inferred:
            notes.append(f"dtype={self.dtype}")
        if self.node is not None:
            notes.append("requires_grad=True" if self.is_leaf else f"grad_fn=<{self.node.name()}>")
        indent = len("tensor(")
        return with_notes(f"{self._title}({array_text(values, indent)}", notes, indent) + ")"

    def __format__(self, spec: str) -> str:
        if not self.array.ndim and type(self) is Tensor:
            return format(self.item(), spec)
        if spec:
            raise DTypeError(f"unsupported format string passed to Tensor.__format__: {spec!r}, not a number.")
        return repr(self)

    # Out of it

    def item(self) -> Any:
        """The one element as a Python number.  Raises ShapeError for more or none."""
        if self.array.size != 1:
            raise ShapeError(
                f"item: a Tensor with {self.array.size} elements cannot be converted to Scalar: shape "
                f"{tuple(self.shape)}. Reduce it first (.sum() or .mean()), or use .tolist()."
            )
        return memory.to_host(self.array).item()

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers."""
        return memory.to_host(self.array).tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The elements as a NumPy array that shares their memory.

        Raises GradError for a tensor that requires grad, unless ``force``.
        """
        if force:
            return self.detach().cpu().numpy_of()
        if self.node is not None:
            raise GradError(
                "numpy: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if self.device != devices.cpu:
            raise TypeError(f"numpy: can't convert {self.device} tensor to numpy. Use tensor.cpu() first.")
        return self.array  # type: ignore[no-any-return]

    def numpy_of(self) -> np.ndarray[Any, Any]:
        """The elements as a NumPy array, from any device, whatever the graph."""
        return memory.to_host(self.array)  # type: ignore[no-any-return]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
        """What NumPy's functions give for a tensor: a tensor again; truth values as uint8, as torch does."""
        return creation.from_numpy(array.astype(np.uint8) if array.dtype == bool else np.asarray(array))

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ShapeError(
                f"bool: Boolean value of Tensor with {self.array.size} values is ambiguous: shape {tuple(self.shape)}. "
                "Use .any() or .all()."
            )
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise DTypeError(
                f"only integer tensors of a single element can be converted to an index, got {self.dtype} of shape "
                f"{tuple(self.shape)}."
            )
        return int(self.item())

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise DTypeError("iteration over a 0-d tensor: use .item() for its value.")
        return iter(joining.unbind(self))

    def __reversed__(self) -> Tensor:
        return self.flip(0) if self.array.ndim else self

    def __delitem__(self, index: Any) -> None:
        raise TypeError("Tensor does not support deleting items: keep what stays, by indexing or torch.cat.")

    def __dir__(self) -> list[str]:
        return _present(super().__dir__())

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, (Tensor, int, float, np.generic)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self == element).any())

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.node is not None and not self.is_leaf:
            raise GradError("deepcopy: only tensors created by the user (leaves) can be copied. Use .detach() first.")
        found = memo.get(id(self))
        if found is not None:
            return found  # type: ignore[no-any-return]
        made = memo[id(self)] = object.__new__(type(self))
        _copy_into(made, self, memo)
        made.requires_grad = self.requires_grad
        if self._grad is not None:
            made._grad = self._grad.clone().detach()
        made.__dict__.update(deepcopy({k: v for k, v in self.__dict__.items() if k not in _STATE}, memo))
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.node is not None and not self.is_leaf:
            raise GradError("pickle: only tensors created by the user (leaves) can be pickled. Use .detach() first.")
        return _rebuild, (type(self), self.numpy_of(), self.requires_grad)

    # Its place in the graph

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Record operations on this tensor from now on, or stop.

        Raises DTypeError for integers, GradError for stopping on a tensor that an operation made.
        """
        if requires_grad == (self.node is not None):
            return self
        if not requires_grad:
            if not self.is_leaf:
                raise GradError(
                    "requires_grad_: you can only change requires_grad flags of leaf variables; "
                    f"this tensor was made by "
                    f"{self.node.name()}. Use .detach()."  # type: ignore[union-attr]
                )
            self._parked, self.node = self.node, None
            return self
        if self.array.dtype.kind != "f":
            raise DTypeError(
                f"requires_grad_: only tensors of floating point dtype can require gradients, got {self.dtype}."
            )
        self.node = self._parked or _leaf(self)
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.node is None or self.node.leaf is not None

    @property
    def grad_fn(self) -> Node | None:
        """The operation that made it; None for leaves."""
        return None if self.is_leaf else self.node

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` left here, or None.  Warns where it never will leave one."""
        if self._grad is None and self.node is not None and self.node.leaf is None and not self._retains:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed: backward() leaves "
                "gradients in leaves only. Call .retain_grad() on it first. A weight that is updated, w = w - lr * g, "
                "is a new tensor: write w.sub_(lr * g) inside torch.no_grad().",
                stacklevel=outside(),
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise DTypeError(f"grad: expected a Tensor or None, got {type(value).__name__}.")
            if value is self:
                raise GradError("grad: a tensor cannot be its own gradient: assign grad.clone().")
            if value.array.shape != self.array.shape or value.array.dtype != self.array.dtype:
                raise ShapeError(
                    f"grad: a gradient must look like its tensor, {tuple(self.shape)} of {self.dtype}; got "
                    f"{tuple(value.shape)} of {value.dtype}."
                )
        self._grad = value

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Sequence[Tensor] | None = None,
    ) -> None:
        """Add the gradient of this tensor to ``.grad`` of every leaf it came from.

        ``gradient`` is the gradient of what follows in this tensor; 1 for a single element.  Raises GradError without
        a graph, for several elements without ``gradient``, and for a graph that was used and freed.
        """
        if self.node is None:
            raise GradError(
                "backward: element 0 of tensors does not require grad and does not have a grad_fn. "
                "Make its inputs with "
                "requires_grad=True, and compute it outside no_grad."
            )
        root = (self.node, self.output_nr, self.root_gradient(gradient))
        keep = create_graph if retain_graph is None else retain_graph
        if inputs is None:
            backward((root,), None, keep, create_graph)
        else:
            backward_into(inputs, (root,), keep, create_graph)

    def root_gradient(self, gradient: Tensor | None) -> Tensor:
        """The gradient that a way back from here starts with."""
        if gradient is None:
            if self.array.size != 1:
                raise GradError(
                    f"backward: grad can be implicitly created only for scalar outputs, this tensor has shape "
                    f"{tuple(self.shape)}. Reduce it first (.sum() or .mean()), or pass backward(gradient=...)."
                )
            return ops.wrap(memory.ones_like(self.array))
        if not isinstance(gradient, Tensor) or gradient.array.shape != self.array.shape:
            got = tuple(gradient.shape) if isinstance(gradient, Tensor) else type(gradient).__name__
            raise ShapeError(f"backward: expected a gradient of shape {tuple(self.shape)}, got {got}.")
        return gradient

    def fit(self, shape_: tuple[int, ...], dtype: Any) -> Tensor:
        """This gradient, summed to the shape and cast to the dtype of what it belongs to."""
        array = self.array
        if array.shape == shape_ and array.dtype is dtype:
            return self
        fitted = self if array.shape == shape_ else reduction.sum_to(self, shape_)
        return fitted if array.dtype == dtype else fitted.to(dtype_of(dtype))

    def owned(self, taken: bool) -> Tensor:
        """This gradient in memory of its own; ``taken``: others may hold it."""
        array = self.array
        if not taken and array.base is None and array.flags.c_contiguous:
            return self
        return ops.wrap(memory.copy(array)) if self.node is None else self.clone()

    def accumulate(self, gradient: Tensor, keep_graph: bool) -> None:
        """Add to ``.grad``; ``gradient`` is this tensor's own from now on."""
        if self._grad is None:
            self._grad = gradient if type(gradient) is Tensor else ops.wrap(gradient.array)
        elif keep_graph:
            self._grad = self._grad + gradient
        elif not self._grad.add_in_place(gradient):
            in_place(self._grad, arithmetic.add(self._grad.detach(), gradient), "accumulate")
        if self._accumulated is not None:
            for hook in list(self._accumulated.values()):
                hook(self)

    def add_in_place(self, other: Tensor) -> bool:
        """Add to the elements by one kernel; whether it was done: not with a history, other shapes or dtypes."""
        x, y = self.array, other.array
        if self.node is not None or x.shape != y.shape or x.dtype is not y.dtype or not x.flags.c_contiguous:
            return False
        elementwise.accumulate(x, y)
        written(self)
        return True

    def detach(self) -> Tensor:
        """The same memory outside the graph."""
        outside = ops.share(self, ops.wrap(self.array))
        outside.base = None  # it is no view to the tape, and does not keep this tensor alive
        return outside

    def detach_(self) -> Tensor:
        """Take this tensor out of the graph.  Raises GradError for a view."""
        if self.base is not None:
            raise GradError("detach_: can't detach views in-place: use detach(), which gives the same memory.")
        if self.node is not None and self.node.leaf is not None:
            return self.requires_grad_(False)
        self.node, self.output_nr = None, 0
        return self

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph; assigning replaces the elements without a record."""
        return self.detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise DTypeError(f"data: expected a Tensor, got {type(value).__name__}.")
        ops.share(value, self).base = None
        self.array = value.array
        written(self)  # for pullbacks that captured the elements of before
        for node in (self.node, self._parked):
            if node is not None and node.leaf is not None:
                node.shape, node.dtype = value.array.shape, value.array.dtype

    @property
    def retains_grad(self) -> bool:
        """Whether ``retain_grad`` was asked of it."""
        return self._retains

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor, which is not a leaf, in ``.grad``.  Raises GradError outside the graph."""
        if self.node is None:
            raise GradError("retain_grad: can't retain_grad on Tensor that has requires_grad=False.")
        if self.is_leaf or self._retains:
            return
        check_current(self, "retain_grad")
        import weakref

        self._retains = True
        ops.retain(self.node, self.output_nr, weakref.ref(self))

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(gradient)`` when this tensor's gradient is known; what it returns takes its place.

        Raises GradError for a tensor that does not require grad.
        """
        if self.node is None:
            raise GradError("register_hook: cannot register a hook on a tensor that doesn't require gradient.")
        check_current(self, "register_hook")
        return _add_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook(self)`` each time after ``.grad`` of this leaf was added to.

        Raises GradError for a tensor that does not require grad, or is no leaf.
        """
        if self.node is None or self.node.leaf is None:
            raise GradError(
                "register_post_accumulate_grad_hook: post accumulate grad hooks cannot be registered on non-leaf "
                "tensors, or those that don't require gradient."
            )
        if self._accumulated is None:
            self._accumulated = {}
        handle = RemovableHandle(self._accumulated)
        self._accumulated[handle.id] = hook
        return handle

    # Conversions

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        """This tensor with a dtype, on a device, or like another: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``,
        ``to(other)``; itself if nothing changes, unless ``copy=True``."""
        device, dtype, copy = to_arguments(self, args, dict(kwargs))
        t = self
        if dtype is not None and t.array.dtype != dtype.numpy:
            t = layout.to_dtype(t, dtype)
        if device is not None and device != t.device:
            t = moved(t, device)
        return t.clone() if copy and t is self else t

    def type(self, dtype: Any = None) -> Any:
        """Without an argument torch's old name of the type; else as ``to``."""
        if dtype is None:
            return f"torch.{_OLD_NAMES[self.dtype.name]}Tensor"
        return self.to(to_dtype(_BY_OLD_NAME.get(str(dtype).removeprefix("torch."), dtype)))

    def type_as(self, other: Tensor) -> Tensor:
        """With the dtype of ``other``."""
        return self.to(other.dtype)

    def float(self) -> Tensor:
        """As float32."""
        return self.to(dtypes.float32)

    def double(self) -> Tensor:
        """As float64."""
        return self.to(dtypes.float64)

    def half(self) -> Tensor:
        """As float16."""
        return self.to(dtypes.float16)

    def long(self) -> Tensor:
        """As int64."""
        return self.to(dtypes.int64)

    def int(self) -> Tensor:
        """As int32."""
        return self.to(dtypes.int32)

    def short(self) -> Tensor:
        """As int16."""
        return self.to(dtypes.int16)

    def char(self) -> Tensor:
        """As int8."""
        return self.to(dtypes.int8)

    def byte(self) -> Tensor:
        """As uint8."""
        return self.to(dtypes.uint8)

    def bool(self) -> Tensor:
        """As bool: whether non-zero."""
        return self.to(dtypes.bool_)

    def cpu(self) -> Tensor:
        """On the CPU."""
        return self.to(devices.cpu)

    def cuda(self, device: Any = None) -> Tensor:
        """On a GPU.  Raises DeviceError where there is none."""
        return self.to("cuda" if device is None else device)

    def contiguous(self, memory_format: Any = None) -> Tensor:
        """Itself if its elements lie in row-major order, else a copy that does."""
        return self if self.is_contiguous() else self.clone()

    # In place

    def copy_(self, source: Tensor, non_blocking: Any = False) -> Tensor:
        """Write the elements of ``source``, broadcast and cast, into this tensor."""
        value = ops.as_operand(source, self.dtype, self.device) if not isinstance(source, Tensor) else source
        if value.device != self.device:
            value = moved(value, self.device)
        cast = value if value.array.dtype == self.array.dtype else layout.to_dtype(value, self.dtype)
        return in_place(self, broadcasting.expand(cast, self.array.shape), "copy_")

    def fill_(self, value: Any) -> Tensor:
        """Write one number everywhere."""
        number = value.item() if isinstance(value, Tensor) else value
        blank = creation.full_like(self, number)
        return in_place(self, comparison.blanked(self, blank) if self.node is not None else blank, "fill_")

    def zero_(self) -> Tensor:
        """Write zeros."""
        return self.fill_(0)

    def __matmul__(self, other: Any) -> Tensor:
        return linalg.matmul(self, other)


ops.learn(Tensor)


guard_class(Methods)
# The tape's own, and what takes nothing or costs less than a guard.
guard_class(
    Tensor,
    {"accumulate", "add_in_place", "dim", "fit", "item", "numel", "numpy", "numpy_of", "owned", "root_gradient"},
)


def _leaf(t: Tensor) -> Node:
    import weakref

    node = Node(None, t.array.shape, t.array.dtype)
    node.leaf = weakref.ref(t)
    return node


def check_current(t: Tensor, name: str) -> None:
    """Refuse to ask for the gradient of a view whose memory got another history since it was taken."""
    if t.node is not None and is_stale(t.node):
        raise GradError(
            f"{name}: the memory of this view of shape {tuple(t.shape)} was written in place, where operations are "
            "recorded, since the view was taken. Take the view again after the write, and use that."
        )


def backward_into(
    inputs: Tensor | Sequence[Tensor], roots: Sequence[tuple[Node, int, Tensor]], keep: bool, create_graph: bool
) -> None:
    """Add the gradients of ``roots`` to ``.grad`` of the ``inputs`` alone.  Raises GradError for none of them."""
    given = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if not given:
        raise GradError("backward: `inputs` argument to `backward()` cannot be empty. Leave it out for all leaves.")
    places: list[tuple[Node, int]] = []
    for i, t in enumerate(given):
        if t.node is None:
            raise GradError(f"backward: input {i} does not require grad. Call requires_grad_() on it first.")
        check_current(t, "backward")
        places.append((t.node, t.output_nr))
    found = backward(roots, places, keep, create_graph)
    for t, place in zip(given, places, strict=True):
        if place in found and not t._retains:
            t.accumulate(found[place].clone(), create_graph)


def _add_hook(t: Tensor, hook: Callable[[Tensor], Any]) -> RemovableHandle:
    node = t.node
    assert node is not None
    if node.hooks is None:
        node.hooks = {}
    handle = RemovableHandle(node.hooks)
    node.hooks[handle.id] = (t.output_nr, hook)
    return handle


_STATE = {"array", "node", "storage", "base", "output_nr", "_accumulated", "_grad", "_retains", "_parked"}
"""What a tensor has besides the attributes that users gave it."""


def _copy_into(made: Tensor, t: Tensor, memo: dict[Any, Any]) -> None:
    """Give ``made`` a copy of t's elements; copies of tensors that share memory share memory too."""
    if t.storage is None:
        made.array = memory.copy(t.array)
        return
    root = window.root_of(t.array)
    key = ("memory", id(root))
    if key not in memo:
        memo[key] = (root, memory.copy(root), Storage())
    _, copied, storage = memo[key]
    if copied.strides != root.strides or not copied.flags.c_contiguous:
        made.array = memory.copy(t.array)
        return
    made.array = copied if t.array is root else window.placed_in(copied, root, t.array)
    made.storage = storage


def _rebuild(kind: type[Tensor], array: np.ndarray[Any, Any], requires_grad: bool) -> Tensor:
    t = object.__new__(kind)
    t.array = creation.from_numpy(array).array
    return t.requires_grad_(requires_grad)


def to_arguments(t: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Device | None, DType | None, bool]:
    """(device, dtype, copy) that the arguments of ``to`` mean."""
    device, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
    copy = bool(kwargs.pop("copy", False))
    kwargs.pop("non_blocking", None)
    kwargs.pop("memory_format", None)
    if kwargs:
        raise TypeError(f"to: unexpected arguments {', '.join(kwargs)}.")
    for arg in args:
        if isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif isinstance(arg, (DType, type, np.dtype)):
            dtype = arg
        elif isinstance(arg, (str, Device)):
            device = arg
        elif arg is not None and not isinstance(arg, bool):
            raise DTypeError(f"to: expected a dtype, a device or a tensor, got {arg!r:.60}.")
    found = None if device is None else devices.to_device(device)
    return found, None if dtype is None else to_dtype(dtype), copy


def moved(t: Tensor, device: Device) -> Tensor:
    """A copy of ``t`` on another device, through which gradients flow back to where it was."""
    home = t.device
    array = memory.from_host.on(device)(memory.to_host(t.array), t.dtype)
    return ops.record(array, (t, lambda g: moved(g, home)))


TORCH_NAMES["moved"] = "ToCopyBackward0"

_OLD_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "int64": "Long", "int32": "Int", "int16": "Short",
    "int8": "Char", "uint8": "Byte", "bool": "Bool",
}  # fmt: skip
_BY_OLD_NAME = {f"{old}Tensor": name for name, old in _OLD_NAMES.items()}
