"""Messages for errors that this package does not raise itself: faults of the system, and bugs."""

from __future__ import annotations

import errno
import os
import platform
import shlex
import sys
import tempfile
import traceback

from bptt.errors import printable
from bptt.version import __version__

_RULES = {
    errno.ENOENT: ("must exist", "Check the name"),
    errno.EEXIST: ("must be a free name", "Name another file"),
    errno.ENOTDIR: ("must be a folder, got a file", "Name another folder"),
    errno.EISDIR: ("must be a file, got a folder", "Name a file"),
    errno.EACCES: ("must be open to this user", "Check the permissions"),
    errno.EPERM: ("must be open to this user", "Check the permissions"),
    errno.EROFS: ("must be on a disk that can be written", "Name another place"),
    errno.ENOSPC: ("must have room on its disk", "Remove files, or name another place"),
    errno.EDQUOT: ("must be within the quota of this user", "Remove files, or name another place"),
    errno.EMFILE: ("must be one of the files that a process may open", "Raise the limit: ulimit -n 4096"),
    errno.ENAMETOOLONG: ("must have a shorter name", "Name another place"),
    errno.EIO: ("must be on a disk that works", "Check the disk"),
}
_OTHERWISE = "must be accepted by the system", "Check the disk, the permissions and the limits of the process"


def describe_system_error(error: OSError) -> str:
    """Return the line for a system error: the file, the requirement, the system's message, the cure."""
    if error.errno is None:
        # Raised by a library, with its own message.
        return printable(f"the system: {error}. {_OTHERWISE[1]}")
    rule, cure = _RULES.get(error.errno, _OTHERWISE)
    # Of a stream that is open, the system knows no name.
    nameless = "the output" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "a call"
    where = nameless if error.filename is None else os.fsdecode(error.filename)
    return printable(f"{where}: {rule}, got {error.strerror!r}. {cure}")


def describe_import_error(error: ImportError) -> str:
    """Return the line for a required package that cannot be imported."""
    rule, cure = "must be installed and importable", "Install again: pip install --force-reinstall bptt"
    return printable(f"{error.name or 'a package'}: {rule}, got {str(error)!r}. {cure}")


def lacks_memory(error: Exception) -> bool:
    """Return whether the error means that Python or torch ran out of memory."""
    if "torch" not in sys.modules:
        return isinstance(error, MemoryError)
    from bptt.runs.memory import is_out_of_memory

    return is_out_of_memory(error)


def is_ours(error: ImportError) -> bool:
    """Return whether the module that is missing, or lacks a name, belongs to this package."""
    return (error.name or "").partition(".")[0] == "bptt"


def report_bug(error: Exception) -> str:
    """Write the traceback to a new temporary file, and return the line that names the file.

    If no temporary folder can be written, the traceback follows the line instead.
    """
    lines = [line for line in str(error).splitlines() if line.strip()]
    # A message of many lines, such as the output of a compiler, states the cause last.
    said = " … ".join(dict.fromkeys((*lines[:1], *lines[-1:])))
    line = printable(f"internal error, a bug of bptt and no fault of yours: {type(error).__name__}: {said}")
    details = _details(error)
    try:
        # Readable by this user only: the command line may contain private text.
        handle, path = tempfile.mkstemp(prefix="bptt-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(details)
    except OSError:
        return f"{line}. Please report it with what follows\n{details}"
    return f"{line}. Please report it with the file {printable(path)}"


def _details(error: Exception) -> str:
    """Return the content of a bug report: versions, command and traceback."""
    torch = sys.modules.get("torch")
    facts = {
        "bptt": __version__,
        "Python": platform.python_version(),
        "torch": getattr(torch, "__version__", "not imported"),
        "system": platform.platform(),
        "command": shlex.join(["bptt", *sys.argv[1:]]),
    }
    head = "".join(f"{name}: {value}\n" for name, value in facts.items())
    return f"{head}\n{''.join(traceback.format_exception(error))}"
