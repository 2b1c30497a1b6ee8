"""`python -m cli`: the command `invite`."""

from cli.main import main

main()
