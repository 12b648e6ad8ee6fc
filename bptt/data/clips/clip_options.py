"""How clips are read, and changed at random in training, as options."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from bptt.data.clips.frame_options import FrameShape
from bptt.options.field import option


@dataclass(frozen=True)
class ClipOptions(FrameShape):
    """The pictures of clips: their shape, how many a second, and how training changes them.

    A clip whose times are unknown, such as a folder of pictures, keeps all of its pictures. Raises InputError
    naming the option.
    """

    _: KW_ONLY
    frame_rate: float = option(
        0.0,
        "Pictures a second that clips are sampled at.",
        usual="those of most training clips, at most 15",
        group="Data",
        least=0,
        added=True,
    )
    vary_clips: bool = option(
        True,
        "Change training clips at random: size, place and speed.",
        group="Training",
        added=True,
    )
    mirror: bool = option(
        False,
        "Mirror half of the training clips; not for labels with sides, such as left and right.",
        group="Training",
        added=True,
    )

    @property
    def shape(self) -> FrameShape:
        """The shape of the pictures alone."""
        return FrameShape(self.frame_size, self.colour)
