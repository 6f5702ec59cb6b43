"""Checks of the notebooks' exercises: `from gptlib import checks as check`.

Every exercise is here by its name: `check.causal_head(my_head)` says whether the
answer is right and, if not, which mistake it looks like. Read next: `core.py`; each
other room holds the exercises of one notebook.
"""

from gptlib.checks.adamw import adamw_step
from gptlib.checks.adapters import lora_linear
from gptlib.checks.all_heads import many_heads
from gptlib.checks.bigram import draw_next, pair_counts
from gptlib.checks.blocks import pre_norm_block
from gptlib.checks.budgets import best_size, best_split
from gptlib.checks.caching import cached_step, next_reading
from gptlib.checks.core import Exercise, Outcome
from gptlib.checks.dropout import inverted_dropout
from gptlib.checks.evidence import longest_run, paired_difference
from gptlib.checks.exact import exact_share
from gptlib.checks.fromfile import published_attention
from gptlib.checks.generating import sampling_probabilities
from gptlib.checks.gpt import gpt_forward
from gptlib.checks.modern import rms_norm, rotary
from gptlib.checks.multi_head import join_heads, one_matrix, split_heads
from gptlib.checks.muon import orthogonalise
from gptlib.checks.norms import layer_norm, layer_norm_gradient
from gptlib.checks.overfitting import average_weights, stop_early
from gptlib.checks.pieces import accumulated_step
from gptlib.checks.places import place_vectors, sees_future
from gptlib.checks.predict import Prediction, predict
from gptlib.checks.prompting import answer_targets, few_shot_text
from gptlib.checks.published import read_published
from gptlib.checks.rates import clip_gradients, warmup_cosine
from gptlib.checks.scores import bits_per_char
from gptlib.checks.shannon import ShannonGame
from gptlib.checks.single_head import causal_head, past_average
from gptlib.checks.sixteen import sixteen_bits
from gptlib.checks.sizes import gpt_size
from gptlib.checks.speed import softmax_tile, step_flops
from gptlib.checks.surprise import next_token_loss, table_gradient
from gptlib.checks.tokens import bpe_merges, encode_by_rank
from gptlib.checks.training import training_loop
from gptlib.checks.weights import first_weights, tied_gradient
from gptlib.checks.windows import shifted_windows

# One line a notebook, in the order of the series.
EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        pair_counts,  # 01
        draw_next,
        next_token_loss,
        shifted_windows,
        table_gradient,
        past_average,  # 02
        causal_head,
        sees_future,
        place_vectors,
        join_heads,  # 03
        split_heads,
        many_heads,
        one_matrix,
        pre_norm_block,  # 04
        layer_norm,
        inverted_dropout,
        layer_norm_gradient,
        gpt_forward,  # 05
        first_weights,
        gpt_size,
        tied_gradient,
        training_loop,  # 06
        adamw_step,
        warmup_cosine,
        clip_gradients,
        accumulated_step,
        stop_early,  # 07
        average_weights,
        longest_run,
        paired_difference,
        sampling_probabilities,  # 08
        cached_step,
        next_reading,
        bpe_merges,  # 09
        encode_by_rank,
        bits_per_char,
        answer_targets,  # 10
        few_shot_text,
        exact_share,
        lora_linear,
        step_flops,  # 11
        softmax_tile,
        sixteen_bits,
        rotary,  # 12
        rms_norm,
        orthogonalise,
        read_published,  # 13
        published_attention,
        best_size,
        best_split,
    )
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
