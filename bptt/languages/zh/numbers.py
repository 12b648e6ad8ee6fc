"""Chinese: the sentences of a small network worked through in numbers."""

from __future__ import annotations

NUMBERS = {
    # Sentences one after the other.
    "{} {} {}": "{}{}{}",
    # The head.
    "{}: {} in numbers": "{}：用数值推演 {}",
    "layers": "各层",
    "embedding {} → {}": "嵌入 {} → {}",
    "output {} → {}": "输出 {} → {}",
    "loss": "损失",
    "squared error": "平方误差",
    "steps": "时间步数",
    "rate": "学习率",
    "drawn": "随机抽取",
    "inputs": "输入",
    "targets": "目标",
    "{}, with seed {}": "{}（种子为 {}）",
    "as given": "由命令行给出",
    # Of a file, or of a node.
    "from {}": "来自 {}",
    # Vectors and matrices, step by step.
    "The given numbers": "给定的数",
    "Numbers are shown with four significant digits; they are computed with all.": (
        "数值显示四位有效数字，计算时保留全部位数。"
    ),
    "The embedding:": "嵌入：",
    "The output layer:": "输出层：",
    "The layer:": "这一层：",
    "input {}": "输入 {}",
    "target {}": "目标 {}",
    "All states at step 0 are zero.": "第 0 步的所有状态为零。",
    "The forward pass": "前向计算",
    "Step {}, embedding: the token chooses its row.": "第 {} 步，嵌入：词元选出自己的那一行。",
    "Step {}, layer:": "第 {} 步，这一层：",
    "Step {}, layer {}:": "第 {} 步，第 {} 层：",
    "Step {}, output:": "第 {} 步，输出：",
    "The loss of the sequence is the sum of the losses of its steps:": "整个序列的损失是各步损失之和：",
    "The backward pass": "反向计算",
    (
        "Here {} is minus the derivative, {}, as in Mitchell (1997): weights move along it. The last step"
        " comes first."
    ): "这里 {} 是导数的相反数，即 {}（同 Mitchell 1997），权重沿着它移动。从最后一步算起。",
    "Here {} is the derivative {}. The last step comes first.": "这里 {} 是导数 {}。从最后一步算起。",
    "{} is the part that step {} hands back to step {}; no step follows step {}, whose part is 0.": (
        "{} 是第 {} 步传回给第 {} 步的部分；第 {} 步之后没有时间步，传回给它的部分是 0。"
    ),
    "The Jacobian of each step": "每一步的雅可比矩阵",
    (
        "The derivatives of the states of a step by those of the step before. Their transposes carry {} back"
        " through time; their product over many steps is what vanishes or explodes."
    ): "一步的状态对前一步状态的导数。它们的转置把 {} 沿时间传回去；许多步的乘积就是梯度消失或爆炸的来源。",
    "The gradients, summed over the steps": "梯度：对各步求和",
    (
        "All steps share the weights, so each gradient is a sum with a term for each step, from step 1 to step"
        " {}: first in symbols, then in numbers, then their sum."
    ): "所有时间步共享权重，所以每个梯度都是一个和，从第 1 步到第 {} 步各有一项：先写符号，再写数值，最后是它们的和。",
    "The update": "更新",
    "A step of gradient descent with the learning rate {}: {} for every weight.": (
        "梯度下降走一步，学习率 {}：每个权重都按 {} 更新。"
    ),
    "The loss after the update is {}; before it was {}.": "更新之后的损失是 {}，更新之前是 {}。",
    # Node by node.
    "The nodes and their weights": "节点与权重",
    "Nodes {} are the inputs, {} the inner nodes, {} the outputs.": (
        "节点 {} 是输入节点，{} 是隐藏层节点，{} 是输出节点。"
    ),
    "Nodes {} are the inputs, {} the outputs.": "节点 {} 是输入节点，{} 是输出节点。",
    "The weight {} leads from node i to node j.": "权重 {} 从节点 i 连到节点 j。",
    "{} is the bias of node j.": "{} 是节点 j 的偏置。",
    "There are no biases.": "没有偏置。",
    "Inputs: {}. Targets: {}.": "输入：{}。目标：{}。",
    "to node": "到节点",
    "bias": "偏置",
    "Forward": "前向",
    "The error of this example:": "这个样本的误差：",
    "Backward": "反向",
    (
        "{} is minus the derivative of {} by {}, as in the textbooks (Mitchell 1997, table 4.2), so that {}"
        " goes downhill."
    ): "{} 是 {} 对 {} 的导数的相反数（同教科书，Mitchell 1997，表 4.2），所以 {} 使误差下降。",
    "{} is the derivative of {} by {}, so that {} goes downhill.": (
        "{} 是 {} 对 {} 的导数，所以 {} 使误差下降。"
    ),
    "The outputs come first, because each inner node needs the {} of the nodes that it feeds.": (
        "先算输出节点，因为每个隐藏层节点都要用到它的下游节点的 {}。"
    ),
    "Inner nodes:": "隐藏层节点：",
    "The chain rule at each node": "各节点的链式法则",
    (
        "A weight acts on {} through the net input of its node alone. At each node the chain is written out"
        " for the first weight; for the others only the last factor changes."
    ): "权重只通过所在节点的加权输入影响 {}。每个节点写出第一个权重的链式法则，其他权重只有最后一个因子不同。",
    "Node {} is an output, with the target {}:": "节点 {} 是输出节点，目标为 {}：",
    "Node {} acts on {} through the nodes that it feeds, Downstream({}) = {{}}:": (
        "节点 {} 通过它的所有下游节点影响 {}，Downstream({}) = {{}}："
    ),
    "The update of each weight": "每个权重的更新",
    "rule": "规则",
    "After the update: {}; before it was {}.": "更新之后：{}；更新之前是 {}。",
}
