"""Checks of the notebooks' exercises: `from gptcourse import checks as check`.

Every exercise is here by its name: `check.causal_head(my_head)` says whether the
answer is right and, if not, which mistake it looks like. Read next: `core.py`; every
other file holds exercises of one notebook.
"""

# ruff: noqa: F401 - what is imported is entered in the table below

from gptcourse.checks.adamw import adamw_step
from gptcourse.checks.all_heads import many_heads
from gptcourse.checks.bigram import draw_next, pair_counts, shifted_windows
from gptcourse.checks.blocks import pre_norm_block
from gptcourse.checks.caching import cached_step, next_reading
from gptcourse.checks.core import Exercise, Outcome
from gptcourse.checks.dropout import inverted_dropout
from gptcourse.checks.evidence import longest_run, paired_difference
from gptcourse.checks.generating import sampling_probabilities
from gptcourse.checks.gpt import gpt_forward
from gptcourse.checks.modern import orthogonalise, rms_norm, rotary
from gptcourse.checks.multi_head import join_heads, one_matrix, split_heads
from gptcourse.checks.norms import layer_norm, layer_norm_gradient
from gptcourse.checks.overfitting import average_weights, stop_early
from gptcourse.checks.pieces import accumulated_step
from gptcourse.checks.positions import place_vectors, sees_future
from gptcourse.checks.predict import Prediction, predict
from gptcourse.checks.prompting import (
    answer_targets,
    exact_share,
    few_shot_text,
    lora_linear,
)
from gptcourse.checks.published import (
    best_size,
    best_split,
    published_attention,
    read_published,
)
from gptcourse.checks.rates import clip_gradients, warmup_cosine
from gptcourse.checks.scores import bits_per_char
from gptcourse.checks.shannon import ShannonGame
from gptcourse.checks.single_head import causal_head, past_average
from gptcourse.checks.sizes import gpt_size
from gptcourse.checks.speed import sixteen_bits, softmax_tile, step_flops
from gptcourse.checks.surprise import next_token_loss, table_gradient
from gptcourse.checks.tokens import bpe_merges, encode_by_rank
from gptcourse.checks.training import training_loop
from gptcourse.checks.weights import first_weights, tied_gradient

EXERCISES: dict[str, Exercise] = {
    name: value for name, value in list(globals().items()) if hasattr(value, "cases")
}
__all__ = [
    "EXERCISES",
    "Exercise",
    "Outcome",
    "Prediction",
    "ShannonGame",
    "predict",
    *EXERCISES,
]
