"""The Dockerfile of the server: its files exist, its command can be given, and nothing in it runs as root."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch

from documents import ROOT
from test_docs import parse

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
KNOWN = frozenset(
    "FROM RUN WORKDIR COPY USER EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT CMD ENV ARG LABEL".split()
)


def instructions() -> list[tuple[str, str]]:
    lines = re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    return [
        (name, " ".join(rest.split())) for name, _, rest in (line.partition(" ") for line in lines if line)
    ]


def test_instructions_are_known_and_their_files_exist() -> None:
    found = instructions()
    assert {name for name, _ in found} <= KNOWN
    taken = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"]
    for name, given in found:
        if name == "COPY":
            for source in given.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert any(fnmatch(source, each) for each in taken), source
    # Every stage that a mount or a COPY reads from is named above.
    stages = {given.split()[-1] for name, given in found if name == "FROM" and " AS " in given}
    assert set(re.findall(r"from=(\w+)", TEXT)) <= stages


def test_the_server_starts_as_a_user_and_says_how_it_is() -> None:
    found = instructions()
    last = max(n for n, (name, _) in enumerate(found) if name == "FROM")
    final = dict(found[last:])
    assert final["USER"] != "root"
    assert list(final).index("USER") < list(final).index("ENTRYPOINT")
    command = json.loads(final["ENTRYPOINT"]) + json.loads(final["CMD"])
    parse(" ".join(command))
    check = json.loads(final["HEALTHCHECK"].partition("CMD ")[2])
    compile(check[2], "HEALTHCHECK", "exec")
    port = final["EXPOSE"]
    assert port in command and f":{port}/health" in check[2]
    lower = re.search(r'"torch(>=[^"]*)"', TEXT)
    assert lower is not None and f'"torch{lower[1]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
