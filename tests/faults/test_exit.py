"""Whatever still runs when the process ends: it ends quietly, with its own status."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import small_config

from gptlib import GPT, TrainConfig
from gptlib.lab import Playground, TrainingLab

BEGINNING = """
import sys, torch
from gptlib import GPT, CharTokenizer, Corpus, GPTConfig
from gptlib.lab import Playground, TrainingLab

tok = CharTokenizer("ab")
data = Corpus.from_text("ab" * 2000).encode(tok)
matrix, begun = torch.randn(600, 600), []

class Endless(GPT):
    def forward(self, *args):
        while True:
            try:
                begun.append(1)
                matrix @ matrix
            except BaseException:
                pass

def until_begun():
    while not begun:
        pass

model = Endless(GPTConfig(2, 8, 1, 1, 8))
"""
STILL_RUNNING = {
    "answer": """
from gptcourse import check
check.next_token_loss.seconds = 0.05
check.next_token_loss(model.forward)
""",
    "lab": """
lab = TrainingLab(model, data)
lab.start()
until_begun()
""",
    "generation": """
box = Playground((model, tok), prompt="a")
box.start()
until_begun()
""",
}


@pytest.mark.parametrize("what", STILL_RUNNING)
def test_what_never_ends_does_not_abort_the_process(what):
    code = BEGINNING + STILL_RUNNING[what] + "sys.exit(3)"
    code = code.replace("import sys", "import gptlib.files.interrupts as it, sys")
    code = code.replace("tok =", "it.SECONDS_TO_STOP = 0.1\ntok =")
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (3, "")


def test_a_model_that_exits_ends_its_lab_only(tok, data):
    class Leaving(GPT):
        def forward(self, *args):
            if len(lab.record.history) == 2:
                sys.exit("enough")
            return super().forward(*args)

    torch.manual_seed(0)
    lab = TrainingLab(Leaving(small_config(tok)), data, TrainConfig(steps=1000))
    lab.start()
    lab.wait()
    assert (lab.state, lab.trouble) == ("failed", "SystemExit: enough")
    assert len(lab.record.history) == 2


def test_a_model_that_exits_ends_its_text_only(tok):
    class Leaving(GPT):
        def forward(self, *args, **kwargs):
            sys.exit("enough")

    box = Playground((Leaving(small_config(tok)), tok), prompt="1")
    with pytest.raises(RuntimeError, match="SystemExit: enough"):
        box.write()
    assert (box.running, box.status, box.warning) == (False, "SystemExit: enough", True)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what has been loaded")
@pytest.mark.parametrize("loaded", ["libc10", "libtorch_python", "_safetensors"])
def test_ctrl_c_during_the_imports_is_one_line(loaded):
    command = [sys.executable, "-m", "gptlib", "data", "--help"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        while loaded not in Path(f"/proc/{process.pid}/maps").read_text():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)
    assert (process.returncode, *said) == (130, "", "\ngptlib: stopped\n")
