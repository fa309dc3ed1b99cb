"""A generator in training: network, discriminator, correlator, and the frozen networks that it is taught through, in one step for all.

All players' losses are added and walked back once. The discriminator judges generated frames twice: detached from the generator for its
own loss, and with its own weights detached for the generator's; so does the correlator.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from avdemo.backbones.imagenet_taps import ImageNetTaps
from avdemo.lips import objective
from avdemo.lips.config import LipsConfig, Switches
from avdemo.lips.critics import Correlator, Critic, SyncExpert
from avdemo.lips.network import Lips

VIEW_TAPS = {1: 16, 3: 24, 6: 32}  # of MobileNetV2, for the perceptual loss: at a half, a quarter, an eighth of the size
VIEWED = 4  # one frame in so many is looked at by the perceptual loss, drawn anew in each step


class Studio(nn.Module):
    """Returns the sum of all losses and its parts.

    Args:
        taught: share of the windows that are painted from the true mouth points; all others are imagined.
        expert: for synchrony, needed by that switch.
        view: weights of a MobileNetV2's features, needed by a perceptual loss of "imagenet".

    Raises:
        ValueError: a switch needs what is not given, or asks for what the configuration has not.
    """

    def __init__(
        self, config: LipsConfig, switches: Switches, weights: objective.Weights, taught: float, *, expert: SyncExpert | None = None,
        view: Mapping[str, Tensor] | None = None,
    ):  # fmt: skip
        super().__init__()
        self.switches, self.weights, self.size = switches, weights, config.size
        self.network = Lips(config)
        if not self.network.is_compact and (switches.landmarks or switches.teacher):
            raise ValueError("the paper's generator knows no mouth points: landmarks=False and teacher=False")
        self.taught = taught if switches.teacher else 0.0
        self.critic = Critic(config, switches) if switches.adversarial else None
        self.correlator = Correlator(config, plain=switches.correlation == "plain") if switches.correlation else None
        self.expert: SyncExpert | None = None
        if switches.sync:
            if expert is None:
                raise ValueError("the loss of synchrony needs an expert that was trained before, or sync=False")
            self.expert = expert.requires_grad_(False)
        self.view: ImageNetTaps | None = None
        if switches.perceptual == "imagenet":
            if view is None:
                raise ValueError('a perceptual loss of "imagenet" needs MobileNetV2\'s weights, or another choice')
            self.view = ImageNetTaps(VIEW_TAPS)
            self.view.load(view)
        if self.network.is_compact:
            self.network.finder.requires_grad_(False)

    def train(self, mode: bool = True) -> Studio:
        super().train(mode)
        if self.expert is not None:
            self.expert.train(False)
        return self

    def forward(
        self, photo: Tensor, video: Tensor, points: Tensor, speech: Tensor, other: Tensor | None = None, chosen: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
        """One step.

        Args:
            photo: (N, 3, S, S) in [-1, 1].
            video: (N, 3, T, S, S), the true frames.
            points: (N, T, 20, 2), their mouth points in pixels, NaN where unknown.
            speech, other: (N, 1 + mels, columns), their own speech and another clip's, for those who judge.
            chosen: (N, T), which frames of the window ``video`` and ``points`` are, where they are not all; only without those who judge.
        """
        on, weights, losses = self.switches, self.weights, {}
        own = shift = wanted = None
        taught = round(self.taught * len(photo))
        if self.network.is_compact:
            points = self._known(points, video)
            with torch.no_grad():
                own, _ = self.network.look(photo)
                shift = self.network.shapes.numbers(points - own.unsqueeze(1)).transpose(1, 2)
                shift[taught:] = torch.nan
        made, heard, imagined = self.network(photo, speech, shift, chosen=chosen)
        if on.landmarks:
            imagined_points = own.unsqueeze(1) + self.network.shapes.way(imagined.transpose(1, 2))
            wanted = torch.cat([points[:taught], imagined_points[taught:].detach()])
            asked = torch.ones(points.shape[:2], device=points.device)
            losses["motion"] = weights.motion * objective.motion_loss(imagined_points, points, asked, self.size)[0].mean()
            losses["landmarks"] = weights.landmarks * self._landmarks(made, wanted)
        compared = slice(0, taught or None)  # frames that nobody can know are not compared with the true ones
        self._compare(made[compared], video[compared], points[compared], losses)
        if self.critic is not None:
            self._judge(made, video, speech, other, compared, losses)
        if self.correlator is not None:
            self._correlate(made, video, heard, other, losses)
        if self.expert is not None:
            losses["sync"] = weights.sync * objective.sync_loss(self.expert.see(made), self.expert.hear(speech))
        return sum(losses.values()), {name: value.detach() for name, value in losses.items()}

    def _known(self, points: Tensor, video: Tensor) -> Tensor:
        """Points, found in the true frames where nobody gave any."""
        unknown = points.isnan()
        if not unknown.any():
            return points
        with torch.no_grad():
            found = self.network.finder(_frames(video)).view_as(points)
        return torch.where(unknown, found, points)

    def _landmarks(self, made: Tensor, wanted: Tensor) -> Tensor:
        """On every other frame, from the first or the second on."""
        first = int(torch.randint(2, ()))
        found = self.network.finder(_frames(made[:, :, first::2]))
        return objective.landmark_loss(found, wanted[:, first::2].flatten(0, 1), self.size)

    def _compare(self, made: Tensor, true: Tensor, points: Tensor, losses: dict[str, Tensor]) -> None:
        """The losses against the true frames."""
        if self.switches.pixel:
            weight = objective.mouth_weights(points.flatten(0, 1), self.size) if self.network.is_compact else None
            losses["pixel"] = self.weights.pixel * objective.pixel_loss(_frames(made), _frames(true), weight)
        if self.view is not None:
            some = torch.randperm(made.shape[2])[: max(1, made.shape[2] // VIEWED)]
            with torch.no_grad():
                known = self.view.maps(_frames(true[:, :, some]))
            seen = self.view.maps(_frames(made[:, :, some]))
            losses["perceptual"] = self.weights.perceptual * objective.feature_loss(seen, known)

    def _judge(
        self, made: Tensor, true: Tensor, speech: Tensor, other: Tensor, compared: slice, losses: dict[str, Tensor]
    ) -> None:  # fmt: skip
        """The discriminator's loss, the generator's against it, and its middle layers as a perceptual loss."""
        critic, hinge = self.critic, self.switches.hinge
        seen, known = critic.look(true)
        fake, _ = critic.look(made.detach())
        losses["critic"] = objective.critic_loss(
            critic.answer(seen, speech), critic.answer(fake, speech), critic.answer(seen, other), hinge=hinge
        )  # fmt: skip
        scores, middle = _frozen(_Judgement(critic), made, speech)
        losses["generator"] = self.weights.adversarial * objective.generator_loss(scores, hinge=hinge)
        if self.switches.perceptual == "critic":
            pairs = [one[compared] for one in middle], [one[compared].detach() for one in known]
            losses["perceptual"] = self.weights.perceptual * objective.feature_loss(*pairs)

    def _correlate(self, made: Tensor, true: Tensor, heard: Tensor, other: Tensor, losses: dict[str, Tensor]) -> None:
        """The correlator's own loss on the true frames, and the generator's against it."""
        correlator = self.correlator
        with torch.no_grad():
            foreign = self.network.hear(other)
        sight = correlator.see(true)
        match, mismatch = (correlator.compare(correlator.hear(sound), sight) for sound in (heard.detach(), foreign))
        losses["correlator"] = objective.correlator_loss(match, mismatch)
        losses["correlation"] = self.weights.correlation * objective.correlation_loss(_frozen(correlator, heard, made))


class _Judgement(nn.Module):
    """A discriminator's look and answer as one call."""

    def __init__(self, critic: Critic):
        super().__init__()
        self.critic = critic

    def forward(self, video: Tensor, speech: Tensor) -> tuple[Tensor, list[Tensor]]:
        seen, middle = self.critic.look(video)
        return self.critic.answer(seen, speech), middle


def _frozen(module: nn.Module, *arguments: Tensor) -> Tensor | tuple[Tensor, list[Tensor]]:
    """A call whose gradient reaches the arguments and not the module."""
    return functional_call(module, {name: p.detach() for name, p in module.named_parameters()}, arguments)


def _frames(video: Tensor) -> Tensor:
    """(N, 3, T, S, S) -> (N T, 3, S, S)."""
    return video.transpose(1, 2).flatten(0, 1)
