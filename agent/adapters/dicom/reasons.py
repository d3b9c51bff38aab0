"""Why a detector isn't nominal, as a code of the catalog: DICOM PS3.3 C.8.11.4, (0018,7006) Detector Description. Pure.

The description is free text and says many other things as well. It is looked at only beside (0018,7000) = NO, and what
comes of it is the code of the first pattern that matches (``Model.detector_reasons``), or nothing.
"""

from agent.adapters.dicom.walk import Raw
from catalog.model import Model
from catalog.pattern import compiled, plain


class Reasons:
    """The patterns of one model."""

    def __init__(self, model: Model | None = None) -> None:
        found = () if model is None else model.detector_reasons
        self._patterns = [(compiled(reason.regex), reason.code) for reason in found]

    def code_of(self, description: Raw) -> str | None:
        """The code of a reason; None: none of the patterns matches."""
        texts = [plain(text) for text in _decoded(description.value)]
        return next((code for regex, code in self._patterns if any(map(regex.match, texts))), None)


def _decoded(value: bytes) -> list[str]:
    """What a text may say. Equipment often names another character set (0008,0005) than it writes."""
    found: list[str] = []
    for encoding in ("utf-8", "gb18030"):
        try:
            found.append(value.decode(encoding))
        except UnicodeDecodeError:
            continue
    return found or [value.decode("latin-1")]
