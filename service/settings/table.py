"""What is one table of the settings, and how does it take a secret from a file?"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SecretStr,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.settings.values import check_secret_text, read_secret


def wrong(key: str, sentence: str) -> PydanticCustomError:
    """An error of one key below the table whose validator found it."""
    return PydanticCustomError("wrong", "{sentence}", {"sentence": sentence, "key": key})


class Table(BaseModel):
    """One table of the file; unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, given: Any, info: ValidationInfo) -> Any:
        """Each secret may lie in a file of its own, named by the key with _file."""
        if not isinstance(given, dict):
            return given
        table: dict[str, Any] = dict(given)  # pyright: ignore[reportUnknownArgumentType]
        for name in cls.model_fields:
            secret = name.removesuffix("_file")
            path = table.get(name)
            if secret == name or not isinstance(path, str):
                continue
            if secret in table:
                raise wrong(name, f"is given besides {secret}: one of them is enough")
            folder: Path = info.context["folder"] if info.context else Path()
            try:
                table[secret] = read_secret(folder / Path(path).expanduser())
            except ValueError as error:
                raise wrong(name, str(error)) from None
        return table


Secret = Annotated[SecretStr, AfterValidator(check_secret_text)]
