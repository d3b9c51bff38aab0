import argparse
import os
import sys
from pathlib import Path

from tests.chaos.power import NoCompilerError
from tests.chaos.run import bound, run, say
from tests.chaos.sabotaged_agent import SABOTAGES as OF_AGENTS
from tests.chaos.sabotaged_ingest import SABOTAGES as OF_INGEST
from tests.chaos.world import World
from tests.fixtures.disk import NoDiskError
from tests.fixtures.trixie import Tree

CANT = 2
ASKED = 130
LONGEST_S = 900.0


def main() -> int:
    """0: all went well. 1: something was lost, doubled or wrong. 2: it can't run here. 130: asked to end."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Kill everything, compare with the ledger."
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order and the length of faults")
    parser.add_argument("--scale", type=float, default=1.0, help="1: 20 faults of each kind; 0.1: a quick look")
    parser.add_argument("--keep", type=Path, help="a folder to copy the run's logs and outboxes into")
    arguments = parser.parse_args()
    sabotage = os.environ.get("SABOTAGE") or None
    known = sorted((*OF_INGEST, *OF_AGENTS))
    if sabotage is not None and sabotage not in known:
        sys.stderr.write(f"chaos: SABOTAGE={sabotage} isn't known; known are {', '.join(known)}\n")
        return CANT
    tree = Tree.find()
    if tree is None:
        sys.stderr.write("chaos: needs mosquitto of the Debian 13 tree: sudo make test-deps, then run as root\n")
        return CANT
    # Many threads that mostly wait for one another: with Python's own 5 ms an image took ten times as long.
    sys.setswitchinterval(0.0005)
    bound(LONGEST_S + LONGEST_S * arguments.scale)
    say(f"chaos: seed {arguments.seed}, scale {arguments.scale:g}, sabotage {sabotage or 'none'}")
    try:
        with World(seed=arguments.seed, sabotage=sabotage, tree=tree, keep=arguments.keep) as world:
            return run(world, scale=arguments.scale)
    except (NoCompilerError, NoDiskError) as error:
        sys.stderr.write(f"chaos: {error}\n")
        return CANT
    except KeyboardInterrupt:
        return ASKED


if __name__ == "__main__":
    sys.exit(main())
