"""Sentences that make a reader stop, found in docstrings, comments, messages, help texts and pages.

`words.py` compares the number found in each room with tests/words_allowed.json, where it may only fall;
`words.py show PATH ...` prints what is found in files or folders; `words.py renew` keeps lower numbers.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ALLOWED = Path(__file__).parent / "words_allowed.json"

# Verbs that the docstring of a function may begin with: imperatives, and "Called when ..." for callbacks.
VERBS = frozenset(
    """
    accept add advance align allocate answer append apply arm ask assemble assign attach attribute average
    back begin bind bound bring build bundle cache call called carry cast change check choose clear clip
    close collect combine compare compile complete compose compute concatenate continue convert copy count
    create cut decide decode decrease delete derive describe detach detect determine differentiate discard
    divide do draw drop embed emit empty encode end ensure enter entered escape estimate evaluate exclude
    execute expand expect explain export express extend extract fail feed fetch fill filter find finish
    fit flatten flush fold follow forget format formulate forward free gather generate get give go group
    grow guard guess handle hash hide hold ignore import include increase index infer initialise insert
    inspect integrate interpret invert invoke iterate join keep know label lay learn leave let limit line link
    list listen load locate lock look lower make map mark mask match measure merge move multiply name
    normalise note notify number observe open order orthonormalise pack pad parse pass patch permute pick
    place plan plot point poll pool pose predict prefix prepare prescribe print produce project propagate
    prove prune pull push put quantise quote raise rank reach read rebuild receive recompute record reduce
    refer refuse register release remember remove rename render repeat replace replay report represent
    require rescale reserve reset reshape resolve restore restrict resume retain return reuse reverse
    rewrite round run sample save say scale scan score search seed select send separate serialise set
    shape share shift show shrink shuffle sign simplify simulate skip slice solve sort spell split stack
    start state step stop store strip substitute sum summarise suppress swap switch sync synchronise take
    test tile time tokenise trace train transform translate transpose trim truncate try tune turn undo
    unfold unpack unregister update upload use validate verify view visit vote wait walk warn watch weigh
    weight wrap write yield zero
    """.split()
)

# What may be wrong in any text, each with the rule that it breaks.
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "W1 a sentence needs a named subject, not who, what or such",
        re.compile(
            r"(?:\A|[.!?] )(?:What|Who|Whoever|Whose|Whatever|Which|Such|Those(?: that)?|That which)\b"
        ),
    ),
    ("W2 name the condition of the error", re.compile(r"\bRaises? \w+Error\.")),
    ("W2 say what is passed, and when", re.compile(r"(?:\A|[.!?] )Is (?:given|told|asked|handed)\b")),
    ("W5 write the field's term for: stands", re.compile(r"\bstands?\b(?! for\b)|\bstood\b")),
    ("W5 write the field's term for: told, tells", re.compile(r"\btold\b|\btells?\b")),
    ("W5 write the field's term for: goes by", re.compile(r"\b(?:goes|go|went|gone) by\b(?! \w+'s)")),
    ("W6 write N, or the number", re.compile(r"\b[Ss]o many\b|\b[Ss]o much of\b")),
    ("W6 name it instead of: which one", re.compile(r"\bwhich one\b(?! of)")),
    ("W9 say what the tag means", re.compile(r"\((?:[A-Z]\d{1,2})(?:, [A-Z]\d{1,2})*\)")),
)
VERB_FIRST = "W2 the docstring of a function begins with a verb"


class Found(NamedTuple):
    """A sentence that breaks a rule."""

    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


def check(path: str, source: str) -> list[Found]:
    """Return everything found in a module, in the order of its lines."""
    tree = ast.parse(source)
    found = [*_docstrings(path, tree), *_comments(path, source), *_messages(path, tree)]
    return sorted(found, key=lambda each: each.line)


def _docstrings(path: str, tree: ast.Module) -> Iterator[Found]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        text = ast.get_docstring(node)
        if not text:
            continue
        line = node.body[0].lineno
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_property(node)
        word = re.match(r"\w*", text)
        if function and (word is None or word[0].lower() not in VERBS):
            yield Found(path, line, VERB_FIRST, _short(text))
        yield from _matches(path, line, text, skip_first="W1" if function else "")


def _is_property(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = [ast.unparse(each) for each in node.decorator_list]
    return any(name.rpartition(".")[2] in ("property", "cached_property", "setter") for name in names)


def _comments(path: str, source: str) -> Iterator[Found]:
    """Yield what is found in comments; those on lines that follow each other are one text."""
    text, begun, last = "", 0, -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, words = token.start[0], token.string.lstrip("#: ")
        if line == last + 1:
            text += f" {words}"
        else:
            yield from _matches(path, begun, text)
            text, begun = words, line
        last = line
    yield from _matches(path, begun, text)


def _messages(path: str, tree: ast.Module) -> Iterator[Found]:
    """Yield what is found in string literals of three words or more that are no docstrings."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in parts | docstrings:
                pass
            case ast.JoinedStr(values=values):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in values)
            case _:
                continue
        if len(text.split()) >= 3:
            yield from _matches(path, node.lineno, text)


def _matches(path: str, line: int, text: str, skip_first: str = "") -> Iterator[Found]:
    flat = " ".join(text.split())
    for rule, pattern in PATTERNS:
        for match in pattern.finditer(flat):
            # A function whose docstring begins with "What" is already reported for its missing verb.
            if match.start() == 0 and skip_first and rule.startswith(skip_first):
                continue
            yield Found(path, line, rule, _short(flat[max(0, match.start() - 20) :]))


def _short(text: str) -> str:
    return f"{text.splitlines()[0]:.80}"


def check_page(path: str, text: str) -> list[Found]:
    """Return everything found in a page of Markdown, outside of its blocks of code."""
    text = re.sub(r"```.*?```", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    blocks = re.finditer(r"(?:^(?!\s*$).+\n?)+", text, re.MULTILINE)
    return [
        found for each in blocks for found in _matches(path, text[: each.start()].count("\n") + 1, each[0])
    ]


def check_all(*paths: Path) -> list[Found]:
    """Return everything found in modules and pages: files, and those in folders; by default all of them."""
    given = paths or (ROOT / "bptt", ROOT / "docs", *ROOT.glob("*.md"))
    files = (file for path in given for file in ([path] if path.is_file() else sorted(path.rglob("*.*"))))
    found = []
    for file in files:
        if file.suffix in (".py", ".md"):
            looked = check if file.suffix == ".py" else check_page
            found += looked(file.resolve().relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    return found


def room_of(each: Found) -> str:
    """Return the room of a module; pages are one room, docs."""
    return each.path.split("/")[1] if each.path.startswith("bptt/") else "docs"


def by_room(found: list[Found]) -> dict[str, int]:
    """Return the number found in each room."""
    return dict(sorted(Counter(map(room_of, found)).items()))


def main(arguments: list[str]) -> int:
    """Print what the arguments ask for; return 1 if there is more in a room than allowed."""
    if arguments[:1] == ["show"]:
        for each in check_all(*map(Path, arguments[1:])):
            print(each)
        return 0
    found = check_all()
    counts, allowed = by_room(found), json.loads(ALLOWED.read_text(encoding="utf-8"))
    if arguments == ["renew"]:
        if sum(counts.values()) > sum(allowed.values()):
            print(f"{sum(counts.values())} found, more than {sum(allowed.values())}: nothing is kept")
            return 1
        ALLOWED.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
        return 0
    above = {room: number for room, number in counts.items() if number > allowed.get(room, 0)}
    for each in found:
        if room_of(each) in above:
            print(each)
    for room, number in above.items():
        print(f"{room}: {number} sentences to rewrite, at most {allowed.get(room, 0)} allowed")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
