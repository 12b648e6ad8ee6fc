"""Chinese: the sentences of unrolled derivations."""

from __future__ import annotations

UNROLLED_STEPS = {
    # The states over all earlier inputs.
    "The states over all earlier inputs": "用此前所有输入表示的状态",
    "The pass begins with the initial states: {}, zero or given.": "前向计算从初始状态 {} 开始，它为零或是给定的。",
    "Each step is substituted into the next, down to the initial states:": (
        "把每一步代入下一步，一直代到初始状态："
    ),
    "Every parameter occurs at each step, and changes the last state at all of them.": (
        "每个参数在每一步都出现一次，并且通过每一处影响最后的状态。"
    ),
    "The output layer reads {} of the same step, with the same {} and {} at every step:": (
        "输出层读取同一时间步的 {}，每一步都用同样的 {} 和 {}："
    ),
    "Step {}:": "时间步 {}：",
    (
        "The update of {} is linear in {}: the factor is {}, and {} is added. Substituted step by step, every"
        " addition is multiplied by the factors of all later steps:"
    ): "{} 的更新对 {} 是线性的：系数是 {}，加上的是 {}。逐步代入后，每一步加上的项都要乘以此后各步的系数：",
    (
        "No state is linear in its own previous value, and a step reads the previous states more than once:"
        " substituted into each other, the equations would at least double in length at every step."
    ): "没有一个状态对自己的前一个值是线性的，而且一步中多次用到前一步的状态：若逐步代入，方程的长度每一步至少加倍。",
    # The loss at one step alone.
    "The loss at one step alone": "单独一个时间步的损失",
    (
        "Take {} alone, as if the losses of all other steps were zero: {} is short for {}. It reads {} only;"
        " it reaches earlier steps through the states that they hand on."
    ): (
        "只看 {}，好像其他时间步的损失都为零：误差项 {} 是 {} 的简写。这个损失只直接用到 {}；它通过此前各步"
        "传下来的状态影响到更早的时间步。"
    ),
    "Step {}, and all before it, are not reached.": "这个损失到不了时间步 {} 以及更早的时间步。",
    (
        "The loss of the whole sequence is the sum of the losses of its steps, and {} is linear in the loss:"
        " these equations, begun at every step, add up to the backward pass of the whole sequence."
    ): (
        "整个序列的损失是各时间步损失之和，而 {} 对损失是线性的：从每一个时间步开始写出这些方程，加起来就是整个"
        "序列的反向传播。"
    ),
    "from its own loss": "来自本步的损失",
    "from the step after": "来自后一步",
    "handed on to the step before": "传给前一步",
    "nothing": "无",
    # The summands of the gradients.
    "The summands of the gradients": "梯度的各个加项",
    (
        "A parameter {} is shared by all steps. Give each step a copy of its own, {}. The loss is a function"
        " of all copies, and every copy changes with {} at the rate {}; by the chain rule the derivative is a"
        " sum:"
    ): (
        "所有时间步共享参数 {}。给每一步一个自己的副本，{}。损失是所有副本的函数，而每个副本随 {} 的变化率为"
        " {}；由链式法则，导数是一个和："
    ),
    (
        "The summands come from the product rule: a parameter acts at step {} directly, and through the"
        " incoming state, which earlier steps have computed with the same parameter."
    ): "各个加项来自乘积的求导法则：参数在时间步 {} 直接起作用，也通过前面各步用同一参数算出的状态起作用。",
    (
        "The summands come from the product rule, because in {} both factors depend on {}. With the entries"
        " {} of {}:"
    ): "各个加项来自乘积的求导法则，因为 {} 的两个因子都依赖于 {}。用 {3} 的元素 {2} 写出：",
    (
        "{} is 1 if the condition holds and 0 otherwise (Kronecker's delta): {} is a tensor with four"
        " indices. The first term of the sum is the immediate derivative of step {}, the second the effect"
        " of {} on the incoming state. Multiplied by {} and summed over {}, the first becomes {}, the entry"
        " {} of an outer product."
    ): (
        "{} 在条件成立时为 1，否则为 0（克罗内克符号）：{} 是有四个下标的张量。和的第一项是时间步 {} 的直接导数，"
        "第二项是 {} 对传入状态的影响。乘以 {} 再对 {} 求和，第一项成为 {}，即外积的元素 {}。"
    ),
    (
        "So the total derivative of a state has a recursion, with {}. {} holds the incoming states fixed."
        " Substituted down to the first step it is a sum, in which {} multiplies from the last step to the"
        " first:"
    ): (
        "所以状态的全导数有一个递推式，其中 {}。{} 表示把传入的状态视为固定。一直代到第一步，它就是一个和，其中"
        " {} 从最后一步乘到第一步："
    ),
    "{} are all states, {}, one below the other:": "{} 是所有状态 {} 上下排成的一列：",
    "The summands for {}, from the loss of step {}:": "{} 的各个加项，来自时间步 {} 的损失：",
    "The summands for {}, which is any of {}, from the loss of step {}:": (
        "{} 的各个加项（它是 {} 中的任意一个），来自时间步 {} 的损失："
    ),
    (
        "Multiplied from the left, each chain becomes a {} of its step: {} in the gradient of {}, and in that"
        " of the whole loss the sum over the losses of this and all later steps, {}. The summands in this"
        " form, from the last step to the first:"
    ): (
        "从左边乘起，每条链成为该时间步的一个 {}：在 {2} 的梯度中是 {1}，在整个损失的梯度中则是对这一步及此后各步"
        "的损失求和，{3}。这种形式的各个加项，从最后一步到第一步："
    ),
    # The error terms of every pair of steps.
    "The error terms of every pair of steps": "每一对时间步的误差项",
    (
        "{} is the error term of the loss of step {} at step {}; it is zero for {}, because a loss does not"
        " depend on later steps. For every pair of steps:"
    ): "{} 是时间步 {} 的损失在时间步 {} 的误差项；当 {} 时它为零，因为损失不依赖于更晚的时间步。对每一对时间步：",
    "One step further back, each is multiplied by one more transposed Jacobian:": (
        "每往回一步，就多乘一个转置的雅可比矩阵："
    ),
    "As rows, multiplied from step {} back to step {}:": "写成行向量，从时间步 {} 往回乘到时间步 {}：",
    (
        "With the norm {} and the largest slope {} of the nonlinearity, {}: below 1 the error vanishes"
        " exponentially with the distance, above 1 it may explode."
    ): "用范数 {} 和激活函数的最大斜率 {} 来估计，{}：小于 1 时误差随距离按指数消失，大于 1 时可能爆炸。",
    (
        "Through {} alone, from step {} to step {}, the product is {}: on this path the error is multiplied"
        " by no matrix."
    ): "只通过 {}，从时间步 {} 到时间步 {} 的乘积是 {}：在这条路径上，误差不乘任何矩阵。",
    "Within step {}, it gives the error of the result of every linear map:": (
        "在时间步 {} 之内，它给出每个线性映射结果的误差："
    ),
    "Before the step of the loss, {}, it gives the error of the result of a linear map:": (
        "在损失所在的时间步之前（{}），它给出线性映射结果的误差："
    ),
    # Written out element by element.
    "Written out element by element": "逐元素写出",
    "The sizes are {}. The first index of an element of a vector is its unit, the second the step.": (
        "大小为 {}。向量元素的第一个下标是单元，第二个是时间步。"
    ),
    "The linear maps of a step:": "一个时间步的线性映射：",
    "The blocks of its Jacobian are too long to be shown element by element.": (
        "雅可比矩阵的各块太长，不逐元素写出。"
    ),
    "No state depends on those of the step before: its Jacobian is zero.": (
        "没有状态依赖于前一步的状态：雅可比矩阵为零。"
    ),
    (
        "The entry of each block of the Jacobian in row {} and column {}; {} is 1 if the condition holds and"
        " 0 otherwise:"
    ): "雅可比矩阵每一块第 {} 行第 {} 列的元素；{} 在条件成立时为 1，否则为 0：",
    (
        "From one linear map to the next, by the chain rule: {} reads unit {} of the state before, which"
        " reads unit {} of its own linear map alone."
    ): "从一个线性映射到下一个，由链式法则：{} 用到前一个状态的单元 {}，而后者只用到它自己的线性映射的单元 {}。",
    "As a matrix, row by row:": "写成矩阵，逐行列出：",
    "A step adds an outer product to the gradient of a matrix, such as these:": (
        "每个时间步给一个矩阵的梯度加上一个外积，例如："
    ),
}
