"""Every page of the console, with what there is to see in the tests' shop."""

from service.web.console import CONSOLE_DOORS

ORDER = "/console/objects/shop/order/2008000000000000023"
# pages of one thing, by the path of their door
ONE: dict[str, str] = {
    "/console/mismatches/{number}": "/console/mismatches/1",
    "/console/objects/{account}/{kind}/{id}": ORDER,
    "/console/deliveries/{number}": "/console/deliveries/1",
    "/console/statements/{number}": "/console/statements/1",
    "/console/closings/{day}": "/console/closings/2026-11-17",
}
# what is no page: it leads on, or is taken away
_NO_PAGES = {"console.static", "console.home", "console.report.file"}
PAGES: list[str] = [
    ONE.get(door.path, door.path)
    for door in CONSOLE_DOORS
    if door.method == "GET" and door.name not in _NO_PAGES
]
# what pages look like when they are asked for otherwise
ODD: list[str] = [
    "/console/mismatches?state=all",
    "/console/deliveries?state=quarantined",
    "/console/objects?q=nothing+bears+this",
    "/console/objects?kind=novel",
    "/console/mismatches/999999",
    "/console/today?account=shop",
    "/console/statements/three-way?book=1&channel=2",
]
