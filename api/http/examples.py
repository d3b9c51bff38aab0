"""Examples of answers for the OpenAPI document: one case, a DR whose detector runs hot, seen from each side."""

from typing import Any, Final

_HOSPITAL: Final = {"id": 1, "name": "第一人民医院"}
_SITE: Final = {"id": 3, "name": "放射科"}
_ALERT_ID: Final = "0b9f4c1e-8d5d-4f5e-9a53-0d9c4a2f7b11"
_NUMBER: Final = "WX20261122-007"

READING: Final[dict[str, Any]] = {
    "metric": "detector.temperature",
    "at": "2026-11-22T03:55:00.120000Z",
    "value": 42.6,
    "unit": "Cel",
    "quality": "good",
}
EVENT: Final[dict[str, Any]] = {
    "id": 9127,
    "at": "2026-11-22T03:56:10.500000Z",
    "learned_at": "2026-11-22T03:56:10.730000Z",
    "kind": "fault",
    "body": {"t": "fault", "at": 1795319770500, "code": "DET-HOT", "state": "active", "source": "log"},
}
DEVICE: Final[dict[str, Any]] = {
    "id": "d3k9m2q7x1z5a",
    "name": "DR 1",
    "model": "generic-dr",
    "model_name": "通用数字化 X 射线摄影系统",
    "hospital": _HOSPITAL,
    "site": _SITE,
    "department": "放射科",
    "serial": "SN-0042",
    "status": "active",
    "connected": {"value": True, "reason": "session", "text": "与平台保持连接", "age_s": 4.2},
    "fresh": {"value": True, "reason": "recent", "text": "数据是新的", "age_s": 4.2},
    "healthy": {"value": False, "reason": "alerts", "text": "有未消除的重要报警", "age_s": 229.5},
    "equipment_connected": True,
    "clock_offset_s": None,
    "last_seen": "2026-11-22T03:59:55.800000Z",
    "age_s": 4.2,
    "open_alerts": 1,
    "open_tickets": 1,
    "enrolled_at": "2026-11-20T02:00:00Z",
    "created_at": "2026-11-20T01:30:00Z",
    "version": 1,
}
DEVICE_DETAIL: Final[dict[str, Any]] = {
    **DEVICE,
    "latest": [
        {
            "metric": "detector.temperature",
            "name": "平板探测器温度",
            "value": 42.6,
            "unit": "Cel",
            "at": "2026-11-22T03:59:50Z",
            "age_s": 10.0,
            "quality": "good",
        }
    ],
    "foreign_units": [
        {
            "metric": "tube.voltage",
            "unit": "V",
            "expected": "kV",
            "at": "2026-11-22T03:59:50Z",
            "text": "管电压以 V 上报，目录中的单位是 kV：数值已保存，但不作判断；请在设备侧改用目录的单位",
        }
    ],
    "tickets": [_NUMBER],
    "inventory": {"serial": "SN-0042", "software": "4.2.1"},
    "heartbeat": {
        "agent": "0.1.0",
        "interval_s": 15.0,
        "boot": 3,
        "body": {"t": "heartbeat", "at": 1795319995800, "uptime_s": 86400.0, "live": 0, "bulk": 0},
    },
    "refusals": [
        {
            "kind": "refused",
            "source": "log",
            "source_text": "日志",
            "reason": "unknown-code",
            "text": "目录中没有这个代码",
            "lost": True,
            "count": 3,
            "since": "2026-11-22T02:10:04Z",
            "last": "2026-11-22T03:52:31Z",
            "form": "AAA-AAA-99",
        }
    ],
    "gaps": [
        {"lane": "live", "since": "2026-11-22T01:58:00Z", "until": "2026-11-22T03:10:22Z", "reports": 144},
    ],
}
_ALERT_SAID: Final[dict[str, Any]] = {
    "id": "alert.limit.above",
    "params": {"signal": "detector.temperature", "value": 42.6, "limit": 42, "unit": "Cel"},
    "text": "平板探测器温度 42.6 °C，高于限值 42 °C",
}
ALERT: Final[dict[str, Any]] = {
    "id": _ALERT_ID,
    "device": {"id": "d3k9m2q7x1z5a", "name": "DR 1"},
    "rule": "limit:detector-hot",
    "kind": "limit",
    "subject": "detector.temperature",
    "family": "detector.temperature",
    "severity": "major",
    "condition": "active",
    "operator": {"state": "unacknowledged", "actor": "", "note": "", "at": None},
    "occurred_at": "2026-11-22T03:56:10.500000Z",
    "learned_at": "2026-11-22T03:56:10.730000Z",
    "changed_at": "2026-11-22T03:56:10.730000Z",
    "cleared_at": None,
    "count": 1,
    "message": _ALERT_SAID,
    "tickets": [_NUMBER],
    "version": 0,
}
ALERT_DETAIL: Final[dict[str, Any]] = {
    **ALERT,
    "events": [
        {
            "id": 501,
            "at": "2026-11-22T03:56:10.500000Z",
            "learned_at": "2026-11-22T03:56:10.730000Z",
            "event": "hold",
            "from_state": "pending",
            "to_state": "active",
            "actor": "",
            "message": _ALERT_SAID,
        }
    ],
}
_TITLE: Final[dict[str, Any]] = {
    "id": "ticket.title.limit",
    "params": {"family": "detector.temperature", "signal": "detector.temperature", "rule": "limit:detector-hot"},
    "text": "平板探测器温度：平板探测器温度 超限",
}
TICKET: Final[dict[str, Any]] = {
    "id": 71,
    "number": _NUMBER,
    "device": {"id": "d3k9m2q7x1z5a", "name": "DR 1", "model": "generic-dr"},
    "hospital": _HOSPITAL,
    "site": _SITE,
    "family": "detector.temperature",
    "family_name": "平板探测器温度",
    "severity": "major",
    "status": "new",
    "title": _TITLE,
    "occurred_at": "2026-11-22T03:56:10.500000Z",
    "detected_at": "2026-11-22T03:56:10.730000Z",
    "opened_at": "2026-11-22T03:56:10.741000Z",
    "closed_at": None,
    "version": 1,
}
TICKET_EVIDENCE: Final[dict[str, Any]] = {
    "begins": "2026-11-22T03:41:10.500000Z",
    "ends": "2026-11-22T03:56:10.500000Z",
    "frozen_at": "2026-11-22T03:56:40Z",
    "cut": False,
    "signals": [
        {
            "metric": "detector.temperature",
            "name": "平板探测器温度",
            "unit": "Cel",
            "t": [1795319750000, 1795319760000],
            "value": [42.1, 42.6],
            "quality": [0, 0],
        }
    ],
    "events": [{"at": "2026-11-22T03:50:02Z", "kind": "fault", "body": {"code": "GEN-KV-01", "active": True}}],
}
TICKET_DETAIL: Final[dict[str, Any]] = {
    **TICKET,
    "stops": None,
    "advice": "检查风扇、风道和机房温度，降温前避免连续曝光",
    "causes": ["散热风扇或风道堵塞", "机房空调停机"],
    "parts": [
        {"key": "cooling-fan", "name": "散热风扇", "spec": "12/24 V DC, 80-120 mm", "quantity": 1, "probability": 0.4}
    ],
    "evidence": {
        "begins": "2026-11-22T03:41:10.500000Z",
        "ends": "2026-11-22T03:56:10.500000Z",
        "frozen_at": "2026-11-22T03:57:00Z",
        "readings": [READING],
        "more": False,
    },
    "alerts": [
        {
            "id": _ALERT_ID,
            "subject": "detector.temperature",
            "severity": "major",
            "condition": "active",
            "occurred_at": "2026-11-22T03:56:10.500000Z",
            "cleared_at": None,
            "count": 1,
            "message": _ALERT_SAID,
        }
    ],
    "still_wrong": 1,
    "sessions": [
        {
            "id": 12,
            "state": "prepared",
            "scopes": ["diagnose", "logs", "view"],
            "runbook": "host-health",
            "runbook_name": "工作站体检",
            "minutes": 60,
            "at": "2026-11-22T03:56:10.741000Z",
            "version": 1,
        }
    ],
    "diagnostics": [
        {
            "command": "c7k3m9q1x5z2a4b6d",
            "runbook": "host-health",
            "runbook_name": "工作站体检",
            "status": "done",
            "outcome": "warn",
            "message": {
                "id": "remote.runbook.warn",
                "params": {"runbook": "host-health", "count": 1},
                "text": "诊断“工作站体检”：有 1 项需要注意",
            },
            "steps": [
                {
                    "id": "disk",
                    "title": "磁盘空间",
                    "outcome": "warn",
                    "message": {"id": "remote.step.disk_high", "params": {"used": 88.0}, "text": "磁盘已用 88%"},
                }
            ],
            "issued_at": "2026-11-22T03:56:10.741000Z",
            "expires_at": "2026-11-22T04:06:10.741000Z",
            "replied_at": "2026-11-22T03:56:12.300000Z",
        }
    ],
    "told": [
        {
            "recipient": "NOC",
            "step": "opened",
            "state": "told",
            "attempts": 1,
            "told_at": "2026-11-22T03:56:13Z",
            "error": "",
        }
    ],
    "possible": ["receive", "take", "dismiss"],
    "events": [
        {
            "id": 301,
            "at": "2026-11-22T03:56:10.741000Z",
            "event": "opened",
            "actor": "",
            "message": {
                "id": "ticket.opened",
                "params": {"family": "detector.temperature"},
                "text": "自动开单：平板探测器温度",
            },
        }
    ],
}
SERIES: Final[dict[str, Any]] = {
    "device": "d3k9m2q7x1z5a",
    "metric": "detector.temperature",
    "name": "平板探测器温度",
    "unit": "Cel",
    "units": ["Cel"],
    "begins": "2026-11-22T03:00:00Z",
    "ends": "2026-11-22T04:00:00Z",
    "now": "2026-11-22T04:00:00Z",
    "resolution": "1m",
    "width_s": 60.0,
    "gap_s": 180.0,
    "minimum": -20.0,
    "maximum": 90.0,
    "limits": [
        {
            "rule": "detector-hot",
            "op": "above",
            "raise_at": 42.0,
            "clear": 40.0,
            "for_s": 60.0,
            "severity": "major",
            "advice": "检查散热风扇和机房空调",
        }
    ],
    "marks": [
        {
            "alert": _ALERT_ID,
            "kind": "limit",
            "subject": "detector.temperature",
            "severity": "major",
            "condition": "active",
            "begins": "2026-11-22T03:56:10.500000Z",
            "ends": None,
            "text": _ALERT_SAID["text"],
        }
    ],
    "points": {
        "t": [1795319640000, 1795319700000, 1795319700001, 1795319940000],
        "lo": [41.2, 41.9, None, 42.5],
        "avg": [41.5, 42.1, None, 42.6],
        "hi": [41.8, 42.3, None, 42.7],
        "n": [6, 6, 0, 6],
        "bad": [0, 0, 0, 0],
    },
}
