"""Sliders and buttons in front ends that send everything through one queue.

VS Code and Colab do, and JupyterLab with ipykernel 7.4: a widget's message waits until
the running cell is done. `lab.wait()` serves it before; sent straight to the kernel,
it must act.
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


def tell(kernel, comm: str, **content) -> None:
    """Send what the panel in a browser would send, through the main queue."""
    data = {"method": "custom", "content": content}
    message = kernel.session.msg("comm_msg", {"comm_id": comm, "data": data})
    assert "subshell_id" not in message["header"]
    kernel.shell_channel.send(message)


def begin(kernel, code: str) -> str:
    """Start a cell and return its request's id once it has printed something."""
    request = kernel.execute(f"print('go', flush=True); {code}", stop_on_error=False)
    while True:
        message = kernel.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "stream":
            return request


def reply(kernel, request: str) -> dict:
    """The reply to a request, once it comes."""
    while True:
        answer = kernel.get_shell_msg(timeout=60)
        if answer["parent_header"]["msg_id"] == request:
            return answer["content"]


def test_a_slider_message_reaches_the_running_training(kernel):
    comm = ask(kernel, SETUP, "lab._panel.model_id").strip("'")
    tell(kernel, comm, do="set", knob="dropout", value=0.4, number=1)
    for _ in range(100):
        if ask(kernel, "", "lab.model.dropout") == "0.4":
            break
        time.sleep(0.1)
    assert ask(kernel, "lab.wait(steps=2)", "lab.state") == "'running'"
    assert ask(kernel, "", "len(lab.record.turns) > 0 and lab.model.dropout") == "0.4"
    assert ask(kernel, "lab.close()", "lab.state") == "'stopped'"


def test_knobs_and_buttons_act_while_a_cell_waits(kernel):
    comm = ask(kernel, SETUP, "lab._panel.model_id").strip("'")
    waiting = begin(kernel, "lab.wait(); ended = lab.state, lab.model.dropout")
    # Another cell behind it stays in its place in the queue.
    next_one = kernel.execute("order = ended", stop_on_error=False)
    tell(kernel, comm, do="set", knob="dropout", value=0.4, number=1)
    tell(kernel, comm, do="press", button="Pause")
    time.sleep(1)
    assert not kernel.shell_channel.msg_ready(), "it waits for Resume"
    tell(kernel, comm, do="press", button="Start")
    time.sleep(1)
    tell(kernel, comm, do="press", button="Step")
    time.sleep(0.5)
    tell(kernel, comm, do="press", button="Stop")
    assert reply(kernel, waiting)["status"] == "ok"
    assert reply(kernel, next_one)["status"] == "ok"
    assert ask(kernel, "", "order") == "('stopped', 0.4)"
    assert ask(kernel, "", "lab.record.turns[0].value") == "0.4"


def test_a_reloaded_page_is_answered_while_a_cell_waits(kernel):
    ask(kernel, SETUP, "lab.state")
    waiting = begin(kernel, "lab.wait()")
    info = kernel.kernel_info()
    comms = kernel.comm_info("jupyter.widget")
    assert reply(kernel, info)["status"] == "ok"
    assert len(reply(kernel, comms)["comms"]) >= 1
    kernel.manager.interrupt_kernel()
    assert reply(kernel, waiting)["status"] == "error"


def test_interrupting_the_kernel_while_it_waits_pauses_the_lab(kernel):
    ask(kernel, SETUP, "lab.state")
    # An error would abort whatever is asked next, if it arrives soon enough.
    waiting = begin(kernel, "lab.wait()")
    time.sleep(1)
    kernel.manager.interrupt_kernel()
    content = reply(kernel, waiting)
    assert content["ename"] == "Interrupted"
    assert len(content["traceback"]) == 1 and "\n" not in content["traceback"][0]
    assert "the training is paused after step" in content["traceback"][0]
    assert ask(kernel, "", "lab.state") == "'paused'"
    assert ask(kernel, "lab.start(steps=1); lab.wait()", "lab.state") == "'paused'"
    assert ask(kernel, "lab.close()", "lab.state") == "'stopped'"
