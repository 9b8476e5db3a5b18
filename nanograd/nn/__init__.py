"""Layers, losses and what holds them together: torch's ``nn``."""

import sys as _sys
from typing import Any

from nanograd.absent import missing as _missing
from nanograd.nn import functional, init, utils
from nanograd.nn.activation import *
from nanograd.nn.attention import MultiheadAttention
from nanograd.nn.batchnorm import *
from nanograd.nn.cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from nanograd.nn.containers import ModuleDict, ModuleList, Sequential
from nanograd.nn.convolution import *
from nanograd.nn.distance import *
from nanograd.nn.dropout import *
from nanograd.nn.image import *
from nanograd.nn.lazy import *
from nanograd.nn.linear import Bilinear, Identity, Linear
from nanograd.nn.losses import *
from nanograd.nn.margins import *
from nanograd.nn.module import Module
from nanograd.nn.normalization import *
from nanograd.nn.padding import *
from nanograd.nn.parallel import DataParallel
from nanograd.nn.parameter import Buffer, Parameter, UninitializedParameter
from nanograd.nn.parameters import ParameterDict, ParameterList
from nanograd.nn.pooling import *
from nanograd.nn.recurrent import GRU, LSTM, RNN, RNNBase
from nanograd.nn.softmax import *
from nanograd.nn.sparse import Embedding, EmbeddingBag
from nanograd.nn.transformer import (
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from nanograd.ops.refusing import guard as _guard

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AlphaDropout", "AvgPool1d", "AvgPool2d", "AvgPool3d", "BCELoss", "BCEWithLogitsLoss",
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "Bilinear", "Buffer", "CELU", "CTCLoss", "ChannelShuffle",
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d", "Conv1d",
    "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "CosineEmbeddingLoss",
    "CosineSimilarity", "CrossEntropyLoss", "DataParallel", "Dropout", "Dropout1d", "Dropout2d",
    "Dropout3d", "ELU", "Embedding", "EmbeddingBag", "FeatureAlphaDropout", "Flatten", "Fold", "FractionalMaxPool2d",
    "FractionalMaxPool3d", "GELU",
    "GLU", "GRU", "GRUCell", "GaussianNLLLoss", "GroupNorm", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
    "HingeEmbeddingLoss", "HuberLoss", "Identity", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "KLDivLoss",
    "L1Loss", "LPPool1d", "LPPool2d", "LPPool3d", "LSTM", "LSTMCell", "LayerNorm", "LazyBatchNorm1d", "LazyBatchNorm2d",
    "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d",
    "LazyConvTranspose3d", "LazyLinear", "LazyModule", "LeakyReLU", "Linear", "LocalResponseNorm", "LogSigmoid",
    "LogSoftmax", "MSELoss", "MarginRankingLoss", "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d",
    "MaxUnpool3d", "Mish", "Module", "ModuleDict", "ModuleList", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss",
    "MultiMarginLoss", "MultiheadAttention", "NLLLoss", "PReLU", "PairwiseDistance", "Parameter", "ParameterDict",
    "ParameterList", "PixelShuffle", "PixelUnshuffle", "PoissonNLLLoss", "RMSNorm", "RNN", "RNNBase", "RNNCell",
    "RNNCellBase", "RReLU", "ReLU", "ReLU6", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d",
    "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "SELU", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss",
    "SoftMarginLoss", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
    "Threshold", "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
    "TransformerEncoderLayer", "TripletMarginLoss", "TripletMarginWithDistanceLoss", "Unflatten", "Unfold",
    "UninitializedParameter", "Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", "ZeroPad1d", "ZeroPad2d",
    "ZeroPad3d", "functional", "init", "utils",
]  # fmt: skip
# What torch.nn.modules has besides: bases that programs ask for with isinstance, and sizes for each dimension.
from nanograd.nn.batchnorm import _BatchNorm as _BatchNorm  # isort: skip
from nanograd.nn.convolution import _ConvNd as _ConvNd  # isort: skip
from nanograd.nn.losses import _Loss as _Loss  # isort: skip

_single, _pair, _triple = (lambda x, n=n: tuple(x) if isinstance(x, (list, tuple)) else (x,) * n for n in (1, 2, 3))

_guard(globals(), __all__)


def __getattr__(name: str) -> Any:
    if name == "modules":  # torch.nn.modules.linear is nanograd.nn.linear
        return _sys.modules[__name__]
    return _missing("nn", name, __all__)
