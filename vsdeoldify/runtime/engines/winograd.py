"""3×3 convolutions with half the products: Winograd's F(4, 3), along the columns of a picture.

Four neighbouring rows of what a 3×3 convolution gives are made of six rows of what it takes. Plainly that
is twelve convolutions of one row each; by S. Winograd's minimal filtering (A. Lavin and S. Gray, "Fast
Algorithms for Convolutional Neural Networks", 2015, section 4.3) six do, of sums of those rows. The sums
cost little beside products with hundreds of channels.

The four rows of every such group lie apart here, as four pictures of a quarter of the height: the phases.
What follows a convolution pixel by pixel is computed on the phases, so that the next convolution finds them
as it needs them; only what something else takes is put together again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROWS = 4
_TO_SUMS = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
"""What becomes of a kernel's three rows: G of the paper."""


@dataclass(frozen=True, slots=True)
class Worthwhile:
    """Which convolutions gain by it: below, the sums, or twice the weights, cost what the products save.

    Attributes:
        products: the least of them, as the convolution plainly takes them.
        channels: the fewest, of its input and of its result.
        positions: the fewest, in a channel of its result.
    """

    products: int = 1_000_000_000
    channels: int = 128
    positions: int = 1_000


def save_products(model: Any, ops: Any, worthwhile: Worthwhile = Worthwhile()) -> int:
    """Compute the large 3×3 convolutions of an OpenVINO model so, in place.

    The results differ from those before by some millionths of the largest.

    Args:
        model: of float32, its shapes known; convolutions of other shapes are left as they are.
        ops: OpenVINO's operations, as `openvino.opset13`.
        worthwhile: which convolutions.

    Returns:
        How many convolutions these were.
    """
    rewriting = _Rewriting(ops, worthwhile)
    for node in model.get_ordered_ops():
        rewriting.take(node)
    if rewriting.convolutions:
        model.validate_nodes_and_infer_types()
    return rewriting.convolutions


class _Rewriting:
    """Goes through a model in the order in which it computes.

    Args:
        ops: OpenVINO's operations.
        worthwhile: which convolutions are large enough.
    """

    def __init__(self, ops: Any, worthwhile: Worthwhile) -> None:
        self._ops = ops
        self._least = worthwhile
        self._phases: dict[str, list[Any]] = {}
        self._whole: dict[str, Any] = {}
        self.convolutions = 0

    def take(self, node: Any) -> None:
        """Compute a node on phases, where that is worth it; else give it whole pictures."""
        ways: dict[str, Callable[[Any], list[Any] | None]] = {
            "Convolution": self._convolution,
            "Relu": self._pointwise,
            "Add": self._pointwise,
            "Multiply": self._pointwise,
        }
        way = ways.get(node.get_type_name())
        phases = None if way is None else way(node)
        if phases is not None:
            key = _key(node.output(0))
            self._phases[key], self._whole[key] = phases, None
            return
        for place in node.inputs():
            key = _key(place.get_source_output())
            if key in self._whole:
                place.replace_source_output(self._put_together(key))

    def _convolution(self, node: Any) -> list[Any] | None:
        source, kernel = (node.input_value(n) for n in (0, 1))
        if kernel.get_node().get_type_name() != "Constant" or not source.get_partial_shape().is_static:
            return None
        given = node.get_attributes()
        if any(number != 1 for number in (*given["strides"], *given["dilations"])):
            return None
        around = [list(given[name]) for name in ("pads_begin", "pads_end")]
        outputs, inputs, *sides = kernel.get_shape()
        if sides == [1, 1] and around == [[0, 0], [0, 0]] and outputs < inputs and self._has(source):
            return [self._convolve(one, kernel.get_node().data, 0) for one in self._parts(source)]
        if sides != [3, 3] or around != [[1, 1], [1, 1]]:
            return None
        pictures, _, height, width = source.get_shape()
        positions = height * width
        found = Worthwhile(9 * inputs * outputs * positions, min(inputs, outputs), positions)
        if height % _ROWS or any(map(operator.lt, astuple(found), astuple(self._least))):
            return None
        self.convolutions += 1
        weights = np.einsum("pk,oikl->poil", _TO_SUMS, kernel.get_node().data.astype(np.float64))
        sums = self._sums(self._parts(source), (pictures, inputs, height // _ROWS, width))
        return self._rows(
            [self._convolve(one, row[:, :, None], 1) for one, row in zip(sums, weights, strict=True)]
        )

    def _pointwise(self, node: Any) -> list[Any] | None:
        """What is computed pixel by pixel, of phases and of numbers for a channel."""
        sources = node.input_values()
        if not any(_key(one) in self._whole for one in sources):
            return None
        columns = []
        for one in sources:
            if self._has(one):
                columns.append(self._parts(one))
            elif one.get_node().get_type_name() == "Constant" and list(one.get_shape())[-2:] in ([], [1, 1]):
                columns.append([one] * _ROWS)
            else:
                return None
        operation = getattr(self._ops, node.get_type_name().lower())
        return [operation(*row).output(0) for row in zip(*columns, strict=True)]

    def _has(self, source: Any) -> bool:
        return _key(source) in self._phases

    def _parts(self, source: Any) -> list[Any]:
        """The four phases of a picture."""
        key = _key(source)
        if key not in self._phases:
            height = source.get_shape()[2]
            self._phases[key] = [self._slice(source, n, height, _ROWS) for n in range(_ROWS)]
        return self._phases[key]

    def _put_together(self, key: str) -> Any:
        """The whole picture of four phases."""
        if self._whole[key] is None:
            nothing = self._numbers(0, 0, 0, 0)
            joined = self._ops.concat(self._phases[key], 0)
            rows = self._numbers(1, 1, _ROWS, 1)
            self._whole[key] = self._ops.batch_to_space(joined, rows, nothing, nothing).output(0)
        return self._whole[key]

    def _sums(self, rows: Sequence[Any], shape: tuple[int, int, int, int]) -> list[Any]:
        """What the six convolutions take, of four rows and their neighbours: Bᵀ of the paper."""
        ops, (first, second, third, fourth) = self._ops, rows
        empty = ops.constant(np.zeros((*shape[:2], 1, shape[3]), np.float32))
        before = ops.concat([empty, self._slice(fourth, 0, shape[2] - 1)], 2)
        after = ops.concat([self._slice(first, 1, shape[2]), empty], 2)
        even, odd = ops.subtract(fourth, self._times(second, 4)), ops.subtract(third, self._times(first, 4))
        near = ops.subtract(fourth, second)
        twice = self._times(ops.subtract(third, first), 2)
        return [
            ops.add(ops.subtract(self._times(before, 4), self._times(second, 5)), fourth),
            ops.add(even, odd),
            ops.subtract(even, odd),
            ops.add(near, twice),
            ops.subtract(near, twice),
            ops.add(ops.subtract(self._times(first, 4), self._times(third, 5)), after),
        ]

    def _rows(self, made: Sequence[Any]) -> list[Any]:
        """The four rows of the result, of what the six convolutions give: Aᵀ of the paper."""
        ops, (m0, m1, m2, m3, m4, m5) = self._ops, made
        near, far = ops.add(m1, m2), ops.add(m3, m4)
        nears, fars = ops.subtract(m1, m2), ops.subtract(m3, m4)
        rows = [
            ops.add(ops.add(m0, near), far),
            ops.add(nears, self._times(fars, 2)),
            ops.add(near, self._times(far, 4)),
            ops.add(ops.add(nears, self._times(fars, 8)), m5),
        ]
        return [row.output(0) for row in rows]

    def _convolve(self, picture: Any, weights: NDArray[np.floating[Any]], around: int) -> Any:
        """A convolution of rows, each by itself."""
        kernel = self._ops.constant(np.ascontiguousarray(weights, np.float32))
        return self._ops.convolution(picture, kernel, [1, 1], [0, around], [0, around], [1, 1]).output(0)

    def _times(self, picture: Any, factor: float) -> Any:
        return self._ops.multiply(picture, self._ops.constant(np.float32(factor)))

    def _slice(self, picture: Any, first: int, end: int, step: int = 1) -> Any:
        """Some rows of a picture."""
        numbers = (self._numbers(number) for number in (first, end, step, 2))
        return self._ops.slice(picture, *numbers).output(0)

    def _numbers(self, *numbers: int) -> Any:
        return self._ops.constant(np.array(numbers, np.int64))


def _key(output: Any) -> str:
    """A name for what a node gives."""
    return f"{output.get_node().get_name()}:{output.get_index()}"
