"""What the runner tells the suites through the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from anthropic import Anthropic
from openai import AsyncOpenAI, OpenAI

from .gateway import REQUEST_S


@dataclass(frozen=True)
class Target:
    """The gateway that all suites share, its upstream, and what is needed to start further gateways."""

    url: str
    key: str
    admin_key: str
    folder: Path
    control_url: str
    binary: Path
    models: Path

    @classmethod
    def from_environment(cls) -> "Target":
        value = os.environ
        return cls(
            url=value["SHEKARA_URL"],
            key=value["SHEKARA_KEY"],
            admin_key=value["SHEKARA_ADMIN_KEY"],
            folder=Path(value["SHEKARA_FOLDER"]),
            control_url=value["SHEKARA_UPSTREAM_CONTROL"],
            binary=Path(value["SHEKARA_BINARY"]),
            models=Path(value["SHEKARA_MODELS"]),
        )

    def to_environment(self) -> dict[str, str]:
        return {
            "SHEKARA_URL": self.url,
            "SHEKARA_KEY": self.key,
            "SHEKARA_ADMIN_KEY": self.admin_key,
            "SHEKARA_FOLDER": str(self.folder),
            "SHEKARA_UPSTREAM_CONTROL": self.control_url,
            "SHEKARA_BINARY": str(self.binary),
            "SHEKARA_MODELS": str(self.models),
        }

    def client(self, **options: Any) -> OpenAI:
        """An SDK client that does not retry, so that counts are exact."""
        return OpenAI(**self._options(options))

    def async_client(self, **options: Any) -> AsyncOpenAI:
        return AsyncOpenAI(**self._options(options))

    def anthropic(self) -> Anthropic:
        return Anthropic(base_url=self.url, api_key=self.key, max_retries=0, timeout=REQUEST_S)

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"base_url": f"{self.url}/v1", "api_key": self.key, "max_retries": 0, "timeout": REQUEST_S, **options}

    def received_upstream(self) -> bytes:
        """Every byte that the stub upstream has received from the shared gateway."""
        with urlopen(f"{self.control_url}/received", timeout=REQUEST_S) as response:
            data: bytes = response.read()
            return data
