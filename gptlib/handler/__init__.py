"""ModelHandler: one folder that holds one model; save, load, train, generate.

`model.safetensors` holds the weights, with configuration and tokenizer in its
metadata. While a training is unfinished, `trainer.safetensors` beside it holds all
that is needed to resume. Each is replaced in one rename, so no crash can mix two
states. Read next: `folder.py`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from gptlib.corpora.shards import TokenCorpus
from gptlib.data import Corpus, TokenSplits
from gptlib.errors import ModelFileError, one_line, require_choice, require_int
from gptlib.files.interrupts import deferred_interrupt
from gptlib.files.lock import locked
from gptlib.handler.finddata import describe_training, find_data, texts_of
from gptlib.handler.folder import (
    MODEL,
    read_folder,
    require_ours,
    stamp,
    write_checkpoint,
    write_model,
)
from gptlib.handler.modelfile import build, check_pair, describe, stored_tensors
from gptlib.hub.export import export_model, training_notes
from gptlib.settings import TrainConfig, stored_config
from gptlib.streaming import stream_texts
from gptlib.tokenizer import Tokenizer, replace_unknown, tokenizer_from_dict
from gptlib.training import Step, Training, train

STORED_TYPES = {"float32": torch.float32, "float16": torch.float16}
SAVE_EVERY_SECONDS = 60.0
SAVING_FRACTION = 0.05  # of the time that saving may take; above it saves less often


class ModelHandler:
    """The model in the folder `path`: `.model`, `.tokenizer`, `.history`.

    Nothing is read before `load()` and nothing written before `save()`. A subclass
    may replace `writes`, `build_training` and `decide`.
    """

    writes = True  # whether this handler may change the folder

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.model: nn.Module | None = None
        self.tokenizer: Tokenizer | None = None
        self.history: list[Step] = []
        self.trained_on: dict = {}
        self._training: Training | None = None
        self._resume: dict | None = None
        self._seen: list = []  # which state of the folder is in hand

    def save(
        self,
        model: nn.Module | None = None,
        tokenizer: Tokenizer | None = None,
        *,
        training: Training | None = None,
        dtype: str = "float32",
    ) -> "ModelHandler":
        """Write a model (default: the one in hand) to the folder; returns itself.

        training: the `Training` that made it, to be able to resume it; that of a
        loaded model stays resumable. dtype "float16" halves the file of a finished
        model. Raises ValueError when model and tokenizer do not fit or the folder holds
        something else or something newer, OSError when the disk refuses or another
        training or save writes there; then the folder still holds what it held before.
        """
        model = self.model if model is None else model
        tokenizer = self.tokenizer if tokenizer is None else tokenizer
        if model is self.model and training is None:
            training = self._training
        check_pair(model, tokenizer)
        require_choice("dtype", dtype, STORED_TYPES)
        if training is not None and training.model is not model:
            raise ValueError("training: it trained another model than the one to save")
        if training is not None and training.diverged:
            training = None
        tensors = stored_tensors(model, STORED_TYPES[dtype])
        seen = self._seen if model is self.model else None
        resume = self._resume if model is self.model and training is None else None
        if training is not None:
            self.trained_on = describe_training(training)
        elif model is not self.model:
            before = getattr(model, "texts", [])
            self.trained_on = {"before": before} if before else {}
        if training is not None or model is not self.model:
            self.history = [] if training is None else list(training.history)
        self.model, self.tokenizer, self._training = model, tokenizer, training
        self._resume = resume
        state = None if resume is None else resume | {"model": model.state_dict()}
        if training is not None and len(training) > 0:
            state = training.state_dict()
        with self._writing(seen):
            if self.writes:
                write_model(self.path, self._described(), tensors, self.history, state)
        return self

    def load(self) -> "ModelHandler":
        """Read the folder; returns itself. The model is on the CPU, in float32.

        Where a training was interrupted, its last checkpoint is loaded.
        Raises ModelFileError (a ValueError) for anything `save` did not write.
        """
        self._seen = stamp(self.path)
        stored = read_folder(self.path)
        model = build(stored.described, self.path)
        model.load_state_dict(stored.weights)
        model.texts = texts_of(stored.trained_on)
        try:
            tokenizer = tokenizer_from_dict(stored.described["tokenizer"])
            check_pair(model, tokenizer)
        except ValueError as error:
            raise ModelFileError(
                f"{self.path}, its tokenizer: {one_line(error)}"
            ) from None
        self.history, self.trained_on = stored.history, stored.trained_on
        self.model, self.tokenizer = model.eval(), tokenizer
        self._training, self._resume = None, stored.resume
        return self

    def train(
        self,
        steps: int | None = None,
        *,
        data: TokenSplits | Corpus | TokenCorpus | None = None,
        config: TrainConfig | None = None,
        progress: bool = True,
    ) -> list[Step]:
        """Run `steps` more steps of the saved schedule, saving about every minute.

        steps: default all that are left. A finished schedule, or a model that has
        none, starts a new one of `steps` steps, with a new history; with config, that
        one starts. data: default the corpus of its training, by name and SHA-256.
        An interrupt finishes the step and saves. Returns the steps run. Raises
        ValueError for a training whose checkpoint is missing, OSError while another
        training or save writes to the folder.
        """
        model, _ = self._in_hand()
        if steps is not None:
            require_int("steps", steps, 1)
        training = self._prepare(steps, data, config)
        wanted = len(training) if steps is None else steps
        if wanted > len(training):
            raise ValueError(
                f"steps={steps}: only {len(training)} of the schedule's "
                f"{training.config.steps} steps are left; run those, then train "
                "again to start a new schedule"
            )
        self._training, self._resume = training, None
        before = len(training.history)
        try:
            with self._writing(self._seen):
                self._run(training, wanted, progress)
        finally:
            model.eval()
            self.history = list(training.history)
            if training.diverged:
                self._training = None
        return training.history[before:]

    def resume_with(self, accumulate: int) -> None:
        """Resume the loaded training, if any, with another number of parts."""
        if self._resume is not None:
            self._resume["config"]["accumulate"] = accumulate

    def build_training(
        self, model: nn.Module, data: TokenSplits, config: TrainConfig
    ) -> Training:
        """Return the training that `train` iterates."""
        return train(model, data, config)

    def decide(self, stop: bool, save: bool) -> tuple[bool, bool]:
        """Return whether to stop and whether to save, after each step."""
        return stop, save

    def generate(
        self,
        prompt: str | list[str] | None = None,
        max_new_tokens: int = 300,
        *,
        unknown: str | None = None,
        special: bool = False,
        **settings,
    ) -> str | list[str]:
        """Return prompt and its continuation; settings as for `stream_texts`.

        prompt: by default a line end, where the model knows it. Several prompts, of any
        lengths, are continued at once: a list comes back. stop: a text or several; a
        continuation ends before the first of them. unknown: replaces every character
        that the model does not know ("" drops it); by default a ValueError names it.
        special: whether "<|endoftext|>" in the prompt means that special token.
        """
        one = not (prompt and isinstance(prompt, list | tuple))
        prompts = [prompt] if one else list(prompt)
        rows = [self._encode(one, unknown, special) for one in prompts]
        model, tokenizer = self._in_hand()
        new = stream_texts(model, tokenizer, rows, max_new_tokens, **settings)
        pairs = zip(rows, new, strict=True)
        texts = ["".join([tokenizer.decode(row), *text]) for row, text in pairs]
        return texts[0] if one else texts

    def stream(
        self,
        prompt: str | None = None,
        max_new_tokens: int = 300,
        *,
        unknown: str | None = None,
        special: bool = False,
        **settings,
    ) -> Iterator[str]:
        """Yield the continuation of prompt as it comes; settings as for `generate`."""
        rows = [self._encode(prompt, unknown, special)]
        model, tokenizer = self._in_hand()
        return stream_texts(model, tokenizer, rows, max_new_tokens, **settings)[0]

    def beginning(self) -> str:
        """The prompt where none is given: a line end, or else any known character."""
        chars = getattr(self._in_hand()[1], "chars", "\n")
        return "\n" if "\n" in chars else chars[0]

    def export(self, folder: str | Path, format: str = "huggingface") -> Path:
        """Write the model in hand for others; returns what was written.

        format "huggingface": a folder for `AutoModelForCausalLM.from_pretrained`, with
        tokenizer and card; `pretrained.load_pretrained` reads it back. "page": one HTML
        file, folder/index.html or a name.html, that runs the model in a browser. Raises
        TypeError for a model that cannot be written so, ValueError for another format
        or what would overwrite something else, OSError when the disk refuses.
        """
        model, tokenizer = self._in_hand()
        check_pair(model, tokenizer)
        notes = training_notes(self.trained_on, self.history)
        if not self.writes:
            return Path(folder)
        return export_model(Path(folder), model, tokenizer, notes, format)

    def _in_hand(self) -> tuple[nn.Module, Tokenizer]:
        if self.model is None or self.tokenizer is None:
            raise ValueError(f"no model in hand: call .load() to read {self.path}")
        return self.model, self.tokenizer

    def _encode(self, prompt: str | None, unknown: str | None, special: bool) -> Tensor:
        model, tokenizer = self._in_hand()
        prompt = self.beginning() if prompt is None else prompt
        if not isinstance(prompt, str):
            expected = "expected a text, or for generate a non-empty list of texts"
            raise TypeError(f"prompt={prompt!r:.60}: {expected}")
        if unknown is not None:
            prompt = replace_unknown(prompt, tokenizer, unknown)
        if special and not tokenizer.special_tokens:
            raise ValueError("special=True: this model's tokenizer has no such tokens")
        allowed = (tokenizer.special_tokens,) if special else ()
        ids = tokenizer.encode(prompt, *allowed)
        if not ids:
            raise ValueError("prompt is empty: give at least one character, or '\\n'")
        return torch.tensor(ids, device=next(model.parameters()).device)

    @contextmanager
    def _writing(self, seen: list | None):
        """Hold the folder, where this handler writes at all; as for `require_ours`."""
        with locked(self.path) if self.writes else nullcontext():
            if self.writes:
                require_ours(self.path, seen)
            try:
                yield
            finally:
                self._seen = stamp(self.path)

    def _prepare(self, steps, data, config) -> Training:
        model, tokenizer = self._in_hand()
        running = self._training
        state = self._resume
        if running is not None and len(running) and config is None:
            if data is None:
                return running
            state = running.state_dict()  # continue on other data
        splits = find_data(data, tokenizer, self.trained_on)
        if config is None and state is not None:
            saved = stored_config(state["config"])
            if state["step"] < saved.steps:
                training = self.build_training(model, splits, saved)
                training.load_state_dict(state)
                return training
        if config is None:
            self._require_finished()
            known = stored_config(self.trained_on.get("config", {}))
            config = replace(known, steps=known.steps if steps is None else steps)
        return self.build_training(model, splits, config)

    def _require_finished(self) -> None:
        """Raise ValueError for a training that can neither be resumed nor has ended."""
        about = self.trained_on
        step, steps = about.get("step"), about.get("config", {}).get("steps")
        if step is not None and steps is not None and step < steps:
            raise ValueError(
                f"the training of {self.path} stopped at step {step} of {steps}, and "
                "its checkpoint is missing: pass config=TrainConfig(…) to start a new "
                "schedule from these weights"
            )

    def _run(self, training: Training, wanted: int, progress: bool) -> None:
        saved, pause, val = time.monotonic(), SAVE_EVERY_SECONDS, ""
        hidden = not (progress and self.writes)
        bar = tqdm(total=wanted, disable=hidden, unit="step")
        with bar, deferred_interrupt() as interrupted:
            for step in training:
                bar.update()
                if step.val is not None:
                    val = f", val {step.val:.3f}"
                bar.set_postfix_str(f"loss {step.loss:.3f}{val}", refresh=False)
                wanted -= 1
                late = time.monotonic() - saved > pause
                stop, save = self.decide(wanted == 0 or interrupted.is_set(), late)
                if stop:
                    break
                if save:
                    started = time.monotonic()
                    self._checkpoint(training)
                    saved = time.monotonic()
                    pause = max(SAVE_EVERY_SECONDS, (saved - started) / SAVING_FRACTION)
            self._checkpoint(training)

    def _checkpoint(self, training: Training) -> None:
        self.history = list(training.history)
        self.trained_on = describe_training(training)
        state = training.state_dict() if len(training) else None
        if not self.writes:
            return
        if state is None or not (self.path / MODEL).is_file():
            tensors = stored_tensors(self.model, torch.float32)
            write_model(self.path, self._described(), tensors, self.history, state)
        else:
            write_checkpoint(self.path, self._described(), state)

    def _described(self) -> dict:
        return describe(self.model) | {
            "tokenizer": self.tokenizer.to_dict(),
            "trained_on": self.trained_on,
        }
