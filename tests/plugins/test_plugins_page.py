"""docs/extending.md: its code is that of the packages here; installed as it says, they do what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from distributions import MOST_LINES, PLUGINS, Installed, succeeded
from documents import Block, page
from test_plugins_doors import FILMS, LETTERS, PAIRS
from test_plugins_inputs import write_recordings

PAGE = page("extending.md")
MODULES = [block for block in PAGE.blocks if block.language == "python" and (PLUGINS / block.said).exists()]
_ENTRY = re.compile(r'\[project\.entry-points\."(.+)"\]\n(\S+ = "(\w+):\w+")\n')
ENTRIES = {
    module: {group: line.replace('"', "")}
    for block in PAGE.blocks
    for group, line, module in _ENTRY.findall(block.text)
}


def sections() -> dict[str, list[Block]]:
    """The blocks below each heading that has commands."""
    parts = re.split(r"^## ", PAGE.text, flags=re.MULTILINE)[1:]
    found = {
        part.partition("\n")[0]: [block for block in PAGE.blocks if block.text in part] for part in parts
    }
    return {name: blocks for name, blocks in found.items() if any(block.sessions for block in blocks)}


def test_the_page_shows_every_package() -> None:
    shown = {block.said for block in MODULES}
    assert shown == {path.name for path in PLUGINS.glob("*.py") if not path.name.startswith("test_")}
    assert {f"{module}.py" for module in ENTRIES} == shown


@pytest.mark.parametrize("block", MODULES, ids=lambda block: block.said)
def test_the_code_is_that_of_the_package(block: Block) -> None:
    assert block.text == (PLUGINS / block.said).read_text("utf-8")
    assert len(block.text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("name", sections())
def test_the_commands_work(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for block in MODULES:
        module = block.said.removesuffix(".py")
        installed.add(module.replace("_", "-"), block.text, ENTRIES[module])
    for file, text in {"films.tsv": FILMS, "pairs.tsv": PAIRS, "letters.txt": LETTERS}.items():
        (tmp_path / file).write_text(text, "utf-8")
    write_recordings(tmp_path / "tones", 6)
    blocks = sections()[name]
    commands = [shlex.split(line) for block in blocks for line, _ in block.sessions]
    for word in {words.pop(0) for words in commands if "=" in words[0]}:
        monkeypatch.setenv(*word.split("=", 1))
    assert all(words[0] == "bptt" for words in commands)
    installed.session([words[1:] for words in commands], cwd=tmp_path)
    for block in blocks:
        if block.language == "python" and block not in MODULES:
            assert succeeded(installed.python(block.text, cwd=tmp_path)) == ",? 2\n"
