"""The memory of a training, against what torch really keeps."""

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from gptcourse.planning import training_memory
from gptlib.model import GPT, GPTConfig


def kept_for_backward(model, idx, targets) -> int:
    """Bytes that the forward pass keeps, beside the parameters."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}  # also holds the tensors, so that no memory is used twice

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        model(idx, targets)
    return sum(size for size, _ in kept.values())


@pytest.mark.parametrize(
    ("config", "B", "T"),
    [
        (GPTConfig(65, 64, 3, 4, 128), 12, 64),
        (GPTConfig(65, 128, 2, 4, 256), 3, 50),
        (GPTConfig(5000, 32, 2, 2, 64), 4, 32),  # mostly logits
    ],
)
def test_activations_are_what_torch_keeps(config, B, T):
    idx, targets = torch.randint(config.vocab_size, (2, B, T))  # (B, T) each
    kept = kept_for_backward(GPT(config), idx, targets)
    assert 0.93 < training_memory(config, B, T).activations / kept <= 1


def test_gpt2_has_its_logits_once():
    gpt2 = GPTConfig(50257, 1024, 12, 12, 768)
    memory = training_memory(gpt2, 12)
    assert memory.activations // 2**20 == 9267
    assert memory.parameters == 20 * 124_439_808
    assert memory.total == sum(memory)
    assert training_memory(gpt2, 12, 512).activations == memory.activations // 2
    assert training_memory(gpt2, 12, per_parameter=16).parameters == 16 * 124_439_808
