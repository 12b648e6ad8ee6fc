"""Chinese: what the page of a model says about it in its first lines."""

from __future__ import annotations

MODEL_FACTS = {
    "Language model": "语言模型",
    "Classifier": "分类器",
    "Tagger": "标注器",
    "Marker of DNA": "DNA 标记器",
    "{} x {} {}, in both directions": "{} x {} {}，双向",
    "{} weights": "{} 个权重",
    "a vocabulary of {} {}": "词表有 {} 个{}",
    "{} labels": "{} 个标签",
    "{} labels, any number of them at once": "{} 个标签，可同时有任意多个",
    "{} tags": "{} 个标注",
    "{} known words": "认识 {} 个词",
}
