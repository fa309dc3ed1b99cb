"""What is seen: the eye, which gives every video frame its numbers, and the network that reads optical flow (paper, section 4).

Shapes: N clips, F video frames, M pictures, V numbers for a video frame, G places of the flow in a row and in a column.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from avdemo.backbones.mobilenet import mobilenet_features
from avdemo.errors import WeightsError
from avdemo.foley.config import FoleyConfig

BLOCKS, WIDTH = 13, 96  # of MobileNetV2 that the compact eye keeps, and the channels of the last
MIXED = 256  # channels of which the compact eye takes mean and maximum
AT_ONCE = 32  # pictures seen at once when nothing is learnt: memory stays the same for any length of video
REACH = 4  # frames before and after which the numbers of one's motion depend on
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures in [0, 1], as VGG19 wants them


class Eye(nn.Module):
    """Pictures -> V numbers each, >= 0.

    "mobilenet_v2": MobileNetV2's first blocks (from ImageNet, tuned), a layer of 256 channels, their means and maxima, a linear layer.
    "tiny": three convolutions in place of the blocks. "vgg19": fc6 after ReLU, as ImageNet left it; see :class:`VggEye`.
    """

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.size = config.picture_size
        if config.eye == "tiny":
            layers = [[nn.Conv2d(i, o, 3, 2, 1), nn.ReLU6()] for i, o in ((3, 8), (8, 16), (16, WIDTH))]
            self.blocks = nn.Sequential(*[layer for pair in layers for layer in pair])
        else:
            self.blocks = mobilenet_features(BLOCKS)
        self.mix = nn.Sequential(nn.Conv2d(WIDTH, MIXED, 1), nn.ReLU6())
        self.fc = nn.Linear(2 * MIXED, config.visual)

    def train(self, mode: bool = True) -> Eye:
        super().train(mode)
        self.blocks.eval()  # statistics of small batches would shift what ImageNet taught
        return self

    def maps(self, frames: Tensor) -> Tensor:
        """uint8 (M, H, W, 3) RGB -> (M, 96, h, w), what the blocks make of them. Pictures are resized to the eye's size."""
        x = _resized(frames.permute(0, 3, 1, 2).float() / 127.5 - 1, self.size)
        return self.blocks(x.contiguous(memory_format=torch.channels_last))

    def numbers(self, maps: Tensor) -> Tensor:
        """(M, 96, h, w) of :meth:`maps` -> (M, V)."""
        x = self.mix(maps)
        return F.relu(self.fc(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))).float()

    def forward(self, frames: Tensor) -> Tensor:
        """uint8 (M, H, W, 3) RGB -> (M, V). Pictures are resized to the eye's size."""
        return self.numbers(self.maps(frames))


class VggEye(nn.Module):
    """VGG19 up to fc6 and its ReLU, (M, 4096), never trained. It is not part of a checkpoint: its weights are torchvision's.

    They are given once with :meth:`load`; until then it takes no memory.
    """

    def __init__(self, config: FoleyConfig):
        super().__init__()
        self.size = config.picture_size
        self._vgg: list[nn.Module] = []  # in a list, so that it is not in the state dict

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights from a state dict of torchvision's ``vgg19``.

        Raises:
            WeightsError: it is another network's.
        """
        from torchvision.models import vgg19

        with torch.device("meta"):
            whole = vgg19(weights=None)
        vgg = nn.Sequential(whole.features, whole.avgpool, nn.Flatten(), whole.classifier[0], nn.ReLU())
        wanted = {
            f"{new}.{key}": f"{old}.{key}" for new, old in (("0", "features"), ("3", "classifier.0")) for key in _keys(vgg, new)
        }
        missing = [old for old in wanted.values() if old not in weights]
        if missing:
            raise WeightsError(
                f"These are not the weights of torchvision's VGG19: {missing[0]} is missing; give its whole state dict."
            )
        vgg.load_state_dict({new: weights[old].float() for new, old in wanted.items()}, assign=True)
        self._vgg = [vgg.eval().requires_grad_(False)]

    def maps(self, frames: Tensor) -> Tensor:
        """As :meth:`forward`: nothing of this eye is learnt, so all of it can be done before."""
        return self(frames)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """uint8 (M, H, W, 3) RGB -> (M, 4096).

        Raises:
            WeightsError: no weights were given yet.
        """
        if not self._vgg:
            raise WeightsError(
                "The paper's configuration sees through VGG19 as ImageNet taught it, and this project does not ship that network; get "
                "torchvision's weights (VGG19_Weights.IMAGENET1K_V1, 550 MB) and give them to the eye, or take the compact configuration."
            )
        vgg = self._vgg[0].to(frames.device)
        x = _resized(frames.permute(0, 3, 1, 2).float() / 255, self.size)
        like = {"device": x.device, "dtype": x.dtype}
        return vgg((x - torch.tensor(MEAN, **like).view(3, 1, 1)) / torch.tensor(STD, **like).view(3, 1, 1))


def _keys(module: nn.Module, part: str) -> list[str]:
    return [key.partition(".")[2] for key in module.state_dict() if key.startswith(f"{part}.")]


def _resized(pictures: Tensor, size: int) -> Tensor:
    if pictures.shape[-2:] == (size, size):
        return pictures
    return F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


def eye_of(config: FoleyConfig) -> Eye | VggEye:
    return VggEye(config) if config.eye == "vgg19" else Eye(config)


def see(eye: nn.Module, frames: Tensor) -> Tensor:
    """uint8 (N, F, H, W, 3) -> (N, F, V); a few pictures at a time when no gradient is wanted."""
    flat = frames.flatten(0, 1)
    at_once = len(flat) if torch.is_grad_enabled() else AT_ONCE
    return torch.cat([eye(part) for part in flat.split(at_once)]).unflatten(0, frames.shape[:2])


class Motion(nn.Module):
    """Optical flow -> V numbers for each video frame, which are added to the eye's.

    Two convolutions over the places and their means and maxima, then two over time: a frame's numbers know what moves up to four frames
    (0.32 s) before and after, so that a blow is known before it falls.
    """

    def __init__(self, config: FoleyConfig):
        super().__init__()
        width = config.motion
        self.places = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
        self.times = nn.Sequential(
            nn.Conv1d(64, width, 5, padding=2), nn.ReLU(), nn.Conv1d(width, width, 5, padding=2), nn.ReLU()
        )
        self.fc = nn.Linear(width, config.visual)

    def forward(self, flow: Tensor) -> Tensor:
        """Flow (N, F, G, G, 2) in places per frame -> (N, F, V).

        The network sees the flow with its length made logarithmic, log(1 + |v|), and that length as a third channel.
        """
        flow = flow.float()
        speed = flow.norm(dim=-1, keepdim=True)
        length = speed.log1p()
        x = torch.cat([flow * (length / speed.clamp_min(1e-6)), length], -1).permute(0, 1, 4, 2, 3)
        x = self.places(x.flatten(0, 1))
        x = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1).unflatten(0, flow.shape[:2])
        return self.fc(self.times(x.transpose(1, 2)).transpose(1, 2))
