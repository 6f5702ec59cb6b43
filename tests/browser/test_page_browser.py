"""A model as one HTML page, opened from its file: the same numbers as PyTorch's.

Needs Chromium, as `test_browser.py` does. GPTLIB_SCREENSHOTS=folder keeps pictures.
"""

import os
import random
import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from gptlib import (
    GPT,
    BPETokenizer,
    CharTokenizer,
    GPTConfig,
    ModelHandler,
    ModernConfig,
    ModernGPT,
    generate,
)
from gptlib.attention import attention_maps
from gptlib.bpe import END_OF_TEXT
from gptlib.generation import token_probabilities
from gptlib.modern import PARTS
from gptlib.streaming import stream_text

MODELS = Path(__file__).parents[2] / "models"
ADDED = [f.name for f in fields(ModernConfig) if f.type in (bool, "bool")]
VARIANTS = [
    {},
    *({"without": (part,)} for part in PARTS),
    *({name: True} for name in ADDED),
    {"without": PARTS},
    dict.fromkeys(ADDED, True),
    {"without": PARTS} | dict.fromkeys(ADDED, True),
]
LOGITS = """
windows => windows.map(ids => {
  model.tokens.length = 0;
  ids.forEach(id => model.read(id));
  return ids.map((_, t) => Array.from(model.logits(t)));
})
"""
DECODE = "rows => rows.map(ids => ids.map(tokenizer.decoder()).join(''))"
DRAWN = (
    "([l, t, k]) => Array.from(distribution(Float32Array.from(l), t, k ?? Infinity))"
)
UNNAMED = """
() => [...document.querySelectorAll('input, select, textarea, button, [tabindex]')]
  .filter(node => !(node.labels?.length || node.ariaLabel || node.textContent.trim()))
  .map(node => node.outerHTML)
"""
TEXTS = [
    "",
    " ",
    "They're  here: I'LL we've it's 'tis\n\n\n  x \n y   ",
    "1234.5 ½ ٣ Ⅷ naïve Grüße ΑΒΓ 汉字 ไทย हिन्दी e\u0301",
    " \u00a0\u2003\u3000 \u3000x\u0085\u200b \u2028",
    "😀👩\u200d👩\u200d👧 🇩🇪 \ufeffa\ufffd \x00\x1f\t\r\n <|endoftext|> <|endoftext|",
    "a" * 300 + " " * 50 + "!?" * 40,
]


@pytest.fixture(scope="module")
def page_of(browser, tmp_path_factory):
    """Writes a model's page and opens it; what it asks for and reports is noted."""
    contexts = []

    def open_(model, tokenizer, name="model", scheme="light", width=1000, **about):
        handler = ModelHandler(tmp_path_factory.mktemp("page") / "none")
        handler.model, handler.tokenizer = model, tokenizer
        for key, value in about.items():
            setattr(handler, key, value)
        file = handler.export(tmp_path_factory.mktemp("page") / name, format="page")
        contexts.append(
            browser.new_context(
                offline=True,
                color_scheme=scheme,
                reduced_motion="reduce",  # else it begins to write by itself
                viewport={"width": width, "height": 1000},
            )
        )
        page = contexts[-1].new_page()
        page.asked, page.wrong = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("console", lambda line: page.wrong.append(line.text))
        page.goto(file.as_uri())
        page.evaluate("ready")
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def shakespeare_page(page_of):
    """The page of the smallest shipped model of Shakespeare."""
    handler = ModelHandler(MODELS / "plain").load()
    return page_of(handler.model, handler.tokenizer, "plain")


def in_half(model):
    """The transformer inside, with the numbers that travel."""
    while hasattr(model, "model"):
        model = model.model
    return model.half().float().eval()


def made(model):
    """The model with weights large enough to matter, in every tensor."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def largest_difference(page, model, windows: torch.Tensor) -> float:
    with torch.no_grad():
        expected = in_half(model)(windows)[0]  # (B, T, V)
    found = torch.tensor(page.evaluate(LOGITS, windows.tolist()))
    return (found - expected).abs().max().item()


def write(page, prompt: str, length: str = "300") -> str:
    """Generate after a prompt; the whole text, when it is there."""
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_label("Length").select_option(length)
    page.get_by_role("button", name="Generate").click()
    page.evaluate("running")
    return page.locator("#text").text_content()


@pytest.mark.parametrize("name", ["plain", "answers", "model3"])
def test_a_shipped_model_computes_and_writes_what_it_does_in_pytorch(page_of, name):
    """1,024 positions of a sample; then 300 characters, over the ends of windows."""
    handler = ModelHandler(MODELS / name).load()
    page = page_of(handler.model, handler.tokenizer, name)
    text = (MODELS / "model3/sample.txt").read_text()[:1024]
    ids = torch.tensor(handler.tokenizer.encode(text))
    windows = ids.view(-1, handler.model.block_size)
    assert largest_difference(page, handler.model, windows) < 1e-3

    page.locator("#temperature").fill("0")
    prompt = "ROMEO:\nWhat"
    model = in_half(handler.model)
    expected = stream_text(model, handler.tokenizer, prompt, 300, temperature=0)
    assert write(page, prompt) == prompt + "".join(expected)
    print(name, page.locator("#status").inner_text())
    assert page.wrong == [] and len(page.asked) == 1  # the file itself


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_every_part_of_a_modern_gpt(page_of, changes):
    """Odd sizes, and a text that is longer than the window three times."""
    config = ModernConfig(51, 22, 3, 3, 30, **changes)
    model = made(ModernGPT(config))
    page = page_of(model, CharTokenizer("".join(map(chr, range(300, 351)))))
    assert largest_difference(page, model, torch.randint(51, (46, 22))) < 1e-3
    page.locator("#temperature").fill("0")
    expected = generate(in_half(model), torch.tensor([[7]]), 100, temperature=0)
    write(page, chr(307), "100")
    assert page.evaluate("tokens") == expected[0].tolist()


def test_a_small_gpt_of_byte_pairs(page_of, bpe):
    torch.manual_seed(0)
    model = made(GPT(GPTConfig(bpe.vocab_size, 5, 1, 1, 16)))
    page = page_of(model, bpe)
    assert largest_difference(page, model, torch.randint(300, (20, 5))) < 1e-3
    page.locator("#temperature").fill("0")
    text = write(page, "1 plus 2", "100")
    ids = torch.tensor([bpe.encode("1 plus 2")])
    expected = generate(in_half(model), ids, 100, temperature=0, stop_tokens=299)[0]
    # What may still become a character has not been shown.
    assert bpe.decode(expected).removeprefix(text) in ("", "\ufffd")


@pytest.mark.parametrize("size", ["trained", "gpt2"])
def test_byte_pairs_are_encoded_as_in_python(page_of, size):
    """Contractions, scripts, spaces of all kinds, emojis; bytes that are no text."""
    trained = BPETokenizer.train("".join(TEXTS) * 3, 400, [END_OF_TEXT])
    tok = trained if size == "trained" else BPETokenizer.gpt2()
    page = page_of(GPT(GPTConfig(tok.vocab_size, 16, 1, 1, 2)), tok)
    draw = random.Random(0)
    letters = "".join(TEXTS) + "'sdmtlvre \n"
    texts = TEXTS + ["".join(draw.choices(letters, k=40)) for _ in range(300)]
    encode = "texts => texts.map(text => tokenizer.encode(text).ids)"
    assert page.evaluate(encode, texts) == [tok.encode(text) for text in texts]
    rows = [tok.encode(text) for text in texts]
    rows += [draw.choices(range(tok.vocab_size), k=30) for _ in range(100)]
    for row, found in zip(rows, page.evaluate(DECODE, rows), strict=True):
        # What may still become a character has not been shown.
        assert tok.decode(row).removeprefix(found) in ("", "\ufffd")


def test_tokens_are_drawn_from_the_same_distribution(shakespeare_page):
    torch.manual_seed(0)
    logits = torch.randn(65) * 3
    logits[7] = logits[11]  # equally likely: the first one is kept
    for temperature in (0.1, 0.8, 2.0):
        for top_k in (None, 1, 5, 64):
            expected = token_probabilities(logits.double(), temperature, top_k)
            found = shakespeare_page.evaluate(
                DRAWN, [logits.tolist(), temperature, top_k]
            )
            assert torch.tensor(found).double().sub(expected).abs().max() < 1e-6
    counts = "p => Array.from({length: 1000}, (_, i) => draw(p, i / 1000))"
    drawn = shakespeare_page.evaluate(counts, [0.0, 0.25, 0.0, 0.75, 0.0])
    assert [drawn.count(i) for i in range(5)] == [0, 250, 0, 750, 0]


def test_one_sees_where_a_head_looked_and_what_was_expected(shakespeare_page):
    """By pointing, by keys, with the slider; the head by its name."""
    page = shakespeare_page
    write(page, "ROMEO:\nI will not", "100")
    start, tokens = page.evaluate("[start, tokens]")
    place = start + 20
    page.get_by_label("Layer 2, head 3").check()
    page.locator("#text span").nth(place).hover()
    handler = ModelHandler(MODELS / "plain").load()
    window = torch.tensor([tokens[start : place + 1]])
    weights = attention_maps(in_half(handler.model), window)[1][0, 2, -1]  # (T,)
    read = "spans => spans.map(s => Number(s.style.getPropertyValue('--w')) ** 2)"
    shown = page.locator("#text span").evaluate_all(read)
    found = torch.tensor(shown[start : place + 1]) * weights.max().clamp(min=0.2)
    assert found.sub(weights).abs().max() < 3e-3
    assert sum(shown) == pytest.approx(sum(shown[start : place + 1]))
    name = visible = handler.tokenizer.decode([tokens[start + int(weights.argmax())]])
    visible = {" ": "␣", "\n": "↵"}.get(name, name)
    assert f"Layer 2, head 3: “{visible}”" in page.locator("#looks").inner_text()

    page.mouse.move(0, 0)
    text, at = page.locator("#text"), page.locator("#at-value")
    last = len(tokens)
    assert at.inner_text().startswith(f"{last} of {last}")
    text.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert at.inner_text().startswith(f"{last - 2} of {last}")
    page.get_by_label("Look at character").press("ArrowLeft")
    assert at.inner_text().startswith(f"{last - 3} of {last}")
    page.get_by_label("Look at character").fill("1")
    assert "left the window" in page.locator("#rest").inner_text()


def test_one_can_go_on_with_another_character_and_then_let_it_write(shakespeare_page):
    page = shakespeare_page
    before = write(page, "ROMEO:\nI will not", "100")
    start, place = page.evaluate("[start, start + 12]")
    page.locator("#text span").nth(place).click()
    page.mouse.move(0, 0)
    second = page.get_by_role("button", name="Go on with").nth(1)
    chosen = page.evaluate(
        "i => tokenizer.texts[i]", int(second.get_attribute("data-id"))
    )
    second.click()
    page.evaluate("running")
    text = page.locator("#text").text_content()
    assert text == before[: place + 1] + chosen
    page.get_by_role("button", name="Continue").click()
    page.evaluate("running")
    assert page.locator("#text").text_content().startswith(text)
    assert len(page.locator("#text").text_content()) == len(text) + 100
    # What is kept is what reading the window afresh gives.
    start, tokens = page.evaluate("[start, tokens]")
    kept = torch.tensor(
        page.evaluate("Array.from(model.logits(tokens.length - start - 1))")
    )
    model = in_half(ModelHandler(MODELS / "plain").load().model)
    fresh = model(torch.tensor([tokens[start:]]))[0][0, -1]
    assert kept.sub(fresh).abs().max() < 1e-3


def test_where_all_weights_are_faint_the_first_is_named(page_of):
    """An even head over 240 positions: no weight reaches half a percent."""
    model = GPT(GPTConfig(4, 256, 1, 1, 8))
    with torch.no_grad():
        model.blocks[0].attn.qkv.weight.zero_()
    page = page_of(model, CharTokenizer("abc\n"))
    page.get_by_label("Prompt").fill("abc" * 80)
    page.evaluate("generate(0)")
    assert page.locator("#looks").inner_text().endswith("“a” 239 before (0.4%).")
    assert page.evaluate("spans[5].style.getPropertyValue('--w')") == "0.144"


def test_a_place_that_has_just_left_the_window_can_be_chosen(page_of):
    """The text is cut there; what the model reads begins anew, and it can go on."""
    model = made(GPT(GPTConfig(4, 8, 1, 1, 8)))
    page = page_of(model, CharTokenizer("abc\n"))
    page.get_by_label("Prompt").fill("abcabcab")
    page.evaluate("generate(0)")
    page.evaluate("begin(() => { hovered = 1; branch(3); return append(0) })")
    page.evaluate("running")
    assert page.locator("#text").text_content() == "abc"
    page.evaluate("begin(allowed => write(20, allowed))")
    start, tokens = page.evaluate("[start, tokens]")
    assert len(tokens) == 23 and page.evaluate("model.tokens") == tokens[start:]


def test_a_long_prompt_can_be_stopped_while_it_is_read(page_of):
    model = GPT(GPTConfig(4, 1024, 8, 8, 128))
    page = page_of(model, CharTokenizer("abc\n"))
    page.get_by_label("Prompt").fill("abc" * 341)
    page.evaluate("void generate(100)")
    while page.evaluate("tokens.length") <= 20:
        pass  # the page's policy forbids wait_for_function
    page.get_by_role("button", name="Stop").click()
    page.evaluate("running")
    assert 20 < page.evaluate("tokens.length") < 1000
    page.evaluate("begin(allowed => write(2, allowed))")
    assert page.wrong == []


def test_the_text_streams_and_can_be_stopped(shakespeare_page):
    page = shakespeare_page
    page.get_by_label("Length").select_option("3000")
    page.get_by_label("Prompt").fill("O ")
    page.get_by_label("Prompt").press("Enter")
    seen = []
    while len(set(seen)) < 4:  # it grows while it is read
        seen.append(page.evaluate("spans.length"))
    page.get_by_role("button", name="Stop").click()
    page.evaluate("running")
    assert page.evaluate("spans.length") < 3000
    assert "per second" in page.get_by_role("status").inner_text()
    assert page.get_by_role("button", name="Stop").is_disabled()


def test_a_model_can_end_its_text(page_of, bpe):
    model = GPT(GPTConfig(bpe.vocab_size, 16, 2, 2, 16))
    with torch.no_grad():
        model.ln_f.weight.zero_()
        model.ln_f.bias.fill_(1.0)
        model.wte.weight[299] = 2.0
    page = page_of(model, bpe)
    assert write(page, "1 plus") == "1 plus"
    assert "ended it" in page.get_by_role("status").inner_text()


def test_unknown_characters_are_named_and_left_out(shakespeare_page):
    page = shakespeare_page
    assert write(page, "Romé☃o é", "100").startswith("Romo ")
    assert page.get_by_role("status").inner_text().startswith("left out")
    assert "é ☃ " in page.get_by_role("status").inner_text()


def test_nothing_can_be_injected(page_of):
    """Not by a name, a vocabulary, notes or a prompt; the policy would forbid it."""
    bad = "</script><script>hit=1</script><img src=x onerror=hit=1>"
    tok = CharTokenizer(bad + "\n&\"'{{about}}")
    page = page_of(
        GPT(GPTConfig(tok.vocab_size, 16, 2, 2, 16)),
        tok,
        "<img src=x onerror=hit=1>{{weights}}",
        trained_on={"corpus": bad, "sha256": bad, "config": {"steps": 1}},
    )
    before = page.evaluate("document.querySelectorAll('*').length - spans.length")
    assert page.title() == "<img src=x onerror=hit=1>{{weights}}"
    assert write(page, bad, "100").startswith(bad)
    assert page.locator("#text *:not(span), img").count() == 0
    nodes = "document.querySelectorAll('*').length - spans.length"
    assert page.evaluate(nodes) == before and page.wrong == []
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", bad)
    page.evaluate("new Promise(resume => setTimeout(resume, 200))")
    assert page.evaluate("typeof hit") == "undefined"
    refused = [line for line in page.wrong if "Content Security Policy" in line]
    assert len(refused) == 2  # the picture, and what it would run


@pytest.mark.parametrize(("scheme", "width"), [("light", 1000), ("dark", 400)])
def test_how_it_looks(page_of, scheme, width):
    """Names for all controls, nothing too wide; what stayed behind is said."""
    handler = ModelHandler(MODELS / "model3").load()
    page = page_of(
        handler.model,
        handler.tokenizer,
        "model3",
        scheme,
        width,
        trained_on=handler.trained_on,
        history=handler.history,
    )
    write(page, "ROMEO:\nI will not", "300")
    page.locator("summary").click()
    page.locator("#text span").nth(120).hover()
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", colour)[:3])) > 384) == (scheme == "light")
    assert "counts" in page.locator("#left").inner_text()
    assert "shakespeare-plays" in page.locator("#lead").inner_text()
    kept = os.environ.get("GPTLIB_SCREENSHOTS")
    if kept:
        page.screenshot(path=f"{kept}/page_{scheme}_{width}.png", full_page=True)


def test_it_begins_by_itself_where_motion_is_welcome(page_of, shakespeare_page):
    page = shakespeare_page.context.browser.new_page()
    page.goto(shakespeare_page.url)
    page.evaluate("ready")
    assert page.evaluate("tokens.length") > 100
    page.close()
