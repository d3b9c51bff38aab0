"""240 devices of one name at two hospitals, with alerts and tickets of all severities, ages and states."""

import psycopg

from tests.fixtures.postgres import Database
from tests.integration.api.world import DEALER, MODEL, NOW

_FILL = """
WITH made AS (
    INSERT INTO device (uid, org_id, site_id, partition, model, name, department, serial)
    SELECT 'dz' || lpad(k::text, 11, '0'), s.org_id, s.id, 0,
        CASE k %% 3 WHEN 0 THEN 'generic-analyzer' ELSE 'generic-dr' END, 'Same name',
        'Dept 50%%_' || k %% 7, 'SN-' || k
    FROM generate_series(1, 240) k, LATERAL (SELECT * FROM site ORDER BY id OFFSET k %% 2 LIMIT 1) s
    RETURNING id, org_id
)
INSERT INTO alert (id, device_id, org_id, dealer_id, lane, rule, kind, subject, family, severity, condition,
    occurred_at, learned_at, changed_at, message, params)
SELECT md5(d.id::text || c)::uuid, d.id, d.org_id, %(dealer)s, 0, 'fault:' || c, 'fault', c, 'generator',
    (ARRAY['critical', 'major', 'minor', 'warning'])[1 + d.id %% 4],
    (ARRAY['active', 'active', 'ok', 'pending'])[1 + (d.id / 4) %% 4],
    at, at, at, 'alert.code.unknown', '{"code": "E"}'
FROM made d, unnest(ARRAY['GEN-KV-01', 'E7']) c, LATERAL (SELECT %(now)s - INTERVAL '1 hour' * (d.id %% 10) ^ 3 AS at) t
"""
_TICKETS = """
INSERT INTO ticket (number, org_id, dealer_id, site_id, device_id, family, severity, status, holder,
    occurred_at, detected_at, opened_at, closed_at, evidence_from, evidence_to, message, params)
SELECT 'WX20261120-' || lpad(k::text, 4, '0'), d.org_id, %(dealer)s, d.site_id, d.id, %(family)s,
    (ARRAY['critical', 'major', 'minor', 'warning'])[1 + k %% 4], s,
    CASE WHEN k %% 5 = 0 AND s <> 'closed' THEN 'engineer' ELSE '' END,
    at, at, at, CASE s WHEN 'closed' THEN at END, at, at, 'ticket.title.fault',
    jsonb_build_object('code', 'GEN-KV-01', 'family', %(family)s::text)
FROM (SELECT *, row_number() OVER (ORDER BY id) AS k FROM device WHERE name = 'Same name') d,
    LATERAL (SELECT (ARRAY['new', 'accepted', 'closed'])[1 + (k / 4) %% 3] AS s,
        %(now)s - INTERVAL '1 hour' * (k %% 10) ^ 3 AS at) t
"""


# How they are: every fourth was never heard, others are well, silent or not reached.
_HEARD = """
INSERT INTO device_state (device_id, lane, org_id, dealer_id, engine, latest, connected, interval_s, seen_at, as_of,
    equipment_connected)
SELECT d.id, 0, d.org_id, d.dealer_id, '', '', d.id %% 4 <> 1, 15,
    %(now)s - INTERVAL '1 minute' * (d.id %% 8) / 5, %(now)s,
    CASE WHEN d.id %% 7 = 0 THEN false END
FROM device d WHERE d.name = 'Same name' AND d.id %% 4 > 0
"""


def crowd(database: Database) -> None:
    """Write them into a database that is arranged already."""
    family = MODEL.faults["GEN-KV-01"].family
    with psycopg.connect(database.superuser, autocommit=True) as connection:
        for statement in (_FILL, _TICKETS, _HEARD):
            connection.execute(statement.encode(), {"dealer": DEALER, "now": NOW, "family": family})
