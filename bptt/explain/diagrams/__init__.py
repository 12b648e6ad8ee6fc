"""Diagrams of cells, networks and architectures: made from equations, laid out on a grid, drawn three ways.

`diagram` has the parts of a diagram; `cell_diagram`, `computational_graph`, `network_diagrams` and
`architectures` make diagrams; `grid_layout` places them on a grid of character cells; `boxes` draws them
with box characters, `svg` as SVG, `tikz` as TikZ.
"""
