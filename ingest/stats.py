"""What ingest counts, named by Prometheus's conventions."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

MESSAGES: Final = Counter("steth_ingest_messages_total", "Messages taken, by what became of them.", ["lane", "fate"])
READINGS: Final = Counter("steth_ingest_readings_total", "Readings stored.", ["lane"])
ASIDE: Final = Counter("steth_ingest_readings_aside_total", "Readings set aside for their time.", ["lane"])
GAPS: Final = Counter("steth_ingest_gap_reports_total", "Reports that can never come any more.", ["lane"])
DEAD: Final = Counter(
    "steth_ingest_dead_letters_total", "Reports that could not be understood or stored, wholly or in part.", ["code"]
)
REFUSED: Final = Counter(
    "steth_ingest_refused_parts_total",
    "Items and rows of readings that dead letters hold.",
    ["code"],
)
NOT_ALLOWED: Final = Counter(
    "steth_ingest_not_allowed_total",
    "Items, rows of readings, parts and words of items that may not be kept, since they are on no list of the catalog.",
    ["reason"],
)
RETRIES: Final = Counter("steth_ingest_retries_total", "Transactions tried again.", ["lane", "reason"])
TO_JUDGE: Final = Counter("steth_ingest_to_judge_total", "Reports stored whose judgement failed.", ["lane"])
TAKEN: Final = Counter("steth_ingest_partitions_taken_total", "Partitions claimed.")
LOST: Final = Counter("steth_ingest_partitions_lost_total", "Partitions found to have another owner.")
OWNED: Final = Gauge("steth_ingest_partitions_owned", "Partitions this process owns.")
DEVICES: Final = Gauge("steth_ingest_devices", "Devices in memory.", ["lane"])
LAG: Final = Histogram(
    "steth_ingest_commit_lag_seconds",
    "How far the marks are behind: from the arrival of a batch's oldest message to its commit.",
    ["lane"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH: Final = Histogram(
    "steth_ingest_batch_messages",
    "Messages of one transaction.",
    ["lane"],
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000),
)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
BATCH_S: Final = Histogram(
    "steth_ingest_batch_seconds", "One transaction, from its beginning to its commit.", ["lane"], buckets=_SECONDS
)
COMMIT_S: Final = Histogram("steth_ingest_commit_seconds", "The commit alone.", ["lane"], buckets=_SECONDS)
WAITING: Final = Gauge("steth_ingest_waiting_messages", "Messages that came and are not committed yet.", ["lane"])
TAKEN_OVER: Final = Counter("steth_ingest_sessions_taken_over_total", "Sessions that another client took from us.")
CERTIFICATE: Final = Gauge(
    "steth_certificate_end_timestamp_seconds",
    "Last moment of a certificate, of the broker's as the last connection saw it; 0: its file can't be used.",
    ["of"],
)
CONNECTED: Final = Gauge("steth_ingest_sessions_connected", "Sessions with the broker that are connected.")
