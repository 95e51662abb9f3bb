"""Write the document of the JSON API into docs/: `python -m scripts.openapi`."""

import json
from pathlib import Path

from service.web.api.desk import describe

FILE = Path(__file__).parents[1] / "docs" / "openapi.json"


def text() -> str:
    return json.dumps(describe(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
