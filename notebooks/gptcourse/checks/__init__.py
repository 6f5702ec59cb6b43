"""Checks of the notebooks' exercises: `from gptcourse import check`.

Every exercise is here by its name: `check.causal_head(my_head)` says whether the
answer is right and, if not, which mistake it looks like; `check.passed("causal_head")`
says whether the last answer was. Read next: `core.py`; every other file holds exercises
of one notebook.
"""

# ruff: noqa: F401 - what is imported is entered in the table below

from gptcourse.checks.bigram import draw_next, pair_counts, shifted_windows
from gptcourse.checks.blocks import (
    inverted_dropout,
    layer_norm,
    layer_norm_gradient,
    pre_norm_block,
)
from gptcourse.checks.core import Exercise
from gptcourse.checks.generating import (
    cached_step,
    next_reading,
    repetition_penalty,
    sampling_probabilities,
)
from gptcourse.checks.gpt import first_weights, gpt_forward, gpt_size, tied_gradient
from gptcourse.checks.inside import (
    logit_lens,
    mean_ablation,
    patch_head,
    previous_score,
)
from gptcourse.checks.modern import orthogonalise, rms_norm, rotary
from gptcourse.checks.multi_head import join_heads, many_heads, one_matrix, split_heads
from gptcourse.checks.optimizing import adamw_step, clip_gradients, warmup_cosine
from gptcourse.checks.overfitting import (
    average_weights,
    longest_run,
    paired_difference,
    stop_early,
)
from gptcourse.checks.positions import place_vectors, sees_future
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
from gptcourse.checks.showing import Outcome
from gptcourse.checks.single_head import causal_head, past_average
from gptcourse.checks.speed import sixteen_bits, softmax_tile, step_flops
from gptcourse.checks.surprise import next_token_loss, table_gradient
from gptcourse.checks.tokens import bits_per_char, bpe_merges, encode_by_rank
from gptcourse.checks.training import accumulated_step, training_loop
from gptlib.errors import require_choice

EXERCISES: dict[str, Exercise] = {
    name: value for name, value in list(globals().items()) if hasattr(value, "cases")
}
__all__ = ["EXERCISES", "Exercise", "Outcome", "passed", *EXERCISES]


def passed(exercise: str) -> bool:
    """Whether the reader's last answer to an exercise was right, in this kernel.

    exercise: its name, such as "causal_head". Raises ValueError for an unknown one.
    """
    require_choice("exercise", exercise, EXERCISES)
    return EXERCISES[exercise].passed
