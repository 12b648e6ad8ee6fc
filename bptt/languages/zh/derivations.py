"""Chinese: the sentences of the derivation of a cell or of a trained layer."""

from __future__ import annotations

DERIVATIONS = {
    # Punctuation alone.
    "{} {}: {}": "{} {}：{}",
    "{}.": "{}。",
    "{} ({})": "{}（{}）",
    # The equations.
    "The equations of the layer": "这一层的方程",
    "The equations of one time step": "一个时间步的方程",
    "⊙ is the element-wise product; a matrix before a vector is a matrix-vector product.": (
        "⊙ 表示逐元素乘积；矩阵写在向量之前表示矩阵与向量的乘积。"
    ),
    "{} The same equations hold from {} to {}; the states at {} are given.": (
        "{}从 {} 到 {}，每个时间步都用同样的方程；{} 时的状态是给定的。"
    ),
    "The forward equations": "前向方程",
    (
        "Every linear map and every nonlinearity has its own line, so that each line can be differentiated"
        " separately."
    ): "每个线性映射和每个非线性函数各占一行，这样每一行都可以单独求导。",
    # Back-propagation.
    "Back-propagation": "反向传播",
    "Back-propagation through one time step": "一个时间步的反向传播",
    "The loss of the whole sequence is {}; the part after step {} is {}. {} is short for {}.": (
        "整个序列的损失是 {}；时间步 {} 之后的部分是 {}。误差项 {} 是 {} 的简写。"
    ),
    "{} is short for {}, the derivative of the loss.": "误差项 {} 是损失的导数 {} 的简写。",
    (
        "By the chain rule, from the last forward equation to the first: the {} of a value is a sum over the"
        " equations that read it, each term the {} of that equation times its derivative; where a matrix {}"
        " reads the value, the term is {}."
    ): (
        "根据链式法则，从最后一个前向方程推到第一个：一个量的 {} 是对所有用到它的方程求和，每一项是该方程的 {}"
        " 乘以相应的导数；若用到它的是矩阵 {}，这一项就是 {}。"
    ),
    (
        "A state is also read outside of these equations: by the loss at {}, which contributes {} (zero for a"
        " state that it does not read), and by step {}, which contributes {} (zero at the last step)."
    ): (
        "状态还在这些方程之外被用到：{} 时刻的损失贡献 {}（若损失不用这个状态则为零），时间步 {} 贡献"
        " {}（在最后一步为零）。"
    ),
    (
        "The derivative of a nonlinearity {} is written in terms of its output, which the forward pass has"
        " computed: {}."
    ): "激活函数 {} 的导数用前向计算已得到的输出来表示：{}。",
    "{} for {}": "{1} 的导数为 {0}",
    "{} for {} ({})": "{1} 的导数为 {0}（{2}）",
    "{} is the sum of the elements of {} over the units of a row, {} their mean: one number per row.": (
        "{} 是 {} 的各元素对一行中所有单元求和，{} 是它们的平均值：每行一个数。"
    ),
    "Passed on to step {}: {}.": "传给时间步 {} 的是：{}。",
    "Passed down to the layer below, whose output is the input of this layer: {}.": (
        "传给下面一层（它的输出就是本层的输入）的是：{}。"
    ),
    (
        "{} comes from the layer above; at the top it comes from the loss, and is {} for the squared error {}"
        " with the target {}."
    ): "{} 来自上面一层；在最顶层它来自损失，对目标为 {3} 的平方误差 {2} 来说就是 {1}。",
    "In a stack of layers the {} of one is the {} of the one below:": (
        "在多层网络中，一层的 {} 就是下面一层的 {}："
    ),
    # The gradients.
    "The gradients of the parameters": "参数的梯度",
    (
        "A parameter is shared by all time steps, so by the chain rule its gradient is the sum of its"
        " contributions at each of them, {}."
    ): "所有时间步共享同一个参数（权重共享），所以由链式法则，它的梯度是各时间步贡献之和：{}。",
    (
        "{} is the immediate derivative: that of step {} alone, with the incoming states held fixed. The"
        " effect of the parameter on those states is counted at the earlier steps, to which {} carries the"
        " loss. The gradient is also summed over the rows of a batch."
    ): (
        "{} 是直接导数：只对时间步 {} 求导，传入的状态视为常数。参数对这些状态的影响计入更早的时间步，由 {}"
        " 把损失传到那里。梯度还要对一批中的各行求和。"
    ),
    (
        "The gradient of a matrix is the {} of its output times its transposed input; that of a vector is the"
        " {} of the sum to which it is added. Both are summed over the rows of a batch."
    ): (
        "矩阵的梯度是其输出的 {} 乘以输入的转置；向量的梯度是它所加到的那个和的 {}。两者都要对一批中的各行求和。"
    ),
    # The Jacobian.
    "The Jacobian": "雅可比矩阵",
    "The Jacobian of one time step": "一个时间步的雅可比矩阵",
    (
        "{} is the change of {} when only the states of the step before change; {} is the diagonal matrix"
        " with the elements of {}."
    ): "{} 是只有前一步的状态变化时 {} 的变化；{} 是以 {} 的元素为对角元的对角矩阵。",
    "Multiplied out, state by state:": "逐个状态乘开：",
    "Its transpose propagates the error back:": "误差由它的转置向后传播：",
    "From one linear map to the next, the order of the factors is reversed:": (
        "若从一个线性映射到下一个线性映射，因子的次序相反："
    ),
    "Its blocks are too long to be shown: statements over a row, or too many paths.": (
        "它的各个分块太长，不再列出：有对整行的运算，或路径太多。"
    ),
    (
        "Let {} be the matrix of all blocks of step {}. Then {}, and the gradient of the loss at {} with"
        " respect to the states at {} is {}. It vanishes if the norms of the factors stay below 1, and may"
        " explode if they stay above 1."
    ): (
        "设 {} 是时间步 {} 的所有分块组成的矩阵，则 {}，且 {} 时刻的损失对 {} 时刻状态的梯度为 {}。若各因子的范数"
        "一直小于 1，梯度就会消失；若一直大于 1，梯度就可能爆炸。"
    ),
    # Storage.
    "Values kept, and values recomputed": "保存的量与重新计算的量",
    "Available in any case, as input or state: {}. Kept for the backward pass: {}.": (
        "作为输入或状态本来就有的：{}。为反向传播而保存的：{}。"
    ),
    "nothing else": "没有别的",
    "Recomputed from these, element by element, instead of being kept:": (
        "不保存、而由上述的量逐元素重新计算的："
    ),
    "Numbers stored for {} time steps and {} rows, if all of these are kept: {}.": (
        "若全部保存，{} 个时间步、{} 行要存的数的个数为：{}。"
    ),
    "If only the states are kept, and the rest is recomputed from them: {}.": (
        "若只保存状态、其余由状态重新计算，则为：{}。"
    ),
    "If the states of every {} = √{} steps are kept, and each segment is recomputed: {}.": (
        "若每隔 {} = √{} 步保存一次状态、每一段重新计算，则为：{}。"
    ),
    # The kernel.
    "The equations and their kernel": "方程与计算它们的程序",
    (
        "The kernel is C++ generated from the equations; the number of a line is on its left. The prefix v_"
        " marks a value, d_ its {}; a Vector holds the numbers of adjacent units."
    ): (
        "程序是由方程生成的 C++；行号在左边。前缀 v_ 表示一个量，d_ 表示它的 {}；一个 Vector 存放相邻单元的数。"
    ),
    "Forward, one time step:": "前向，一个时间步：",
    "Backward, one time step:": "反向，一个时间步：",
    "The gradients, to which every step adds its contribution:": "梯度，每个时间步都加上自己的贡献：",
    "No line of its own: inlined into that of {}.": "没有单独的一行：并入 {} 的那一行。",
    "One product for {}.": "一次乘积同时算出 {}。",
    "One product with {}, stacked.": "与叠在一起的 {} 作一次乘积。",
    (
        "An entry ({}, matrix, member) in the table of products that are computed for all steps of a chunk at"
        " once, after its loop."
    ): "乘积表中的一项（{}，矩阵，成员）：在一段的循环之后，对这一段的所有时间步一次算出。",
    "Computed for all steps of a chunk at once, after its loop.": (
        "在一段的循环之后，对这一段的所有时间步一次算出。"
    ),
    # A trained layer.
    "{}: {} of {}": "{0}：{2} 的{1}",
    "The shapes of {}": "{}的形状",
    "symbols": "符号",
    "space": "空间",
    "role": "含义",
    "carried states": "传递的状态",
    "values of a step": "一步中的量",
    "parameter": "参数",
    "parameters, together {}": "参数，合起来是 {}",
    "Weights: {}.": "权重：{} 个。",
    (
        "Multiply-adds of matrices with vectors, for one step of one row: {} forward, {} for the {} going"
        " back, {} for the gradients of the matrices."
    ): "一行走一步，矩阵与向量的乘加次数：前向 {0} 次，向后传播 {2} 要 {1} 次，矩阵的梯度要 {3} 次。",
    (
        "Memory for one step of one row, in {}: {} numbers, {} bytes, if all values that the backward pass"
        " reads are kept (states {}, other values {}); {} bytes, if only the states are kept."
    ): (
        "一行走一步所需的存储（{}）：若保存反向传播用到的所有量，为 {} 个数、{} 字节（状态 {} 个，其他的量 {}"
        " 个）；若只保存状态，为 {} 字节。"
    ),
    "All layers:": "所有各层：",
    "layer": "层",
    "multiply-adds forward": "前向乘加次数",
    "bytes kept": "保存的字节数",
    "together": "合计",
    # A step in numbers.
    "Step {} in numbers": "用数值写出第 {} 步",
    "Step {} of {} of the {} reads “{}”:": "{2}共 {1} 步，第 {0} 步读入“{3}”：",
    "This direction reads from the end: t − 1 is the step after t.": (
        "这个方向从末尾读起：t − 1 是 t 之后的那一步。"
    ),
    "{} is the sum of the losses of steps {} to {}.": "{} 是第 {} 步到第 {} 步的损失之和。",
    "{} is the loss of “{}”.": "{} 是“{}”的损失。",
    "The target there is “{}”: its loss is {}. {}": "该处的目标是“{}”，其损失为 {}。{}",
    "value": "量",
    "unit {}": "单元 {}",
    "least": "最小",
    "mean": "平均",
    "most": "最大",
    "{} of unit {}": "单元 {1} 的 {0}",
    "Below each equation are the numbers of unit {}.{}": "每个方程下面是单元 {} 的数值。{}",
    " A value that has fewer units shows its last.": "单元数较少的量显示其最后一个单元。",
    "This step adds {} to unit {}.": "这一步给单元 {1} 加上 {0}。",
    "This step adds {} to row {}, column 1.": "这一步给第 {1} 行第 1 列加上 {0}。",
    "This step adds nothing.": "这一步没有贡献。",
    "{} units, from {} to {}, mean {}.": "{} 个单元，从 {} 到 {}，平均 {}。",
    "{} units, from {} {} to {}, mean {}.": "{} 个单元，从 {} {} 到 {}，平均 {}。",
}
