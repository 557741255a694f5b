"""Winograd's convolution for a CPU: the same sums with fewer products.

Two neighbouring outputs of a filter of length three need six products; from sums of the inputs and
of the filter they need four (Lavin and Gray 2016, F(2, 3)). In two dimensions 36 become 16. The
sums cost time too, so that it pays for wide layers only. Its rounding is no worse than that of the
plain form: the coefficients are 1 and 1/2, and each product's sum has fewer terms.

Shape letters: N examples, W channels, I by J tiles of two by two pixels (H/2 by L/2, rounded up).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from deltaloss.filters import OneDnnFilters

_PIXEL = ((0, 0), (1, 1), (1, 1), 1)  # padding, stride, dilation, groups of a matrix product
POINTS = 4  # products for two outputs, in each dimension
_OF_FILTER = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))


class WinogradFilters(OneDnnFilters):
    """Filters of a wide layer; the products of all tiles are matrix products of oneDNN."""

    def _pack(self, weight: Tensor) -> list[Tensor]:  # type: ignore[override]
        """Turn filters [W out, W in, height, length] into a matrix for each point."""
        outputs, inputs, height, length = weight.shape
        matrix = torch.tensor(_OF_FILTER, dtype=weight.dtype)
        if height > 1:
            matrix = torch.kron(matrix, matrix)
        # Along the length first, as the tiles' points are ordered in `_convolve`.
        taps = weight.permute(3, 2, 0, 1).reshape(height * length, -1)
        tiles = self._shape[0] * _half(self._shape[2]) * _half(self._shape[3])
        return [
            torch.ops.mkldnn._reorder_convolution_weight(
                point.contiguous(memory_format=torch.channels_last), *_PIXEL, [1, inputs, tiles, 1]
            )
            for point in (matrix @ taps).view(-1, outputs, inputs, 1, 1)
        ]

    def _apply(self, image: Tensor, packed: Any, last: str) -> Tensor:
        result = self._convolve(image, packed)
        return result.relu_() if last == "relu" else result

    def _apply_and_add(self, image: Tensor, other: Tensor, last: str | None) -> Tensor:
        result = self._convolve(image, self._packed).add_(other)
        return result.relu_() if last == "relu" else result

    def _convolve(self, image: Tensor, packed: Any) -> Tensor:
        """Map [N, W in, H, L] to [N, W out, H, L]."""
        count, channels, height, length = image.shape
        flat = self.padding[0] == 0
        rows, columns = height if flat else _half(height), _half(length)
        top, high = (0, rows) if flat else (1, 2 * rows + 2)
        padded = image.new_zeros(count, high, 2 * columns + 2, channels)
        padded[:, top : top + height, 1 : 1 + length] = image.permute(0, 2, 3, 1)
        spread = _spread(padded if flat else _spread(padded, 1, rows), -2, columns)
        tiles = spread.reshape(len(packed), -1, channels)
        products = [
            _multiply(*pair).view(count, rows, columns, -1)
            for pair in zip(tiles, packed, strict=True)
        ]
        between = len(products) // POINTS  # from one point of the length to the next
        lines = [_gather(products[first::between], 2) for first in range(between)]
        whole = lines[0] if flat else _gather(lines, 1)
        return whole[:, :height, :length].permute(0, 3, 1, 2)


def _spread(image: Tensor, axis: int, tiles: int) -> Tensor:
    """Give the sums of each tile's four inputs along an axis; the sums are a new first axis."""
    end = 2 * tiles - 1  # the last tile's first input, and one more
    inputs = [_every_second(image, axis, start, start + end) for start in range(POINTS)]
    sums = image.new_empty(POINTS, *inputs[0].shape)
    torch.sub(inputs[0], inputs[2], out=sums[0])
    torch.add(inputs[1], inputs[2], out=sums[1])
    torch.sub(inputs[2], inputs[1], out=sums[2])
    torch.sub(inputs[1], inputs[3], out=sums[3])
    return sums


def _gather(points: Sequence[Tensor], axis: int) -> Tensor:
    """Give each tile's two outputs along an axis from its four products."""
    shape = list(points[0].shape)
    shape[axis] *= 2
    outputs = points[0].new_empty(shape)
    first, second = (_every_second(outputs, axis, start, shape[axis]) for start in (0, 1))
    torch.add(points[0], points[1], out=first).add_(points[2])
    torch.sub(points[1], points[2], out=second).sub_(points[3])
    return outputs


def _multiply(tiles: Tensor, packed: Tensor) -> Tensor:
    """Multiply tiles [tiles, W in] with a packed matrix: a convolution of one pixel."""
    image = tiles.t().unsqueeze(0).unsqueeze(3)
    product: Tensor = torch.ops.mkldnn._convolution_pointwise(
        image, packed, None, *_PIXEL, "none", [], ""
    )
    return product.squeeze(3).squeeze(0).t()


def _every_second(image: Tensor, axis: int, start: int, end: int) -> Tensor:
    places = [slice(None)] * image.dim()
    places[axis] = slice(start, end, 2)
    return image[tuple(places)]


def _half(size: int) -> int:
    return (size + 1) // 2
