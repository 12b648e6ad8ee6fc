"""A derivation as one self-contained page: no scripts, no external resources, light and dark."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.explain import cards
from bptt.explain.diagrams.diagram import Diagram
from bptt.explain.document import Derivation, Equations, Excerpt, Fact, Section, Sentence
from bptt.explain.mathml import escape

STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf7; --ink: #1d1d1f; --quiet: #6b6a66; --line: #dedbd2;
  --accent: #8a3324; --card: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ground: #17181b; --ink: #e6e4df; --quiet: #9b9a95;
  --line: #34363b; --accent: #e8a08f; --card: #1f2125; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.55;
  font: 1.0625rem/1.6 Charter, "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif; }
:lang(zh) body { font-family: Charter, "Bitstream Charter", Cambria, Georgia, "Noto Serif CJK SC",
  "Source Han Serif SC", "Songti SC", SimSun, serif; text-autospace: normal; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1.25rem; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { margin: .75rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
nav { margin-top: 1.5rem; color: var(--quiet); }
nav ol { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.whole { white-space: nowrap; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "STIX Math",
    "DejaVu Math TeX Gyre", math; }
.equations { margin: 1rem 0; padding: .75rem 1rem; overflow: auto hidden; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; }
.equations math { width: max-content; margin: 0; }
mtd { padding: .3em .2em; text-align: left; }
.matrix { margin: .2em .15em; border: solid currentColor; border-width: 0 1px;
  background: linear-gradient(currentColor 0 0) left top / .35em 1px no-repeat,
    linear-gradient(currentColor 0 0) right top / .35em 1px no-repeat,
    linear-gradient(currentColor 0 0) left bottom / .35em 1px no-repeat,
    linear-gradient(currentColor 0 0) right bottom / .35em 1px no-repeat; }
.matrix mtd { padding: .25em .45em; text-align: center; }
@media (max-width: 30rem) { main { padding: 1.5rem .9rem 3rem; } .equations { padding: .5rem .4rem; }
  dl { column-gap: .75rem; } }
@media print { .equations { border: 0; padding: 0; } nav { display: none; } }
"""


def page(derivation: Derivation) -> str:
    """Render the document as HTML that is also well-formed XML."""
    title, detailed = escape(derivation.title), any(map(_is_detailed, derivation.sections))
    return "\n".join(
        (
            "<!DOCTYPE html>",
            f'<html lang="{derivation.language.tag}">',
            "<head>",
            '<meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{title}</title>",
            f"<style>{STYLE}{cards.STYLE if detailed else ''}</style>",
            "</head>",
            f'<body><main class="{"wide" if detailed else "narrow"}">',
            f"<h1>{title}</h1>",
            *_facts(derivation.facts),
            *_contents(derivation.sections),
            *(line for section in derivation.sections for line in _section(section)),
            "</main></body>",
            "</html>\n",
        )
    )


def fragment(derivation: Derivation) -> str:
    """Render the document as a part of another page, such as a notebook, whose own elements keep their style.

    A browser without @scope shows it without style.
    """
    detailed = any(map(_is_detailed, derivation.sections))
    style = f"{STYLE}{cards.STYLE if detailed else ''}".replace(":root", ":scope").replace(
        "body {", ":scope {"
    )
    return "".join(
        (
            f'<div class="bptt-derivation" lang="{derivation.language.tag}">',
            f"<style>@scope (.bptt-derivation) {{{style}main {{ padding: 1rem; }}}}</style>",
            f'<main class="{"wide" if detailed else "narrow"}">',
            f"<h1>{escape(derivation.title)}</h1>",
            *_facts(derivation.facts),
            *(line for section in derivation.sections for line in _body(section)),
            "</main></div>",
        )
    )


def _facts(facts: tuple[Fact, ...]) -> Iterator[str]:
    if facts:
        yield "<dl>"
        for fact in facts:
            yield f"<dt>{escape(fact.label)}</dt><dd>{'<br/>'.join(map(cards.sentence_html, fact.rows))}</dd>"
        yield "</dl>"


def _contents(sections: tuple[Section, ...]) -> Iterator[str]:
    if len(sections) > 1:
        links = (f'<li><a href="#{s.stage.value}">{escape(s.heading)}</a></li>' for s in sections)
        yield f"<nav><ol>{''.join(links)}</ol></nav>"


def _is_detailed(section: Section) -> bool:
    """Return whether a section contains more than sentences and plain equations."""
    return any(
        not isinstance(part, Sentence)
        and not (isinstance(part, Equations) and all(line.is_plain for line in part.lines))
        for part in section.parts
    )


def _section(section: Section) -> Iterator[str]:
    yield f'<section id="{section.stage.value}">'
    yield from _body(section)
    yield "</section>"


def _body(section: Section) -> Iterator[str]:
    yield f"<h2>{escape(section.heading)}</h2>"
    for part in section.parts:
        if isinstance(part, Sentence):
            yield f"<p>{cards.sentence_html(part)}</p>"
        elif isinstance(part, Equations):
            yield cards.equations_html(part)
        elif isinstance(part, Diagram):
            yield cards.diagram_html(part)
        elif isinstance(part, Excerpt):
            yield cards.excerpt_html(part)
        else:
            yield from cards.table_html(part)
