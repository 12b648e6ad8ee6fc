"""The input part of clips: what is seen in each picture, and what has changed since the one before."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.models.inputs import InputPart

# Principal components of pictures, and as many of changes; outputs of the convolution.
_COMPONENTS, _FEATURES = 48, 64
_CHANNELS = 16
# Side of the maps that the last convolution hands on.
_MAPS = 4
# Numbers of a picture of which principal components are found: larger ones are made coarser.
_MOST_NUMBERS = 1024
# Pictures of a clip that are looked at to find them, evenly chosen.
_LOOKED_AT = 32
# Components are scaled to variance 1, but none by more than that of this share of the largest variance.
_LEAST_SHARE = 1e-4


class ClipInput(InputPart):
    """Pictures (T, B, S, S, C) within 0 and 1 to vectors (T, B, I): P principal components of each picture, P
    of its change since the one before, and F outputs of a convolution over both.

    `fit` finds mean, deviations and components of training clips; training goes on from there. A convolution
    alone begins with chance, and learns hardly anything from some hundred clips; components alone are of
    places, and know no shape that moves.
    """

    mean: Tensor
    deviation: Tensor
    change_deviation: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.output_size = 2 * _COMPONENTS + _FEATURES
        numbers = _coarse_side(size, channels) ** 2 * channels
        self.seen = nn.Linear(numbers, _COMPONENTS)
        self.changed = nn.Linear(numbers, _COMPONENTS)
        self.convolution = nn.Sequential(
            nn.Conv2d(2 * channels, _CHANNELS, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(_CHANNELS, 2 * _CHANNELS, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * _CHANNELS, 2 * _CHANNELS, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(_MAPS),
            nn.Flatten(),
            nn.Linear(2 * _CHANNELS * _MAPS**2, _FEATURES),
            nn.Tanh(),
        )
        self.register_buffer("mean", torch.zeros(size, size, channels))
        self.register_buffer("deviation", torch.ones(()))
        self.register_buffer("change_deviation", torch.ones(()))

    @torch.no_grad()
    def fit(self, clips: Iterable[Tensor]) -> None:
        """Take the mean, the deviations and the principal components of training clips, (T, S, S, C) each."""
        seen, changed = _Covariance(), _Covariance()
        total, squares, count = torch.zeros_like(self.mean, dtype=torch.float64), 0.0, 0
        for clip in clips:
            chosen = torch.linspace(0, len(clip) - 1, min(len(clip), _LOOKED_AT)).round().long()
            looked, changes = clip[chosen], _changes(clip)[chosen]
            seen.add(coarse_rows(looked))
            changed.add(coarse_rows(changes))
            total += looked.double().sum(0)
            squares += float(changes.double().square().mean()) * len(looked)
            count += len(looked)
        self.mean.copy_(total / count)
        self.deviation.copy_(seen.deviation)
        self.change_deviation.copy_(max((squares / count) ** 0.5, 1e-6))
        seen.fill(self.seen)
        changed.fill(self.changed)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return vectors (T, B, I) of pictures (T, B, S, S, C)."""
        changes = _changes(pictures)
        both = [(pictures - self.mean) / self.deviation, changes / self.change_deviation]
        images = torch.cat(both, -1).flatten(0, 1).permute(0, 3, 1, 2)  # (T B, 2C, S, S)
        found = self.convolution(images).unflatten(0, pictures.shape[:2])
        return torch.cat([self.seen(coarse_rows(pictures)), self.changed(coarse_rows(changes)), found], -1)


def coarse_rows(pictures: Tensor) -> Tensor:
    """Return pictures (..., S, S, C) as rows (..., N), made coarser where N would be over 1,024."""
    size, channels = pictures.shape[-2:]
    side = _coarse_side(size, channels)
    if size > side:
        images = pictures.flatten(0, -4).permute(0, 3, 1, 2)
        small = functional.adaptive_avg_pool2d(images, side).permute(0, 2, 3, 1)
        pictures = small.reshape(*pictures.shape[:-3], side, side, channels)
    return pictures.flatten(-3)


def _coarse_side(size: int, channels: int) -> int:
    return min(size, int((_MOST_NUMBERS / channels) ** 0.5))


def _changes(pictures: Tensor) -> Tensor:
    """Return what each picture (T, ...) adds to the one before; nothing for the first."""
    return torch.cat([torch.zeros_like(pictures[:1]), pictures.diff(dim=0)])


class _Covariance:
    """Sums over rows of numbers that arrive a few at a time."""

    def __init__(self) -> None:
        self._count = 0
        self._total: Tensor | float = 0.0
        self._products: Tensor | float = 0.0

    def add(self, rows: Tensor) -> None:
        """Add rows (N, D)."""
        rows = rows.double()
        self._count += len(rows)
        self._total = self._total + rows.sum(0)
        self._products = self._products + rows.T @ rows

    @property
    def _centred(self) -> Tensor:
        """The covariance (D, D)."""
        mean = torch.as_tensor(self._total) / self._count
        return torch.as_tensor(self._products) / self._count - mean[:, None] * mean

    @property
    def deviation(self) -> Tensor:
        """The deviation of all numbers, each from its own mean; 1 if nothing ever differs."""
        found = self._centred.diagonal().clamp(min=0).mean().sqrt()
        return torch.where(found > 1e-6, found, 1.0)

    def fill(self, layer: nn.Linear) -> None:
        """Make of a layer the largest principal components, of variance 1 each; 0 where there are fewer."""
        variances, directions = torch.linalg.eigh(self._centred)
        count = min(layer.out_features, len(variances))
        variances, directions = variances.flip(0)[:count], directions.flip(1)[:, :count]
        largest = variances[0].clamp(min=1e-12)
        weight = (directions / variances.clamp(min=_LEAST_SHARE * largest).sqrt()).T  # (P, D)
        layer.weight.zero_()[:count] = weight
        layer.bias.zero_()[:count] = -(weight @ (torch.as_tensor(self._total) / self._count))
