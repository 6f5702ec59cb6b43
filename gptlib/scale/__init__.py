"""Training in several processes, on several GPUs or cores.

    with process_group():
        open_handler("models/mine").load().train()
    leave()

Read next: `training.py`.
"""

from gptlib.scale.handler import open_handler
from gptlib.scale.processes import (
    is_main_process,
    leave,
    process_group,
    rank,
    world_size,
)
from gptlib.scale.training import train

__all__ = [
    "is_main_process",
    "leave",
    "open_handler",
    "process_group",
    "rank",
    "train",
    "world_size",
]
