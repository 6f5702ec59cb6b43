"""Folders of the version in which a ModernGPT held its tables and counts itself.

Their settings are understood by `build_config` (FLAT_SETTINGS); here their tensors get
the names of today. The order of the parameters, by which a checkpoint numbers the
optimiser's state, has stayed.
"""

from collections.abc import Iterable

from torch import nn

from gptlib.handler.build import plain_name

# Beginnings and ends of names, now and then.
BEGINNINGS = {"counts.": "counted.", "tables.embedding.": "ngrams.tables."}
ENDS = {".attn.mix": ".attn.share"}


def current_names(stored: Iterable[str], model: nn.Module) -> dict[str, str]:
    """The name that each stored tensor has in model; unknown ones keep theirs."""
    known = model.state_dict().keys()
    new = {old_name(name): name for name in known}
    return {name: name if name in known else new.get(name, name) for name in stored}


def old_name(name: str) -> str:
    """What a tensor was called when one ModernGPT held everything."""
    name = plain_name(name)
    for now, then in BEGINNINGS.items():
        if name.startswith(now):
            name = then + name.removeprefix(now)
    for now, then in ENDS.items():
        if name.endswith(now):
            name = name.removesuffix(now) + then
    return name
