import copy

SAYS = "Compare with the lowest so far"


def answer(training, model, score, patience):
    best_turn, best_loss, best = 0, float("inf"), None
    before, rises = float("inf"), 0
    for turn, _ in enumerate(training, 1):
        loss = score(model)
        if loss < best_loss:
            best_turn, best_loss = turn, loss
            best = copy.deepcopy(model.state_dict())
        rises = rises + 1 if loss >= before else 0
        before = loss
        if rises == patience:
            break
    model.load_state_dict(best)
    return best_turn, best_loss
