"""Chinese: the words of the page of an inspection."""

from __future__ import annotations

PAGES = {
    # The frame.
    "Sections": "章节",
    "Dark": "深色",
    "Light": "浅色",
    "This page needs JavaScript, which is switched off here.": "本页需要 JavaScript，而这里关闭了它。",
    (
        "If this line stays, the script or the data of this page are damaged: copy the file again, or write"
        " it anew."
    ): "若此行一直不消失，说明本页的脚本或数据已损坏：请重新复制文件，或重新生成。",
    "This page needs a browser of 2023 or later.": "本页需要 2023 年或更新的浏览器。",
    "The numbers of this page are damaged.": "本页的数据已损坏。",
    "This page cannot be drawn ({}).": "本页无法绘制（{}）。",
    "Copy the file again, or write it anew: {}": "请重新复制文件，或重新生成：{}",
    # The verdict.
    "Verdict": "结论",
    "Good": "良好",
    "Warning": "注意",
    "Bad": "有问题",
    "Try: ": "可以试试：",
    # The text.
    "Text": "文本",
    "Select a token with a click or the arrow keys; point at one to read its numbers.": (
        "单击或用方向键选择一个词元；把指针放上去可读出它的数值。"
    ),
    "Through time": "随时间变化",
    "Click on the axis to go to a moment: sound, text and gradient follow.": (
        "单击时间轴即可跳到某一时刻：声音、文本和梯度随之而动。"
    ),
    "Sound": "声音",
    "The sound of this example was left out to keep the page small.": "为使页面保持小巧，略去了此例的声音。",
    "The first {} s of {} can be heard.": "可听前 {} 秒（共 {}）。",
    "{} s": "{} 秒",
    "Pictures": "画面",
    "Picture of step {}": "第 {} 步的画面",
    "{} to {}": "{} 至 {}",
    "Colour by": "着色依据",
    "a unit": "某个单元",
    "loss": "损失",
    "part in a loss": "对某个损失的贡献",
    "Method": "方法",
    "Layer": "层",
    "Value": "量",
    "Unit": "单元",
    "Beyond the ends of the scale the colour stays the same.": "超出刻度两端时颜色不再变化。",
    "This page holds no units.": "本页没有保存任何单元。",
    "{}, {} of unit {}": "{0}，单元 {2} 的 {1}",
    "{} nats": "{} 奈特",
    "Each token by the loss of the step that reads it.": "每个词元按读入它的那一步的损失着色。",
    "No loss of the {} was taken apart.": "{}的损失没有作分解。",
    "Part of each token in the loss of step {}.": "每个词元对第 {} 步损失的贡献。",
    "Part of each token in the loss of step {} (the nearest to the selected token that was taken apart).": (
        "每个词元对第 {} 步损失的贡献（作过分解的各步中，离所选词元最近的一步）。"
    ),
    "part in the loss of step {}": "对第 {} 步损失的贡献",
    "step {}": "第 {} 步",
    "loss {} nats": "损失 {} 奈特",
    "This page holds every unit of every value, in 8 bits a number.": "本页保存了每个量的所有单元，每个数 8 位。",
    (
        "To stay small this page holds a part of the units: those that follow a property and those that move"
        " most, in 8 bits a number. "
    ): "为使页面保持小巧，本页只保存一部分单元：跟随某个性质的和变化最大的，每个数 8 位。",
    "{} of {}": "{1} 中的 {0}",
    # The likeliest answers.
    "Likeliest next tokens": "最可能的下一个词元",
    "Likeliest tags": "最可能的标注",
    "Likeliest labels": "最可能的标签",
    "Likeliest answers": "最可能的答案",
    "the right answer": "正确答案",
    # Units that follow a pattern.
    'a regular expression, as "[^"]*"': '正则表达式，例如 "[^"]*"',
    "Units that follow the pattern": "跟随该模式的单元",
    "Find units that follow a pattern": "寻找跟随某个模式的单元",
    "Properties": "性质",
    "{} of {} tokens are inside a match (underlined).": "{1} 个词元中有 {0} 个在匹配之内（加下划线）。",
    " Numbers: Spearman's correlation with the position in the match.": "数值：与匹配内位置的 Spearman 秩相关系数。",
    " Numbers: Spearman's correlation with the length of the match.": "数值：与匹配长度的 Spearman 秩相关系数。",
    " Units were chosen on the first half of the text, and measured on the second.": (
        "单元在文本的前一半上选出，在后一半上测量。"
    ),
    "rises with it": "随之上升",
    "falls with it": "随之下降",
    "{} · {} · unit {}": "{} · {} · 单元 {}",
    "high inside": "匹配内高",
    "low inside": "匹配内低",
    "Not a pattern: ": "不是正则表达式：",
    (
        "Stopped after {} s: this pattern takes too long on this text. Avoid a repetition inside a repetition, such"
        " as (a+)+."
    ): "{} 秒后停止：这个模式在此文本上太慢。请避免重复之中再重复，例如 (a+)+。",
    "This browser runs no workers, which a search needs.": "搜索需要 worker，而这个浏览器不支持。",
    # The nearest states.
    "Nearest states": "最相近的状态",
    "{} reads the {}: select a token there.": "{} 读的是{}：请在那里选择一个词元。",
    "By the distance over {} units of {}, at least {} steps apart.": (
        "按 {1} 的 {0} 个单元上的距离，彼此至少相隔 {2} 步。"
    ),
    # One unit through time.
    "Window": "窗口",
    "all steps": "所有步",
    "{} steps": "{} 步",
    "{}, unit {}": "{}，单元 {}",
    "Values of unit {} over the steps {} to {}": "单元 {} 在第 {} 步到第 {} 步的值",
    "0 to 1": "0 到 1",
    # The gradient.
    "Gradient through time": "随时间传播的梯度",
    "Norm of the gradient by lag, on a logarithmic scale": "梯度的范数随滞后的变化，对数刻度",
    "lag k (steps back)": "滞后 k（向前追溯的步数）",
    "norm of the gradient": "梯度的范数",
    "lag {}": "滞后 {}",
    (
        "How much the loss still depends on what happened k steps before it: median, and the middle half as a"
        " band."
    ): "损失在多大程度上还依赖于 k 步之前：中位数，带状为中间的一半。",
    " Thin dots: the bound.": "细点：上界。",
    " A ring marks where a tenth is left. The names below switch lines on and off.": (
        "圆圈标出只剩十分之一之处。点击下面的名字可显示或隐藏曲线。"
    ),
    "Effective memory": "有效记忆",
    "{}, bound": "{}，上界",
    "more than a tenth is left at every lag": "在每个滞后处都剩下十分之一以上",
    "a tenth is left at lag {}": "在滞后 {} 处剩下十分之一",
    "Numbers as a table": "以表格列出数值",
    # The map.
    "Every loss and every step": "每个损失与每一步",
    (
        "Each row is a loss Eₘ, each column a step n: the colour is the norm of ∂Eₘ/∂netₙ, how much that loss depends"
        " on what the layer computed then. Select a row to draw it."
    ): "每一行是一个损失 Eₘ，每一列是一步 n：颜色是 ∂Eₘ/∂netₙ 的范数，即该损失在多大程度上依赖于这一层当时的计算。选择一行可画出曲线。",
    "Norms of {}: arrow keys move the selected cell": "{} 的范数：方向键移动所选的格子",
    "To stay below 3 MB one in {} of its rows and columns is shown.": "为了不超过 3 MB，每 {0} 行、每 {0} 列显示一个。",
    "{} (losses of the {})": "{}（{}的损失）",
    ", lag {}": "，滞后 {}",
    "loss at {}, step {}: norm {}": "损失在 {}，步 {}：范数 {}",
    "Norm of the gradient of the loss at step {} by step": "第 {} 步损失的梯度范数，逐步",
    "step n": "步 n",
    "norm for the loss at m = {}": "m = {} 处损失的范数",
    # The gates.
    "Gates": "门",
    (
        "Each circle is a unit: right, the share of steps at which its gate is open (above 0.9); up, shut (below"
        " 0.1). A unit near the line is always one or the other; near the corner it is neither."
    ): "每个圆圈是一个单元：向右是门打开（大于 0.9）的步所占的比例，向上是关闭（小于 0.1）的比例。靠近斜线的单元总是非开即关，靠近角落的两者都不是。",
    "share of steps open": "打开的比例",
    "share of steps shut": "关闭的比例",
    "Saturation of gate {}: arrow keys walk through its units": "门 {} 的饱和：方向键逐个走过各单元",
    "{}, unit {}: open {}, shut {}": "{}，单元 {}：打开 {}，关闭 {}",
    "unit": "单元",
    "open": "打开",
    "shut": "关闭",
    "As a table": "以表格列出",
    "gate {}": "门 {}",
    "Dead units": "死单元",
    "{}: {} of {} units never leave zero. ": "{0}：{2} 个单元中有 {1} 个始终为零。",
    # The Jacobian.
    "Jacobian of a step": "一步的雅可比矩阵",
    (
        "Singular values of ∂sₜ/∂sₜ₋₁ over time: above 1 a direction grows, below 1 it shrinks. Lyapunov exponents"
        " give the same for the whole text, in nats a step: above 0 a small change grows, below 0 it is forgotten."
    ): (
        "∂sₜ/∂sₜ₋₁ 的奇异值随时间的变化：大于 1 的方向增长，小于 1 的方向收缩。Lyapunov 指数就整个文本说明同一件事，"
        "单位是每步奈特：大于 0 时微小的变化会放大，小于 0 时会被遗忘。"
    ),
    "Singular values by step, {}": "各步的奇异值，{}",
    "step t": "步 t",
    "singular value": "奇异值",
    "largest": "最大",
    "median": "中位",
    "smallest": "最小",
    "Lyapunov exponents, largest first, {}": "Lyapunov 指数，从大到小，{}",
    "number of the exponent": "指数的编号",
    "nats a step": "每步奈特",
    "exponent {}: {}": "指数 {}：{}",
    "exponent": "指数",
}
