"""What the frame loop asks of a model, the same for every architecture.

A model is a `torch.nn.Module` that knows two things: what to compute once per frame (`encode`) and
how to make the in-between frames of one window (`forward`). Padding, tiling, precision, recursion
to midpoints and batching belong to the engine.

An architecture module `blender_vfi.models.<architecture>` also offers three functions, through
which `loading` reaches it without knowing it (see `ArchitectureModule`). Never import bpy here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from ..errors import FrameError

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of every tensor of a checkpoint, by key."""


@dataclass(frozen=True, slots=True)
class Interpolation:
    """In-between frames of one window, and the motion they were made with.

    Attributes:
        frames: (T, 3, H, W) float in [0, 1], one per timestep, in the order asked for.
        flow_t0: (T, 2, H, W) float, pixels; where frame t looks in frame0 (channel 0 is x,
            rightwards). None for models that yield pictures only, as are the next two.
        flow_t1: (T, 2, H, W) float, pixels; likewise into frame1.
        mask: (T, 1, H, W) float in [0, 1], the weight of frame0; frame1 has 1 - mask.
    """

    frames: Tensor
    flow_t0: Tensor | None = None
    flow_t1: Tensor | None = None
    mask: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """Settings that trade speed for quality; a model ignores what it has no use for.

    Attributes:
        flow_scale: resolution at which motion is searched, relative to the frame, 0.25 to 4:
            0.5 suits 4K and large motion, 2 suits small frames.
        ensemble: average the motion found forwards and backwards in time; twice the work.
        seed: what models that draw noise start from; the same seed makes the same frames.
        picture_size: height and width of the picture within the padding, at its upper left; None
            where nothing is padded. The engine sets it, for models that leave padding out.
    """

    flow_scale: float = 1.0
    ensemble: bool = False
    seed: int = 0
    picture_size: tuple[int, int] | None = None


class InterpolationModel(nn.Module):
    """Base of every architecture's public module."""

    def encode(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Compute what depends on one frame alone, for its two pairs and all timesteps to share.

        Args:
            frame: (1, 3, H, W) float in [0, 1], sides already padded.

        Returns:
            Opaque tensors to hand back to `forward`; empty where a model has nothing to reuse.
        """
        return ()

    def forward(
        self,
        frames: Sequence[Tensor],
        features: Sequence[tuple[Tensor, ...]],
        timesteps: Sequence[float],
        quality: Quality,
    ) -> Interpolation:
        """Make the in-between frames of one window.

        Args:
            frames: the window, each (1, 3, H, W) float in [0, 1], sides already padded; two
                frames, or four for models with a context of four (then between the middle two).
            features: `encode(frame)` of each of them.
            timesteps: strictly inside (0, 1), in any order; all are computed as one batch.
            quality: speed against quality.

        Returns:
            As many frames as timesteps, the padded size.
        """
        raise NotImplementedError


def check_sides(size: Sequence[int], multiple: int, family: str) -> None:
    """Make sure that padding has made both sides of a frame what an architecture needs.

    Args:
        size: height and width in pixels.
        multiple: what both must be a multiple of.
        family: what the architecture is called in messages.

    Raises:
        FrameError: a side is not.
    """
    height, width = size
    if height % multiple or width % multiple:
        raise FrameError(
            f"The padded frame is {width}×{height}: {family} needs sides that are multiples of "
            f"{multiple}; pad it at the right and at the bottom."
        )


class ArchitectureModule(Protocol):
    """What every file `blender_vfi/models/<architecture>.py` offers at module level."""

    def normalise_state_dict(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Drop training-only tensors and wrapper prefixes; rename keys to our module's."""

    def identify(self, shapes: Shapes) -> str | None:
        """Name the variant that normalised `shapes` belong to; None if of another architecture.

        Raises:
            CheckpointError: it looks like this architecture, but no variant or more than one
                fits; the message says which shapes decided.
        """

    def build(self, variant: str) -> InterpolationModel:
        """Construct the module of `variant` without I/O, in evaluation mode."""
