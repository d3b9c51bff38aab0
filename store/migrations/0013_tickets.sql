-- Tickets: who has them, who repaired what and how, and what people report. One transaction, quick: columns come with a
-- constant, only open tickets are written.

ALTER TABLE ticket
    ADD COLUMN holder text NOT NULL DEFAULT '',     -- the account that has it; '': nobody. Of a closed one: nobody
    ADD COLUMN repaired_by text NOT NULL DEFAULT '',  -- while it waits to be verified: who can't do that
    ADD COLUMN arrived_at timestamptz,              -- since when its holder is there; null: not, or not any more
    ADD COLUMN reported_at timestamptz,             -- when a person first told us of it; null: nobody did
    ALTER COLUMN detected_at DROP NOT NULL;         -- null: no equipment told us
-- A report is a fact by itself: it needs no alert.
ALTER TABLE ticket ADD CHECK (coalesce(detected_at, reported_at) IS NOT NULL) NOT VALID,
    -- Nobody has what is closed: so a dealer that comes later reads no name of the one before.
    ADD CHECK (status <> 'closed' OR holder = '' AND repaired_by = '') NOT VALID;

-- Who has what is open: as the history says, where it does.
UPDATE ticket t SET holder = e.actor
FROM ticket o CROSS JOIN LATERAL (
    SELECT e.event, e.actor FROM ticket_event e
    WHERE e.ticket_id = o.id AND e.event IN ('take', 'hand-back') ORDER BY e.id DESC LIMIT 1) e
WHERE t.id = o.id AND o.status NOT IN ('new', 'to-dispatch', 'closed') AND e.event = 'take';
UPDATE ticket t SET repaired_by = e.actor
FROM ticket o CROSS JOIN LATERAL (
    SELECT e.actor FROM ticket_event e WHERE e.ticket_id = o.id AND e.event = 'mend' ORDER BY e.id DESC LIMIT 1) e
WHERE t.id = o.id AND o.status = 'to-verify';
UPDATE ticket t SET arrived_at = e.at
FROM ticket o CROSS JOIN LATERAL (
    SELECT e.event, e.at FROM ticket_event e
    WHERE e.ticket_id = o.id AND e.event IN ('take', 'arrive', 'hand-back', 'mend') ORDER BY e.id DESC LIMIT 1) e
WHERE t.id = o.id AND o.status IN ('on-site', 'awaiting-parts') AND e.event = 'arrive';

CREATE INDEX ticket_holder ON ticket (holder, id) WHERE status <> 'closed';

-- What a person did to mend it: ids of the catalog, for whoever asks later what helped. The words are in the history.
CREATE TABLE ticket_repair (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id bigint NOT NULL REFERENCES ticket,
    org_id integer NOT NULL,
    dealer_id integer NOT NULL,
    device_id integer NOT NULL REFERENCES device,
    model text NOT NULL,
    family text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    cause text NOT NULL,
    cause_words jsonb NOT NULL,                     -- {"zh", "en"}: as the catalog said then
    actions text[] NOT NULL CHECK (cardinality(actions) BETWEEN 1 AND 5),
    parts jsonb NOT NULL,                           -- [{"part", "quantity", "serial"}]
    note text NOT NULL
);
CREATE INDEX ticket_repair_ticket ON ticket_repair (ticket_id, id);
CREATE INDEX ticket_repair_device ON ticket_repair (device_id, family, id);
CREATE INDEX ticket_repair_dealer ON ticket_repair (dealer_id, family, id);
CREATE INDEX ticket_repair_org ON ticket_repair (org_id, family, id);
CREATE INDEX ticket_repair_family ON ticket_repair (family, id);
ALTER TABLE ticket_repair ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ticket_repair USING (sees(org_id, dealer_id) OR serves_device(device_id))
    WITH CHECK (sees(org_id, dealer_id) AND EXISTS (SELECT FROM ticket t WHERE t.id = ticket_id
        AND (t.org_id, t.dealer_id, t.device_id, t.family) = (ticket_repair.org_id, ticket_repair.dealer_id, ticket_repair.device_id, ticket_repair.family)));
-- What was done of another dealer's time, not who did it and noted what.
CREATE VIEW seen_ticket_repair WITH (security_barrier) AS
    SELECT r.id, r.ticket_id, r.org_id, r.dealer_id, r.device_id, r.model, r.family, r.at, r.cause, r.cause_words, r.actions, r.parts,
        CASE WHEN sees(r.org_id, r.dealer_id) THEN r.actor ELSE '' END AS actor,
        CASE WHEN sees(r.org_id, r.dealer_id) THEN r.note ELSE '' END AS note
    FROM ticket_repair r;
ALTER VIEW seen_ticket_repair OWNER TO steth_view;
GRANT SELECT ON ticket_repair TO steth_view;
GRANT SELECT ON seen_ticket_repair TO steth_api;
GRANT INSERT ON ticket_repair TO steth_api;

CREATE OR REPLACE VIEW seen_ticket_event WITH (security_barrier) AS
    SELECT e.id, e.ticket_id, e.at, e.event, e.message,
        CASE WHEN sees(e.org_id, e.dealer_id) THEN e.actor ELSE '' END AS actor,
        CASE WHEN e.actor = '' OR sees(e.org_id, e.dealer_id) THEN e.params
            ELSE jsonb_build_object('who', '', 'note', '', 'old', e.params -> 'old', 'new', e.params -> 'new',
                'active_alerts', e.params -> 'active_alerts', 'cause', e.params -> 'cause', 'actions', e.params -> 'actions',
                'parts', e.params -> 'parts', 'words', e.params -> 'words', 'usable', e.params -> 'usable', 'since', e.params -> 'since', 'caller', '') END AS params
    FROM ticket_event e;

-- What people report ------------------------------------------------------------------------------------------------------
-- The API opens tickets of reports, of a device that is watched, for whoever serves it: what is detected, ingest opens.
CREATE POLICY reported ON ticket AS RESTRICTIVE FOR INSERT TO steth_api
    WITH CHECK (family = 'reported' AND EXISTS (SELECT FROM device d WHERE d.id = device_id AND d.status = 'active'
        AND (d.org_id, d.dealer_id, d.site_id) = (ticket.org_id, ticket.dealer_id, ticket.site_id)));
GRANT INSERT ON ticket TO steth_api;
GRANT UPDATE (severity, holder, repaired_by, arrived_at, reported_at) ON ticket TO steth_api;
-- Tickets that just opened get their numbers, whoever opened them: the counters are nobody's to read or write.
CREATE FUNCTION number_tickets(ids bigint[], days date[], blocks integer[]) RETURNS TABLE (id bigint, number text)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH opened AS (
        SELECT o.id, t.dealer_id, o.day, o.block, row_number() OVER w AS nth,
            count(*) OVER (PARTITION BY t.dealer_id, o.day, o.block) AS many
        FROM unnest(ids, days, blocks) AS o(id, day, block) JOIN ticket t ON t.id = o.id AND t.number LIKE 'opening-%'
        WINDOW w AS (PARTITION BY t.dealer_id, o.day, o.block ORDER BY o.id)
    ), counted AS (
        INSERT INTO ticket_day (dealer_id, day, block, last)
        SELECT o.dealer_id, o.day, o.block, count(*) FROM opened o GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (dealer_id, day, block) DO UPDATE SET last = ticket_day.last + excluded.last
        RETURNING dealer_id, day, block, last
    ), numbered AS (
        SELECT o.id, (SELECT g.prefix FROM org g WHERE g.id = c.dealer_id) AS prefix, to_char(c.day, 'YYYYMMDD') AS day,
            CASE c.block WHEN 0 THEN '' ELSE lpad(c.block::text, 5, '0') END AS block, (c.last - o.many + o.nth)::text AS nth
        FROM opened o JOIN counted c USING (dealer_id, day, block)
    )
    UPDATE ticket t SET number = n.prefix || n.day || '-' || n.block || lpad(n.nth, greatest(3, length(n.nth)), '0')
    FROM numbered n WHERE t.id = n.id
    RETURNING t.id, t.number
$$;
REVOKE ALL ON FUNCTION number_tickets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION number_tickets TO steth_ingest, steth_jobs, steth_api;
REVOKE ALL ON ticket_day FROM steth_ingest, steth_jobs;
REVOKE UPDATE (number) ON ticket FROM steth_ingest, steth_jobs;
CREATE FUNCTION tell_own(told jsonb) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT tell((SELECT jsonb_agg(t) FROM jsonb_array_elements(told) AS t JOIN ticket k ON k.id = (t ->> 'ticket_id')::bigint
        WHERE sees(k.org_id, k.dealer_id)));
$$;
REVOKE ALL ON FUNCTION tell_own(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tell_own(jsonb) TO steth_api;

-- A change of dealer --------------------------------------------------------------------------------------------------------
-- As in 0010; besides, nobody has the former one's tickets any more, and what people reported goes on, with what they said.
CREATE OR REPLACE FUNCTION change_dealer(device integer, at timestamptz)
RETURNS TABLE (ticket_id bigint, before text, runbook text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asked service_change;
    known device;
    former integer;
    ended ticket;
    lasting uuid[];
    worst text;
BEGIN
    PERFORM FROM partition p WHERE p.id = (SELECT d.partition FROM device d WHERE d.id = change_dealer.device) FOR UPDATE;
    DELETE FROM service_change c WHERE c.device_id = change_dealer.device AND c.due_at <= change_dealer.at RETURNING c.* INTO asked;
    SELECT * INTO known FROM device d WHERE d.id = change_dealer.device FOR NO KEY UPDATE;
    former := known.dealer_id;
    IF asked.dealer_id IS NULL OR former = asked.dealer_id THEN
        RETURN;
    END IF;

    UPDATE service v SET until = greatest(change_dealer.at, v.since) WHERE v.device_id = known.id AND v.until IS NULL;
    UPDATE service v SET shown = false WHERE v.device_id = known.id AND v.dealer_id = asked.dealer_id AND v.shown;
    -- A one-time code that the former one minted is good no more.
    UPDATE device d SET dealer_id = asked.dealer_id, code_hash = NULL, code_expires_at = NULL WHERE d.id = known.id;
    PERFORM begin_service(known.id, (SELECT max(v.until) FROM service v WHERE v.device_id = known.id));
    UPDATE device_state s SET dealer_id = asked.dealer_id WHERE s.device_id = known.id;
    UPDATE device_refusal r SET dealer_id = asked.dealer_id WHERE r.device_id = known.id;
    INSERT INTO clientele (dealer_id, org_id) VALUES (asked.dealer_id, known.org_id) ON CONFLICT DO NOTHING;
    DELETE FROM clientele c WHERE c.dealer_id = former AND c.org_id = known.org_id
        AND NOT EXISTS (SELECT FROM device d WHERE d.dealer_id = former AND d.org_id = known.org_id);

    -- What lasts is the new one's, and nobody of it has taken note of it yet. A row for each: somebody of the former one's may
    -- be about to make the first at this moment, and then one of the two waits for the other.
    INSERT INTO alert_operator AS p (alert_id, org_id, dealer_id, state, actor, note, at, version)
    SELECT a.id, a.org_id, asked.dealer_id, 'unacknowledged', '', '', change_dealer.at, 1
    FROM alert a WHERE a.device_id = known.id AND a.condition <> 'ok' ORDER BY a.id
    ON CONFLICT (alert_id) DO UPDATE SET dealer_id = excluded.dealer_id, state = excluded.state, actor = '', note = '',
        at = excluded.at, version = p.version + 1;
    UPDATE alert a SET dealer_id = asked.dealer_id WHERE a.device_id = known.id AND a.condition <> 'ok';

    -- The former one's tickets end here, with what was known by now. Where something is still wrong, the new one gets its own,
    -- whatever the former one made of it: he may have closed his while it lasted.
    FOR ended IN SELECT t.* FROM ticket t WHERE t.device_id = known.id
        AND (t.status <> 'closed' OR EXISTS (SELECT FROM ticket_alert b JOIN alert a ON a.id = b.alert_id
            WHERE b.ticket_id = t.id AND a.condition NOT IN ('ok', 'pending')))
        ORDER BY t.family, t.status = 'closed', t.id DESC FOR NO KEY UPDATE LOOP
        IF ended.status <> 'closed' THEN
            INSERT INTO ticket_event (ticket_id, org_id, dealer_id, at, event, message, params)
            VALUES (ended.id, ended.org_id, ended.dealer_id, change_dealer.at, 'handed-over', 'ticket.handed_over',
                jsonb_build_object('old', ended.status));
            UPDATE ticket t SET status = 'closed', closed_at = change_dealer.at, holder = '', repaired_by = '', arrived_at = NULL,
                version = t.version + 1 WHERE t.id = ended.id;
        END IF;
        SELECT array_agg(DISTINCT a.id), (array_agg(a.severity ORDER BY severity_rank(a.severity)))[1] INTO lasting, worst
        FROM ticket t JOIN ticket_alert b ON b.ticket_id = t.id JOIN alert a ON a.id = b.alert_id
        WHERE t.device_id = known.id AND t.family = ended.family AND a.condition NOT IN ('ok', 'pending');
        CONTINUE WHEN lasting IS NULL AND (ended.family <> 'reported' OR ended.status = 'closed') OR known.status <> 'active' OR EXISTS (
            SELECT FROM ticket t WHERE t.device_id = known.id AND t.family = ended.family AND t.status <> 'closed');
        INSERT INTO ticket (number, org_id, dealer_id, site_id, device_id, family, severity, occurred_at, detected_at, reported_at, opened_at,
            evidence_from, evidence_to, causes, parts, message, params)
        VALUES ('opening-' || gen_random_uuid(), known.org_id, asked.dealer_id, known.site_id, known.id, ended.family,
            coalesce(worst, ended.severity), ended.occurred_at, ended.detected_at, ended.reported_at, change_dealer.at, ended.evidence_from, ended.evidence_to, ended.causes, ended.parts,
            ended.message, ended.params)
        RETURNING id INTO ticket_id;
        INSERT INTO ticket_alert (ticket_id, alert_id, org_id, dealer_id)
        SELECT change_dealer.ticket_id, unnest(lasting), known.org_id, asked.dealer_id;
        -- Who of the hospital reported it stays; who of the former dealer wrote it down for a caller doesn't.
        INSERT INTO ticket_event (ticket_id, org_id, dealer_id, at, event, message, params)
        SELECT change_dealer.ticket_id, e.org_id, asked.dealer_id, e.at, e.event, e.message,
            CASE WHEN e.message = 'ticket.reported' THEN e.params ELSE e.params || '{"who": ""}' END
        FROM ticket_event e WHERE e.ticket_id = ended.id AND e.event = 'reported' ORDER BY e.id;
        before := ended.number;
        SELECT r.runbook INTO runbook FROM remote_session r WHERE r.ticket_id = ended.id ORDER BY r.id DESC LIMIT 1;
        RETURN NEXT;
    END LOOP;
    UPDATE ticket t SET evidence_to = greatest(t.evidence_from, least(t.evidence_to, change_dealer.at))
    WHERE t.device_id = known.id AND t.dealer_id = former AND t.evidence_readings IS NULL;
    UPDATE telling g SET state = 'given-up', error = 'telling.handed_over', error_params = '{}'
    FROM ticket t WHERE t.device_id = known.id AND t.dealer_id = former AND g.ticket_id = t.id AND g.state = 'waiting'
        -- The hospital's own are told of what was, where they aren't told of the new one's ticket instead.
        AND (g.owner_id <> t.org_id OR EXISTS (
            SELECT FROM ticket k WHERE k.device_id = known.id AND k.family = t.family AND k.status <> 'closed'));
    UPDATE remote_session r SET state = 'withdrawn', version = r.version + 1
    WHERE r.device_id = known.id AND r.dealer_id = former AND r.state = 'prepared';
    -- An answer that still comes is the new one's to see.
    UPDATE command c SET status = 'expired', dealer_id = asked.dealer_id WHERE c.device_id = known.id AND c.status = 'waiting';
END $$;
