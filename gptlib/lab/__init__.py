"""Widgets for notebooks: a training lab, a playground for prompts, a chat box.

Read next: `training_lab.py`; then `playground.py` and `chat.py`.
"""

from gptlib.lab.attention import AttentionView
from gptlib.lab.chat import ChatBox
from gptlib.lab.playground import Playground
from gptlib.lab.training_lab import TrainingLab
