"""Which tests share a worker: those that would each start the same costly thing once more."""

from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

# Whole files, by what each of their tests asks for.
SHARED_FILES = {
    "tests/e2e/test_image_steps.py": "the image",
    "tests/web/console/test_sign_in.py": "a daemon to sign in at",
    "tests/web/console/test_three_way.py": "a shop of its own",
}
# RabbitMQ takes seconds to start, and its tests stand beside those of the other brokers.
RABBIT_FOLDER, RABBIT_WORD = "tests/outbound/", "amqp"
# a shop's days, told to a PostgreSQL
SHOP_FOLDER, SHOP_WORD = "tests/web/console/", "[postgres"


def shared_by(nodeid: str) -> str:
    """What a test shares with others, or its own id: then any worker may take it."""
    if nodeid.startswith(RABBIT_FOLDER) and RABBIT_WORD in nodeid:
        return RABBIT_WORD
    if nodeid.startswith(SHOP_FOLDER) and SHOP_WORD in nodeid:
        return SHOP_FOLDER
    return SHARED_FILES.get(nodeid.partition("::")[0], nodeid)


class Shared(LoadScopeScheduling):
    """What xdist's mark `xdist_group` is for, told from a test's id.

    Under pytest 9.2 the mark does nothing: ids are no longer what it writes them to
    (pytest-xdist, issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return shared_by(nodeid)
