"""Chinese: the verdict on a trained model, and what is known of its text and layers."""

from __future__ import annotations

VERDICTS = {
    "good": "良好",
    "warning": "注意",
    "bad": "有问题",
    "  try: {}": "  可以试试：{}",
    "page: {}": "页面：{}",
    "pictures: {}": "图片：{}",
    "{}{}": "{}{}",
    "{} {}": "{} {}",
    # The gradient.
    "{}: no state is carried, so no gradient goes back": "{}：不传递状态，所以没有梯度传回",
    "{} looks at each step by itself": "{} 只看每一步本身",
    "{}: the gradient is NaN": "{}：梯度是 NaN",
    "‖δ‖ is NaN at lag {}": "‖δ‖ 在滞后 {} 处是 NaN",
    "{}: the gradient vanishes": "{}：梯度消失",
    "{}: the gradient explodes": "{}：梯度爆炸",
    "{}: there is no step to look back to": "{}：没有可以回溯的步",
    "half of the losses or more have no step before them": "一半或更多的损失之前没有任何一步",
    "{}: too few steps to judge whether the gradient vanishes": "{}：步数太少，无法判断梯度是否消失",
    "{}: the gradient neither vanishes nor explodes": "{}：梯度既不消失也不爆炸",
    "{}: no gradient arrives": "{}：没有梯度到达",
    "the loss does not depend on this layer": "损失不依赖于这一层",
    "{}: no gradient passes": "{}：没有梯度通过",
    (
        "the loss depends on this layer, but ‖δ‖ is exactly 0 for half of the losses or more: the derivative of"
        " saturated or dead units, here or in a layer above, is 0"
    ): "损失依赖于这一层，但对一半或更多的损失 ‖δ‖ 恰为 0：本层或上面某层的饱和单元或死单元的导数为 0",
    "a tenth of ‖δ‖ is left at lag {}": "在滞后 {} 处 ‖δ‖ 剩下十分之一",
    "more than a tenth is left at every lag": "在每个滞后处都剩下十分之一以上",
    "{}, {} at lag {}: ×{} a step": "{0}，在滞后 {2} 处剩 {1}：每步 ×{3}",
    "; bound β_W β_f = {} a step": "；上界 β_W β_f = {}（每步）",
    "{}: NaN at lag {}": "{}：在滞后 {} 处是 NaN",
    "{}: no gradient": "{}：没有梯度",
    "{}: too few steps to judge": "{}：步数太少，无法判断",
    "never down to a tenth": "始终不降到十分之一",
    "down to a tenth at lag {}": "在滞后 {} 处降到十分之一",
    " over {} lags": "（共 {} 个滞后）",
    ", nothing from lag {} on": "，从滞后 {} 起为零",
    "{}: {}, ×{} a step{}": "{}：{}，每步 ×{}{}",
    # Remedies.
    "`recurrent_init` orthogonal: all singular values of the recurrent matrix begin at 1": (
        "`recurrent_init` orthogonal：循环矩阵的所有奇异值从 1 开始"
    ),
    "`bptt compare FILE --cells ... --remedies ...` trains them side by side.": (
        "`bptt compare FILE --cells ... --remedies ...` 可以并排训练它们。"
    ),
    "smaller inputs (their mean and deviation taken out), a smaller learning rate, or `recurrent_scale`": (
        "较小的输入（减去均值并除以标准差）、较小的学习率，或 `recurrent_scale`"
    ),
    "`clip_norm` 1: a step is never longer than the learning rate allows, whatever the gradient's norm": (
        "`clip_norm` 1（梯度裁剪）：无论梯度的范数多大，一步都不会超过学习率所允许的长度"
    ),
    "`bptt.probe.find_non_finite` says where it begins.": "`bptt.probe.find_non_finite` 会指出它从哪里开始。",
    "{}. {}, or a smaller `recurrent_scale`. {}": "{}。{}，或较小的 `recurrent_scale`。{}",
    "{}, or a smaller `recurrent_scale`.": "{}，或较小的 `recurrent_scale`。",
    "gate {} keeps {} of the state a step on the average": "门 {} 平均每步保留状态的 {}",
    "{}: `forget_bias` 2 would begin with {}": "{}：`forget_bias` 2 会从 {} 开始",
    "{}: with a bias of its own, `forget_bias` 2 would begin with {}": (
        "{}：若有自己的偏置，`forget_bias` 2 会从 {} 开始"
    ),
    "f' is at most {}, so no matrix of norm 1 can keep the gradient up: `cell` elman-tanh, lstm or gru.": (
        "f' 最大为 {}，所以范数为 1 的矩阵都不能维持梯度：`cell` elman-tanh、lstm 或 gru。"
    ),
    "`cell` elman-relu `recurrent_init` identity: f' = 1 and W = 1 where a unit is active": (
        "`cell` elman-relu `recurrent_init` identity：在激活的单元处 f' = 1 且 W = 1"
    ),
    "`cell` lstm or gru: a state that is carried past the matrix": "`cell` lstm 或 gru：状态绕过矩阵传递",
    "{}. {}.": "{}。{}。",
    "{}. {}": "{}。{}",
    "{}. {}. {}.": "{}。{}。{}。",
    # Chaos, gates, dead units.
    "largest Lyapunov exponent {} nats a step, σ_max up to {}": "最大 Lyapunov 指数为每步 {} 奈特，σ_max 最大 {}",
    "{}: states that begin close drift apart (chaos)": "{}：起初相近的状态逐渐分开（混沌）",
    "{}: states that begin close stay close": "{}：起初相近的状态一直相近",
    "{}: gate {} is nearly always {} in {} of its units": "{0}：门 {1} 有 {3} 的单元几乎总是{2}",
    "shut": "关闭",
    "open": "打开",
    "below 0.1 at nine steps in ten or more": "在九成以上的步中小于 0.1",
    "above 0.9 at nine steps in ten or more": "在九成以上的步中大于 0.9",
    "Units that never change their mind learn nothing: try fewer units, or a smaller rate.": (
        "从不改变的单元学不到东西：可用较少的单元，或较小的学习率。"
    ),
    "{}: {} of the ReLU units of {} are dead": "{0}：{2} 的 ReLU 单元中有 {1} 已死",
    "A smaller learning rate.": "较小的学习率。",
    "A smaller learning rate, or `recurrent_init` identity, which begins with all of them alive.": (
        "较小的学习率，或 `recurrent_init` identity，它开始时所有单元都是活的。"
    ),
    "never above zero on this text: no gradient passes": "在这段文本上从不大于零：没有梯度通过",
    # The title of a run.
    "{}, by {}": "{}，按{}",
    "{}: {}, {}": "{}：{}，{}",
    "{} on {}": "{}，训练数据 {}",
    "character": "字符",
    "word": "词",
    "token": "词元",
    "language model": "语言模型",
    "classifier": "分类器",
    "tagger": "标注器",
    "translator": "翻译模型",
    "regressor": "回归模型",
    "forecaster": "预测模型",
    # Layers, sequences, examples.
    "layer {}{}": "第 {} 层{}",
    "encoder": "编码器",
    "decoder": "解码器",
    "text": "文本",
    "source text": "原文",
    "translation": "译文",
    "recurrent layers": "循环层",
    ", in both directions": "，双向",
    ", projected to {}": "，投影到 {}",
    "{} steps": "{} 步",
    "{} steps of {} examples": "{} 步，共 {} 个样本",
    "example {}": "样本 {}",
    "right answers": "答对",
    "{} of {}": "{1} 中的 {0}",
    "found: {}": "得到：{}",
    "right: {}, {}": "正确：{}，{}",
    "gradient × input": "梯度 × 输入",
    # Rows of a sequence in time.
    "Features": "特征",
    "{} to {} Hz": "{} 至 {} 赫兹",
    "Posteriors": "后验概率",
    "Symbols": "符号",
    "Words": "词",
    "Piano roll": "钢琴卷帘",
    "integrated gradients": "积分梯度",
    # Properties of tokens, and the units that follow them.
    "quotes": "引号内",
    "brackets": "括号内",
    "digits": "数字",
    "capitals": "大写字母",
    "indentation": "缩进",
    "line-position": "行内位置",
    "line-length": "行长",
    "sentence-position": "句内位置",
    "word-position": "词内位置",
    "property {}: the same at every step, so that no unit can follow it": (
        "性质 {}：在每一步都相同，所以没有单元能跟随它"
    ),
    "property {}, {}: {}": "性质 {}，{}：{}",
    "{} {}, unit {}: {}": "{} {}，单元 {}：{}",
    "area under the curve": "曲线下面积",
    "correlation of ranks": "秩相关系数",
    "{}, inverse (low inside)": "{}，反向（匹配内低）",
}
