"""Chinese: the titles of the cells, and the words of their facts."""

from __future__ import annotations

CELLS = {
    # Titles of the catalogue.
    "Elman network, tanh": "Elman 循环神经网络，tanh",
    "Elman network, relu": "Elman 循环神经网络，ReLU",
    "Elman network, sigmoid": "Elman 循环神经网络，sigmoid",
    "Independently recurrent network": "独立循环神经网络（IndRNN）",
    "LSTM with forget gate": "带遗忘门的 LSTM（长短期记忆网络）",
    "LSTM with peephole connections": "带窥视孔连接（peephole）的 LSTM",
    "LSTM with recurrent projection": "带循环投影层的 LSTM",
    "LSTM with coupled input and forget gates": "输入门与遗忘门耦合的 LSTM",
    "LSTM with layer normalisation of every gate and of the cell": "每个门和记忆单元都作层归一化的 LSTM",
    "GRU as published: the reset gate inside the matrix product": "GRU，按原论文：重置门在矩阵乘积之内",
    "GRU as torch and cuDNN compute it: the reset gate after the matrix product": (
        "GRU，按 torch 与 cuDNN 的算法：重置门在矩阵乘积之后"
    ),
    "LSTM with peephole connections from the last cell state to all gates": (
        "带窥视孔连接的 LSTM，所有门都看前一步的记忆状态"
    ),
    "Simplified GRU with the update gate alone": "只有更新门的简化 GRU",
    "Minimal gated unit": "最小门控单元（MGU）",
    "minGRU: a GRU whose gate and candidate do not see the state": "minGRU：门和候选值都不看状态的 GRU",
    "minLSTM: an LSTM whose gates do not see the state and add up to 1": (
        "minLSTM：门不看状态、且其和为 1 的 LSTM"
    ),
    "Simple recurrent unit: gates of the input alone, and a highway past the state": (
        "简单循环单元（SRU）：门只看输入，另有一条绕过状态的通路"
    ),
    "Feed-forward layer, sigmoid": "前馈层，sigmoid",
    # Sources with a remark.
    (
        "Gers, Schraudolph & Schmidhuber 2002, Learning precise timing, eq. 1-6; Graves 2013, eq. 7-11;"
        " i and f see c_prev, o sees c (lstm-peephole-previous: all see c_prev)"
    ): (
        "Gers, Schraudolph & Schmidhuber 2002, Learning precise timing, eq. 1-6；Graves 2013, eq. 7-11；"
        "i 和 f 看 c_prev，o 看 c（lstm-peephole-previous：都看 c_prev）"
    ),
    "Ng 2018, Sequence models, week 1; i, f and o see c_prev (lstm-peephole: o sees c)": (
        "Ng 2018, Sequence models, week 1；i、f 和 o 都看 c_prev（lstm-peephole：o 看 c）"
    ),
    (
        "Ng 2018, Sequence models, week 1; Collins et al. 2017 (UGRNN), whose gate is 1 - u; u = 1 updates"
        " (z of gru: z = 1 keeps)"
    ): (
        "Ng 2018, Sequence models, week 1；Collins et al. 2017（UGRNN，其门为 1 - u）；u = 1 表示更新"
        "（gru 的 z：z = 1 表示保留）"
    ),
    "Sak, Senior & Beaufays 2014, Long short-term memory architectures, eq. 1-7, no peepholes": (
        "Sak, Senior & Beaufays 2014, Long short-term memory architectures, eq. 1-7，无窥视孔"
    ),
    "Gers, Schmidhuber & Cummins 2000, Learning to forget; as torch.nn.LSTM": (
        "Gers, Schmidhuber & Cummins 2000, Learning to forget；同 torch.nn.LSTM"
    ),
    "Ba, Kiros & Hinton 2016, Layer normalization, eq. 20-22, W x + R h normalised gate by gate": (
        "Ba, Kiros & Hinton 2016, Layer normalization, eq. 20-22，W x + R h 逐门归一化"
    ),
    (
        "Feng et al. 2024, Were RNNs all we needed?, section 3.2; k is sigmoid(f) / (sigmoid(f) + sigmoid(i)),"
        " as in appendix B"
    ): (
        "Feng et al. 2024, Were RNNs all we needed?, section 3.2；k 即 sigmoid(f) / (sigmoid(f) + sigmoid(i))，"
        "同附录 B"
    ),
    "Lei et al. 2017, Training RNNs as fast as CNNs, version 1, eq. 3-7; W_h @ x in place of x, so that widths may differ": (
        "Lei et al. 2017, Training RNNs as fast as CNNs, version 1, eq. 3-7；以 W_h @ x 代替 x，使宽度可以不同"
    ),
    "torch.nn.GRU; Cho et al. 2014 with the reset gate moved": "torch.nn.GRU；Cho et al. 2014，重置门移了位置",
    # Labels of facts.
    "cell": "单元",
    "source": "出处",
    "input": "输入",
    "states": "状态",
    "output": "输出",
    "parameters": "参数",
    "weights": "权重",
    "constants": "常数",
    "sizes": "尺寸",
    "not given": "未注明",
    "texts": "文中记号",
    "{} updates, {} keeps: the parameters of this gate change their sign": (
        "{} 表示更新，{} 表示保留：这个门的参数变号"
    ),
    "one matrix for state and input: {}": "状态与输入合用一个矩阵：{}",
    # The letters of sizes.
    "time steps": "时间步数",
    "batch": "批量大小",
    "input size": "输入维数",
    "hidden size": "隐藏层维数",
    "projection size": "投影维数",
    "gates": "门的个数",
    "vocabulary": "词表大小",
    "embedding size": "词嵌入维数",
    "a width": "宽度",
    # Functions.
    "subgradient 0 at 0": "在 0 处取次梯度 0",
    "at a tie the first argument counts": "相等时以第一个自变量为准",
    "at a tie the second argument counts": "相等时以第二个自变量为准",
}
