"""python -m gptlib sweep: trainings that differ in a setting or two, as a table.

    python -m gptlib sweep notebooks/records/sweeps/dropout.yaml

A spec names the settings, those that vary, and the seeds; each run adds one row to
the table beside it and its checks to the table of curves. Started again, a sweep
does the runs that are missing. Read next: `spec.py`.
"""

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn
from tqdm.auto import tqdm

from gptlib.commands.arguments import positional
from gptlib.commands.spec import Spec, encode_text, read_spec
from gptlib.data import TokenSplits
from gptlib.errors import require_int
from gptlib.evaluation import PROBE_TOKENS, evaluate, fixed_windows, window_loss
from gptlib.files.atomic import write_atomically
from gptlib.files.interrupts import as_worker
from gptlib.handler.build import build_model, resize
from gptlib.model import copy_weights, count_parameters
from gptlib.training import pick_device, train


@dataclass
class Sweep:
    """Do the missing runs of a sweep; its tables stand beside the spec."""

    stopped: ClassVar[str] = "finished runs are kept; the same command does the rest"

    spec: positional("SPEC", "A YAML file such as those of notebooks/records/sweeps.")
    # Runs at a time; they share the threads.
    jobs: int = 1

    def run(self) -> None:
        rows = sweep(self.spec, self.jobs)
        print(f"{len(rows)} runs in {self.spec.with_suffix('.csv')}")


@dataclass(frozen=True)
class Result:
    """What one run reached; losses over the whole val split, in nats per token.

    train is measured on a fixed part. averaged: val of the mean of the weights at
    the checks of the second half. stopped: val of the weights at the lowest dev
    (early stopping), reached at stopped_step; None where dev was trained on. bits:
    val in bits per character, the unit that compares vocabularies.
    """

    train: float
    val: float
    bits: float
    averaged: float
    stopped: float | None
    stopped_step: int | None
    parameters: int
    minutes: float
    device: str
    threads: int
    torch: str


def run_point(spec: Spec, point: dict, seed: int) -> tuple[Result, list[dict]]:
    """Train one model of a sweep; return what it reached, and its checks.

    A check is {"step": ..., "train": ..., "dev": ..., "val": ...}: losses on fixed
    parts of the splits, dropout off, in nats per token.
    """
    shape, config, _ = spec.settings(point, seed)
    data, dev_is_new = encode_text(spec.text(point))
    torch.manual_seed(seed)
    shape = resize(shape, vocab_size=data.tokenizer.vocab_size)
    model = build_model(shape, data.train).to(pick_device())
    parts = {
        name: fixed_windows(getattr(data, name), model.block_size, PROBE_TOKENS)
        for name in ("train", "dev", "val")
    }
    count, checks, late = spec.checks, [], []
    due = {max(1, round(config.steps * (i + 1) / count)) for i in range(count)}
    training = train(model, data, config)
    for step in training:
        if step.step not in due:
            continue
        losses = {name: window_loss(model, *part) for name, part in parts.items()}
        if all(losses["dev"] < check["dev"] for check in checks):
            best, best_step = copy_weights(model), step.step
        checks.append({"step": step.step} | losses)
        if step.step > config.steps // 2:
            late.append(copy_weights(model))
    end = evaluate(model, data.val, tokenizer=data.tokenizer)
    averaged = stopped = end.loss
    if len(late) > 1:
        averaged = _with_weights(model, _mean(late), data)
    if dev_is_new and best_step < config.steps:
        stopped = _with_weights(model, best, data)
    result = Result(
        train=checks[-1]["train"],
        val=end.loss,
        bits=end.bits_per_char,
        averaged=averaged,
        stopped=stopped if dev_is_new else None,
        stopped_step=best_step if dev_is_new else None,
        parameters=count_parameters(model),
        minutes=training.seconds / 60,
        device=pick_device().type,
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
    )
    return result, checks


def sweep(path: str | Path, jobs: int = 1) -> list[dict]:
    """Do the missing runs of a spec, `jobs` at a time; return all rows.

    The tables are written after each run, so that an interrupt loses little. Raises
    ValueError when the table was made with other settings, or, at the end, when runs
    have failed.
    """
    path = Path(path)
    spec = read_spec(path)
    require_int("jobs", jobs, 1)
    rows, curves = load_rows(path), load_curves(path)
    columns = {*spec.points()[0], "seed"}
    strange = any(row.get("spec") != spec.fingerprint() for row in rows)
    if strange or any(not columns <= row.keys() for row in rows + curves):
        raise ValueError(
            f"{path.with_suffix('.csv')} was made with other settings than {path} has "
            "now: move it away, or undo the change"
        )
    have = {_key(spec, row) for row in rows}
    # Curves are written first: one without its row is of an interrupted run.
    curves = [curve for curve in curves if _key(spec, curve) in have]
    missing = [run for run in spec.runs() if _key(spec, _named(*run)) not in have]
    failed = {}
    for run, outcome in _outcomes(spec, missing, jobs):
        name = _named(*run)
        if isinstance(outcome, Exception):
            failed[str(name)] = outcome
            continue
        result, checks = outcome
        curves += [name | _rounded(check) for check in checks]
        rows.append(name | _rounded(asdict(result)) | {"spec": spec.fingerprint()})
        write_atomically(_curves_file(path), _table(spec, curves))
        write_atomically(path.with_suffix(".csv"), _table(spec, rows))
    if failed:
        raise ValueError(f"{len(failed)} of {len(missing)} runs failed: {failed}")
    return load_rows(path)


def _outcomes(spec: Spec, runs: list, jobs: int) -> Iterator[tuple]:
    """Each run with its result and checks, or with the error that ended it."""
    if not runs:
        return
    threads = max(1, torch.get_num_threads() // jobs)
    with ProcessPoolExecutor(jobs, get_context("spawn"), as_worker) as pool:
        waiting = {pool.submit(_in_process, threads, spec, *run): run for run in runs}
        try:
            for future in tqdm(as_completed(waiting), total=len(runs), unit="run"):
                yield waiting[future], future.exception() or future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def load_rows(path: str | Path) -> list[dict]:
    """The results of a spec so far, one dictionary per run; numbers as numbers."""
    return _read_table(Path(path).with_suffix(".csv"))


def load_curves(path: str | Path) -> list[dict]:
    """The checks of every run of a spec so far, one dictionary per check."""
    return _read_table(_curves_file(Path(path)))


def accepted(rows: list[dict], column: str, **point) -> tuple[float, float]:
    """The range that is normal for a point: that over its seeds, and as much around."""
    values = [r[column] for r in rows if all(r[k] == v for k, v in point.items())]
    if not values:
        raise ValueError(f"{point}: no such point in the table")
    slack = max(0.02, max(values) - min(values))
    return min(values) - slack, max(values) + slack


def _mean(states: list[dict]) -> dict:
    """The mean of several states of a model."""
    return {
        name: sum(state[name].double() for state in states) / len(states)
        for name in states[0]
    }


def _in_process(threads: int, spec: Spec, point: dict, seed: int):
    torch.set_num_threads(threads)
    return run_point(spec, point, seed)


def _with_weights(model: nn.Module, weights: dict, data: TokenSplits) -> float:
    model.load_state_dict(weights)
    return evaluate(model, data.val).loss


def _named(point: dict, seed: int) -> dict:
    return point | {"seed": seed}


def _key(spec: Spec, row: dict) -> tuple:
    return tuple(row[name] for name in [*spec.points()[0], "seed"])


def _rounded(row: dict) -> dict:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}


def _curves_file(path: Path) -> Path:
    return path.with_name(f"{path.stem}_curves.csv")


def _table(spec: Spec, rows: list[dict]) -> bytes:
    order = {_key(spec, _named(*run)): i for i, run in enumerate(spec.runs())}
    text = io.StringIO()
    # An older table has fewer columns than the rows that are added to it.
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: order.get(_key(spec, row), -1)))
    return text.getvalue().encode()


def _read_table(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a table: {error}") from None
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise ValueError(f"{path}, row {number}: expected a value in each column")
    return [{k: _number(v) for k, v in row.items()} for row in rows]


def _number(text: str):
    try:
        return json.loads(text)
    except ValueError:
        return text
