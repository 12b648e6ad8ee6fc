"""The JSON Schema of the answers, as the package and its documentation hold it.

`python tests/answer_schemas.py renew` writes it anew, after a change of the dataclasses of answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bptt.jobs.answer_schema import FILE, make_schema
from bptt.jobs.registry import find_answers

COPIES = FILE, Path(__file__).parent.parent / "docs" / FILE.name


def text() -> str:
    return json.dumps(make_schema(find_answers()), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    if arguments != ["renew"]:
        sys.stdout.write(__doc__ or "")
        return 2
    for path in COPIES:
        path.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
