"""What is asked about events that were sent before (facts §5; the document names none)."""

from service.pingpp.endpoints.operation import (
    PAGES_A,
    READING,
    Operation,
    Takes,
    Title,
    asked,
    in_path,
)

OPERATIONS = (
    Operation(
        "event.retrieve",
        "GET",
        ("/v1/events/{event_id}",),
        Title("Look up an event", "查询事件"),
        0,
        "event",
        (in_path("event_id", 0),),
        READING,
    ),
    Operation(
        "event.list",
        "GET",
        ("/v1/events",),
        Title("List events", "事件列表"),
        0,
        "event",
        (asked("type", Takes.TEXT), *PAGES_A),
        READING,
        paging="A",
    ),
)
