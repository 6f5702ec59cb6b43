import copy

SAYS = "after the decision to stop, for nothing"


def answer(training, model, score, patience):
    best_turn, best_loss, best, waited = 0, float("inf"), None, 0
    for turn, _ in enumerate(training, 1):
        if waited >= patience:
            break
        loss = score(model)
        waited += 1
        if loss < best_loss:
            best_turn, best_loss, waited = turn, loss, 0
            best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    return best_turn, best_loss
