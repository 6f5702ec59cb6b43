import torch


def answer(x, places):
    D = x.size(-1)
    speed = torch.exp(-torch.log(torch.tensor(10_000.0)) * torch.arange(0, D, 2) / D)
    turned = torch.polar(torch.ones(()), torch.outer(places.float(), speed))
    z = torch.complex(x[..., : D // 2], x[..., D // 2 :]) * turned
    return torch.cat([z.real, z.imag], -1)
