"""What `python -m service` does: the same as `pingledger`."""

from service.cli import main

if __name__ == "__main__":
    main()
