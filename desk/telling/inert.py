"""Escapes text so that chat rooms and mail readers show it as it is. Pure.

Names of equipment, sites and faults come from outside. In a chat message they could call up the whole group, or hide
an address of somebody's own behind words. A program that takes JSON gets them as they are.
"""

import re
from typing import Final

_TAG: Final = re.compile(r"<(?=[a-z/!@#])", re.IGNORECASE)
"""Feishu's `<at user_id="all">`, WeCom's `<@name>`, Slack's `<!channel>`, any HTML."""
_EVERYBODY: Final = re.compile(r"@(?=all|everyone|here|channel|所有人|全体)", re.IGNORECASE)
_LINK: Final = re.compile(r"\](?=\()")
"""Between the words and the address of a Markdown link."""


def inert(text: str) -> str:
    """The same to a reader, without what a chat program would obey: mentions, tags and links behind words."""
    return _LINK.sub("] ", _EVERYBODY.sub("＠", _TAG.sub("＜", text)))
