"""Chinese: the sentences of the derivations of losses over sequences and over clusters of words."""

from __future__ import annotations

CRITERIA = {
    # A conditional random field.
    "Linear-chain conditional random field": "线性链条件随机场",
    "{}, the score of every tag at every step, from a network": "{}，由网络给出的每个时间步上每个标注的分数",
    "{} tags, {} time steps": "{} 个标注，{} 个时间步",
    "The score and the probability of a sequence of tags": "标注序列的分数与概率",
    (
        "{} is the score of tag {} at step {}, {} that of tag {} after tag {}, {} and {} are those of a tag"
        " at the start and at the end. The score of the tags {} is the sum along them:"
    ): (
        "{0} 是时间步 {2} 上标注 {1} 的分数，{3} 是标注 {5} 之后出现标注 {4} 的分数，{6} 和 {7} 是标注位于开头和结尾的"
        "分数。标注序列 {8} 的分数是沿序列各项之和："
    ),
    "The probability of the tags is a softmax over all sequences {}:": "标注序列的概率是对所有序列 {} 的 softmax：",
    "The partition function by the forward recursion": "用前向递推计算配分函数",
    (
        "{} has {} terms, with a factor for every step: too many to be added one by one. Let {} be the sum of"
        " {} over all beginnings up to step {} whose last tag is {}, where {} is their score so far."
    ): (
        "{} 有 {} 项，每个时间步贡献一个因子：项数太多，不能逐项相加。设 {} 是 {} 对到时间步 {} 为止、最后一个标注是 {}"
        " 的所有开头部分求和，其中 {} 是开头部分到此为止的分数。"
    ),
    "At the first step there is one such beginning:": "在第一个时间步，这样的开头只有一个：",
    (
        "A beginning up to step {} is a beginning {} up to step {} with one more tag. Its score has two terms"
        " more; the exponential of a sum is a product; and the factor that depends on the last two tags alone"
        " comes out of the sum:"
    ): (
        "到时间步 {0} 为止的开头，就是到时间步 {2} 为止的开头 {1} 再加一个标注。它的分数多出两项；和的指数是乘积；"
        "只依赖于最后两个标注的因子可以提到求和号之外："
    ),
    "At the end the scores of the last tags are added, and all last tags are summed over:": (
        "到结尾时加上最后一个标注的分数，并对所有可能的最后标注求和："
    ),
    "These are {} products instead of {} terms. On logarithms, so that no number leaves its range:": (
        "这样只需 {} 次乘法，而不是 {} 项。为使数值不溢出，用对数计算："
    ),
    "The loss is minus the logarithm of the probability of the right tags {}:": (
        "损失是正确标注序列 {} 的概率的对数的相反数："
    ),
    "The backward recursion and the marginals": "后向递推与边缘概率",
    (
        "Let {} be the sum over all ends after step {}, given that the tag there is {}. The same argument"
        " from the other side:"
    ): "设 {} 是对时间步 {} 之后的所有结尾部分求和，已知该处的标注是 {}。从另一端作同样的推导：",
    (
        "This is back-propagation through the forward recursion: {} is linear in {} with the factor {}, so"
        " that {}."
    ): "这就是前向递推的反向传播：{} 对 {} 是线性的，系数为 {}，所以 {}。",
    (
        "Every beginning that ends in {} goes with every end that follows {}: the product of both sums is the"
        " sum over all sequences with this tag at step {}. Divided by {}, which is the sum of these products"
        " over all tags, at any step, that is the probability of the tag:"
    ): (
        "每个以 {} 收尾的开头都可以接上每个跟在 {} 之后的结尾：两个和的乘积，就是对时间步 {} 上取这个标注的所有序列求和。"
        "再除以 {}（在任一时间步，它都是这些乘积对所有标注之和），就得到这个标注的概率："
    ),
    "The gradient: expected minus observed": "梯度：期望次数减去实际次数",
    (
        "For any score {}, an entry of {}, {}, {} or {}: the logarithm brings {} below, the exponential"
        " reproduces itself, and its share of {} is a probability:"
    ): (
        "对任一分数 {}（{}、{}、{} 或 {} 的一个元素）：对数求导使 {} 成为分母，指数函数求导不变，它在 {} 中所占的比例就是概率："
    ),
    (
        "The score is a sum of entries, so its derivative by an entry counts how often the tags use it: 1 or"
        " 0 for {}, a number of steps for {}. The first sum is the expected count, the second term the"
        " observed one. The expected counts are sums of the marginals:"
    ): (
        "分数是各元素之和，所以它对一个元素的导数就是标注序列用到该元素的次数：对 {} 是 1 或 0，对 {} 是若干步。"
        "第一个和是期望次数，第二项是实际次数。期望次数是边缘概率之和："
    ),
    (
        "The first line is the {} that the network below receives at step {}. It is that of a softmax, with"
        " the marginal of a tag in the place of its probability at that step alone."
    ): (
        "第一行是下面的网络在时间步 {1} 收到的误差项 {0}。它与 softmax 的形式相同，只是用标注的边缘概率代替了单独一步的概率。"
    ),
    # Connectionist temporal classification.
    "Connectionist temporal classification": "联结时序分类",
    "{}, the score of every symbol and of the blank at every step, from a network": (
        "{}，由网络给出的每个时间步上每个符号和空白符的分数"
    ),
    "{} classes, among them the blank {}; {} symbols; {} time steps": "{} 个类别，其中包括空白符 {}；{} 个符号；{} 个时间步",
    "Alignments and the probability of a label": "对齐与标签的概率",
    "At every step a softmax makes probabilities of the scores:": "在每个时间步，softmax 把分数变为概率：",
    (
        "An alignment {} has a class for every step. Its label is found in two moves: repeats become one,"
        " then blanks are removed. So {} alignments with {} steps give the label of one symbol {}, such as {}. The"
        " label {} is known, its alignment is not: the probability of the label is the sum over all of them."
    ): (
        "对齐 {0} 在每个时间步上有一个类别。分两步由它得到标签：先把连续的重复合并为一个，再去掉空白符。因此，在 {2} 个时间步上有"
        " {1} 个对齐给出只含一个符号 {3} 的标签，例如 {4}。标签 {5} 是已知的，它的对齐未知：标签的概率是对所有对齐求和。"
    ),
    (
        "{} runs over the alignments of {}. A label with an equal symbol after another needs a blank between"
        " them, or they would become one: with fewer steps than symbols and such blanks no alignment exists,"
        " {} is 0 and the loss infinite."
    ): (
        "{} 遍历 {} 的所有对齐。标签中相邻的两个相同符号之间必须有一个空白符，否则它们会合并为一个：时间步数少于符号数与这类"
        "空白符数之和时，不存在对齐，{} 为 0，损失为无穷大。"
    ),
    "The sum over alignments by the forward recursion": "用前向递推对所有对齐求和",
    (
        "The extended label {} has {} states: a blank before, between and behind the symbols. An alignment"
        " begins in one of the first two, ends in one of the last two, and from step to step it stays,"
        " moves by one, or skips a blank between two symbols that differ. {} says whether state {} is such a symbol:"
    ): (
        "扩展标签 {} 有 {} 个状态：符号之前、之间和之后各有一个空白符。对齐从最前面两个状态之一开始，在最后两个状态之一结束，"
        "每过一个时间步，它停留不动、前进一个状态，或者跳过两个不同符号之间的空白符。{} 表示状态 {} 是否是这样的符号："
    ),
    (
        "Let {} be the sum over all beginnings of alignments up to step {} that end in state {}. At the first"
        " step there are two; a state before the first counts as 0:"
    ): (
        "设 {} 是对到时间步 {} 为止、处于状态 {} 的所有对齐开头部分求和。在第一个时间步有两个这样的开头；第一个状态之前的状态算作 0："
    ),
    "A longer beginning is a shorter one with one more step, whose factor comes out of the sum:": (
        "较长的开头就是较短的开头再加一个时间步，这一步的因子可以提到求和号之外："
    ),
    "At the last step the alignment has arrived in the last symbol or in the blank behind it:": (
        "在最后一个时间步，对齐到达最后一个符号或它后面的空白符："
    ),
    (
        "These are {} sums of three terms. The kernel computes them in numbers that have an exponent of their"
        " own, so that none leaves its range, without logarithms."
    ): "这样只需 {} 个三项的和。内核用各自带有指数的数来计算，因此数值不会溢出，也不需要对数。",
    "The loss is minus the logarithm of the probability of the label {}:": "损失是标签 {} 的概率的对数的相反数：",
    "The backward recursion and the occupancy": "后向递推与占有概率",
    (
        "Let {} be the sum over all ends of alignments after step {}, given state {} there. The same argument"
        " from the other side; a state behind the last counts as 0:"
    ): (
        "设 {} 是对时间步 {} 之后的所有对齐结尾部分求和，已知该处的状态是 {}。从另一端作同样的推导；最后一个状态之后的状态算作 0："
    ),
    (
        "In the paper {} has the factor {} of its own step too; products of both sums are then divided by it."
        " Here it is what back-propagation through the forward recursion finds: {}."
    ): (
        "在论文中，{} 还含有它自己那一步的因子 {}，两个和的乘积再除以该因子。这里它就是前向递推的反向传播的结果：{}。"
    ),
    (
        "Every beginning that ends in state {} goes with every end that follows: the product of both sums is"
        " the sum over all alignments through this state at step {}. Its share of {} is the occupancy, the"
        " probability of the state given the label:"
    ): (
        "每个以状态 {} 收尾的开头都可以接上每个后续的结尾：两个和的乘积，就是对时间步 {} 上经过这个状态的所有对齐求和。"
        "它在 {} 中所占的比例是占有概率，即已知标签时状态的概率："
    ),
    "The gradient: softmax minus occupancy": "梯度：softmax 减去占有概率",
    (
        "{} is {} times a sum over earlier steps, {} a sum over later ones. So the derivative of {} by a"
        " probability divides the products of its states by it; the logarithm brings {} below:"
    ): (
        "{} 是 {} 乘以关于更早时间步的和，{} 是关于更晚时间步的和。所以 {} 对一个概率的导数就是该类别各状态的乘积除以这个概率；"
        "对数求导使 {} 成为分母："
    ),
    "Every probability of a step depends on every score:": "一个时间步上的每个概率都依赖于每个分数：",
    (
        "Both in the chain rule: each state has one symbol, so the sum over {} leaves that over the states, and"
        " all occupancies of a step add up to 1:"
    ): (
        "把两者代入链式法则：每个状态只有一个符号，所以对 {} 求和之后只剩下对状态的和，而一个时间步上所有占有概率之和为 1："
    ),
    (
        "This is the {} that the network below receives at step {}: the probability of a class minus the"
        " probability of being in one of its states given the label. It is that of a softmax whose target is"
        " the occupancy. A class that does not occur in the label has only the first term."
    ): (
        "这就是下面的网络在时间步 {1} 收到的误差项 {0}：一个类别的概率，减去已知标签时处于它的某个状态的概率。它与 softmax 的形式相同，"
        "只是以占有概率为目标。标签中没有出现的类别只有第一项。"
    ),
    # A small label in numbers.
    "The label {}. Scores {} of the blank {} and of the symbols, a row for each step:": (
        "标签 {0}。空白符 {2} 和各符号的分数 {1}，每个时间步一行："
    ),
    "Probabilities {} by the softmax:": "由 softmax 得到的概率 {}：",
    "The states {} of the extended label, and whether the blank before a symbol may be skipped:": (
        "扩展标签的状态 {}，以及符号前面的空白符能否跳过："
    ),
    "The forward recursion": "前向递推",
    "{}, a row for each step, a column for each state:": "{}，每个时间步一行，每个状态一列：",
    "{}, from the last step to the first:": "{}，从最后一个时间步算到第一个：",
    "{}, the probability of a state given the label; every row adds up to 1:": (
        "{}，已知标签时状态的概率；每一行之和为 1："
    ),
    "The derivative of the loss by the scores, {}; every row adds up to 0:": (
        "损失对分数的导数 {}；每一行之和为 0："
    ),
    "All alignments, one by one": "逐个列出所有对齐",
    "The alignments of the label, {} in number, add up to the same {}:": "这个标签有 {} 个对齐。逐个相加得到同样的 {}：",
    "alignment {}": "对齐 {}",
    "probability": "概率",
    # An adaptive softmax.
    "Adaptive softmax": "自适应 softmax",
    "{}, the output of the layers below at one step": "{}，下面各层在一个时间步上的输出",
    "The shortlist has {} words, the number of clusters is {}; cluster {} has {} words and the width {}.": (
        "短表有 {} 个词，簇的个数为 {}；簇 {} 有 {} 个词，宽度为 {}。"
    ),
    "The head and a cluster": "头部与一个簇",
    (
        "Words are numbered by falling frequency. The head has a class for each of the {} most frequent words,"
        " and one for each cluster of rarer ones:"
    ): "词按频率从高到低编号。头部对最常见的 {} 个词各有一个类别，对较少见的词每个簇有一个类别：",
    (
        "A cluster {} projects the output to its own, smaller width {}, for rare words have few occurrences"
        " to learn from, and has a softmax over its words alone:"
    ): "簇 {} 把输出投影到自己较小的宽度 {}（少见词可供学习的出现次数很少），并只对簇内的词作 softmax：",
    (
        "A word {} of the shortlist has the probability of its class {}; a word {} of the cluster with the"
        " class {} has that of the cluster, times its own in it:"
    ): "短表中的词 {0} 的概率就是其类别 {1} 的概率；类别为 {3} 的簇中的词 {2}，其概率是簇的概率乘以它在簇内的概率：",
    "The probabilities of a cluster add up to that of its class, and so all of them to 1:": (
        "一个簇内的概率之和等于其类别的概率，所以全部概率之和为 1："
    ),
    (
        "The target {} of the head is one-hot: 1 for the class of the right word, or of its cluster. {} is 1"
        " if the word lies in the cluster {}, else 0; there {} is one-hot: 1 for the word. The loss is minus"
        " the logarithm of the probability of the word, a term for each of its factors:"
    ): (
        "头部的目标 {0} 是独热向量：正确的词的类别处为 1；词在簇中时，则是其簇的类别处为 1。词在簇 {2} 中时 {1} 为 1，否则为 0；"
        "簇内的 {3} 是独热向量：该词处为 1。损失是该词概率的对数的相反数，每个因子对应一项："
    ),
    "A word lies in one cluster at most: for one of the shortlist the second term is 0.": (
        "一个词至多在一个簇中：短表中的词第二项为 0。"
    ),
    "The δ of both softmaxes, and what goes on to the layers below": "两个 softmax 的 δ，以及传给下面各层的梯度",
    (
        "Each of both terms is the cross-entropy of a softmax. Its δ is the probabilities minus the one-hot"
        " target:"
    ): "两项都是 softmax 的交叉熵，其 δ 等于概率减去独热目标：",
    "The output reaches the loss by the head, and by the projection of the cluster:": (
        "输出经由头部，也经由簇的投影影响损失："
    ),
    (
        "At most one term of the sum is not 0. A target of the shortlist has the first term alone: no cluster"
        " is computed."
    ): "求和中至多有一项不为 0。短表中的目标只有第一项：不计算任何簇。",
    (
        "The head sums over all steps. A cluster sums over the steps whose targets lie in it: if there are none,"
        " its parameters have no gradient, and an update leaves them as they are."
    ): "头部对所有时间步求和。一个簇只对目标落在其中的时间步求和：若没有这样的时间步，其参数就没有梯度，更新也不改变它们。",
    (
        "The first terms are of the targets, the second ones of the words that are read. The head sums over"
        " all steps, a cluster over those whose targets, or whose words, lie in it."
    ): "第一项来自目标，第二项来自读入的词。头部对所有时间步求和，一个簇对目标或读入的词落在其中的时间步求和。",
    "The output layer is an adaptive softmax.": "输出层是自适应 softmax。",
    (
        "The word of step {} is read by the rows that predict it. For a word of the shortlist {} is one-hot: 1"
        " at its class in the head. For one of the cluster {}, {} is one-hot: 1 for the word there. All others"
        " are 0."
    ): (
        "时间步 {} 的词由预测它的那些行读入。对短表中的词，{} 是独热向量：在头部中它的类别处为 1。对簇 {} 中的词，{} 是独热向量："
        "簇内该词处为 1。其余都是 0。"
    ),
    "The cost of an update, and the best cut-offs": "一次更新的代价，以及最佳分界点",
    (
        "Let {} be the time of an update for a cluster of the words from {} to {}, of which {} of the {} targets"
        " are: {} softmaxes over {} words, of the measured time of a product and of a logit, and the update of"
        " its weights."
    ): (
        "设 {0} 是由词 {1} 到 {2} 组成的簇在一次更新中所用的时间，{4} 个目标中有 {3} 个落在其中：对 {6} 个词作 {5} 次"
        " softmax（用实测的每次乘法和每个得分的时间），再加上更新其权重的时间。"
    ),
    (
        "The best clusters from word {} on are one cluster up to some word {}, and the best ones from"
        " there, which take no time if {} is the end of the vocabulary. The least is taken over all {} above {}:"
    ): (
        "从词 {0} 开始的最佳划分，是到某个词 {1} 为止的一个簇，再加上从那里开始的最佳划分；若 {2} 是词表末尾，后者不用时间。"
        "最小值对大于 {4} 的所有 {3} 取："
    ),
    (
        "The cut-offs are found from the last word back, by dynamic programming; the shortlist is that with the"
        " least sum of its own time and of {}."
    ): "分界点用动态规划从最后一个词往前求出；短表取使自身时间与 {} 之和最小的那一个。",
}
