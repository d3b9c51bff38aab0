"""Masks a refused text: its shape is kept, its content isn't; a code is recognised again, a name can't be read.
Pure."""

import re
from typing import Final, get_args

from wire.items import Form

MAX_FORM: Final = 24
"""Characters; a longer text ends with an ellipsis."""
_MASKS: Final = (
    (re.compile(r"[A-Z]"), "A"),
    (re.compile(r"[a-z]"), "a"),
    (re.compile(r"[0-9]"), "9"),
    (re.compile(r"[^Aa9 ._:/+\-#^&|]"), "?"),
)
_IS_FORM: Final = re.compile(get_args(Form)[1].pattern)


def form_of(text: str) -> str:
    """``BTH-TMP-01`` becomes ``AAA-AAA-99``: letters, digits and everything that isn't ASCII by their kind only."""
    form = text[:MAX_FORM]
    for pattern, mask in _MASKS:
        form = pattern.sub(mask, form)
    return form + "…" if len(text) > MAX_FORM else form


def masked(text: str) -> str:
    """A form as it is; the form of whatever else was taken for one."""
    return text if _IS_FORM.match(text) else form_of(text)
