"""Chinese for diagrams: captions, and the words inside boxes."""

from __future__ import annotations

from collections.abc import Mapping

DIAGRAMS: Mapping[str, str] = {
    "Diagrams": "图示",
    "The model, from its inputs at the bottom to its answers at the top:": "模型，自下方的输入到上方的输出：",
    (
        "The cell: the states come in at the left and leave at the right, the input comes in from below,"
        " the output leaves at the top."
    ): "单元：状态从左边进入、从右边离开，输入从下方进入，输出从上方离开。",
    "The layer: the input comes in from below, the output leaves at the top.": (
        "层：输入从下方进入，输出从上方离开。"
    ),
    (
        "A box shows its operation and its value. The letters above an arrowhead are the factor of what comes"
        " in there; letters without an arrow are added, or multiplied where the operation is {}."
    ): (
        "方框中写的是运算和所得的量。箭头上方的字母是从那里进入的量所乘的因子；没有箭头的字母是加上的项，"
        "运算为 {} 时则是乘上的因子。"
    ),
    "The part that computes {}; those of {} have the same form:": "计算 {} 的部分；{} 的部分形式相同：",
    "The part that computes {}:": "计算 {} 的部分：",
    "The network as one box: its states come back one step later.": "折叠的网络：状态在下一个时间步返回。",
    "Unrolled over {} steps, which share all weights:": "按 {} 个时间步展开，各步共用全部权重：",
    (
        "Back-propagation through time: what flows back along a dashed arrow is written in the box that"
        " it leaves, or below it."
    ): "沿时间反向传播：沿虚线箭头传回的量写在它离开的方框里，或写在箭头下方。",
    (
        "The computational graph of the forward equations. The dashed arrows lead back; each carries what is"
        " written above its beginning, and where arrows join, the derivatives are added."
    ): ("前向方程的计算图。虚线箭头表示反向传播；每条箭头传递其起点上方所写的量，箭头汇合处各导数相加。"),
    (
        "[A diagram of {} columns; the terminal has {}. Write the diagrams to files with {}, or to a page"
        " with {}.]"
    ): "[此图宽 {} 列，终端只有 {} 列。用 {} 把图写成文件，或用 {} 写成网页。]",
    "delay": "延迟",
    "attention": "注意力",
    "bridge": "衔接",
    "embedding": "嵌入",
    "feed-forward": "前馈",
    "output layer": "输出层",
    "maximum": "最大值",
    "logistic": "逻辑函数",
    "linear": "线性",
}
