import torch


def answer(training, model, score, patience):
    """Keeps every loss and every turn's weights; looks for the lowest at the end."""
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
