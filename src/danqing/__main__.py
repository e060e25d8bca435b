"""`python -m danqing`: the command line. It knows only where the command line lives."""

from danqing.apps.cli.main import main

if __name__ == "__main__":
    main()
