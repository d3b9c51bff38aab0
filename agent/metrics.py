"""Prometheus text (exposition format 0.0.4) of what the agent counts: small enough to write by hand, and a client
library would cost more memory than the outbox."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from agent.config.certificate import last_moment
from agent.device import DeviceAgent
from wire.topics import Lane

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Family(NamedTuple):
    """A metric with its samples: labels and value."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    samples: list[tuple[Mapping[str, str], float]]


def render(families: Iterable[Family]) -> str:
    """The text of these metrics."""
    lines: list[str] = []
    for family in families:
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
        for labels, value in family.samples:
            shown = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
            lines.append(f"{family.name}{{{shown}}} {value:.17g}")
    return "\n".join([*lines, ""])


def collect(devices: Iterable[DeviceAgent]) -> list[Family]:
    """What these devices count now."""
    ends = Family(
        "steth_certificate_end_timestamp_seconds",
        "gauge",
        "Last moment of a certificate, of the broker's as the last connection saw it; 0: its file can't be used.",
        [],
    )
    ready = Family("steth_agent_session_ready", "gauge", "1 if the server answered the birth.", [])
    reports = Family("steth_agent_outbox_reports", "gauge", "Reports that wait in the outbox.", [])
    size = Family("steth_agent_outbox_bytes", "gauge", "Bytes of the reports that wait.", [])
    dropped = Family("steth_agent_outbox_dropped_reports", "gauge", "Bulk reports dropped in this epoch.", [])
    refused = Family("steth_agent_refused_total", "counter", "Inputs refused, by source and reason.", [])
    untold = Family(
        "steth_agent_untold_total", "counter", "Inputs answered well that told nothing, by source and reason.", []
    )
    restarts = Family("steth_agent_adapter_restarts_total", "counter", "Adapters that failed.", [])
    counted = {
        name: Family(f"steth_agent_{name}_total", "counter", text, [])
        for name, text in (
            ("connections", "Connections to the broker."),
            ("sent", "Reports handed to the connection."),
            ("acknowledgements", "Acknowledgements received."),
            ("ignored", "Messages from above that were not understood or meant nothing."),
            ("refused_publishes", "Publishes that the broker refused."),
            ("resends", "Times that the timer sent again."),
            ("epochs", "New epochs."),
        )
    }
    for device in devices:
        label = {"device": device.id}
        counters = device.uplink.counters
        for of, path in device.certificates.items():
            try:
                end_s = last_moment(path).timestamp()
            except (OSError, ValueError):
                end_s = 0.0
            ends.samples.append(({"of": of, **label}, end_s))
        ready.samples.append((label, float(device.uplink.ready)))
        for lane in Lane:
            state = device.outbox.state.lane(lane)
            reports.samples.append(({**label, "lane": lane.value}, state.reports))
            size.samples.append(({**label, "lane": lane.value}, state.size))
        dropped.samples.append((label, device.outbox.state.dropped))
        for each in sorted(device.sink.refusals(), key=lambda each: (each.source, each.reason)):
            family = refused if each.kind == "refused" else untold
            family.samples.append(({**label, "source": each.source, "reason": each.reason}, each.count))
        for adapter, times in sorted(device.restarts.items()):
            restarts.samples.append(({**label, "adapter": adapter}, times))
        for name, value in (
            ("connections", counters.connections),
            ("sent", counters.sent),
            ("acknowledgements", counters.acknowledgements),
            ("ignored", counters.ignored),
            ("refused_publishes", counters.refused),
            ("resends", counters.resends),
            ("epochs", counters.epochs),
        ):
            counted[name].samples.append((label, value))
    return [ends, ready, reports, size, dropped, refused, untold, restarts, *counted.values()]
