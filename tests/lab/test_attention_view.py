"""The attention view: what it sends, what it stores, what it refuses."""

import re
import xml.etree.ElementTree as ET

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from gptlib import GPT, LanguageModel, MultiHeadAttention
from gptlib.attention import attention_maps
from gptlib.lab import AttentionView
from gptlib.lab.attention import visible
from tests.conftest import small_config

KING = torch.tensor(
    [[1, 0, 0, 0], [0.8, 0.2, 0, 0], [0.28, 0.58, 0.14, 0], [0.25, 0.51, 0.12, 0.12]]
)
SVG = "{http://www.w3.org/2000/svg}"


def sent(view) -> torch.Tensor:
    """The maps that the browser reads, (L, H, T, T)."""
    (L, H), T = view.shape, len(view.labels)
    flat = torch.frombuffer(bytearray(view.weights), dtype=torch.uint16).float() / 65535
    maps = torch.zeros(L, H, T, T)
    maps[:, :, torch.ones(T, T).tril().bool()] = flat.view(L, H, -1)
    return maps


def stored(view) -> tuple[ET.Element, list[str]]:
    """The stored picture, and the texts in it."""
    svg = ET.fromstring(view._repr_mimebundle_()[0]["image/svg+xml"])
    return svg, [node.text for node in svg.iter(f"{SVG}text")]


def test_it_shows_what_the_model_does(gpt, tok):
    text = "1 plus 2\n"
    view = AttentionView(gpt.train(), text, tok)
    idx = torch.tensor([tok.encode(text)])
    maps = torch.stack(attention_maps(gpt, idx))[:, 0]  # (L, H, T, T)
    assert torch.allclose(sent(view), maps, atol=1e-5)
    assert view.labels == ["1", "·", "p", "l", "u", "s", "·", "2", "⏎"]
    assert (view.layer, view.head, view.position) == (0, 0, 8)
    assert gpt.training, "as it was"

    p = gpt.eval()(idx)[0][0].softmax(-1)  # (T, V)
    for t, rows in enumerate(view.expected):
        best = p[t].argsort(descending=True).tolist()
        known = [visible(tok.decode([i])) for i in best[:8]]
        true = [row for row in rows if row[3]]
        assert [row[0] for row in rows[:7]] == known[:7] and len(rows) == 8
        assert rows[0][1] == pytest.approx(p[t].max().item(), abs=1e-5)
        assert len(true) == (t < 8)
        for label, share, rank, _ in true:
            following = tok.encode(text)[t + 1]
            assert label == view.labels[t + 1]
            assert share == pytest.approx(p[t, following].item(), abs=1e-5)
            assert best[rank - 1] == following


def test_weights_of_ones_own():
    view = AttentionView.of(KING, "king", position=2)
    assert view.shape == [1, 1] and view.position == 2 and view.expected == []
    assert torch.allclose(sent(view)[0, 0], KING, atol=1e-5)
    assert AttentionView.of(KING.expand(3, 4, 4), "king").shape == [1, 3]
    view = AttentionView.of(KING.expand(2, 3, 4, 4), "king", layer=-1, head=2)
    assert view.shape == [2, 3] and (view.layer, view.head) == (1, 2)
    heads = MultiHeadAttention(8, 2, 4)
    view = AttentionView.of(heads.weights(torch.randn(1, 4, 8))[0], list("king"))
    assert view.shape == [1, 2]


def test_the_layer_of_the_third_notebook(tok):
    torch.manual_seed(0)
    size = {"vocab_size": tok.vocab_size, "block_size": 16, "n_embd": 16}
    model = LanguageModel(MultiHeadAttention(16, 4, 16), **size)
    view = AttentionView(model, "1 plus 2 is 3.", tok, head=2, position=-1)
    assert view.shape == [1, 4] and view.position == 13


def test_distributions_of_ones_own():
    p = [{"a": 0.25, "i": 0.75}, {"n": 1.0}, {"x": 1.0}, {"\n": 1.0}]
    view = AttentionView.of(KING, "king", p)
    assert view.expected[0] == [["i", 0.75, 1, True], ["a", 0.25, 2, False]]
    assert view.expected[2:] == [[["x", 1.0, 1, False]], [["⏎", 1.0, 1, False]]]
    assert "Most likely next: ⏎, 1.00." in view.words()


def test_subwords_are_labels_of_several_characters(bpe):
    torch.manual_seed(0)
    view = AttentionView(GPT(small_config(bpe)), "1 plus 2 is é", bpe)
    assert len(view.labels) < 13 and max(map(len, view.labels)) > 1
    assert all(label.isprintable() for label in view.labels)


@pytest.mark.parametrize("position", [0, 2, -1])
def test_the_stored_picture_tells_the_numbers(position):
    view = AttentionView.of(KING, "king", position=position)
    svg, texts = stored(view)
    t = view.position
    assert texts[0] == f"Position {t}, {'king'[t]}, looks back"
    for weight in KING[KING > 0].tolist():
        assert f"{weight:.2f}" in texts, "each row of a single head"
    hatched = [node for node in svg.iter(f"{SVG}rect") if "hatch" in str(node.attrib)]
    assert len(hatched) == 3 + (t < 3), "the future of three rows, and of the text"
    assert len(list(svg.iter(f"{SVG}path"))) == 1 + 2 * (t + 1), "arcs and their leads"
    data, metadata = view._repr_mimebundle_()
    alt = metadata["image/svg+xml"]["alt"]
    assert alt == data["text/plain"] == svg.find(f"{SVG}title").text
    assert re.search(rf"position {t}, {'king'[t]}, looks \d\.\d\d at ", alt)


def test_the_stored_picture_of_a_model_fits_its_card(gpt, tok):
    text = "1 plus 2 is 3.\n2 plus 3 is 5.\n3 plus 4 is 7."[: gpt.block_size]
    svg, texts = stored(AttentionView(gpt, text, tok, layer=1, head=1, position=-5))
    assert texts[0].startswith("Layer 1, head 1: position ")
    assert {"head 0", "head 1"} <= set(texts) and texts[-1].startswith("Next: ")
    width, height = map(float, svg.get("viewBox").split()[2:])
    for node in svg.iter():
        x, y = (float(node.get(name, 0)) for name in "xy")
        assert 0 <= x + float(node.get("width", 0)) <= width
        assert 0 <= y + float(node.get("height", 0)) <= height


def test_texts_are_escaped():
    evil = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "\u202e",
        "&",
    ]
    p = [{evil[0]: 1.0}] * 4
    view = AttentionView.of(KING, evil, p)
    svg, texts = stored(view)  # it is well-formed
    assert {node.tag for node in svg.iter()}.isdisjoint({f"{SVG}script", f"{SVG}img"})
    assert evil[0] in texts and view.labels[1:] == [
        evil[1].replace(" ", "·"),
        "\\u202e",
        "&",
    ]


def test_it_is_displayed_with_its_picture(gpt, tok):
    InteractiveShell.instance()
    with capture_output() as captured:
        from IPython.display import display

        display(AttentionView(gpt, "1 plus", tok))
    InteractiveShell.clear_instance()
    (output,) = captured.outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data
    assert output.data["image/svg+xml"].startswith("<svg ")
    assert output.metadata["image/svg+xml"]["alt"]


@pytest.mark.parametrize(
    ("maps", "labels", "options", "message"),
    [
        (KING, "kin", {}, r"shape \(1, 1, 4, 4\): expected \(L, H, 3, 3\)"),
        (KING[0], "king", {}, "expected"),
        (KING * 1.1, "king", {}, "at most 1"),
        (-KING, "king", {}, "weights from 0"),
        (KING * float("nan"), "king", {}, "weights from 0"),
        (torch.full((4, 4), 0.25), "king", {}, "a later one"),
        (KING, "king", {"head": 1}, "head=1: expected 0 to 0"),
        (KING, "king", {"position": 4}, "position=4: expected 0 to 3"),
        (KING, "king", {"probabilities": [{"a": 1.0}]}, "1 positions, not of 4"),
    ],
)
def test_what_cannot_be_shown_is_refused(maps, labels, options, message):
    with pytest.raises(ValueError, match=message):
        AttentionView.of(maps, labels, **options)


def test_a_text_that_cannot_be_shown_is_refused(gpt, tok):
    with pytest.raises(ValueError, match="text is empty"):
        AttentionView(gpt, "", tok)
    with pytest.raises(ValueError, match="not in the vocabulary"):
        AttentionView(gpt, "é", tok)
    with pytest.raises(ValueError, match="block_size"):
        AttentionView(gpt, "1" * (gpt.block_size + 1), tok)
