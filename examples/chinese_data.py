"""Small Chinese data for README.zh-CN.md: poems of the Tang, and files made by rules.

`python examples/chinese_data.py FOLDER` writes a file for each job. The poems of tang.json have the form of
those of chinese-poetry.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

POEMS = Path(__file__).parent / "tang.json"
NAMES, PLACES = ["王伟", "李娜", "张敏", "刘洋", "陈静"], ["北京", "上海", "广州", "成都", "西安"]
DAYS, ACTS = ["昨天", "今天", "刚才", "上周"], ["来到", "离开", "回到", "去"]
# The measure word goes with the noun, several words later.
MEASURED = [("本", ["书", "词典"]), ("只", ["猫", "鸟"]), ("匹", ["马", "骆驼"]), ("辆", ["汽车", "卡车"])]
SEEN, LIKED = ["看见", "找到", "提起", "画"], ["喜欢", "记得", "怕"]
PRAISE, BLAME = ["精彩", "感人", "有趣", "难忘"], ["无聊", "拖沓", "失望", "俗套"]
PARTS = ["剧情", "演员", "画面", "音乐"]


def journeys(draw: random.Random, count: int) -> Iterator[list[tuple[str, str, str]]]:
    """Yield sentences of words, each with its part of speech and its entity."""
    for _ in range(count):
        yield [
            (draw.choice(NAMES), "NR", "PER"),
            (draw.choice(DAYS), "NT", ""),
            (draw.choice(ACTS), "VV", ""),
            (draw.choice(PLACES), "NR", "LOC"),
            draw.choice([("。", "PU", ""), ("！", "PU", "")]),
        ]


def entities(draw: random.Random, count: int) -> Iterator[str]:
    """Yield a character and its tag a line: persons and places."""
    for sentence in journeys(draw, count):
        for word, _, entity in sentence:
            for begins, character in zip([True, False], word, strict=False):
                yield f"{character}\t{('B-' if begins else 'I-') + entity if entity else 'O'}"
        yield ""


def parts_of_speech(draw: random.Random, count: int) -> Iterator[str]:
    """Yield a word and its part of speech a line."""
    for sentence in journeys(draw, count):
        yield from (f"{word}\t{part}" for word, part, _ in sentence)
        yield ""


def measures(draw: random.Random, count: int) -> Iterator[str]:
    """Yield sentences, cut into words, whose noun agrees with a measure word before the relative clause."""
    for _ in range(count):
        measure, nouns = draw.choice(MEASURED)
        clause = f"{draw.choice(NAMES)} {draw.choice(DAYS)} {draw.choice(SEEN)} 的"
        yield f"我 {draw.choice(LIKED)} 那 {measure} {clause} {draw.choice(nouns)} 。"


def reviews(draw: random.Random, count: int) -> Iterator[str]:
    """Yield a header, and reviews of films with their label."""
    yield "文本\t标签"
    for number in range(count):
        good = number % 2 == 0
        first, second = draw.sample(PRAISE if good else BLAME, 2)
        yield f"{draw.choice(PARTS)}很{first}，看完觉得{second}\t{'好评' if good else '差评'}"


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(POEMS, folder / POEMS.name)
    files = {
        "ner.conll": (entities(random.Random(0), 200), "utf-8"),
        "pos.conll": (parts_of_speech(random.Random(1), 200), "utf-8"),
        "measures.txt": (measures(random.Random(2), 400), "utf-8"),
        "reviews.tsv": (reviews(random.Random(3), 120), "gb18030"),
    }
    for name, (lines, encoding) in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding=encoding)
    print(*sorted(path.name for path in folder.iterdir()))


if __name__ == "__main__":
    main()
