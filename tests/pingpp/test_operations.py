"""The table of operations is whole: it covers the kinds, the document's examples and itself."""

import re

import pytest

from service.core.kinds import KINDS
from service.pingpp.endpoints import OPERATIONS
from service.pingpp.endpoints.check import problems
from service.pingpp.endpoints.operation import Operation, Place
from service.pingpp.endpoints.request import body_bytes, placeholders, sort_out, targets
from tests.document import REQUESTS, Example

ROWS = pytest.mark.parametrize("row", OPERATIONS.values(), ids=list(OPERATIONS))


def shape(template: str) -> str:
    """A path whose ids have no names."""
    return re.sub(r"\{[a-z_]+\}", "{}", template)


ASKED = {shape(path) for row in OPERATIONS.values() if row.reads for path in row.paths}


PATHS = {path for kind in KINDS.values() for path in kind.paths}
LISTS = {listed.path for kind in KINDS.values() for listed in kind.lists}


@pytest.mark.parametrize("path", sorted(PATHS | LISTS))
def test_whatever_a_kind_is_asked_by_is_an_operation_that_reads(path: str) -> None:
    assert shape(path) in ASKED


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.lists])
def test_a_kind_is_listed_in_the_style_of_its_operation(kind: str) -> None:
    for listed in KINDS[kind].lists:
        rows = [
            row
            for row in OPERATIONS.values()
            if row.reads and shape(row.path) == shape(listed.path)
        ]
        assert [row.paging for row in rows] == [listed.paging]


@ROWS
def test_a_row_names_each_parameter_once_and_fills_its_paths(row: Operation) -> None:
    names = [param.name for param in row.params]
    assert len(set(names)) == len(names)
    in_path = {param.name for param in row.params if param.place is Place.PATH}
    assert all(set(placeholders(path)) == in_path for path in row.paths)
    # a first step belongs to one place, so that values can be given without saying where they go
    firsts = {(param.name.partition(".")[0], param.place) for param in row.params}
    assert len({name for name, _ in firsts}) == len(firsts)


@ROWS
def test_only_what_reads_is_asked_with_get(row: Operation) -> None:
    assert row.method in ("GET", "POST", "PUT")
    assert row.reads == (row.method == "GET")
    if row.reads:
        assert not row.moves_money
        assert row.repeat.allowed
        assert all(param.place is not Place.BODY for param in row.params)
    else:
        assert not row.paging


@ROWS
def test_what_must_not_be_sent_twice_says_how_it_is_told_apart_and_found_out(
    row: Operation,
) -> None:
    assert row.repeat.en
    assert row.repeat.zh
    names = {param.name for param in row.params}
    assert set(row.names) <= names
    if not row.repeat.allowed:
        assert row.names
        assert not row.repeat.ask or OPERATIONS[row.repeat.ask].reads


def test_only_the_persons_application_is_repeated_with_its_number() -> None:
    assert OPERATIONS["cus_application.create"].repeat.allowed
    assert not OPERATIONS["mch_application.create"].repeat.allowed
    assert not OPERATIONS["micro_application.create"].repeat.allowed


def test_money_moves_by_these_and_by_nothing_else() -> None:
    assert {row.name for row in OPERATIONS.values() if row.moves_money} == {
        "deposit.create",
        "withdrawal.create_personal",
        "withdrawal.create_enterprise",
        "withdrawal.confirm",
        "order.pay",
        "order_refund.create",
        "allocation.create",
        "allocation_refund.create",
        "allocation_complete.create",
    }


@pytest.mark.parametrize("example", REQUESTS, ids=[example.operation for example in REQUESTS])
def test_the_documents_request_examples_are_good(example: Example) -> None:
    row = OPERATIONS[example.operation]
    given = sort_out(row, example.values)
    assert problems(row, given) == []
    assert "{" not in targets(row, given)[0]
    assert (body_bytes(row, given) == b"") == row.reads


def test_every_operation_of_the_document_that_shows_a_request_has_its_example() -> None:
    # what the document shows no request of: applications with certificates, and one empty section
    unshown = {
        "mch_application.create",
        "micro_application.create",
        "order_refund.retrieve",
        "withdrawal.cancel",
    }
    documented = {row.name for row in OPERATIONS.values() if row.line}
    assert documented - unshown == {example.operation for example in REQUESTS}
