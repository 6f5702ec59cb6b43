import copy

import torch


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
