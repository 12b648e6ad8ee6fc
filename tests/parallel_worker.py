"""One of two processes that train a module together: `parallel_worker.py RANK FOLDER`."""

import os
import sys
from pathlib import Path

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from bptt.nn import LSTM


def main(rank: int, folder: Path) -> None:
    meeting = (folder / "meeting").as_uri()
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    torch.manual_seed(rank)
    module = LSTM(4, 6, 2).double()
    together = DistributedDataParallel(module)
    x = torch.load(folder / "x")
    share = x[:, rank::2]
    together(share)[0].square().sum().backward()
    found = {name: parameter.grad for name, parameter in module.named_parameters()}
    torch.save((module.state_dict(), found), folder / f"rank{rank}")
    distributed.destroy_process_group()
    # The destructor of torch's process group joins a thread that may itself wait for the interpreter's lock.
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
