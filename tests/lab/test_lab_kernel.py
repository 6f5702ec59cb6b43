"""Sliders in front ends that send everything through one queue (VS Code, Colab).

JupyterLab opens a second queue, a "subshell", for widgets; these front ends do not,
so that a message waits until the running cell is done. The lab's cells return at
once, so it never waits long: sent straight to the kernel, it must act.
"""

import time

import pytest
from jupyter_client.manager import start_new_kernel

SETUP = """
import torch
from gptlib import GPT, CharTokenizer, Corpus, GPTConfig, TrainConfig
from gptlib.lab import TrainingLab
corpus = Corpus.from_text("the quick brown fox jumps. " * 100)
tok = CharTokenizer(corpus.text)
shape = dict(vocab_size=tok.vocab_size, block_size=16)
model = GPT(GPTConfig(n_layer=1, n_head=2, n_embd=16, **shape))
config = TrainConfig(steps=100_000, schedule="constant")
lab = TrainingLab(model, corpus.encode(tok), config)
lab.show()
lab.start()
"""


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    client.manager = manager
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def ask(kernel, code: str, expression: str) -> str:
    """Run code, then return the repr of an expression."""
    asked = {"user_expressions": {"it": expression}, "timeout": 60}
    answer = kernel.execute_interactive(code, output_hook=lambda _: None, **asked)
    assert answer["content"]["status"] == "ok", answer["content"]
    return answer["content"]["user_expressions"]["it"]["data"]["text/plain"]


def test_a_slider_message_reaches_the_running_training(kernel):
    comm = ask(kernel, SETUP, "lab._panel.sliders['dropout'].model_id").strip("'")
    state = {"method": "update", "state": {"value": 0.4}, "buffer_paths": []}
    message = kernel.session.msg("comm_msg", {"comm_id": comm, "data": state})
    assert "subshell_id" not in message["header"]
    kernel.shell_channel.send(message)
    for _ in range(100):
        if ask(kernel, "", "lab.model.dropout") == "0.4":
            break
        time.sleep(0.1)
    assert ask(kernel, "lab.wait(steps=2)", "lab.state") == "'running'"
    assert ask(kernel, "", "len(lab.record.turns) > 0 and lab.model.dropout") == "0.4"
    assert ask(kernel, "lab.close()", "lab.state") == "'stopped'"


def test_interrupting_the_kernel_while_it_waits_pauses_the_lab(kernel):
    ask(kernel, SETUP, "lab.state")
    # An error would abort whatever is asked next, if it arrives soon enough.
    code = "print('waiting', flush=True); lab.wait()"
    waiting = kernel.execute(code, stop_on_error=False)
    while kernel.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        pass
    time.sleep(1)
    kernel.manager.interrupt_kernel()
    answer = kernel.get_shell_msg(timeout=30)
    assert answer["parent_header"]["msg_id"] == waiting
    assert answer["content"]["ename"] == "KeyboardInterrupt"
    assert ask(kernel, "", "lab.state") == "'paused'"
    assert ask(kernel, "lab.start(steps=1); lab.wait()", "lab.state") == "'paused'"
    assert ask(kernel, "lab.close()", "lab.state") == "'stopped'"
