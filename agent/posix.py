"""What only POSIX has; imported nowhere else than where the system was asked for."""

import resource
import sys

assert sys.platform != "win32"  # noqa: S101 - for the checker of types


def no_core_files() -> None:
    """The kernel writes none of this process and of those that it starts."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
