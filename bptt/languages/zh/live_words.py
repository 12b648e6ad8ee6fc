"""Chinese: the words of the page in which a model runs."""

from __future__ import annotations

LIVE = {
    # The page as a whole.
    "The weights of this page are damaged. Copy the file again, or write it anew.": (
        "本页的权重已损坏。请重新复制文件，或重新生成。"
    ),
    "The model of this page stopped: {}.": "本页的模型已停止：{}。",
    "This page computes in a worker, which this browser does not allow here. Save the page as a file, or open it "
    "in a tab of its own.": "本页在 worker 中计算，而浏览器在此处不允许。请将本页存为文件，或在单独的标签页中打开。",
    "Input": "输入",
    "Answers": "答案",
    "The text as the model reads it": "模型所读的文本",
    "The input as the model reads it": "模型所读的输入",
    # Colours of the text.
    "Colour the text by": "文本着色依据",
    "gradient of the chosen loss": "所选损失的梯度",
    "change of the loss": "损失的变化",
    "change by what you changed": "改动带来的变化",
    "a value of a layer": "某层的一个量",
    "loss {} nats": "损失 {} 奈特",
    "loss changes by {} nats": "损失变化 {} 奈特",
    "part in the loss": "对损失的贡献",
    "part in the loss: {} nats": "对损失的贡献：{} 奈特",
    "P of the answer changes by {}": "答案的概率变化 {}",
    # Next tokens.
    "Likeliest next tokens": "最可能的下一个词元",
    "Next": "下一个",
    "Expected at token {}, {}": "词元 {}（{}）处的预期",
    "{} {}, {} bits each": "{} 个{}，每个 {} 比特",
    "characters": "字符",
    "words": "词",
    "tokens": "词元",
    "loss {} nats, P = {}": "损失 {} 奈特，P = {}",
    (
        "Type: after every key the model says what it expects next. Point at a token, or walk with the arrow "
        "keys, to see what it expected there."
    ): "请输入：每按一键，模型就给出它预期的下一个词元。指向一个词元或用方向键移动，可看到它在该处的预期。",
    "Temperature": "温度",
    "Top p": "核采样 p",
    "Tokens": "词元",
    "Seed": "随机种子",
    "Continue the text": "续写文本",
    # The way back of a loss.
    "How far back a loss reaches": "损失能追溯多远",
    (
        "The norm of ∂Eₘ/∂netₙ, Eₘ the loss at the chosen token, for each step n before it; behind the text Eₘ is"
        " the loss of the likeliest token. Of a changed model they are its own."
    ): (
        "∂Eₘ/∂netₙ 的范数，Eₘ 为所选词元处的损失，n 为它之前的每一步；在文本之后，Eₘ "
        "是最可能词元的损失。模型改动后，即为改动后模型的范数。"
    ),
    "Norm of the gradient by step, for each layer": "各层梯度的范数，按步",
    "{} {} at lag 0, {} at lag {}": "{0}：滞后 0 处 {1}，滞后 {3} 处 {2}",
    "step n = m = {}": "第 n = m = {} 步",
    "step n = {}": "第 n = {} 步",
    "Layer of the picture": "图所示的层",
    "Steps": "步",
    "the last {}": "最后 {} 个",
    "Draw every loss and every step": "画出每个损失与每一步",
    "Norms of ∂Eₘ/∂netₙ: a row for each loss, a column for each step; arrow keys read them": (
        "∂Eₘ/∂netₙ 的范数：每个损失一行，每步一列；用方向键读取"
    ),
    "Steps that carry the answer": "支撑答案的各步",
    "E = {} nats: {}": "E = {} 奈特：{}",
    "loss of {}": "{} 的损失",
    "tag {} at word {}": "词 {1} 的标签 {0}",
    # Changes.
    "Change the model": "改动模型",
    (
        "Set or scale a gate, a state or one unit: the text is read again. Bars show the changed model, thin ones"
        " the model as it is; colour the text by “change of the loss”."
    ): (
        "设定或缩放一个门、一个状态或一个单元：文本会重新读入。条形显示改动后的模型，"
        "细条显示原模型；文本可按“损失的变化”着色。"
    ),
    (
        "Set or scale a gate, a state or one unit: the input is read again. Bars show the changed model, thin "
        "ones the model as it is."
    ): "设定或缩放一个门、一个状态或一个单元：输入会重新读入。条形显示改动后的模型，细条显示原模型。",
    "Changes": "改动",
    "Action": "操作",
    "set to": "设为",
    "multiply by": "乘以",
    "Number": "数值",
    "Unit (empty: all)": "单元（空：全部）",
    "From token": "从词元",
    "To token (empty: the end)": "到词元（空：末尾）",
    "the end": "末尾",
    ", tokens {} to {}": "，词元 {} 至 {}",
    "Change": "改动",
    "Remove": "移除",
    "Remove {}": "移除 {}",
    # Two texts.
    "Two texts": "两段文本",
    "A second text beside the first: which is more probable, and where they part.": (
        "与第一段并列的第二段文本：哪段更可能，从何处分开。"
    ),
    "Second text": "第二段文本",
    "the first text is {} times as probable": "第一段的概率是另一段的 {} 倍",
    "the second text is {} times as probable": "第二段的概率是另一段的 {} 倍",
    "First difference at token {}": "首个不同处为词元 {}",
    "token": "词元",
    "first": "第一段",
    "second": "第二段",
    "ln odds so far": "至此的对数几率",
    "Odds token by token": "逐词元的几率",
    # One unit at one step.
    "One unit, one step": "一个单元，一步",
    (
        "The equations of the chosen layer and unit at the chosen token, with their numbers. Choose a unit of the"
        " value by a click, or with the arrow keys."
    ): "所选层、所选单元在所选词元处的方程及其数值。单击或用方向键选择该量的一个单元。",
    "δ is that of the loss of the next token.": "δ 属于下一个词元的损失。",
    "δ is that of the chosen loss.": "δ 属于所选的损失。",
    "unit {} of {}": "单元 {}，共 {} 个",
    "Units of {}": "{} 的各单元",
    "Forward": "前向",
    "Backward: δ of the chosen loss": "反向：所选损失的 δ",
    "The tokens after which the output of the top layer was most like that at the chosen one (cosine).": (
        "读完后顶层输出与所选词元处最相似的词元（余弦）。"
    ),
    # Labels and tags.
    (
        "Type: after every key the model answers. Choose a label to see what speaks for it and against it; point "
        "at a step to look into it."
    ): "请输入：每按一键，模型就作答。选择一个标签，可看到什么支持它、什么反对它；指向一步可深入查看。",
    (
        "E is the loss of the answer, or of the label that you choose. The part of a step in it is ∂E/∂x · x: "
        "below zero (blue) it speaks for the label, above zero (orange) against it. The lines are ‖∂E/∂netₙ‖."
    ): (
        "E 是答案的损失，或所选标签的损失。一步对它的贡献是 ∂E/∂x · x：小于零（蓝）支持该标签，"
        "大于零（橙）反对它。曲线为 ‖∂E/∂netₙ‖。"
    ),
    "Row m: the same loss if the input ended behind step m.": "第 m 行：若输入在第 m 步之后结束，同一损失的范数。",
    "none of the labels": "没有标签",
    "{} steps": "{} 步",
    "{} words": "{} 个词",
    "{} unknown to the model": "{} 个为模型所不识",
    "{} not read": "{} 个未读",
    (
        "Type: after every key each word has its tag. Choose a word to see the probability of every tag there, "
        "and a tag to see which words carry it."
    ): "请输入：每按一键，每个词都有标签。选择一个词，可看到该处每个标签的概率；选择一个标签，可看到哪些词支撑它。",
    (
        "E is −ln P of the tag at the chosen word, its own or the one that you choose. The part of a word in it is"
        " ∂E/∂x · x: below zero (blue) it speaks for the tag, above zero (orange) against it. The lines are "
        "‖∂E/∂netₙ‖."
    ): (
        "E 是所选词处标签的 −ln P，即它自己的标签或所选的标签。一个词对它的贡献是 ∂E/∂x · x：小于零（蓝）"
        "支持该标签，大于零（橙）反对它。曲线为 ‖∂E/∂netₙ‖。"
    ),
    "Row m: −ln P of the tag of word m, its own.": "第 m 行：词 m 自己标签的 −ln P。",
    "Tags of word {}, {}": "词 {}（{}）的标签",
    "these tags together: P = {}": "这些标签合起来：P = {}",
}
