"""A model folder as a whole: which of its files counts, and the order of writing.

`model.safetensors` is a state without a training; `trainer.safetensors` is one in the
midst of a training, and counts beside the model files whose digests it names. Each is
complete, so one rename takes the folder from one whole state to the next:

- a new checkpoint replaces `trainer.safetensors`;
- the end of a training replaces `model.safetensors`, which no old checkpoint names;
- a model together with its checkpoint: first the checkpoint, which names the model file
  that is there and the one that will be.

`config.json`, `tokenizer.json`, `history.csv` and `sample.txt` are for people.
Read next: `handler/__init__.py`.
"""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gptlib.errors import ModelFileError, one_line, require_int
from gptlib.files.atomic import remove_leftovers, write_atomically
from gptlib.files.meta import opened
from gptlib.handler.checkpoint import read_trainer, trainer_file
from gptlib.handler.history import (
    TENSORS,
    from_tensors,
    read_history,
    to_tensors,
    write_history,
)
from gptlib.handler.modelfile import FIRST, model_tensors, read_description, to_file
from gptlib.settings import stored_config
from gptlib.training import Step

MODEL, TRAINER = "model.safetensors", "trainer.safetensors"
COPIES = ("config.json", "tokenizer.json", "history.csv", "sample.txt")


@dataclass
class Stored:
    """One whole state of a folder; resume: of an unfinished training, or None."""

    described: dict
    weights: dict[str, Tensor]
    history: list[Step]
    trained_on: dict
    resume: dict | None = None


def holds_model(folder: Path) -> bool:
    """Whether there is something to load."""
    return (folder / MODEL).is_file() or (folder / TRAINER).is_file()


def stored_dtype(folder: Path) -> str:
    """How the model file that is there stores numbers."""
    with opened(folder / MODEL) as file:
        kinds = {file.get_slice(k).get_dtype() for k in file.keys()}  # noqa: SIM118
    return "float16" if "F16" in kinds else "float32"


def read_folder(folder: Path) -> Stored:
    """Read the state that counts. Raises ModelFileError naming the file at fault."""
    while True:
        before = stamp(folder)
        try:
            return _read(folder)
        except (ModelFileError, FileNotFoundError):
            if stamp(folder) == before:  # or else a writer came in between
                raise


def _read(folder: Path) -> Stored:
    path, trainer = folder / MODEL, folder / TRAINER
    # The checkpoint first: what replaces a model file in between is not named by it.
    kept = read_description(trainer, "trainer") if trainer.is_file() else None
    whole = kept is not None and "of" in kept  # which the first version was not
    if path.is_file():
        described = read_description(path, "model")
        _compare_copies(folder, described)
        if kept is None or described["fingerprint"] not in kept["model"]:  # one or more
            if whole:  # left behind, unless it is damaged
                read_trainer(trainer, kept, kept["of"])
            return _finished(folder, described)
    elif not whole:
        raise ModelFileError(
            f"{folder} holds no model: expected a file {path.name}, which "
            "ModelHandler.save writes; gptlib.hub reads models of others"
        )
    described = kept["of"] if whole else described
    resume = read_trainer(trainer, kept, described)
    if kept["version"] == FIRST:
        rows = read_history(folder / COPIES[2])
        resume["history"] = [s for s in rows if s.step <= resume["step"]]
    return Stored(
        described, resume["model"], resume["history"], kept["trained_on"], resume
    )


def _finished(folder: Path, described: dict) -> Stored:
    about = described["trained_on"]
    try:
        stored_config(about.get("config", {}))
        require_int("step", about.get("step", 0), 0)
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"{folder / MODEL} is damaged: {one_line(error)}"
        ) from None
    tensors = model_tensors(folder / MODEL, described)
    rows = from_tensors({k: tensors.pop(k) for k in TENSORS if k in tensors})
    if described["version"] == FIRST:
        last = about.get("step", 0)
        rows = [s for s in read_history(folder / COPIES[2]) if s.step <= last]
    return Stored(described, tensors, rows, about)


def write_model(
    folder: Path,
    described: dict,
    tensors: dict[str, Tensor],
    history: list[Step],
    state: dict | None = None,
) -> None:
    """Write a model, and with state its unfinished training, into a locked folder.

    described: class, config, tokenizer and trained_on. Raises OSError; then the folder
    is in the state before, or in this one.
    """
    remove_leftovers(folder)
    content, whole = to_file("model", described, tensors | to_tensors(history))
    if state is not None:
        beside = [whole["fingerprint"], *_digest(folder)]
        _write_state(folder, described, state, beside)
    write_atomically(folder / MODEL, content)
    if state is None:
        (folder / TRAINER).unlink(missing_ok=True)
    for name, text in _copies(whole).items():
        write_atomically(folder / name, text.encode())
    write_history(folder / COPIES[2], history)


def write_checkpoint(folder: Path, described: dict, state: dict) -> None:
    """Write an unfinished training beside the model that is there."""
    _write_state(folder, described, state, _digest(folder))
    write_history(folder / COPIES[2], state["history"])


def _write_state(folder: Path, described: dict, state: dict, beside: list) -> None:
    of = {k: described[k] for k in ("class", "config", "tokenizer")}
    content = trainer_file(state, of, beside, described["trained_on"])
    write_atomically(folder / TRAINER, content)


def _digest(folder: Path) -> list[str]:
    """The digest of the model file that is there, if one is."""
    path = folder / MODEL
    if not path.is_file():
        return []
    return [read_description(path, "model")["fingerprint"]]


def stamp(folder: Path) -> list[tuple]:
    """Another one after another state has been written; [] for no model."""
    paths = [folder / name for name in (MODEL, TRAINER) if (folder / name).is_file()]
    return [(path.stat().st_ino, path.stat().st_mtime_ns) for path in paths]


def require_ours(folder: Path, seen: list | None = None) -> None:
    """Raise ValueError if saving would replace files that are not a ModelHandler's,
    or a state that was written since the `stamp` seen."""
    names = (MODEL, TRAINER, *COPIES)
    present = [name for name in names if (folder / name).exists()]
    try:
        if (folder / MODEL).is_file():
            read_description(folder / MODEL, "model")
        elif (folder / TRAINER).is_file():
            read_description(folder / TRAINER, "trainer")
        elif present:
            raise ModelFileError(f"{folder} holds no model of gptlib")
    except ModelFileError as error:
        raise ValueError(
            f"{folder} holds {', '.join(present)}, which saving would replace, but "
            f"not as a model of this gptlib ({error}): choose another folder, or "
            "delete them"
        ) from None
    if seen is not None and stamp(folder) not in ([], seen):
        raise ValueError(
            f"{folder} was written to since it was loaded or saved here: load it anew, "
            "or choose another folder for what is in hand"
        )


def _copies(described: dict) -> dict[str, str]:
    """The texts of config.json and tokenizer.json."""
    readable = {k: v for k, v in described.items() if k != "tokenizer"}
    tokenizer = json.dumps(described["tokenizer"], ensure_ascii=False, indent=1)
    return {
        COPIES[0]: json.dumps(readable, indent=1) + "\n",
        COPIES[1]: tokenizer,
    }


def _compare_copies(folder: Path, described: dict) -> None:
    """Warn of copies for people that say something else than the model file."""
    wanted = {COPIES[0]: described, COPIES[1]: described["tokenizer"]}
    for name, content in wanted.items():
        path = folder / name
        if not path.is_file():
            continue
        try:
            copy = json.loads(path.read_text(encoding="utf-8"))
            kept = ("class", "config", "trained_on")
            same = copy == content
            if name == COPIES[0]:
                same = all(copy.get(k) == content[k] for k in kept)
        except (OSError, ValueError, AttributeError, RecursionError):
            same = False
        if not same:
            warnings.warn(
                f"{path} is only a copy for people, and differs from what {MODEL} "
                "holds, which counts; saving the model writes it anew",
                stacklevel=5,
            )
