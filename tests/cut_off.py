"""Two hosts as network namespaces; the cable of one is pulled in the middle of a training, and put back.

`sudo .venv/bin/python tests/cut_off.py [elastic]` (iproute2, some minutes). Each host runs `torchrun` in the
loop of docs/scaling.md. The first waits for the second, or goes on alone if `elastic`; at the end the weights
are those of one process that nothing disturbed, to the last bit. Ends with 1 if they are not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
HOSTS = {"near": "10.77.0.1", "far": "10.77.0.2"}
TRAIN = (
    "-m bptt train lm README.md --hidden 48 --epochs 72 --batch-size 16 --length 24 --dropout 0.2 --groups 4 "
    "--seed 5 --log-every 10"
).split()
# Seconds: until a process gives up the others, and between checkpoints; the pause of the loop.
TIMEOUT, EVERY, PAUSE = 30, 2, 2
# The time without the cable.
AWAY = 60
ELASTIC = "elastic" in sys.argv
LOOP = "for attempt in $(seq 50); do {command} && break; sleep {pause}; done"


def say(text: str) -> None:
    """Print a line with the time."""
    sys.stdout.write(f"{time.strftime('%X')}  {text}\n")
    sys.stdout.flush()


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words], check=True)


@contextmanager
def two_hosts() -> Iterator[None]:
    """Two namespaces and a cable between them."""
    for host in HOSTS:
        ip("netns", "add", host)
    try:
        ip("link", "add", "cable-near", "netns", "near", "type", "veth", "peer", "cable-far", "netns", "far")
        for host, address in HOSTS.items():
            ip("-n", host, "address", "add", f"{address}/24", "dev", f"cable-{host}")
            ip("-n", host, "link", "set", "lo", "up")
            ip("-n", host, "link", "set", f"cable-{host}", "up")
        yield
    finally:
        for host in HOSTS:
            ip("netns", "delete", host)


def start(host: str, run: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start the loop of a host."""
    number = list(HOSTS).index(host)
    conf = f"is_host={1 - number},last_call_timeout=5,read_timeout=10"
    elastic = [
        *("--nnodes", "1:2", "--max-restarts", "20", "--rdzv-backend", "c10d", "--rdzv-id", "cut"),
        *("--rdzv-endpoint", f"{HOSTS['near']}:29400", "--rdzv-conf", conf, "--local-addr", HOSTS[host]),
    ]
    both = f"--nnodes 2 --node-rank {number} --master-addr {HOSTS['near']} --master-port 29400".split()
    command = [
        *(str(BIN / "torchrun"), *(elastic if ELASTIC else both), "--nproc-per-node", "1"),
        *(*TRAIN, "-o", str(run), "--resume", "--timeout", str(TIMEOUT), "--checkpoint-every", str(EVERY)),
    ]
    loop = LOOP.format(command=" ".join(command), pause=PAUSE)
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": f"cable-{host}", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as file:
        return subprocess.Popen(
            ["ip", "netns", "exec", host, "bash", "-c", loop],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def steps(run: Path) -> int:
    """The updates that the records of a run know."""
    path = run / "metrics.jsonl"
    found = re.findall(rb'"step": ?(\d+)', path.read_bytes()) if path.exists() else []
    return int(found[-1]) if found else 0


def wait_for(run: Path, step: int, seconds: float, hosts: list[subprocess.Popen[bytes]]) -> bool:
    """Wait for an update, or for the end of the first host; return whether it came in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if steps(run) >= step or hosts[0].poll() is not None:
            return True
        time.sleep(0.2)
    return False


def main() -> int:
    """Try it, and print what happens when."""
    with TemporaryDirectory() as name, two_hosts():
        folder = Path(name)
        run, logs = folder / "run", [folder / f"{host}.log" for host in HOSTS]
        plain = [sys.executable, *TRAIN, "-o", str(folder / "plain")]
        subprocess.run(plain, cwd=ROOT, check=True, capture_output=True)
        whole = steps(folder / "plain")
        say(f"one process, undisturbed: {whole} updates")
        hosts = [start(host, run, log) for host, log in zip(HOSTS, logs, strict=True)]
        try:
            wait_for(run, whole // 4, 600, hosts)
            say(f"update {steps(run)}: the cable of the second host is pulled")
            ip("-n", "far", "link", "set", "cable-far", "down")
            before, pulled = steps(run), time.monotonic()
            wait_for(run, before + whole // 4 if ELASTIC else whole, AWAY, hosts)
            time.sleep(max(0.0, pulled + AWAY - time.monotonic()))
            say(f"update {steps(run)}: the cable is put back")
            ip("-n", "far", "link", "set", "cable-far", "up")
            if not wait_for(run, whole + 1, 600, hosts):
                say("not finished in time")
            with suppress(subprocess.TimeoutExpired):
                hosts[1].wait(60)
        finally:
            for host in hosts:
                if host.poll() is None:
                    os.killpg(host.pid, 15)
                    time.sleep(3)
        for log, host in zip(logs, HOSTS, strict=True):
            lines = log.read_text("utf-8", "replace").splitlines()
            said = [line for line in lines if " goes on from step " in line or "bptt: process " in line]
            for line in said:
                say(f"{host}: {line[:150]}")
        sums = [
            sha256((each / "model.safetensors").read_bytes()).hexdigest() for each in (folder / "plain", run)
        ]
        say(f"updates {steps(run)} of {whole}; SHA-256 {sums[0][:16]} undisturbed, {sums[1][:16]} cut off")
        return sums[0] != sums[1] or steps(run) != whole


if __name__ == "__main__":
    sys.exit(main())
