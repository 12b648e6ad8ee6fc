"""Chinese: the tables of `bptt look` and `bptt next`, and the notes beside them."""

from __future__ import annotations

LOOKS = {
    # Names of columns.
    "step": "时间步",
    "read": "读入",
    "next": "下一个",
    "tag": "标注",
    "label": "标签",
    "answer": "答案",
    "rank": "名次",
    "number": "编号",
    "one-hot": "独热向量",
    # Units of a text.
    "characters": "字符",
    "words": "词",
    "tokens": "词元",
    # How the text is read.
    "each line is read from a zero input, as the model learned sentences": (
        "每行从零输入开始读，与模型学习句子时相同"
    ),
    "each line is read after <eos>, the end of a line, as the model learned a continuous text": (
        "每行接在行尾标记 <eos> 之后读，与模型学习连续文本时相同"
    ),
    "text: {} of its {} {} are <unk>, the model does not know them": (
        "文本：{1} 个{2}中有 {0} 个是 <unk>，模型不认识它们"
    ),
    "word: {} of its {} tokens are <unk>, the model does not know them": (
        "词：{1} 个词元中有 {0} 个是 <unk>，模型不认识它们"
    ),
    "example {} of the text; {} shows another": "文本中编号为 {} 的样本；{} 可看其他样本",
    "the first {} steps; {} shows more": "前 {} 个时间步；{} 可看更多",
    # The unit that is shown.
    "{}, unit {} of {}{}": "{0}，共 {2} 个单元中的单元 {1}{3}",
    ": its {} {}": "：它的 {} {}",
    "moves most over the text; {} and {} choose another": "在文本上变化最大；{} 和 {} 可另选单元",
    "follows {} best in {}, {} {}": "在{1}中最能跟随性质 {0}，{2} {3}",
    "the text": "文本",
    "the held-out text": "留出的文本",
    "picture: {}": "图片：{}",
}
