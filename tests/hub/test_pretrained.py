"""GPT-2's files in and out, held against transformers; all weights are made here."""

import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import yaml
from conftest import small_config
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from gptlib import (
    GPT,
    BPETokenizer,
    CharTokenizer,
    DataError,
    GPTConfig,
    ModelFileError,
    ModelHandler,
    ModernConfig,
    ModernGPT,
    TrainConfig,
    generate,
)
from gptlib.hub import pretrained as p
from gptlib.model import next_token_loss

TEXT = "".join(f"{i} plus {i + 1} is {2 * i + 1}. Grüße 😀\n" for i in range(120))
# vocabulary, context, layers, heads, width of a head; 64 is 50 padded.
SHAPES = [(50, 16, 1, 1, 8), (64, 12, 3, 2, 5), (301, 33, 2, 4, 6), (7, 4, 5, 3, 7)]


def reference(shape, seed=0, deviation=0.3, **changes):
    """A random GPT-2 of transformers, with weights large enough to matter."""
    from transformers import GPT2Config, GPT2LMHeadModel

    vocab_size, block_size, n_layer, n_head, head_size = shape
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=vocab_size,
        n_positions=block_size,
        n_embd=n_head * head_size,
        n_layer=n_layer,
        n_head=n_head,
        bos_token_id=None,
        eos_token_id=None,
        **changes,
    )
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(deviation * torch.randn_like(parameter))
    return model


@pytest.fixture(autouse=True, scope="module")
def quiet():
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


@pytest.fixture
def theirs():
    return reference(SHAPES[1])


@pytest.fixture
def folder(tmp_path, theirs) -> Path:
    theirs.save_pretrained(tmp_path / "gpt2")
    return tmp_path / "gpt2"


def change_weights(folder, change):
    """Let change(tensors) alter the stored weights."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# In, and the proof


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_gradients_and_text_are_the_references(tmp_path, shape):
    theirs = reference(shape, seed=sum(shape))
    theirs.save_pretrained(tmp_path)
    ours = GPT.from_pretrained(tmp_path, dropout=0.0)
    assert not ours.training and ours.config.vocab_size == shape[0]
    idx = torch.randint(shape[0], (2, shape[1]))  # (B, T), the whole context
    expected = theirs(idx, labels=idx)
    logits, _ = ours(idx)
    assert expected.logits.abs().max() > 1, "too small to show a difference"
    torch.testing.assert_close(logits, expected.logits, atol=1e-4, rtol=0)

    next_token_loss(logits[:, :-1], idx[:, 1:]).backward()
    expected.loss.backward()
    given = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        other = given["transformer." + p.their_name(name)].grad
        other = other.T if p.is_transposed(p.their_name(name)) else other
        assert (parameter.grad - other).norm() <= 1e-3 * other.norm(), name

    prompt, new = idx[:1, : shape[1] // 2], shape[1] - shape[1] // 2
    written = generate(ours, prompt, new, temperature=0)
    greedy = theirs.generate(prompt, max_new_tokens=new, do_sample=False)
    assert written.tolist() == greedy.tolist()


def test_a_padded_vocabulary_is_kept_or_cut(folder, theirs):
    whole = GPT.from_pretrained(folder)
    cut = GPT.from_pretrained(folder, vocab_size=50)
    assert (whole.config.vocab_size, cut.config.vocab_size) == (64, 50)
    idx = torch.randint(50, (2, 12))
    torch.testing.assert_close(cut(idx)[0], whole(idx)[0][..., :50])
    with pytest.raises(ValueError, match="embeddings of 64 tokens, not of the 65"):
        GPT.from_pretrained(folder, vocab_size=65)


def test_dropout_is_the_folders_or_yours(folder):
    assert GPT.from_pretrained(folder).dropout == 0.1
    assert GPT.from_pretrained(folder, dropout=0.0).dropout == 0.0
    change_config(folder, attn_pdrop=0.25)
    assert GPT.from_pretrained(folder).dropout == 0.25


def test_the_hubs_older_files(folder, theirs):
    """No prefix, masks stored along, an output matrix that is a copy."""

    def change(tensors):
        for name in list(tensors):
            tensors[name.removeprefix("transformer.")] = tensors.pop(name)
        tensors["h.0.attn.bias"] = torch.ones(1, 1, 12, 12).tril()
        tensors["h.0.attn.masked_bias"] = torch.tensor(-1e4)
        tensors["lm_head.weight"] = tensors["wte.weight"].clone()

    change_weights(folder, change)
    idx = torch.randint(64, (1, 12))
    logits = GPT.from_pretrained(folder)(idx)[0]
    torch.testing.assert_close(logits, theirs(idx).logits, atol=1e-4, rtol=0)
    change_weights(folder, lambda tensors: tensors["lm_head.weight"][3].add_(1))
    with pytest.raises(ModelFileError, match=r"lm_head.weight differs from wte.weight"):
        GPT.from_pretrained(folder)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_in_full(tmp_path, dtype):
    theirs = reference(SHAPES[0]).to(dtype)
    theirs.save_pretrained(tmp_path)
    ours = GPT.from_pretrained(tmp_path)
    assert {w.dtype for w in ours.parameters()} == {torch.float32}
    idx = torch.randint(50, (1, 16))
    same = theirs.float()(idx).logits
    torch.testing.assert_close(ours(idx)[0], same, atol=1e-4, rtol=0)


def test_several_files(tmp_path, theirs):
    theirs.save_pretrained(tmp_path, max_shard_size="5KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    idx = torch.randint(64, (1, 12))
    logits = GPT.from_pretrained(tmp_path)(idx)[0]
    torch.testing.assert_close(logits, theirs(idx).logits, atol=1e-4, rtol=0)
    next(iter(tmp_path.glob("model-*2-of-*"))).unlink()
    with pytest.raises(OSError, match=r"00002-of-.*\.safetensors"):
        GPT.from_pretrained(tmp_path)


def test_a_model_of_ours_again_trains_and_is_stored(folder, tmp_path):
    ours = GPT.from_pretrained(folder)
    assert all(w.requires_grad for w in ours.parameters())
    tok = CharTokenizer("".join(map(chr, range(64))))
    ModelHandler(tmp_path / "ours").save(ours, tok)
    loaded = ModelHandler(tmp_path / "ours").load().model
    assert all(map(torch.equal, loaded.parameters(), ours.parameters()))
    with pytest.raises(ModelFileError, match=r"ModelHandler\('.*'\)\.load\(\) reads"):
        GPT.from_pretrained(tmp_path / "ours")


MEMORY = """
import sys
from gptlib import GPT


def memory(what):
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(what))
    return 1024 * int(line.split()[1])


GPT.from_pretrained(sys.argv[1])  # what torch and the rest need once
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # forget the highest mark so far
before = memory("VmRSS")
model = GPT.from_pretrained(sys.argv[2])
print((memory("VmHWM") - before) / (4 * model.config.n_params))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for its memory")
def test_it_needs_hardly_more_memory_than_the_model(tmp_path, folder):
    # 28 MB, almost a half of it in one matrix: more than in GPT-2.
    model = reference((12_000, 512, 4, 4, 64), deviation=0)
    model.save_pretrained(tmp_path / "large")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, folder, tmp_path / "large"],
        capture_output=True,
        text=True,
    )
    if "Permission" in done.stderr:
        pytest.skip("this system does not say how much memory was used")
    assert done.returncode == 0, done.stderr
    assert 0.9 < float(done.stdout) < 1.3


# What is refused


def test_every_difference_is_listed(folder):
    def change(tensors):
        del tensors["transformer.h.1.ln_1.bias"]
        tensors["transformer.h.0.mlp.c_fc.weight"] = torch.zeros(40, 10)
        tensors["transformer.extra"] = torch.zeros(3)
        tensors["transformer.wpe.weight"] = torch.zeros(12, 10, dtype=torch.int32)

    change_weights(folder, change)
    with pytest.raises(ModelFileError) as caught:
        GPT.from_pretrained(folder)
    assert str(caught.value).splitlines()[1:] == [
        "- h.1.ln_1.bias: missing",
        "- transformer.extra: unexpected, of shape [3]",
        "- transformer.h.0.mlp.c_fc.weight: shape [40, 10], expected [10, 40]",
        "- transformer.wpe.weight: numbers of type I32, expected F32",
    ]


def test_a_long_list_is_cut(folder):
    change_weights(folder, lambda tensors: tensors.clear())
    with pytest.raises(ModelFileError, match=r"(?s)missing.*- and 30 more$"):
        GPT.from_pretrained(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": "llama"}, "model_type is 'llama', and a GPT has 'gpt2'"),
        ({"activation_function": "relu"}, "activation_function is 'relu'"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06"),
        ({"tie_word_embeddings": False}, "tie_word_embeddings is False"),
        ({"scale_attn_by_inverse_layer_idx": True}, "inverse_layer_idx is True"),
        ({"n_inner": 30}, "n_inner is 30, and a GPT has 4 n_embd = 40"),
        ({"n_head": 3}, "n_embd=10 cannot be shared by n_head=3"),
        ({"n_layer": 10**9}, "n_layer=1000000000"),
        ({"vocab_size": "many"}, "vocab_size='many'"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_configurations_of_another_model(folder, changes, says):
    change_config(folder, **changes)
    with pytest.raises(ModelFileError, match=says):
        GPT.from_pretrained(folder)


def test_a_configuration_that_lacks_what_is_needed(folder):
    (folder / "config.json").write_text('{"n_layer": 2, "activation_function": "x"}')
    with pytest.raises(ModelFileError, match=r"(?s)'x'.*n_positions is missing"):
        GPT.from_pretrained(folder)
    for content, says in (("{", "is no JSON"), ("[]", "is no JSON object")):
        (folder / "config.json").write_text(content)
        with pytest.raises(ModelFileError, match=says):
            GPT.from_pretrained(folder)


@pytest.mark.parametrize("keep", [0, 5, 900, -1])
def test_files_cut_short(folder, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelFileError, match="is damaged or no safe"):
        GPT.from_pretrained(folder)


def test_nothing_there_and_programs_instead_of_numbers(tmp_path, folder):
    with pytest.raises(
        DataError, match=r"neither a published model \(gpt2, .*xl, .*ckpt.pt"
    ):
        GPT.from_pretrained(tmp_path / "gpt3")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match="can run programs and is not read"):
        GPT.from_pretrained(folder)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    with pytest.raises(ModelFileError, match="outside its folder"):
        GPT.from_pretrained(folder)
    index.write_text("[]")
    with pytest.raises(ModelFileError, match="is damaged"):
        GPT.from_pretrained(folder)


# The hub


def test_published_models_are_pinned_and_of_the_right_size():
    shapes = [(12, 12, 768), (24, 16, 1024), (36, 20, 1280), (48, 25, 1600)]
    shapes += [(6, 12, 768)]
    names = ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "distilgpt2"]
    assert list(p.PUBLISHED) == names
    for it, (layers, heads, width) in zip(p.PUBLISHED.values(), shapes, strict=True):
        assert GPTConfig(50257, 1024, layers, heads, width).n_params == it.parameters
        assert len(bytes.fromhex(it.revision)) == 20, "a whole commit"


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does, and breaks off once in the middle of the weights."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        server, name = self.server, self.path.rpartition("/")[2]
        if not (server.folder / name).is_file():
            self.send_error(404)  # what a client asks beside the model
            return
        content = (server.folder / name).read_bytes()
        asked = self.headers.get("Range")
        server.asked.append((self.command, self.path, asked))
        first = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self.send_response(206 if first else 200)
        if first:
            whole = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", whole)
        self.send_header("Content-Length", str(len(content) - first))
        self.send_header("ETag", f'"{name}-of-this-revision"')
        self.send_header("X-Repo-Commit", server.revision)
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if with_body and name == "model.safetensors" and not first:
            self.wfile.write(content[:1000])
            self.close_connection = True
        elif with_body:
            self.wfile.write(content[first:])

    def log_message(self, *args):
        pass


FETCH = """
import sys
import huggingface_hub.constants
from gptlib import GPT
huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE = 500  # what it keeps at a time
model = GPT.from_pretrained("gpt2")
print(model.config.vocab_size, model.wte.weight.double().sum().item())
"""


def fetch(endpoint, home):
    environment = os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home)}
    environment |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return subprocess.run(
        [sys.executable, "-c", FETCH], capture_output=True, text=True, env=environment
    )


def test_fetched_once_at_one_revision_and_resumed(folder, tmp_path):
    """From a server of our own, which has another model by that name."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    revision = p.PUBLISHED["gpt2"].revision
    server.folder, server.asked, server.revision = folder, [], revision
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        done = fetch(endpoint, tmp_path / "home")
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    total = GPT.from_pretrained(folder).wte.weight.double().sum().item()
    assert done.stdout.split() == ["64", str(total)]
    paths = {path for _, path, _ in server.asked}
    base = f"/openai-community/gpt2/resolve/{revision}"
    assert paths == {f"{base}/config.json", f"{base}/model.safetensors"}
    assert server.asked[-1][2] == "bytes=1000-", "it did not go on where it was"
    again = fetch(endpoint, tmp_path / "home")  # nobody answers there any more
    assert again.stdout == done.stdout, again.stderr


def test_without_a_network_the_error_says_what_to_do(monkeypatch, tmp_path):
    import huggingface_hub.constants

    def nobody(*args):
        raise socket.gaierror(-2, "Name or service not known")

    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(p, "getproxies", dict)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(DataError) as caught:
        GPT.from_pretrained("gpt2-xl")
    said = str(caught.value)
    assert p.PUBLISHED["gpt2-xl"].revision in said and "6,230,444,800 bytes" in said
    assert "Name or service not known" in said and "pass the folder's path" in said


# Out, and back


def tokenizers():
    return {
        "characters": CharTokenizer(TEXT),
        "pieces": BPETokenizer.train(TEXT, 300),
        "pieces and specials": BPETokenizer.train(TEXT, 301, ["<|endoftext|>", "<s>"]),
    }


every_tokenizer = pytest.mark.parametrize(
    "tok", tokenizers().values(), ids=tokenizers()
)


def random_gpt(tok, **changes):
    torch.manual_seed(0)
    model = GPT(small_config(tok, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


@every_tokenizer
def test_exported_and_loaded_by_transformers(tok, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    handler = ModelHandler(tmp_path / "ours").save(random_gpt(tok, dropout=0.1), tok)
    folder = handler.export(tmp_path / "theirs", format="huggingface")
    assert sorted(file.name for file in folder.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    theirs = AutoModelForCausalLM.from_pretrained(folder)
    words = AutoTokenizer.from_pretrained(folder)
    assert len(words) == tok.vocab_size and theirs.config.resid_pdrop == 0.1
    assert words(TEXT)["input_ids"] == tok.encode(TEXT)
    assert words.decode(tok.encode(TEXT)) == TEXT

    prompt = torch.tensor([tok.encode("12 plus 1")])  # (1, T)
    ours = generate(handler.model, prompt, 4, temperature=0)
    greedy = theirs.generate(
        prompt, max_new_tokens=4, do_sample=False, eos_token_id=None
    )
    assert greedy.tolist() == ours.tolist()

    model, tokenizer = p.load_pretrained(folder)
    assert tokenizer.to_dict() == tok.to_dict() and model.config == handler.model.config
    assert all(map(torch.equal, model.parameters(), handler.model.parameters()))
    ModelHandler(tmp_path / "back").save(model, tokenizer)
    assert ModelHandler(tmp_path / "back").load().generate(
        "12", 5, temperature=0
    ) == handler.generate("12", 5, temperature=0)


@pytest.fixture(scope="module")
def hubs(tmp_path_factory):
    """What transformers makes of our tokenizers."""
    from transformers import AutoTokenizer

    made = {}
    for name, tok in tokenizers().items():
        folder = tmp_path_factory.mktemp("words") / "exported"
        handler = ModelHandler("unused")
        handler.model, handler.tokenizer = GPT(small_config(tok)), tok
        made[name] = AutoTokenizer.from_pretrained(handler.export(folder)), tok
    return made


@settings(deadline=None, max_examples=60)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_in_pieces_is_the_same(hubs, text):
    theirs, ours = hubs["pieces"]
    assert theirs(text)["input_ids"] == ours.encode(text)
    assert theirs.decode(ours.encode(text)) == ours.decode(ours.encode(text))


def test_unknown_characters_are_an_error_there_too(hubs):
    theirs, ours = hubs["characters"]
    for encode in (ours.encode, theirs):
        with pytest.raises(Exception, match="vocabulary"):
            encode("Q")


def test_gpt2s_own_tokenizer_and_a_padded_vocabulary(tmp_path):
    from transformers import AutoTokenizer

    folder = tmp_path / "gpt2"
    tok = tokenizers()["pieces and specials"]  # 301 tokens
    handler = ModelHandler(tmp_path / "ours").save(random_gpt(tok), tok)
    handler.export(folder)
    words = AutoTokenizer.from_pretrained(folder)
    words.save_pretrained(folder)  # as their library writes it
    padded = reference((320, 16, 2, 2, 8))
    padded.save_pretrained(folder)
    model, tokenizer = p.load_pretrained(folder)
    assert model.config.vocab_size == tokenizer.vocab_size == 301
    assert tokenizer.to_dict() == tok.to_dict()
    idx = torch.randint(301, (1, 16))
    expected = padded(idx).logits[..., :301]
    torch.testing.assert_close(model(idx)[0], expected, atol=1e-4, rtol=0)


def test_the_card_says_what_is_known(tmp_path, small_corpus):
    tok = CharTokenizer(small_corpus.text)
    handler = ModelHandler(tmp_path / "ours").save(random_gpt(tok), tok)
    config = TrainConfig(steps=4, batch_size=4, eval_every=2)
    handler.train(data=small_corpus, config=config, progress=False)
    card = (handler.export(tmp_path / "sums") / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["library_name"] == "transformers" and "gpt2" in head["tags"]
    val = f"{handler.history[-1].val:.3f} nats per token (step 4)"
    for part in ("# sums", small_corpus.sha256, "4 of 4 steps", val, "2 layers"):
        assert part in card


def test_a_folder_stored_before_there_was_a_choice_of_optimizer(tmp_path):
    """The model of 08, whose file names none, as 16 exports it."""
    handler = ModelHandler(Path(__file__).parents[2] / "models" / "plain").load()
    assert "optimizer" not in handler.trained_on["config"]
    card = (handler.export(tmp_path / "plain") / "README.md").read_text()
    assert "3,500 of 3,500 steps" in card and "minutes, adamw" in card


def test_what_cannot_be_exported(tmp_path, gpt, tok):
    handler = ModelHandler(tmp_path / "ours").save(gpt, tok)
    with pytest.raises(ValueError, match="format='onnx': expected one of 'hugg"):
        handler.export(tmp_path / "x", format="onnx")
    with pytest.raises(ValueError, match="holds other files"):
        handler.export(handler.path)
    handler.export(tmp_path / "twice")
    handler.export(tmp_path / "twice")  # over an export of before
    (tmp_path / "twice" / "config.json").unlink()  # written last: it was cut off
    (tmp_path / "twice" / ".model.safetensors.7.gptlib-tmp").write_bytes(b"half")
    handler.export(tmp_path / "twice")
    assert not list((tmp_path / "twice").glob(".*-tmp"))
    for name in ("README.md", "config.json"):  # somebody else's
        (tmp_path / name[:4]).mkdir()
        (tmp_path / name[:4] / name).write_text('{"model_type": "gpt2"}')
        with pytest.raises(ValueError, match="holds other files"):
            handler.export(tmp_path / name[:4])
        assert (tmp_path / name[:4] / name).read_text() == '{"model_type": "gpt2"}'
    modern = ModernGPT(ModernConfig(tok.vocab_size, 8, 1, 1, 8))
    with pytest.raises(TypeError, match="ModernGPT exists only in gptlib"):
        ModelHandler(tmp_path / "m").save(modern, tok).export(tmp_path / "y")
    with torch.no_grad():
        gpt.wpe.weight[0, 0] = torch.nan
    with pytest.raises(
        ValueError, match=r"wpe.weight holds numbers that are not finite"
    ):
        handler.export(tmp_path / "z")
    assert not (tmp_path / "z").exists()
    assert asdict(gpt.config) == asdict(p.read_gpt2(tmp_path / "twice").config)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda stored: stored["model"].update(type="Unigram"), "'Unigram'"),
        (lambda stored: stored["model"]["vocab"].update(Q=3), "256 bytes"),
        (
            lambda stored: stored["pre_tokenizer"].update(add_prefix_space=True),
            "splits",
        ),
        (lambda stored: stored.pop("model"), "KeyError"),
    ],
)
def test_tokenizers_of_another_kind(tmp_path, change, says):
    tok = tokenizers()["pieces"]
    handler = ModelHandler(tmp_path / "ours").save(random_gpt(tok), tok)
    path = handler.export(tmp_path / "other") / "tokenizer.json"
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(ModelFileError, match=f"(?s)nor one like GPT-2's.*{says}"):
        p.load_pretrained(path.parent)
    path.write_text("{")
    with pytest.raises(ModelFileError, match="no JSON"):
        p.load_pretrained(path.parent)
    path.unlink()
    with pytest.raises(DataError, match=r"GPT\.from_pretrained reads only"):
        p.load_pretrained(path.parent)


# Fine-tuning, at tiny scale


def test_fine_tuning_begins_where_the_weights_are(tmp_path, small_corpus):
    """A model that has learned sums starts far below one that has not."""
    tok = CharTokenizer(small_corpus.text)
    data = small_corpus.encode(tok)
    torch.manual_seed(0)
    first = ModelHandler(tmp_path / "first").save(GPT(small_config(tok)), tok)
    first.train(
        data=data,
        config=TrainConfig(steps=150, batch_size=16, lr=1e-2),
        progress=False,
    )
    exported = first.export(tmp_path / "exported")
    tuned = ModelHandler(tmp_path / "tuned").save(*p.load_pretrained(exported))
    config = TrainConfig(steps=30, batch_size=16, lr=1e-3, accumulate=4, eval_every=30)
    steps = tuned.train(data=data, config=config, progress=False)
    assert steps[0].loss < first.history[0].loss - 1
    assert steps[0].loss == pytest.approx(first.history[-1].loss, abs=0.3)
    assert steps[-1].val <= steps[0].loss + 0.1
