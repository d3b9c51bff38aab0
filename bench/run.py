"""What the benchmarks of one run share."""

from dataclasses import dataclass, field

from bench.ground import Ground


@dataclass(kw_only=True)
class Run:
    """`quick`: one short round. `rates`: messages a second that `steth ingest` took, by readings a message."""

    made: Ground
    quick: bool
    rates: dict[int, float] = field(default_factory=dict)
