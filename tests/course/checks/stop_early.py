"""Answers to stop_early, right and wrong."""

RIGHT = {
    "deepcopy": """
import copy
def answer(training, model, score, patience):
    kept, lowest, best_turn = None, None, None
    for turn, _ in enumerate(training, 1):
        loss = score(model)
        if lowest is None or lowest > loss:
            kept, lowest, best_turn = copy.deepcopy(model), loss, turn
        if turn >= best_turn + patience:
            break
    model.load_state_dict(kept.state_dict())
    return [best_turn, torch.tensor(lowest)]
""",
    "history": """
def answer(training, model, score, patience):
    '''Keeps every loss and every turn's weights; looks for the lowest at the end.'''
    losses, weights = [], []
    for _ in training:
        losses.append(float(score(model)))
        weights.append([p.detach().clone() for p in model.parameters()])
        best = losses.index(min(losses))
        if len(losses) - 1 - best >= patience:
            break
    with torch.no_grad():
        for p, kept in zip(model.parameters(), weights[best], strict=True):
            p.copy_(kept)
    return best + 1, losses[best]
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
model.load_state_dict(best) =>
    `pass` in place of `model.load_state_dict(best)`
copy.deepcopy(model.state_dict()) => dict(model.state_dict())
    `pass` in place of `model.load_state_dict(best)`
return best_turn, best_loss =>
    is a `return` missing?
+ back = right(training, model, score, patience)
+ next(training, None)
+ return back
    turns trained
"""

EQUIVALENT = {
    "best, waited = (1,": "the first turn sets it",
    "best, waited = (-1,": "the first turn sets it",
    "None, 1)": "the first turn sets it",
    "None, -1)": "the first turn sets it",
}
