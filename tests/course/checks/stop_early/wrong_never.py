import copy

SAYS = "the training went on to its end"


def answer(training, model, score, patience):
    best_turn, best_loss, best, waited = 0, float("inf"), None, 0
    for turn, _ in enumerate(training, 1):
        loss = score(model)
        if loss < best_loss:
            best_turn, best_loss, waited = turn, loss, 0
            best = copy.deepcopy(model.state_dict())
        else:
            waited += 1
            if waited == patience:
                pass
    model.load_state_dict(best)
    return best_turn, best_loss
