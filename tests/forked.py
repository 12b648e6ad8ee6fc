"""Python processes that have torch from their start: forks of one that has imported it, and nothing of ours.

A command imports torch in some two seconds, and what the first optimiser asks torch for in another; its test
asks for what comes after.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

# Reads a task a line, answers with the exit status. A fork leaves the loop, becomes the process that was
# asked for, and ends as any script does.
_PARENT = """
import json, os, runpy, sys
import numpy, safetensors.torch, torch, torch._dynamo

def forked():
    for line in sys.stdin:
        if not (child := os.fork()):
            return json.loads(line)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    sys.exit()

task = forked()
for number, name in enumerate((os.devnull, *task["outputs"])):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
sys.stdin = open(os.devnull, encoding="utf-8")
os.environ.clear()
os.environ.update(task["environment"])
os.chdir(task["cwd"])
sys.path[:0] = filter(None, task["environment"].get("PYTHONPATH", "").split(os.pathsep))
if task["module"]:
    sys.argv = [task["module"], *task["arguments"]]
    runpy.run_module(task["module"], run_name="__main__", alter_sys=True)
else:
    sys.argv = ["-c", *task["arguments"][1:]]
    exec(compile(task["arguments"][0], "<string>", "exec"), {"__name__": "__main__"})
"""


@cache
def _parent() -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "utf8", "-c", _PARENT]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)
    return process


def run_forked(
    *arguments: str, module: str = "", cwd: Path | None = None, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a module, or the code that is the first argument, with arguments, and return what it prints."""
    parent = _parent()
    assert parent.stdin is not None and parent.stdout is not None
    with TemporaryDirectory() as folder:
        outputs = [Path(folder, name) for name in ("out", "err")]
        task = {
            "outputs": list(map(str, outputs)),
            "environment": dict(environment),
            "cwd": str(cwd or Path.cwd()),
            "module": module,
            "arguments": arguments,
        }
        print(json.dumps(task), file=parent.stdin, flush=True)
        status = int(parent.stdout.readline())
        printed = [path.read_text("utf-8") for path in outputs]
    return subprocess.CompletedProcess([module, *arguments], status, *printed)
