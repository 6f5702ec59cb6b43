"""What all widgets of the lab share: how a notebook and a static viewer show them."""

TEXT = "font-size:13px;line-height:1.35"
PRE = f"<pre style='white-space:pre-wrap;{TEXT};margin:0{{style}}'>{{text}}</pre>"


class View:
    """An object whose widget is `.view`; a static viewer shows `fallback` instead."""

    fallback: str

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.view._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return data | {"text/plain": self.fallback}


def preformatted(text: str, style: str = "") -> str:
    """Wrap HTML in a <pre> that breaks long lines; style: more CSS, after a ';'."""
    return PRE.format(style=style, text=text)
