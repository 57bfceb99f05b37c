"""`python -m godtui`."""

from godtui.cli import main

main()
