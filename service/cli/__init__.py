"""The commands: parse, call one function, print, exit code."""


def main() -> None:
    """The entry point `pingledger`."""
    # only now: the health check (service.cli.live) is of this package too, and must start fast
    from service.cli.commands import run

    run()
