"""The generator of speaking lips as one network, in the paper's way and in the compact one.

Compact: the speech moves the mouth's points, and the photo follows them. The shape of a mouth is a few numbers: how far its 20 points are
from the usual mouth along the directions in which the mouths of the training data vary most. The listener imagines from the speech where
the mouth is heard to be, a small network tells where it is in the photo, whether it is open there or closed, and the painter turns
the difference into frames. Training can therefore show the painter the true points, and the listener the points without any picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avdemo.lips.config import POINTS, LipsConfig
from avdemo.lips.generators import Painter, PaperGenerator
from avdemo.lips.hearing import Listeners, PaperListener
from avdemo.lips.seeing import PointFinder


class Shapes(nn.Module):
    """Mouth points <-> a few numbers, each of spread 1 in the training data; the directions are set from it, not learnt."""

    def __init__(self, config: LipsConfig):
        super().__init__()
        self.size = config.size
        basis = torch.eye(2 * POINTS)[: config.generator.shapes] / config.size
        self.register_buffer(
            "basis", basis
        )  # (K, 40): orthogonal rows; each is what a number of 1 moves the points by, shares of the side
        self.register_buffer("usual", torch.zeros(2 * POINTS))  # the mean mouth about its own middle, shares of the side

    def numbers(self, way: Tensor) -> Tensor:
        """How far points have moved, (..., 20, 2) pixels -> (..., K)."""
        basis = self.basis / self.basis.square().sum(1, keepdim=True)
        return (way.flatten(-2) / self.size) @ basis.T

    def way(self, numbers: Tensor) -> Tensor:
        """Inverse of :meth:`numbers` but for what the few directions leave out, (..., K) -> (..., 20, 2) pixels."""
        return ((numbers @ self.basis) * self.size).unflatten(-1, (POINTS, 2))

    def state(self, points: Tensor) -> Tensor:
        """The shape of a mouth wherever it is in its crop, (..., 20, 2) pixels -> (..., K)."""
        middled = points - points.mean(-2, keepdim=True)
        return self.numbers(middled - self.usual.view(POINTS, 2) * self.size)


class Imagination(nn.Module):
    """From speech and the photo's mouth to where the mouth moves: everything about motion, nothing about pixels."""

    def __init__(self, config: LipsConfig):
        super().__init__()
        made = config.generator
        self.listeners, self.listener = made.listeners, Listeners(config)
        self.motion = nn.Conv1d(made.heard, made.listeners * made.shapes, 1, groups=made.listeners)
        self.rest = nn.Sequential(nn.Linear(made.shapes, 32), nn.Tanh(), nn.Linear(32, made.shapes))
        for layer in (self.motion, self.rest[2]):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    def moved(self, heard: Tensor) -> Tensor:
        """Heard features (N, C, T) -> how each listener says that the mouth moves about its rest, (N, listeners, K, T)."""
        return self.motion(heard).unflatten(1, (self.listeners, -1))

    def still(self, state: Tensor) -> Tensor:
        """The photo's state (N, K) -> how far its mouth is from the same mouth at rest, (N, K)."""
        return state + self.rest(state)

    def forward(self, speech: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Speech (N, 1 + mels, columns), the photo's state (N, K) -> shift from the photo's shape (N, K, T), heard (N, C, T)."""
        heard = self.listener(speech)
        return self.moved(heard).mean(1) - self.still(state).unsqueeze(2), heard


class Lips(nn.Module):
    """A photo of lips and speech to video."""

    def __init__(self, config: LipsConfig):
        super().__init__()
        self.config = config
        self.is_compact = config.generator.style == "compact"
        if self.is_compact:
            self.shapes, self.finder, self.imagination, self.painter = (
                Shapes(config),
                PointFinder(config),
                Imagination(config),
                Painter(config),
            )
        else:
            self.listener, self.generator = PaperListener(config), PaperGenerator(config)

    def hear(self, speech: Tensor) -> Tensor:
        """(N, 1 + mels, columns) -> features over time (N, C, T), for the correlation loss."""
        return self.imagination.listener(speech) if self.is_compact else self.listener(speech).mean(3)

    def look(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        """Photo (N, 3, S, S) in [-1, 1] -> its mouth points (N, 20, 2) in pixels and their state (N, K); compact only."""
        points = self.finder(photo)
        return points, self.shapes.state(points)

    def forward(
        self, photo: Tensor, speech: Tensor, shift: Tensor | None = None, lively: float = 1.0, chosen: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Generate a window: what is imagined from the speech, or what ``shift`` says where it is not NaN.

        Args:
            photo: (N, 3, S, S) in [-1, 1].
            speech: (N, 1 + mels, columns) of :func:`avdemo.lips.hearing.with_known`.
            shift: (N, K, T), how far the mouth's shape shall be from the photo's; compact only.
            lively: how far the mouth moves about its rest, 1 as imagined; compact only.
            chosen: (N, fewer), the numbers of the frames to paint, and nothing is returned of the others; compact only.

        Returns:
            video (N, 3, T, S, S) in [-1, 1]; features of the speech (N, C, T); the imagined shift (N, K, T), None in the paper's way.
        """
        if not self.is_compact:
            heard = self.listener(speech)
            return self.generator(photo, heard), heard.mean(3), None
        with torch.no_grad():
            own, state = self.look(photo)
        imagined, heard = self.imagination(speech, state)
        if lively != 1.0:
            imagined = imagined + (lively - 1) * self.imagination.moved(heard).mean(1)
        if chosen is not None:
            imagined, heard = (x.gather(2, chosen.unsqueeze(1).expand(-1, x.shape[1], -1)) for x in (imagined, heard))
        painted = imagined if shift is None else torch.where(shift.isnan(), imagined, shift)
        points = own.unsqueeze(1) + self.shapes.way(painted.transpose(1, 2))
        return self.painter(photo, painted, state, heard, points), heard, imagined

    def train(self, mode: bool = True) -> Lips:
        super().train(mode)
        if self.is_compact:
            self.finder.train(False)  # it was taught before, and is only looked through
        return self
