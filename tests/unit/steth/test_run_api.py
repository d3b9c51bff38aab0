"""What the API's process lets itself have."""

import subprocess
import sys

import pytest

from api.feed.room import MAX_CLIENTS
from steth.run_api import MAX_REQUESTS, OTHER_FILES

NEEDED = MAX_CLIENTS + MAX_REQUESTS + OTHER_FILES


@pytest.mark.parametrize(("soft", "hard", "has"), [(256, 4096, NEEDED), (256, 1024, 1024), (4096, 4096, 4096)])
def test_it_may_open_as_many_files_as_connections_need(soft: int, hard: int, has: int) -> None:
    """In a process of its own: a limit that is lowered stays so."""
    script = f"""
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from steth.run_api import open_files
print(open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(has), str(has), str(hard)]
