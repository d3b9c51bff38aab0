"""`make chaos`: everything is killed on the way, and nothing is lost or doubled (docs/delivery.md).

Real parts: mosquitto, embedded PostgreSQL with fsync, two `steth ingest` that take over from each other, agents on a
disk that forgets what was not synchronised (`powerloss.c`), one of them on a small one that fills. Equipment sends
them images by C-STORE and writes logs, and keeps the ledger: what an agent acknowledged, and every line written. In
the end the database is held against it.

    make chaos                                        about 8 minutes on two cores
    make chaos ARGS='--scale 0.1 --seed 7'            the same in small, some 90 seconds
    make chaos SABOTAGE=no-fencing ARGS='--scale 0.1' must fail; so must every other sabotage:
        ack-before-commit  ignore-mark  keep-state-after-rollback  no-fencing  no-reserve  outbox-without-fsync

A run is bounded in time, listens on the loopback only, and ends nothing but what it started.
"""
