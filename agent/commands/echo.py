"""``python -m agent.commands.echo HOST PORT CALLED``: one DICOM C-ECHO (PS3.7 section 9.1.5), milliseconds on stdout.

A process of its own: pynetdicom takes 25 MB and threads that can't be ended, and this is asked once in a long while.
Exit code 0: the peer answered success; 1: it did not.
"""

import sys
import time
from typing import Final

from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import from a table

TIMEOUT_S: Final = 10.0
SUCCESS: Final = 0x0000


def main(host: str, port: int, called: str) -> int:
    """Ask and print; the exit code."""
    entity = AE(ae_title="STETH")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = TIMEOUT_S
    entity.add_requested_context(Verification)
    began = time.perf_counter()
    association = entity.associate(host, port, ae_title=called)
    if not association.is_established:
        return 1
    status = association.send_c_echo()
    took = (time.perf_counter() - began) * 1000
    association.release()
    if getattr(status, "Status", None) != SUCCESS:
        return 1
    sys.stdout.write(f"{took:.1f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
