"""The options of `bptt serve`, importable without torch and without a web server."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """The runs to serve, the address, and the limits of a request. Raises InputError for one out of range."""

    runs: tuple[str, ...] = argument("Run folder written by `bptt train`, or NAME=FOLDER; several.")
    host: str = option("127.0.0.1", "Address to listen at.", common=True)
    port: int = option(8000, "Port (0: any free one).", least=0, most=65535, common=True)
    device: str = option("cpu", "Device to compute on: cpu, cuda, cuda:1 or mps.")
    threads: int = option(0, "Threads of a computation.", least=0, usual="as torch chooses")
    allow_host: tuple[str, ...] = option(
        (), "Name by which this machine is asked, beside localhost and IP addresses; repeat for several."
    )
    allow_origin: tuple[str, ...] = option(
        (), "Origin of web pages that may ask, such as https://example.org; repeat for several."
    )
    max_bytes: int = option(2**20, "Longest body of a request, in bytes.", group="Limits", least=1)
    max_file_bytes: int = option(2**25, "Longest file in a request, in bytes.", group="Limits", least=1)
    max_inputs: int = option(1024, "Largest number of inputs in a request.", group="Limits", least=1)
    max_waiting: int = option(256, "Largest number of requests that wait.", group="Limits", least=1)
    max_tokens: int = option(
        10_000, "Largest number of tokens of a sample, and of steps of `next`.", group="Limits", least=1
    )
    max_states: int = option(1024, "Largest number of states that are kept.", group="Limits", least=1)
    state_seconds: float = option(
        600.0, "Seconds until a state that nobody uses is forgotten.", group="Limits", least=0.001
    )
    max_streams: int = option(
        16, "Largest number of sounds that are answered while they arrive.", group="Limits", least=1
    )
    max_seconds: float = option(
        3600.0, "Longest sound of a request, in seconds.", group="Limits", least=0.001
    )
    timeout: float = option(30.0, "Seconds until a request is given up.", group="Limits", least=0.001)
    grace: float = option(
        10.0, "Seconds that running requests have after SIGTERM or Ctrl-C.", group="Limits", least=0
    )

    def __post_init__(self) -> None:
        check_fields(self)


SERVE = OptionSet({"": ServeOptions})
