"""What the examples of the OpenAPI document share: one case, a DR whose detector runs hot, seen from each side."""

from typing import Any, Final

HOSPITAL: Final[dict[str, Any]] = {"id": 1, "name": "第一人民医院"}
SITE: Final[dict[str, Any]] = {"id": 3, "name": "放射科"}
DEALER: Final[dict[str, Any]] = {"id": 1, "name": "服务商"}
ALERT_ID: Final = "0b9f4c1e-8d5d-4f5e-9a53-0d9c4a2f7b11"
TICKET_NUMBER: Final = "WX20261122-007"
