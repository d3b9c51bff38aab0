"""What can go wrong at the desk."""


class DeskError(Exception):
    """The desk can't do what was asked. The message is one line and holds no secret of a recipient's address."""
