"""Whether a new password is one that is quickly guessed (NIST SP 800-63B, 3.1.1.2: length and a blocklist). Pure.

No rules of what letters it must have: they make passwords that people write down and programs guess.
"""

from typing import Final

LENGTH: Final = (12, 128)
"""Characters of a new password: at least, at most."""
_LEFT: Final = 8
_DISTINCT: Final = 5
_WORDS: Final = """
administrator password passw0rd p@ssw0rd passwort qwertyuiop qwerty asdfghjkl zxcvbnm qazwsx 1qaz2wsx abcdefgh abc123
iloveyou letmein welcome changeme 0123456789 1234567890 123456789 12345678 123456 1234 987654321 654321 woaini 5201314
1314 hospital service monitor steth admin login root user test 密码 医院 管理员 听诊
"""
_COMMON: Final = sorted(_WORDS.split(), key=len, reverse=True)
"""What the commonest passwords are made of, and what everybody tries here first; longer ones before their parts."""


def too_easy(password: str, *, user: str) -> str | None:
    """Why a password can't be taken, as what to do instead; None: it can."""
    least, most = LENGTH
    if not least <= len(password) <= most:
        return f"A password has {least} to {most} characters: some words in a row are easily kept in mind."
    if len(set(password)) < _DISTINCT:
        return "It repeats too few characters: take some words in a row."
    left = password.casefold()
    for word in (user.casefold(), *_COMMON):
        left = left.replace(word, "")
    if len(left) < _LEFT:
        return "It is little more than the account's name or the commonest passwords: take some words in a row."
    return None
