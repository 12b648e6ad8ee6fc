"""Pages of documentation in pieces: fenced blocks, tables, prose, links and the places that links lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_FENCE = re.compile(r"^```(\S*) *(.*)\n((?:(?!^```).*\n)*)^```$", re.MULTILINE)
_TABLE = re.compile(r"^\|.*$", re.MULTILINE)
_INLINE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what is said after it ("recorded", a file's name), its lines."""

    language: str
    said: str
    text: str

    @property
    def sessions(self) -> list[tuple[str, str]]:
        """The commands after `$`, each with the output under it."""
        parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]
        return [(line, output) for line, _, output in (part.partition("\n") for part in parts)]

    @property
    def commands(self) -> list[str]:
        """The command lines of this package in it, what follows `>` or `#` left out."""
        if self.language == "console":
            lines = [line for line, _ in self.sessions]
        else:
            lines = self.text.replace("\\\n", " ").splitlines()
        return [re.split(r" [>#|] ?", line)[0] for line in lines if line.startswith("bptt ")]


@dataclass(frozen=True)
class Page:
    """A file of Markdown."""

    path: Path

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        """Its fenced blocks, in order."""
        return [Block(*found) for found in _FENCE.findall(self.text)]

    @property
    def shown(self) -> str:
        """What is shown as measured: blocks, tables and inline code."""
        rest = _FENCE.sub("", self.text)
        return "\n".join([*(b.text for b in self.blocks), *_TABLE.findall(rest), *_INLINE.findall(rest)])

    @property
    def prose(self) -> str:
        """What is said: all but blocks, tables, inline code and the targets of links."""
        rest = _TABLE.sub("", _FENCE.sub("", self.text))
        return _LINK.sub("]", _INLINE.sub("", rest))

    @property
    def links(self) -> list[str]:
        """Where links and images lead, inside this repository."""
        found = _LINK.findall(_INLINE.sub("", _FENCE.sub("", self.text)))
        return [link for link in found if not re.match(r"https?://|mailto:", link)]

    @property
    def anchors(self) -> set[str]:
        """The places in it: its headings, as GitHub names them."""
        headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", self.text), re.MULTILINE)
        plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
        return {heading.replace(" ", "-") for heading in plain}


def page(name: str) -> Page:
    """The page of this name in docs/."""
    return Page(ROOT / "docs" / name)


# What Python or a tool has put there is no page of ours.
_FOREIGN = {".venv", ".git", "build", "dist", "runs", ".pytest_cache", "node_modules"}
PAGES = [
    Page(path)
    for path in sorted(ROOT.rglob("*.md"))
    if not _FOREIGN & {*path.relative_to(ROOT).parts} and "egg-info" not in str(path)
]
# The Chinese README is a page of its own: it is read and tried as those in docs/ are.
_CHINESE_README = Page(ROOT / "README.zh-CN.md")
DOCS = [found for found in PAGES if found.path.parent == ROOT / "docs" or found == _CHINESE_README]
# Any other page in Chinese has the name of the page that it translates.
CHINESE_PAGE = ".zh-CN.md"
ORIGINALS = [f for f in DOCS if f == _CHINESE_README or not f.path.name.endswith(CHINESE_PAGE)]
