"""Tables, and equations with their numbers and kernel lines, as parts of a page."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.explain.diagrams import svg
from bptt.explain.diagrams.diagram import Diagram
from bptt.explain.diagrams.grid_layout import layout
from bptt.explain.document import Code, EquationLine, Equations, Excerpt, Sentence, Table
from bptt.explain.mathml import block, escape, inline

# Characters that must not begin a line: they stay with the formula before them.
CLOSING = ",.;:)”，。；：、）"

STYLE = (
    f"{svg.STYLE}"
    + """
main.wide { max-width: 80rem; }
main.wide > section > p, main.wide > dl, main.wide > nav { max-width: 46rem; }
.cards { display: grid; gap: .75rem; margin: 1rem 0; }
.card { display: grid; grid-template-columns: minmax(0, 1fr); background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
.said { padding: .75rem 1rem; overflow: auto hidden; }
.said math { width: max-content; margin: 0; }
.numbers { color: var(--accent); }
.spread, .remark { margin: .35rem 0 0; font-size: .9rem; color: var(--quiet); }
.remark { margin: 0 0 .35rem; }
.kernel { padding: .75rem 1rem; background: var(--ground); border-top: 1px solid var(--line); }
.lines { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .75rem; }
.lines span { color: var(--quiet); text-align: right; user-select: none; }
.lines span, .lines code { font: .78rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.lines code { white-space: pre-wrap; overflow-wrap: anywhere; }
.excerpt { font: .9rem/1.6 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; padding: .5rem 1rem; background: var(--card);
  border-left: 3px solid var(--accent); }
mark { background: var(--accent); color: var(--card); border-radius: .2rem; padding: 0 .15em; }
.table { margin: 1rem 0; overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; width: fit-content; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem; text-align: left; border-bottom: 1px solid var(--line); }
tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: normal; }
th.number, td.number { text-align: right; white-space: nowrap; }
a:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
@media (min-width: 64rem) { .card.paired { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  .kernel { border-top: 0; border-left: 1px solid var(--line); } }
@media (max-width: 30rem) { .numbers { font-size: .82em; } .said { padding: .75rem; } }
@media print { .card { break-inside: avoid; } }
"""
)


def equations_html(equations: Equations) -> str:
    """Return one table of equations, or a card for each if any has numbers, a spread or kernel lines."""
    if all(line.is_plain for line in equations.lines):
        return f'<div class="equations">{block(equations)}</div>'
    return f'<div class="cards">{"".join(map(_card, equations.lines))}</div>'


def diagram_html(diagram: Diagram) -> str:
    """Return a diagram as SVG in a region that scrolls sideways if the diagram is too wide."""
    drawn = svg.svg(layout(diagram))
    return f'<div class="drawn" tabindex="0" role="region" aria-label="diagram">{drawn}</div>'


def sentence_html(sentence: Sentence) -> str:
    """Return text with formulas as HTML; closing punctuation stays on the line of the formula before it."""
    html, held = "", ""
    for part in sentence.parts:
        if isinstance(part, str):
            text = part.lstrip(CLOSING)
            closing = part[: len(part) - len(text)]
            html += f'<span class="whole">{held}{closing}</span>' if held and closing else held + closing
            html, held = html + escape(text), ""
        else:
            html, held = html + held, inline(part)
    return html + held


def excerpt_html(excerpt: Excerpt) -> str:
    """Return an excerpt of a text with one part marked; white space is kept."""
    before, here, after = map(escape, excerpt.in_one_line)
    return f'<p class="excerpt">{before}<mark>{here}</mark>{after}</p>'


def table_html(table: Table) -> Iterator[str]:
    """Yield a table in a region that scrolls sideways if the table is too wide."""
    yield '<div class="table" tabindex="0" role="region" aria-label="table"><table><thead><tr>'
    yield "".join(f"<th{_kind(table, k)}>{sentence_html(one)}</th>" for k, one in enumerate(table.head))
    yield "</tr></thead><tbody>"
    for row in table.rows:
        entries = (f"<td{_kind(table, k)}>{sentence_html(entry)}</td>" for k, entry in enumerate(row))
        yield f"<tr>{''.join(entries)}</tr>"
    yield "</tbody></table></div>"


def _kind(table: Table, column: int) -> str:
    return ' class="number"' if column >= table.numeric_from else ""


def _card(line: EquationLine) -> str:
    spread = f'<p class="spread">{sentence_html(line.spread)}</p>' if line.spread else ""
    said = f'<div class="said">{block(Equations((line,)))}{spread}</div>'
    kernel = _kernel(line.code) if line.code else ""
    return f'<div class="card{" paired" if kernel else ""}">{said}{kernel}</div>'


def _kernel(code: Code) -> str:
    remarks = "".join(f'<p class="remark">{sentence_html(remark)}</p>' for remark in code.remarks)
    lines = "".join(f"<span>{line.number}</span><code>{escape(line.text)}</code>" for line in code.lines)
    return f'<div class="kernel">{remarks}<div class="lines">{lines}</div></div>'
