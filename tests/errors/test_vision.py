"""The documented errors of transforms of images, and of the overview of a model."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import nanograd as torch
from nanograd import overview
from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.vision import picture, transforms, utils
from nanograd.vision.transforms import functional as F

from .case import Case

IMAGE = torch.rand(3, 4, 5)
BYTES = (IMAGE * 255).byte()
FLAT = np.zeros(4, np.uint8)
STATISTICS = (0.5, 0.5, 0.5)


def without_pillow(act: Any) -> Any:
    """``act`` as if Pillow were not installed."""

    def call() -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("PIL", "PIL.Image"):
                patch.setitem(sys.modules, name, None)
            picture.find_pillow.cache_clear()
            try:
                act()
            finally:
                picture.find_pillow.cache_clear()

    return call


def unequal(*sizes: int) -> Any:
    return F.perspective(IMAGE, [[0, 0]] * sizes[0], [[0, 0]] * sizes[1])


CONVERSIONS = [
    Case("vision.transforms.functional.to_tensor", TypeError, lambda: F.to_tensor([1]), r"^ToTensor:.*list"),
    Case("vision.transforms.functional.to_tensor", TypeError, lambda: F.to_tensor(IMAGE), r"tensor.*needs no ToTensor"),
    Case("vision.transforms.functional.to_tensor", ShapeError, lambda: F.to_tensor(FLAT), r"2/3.*Got 1 dim"),
    Case("vision.transforms.ToTensor.__call__", TypeError, lambda: transforms.ToTensor()("a.png"),
         r"PIL Image or ndarray.*str"),
    Case("vision.transforms.ToTensor.__call__", ShapeError, lambda: transforms.ToTensor()(FLAT), r"2/3.*Got 1 dim"),
    Case("vision.transforms.PILToTensor.__call__", TypeError, lambda: transforms.PILToTensor()("a.png"),
         r"PIL Image or ndarray.*str"),
    Case("vision.transforms.PILToTensor.__call__", ShapeError, lambda: transforms.PILToTensor()(FLAT),
         r"2/3.*Got 1 dim"),
    Case("vision.transforms.functional.to_pil_image", MissingError, without_pillow(lambda: F.to_pil_image(BYTES)),
         r"ToPILImage.*needs Pillow.*pip install"),
    Case("vision.transforms.functional.to_pil_image", TypeError, lambda: F.to_pil_image([1]),
         r"Tensor or ndarray.*list"),
    Case("vision.transforms.functional.to_pil_image", ShapeError, lambda: F.to_pil_image(FLAT), r"2/3.*1 dim"),
    Case("vision.transforms.ToPILImage.__call__", MissingError, without_pillow(lambda: transforms.ToPILImage()(BYTES)),
         r"ToPILImage.*needs Pillow.*pip install"),
    *(Case("vision.transforms.functional.convert_image_dtype", DTypeError,
           lambda source=source, target=target: F.convert_image_dtype(IMAGE.to(source), target), rf"{source}.*{target}")
      for source, target in [(torch.float32, torch.int32), (torch.float32, torch.int64), (torch.float64, torch.int64)]),
]  # fmt: skip

VALUES = [
    *(Case(name, error, lambda act=act, image=image, std=std: act(image, std), words)
      for name, act in [
          ("vision.transforms.functional.normalize", lambda image, std: F.normalize(image, STATISTICS, std)),
          ("vision.transforms.Normalize", lambda image, std: transforms.Normalize(STATISTICS, std)(image)),
      ]
      for error, image, std, words in [
          (ValueError, IMAGE, (1.0, 0.0, 1.0), r"^Normalize: std.*zero.*0\.0"),
          (DTypeError, BYTES, STATISTICS, r"^Normalize:.*uint8"),
          (ShapeError, IMAGE[:2], STATISTICS, r"^Normalize: mean has 3 values.*\(2, 4, 5\)"),
      ]),
    Case("vision.transforms.functional.rgb_to_grayscale", ValueError, lambda: F.rgb_to_grayscale(IMAGE, 2),
         r"1 or 3, got 2"),
    Case("vision.transforms.functional.adjust_hue", ValueError, lambda: F.adjust_hue(IMAGE, 0.7),
         r"0\.7.*\[-0\.5, 0\.5\]"),
    Case("vision.transforms.functional.adjust_gamma", ValueError, lambda: F.adjust_gamma(IMAGE, -1.0), r"[Gg]amma.*-1"),
    Case("vision.transforms.functional.posterize", DTypeError, lambda: F.posterize(IMAGE, 2),
         r"^posterize:.*uint8.*float32", "uint8"),
    Case("vision.transforms.functional.posterize", DTypeError, lambda: F.posterize(BYTES, 9), r"0 to 8 bits.*9",
         "bits"),
    Case("vision.transforms.functional.solarize", DTypeError, lambda: F.solarize(IMAGE, 2.0), r"2\.0 of 1"),
    Case("vision.transforms.functional.equalize", DTypeError, lambda: F.equalize(IMAGE), r"uint8.*float32"),
]  # fmt: skip

SHAPES = [
    Case("vision.transforms.Resize", TypeError, lambda: transforms.Resize("big"), r"[Ss]ize.*str"),
    Case("vision.transforms.Resize", ValueError, lambda: transforms.Resize((1, 2, 3)),
         r"1 or 2 values, got \(1, 2, 3\)"),
    Case("vision.transforms.Pad", ValueError, lambda: transforms.Pad(1, padding_mode="mirror"), r"'mirror'"),
    Case("vision.transforms.functional.pad", ValueError, lambda: F.pad(IMAGE, 1, padding_mode="mirror"), r"'mirror'"),
    Case("vision.transforms.RandomCrop", ShapeError, lambda: transforms.RandomCrop(6)(IMAGE), r"\(6, 6\).*\(4, 5\)"),
    Case("vision.transforms.functional.crop", ShapeError, lambda: F.crop(IMAGE, 0, 0, 0, 2), r"crop:.*0 and 2"),
    Case("vision.transforms.functional.five_crop", ShapeError, lambda: F.five_crop(IMAGE, 6), r"\(6, 6\).*\(4, 5\)"),
    Case("vision.transforms.RandomAffine", ValueError, lambda: transforms.RandomAffine(0, translate=(0.5, 2.0)),
         r"translat.*\(0\.5, 2\.0\)"),
    Case("vision.transforms.functional.affine", ValueError, lambda: F.affine(IMAGE, 0, [1], 1.0, [0.0]),
         r"translate.*\[1\]|translate.*2"),
    Case("vision.transforms.functional.affine", ValueError, lambda: F.affine(IMAGE, 0, [1, 1], 1.0, [0.0] * 3),
         r"[Ss]hear.*\[0\.0, 0\.0, 0\.0\]|[Ss]hear"),
    Case("vision.transforms.functional.rotate", ValueError, lambda: F.rotate(IMAGE, 10, center=[1]),
         r"center.*length 2"),
    Case("vision.transforms.functional.perspective", ValueError, lambda: unequal(4, 3), r"four points"),
    Case("vision.transforms.GaussianBlur", ValueError, lambda: transforms.GaussianBlur(2), r"odd.*2", "odd"),
    Case("vision.transforms.GaussianBlur", ValueError, lambda: transforms.GaussianBlur(3, 0.0), r"sigma.*0", "sigma"),
    Case("vision.transforms.functional.gaussian_blur", ValueError, lambda: F.gaussian_blur(IMAGE, 2), r"odd.*2", "odd"),
    Case("vision.transforms.functional.gaussian_blur", ValueError, lambda: F.gaussian_blur(IMAGE, 3, -1.0),
         r"sigma.*-1",
         "sigma"),
    Case("vision.transforms.functional.gaussian_blur", ShapeError, lambda: F.gaussian_blur(IMAGE, 11), r"4 by 5.*11"),
    Case("vision.utils.make_grid", TypeError, lambda: utils.make_grid("image"), r"^make_grid:.*str"),
    Case("vision.utils.make_grid", TypeError, lambda: utils.make_grid([]), r"^make_grid:.*empty list"),
    Case("vision.utils.make_grid", ShapeError, lambda: utils.make_grid(torch.ones(2)), r"^make_grid:.*\(2,\)"),
    Case("overview.summary", TypeError, lambda: overview.summary(IMAGE), r"^summary:.*Module.*Tensor"),
]  # fmt: skip

CASES = [*CONVERSIONS, *VALUES, *SHAPES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_documented_error(case: Case) -> None:
    case.check()
