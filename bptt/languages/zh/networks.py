"""Chinese: the sentences of the derivation of a whole network."""

from __future__ import annotations

NETWORKS = {
    # The head.
    "softmax": "softmax",
    "squared": "平方误差",
    "cross-entropy of a softmax": "softmax 的交叉熵",
    "cross-entropy of the logistic function, summed over labels": "逻辑函数的交叉熵，对各标签求和",
    "{}, the row of the token in the embedding {}": "{}，即嵌入矩阵 {} 中该词元的那一行",
    "{}: {}": "{}：{}",
    # Forward.
    "The whole network, forward": "整个网络的前向计算",
    (
        "The token of step {} is a one-hot vector {}: 1 at the number of the token, 0 elsewhere. The input is"
        " the row with this number of the embedding matrix {}, so that nothing has to be multiplied:"
    ): "时间步 {} 的词元是独热向量 {}：在该词元的编号处为 1，其余为 0。输入就是嵌入矩阵 {} 中这个编号的那一行，因此不必真的做乘法：",
    "Layer {}:": "第 {} 层：",
    "Layer {}, {}:": "第 {} 层，{}：",
    "A superscript in parentheses is the number of a layer. The input of a layer is the output of the layer below.": (
        "括号中的上标是层的编号。每一层的输入是下面一层的输出。"
    ),
    "The equations hold for every step from {} to {}; the states at {} are given.": (
        "从 {} 到 {}，每个时间步都用这些方程；{} 时的状态是给定的。"
    ),
    "The output layer, a linear map and a function {}:": "输出层，一个线性映射和一个函数 {}：",
    "In short, {}.": "合起来写，{}。",
    "The parameters, members of one shape stacked:": "参数，形状相同的叠在一起：",
    "shape": "形状",
    "{} is the number of outputs.": "{} 是输出的个数。",
    "{} is the number of tokens.": "{} 是词元的个数。",
    # The loss.
    "The loss": "损失",
    "{} is the output of the network, {} its target.": "{} 是网络的输出，{} 是它的目标。",
    (
        "The target {} is one-hot, 1 for the right label and 0 elsewhere; the output {} is a probability for"
        " every label. The loss is the cross-entropy, minus the logarithm of the probability of the right"
        " label:"
    ): "目标 {} 是独热的，正确的标签处为 1，其余为 0；输出 {} 给出每个标签的概率。损失是交叉熵，即正确标签概率的对数的相反数：",
    (
        "Each element of the target {} is 1 for a label that is true, else 0; each element of the output {}"
        " is the probability that it is true. The loss is the cross-entropy of every label, summed:"
    ): "目标 {} 的每个元素，标签成立为 1，否则为 0；输出 {} 的每个元素是该标签成立的概率。损失是各标签的交叉熵之和：",
    "The loss is half the squared distance of the output {} to its target:": "损失是输出 {} 与目标之间距离平方的一半：",
    (
        "The elements are those of step {}; that index is left out. The loss of the sequence is the sum over"
        " its steps:"
    ): "这里的元素都属于时间步 {}，该下标省略。整个序列的损失是对各时间步求和：",
    "A step without a target contributes nothing: its {} is 0, and so are its derivatives.": (
        "没有目标的时间步没有贡献：它的 {} 为 0，导数也为 0。"
    ),
    (
        "Where the target of a step is the next token, {} is minus the logarithm of the probability of the"
        " whole sequence: the least loss is the greatest likelihood."
    ): "若每一步的目标是下一个词元，{} 就是整个序列概率的对数的相反数：损失最小即似然最大。",
    (
        "Over {} examples the loss is the mean {}, where {} is the loss of example {}. Every gradient below"
        " is that of one example; that of the mean is the mean of them."
    ): "对 {} 个样本，损失是平均值 {}，其中 {} 是第 {} 个样本的损失。下面的梯度都是一个样本的；平均损失的梯度就是它们的平均。",
    # The output layer.
    "The δ of the output, step by step": "输出层的误差项 δ，一步一步推导",
    "One step is considered; its index {} is left out, and {} is the loss of that step.": (
        "只考虑一个时间步；它的下标 {} 省略，{} 是这一步的损失。"
    ),
    "The softmax, with {} for its denominator:": "softmax，分母记作 {}：",
    "By the quotient rule, where numerator and denominator both depend on {}:": "由商的求导法则，分子和分母都依赖于 {}：",
    "For a {} other than {} the numerator does not depend on {}:": "当 {} 不等于 {} 时，分子不依赖于 {}：",
    "Both in one line, where {} is 1 for equal indices and else 0:": "合写成一行，其中 {} 在下标相等时为 1，否则为 0：",
    "The cross-entropy depends on each output through one logarithm:": "交叉熵通过一个对数依赖于每个输出：",
    "By the chain rule, summed over all outputs, for each depends on {}:": "由链式法则，对所有输出求和，因为每个输出都依赖于 {}：",
    "In the last line {}, for the target is one-hot. As a vector:": "最后一行用到 {}，因为目标是独热的。写成向量：",
    "Each output is the logistic function of its own sum; by the quotient rule:": "每个输出是它自己的和的逻辑函数；由商的求导法则：",
    "The cross-entropy of one label, of which only its own output has a part:": "一个标签的交叉熵只与它自己的输出有关：",
    "By the chain rule the denominator cancels:": "由链式法则，分母消去：",
    "As a vector:": "写成向量：",
    "The square is differentiated; the factor 2 cancels the ½:": "对平方求导，因子 2 与 ½ 消去：",
    "As a vector, with which the last layer begins, and which its function {} then multiplies by its derivative:": (
        "写成向量，最后一层的反向计算由它开始，再乘以该层函数 {} 的导数："
    ),
    "Here the output is the sum itself, {}, so that its derivative is 1:": "这里输出就是和本身，{}，所以它的导数为 1：",
    "With a function {} of the sum of each output, {}, the chain rule multiplies by its derivative, {}:": (
        "若每个输出是它的和的函数 {}，即 {}，由链式法则还要乘以其导数，{}："
    ),
    "An output of a softmax depends on the sums of all outputs: with {} from its quotient rule, {}.": (
        "softmax 的一个输出依赖于所有输出的和：由商的求导法则有 {}，于是 {}。"
    ),
    "Element by element, with {} for what the last layer hands on:": "逐个元素写出，其中 {} 是最后一层传出的量：",
    "To the last layer the output layer hands down:": "输出层传给最后一层的是：",
    # Through the layers.
    "Back-propagation through all layers": "经过所有各层的反向传播",
    "{} is short for {}.": "误差项 {} 是 {} 的简写。",
    (
        "The steps are gone through from {} to {}, and at each step the layers from the last to the first. {}"
        " is the part of the {} of a state that step {} of the same layer hands back, 0 at the last step."
    ): "时间步从 {} 走到 {}，每一步中从最后一层走到第一层。{} 是状态的 {} 中由同一层的时间步 {} 传回来的部分，在最后一步为 0。",
    "The layers are gone through from the last to the first.": "从最后一层走到第一层。",
    "Layer {}, with a line for every linear map and every nonlinearity:": "第 {} 层，每个线性映射和每个非线性函数各占一行：",
    "Back through it, beginning with {} from above:": "反向经过这一层，从上面传来的 {} 开始：",
    "To the input goes {}, to the step before {}.": "传给输入的是 {}，传给前一时间步的是 {}。",
    "To the layer below goes {}, to the step before {}.": "传给下面一层的是 {}，传给前一时间步的是 {}。",
    # The gradients.
    "The gradients of all parameters": "所有参数的梯度",
    (
        "All steps use the same parameters, and the loss is a sum: {}. Every gradient is therefore a sum over"
        " the steps, and so is the change {} that it causes, for a learning rate {}."
    ): "所有时间步共用同样的参数，而损失是一个和：{}。所以每个梯度都是对时间步的和，它引起的改变 {} 也是如此，其中学习率为 {}。",
    "The embedding, of which step {} uses the row of its token:": "嵌入矩阵，时间步 {} 只用到其词元的那一行：",
    (
        "The row of a token {} is the sum of {} over the steps whose token {} it is; rows of tokens that are"
        " not read have no gradient:"
    ): "词元 {0} 的那一行，是对所有以它为词元 {2} 的时间步求 {1} 之和；没有读到的词元，其行没有梯度：",
    # Rows and columns.
    "The row form, for batches": "行形式，用于成批的样本",
    (
        "In the column form an example is a column. In the row form it is a row, and a batch of {} examples"
        " is a matrix of {} rows. The one is the transpose of the other:"
    ): "在列形式中一个样本是一列。在行形式中它是一行，一批 {} 个样本是一个有 {} 行的矩阵。两者互为转置：",
    "With {}, and all rows in one matrix, where {} is added to every row:": "令 {}，把所有行放进一个矩阵，{} 加到每一行上：",
    "The error that goes down, and the gradient, summed over the examples {} of the batch:": (
        "向下传的误差，以及对这一批样本 {} 求和的梯度："
    ),
    (
        "Below, in the row form, the name of a matrix means its transpose, and that of a vector the matrix of"
        " its rows. Equations without matrices are the same in both forms. The weights of a run are stored as"
        " in the column form."
    ): (
        "下面的行形式中，矩阵的名字表示它的转置，向量的名字表示由各行组成的矩阵。不含矩阵的方程在两种形式中相同。"
        "训练得到的权重按列形式存放。"
    ),
    "The output layer, column form:": "输出层，列形式：",
    "Row form, for {}:": "行形式，其中 {}：",
    "The sizes of the row form:": "行形式的尺寸：",
    "Forward, column form:": "前向，列形式：",
    "Row form:": "行形式：",
    "Backward, column form:": "反向，列形式：",
    "Gradients, column form, of one example:": "梯度，列形式，一个样本：",
    "Row form, of the batch:": "行形式，一批样本：",
    "From layer to layer, column form:": "从一层到下一层，列形式：",
    # State and input in one matrix.
    "One matrix for state and input": "状态与输入合用一个矩阵",
    (
        "Two matrices side by side are one matrix, two vectors one above the other one vector: {} and {}. In"
        " their product the columns of {} meet the elements of {}, those of {} the elements of {}; {} is the"
        " width of {}:"
    ): (
        "两个矩阵左右并排成一个矩阵，两个向量上下相接成一个向量：{} 与 {}。相乘时 {} 的列对上 {} 的元素，{} 的列对上"
        " {} 的元素；{} 是 {} 的宽度："
    ),
    "The sum {}:": "和 {}：",
    "The sums {} read the same vectors:": "和 {} 用到同样的向量：",
    "matrix": "矩阵",
    "in numbers": "数值",
    "Side by side, {} become {}.": "左右并排，{} 变成 {}。",
    "all {}, stacked": "全部 {} 个，叠在一起",
    "All of them are one product:": "它们合起来是一次乘积：",
    "The gradient of the stacked matrix is stacked as the matrix is:": "叠起来的矩阵，其梯度也同样叠起来：",
    # One function.
    "The network as one function": "把网络看作一个函数",
    "Each layer is a function of the layer below; put into each other:": "每一层是下面一层的函数，逐层代入：",
    "With the widths {}, unit by unit:": "各层宽度为 {}，逐个单元写出：",
    "The first of these as matrices:": "其中第一层写成矩阵：",
    "The Jacobian of a composition is the product of the Jacobians, the last layer first:": (
        "复合函数的雅可比矩阵是各雅可比矩阵之积，最后一层在最前："
    ),
    "The error goes back through the transposes, in the opposite order:": "误差按相反的次序经过它们的转置传回：",
    "The {} of the output layer:": "输出层的 {}：",
    "That of an inner layer from that of the next:": "内层的由后一层的得到：",
}
