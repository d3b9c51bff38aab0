"""`python -m steth`, as `steth up` starts its processes."""

from steth.cli import main

main()
