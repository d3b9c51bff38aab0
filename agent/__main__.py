"""`python -m agent`, as the container image starts it."""

from agent.cli import main

main()
