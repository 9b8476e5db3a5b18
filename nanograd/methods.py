"""The table of contents of Tensor: each method is one line that names its operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nanograd.ops import (
    activation,
    alike,
    arithmetic,
    becoming,
    bitwise,
    broadcasting,
    choosing,
    comparison,
    diagonals,
    elementary,
    factoring,
    finding,
    indexing,
    joining,
    linalg,
    matrices,
    normalization,
    norms,
    ordering,
    placing,
    products,
    queries,
    rearranging,
    reduction,
    rounding,
    sampling,
    scan,
    scattering,
    solving,
    special,
    spectra,
    statistics,
    trigonometry,
)
from nanograd.ops import shape as layout
from nanograd.ops.writing import in_place

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = ["Methods", "twin"]


def twin(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The operation that writes its result into its first input: ``exp_`` of ``exp``."""
    name = f"{operation.__name__}_"

    def write(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return in_place(self, operation(self, *args, **kwargs), name)

    write.__name__ = write.__qualname__ = name
    write.__wrapped__ = operation  # type: ignore[attr-defined]  # whose arguments it takes
    write.__doc__ = f"``{operation.__name__}``, written into this tensor, which is returned."
    return write


class Methods:
    """What Tensor inherits: operations, with the tensor as their first input."""

    # Arithmetic
    add = __add__ = __radd__ = arithmetic.add
    sub = subtract = __sub__ = arithmetic.sub
    __rsub__ = rsub = arithmetic.rsub
    mul = multiply = __mul__ = __rmul__ = arithmetic.mul
    div = divide = true_divide = __truediv__ = arithmetic.div
    __rtruediv__ = __rdiv__ = arithmetic.rdiv
    floor_divide = __floordiv__ = arithmetic.floor_divide
    __rfloordiv__ = arithmetic.rfloor_divide
    remainder = __mod__ = arithmetic.remainder
    __rmod__ = arithmetic.rremainder
    fmod = arithmetic.fmod
    gcd = arithmetic.gcd
    lcm = arithmetic.lcm
    lerp = arithmetic.lerp
    addcmul = arithmetic.addcmul
    addcdiv = arithmetic.addcdiv

    # Signs, rounding, parts
    neg = negative = __neg__ = rounding.neg
    positive = __pos__ = rounding.positive
    abs = absolute = __abs__ = rounding.abs
    sign = rounding.sign
    sgn = rounding.sgn
    signbit = rounding.signbit
    copysign = rounding.copysign
    floor = rounding.floor
    ceil = rounding.ceil
    trunc = fix = rounding.trunc
    round = rounding.round
    frac = rounding.frac
    frexp = rounding.frexp
    nextafter = rounding.nextafter
    heaviside = rounding.heaviside
    nan_to_num = rounding.nan_to_num

    # Powers, exponentials, logarithms
    pow = __pow__ = elementary.pow
    __rpow__ = elementary.rpow
    float_power = elementary.float_power
    square = elementary.square
    sqrt = elementary.sqrt
    rsqrt = elementary.rsqrt
    reciprocal = elementary.reciprocal
    exp = elementary.exp
    exp2 = elementary.exp2
    expm1 = elementary.expm1
    ldexp = elementary.ldexp
    log = elementary.log
    log1p = elementary.log1p
    log2 = elementary.log2
    log10 = elementary.log10
    logaddexp = elementary.logaddexp
    logaddexp2 = elementary.logaddexp2
    sigmoid = elementary.sigmoid
    logit = elementary.logit
    tanh = elementary.tanh
    relu = elementary.relu
    prelu = activation.prelu
    hardshrink = activation.hardshrink

    # Angles
    sin = trigonometry.sin
    cos = trigonometry.cos
    tan = trigonometry.tan
    asin = arcsin = trigonometry.asin
    acos = arccos = trigonometry.acos
    atan = arctan = trigonometry.atan
    atan2 = arctan2 = trigonometry.atan2
    hypot = trigonometry.hypot
    deg2rad = trigonometry.deg2rad
    rad2deg = trigonometry.rad2deg
    sinh = trigonometry.sinh
    cosh = trigonometry.cosh
    asinh = arcsinh = trigonometry.asinh
    acosh = arccosh = trigonometry.acosh
    atanh = arctanh = trigonometry.atanh

    # Special functions
    erf = special.erf
    erfc = special.erfc
    erfinv = special.erfinv
    lgamma = special.lgamma
    digamma = special.digamma
    polygamma = special.polygamma_of
    mvlgamma = special.mvlgamma
    i0 = special.i0
    sinc = special.sinc
    xlogy = special.xlogy

    # Comparisons
    eq = comparison.eq
    __eq__ = comparison.equal_to  # type: ignore[assignment]
    ne = not_equal = comparison.ne
    __ne__ = comparison.unequal_to  # type: ignore[assignment]
    lt = less = __lt__ = comparison.lt
    le = less_equal = __le__ = comparison.le
    gt = greater = __gt__ = comparison.gt
    ge = greater_equal = __ge__ = comparison.ge
    logical_and = comparison.logical_and
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    logical_not = comparison.logical_not
    bitwise_and = __and__ = __rand__ = bitwise.bitwise_and
    bitwise_or = __or__ = __ror__ = bitwise.bitwise_or
    bitwise_xor = __xor__ = __rxor__ = bitwise.bitwise_xor
    bitwise_not = __invert__ = bitwise.bitwise_not
    bitwise_left_shift = __lshift__ = bitwise.bitwise_left_shift
    bitwise_right_shift = __rshift__ = bitwise.bitwise_right_shift
    __rlshift__ = bitwise.rlshift
    __rrshift__ = bitwise.rrshift
    isnan = comparison.isnan
    isinf = comparison.isinf
    isfinite = comparison.isfinite
    isposinf = comparison.isposinf
    isneginf = comparison.isneginf
    isreal = comparison.isreal
    isclose = comparison.isclose
    allclose = comparison.allclose
    equal = comparison.equal
    isin = comparison.isin

    # Choices
    where = comparison.where_condition
    masked_fill = comparison.masked_fill
    clamp = clip = comparison.clamp
    clamp_min = comparison.clamp_min
    clamp_max = comparison.clamp_max
    maximum = comparison.maximum
    minimum = comparison.minimum
    fmax = comparison.fmax
    fmin = comparison.fmin

    # Reductions
    sum = reduction.sum
    mean = reduction.mean
    prod = reduction.prod
    max = reduction.max
    min = reduction.min
    amax = reduction.amax
    amin = reduction.amin
    argmax = reduction.argmax
    argmin = reduction.argmin
    all = reduction.all
    any = reduction.any
    aminmax = reduction.aminmax
    logsumexp = reduction.logsumexp
    nansum = reduction.nansum
    nanmean = reduction.nanmean
    count_nonzero = reduction.count_nonzero
    sum_to_size = reduction.sum_to_size
    var = statistics.var
    std = statistics.std
    cov = statistics.cov
    corrcoef = statistics.corrcoef
    bincount = statistics.bincount
    histc = statistics.histc
    histogram = statistics.histogram
    norm = norms.norm
    dist = norms.dist
    renorm = norms.renorm

    # Along a dimension
    cumsum = scan.cumsum
    cumprod = scan.cumprod
    cummax = scan.cummax
    cummin = scan.cummin
    logcumsumexp = scan.logcumsumexp
    diff = scan.diff

    # Order
    sort = ordering.sort
    argsort = ordering.argsort
    msort = ordering.msort
    topk = ordering.topk
    kthvalue = ordering.kthvalue
    median = ordering.median
    nanmedian = ordering.nanmedian
    mode = ordering.mode
    quantile = ordering.quantile
    nanquantile = ordering.nanquantile
    unique = finding.unique
    unique_consecutive = finding.unique_consecutive

    # Soft
    softmax = normalization.softmax
    log_softmax = normalization.log_softmax

    # Shape
    reshape = layout.reshape
    reshape_as = layout.reshape_as
    view = layout.view_as_shape
    view_as = layout.view_as
    flatten = layout.flatten
    ravel = layout.ravel
    unflatten = layout.unflatten
    permute = layout.permute
    movedim = moveaxis = layout.movedim
    transpose = layout.transpose
    swapaxes = layout.swapaxes
    swapdims = layout.swapdims
    t = layout.t
    T = property(layout.reversed_dims)
    mT = mH = property(layout.matrix_transpose)
    H = property(layout.conjugate_transpose)
    adjoint = layout.adjoint
    squeeze = layout.squeeze
    unsqueeze = layout.unsqueeze
    expand = broadcasting.expand
    expand_as = broadcasting.expand_as
    broadcast_to = broadcasting.broadcast_to
    clone = layout.clone
    storage_offset = layout.storage_offset
    squeeze_ = becoming.in_itself(layout.squeeze)
    unsqueeze_ = becoming.in_itself(layout.unsqueeze)
    t_ = becoming.in_itself(layout.t)
    transpose_ = becoming.in_itself(layout.transpose)
    swapaxes_ = becoming.in_itself(layout.swapaxes)
    swapdims_ = becoming.in_itself(layout.swapdims)
    as_strided_ = becoming.in_itself(rearranging.as_strided)

    # Joining and splitting
    split = joining.split_into
    split_with_sizes = joining.split_with_sizes
    chunk = joining.chunk
    tensor_split = joining.tensor_split
    hsplit = joining.hsplit
    vsplit = joining.vsplit
    dsplit = joining.dsplit
    unbind = joining.unbind

    # Rearranging
    flip = rearranging.flip
    fliplr = rearranging.fliplr
    flipud = rearranging.flipud
    roll = rearranging.roll
    rot90 = rearranging.rot90
    repeat = rearranging.repeat
    tile = rearranging.tile
    repeat_interleave = rearranging.repeat_interleave
    unfold = rearranging.unfold
    as_strided = rearranging.as_strided
    resize_ = rearranging.resize_
    set_ = rearranging.set_
    tril = diagonals.tril
    triu = diagonals.triu
    diag = diagonals.diag
    diagonal = diagonals.diagonal
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat
    diagonal_scatter = diagonals.diagonal_scatter
    tril_ = twin(diagonals.tril)
    triu_ = twin(diagonals.triu)

    # Indexing
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem
    select = indexing.select
    narrow = indexing.narrow
    narrow_copy = indexing.narrow_copy
    index_select = placing.index_select
    gather = scattering.gather
    take = placing.take
    take_along_dim = scattering.take_along_dim
    scatter = scattering.scatter
    scatter_add = scattering.scatter_add
    scatter_reduce = scattering.scatter_reduce
    index_add = placing.index_add
    index_copy = placing.index_copy
    index_fill = placing.index_fill
    index_put = placing.index_put
    index_reduce = placing.index_reduce
    put = placing.put
    select_scatter = placing.select_scatter
    slice_scatter = placing.slice_scatter
    masked_select = choosing.masked_select
    masked_scatter = choosing.masked_scatter
    nonzero = choosing.nonzero
    argwhere = choosing.argwhere
    nonzero_static = choosing.nonzero_static
    scatter_ = twin(scattering.scatter)
    scatter_add_ = twin(scattering.scatter_add)
    scatter_reduce_ = twin(scattering.scatter_reduce)
    index_add_ = twin(placing.index_add)
    index_copy_ = twin(placing.index_copy)
    index_fill_ = twin(placing.index_fill)
    index_put_ = twin(placing.index_put)
    index_reduce_ = twin(placing.index_reduce)
    put_ = twin(placing.put)
    masked_scatter_ = twin(choosing.masked_scatter)
    fill_diagonal_ = placing.fill_diagonal_

    # Matrices
    matmul = linalg.matmul
    __rmatmul__ = linalg.rmatmul
    mm = linalg.mm
    bmm = linalg.bmm
    mv = linalg.mv
    dot = linalg.dot
    outer = linalg.outer
    ger = products.ger
    vdot = products.vdot
    inner = products.inner
    kron = products.kron
    cross = products.cross
    trace = products.trace
    addmm = products.addmm
    addmv = products.addmv
    addr = products.addr
    addbmm = products.addbmm
    baddbmm = products.baddbmm
    addmm_ = twin(products.addmm)
    addmv_ = twin(products.addmv)
    addr_ = twin(products.addr)
    addbmm_ = twin(products.addbmm)
    baddbmm_ = twin(products.baddbmm)
    inverse = solving.inverse
    det = solving.det
    logdet = solving.logdet
    slogdet = solving.slogdet
    triangular_solve = solving.triangular_solve
    cholesky = factoring.cholesky
    cholesky_inverse = factoring.cholesky_inverse
    cholesky_solve = factoring.cholesky_solve
    lu_solve = factoring.lu_solve
    qr = spectra.qr
    svd = spectra.svd
    pinverse = spectra.pinverse
    matrix_power = matrices.matrix_power
    matrix_exp = matrices.matrix_exp

    # New tensors like this one
    new_tensor = alike.new_tensor
    new_full = alike.new_full
    new_zeros = alike.new_zeros
    new_ones = alike.new_ones
    new_empty = alike.new_empty
    new_empty_strided = alike.new_empty_strided

    # Questions
    is_complex = queries.is_complex
    is_conj = queries.is_conj
    is_inference = queries.is_inference
    is_neg = queries.is_neg
    is_nonzero = queries.is_nonzero
    is_same_size = queries.is_same_size
    is_signed = queries.is_signed
    get_device = queries.get_device

    # Chance
    bernoulli = sampling.bernoulli
    multinomial = sampling.multinomial
    normal_ = sampling.normal_
    uniform_ = sampling.uniform_
    bernoulli_ = sampling.bernoulli_
    exponential_ = sampling.exponential_
    log_normal_ = sampling.log_normal_
    cauchy_ = sampling.cauchy_
    geometric_ = sampling.geometric_
    random_ = sampling.random_

    # In place: the operation, written into this tensor
    add_ = __iadd__ = twin(arithmetic.add)
    sub_ = subtract_ = __isub__ = twin(arithmetic.sub)
    mul_ = multiply_ = __imul__ = twin(arithmetic.mul)
    div_ = divide_ = true_divide_ = __itruediv__ = twin(arithmetic.div)
    floor_divide_ = __ifloordiv__ = twin(arithmetic.floor_divide)
    remainder_ = __imod__ = twin(arithmetic.remainder)
    fmod_ = twin(arithmetic.fmod)
    gcd_ = twin(arithmetic.gcd)
    lcm_ = twin(arithmetic.lcm)
    lerp_ = twin(arithmetic.lerp)
    addcmul_ = twin(arithmetic.addcmul)
    addcdiv_ = twin(arithmetic.addcdiv)
    neg_ = negative_ = twin(rounding.neg)
    abs_ = absolute_ = twin(rounding.abs)
    sign_ = twin(rounding.sign)
    sgn_ = twin(rounding.sgn)
    copysign_ = twin(rounding.copysign)
    floor_ = twin(rounding.floor)
    ceil_ = twin(rounding.ceil)
    trunc_ = fix_ = twin(rounding.trunc)
    round_ = twin(rounding.round)
    frac_ = twin(rounding.frac)
    nextafter_ = twin(rounding.nextafter)
    heaviside_ = twin(rounding.heaviside)
    nan_to_num_ = twin(rounding.nan_to_num)
    pow_ = __ipow__ = twin(elementary.pow)
    float_power_ = twin(elementary.float_power)
    square_ = twin(elementary.square)
    sqrt_ = twin(elementary.sqrt)
    rsqrt_ = twin(elementary.rsqrt)
    reciprocal_ = twin(elementary.reciprocal)
    exp_ = twin(elementary.exp)
    exp2_ = twin(elementary.exp2)
    expm1_ = twin(elementary.expm1)
    ldexp_ = twin(elementary.ldexp)
    log_ = twin(elementary.log)
    log1p_ = twin(elementary.log1p)
    log2_ = twin(elementary.log2)
    log10_ = twin(elementary.log10)
    sigmoid_ = twin(elementary.sigmoid)
    logit_ = twin(elementary.logit)
    tanh_ = twin(elementary.tanh)
    relu_ = twin(elementary.relu)
    sin_ = twin(trigonometry.sin)
    cos_ = twin(trigonometry.cos)
    tan_ = twin(trigonometry.tan)
    asin_ = arcsin_ = twin(trigonometry.asin)
    acos_ = arccos_ = twin(trigonometry.acos)
    atan_ = arctan_ = twin(trigonometry.atan)
    atan2_ = arctan2_ = twin(trigonometry.atan2)
    hypot_ = twin(trigonometry.hypot)
    deg2rad_ = twin(trigonometry.deg2rad)
    rad2deg_ = twin(trigonometry.rad2deg)
    sinh_ = twin(trigonometry.sinh)
    cosh_ = twin(trigonometry.cosh)
    asinh_ = arcsinh_ = twin(trigonometry.asinh)
    acosh_ = arccosh_ = twin(trigonometry.acosh)
    atanh_ = arctanh_ = twin(trigonometry.atanh)
    erf_ = twin(special.erf)
    erfc_ = twin(special.erfc)
    erfinv_ = twin(special.erfinv)
    lgamma_ = twin(special.lgamma)
    digamma_ = twin(special.digamma)
    polygamma_ = twin(special.polygamma_of)
    mvlgamma_ = twin(special.mvlgamma)
    i0_ = twin(special.i0)
    sinc_ = twin(special.sinc)
    xlogy_ = twin(special.xlogy)
    eq_ = twin(comparison.eq)
    ne_ = not_equal_ = twin(comparison.ne)
    lt_ = less_ = twin(comparison.lt)
    le_ = less_equal_ = twin(comparison.le)
    gt_ = greater_ = twin(comparison.gt)
    ge_ = greater_equal_ = twin(comparison.ge)
    logical_and_ = twin(comparison.logical_and)
    logical_or_ = twin(comparison.logical_or)
    logical_xor_ = twin(comparison.logical_xor)
    logical_not_ = twin(comparison.logical_not)
    bitwise_and_ = __iand__ = twin(bitwise.bitwise_and)
    bitwise_or_ = __ior__ = twin(bitwise.bitwise_or)
    bitwise_xor_ = __ixor__ = twin(bitwise.bitwise_xor)
    bitwise_not_ = twin(bitwise.bitwise_not)
    bitwise_left_shift_ = __ilshift__ = twin(bitwise.bitwise_left_shift)
    bitwise_right_shift_ = __irshift__ = twin(bitwise.bitwise_right_shift)
    masked_fill_ = twin(comparison.masked_fill)
    clamp_ = clip_ = twin(comparison.clamp)
    clamp_min_ = twin(comparison.clamp_min)
    clamp_max_ = twin(comparison.clamp_max)
    cumsum_ = twin(scan.cumsum)
    cumprod_ = twin(scan.cumprod)
    renorm_ = twin(norms.renorm)

    # What it is not, and what needs nothing done
    is_cpu = property(queries.is_on_cpu)
    is_sparse = is_sparse_csr = is_quantized = is_meta = is_mkldnn = is_nested = property(queries.never)
    is_xpu = is_mps = is_xla = is_vulkan = is_ipu = is_mtia = is_maia = property(queries.never)
    is_pinned = is_shared = is_distributed = queries.never
    nbytes = property(queries.nbytes)
    pin_memory = queries.pin_memory
    share_memory_ = queries.share_memory_
    to_dense = queries.to_dense
    to_sparse = queries.to_sparse
    bfloat16 = queries.bfloat16
