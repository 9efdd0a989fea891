"""Settings that a user's script makes for the whole thread must not reach the networks.

Colours may not depend on `torch.autocast`, `torch.set_default_device`, `torch.set_grad_enabled` or
`numpy.seterr` of the script that calls. All of these belong to the thread and are put aside while a network
works. What belongs to the process, such as torch's default dtype, is never changed, for other threads would
see it; there, our code names the format and the device of everything it makes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch


@contextmanager
def undisturbed(device: torch.device, *, inference: bool = True) -> Iterator[None]:
    """Put this thread's settings of torch and numpy aside for the block.

    Args:
        device: where the block computes.
        inference: compute in torch's inference mode. Otherwise without gradients only, which tracing and what
            is to outlive the block need.
    """
    with ExitStack() as stack:
        stack.enter_context(np.errstate(all="ignore"))
        stack.enter_context(torch.inference_mode(inference))
        stack.enter_context(torch.no_grad())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        # The CPU's part of the work is there on every device.
        for kind in {device.type, "cpu"}:
            if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield
