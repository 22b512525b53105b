"""Times things that a device does, in turn, so that what disturbs one disturbs the others."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


def in_turn(device: torch.device, *runs: Callable[[], None], rounds: int) -> list[float]:
    """Return the least seconds of each, after a round that warms up."""
    best_s = [float("inf")] * len(runs)
    for round_number in range(rounds + 1):
        for place, run in enumerate(runs):
            wait_for(device)
            began_s = time.perf_counter()
            run()
            wait_for(device)
            if round_number:
                best_s[place] = min(best_s[place], time.perf_counter() - began_s)
    return best_s


def wait_for(device: torch.device) -> None:
    """Wait until the device has done all that it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
