"""The derivation as a page: well-formed, MathML Core alone, nothing from outside, no markup of a stranger."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import pytest
from drawn_steps import SIZES, drawn
from hostile import HOSTILE, TITLE

from bptt.cells import CATALOGUE, Cell, get
from bptt.derive.normal_form import normal_form
from bptt.errors import printable
from bptt.explain.annotate import passages
from bptt.explain.cards import sentence_html
from bptt.explain.derivation import derivation
from bptt.explain.document import Derivation, Equations, Excerpt, Stage, say
from bptt.explain.formula_tree import Fenced, Fraction, MathName, Raised
from bptt.explain.kernel_section import with_kernel
from bptt.explain.mathml import mathml
from bptt.explain.page import page
from bptt.explain.sizes import LayerSizes, shapes_section
from bptt.explain.step_in_numbers import numbers_section, with_numbers

HTML = {"html", "head", "meta", "title", "style", "body", "main", "section", "nav", "ol", "li", "a", "div"}
HTML |= {"h1", "h2", "p", "dl", "dt", "dd", "br"}
HTML |= {"table", "thead", "tbody", "tr", "th", "td", "span", "code", "mark"}
MATHML = {"math", "mrow", "mi", "mn", "mo", "msub", "msup", "msubsup", "munder", "mfrac", "msqrt"}
MATHML |= {"mover", "mtable", "mtr", "mtd"}
CHILDREN = {"msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2, "mfrac": 2, "mtr": 2}
ATTRIBUTES = {"lang", "charset", "name", "content", "href", "id", "class"}
ATTRIBUTES |= {"tabindex", "role", "accent", "aria-label"}
ATTRIBUTES |= {"display", "displaystyle", "form", "stretchy", "lspace", "rspace", "mathvariant"}
CELLS = [*CATALOGUE.values(), HOSTILE]


def parsed(cell: Cell) -> ET.Element:
    text = page(derivation(cell))
    first, rest = text.split("\n", 1)
    assert first == "<!DOCTYPE html>"
    return ET.fromstring(rest)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_well_formed_and_of_known_elements(cell: Cell) -> None:
    for element in parsed(cell).iter():
        assert element.tag in HTML | MATHML
        assert set(element.attrib) <= ATTRIBUTES
        if element.tag in CHILDREN:
            assert len(element) == CHILDREN[element.tag], ET.tostring(element, encoding="unicode")
        if element.tag in {"mi", "mn", "mo"}:
            assert element.text and not len(element)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_nothing_comes_from_outside(cell: Cell) -> None:
    root = parsed(cell)
    targets = {e.get("id") for e in root.iter("section")}
    for link in root.iter("a"):
        assert link.get("href", "").removeprefix("#") in targets
    (style,) = root.iter("style")
    assert not re.search(r"url\(|@import|//", style.text or "")


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_cards_and_tables_are_well_formed_too(cell: Cell) -> None:
    form, step = normal_form(cell), drawn(cell)
    document = with_kernel(with_numbers(derivation(cell), step, 1), form, passages(cell))
    excerpt = Excerpt("<b>", "&", "\n\x1b")
    shapes = shapes_section(cell, [LayerSizes("<i>", SIZES)], 0, "float32", 4)
    numbers = numbers_section(step, 1, "<u>", (excerpt,))
    text = page(replace(document, sections=(shapes, numbers, *document.sections)))
    root = ET.fromstring(text.split("\n", 1)[1])
    for element in root.iter():
        assert element.tag in HTML | MATHML
        assert set(element.attrib) <= ATTRIBUTES
        if element.tag in CHILDREN:
            assert len(element) == CHILDREN[element.tag]
    targets = [
        line.target
        for s in document.sections
        for p in s.parts
        if isinstance(p, Equations)
        for line in p.lines
    ]
    cards = [e for e in root.iter("div") if "card" in (e.get("class") or "").split()]
    assert len(cards) == sum(map(bool, targets))
    (shown,) = [e for e in root.iter("p") if e.get("class") == "excerpt"]
    assert "".join(shown.itertext()) == "<b>&↵\ufffd"


def test_light_and_dark_and_a_telephone() -> None:
    text = page(derivation(get("lstm")))
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text


def test_every_equation_is_a_row() -> None:
    document = derivation(get("gru"))
    blocks = [part for s in document.sections for part in s.parts if isinstance(part, Equations)]
    tables = list(parsed(get("gru")).iter("mtable"))
    assert len(tables) == len(blocks)
    for table, block in zip(tables, blocks, strict=True):
        lefts = [row[0] for row in table if len(row[0]) > 0]
        assert len(lefts) == len(block.lines)


def test_one_stage_alone() -> None:
    document = derivation(get("lstm")).only(Stage.STORAGE)
    text = page(document)
    assert text.count("<section") == 1 and "<nav>" not in text
    assert isinstance(document, Derivation) and document.facts == ()


def test_a_strangers_texts_stay_texts() -> None:
    plain, hostile = parsed(get("elman-tanh")), parsed(HOSTILE)

    def shape(root: ET.Element) -> Counter[str]:
        return Counter(e.tag for e in root.iter())

    # The plain cell has a bias: one family, one equation and a few formulas more.
    assert set(shape(hostile)) <= set(shape(plain))
    (heading,) = hostile.iter("h1")
    assert heading.text == printable(TITLE)
    assert "<script" not in page(derivation(HOSTILE)) and "<img" not in page(derivation(HOSTILE))


def test_names_are_escaped_and_words_are_one_identifier() -> None:
    assert mathml(MathName("<b>", ("&",))) == "<msub><mi>&lt;b&gt;</mi><mi>&amp;</mi></msub>"
    assert mathml(MathName("xi", index="t−1")) == (
        '<msub><mi>xi</mi><mrow><mi>t</mi><mo lspace="0" rspace="0">−</mo><mn>1</mn></mrow></msub>'
    )
    assert (
        mathml(Raised(MathName("h", index="t"), "2")) == "<msubsup><mi>h</mi><mi>t</mi><mn>2</mn></msubsup>"
    )
    assert mathml(Raised(MathName("h", mark="δ"), "T")) == (
        "<msup><mrow><mi>δ</mi><mi>h</mi></mrow><mo>⊤</mo></msup>"
    )


def test_a_comma_does_not_begin_a_line() -> None:
    h, math = MathName("h"), "<math><mi>h</mi></math>"
    assert sentence_html(say("{}, {} and {}.", h, h, h)) == (
        f'<span class="whole">{math},</span> {math} and <span class="whole">{math}.</span>'
    )
    assert sentence_html(say("a, b: {}", h)) == f"a, b: {math}"


def test_brackets_grow_around_fractions_alone() -> None:
    fraction = Fenced(Fraction(MathName("a"), MathName("b")))
    assert 'stretchy="true"' in mathml(fraction)
    assert 'stretchy="false"' in mathml(Fenced(MathName("a")))
