"""`bptt.nn` in place of `torch.nn`: the same numbers, and every state of every step besides."""

import torch

from bptt import nn

torch.manual_seed(0)


class Tagger(torch.nn.Module):
    """A model as people have it: an embedding, a recurrent network of torch's, an output layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(20, 8)
        self.recurrent = torch.nn.LSTM(8, 16, num_layers=2, bidirectional=True)
        self.output = torch.nn.Linear(32, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return a score for each of 5 tags at each token, (T, B, 5)."""
        return self.output(self.recurrent(self.embedding(tokens))[0])


theirs = Tagger()
ours = nn.from_torch(theirs)
tokens = torch.randint(20, (12, 4))
for model in (theirs, ours):
    model(tokens).square().sum().backward()
print("recurrent layers:", type(theirs.recurrent).__module__, "->", type(ours.recurrent).__module__)
print(f"outputs differ by at most {(theirs(tokens) - ours(tokens)).abs().max():.1e}")
pairs = zip(theirs.parameters(), ours.parameters(), strict=True)
print(f"gradients differ by at most {max((a.grad - b.grad).abs().max().item() for a, b in pairs):.1e}")

gru = nn.GRU(8, 16)
x = torch.randn(12, 4, 8)
together, _ = gru(x, lengths=[12, 5, 7, 1])
alone, _ = gru(x[:5, 1])
print(f"a sequence of 5 steps, alone or among longer ones: {(together[:5, 1] - alone).abs().max():.1e} apart")

stepper = nn.Stepper(gru)
steps = torch.stack([stepper.step(row) for row in x[:, 0]])
print(f"step by step, as the input arrives: {(steps - together[:, 0]).abs().max():.1e} apart")
