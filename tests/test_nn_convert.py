"""Conversion from and to torch's modules loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.utils import prune

from bptt import nn
from bptt.errors import InputError

T, B, I, H = 5, 3, 4, 6

STACKS = [
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("RNN", {"num_layers": 2, "dropout": 0.5}),
    ("LSTM", {"num_layers": 3, "bidirectional": True, "proj_size": 2}),
    ("LSTM", {"batch_first": True}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
]
STEPS = [
    ("RNNCell", {"nonlinearity": "relu"}),
    ("LSTMCell", {"bias": False}),
    ("GRUCell", {}),
]


def assert_alike(twin: torch.nn.Module, module: torch.nn.Module) -> None:
    """State, dtype, mode and what is frozen are the same, in tensors of its own."""
    expected, found = dict(module.named_parameters()), dict(twin.named_parameters())
    assert list(found) == list(expected) and twin.training == module.training
    for name, parameter in expected.items():
        assert torch.equal(found[name], parameter) and found[name].dtype == parameter.dtype
        assert found[name].requires_grad == parameter.requires_grad
        assert found[name].data_ptr() != parameter.data_ptr()


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("kind", "options"), STACKS + STEPS, ids=str)
def test_both_ways(kind: str, options: dict[str, Any], dtype: torch.dtype, training: bool) -> None:
    theirs = getattr(torch.nn, kind)(I, H, dtype=dtype, **options).train(training)
    next(theirs.parameters()).requires_grad_(False)
    before = torch.get_rng_state()
    ours = nn.from_torch(theirs)
    back = nn.to_torch(ours)
    assert torch.equal(torch.get_rng_state(), before)
    assert type(ours) is getattr(nn, kind) and type(back) is type(theirs)
    assert_alike(ours, theirs)
    assert_alike(back, ours)
    assert repr(back) == repr(theirs)
    x = torch.randn(*((T, B, I) if kind in ("RNN", "LSTM", "GRU") else (B, I)), dtype=dtype)
    results = []
    for module in (theirs, ours, back):
        torch.manual_seed(0)
        found = module(x)[0]
        results.append(found)
    tolerance = 100 * torch.finfo(dtype).eps
    torch.testing.assert_close(results[1], results[0], rtol=0, atol=tolerance)
    assert torch.equal(results[2], results[0])


def test_other_modules_are_refused() -> None:
    class Mine(torch.nn.LSTM):
        pass

    with pytest.raises(InputError, match=r"expected one of torch.nn's RNN, LSTM, .*, got Mine"):
        nn.from_torch(Mine(I, H))
    with pytest.raises(InputError, match=r"expected one of bptt.nn's RNN, LSTM, .*, got Recurrent"):
        nn.to_torch(nn.Recurrent("lstm", I, H))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_weight_norm_must_be_removed_first() -> None:
    module = torch.nn.utils.weight_norm(torch.nn.LSTM(I, H), "weight_hh_l0")
    with pytest.raises(InputError, match=r"parameters of a plain module, got \['weight_hh_l0'"):
        nn.from_torch(module)


class Tagger(torch.nn.Module):
    """A model as people write them: layers nested, in lists, shared, and of kinds of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(9, I)
        self.blocks = torch.nn.ModuleList([torch.nn.GRU(I, I), torch.nn.Sequential(torch.nn.Linear(I, I))])
        self.named = torch.nn.ModuleDict(
            {"lstm": torch.nn.LSTM(I, H, bidirectional=True, dtype=torch.float32)}
        )
        self.again = self.blocks[0]
        self.cell = torch.nn.RNNCell(2 * H, H)
        self.twin = torch.nn.RNNCell(2 * H, H)
        self.twin.weight_hh = self.cell.weight_hh

    def forward(self, symbols: torch.Tensor) -> torch.Tensor:
        x = self.blocks[0](self.embed(symbols))[0]
        x = self.again(self.blocks[1](x))[0]
        last: torch.Tensor = self.named["lstm"](x)[0][-1]
        return self.cell(last) + self.twin(last)


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    symbols = torch.arange(T * B).reshape(T, B) % 9
    value = model(symbols)
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(value.square().sum(), parameters)
    return {"value": value.detach(), **dict(zip(names, found, strict=True))}


@pytest.mark.parametrize("inplace", [False, True])
def test_a_whole_model(inplace: bool) -> None:
    """Output and gradients are the same, before, in ours, and back."""
    torch.manual_seed(0)
    model = Tagger().eval()
    model.blocks[0].weight_ih_l0.requires_grad_(True)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    truth, text = gradients(model), repr(model)
    ours = nn.from_torch(model, inplace=inplace)
    assert (ours is model) == inplace and (inplace or repr(model) == text)
    kinds = [type(m) for m in (ours.blocks[0], ours.named["lstm"], ours.cell, ours.twin)]
    assert kinds == [nn.GRU, nn.LSTM, nn.RNNCell, nn.RNNCell]
    assert ours.again is ours.blocks[0] and ours.twin.weight_hh is ours.cell.weight_hh
    assert not any(module.training for module in ours.modules())
    back = nn.to_torch(ours)
    assert repr(back) == text
    for found in (gradients(ours), gradients(back)):
        assert list(found) == list(truth)
        for name, value in truth.items():
            torch.testing.assert_close(found[name], value, msg=lambda m, n=name: f"{n}: {m}")
    known = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert all((id(p) in known) == inplace for p in ours.parameters())


def test_what_cannot_be_replaced_stays_with_a_word() -> None:
    class Mine(torch.nn.LSTM):
        pass

    hooked = torch.nn.GRU(I, H)
    hooked.register_forward_hook(lambda module, given, result: None)
    model = torch.nn.ModuleDict(
        {
            "mine": Mine(I, H),
            "normed": torch.nn.utils.parametrizations.weight_norm(torch.nn.LSTM(I, H), "weight_hh_l0"),
            "pruned": prune.l1_unstructured(torch.nn.GRU(I, H), "weight_hh_l0", 0.5),
            "hooked": hooked,
            "plain": torch.nn.GRU(I, H),
        }
    )
    with pytest.warns(UserWarning) as caught:
        ours = nn.from_torch(model, inplace=True)
    words = [str(w.message) for w in caught]
    assert all(w.filename == __file__ for w in caught)
    assert [word.split(" stays")[0] for word in words] == [
        f"from_torch: {name}" for name in ("mine", "normed", "pruned", "hooked")
    ]
    assert "got Mine" in words[0] and "got ParametrizedLSTM" in words[1] and "hooks" in words[3]
    assert [type(m) is t for m, t in zip(ours.values(), (Mine, object, torch.nn.GRU), strict=False)] == [
        True,
        False,
        True,
    ]
    assert type(ours["plain"]) is nn.GRU and ours["hooked"] is hooked


def test_a_model_without_a_layer_to_replace() -> None:
    class Mine(torch.nn.LSTM):
        pass

    for model in (torch.nn.Linear(2, 3), torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())):
        with pytest.raises(InputError, match=f"or a model with one, got {type(model).__name__}"):
            nn.from_torch(model)
        with pytest.raises(InputError, match="or a model with one"):
            nn.to_torch(model)
    with pytest.raises(InputError, match=r"got Sequential; 0: expected one of .* got Mine"):
        nn.from_torch(torch.nn.Sequential(Mine(I, H)))
    with pytest.warns(UserWarning, match=r"to_torch: 1 stays as it is: .* got Recurrent"):
        back = nn.to_torch(torch.nn.Sequential(nn.LSTM(I, H), nn.Recurrent("mgu", I, H)))
    assert type(back[0]) is torch.nn.LSTM and type(back[1]) is nn.Recurrent
