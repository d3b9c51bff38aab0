"""`steth-agent` whose outbox never synchronises the disk (DELIVERY 2 broken on purpose): `make chaos` must notice.

python -m tests.chaos.sabotaged_agent CONFIG.toml
"""

from agent.cli import main
from agent.storage import Storage

if __name__ == "__main__":
    Storage.PRAGMAS = {**Storage.PRAGMAS, "synchronous": "OFF"}
    main()
