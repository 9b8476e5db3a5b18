"""Layers, losses and what holds them together: torch's ``nn``."""

from typing import Any

from nanograd.absent import missing as _missing
from nanograd.nn import functional, init, utils
from nanograd.nn.activation import *
from nanograd.nn.attention import MultiheadAttention
from nanograd.nn.cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from nanograd.nn.containers import ModuleDict, ModuleList, Sequential
from nanograd.nn.convolution import *
from nanograd.nn.distance import *
from nanograd.nn.dropout import *
from nanograd.nn.image import *
from nanograd.nn.lazy import *
from nanograd.nn.linear import Bilinear, Identity, Linear
from nanograd.nn.losses import *
from nanograd.nn.module import Module
from nanograd.nn.normalization import *
from nanograd.nn.padding import *
from nanograd.nn.parameter import Buffer, Parameter, UninitializedParameter
from nanograd.nn.parameters import ParameterDict, ParameterList
from nanograd.nn.pooling import *
from nanograd.nn.recurrent import GRU, LSTM, RNN, RNNBase
from nanograd.nn.sparse import Embedding, EmbeddingBag
from nanograd.nn.transformer import (
    Transformer,
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "Conv2d", "CrossEntropyLoss", "Dropout", "ELU", "Embedding", "Flatten", "GELU",
    "GRU", "GRUCell", "LSTM", "LSTMCell", "MultiheadAttention", "RNN", "RNNBase", "RNNCell", "RNNCellBase",
    "Identity", "L1Loss", "LayerNorm", "LeakyReLU", "Linear", "LogSoftmax", "MSELoss", "MaxPool2d", "Module", "ModuleDict",
    "ModuleList", "NLLLoss", "Parameter", "ParameterList", "ReLU", "Sequential", "SiLU", "Sigmoid", "SmoothL1Loss",
    "Softmax", "Softplus", "Tanh", "Transformer", "TransformerDecoder", "TransformerDecoderLayer",
    "TransformerEncoder", "TransformerEncoderLayer", "Unflatten", "functional", "init", "utils",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return _missing("nn", name, __all__)
