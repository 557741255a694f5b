"""The filters of one layer as they are applied at every step without a graph.

What depends on the weights alone is done once a batch: their type, their order in memory, and their
turned form, with which the gradient of a layer's input is a convolution too. ReLU is an operation
of its own: those within the convolutions of oneDNN and cuDNN turn what is not a number into zero,
or infinity into the largest number, and an overflow would go unseen.

Shape letters: N examples, W width; an image is [N, W, H, L], channels last.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_ONE = (1, 1)  # stride and dilation


def prepare_filters(weight: Tensor, shape: Sequence[int]) -> Filters:
    """Prepare the filters of a layer for many uses.

    Args:
        weight: [W out, W in, kernel height, kernel length], odd, of the images' type, no graph.
        shape: N, W in, H, L of the images that come; other N work too.
    """
    weight = weight.contiguous(memory_format=torch.channels_last)
    plain = weight.is_cuda or weight.dtype != torch.float32
    if not plain and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return OneDnnFilters(weight, shape)
    return Filters(weight)


class Filters:
    """Any device and type; sum and ReLU happen in the memory of the convolution's result."""

    def __init__(self, weight: Tensor) -> None:
        self.weight, self.padding = weight, _padding(weight)

    def plain(self, image: Tensor) -> Tensor:
        """Convolve."""
        return F.conv2d(image, self.weight, padding=self.padding)

    def add(self, image: Tensor, other: Tensor) -> Tensor:
        """Convolve, then add another image."""
        return self.plain(image).add_(other)

    def relu(self, image: Tensor) -> Tensor:
        """Convolve, then ReLU."""
        return self.plain(image).relu_()

    def add_relu(self, image: Tensor, other: Tensor) -> Tensor:
        """Convolve, add another image, then ReLU."""
        return self.add(image, other).relu_()

    def back(self, gradient: Tensor) -> Tensor:
        """Give the gradient of the layer's input from that of its output, W to W channels."""
        # The input itself is not needed, only its shape, which is the output's.
        return _backward(gradient, gradient, self.weight, [True, False, False])[0]

    def weight_gradient(self, image: Tensor, gradient: Tensor) -> Tensor:
        """Give the gradient of the weights from the layer's input and its output's gradient."""
        return weight_gradient(image, gradient, self.weight)


class OneDnnFilters(Filters):
    """A CPU: oneDNN, with the weights in its own order."""

    def __init__(self, weight: Tensor, shape: Sequence[int]) -> None:
        super().__init__(weight)
        self._shape = list(shape)
        self._packed = self._pack(weight)
        self._turned: Tensor | None = None  # only when there is a way back

    def plain(self, image: Tensor) -> Tensor:
        """Convolve."""
        return self._apply(image, self._packed)

    def add(self, image: Tensor, other: Tensor) -> Tensor:
        """Convolve and add another image in one go."""
        around = (None, self.padding, _ONE, _ONE, 1)
        result: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
            image, other, self._packed, *around, "add", 1.0, None, [], None
        )
        return result

    def back(self, gradient: Tensor) -> Tensor:
        """Give the gradient of the layer's input: a convolution with the turned filters."""
        if self._turned is None:
            turned = self.weight.transpose(0, 1).flip(2, 3)
            self._turned = self._pack(turned.contiguous(memory_format=torch.channels_last))
        return self._apply(gradient, self._turned)

    def _pack(self, weight: Tensor) -> Tensor:
        packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
            weight, self.padding, _ONE, _ONE, 1, self._shape
        )
        return packed

    def _apply(self, image: Tensor, packed: Tensor) -> Tensor:
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(
            image, packed, None, self.padding, _ONE, _ONE, 1, "none", [], ""
        )
        return result


def weight_gradient(image: Tensor, gradient: Tensor, weight: Tensor) -> Tensor:
    """Give the gradient of the weights from a layer's input and its output's gradient."""
    return _backward(image, gradient, weight, [False, True, False])[1]


def cut(gradient: Tensor, image: Tensor) -> Tensor:
    """Give the gradient before a ReLU from that behind it and what came out of it."""
    result: Tensor = torch.ops.aten.threshold_backward(gradient, image, 0)
    return result


def _padding(weight: Tensor) -> tuple[int, int]:
    return weight.shape[2] // 2, weight.shape[3] // 2


def _backward(
    image: Tensor, gradient: Tensor, weight: Tensor, wanted: list[bool]
) -> tuple[Tensor, ...]:
    around = (None, _ONE, _padding(weight), _ONE, False, (0, 0), 1)
    result: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        gradient, image, weight, *around, wanted
    )
    return result
