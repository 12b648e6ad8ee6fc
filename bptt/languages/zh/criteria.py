"""Chinese: the sentences of the derivations of losses over whole sequences."""

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
}
