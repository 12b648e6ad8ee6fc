"""The options of speech that is written down while it arrives."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.data.audio.options import RawFormat
from bptt.jobs.transcribe.endpoint import EndpointOptions
from bptt.options.field import option


@dataclass(frozen=True, kw_only=True)
class StreamOptions(EndpointOptions):
    """How sound arrives, and when an utterance ends. Raises InputError naming the option."""

    rate: int | None = option(
        None,
        "Sampling rate of bare samples that arrive.",
        usual="that of the model",
        group="Stream",
        least=1,
    )
    channels: int = option(1, "Channels of bare samples that arrive.", group="Stream", least=1)
    channel: int = option(0, "Channel to hear (0: the mean of all).", group="Stream", least=0)

    def raw(self, rate: int) -> RawFormat:
        """Return the form of bare samples for a model that hears at a rate."""
        return RawFormat(self.rate or rate, self.channels, self.channel)
