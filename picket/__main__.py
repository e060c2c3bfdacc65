"""`python -m picket` is `picket`."""

from picket.cli import main

if __name__ == "__main__":
    main()
