"""python -m gptlib data: fetch a corpus, or turn a data set into tokens."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, ClassVar

import tyro
from tqdm import tqdm

from gptlib.bpe import BPETokenizer
from gptlib.corpora.shards import TOKENIZER, TokenCorpus, open_corpus
from gptlib.corpora.webtext import tokenize
from gptlib.tokenizer import Tokenizer


@dataclass
class Data:
    """Fetch a corpus and check it; or, with --dataset, turn any text into tokens.

    The text is a folder of *.txt, *.jsonl, *.jsonl.gz or *.parquet files, or a data
    set of Hugging Face, which is read once and not kept. The tokens are ready for
    `train --corpus`. If it is interrupted, the same command does the rest.
    """

    stopped: ClassVar[str] = "what is done is kept; the same command does the rest"

    # tinyshakespeare, shakespeare-plays, a text file, or a folder of tokens, whose
    # checksums are verified.
    corpus: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="CORPUS")] = (
        "tinyshakespeare"
    )
    # A folder, or a name such as HuggingFaceFW/fineweb.
    dataset: str | None = None
    # The folder for the tokens; by default data/ and the last part of the data set's
    # name.
    to: Path | None = None
    # Which files of the data set, such as "sample/10BT/*".
    files: str = "*"
    # The column, or the field of each line, that holds the text.
    column: str = "text"
    # A branch or commit of the data set; by default the newest.
    revision: str | None = None
    # gpt2, or a folder or file with a tokenizer.json of gptlib.
    tokenizer: str = "gpt2"
    # How many processes work at a time, at least 1; by default one per core, at most 6,
    # which need less than 1 GB of memory together.
    processes: int | None = None

    def __post_init__(self):
        given = {f.name for f in fields(self) if getattr(self, f.name) != f.default}
        ignored = given & {"corpus"} if self.dataset else given - {"corpus"}
        if ignored:
            names, when = ", ".join(sorted(ignored)), "" if self.dataset else "out"
            raise ValueError(f"{names}: would be ignored with{when} --dataset")

    def run(self) -> None:
        if self.dataset is None:
            corpus = open_corpus(self.corpus)
            if isinstance(corpus, TokenCorpus):
                corpus.shards.verify()
            print(corpus)
            return
        to = self.to or Path("data") / Path(self.dataset).name.lower()
        sizes = tokenize(
            self.dataset,
            to,
            find_tokenizer(self.tokenizer),
            files=self.files,
            column=self.column,
            revision=self.revision,
            processes=self.processes,
        )
        before, everything = next(sizes)  # wrong arguments are refused before any bar
        units = {"unit": "B", "unit_scale": True}
        with tqdm(total=everything, initial=before, **units) as bar:
            for done, _ in sizes:
                bar.update(done - bar.n)
        print(f"{TokenCorpus(to)}\nnext: python -m gptlib train FOLDER --corpus {to}")


def find_tokenizer(name: str) -> Tokenizer:
    """GPT-2's tokenizer, or the one in a folder or file."""
    path = Path(name)
    if name == "gpt2" and not path.exists():
        return BPETokenizer.gpt2()
    file = path / TOKENIZER if path.is_dir() else path
    if not file.is_file():
        raise ValueError(
            f"tokenizer={name!r}: expected gpt2, or a folder or file with the "
            f"{TOKENIZER} of a model of gptlib"
        )
    return Tokenizer.load(file)
