"""The data of a training: what the caller passes, or the text it had before.

Read next: `checkpoint.py`.
"""

from dataclasses import asdict

from gptlib.corpora.shards import TokenCorpus, open_corpus
from gptlib.data import Corpus, TokenSplits
from gptlib.errors import DataError
from gptlib.tokenizer import Tokenizer
from gptlib.training import Training


def find_data(
    data: TokenSplits | Corpus | TokenCorpus | None,
    tokenizer: Tokenizer,
    trained_on: dict,
) -> TokenSplits:
    """Return data as token ids; None finds the corpus that trained_on names.

    Raises ValueError when that is unknown or another text today, or when data was
    encoded by another tokenizer, TypeError for other data.
    """
    if isinstance(data, Corpus | TokenCorpus):
        return data.encode(tokenizer)
    if data is not None:
        if not isinstance(data, TokenSplits):
            expected = "TokenSplits, from corpus.encode(tokenizer), or a corpus"
            raise TypeError(f"data={data!r:.60}: expected {expected}")
        _check_encoding(data, tokenizer)
        return data
    name = trained_on.get("corpus")
    if name is None:
        raise ValueError(
            "data: the folder does not say what the model was trained on; pass "
            "data=load_corpus(...)"
        )
    try:
        corpus = open_corpus(name)
    except DataError as error:
        raise DataError(
            f"{error}; the model was trained on it: pass data= if you have that text"
        ) from None
    if corpus.sha256 != trained_on["sha256"]:
        raise ValueError(
            f"{name} is not the text the model was trained on (SHA-256 "
            f"{corpus.sha256}, expected {trained_on['sha256']}); pass data= to train "
            "on this one nevertheless"
        )
    return corpus.encode(tokenizer)


def _check_encoding(data: TokenSplits, tokenizer: Tokenizer) -> None:
    other = data.tokenizer
    if other is not None and other.to_dict() != tokenizer.to_dict():
        raise ValueError(
            f"data was encoded by {other!r:.60}; encode it with handler.tokenizer"
        )


def texts_of(trained_on: dict) -> list[dict]:
    """Each text that a model has learned from, by its name and SHA-256."""
    last = {k: v for k, v in trained_on.items() if k in ("corpus", "sha256")}
    return [*trained_on.get("before", []), *([last] if last else [])]


def describe_training(training: Training) -> dict:
    """What a folder says of a training, and of the texts before its own."""
    text = {"corpus": training.data.corpus, "sha256": training.data.sha256}
    before = [t for t in getattr(training.model, "texts", []) if t != text]
    told = text | {"step": training.step, "config": asdict(training.config)}
    told |= {"before": before} if before else {}
    training.model.texts = texts_of(told)  # wherever it is saved or trained next
    return told
