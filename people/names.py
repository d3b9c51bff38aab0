"""Names as they are kept and compared."""

import unicodedata


def clean_name(text: str) -> str:
    """A name as it is kept and compared: composed (Unicode NFC), single spaces, none at its ends.

    So what looks alike is one name, whoever typed or pasted it. The database's function `clean_name` does the same.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())
