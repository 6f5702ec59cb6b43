"""A ModelHandler whose training runs in several processes.

Read next: `processes.py`, which connects them.
"""

from pathlib import Path

from torch import nn

from gptlib.data import TokenSplits
from gptlib.errors import require_choice
from gptlib.handler import ModelHandler
from gptlib.scale.processes import anywhere, is_main_process, world_size
from gptlib.scale.training import STRATEGIES, train
from gptlib.settings import TrainConfig
from gptlib.training import Training


def open_handler(folder: str | Path, strategy: str = "ddp") -> ModelHandler:
    """Return a handler for the folder that trains in all connected processes.

    strategy: "ddp" or "sharded", see `scale/training.py`. In a single process it is a
    plain ModelHandler. Raises ValueError for another strategy.
    """
    require_choice("strategy", strategy, STRATEGIES)
    if world_size() == 1:
        return ModelHandler(folder)
    return DistributedHandler(folder, strategy)


class DistributedHandler(ModelHandler):
    """Trains in all processes; only the main process writes.

    Every process must call `train`, `save` and `load`, in the same order.
    """

    def __init__(self, path: str | Path, strategy: str = "ddp"):
        super().__init__(path)
        self.strategy = strategy

    @property
    def writes(self) -> bool:
        return is_main_process()

    def build_training(
        self, model: nn.Module, data: TokenSplits, config: TrainConfig
    ) -> Training:
        return train(model, data, config, self.strategy)

    def decide(self, stop: bool, save: bool) -> tuple[bool, bool]:
        stop, save = anywhere(stop, save and self.writes)
        return stop, save
