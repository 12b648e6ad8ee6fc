"""Chinese: the sentences of the derivation of a whole model: pooling, attention, encoder, losses, CRF."""

from __future__ import annotations

MODELS = {
    # Pooling.
    "The outputs of both directions, one above the other:": "两个方向的输出上下相接：",
    "The output of the last step alone is read on:": "只用最后一步的输出：",
    "The output of each direction at its last step alone is read on:": "每个方向只用它最后一步的输出：",
    "The mean of the outputs of all steps:": "所有时间步输出的平均：",
    "The largest output of all steps, unit by unit {}:": "所有时间步输出中最大的，逐个单元 {}：",
    "A weighted mean of the outputs of all steps, whose weights are a softmax of scores:": (
        "所有时间步输出的加权平均，权重是得分的 softmax："
    ),
    "Through the pooling, at the last step; at all others it is 0:": "经过汇聚，在最后一步；在其余各步为 0：",
    "Through the pooling, the same at every step:": "经过汇聚，每一步都相同：",
    (
        "Through the pooling, unit by unit, to the step whose output was the largest; at all others it is 0:"
    ): "经过汇聚，逐个单元传给输出最大的那一步；在其余各步为 0：",
    (
        "Through the pooling: an output has a part in the weighted mean, and in its own score. The softmax of"
        " the scores gives, with the weighted mean {}:"
    ): "经过汇聚：一个输出既出现在加权平均中，也出现在它自己的得分中。对得分的 softmax 求导，其中 {} 是加权平均：",
    "{} is the {} of the sum inside the tanh.": "{} 是 tanh 里面的和的 {}。",
    "The attention:": "注意力：",
    "To the pooling the output layer hands down:": "输出层传给汇聚的是：",
    "To the attention the output layer hands down:": "输出层传给注意力的是：",
    "As matrices:": "写成矩阵：",
    "As matrices, summed over the steps, for every step uses the same {}:": (
        "写成矩阵，要对时间步求和，因为每个时间步用的是同一个 {}："
    ),
    "Every gradient of a layer that reads step after step is a sum over the steps, which use the same parameters.": (
        "逐步读取的层，其梯度是对时间步求和，因为各步共用同样的参数。"
    ),
    # Both directions, and the input.
    (
        "{} marks the direction from the first step to the last, {} the other one, which has parameters of its"
        " own. Its equations are the same with {} in the place of {}."
    ): "{} 表示从第一步到最后一步的方向，{} 表示另一个方向，它有自己的参数。它的方程相同，只是用 {} 代替 {}。",
    "The error of the output has two halves, one for each direction:": "输出的误差分为两半，每个方向一半：",
    (
        "The other direction goes through the same equations from its own half, with {} and {} exchanged. Both"
        " read the input:"
    ): "另一个方向从它自己的一半出发，经过同样的方程，只是 {} 与 {} 互换。两个方向都读取输入：",
    "{}, the one-hot vector of the token": "{}，即词元的独热向量",
    "The input {} is one-hot: 1 at the number of the token of step {}, 0 elsewhere.": (
        "输入 {} 是独热的：在时间步 {} 的词元编号处为 1，其余为 0。"
    ),
    (
        "Below it the first layer reads {}, what the output layer has read one step before; at the first step"
        " it is 0:"
    ): "在它下面，第一层还读取 {}，即输出层在前一步读取的量；在第一步为 0：",
    (
        "Below it the first layer reads {}: the last outputs of an LSTM that has read the characters of the"
        " token in both directions."
    ): "在它下面，第一层还读取 {}：一个从两个方向读取该词元各字符的 LSTM 的最后输出。",
    "The input has two parts, and so has its {}:": "输入有两部分，它的 {} 也有两部分：",
    "The output layer, a linear map:": "输出层，一个线性映射：",
    "The output layer, a linear map and a function {}. The embedding is its matrix, too: {}.": (
        "输出层，一个线性映射和一个函数 {}。嵌入矩阵也是它的矩阵：{}。"
    ),
    "The embedding, which is the matrix of the output layer, too:": "嵌入矩阵，它也是输出层的矩阵：",
    # Remarks.
    "Training sets random elements to 0 (dropout), and their δ with them; left out here.": (
        "训练时随机把一些元素置为 0（随机失活），它们的 δ 也随之为 0；这里从略。"
    ),
    "Training smooths the targets: every other label has a small share of the 1; left out here.": (
        "训练时对目标做平滑：其他每个标签分得 1 中的一小份；这里从略。"
    ),
    (
        "Training estimates the sum in the softmax from some tokens, drawn at random, and its gradient with it;"
        " left out here."
    ): "训练时用随机抽取的一些词元估计 softmax 中的和，其梯度也随之估计；这里从略。",
    "Training weighs the loss of an example by how rare its label is; left out here.": (
        "训练时按标签的稀有程度给样本的损失加权；这里从略。"
    ),
    (
        "A linear model of n-grams adds its own scores to {} in an answer. It is trained apart, and its scores"
        " do not depend on the network."
    ): "回答时，一个 n 元组的线性模型把自己的得分加到 {} 上。它单独训练，得分与网络无关。",
    "Training leaves the embedding as it is: its gradient is not used.": "训练不改变嵌入矩阵：它的梯度没有用到。",
    "The parameters below the first layer are trained by the δ of its input, too.": (
        "第一层下面的参数也由其输入的 δ 训练。"
    ),
    "The model has a part that is not derived: {}. Its layers follow.": "模型有一部分没有推导：{}。下面是它的各层。",
    # Encoder and decoder.
    "The encoder, forward": "编码器的前向计算",
    "The decoder, forward": "解码器的前向计算",
    "Back-propagation through the decoder": "经过解码器的反向传播",
    "Back-propagation through the encoder": "经过编码器的反向传播",
    "The states of the decoder at step 0, one above the other, are a function of what it is given:": (
        "解码器在第 0 步的各状态上下相接，是给定的量的函数："
    ),
    "At step 0, through the first states of the decoder:": "在第 0 步，经过解码器的初始状态：",
    "The last states of the encoder begin with it:": "编码器的最后状态由它开始：",
    "The first states of the decoder:": "解码器的初始状态：",
    "A state that the decoder begins with has another part at the last step: see there.": (
        "解码器由之开始的状态，在最后一步还有另一部分：见解码器一节。"
    ),
    (
        "An attention weighs the outputs {} of all steps {} of the encoder by their scores for the output {}"
        " of the decoder. The output layer reads {}:"
    ): "注意力对编码器所有时间步 {1} 的输出 {0} 加权，权重取决于它们对解码器输出 {2} 的得分。输出层读取 {3}：",
    (
        "Through the attention: an output of the encoder has a part in the weighted mean, and in its own score;"
        " the output of the decoder has a part in all scores."
    ): "经过注意力：编码器的一个输出既出现在加权平均中，也出现在它自己的得分中；解码器的输出出现在所有得分中。",
    "{} is the {} of the sum inside the tanh of {}.": "{0} 是 {2} 的 tanh 里面的和的 {1}。",
    "{} is that of the sum inside the tanh of {}.": "{} 是 {} 的 tanh 里面的和的误差项。",
    "No output of the encoder is read but its last states, so that from above comes nothing:": (
        "除最后的状态外，编码器的输出没有被读取，所以从上面没有传来误差："
    ),
    "The encoder:": "编码器：",
    "Encoder and decoder share the embedding, whose gradient is the sum {}.": (
        "编码器和解码器共用嵌入矩阵，它的梯度是和 {}。"
    ),
    # Other losses.
    "The δ of the output": "输出层的误差项 δ",
    "minus the logarithm of the probability of the label, summed over alignments": (
        "标签概率的对数的相反数，概率对所有对齐求和"
    ),
    "minus the logarithm of the probability of the tags in a conditional random field": (
        "条件随机场中标注序列概率的对数的相反数"
    ),
    "squared error of the probabilities": "概率的平方误差",
    "mean squared error": "均方误差",
    "mean absolute error": "平均绝对误差",
    "mean Huber loss": "平均 Huber 损失",
    "mean pinball loss of quantiles": "平均分位数损失",
    "The targets are standardised: the mean and the deviation of the training data are taken out.": (
        "目标经过标准化：减去训练数据的均值，再除以标准差。"
    ),
    "The loss is half the squared distance of the probabilities to the one-hot target:": (
        "损失是概率与独热目标之间距离平方的一半："
    ),
    (
        "The derivative by the outputs is {}. Each depends on all sums; with the derivative of the softmax,"
        " {}, and summed over all outputs:"
    ): "对输出的导数是 {}。每个输出都依赖于所有的和；由 softmax 的导数 {}，对所有输出求和：",
    "The loss is the mean of the squared errors of all {} outputs:": "损失是全部 {} 个输出的平方误差的平均：",
    "The square is differentiated:": "对平方求导：",
    "The loss is the mean of the absolute errors of all {} outputs:": "损失是全部 {} 个输出的绝对误差的平均：",
    "The derivative of an absolute value is its sign, 0 at 0:": "绝对值的导数是它的符号，在 0 处为 0：",
    "The error of each output, cut off at {} and at {}:": "每个输出的误差，在 {} 和 {} 处截断：",
    "The loss is a mean over all {} outputs:": "损失是对全部 {} 个输出的平均：",
    "Up to {} in absolute value an error contributes {}, beyond it {}.": (
        "误差的绝对值不超过 {} 时贡献为 {}，超过时为 {}。"
    ),
    "The derivative is the error that is cut off:": "导数就是截断后的误差：",
    (
        "Output {} is the quantile of level {} of its target {}. The loss is the mean of the pinball losses of"
        " all {} outputs:"
    ): "输出 {} 是目标 {2} 的 {1} 分位数。损失是全部 {3} 个输出的分位数损失的平均：",
    "The derivative of the larger of both terms:": "对两项中较大的一项求导：",
    # Conditional random fields, beside those of the criterion.
    "The loss: a conditional random field": "损失：条件随机场",
    "The loss: connectionist temporal classification": "损失：联结时序分类",
    (
        "The scores {} are the elements of {}, the probabilities {} those of {}. With the vector {} of the"
        " occupancies of every class, summed over its states:"
    ): "分数 {} 是 {} 的元素，概率 {} 是 {} 的元素。设向量 {} 是每个类别的占有概率，即对它的各状态求和：",
    (
        "The scores {} are the elements of {}. With the vector {} of the probabilities {} of all tags at step"
        " {}, and the right tag as a one-hot vector {}:"
    ): "得分 {} 就是 {} 的元素。令 {} 为时间步 {4} 上所有标注的概率 {3} 组成的向量，{5} 为正确标注的独热向量：",
    "Feed-forward layer, ReLU": "前馈层，ReLU",
    "Feed-forward layer, tanh": "前馈层，tanh",
}
