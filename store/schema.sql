-- Written by `make schema` from the migrations: don't edit. For an empty database, as a superuser,
-- once the roles exist (store.roles.ensure_roles).
SET check_function_bodies = off;
SET search_path = '';

CREATE FUNCTION public.account_by_name(login text, OUT id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT password_hash text) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT a.id, a.name, a.role, a.org_id, o.name, a.version, a.password_made, a.password_hash
    FROM account a JOIN org o ON o.id = a.org_id WHERE a.name = login AND a.active
$$;

ALTER FUNCTION public.account_by_name(login text, OUT id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT password_hash text) OWNER TO steth_owner;

CREATE FUNCTION public.add_hospital(hospital text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    found integer;
BEGIN
    IF (viewer() = 0 OR EXISTS (SELECT FROM org WHERE id = viewer() AND kind = 'dealer')) IS NOT TRUE THEN
        RAISE EXCEPTION 'hospitals are made by the operator and by dealers' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO org (name) VALUES (hospital) ON CONFLICT (name) DO NOTHING RETURNING id INTO found;
    IF found IS NOT NULL THEN
        INSERT INTO clientele (dealer_id, org_id) SELECT viewer(), found WHERE viewer() <> 0;
    ELSE
        SELECT o.id INTO found FROM org o WHERE o.name = hospital AND o.kind = 'hospital'
            AND (viewer() = 0 OR EXISTS (SELECT FROM clientele c WHERE c.dealer_id = viewer() AND c.org_id = o.id));
    END IF;
    RETURN found;
END $$;

ALTER FUNCTION public.add_hospital(hospital text) OWNER TO steth_owner;

CREATE FUNCTION public.adds_up(value double precision) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT abs(value) < 1e100 $$;

ALTER FUNCTION public.adds_up(value double precision) OWNER TO steth_owner;

CREATE FUNCTION public.age_of(at timestamp with time zone, now timestamp with time zone) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN now - at < INTERVAL '1 hour' THEN 'hour' WHEN now - at < INTERVAL '1 day' THEN 'day'
        WHEN now - at < INTERVAL '7 days' THEN 'week' ELSE 'older' END
$$;

ALTER FUNCTION public.age_of(at timestamp with time zone, now timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.audit_follows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO audit_chain (org_id) SELECT NEW.org_id
    WHERE NOT EXISTS (SELECT FROM audit_chain WHERE org_id IS NOT DISTINCT FROM NEW.org_id)
    ON CONFLICT (org_id) DO NOTHING;
    UPDATE audit_chain SET entries = entries + 1, head = NEW.hash
    WHERE org_id IS NOT DISTINCT FROM NEW.org_id AND head = NEW.previous
    RETURNING id, entries INTO NEW.chain_id, NEW.position;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an entry of the audit log must follow the last one of its chain' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END
$$;

ALTER FUNCTION public.audit_follows() OWNER TO steth_owner;

CREATE FUNCTION public.audit_head(org integer) RETURNS bytea
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT c.head FROM audit_chain c WHERE c.org_id IS NOT DISTINCT FROM org $$;

ALTER FUNCTION public.audit_head(org integer) OWNER TO steth_owner;

CREATE FUNCTION public.audit_stays() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is never changed' USING ERRCODE = 'insufficient_privilege';
END
$$;

ALTER FUNCTION public.audit_stays() OWNER TO steth_owner;

CREATE FUNCTION public.authenticate(token_hash bytea, now timestamp with time zone, OUT token_id integer, OUT account_id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT expires_at timestamp with time zone) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY SELECT t.id, a.id, a.name, a.role, a.org_id, o.name, a.version, a.password_made, t.expires_at
    FROM api_token t JOIN account a ON a.id = t.account_id JOIN org o ON o.id = a.org_id
    WHERE t.hash = authenticate.token_hash AND t.revoked_at IS NULL AND a.active
      AND (t.expires_at IS NULL
           OR t.expires_at > authenticate.now AND t.created_at < authenticate.now + INTERVAL '1 day');
END $$;

ALTER FUNCTION public.authenticate(token_hash bytea, now timestamp with time zone, OUT token_id integer, OUT account_id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT expires_at timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.begin_service(device integer, since timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO service (device_id, org_id, dealer_id, since, uid, name, model, department, serial, site_id, site, time_zone, hospital,
        dealer)
    SELECT d.id, d.org_id, d.dealer_id, begin_service.since, d.uid, d.name, d.model, d.department, d.serial, s.id, s.name, s.time_zone,
        o.name, k.name
    FROM device d JOIN site s ON s.id = d.site_id JOIN org o ON o.id = d.org_id JOIN org k ON k.id = d.dealer_id
    WHERE d.id = begin_service.device
$$;

ALTER FUNCTION public.begin_service(device integer, since timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.change_dealer(device integer, at timestamp with time zone) RETURNS TABLE(ticket_id bigint, before text, runbook text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.change_dealer(device integer, at timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.clean_name(name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN btrim(regexp_replace(NORMALIZE(name, NFC), '[\s\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+'::text, ' '::text, 'g'::text));

ALTER FUNCTION public.clean_name(name text) OWNER TO steth_owner;

CREATE FUNCTION public.device_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    RETURN NEW;
END $$;

ALTER FUNCTION public.device_changed() OWNER TO steth_owner;

CREATE FUNCTION public.drop_piece(whole text, begins timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    month timestamptz := date_trunc('month', begins);
BEGIN
    IF (month >= '2000-01-01' AND month + INTERVAL '1 month' <= kept_since(whole)) IS NOT TRUE THEN
        RAISE EXCEPTION 'the piece of % for % is kept', whole, month USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE %I', whole || to_char(month, '"_"YYYY"_"MM'));
END $$;

ALTER FUNCTION public.drop_piece(whole text, begins timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.how_device_is(severity text, connected boolean, seen timestamp with time zone, interval_s double precision, lost_at timestamp with time zone, doubted_since timestamp with time zone, reached boolean, now timestamp with time zone, heartbeat_s double precision) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN severity IN ('critical', 'major') THEN 'ill'
        WHEN connected AND doubted_since IS NULL AND reached IS DISTINCT FROM false
            AND (lost_at IS NULL OR now - lost_at > INTERVAL '24 hours')
            AND abs(extract(epoch FROM now - seen)) <= 3 * coalesce(nullif(interval_s, 0), heartbeat_s) THEN 'well'
        ELSE 'unknown' END
$$;

ALTER FUNCTION public.how_device_is(severity text, connected boolean, seen timestamp with time zone, interval_s double precision, lost_at timestamp with time zone, doubted_since timestamp with time zone, reached boolean, now timestamp with time zone, heartbeat_s double precision) OWNER TO steth_owner;

CREATE TABLE public.keeping (
    what text NOT NULL,
    days integer NOT NULL,
    CONSTRAINT keeping_days_check CHECK ((days >= 1))
);

ALTER TABLE public.keeping OWNER TO steth_owner;

CREATE FUNCTION public.kept_since(what text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    RETURN (SELECT (now() - make_interval(days => k.days)) FROM public.keeping k WHERE (k.what = kept_since.what));

ALTER FUNCTION public.kept_since(what text) OWNER TO steth_owner;

CREATE FUNCTION public.lease_holds(until timestamp with time zone) RETURNS boolean
    LANGUAGE sql
    RETURN COALESCE(((until > clock_timestamp()) AND (until <= (clock_timestamp() + '00:00:06'::interval))), false);

ALTER FUNCTION public.lease_holds(until timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.leave_box() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM box b WHERE b.site_id = OLD.site_id AND b.id = OLD.box_id
        AND NOT EXISTS (SELECT FROM device d WHERE d.site_id = b.site_id AND d.box_id = b.id);
    RETURN NULL;
END $$;

ALTER FUNCTION public.leave_box() OWNER TO steth_owner;

CREATE FUNCTION public.make_piece(whole text, begins timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
DECLARE
    month timestamptz := date_trunc('month', begins);
    piece text := whole || to_char(month, '"_"YYYY"_"MM');
BEGIN
    IF whole NOT IN ('reading', 'reading_1m', 'reading_1h') OR (month BETWEEN '2000-01-01' AND now() + INTERVAL '100 days') IS NOT TRUE THEN
        RAISE EXCEPTION 'no piece of % is made for %', whole, month USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', piece, whole);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', whole, piece, month,
        month + INTERVAL '1 month');
END $$;

ALTER FUNCTION public.make_piece(whole text, begins timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.note_dropped(of_level integer, before timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE rollup SET whole_from = greatest(whole_from, least(before, watermark,
        coalesce(date_trunc('day', kept_since((ARRAY['reading', 'reading_1m', 'reading_1h'])[of_level + 1]), 'UTC'), '-infinity'),
        (SELECT date_trunc('day', min(d.lo), 'UTC') FROM rollup_dirty d WHERE d.level = rollup.level)))
    WHERE level = of_level
    RETURNING whole_from;
$$;

ALTER FUNCTION public.note_dropped(of_level integer, before timestamp with time zone) OWNER TO steth_owner;

CREATE FUNCTION public.number_tickets(ids bigint[], days date[], blocks integer[]) RETURNS TABLE(id bigint, number text)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
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

ALTER FUNCTION public.number_tickets(ids bigint[], days date[], blocks integer[]) OWNER TO steth_owner;

CREATE FUNCTION public.only_dealer() RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT CASE count(*) WHEN 1 THEN min(id) END FROM (SELECT id FROM org WHERE kind = 'dealer' LIMIT 2) AS d $$;

ALTER FUNCTION public.only_dealer() OWNER TO steth_owner;

CREATE FUNCTION public.readings_written(devices integer[], lo bigint[], hi bigint[]) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO rollup_dirty (level, device_id, lo, hi)
    SELECT 0, u.device, to_timestamp(u.lo), to_timestamp(u.hi) FROM unnest(devices, lo, hi) AS u (device, lo, hi);
$$;

ALTER FUNCTION public.readings_written(devices integer[], lo bigint[], hi bigint[]) OWNER TO steth_owner;

CREATE FUNCTION public.rename_service(devices integer[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE service v SET org_id = d.org_id, name = d.name, model = d.model, department = d.department, serial = d.serial,
        site_id = s.id, site = s.name, time_zone = s.time_zone, hospital = o.name, dealer = k.name
    FROM device d JOIN site s ON s.id = d.site_id JOIN org o ON o.id = d.org_id JOIN org k ON k.id = d.dealer_id
    WHERE d.id = ANY (devices) AND v.device_id = d.id AND v.until IS NULL
$$;

ALTER FUNCTION public.rename_service(devices integer[]) OWNER TO steth_owner;

CREATE TABLE public.installation (
    one boolean DEFAULT true NOT NULL,
    system_identifier bigint,
    database oid,
    timeline integer,
    restores integer DEFAULT 0 NOT NULL,
    restored_at timestamp with time zone,
    restored_by text,
    known_until timestamp with time zone,
    xid_base bigint DEFAULT 0 NOT NULL,
    xid_from bigint DEFAULT 0 NOT NULL,
    CONSTRAINT installation_one_check CHECK (one),
    CONSTRAINT installation_restored_by_check CHECK ((restored_by = ANY (ARRAY['dump'::text, 'timeline'::text, 'gaps'::text])))
);

ALTER TABLE public.installation OWNER TO steth_owner;

CREATE FUNCTION public.row_horizon() RETURNS xid8
    LANGUAGE sql STABLE
    RETURN (((((pg_snapshot_xmin(pg_current_snapshot()))::text)::bigint + COALESCE((SELECT i.xid_base FROM public.installation i), (0)::bigint)))::text)::xid8;

ALTER FUNCTION public.row_horizon() OWNER TO steth_owner;

CREATE FUNCTION public.row_xid() RETURNS xid8
    LANGUAGE sql STABLE
    RETURN (((((pg_current_xact_id())::text)::bigint + COALESCE((SELECT i.xid_base FROM public.installation i), (0)::bigint)))::text)::xid8;

ALTER FUNCTION public.row_xid() OWNER TO steth_owner;

CREATE FUNCTION public.seen_by(org integer, dealer integer) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT ARRAY[0, org, dealer] $$;

ALTER FUNCTION public.seen_by(org integer, dealer integer) OWNER TO steth_owner;

CREATE FUNCTION public.sees(org integer, dealer integer) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(nullif(current_setting('steth.org', true), '')::integer IN (0, org, dealer), false) $$;

ALTER FUNCTION public.sees(org integer, dealer integer) OWNER TO steth_owner;

CREATE FUNCTION public.sees_metric(metric integer) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN viewer() = 0 OR EXISTS (SELECT FROM org_metric o WHERE o.metric_id = sees_metric.metric AND o.org_id = viewer())
        OR EXISTS (SELECT FROM clientele c JOIN org_metric o ON o.org_id = c.org_id AND o.metric_id = sees_metric.metric
            WHERE c.dealer_id = viewer());
END $$;

ALTER FUNCTION public.sees_metric(metric integer) OWNER TO steth_owner;

CREATE FUNCTION public.serves_device(device integer) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM device d WHERE d.id = serves_device.device AND d.dealer_id = viewer());
END $$;

ALTER FUNCTION public.serves_device(device integer) OWNER TO steth_owner;

CREATE FUNCTION public.serves_ticket(ticket bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ticket t JOIN device d ON d.id = t.device_id
        WHERE t.id = serves_ticket.ticket AND d.dealer_id = viewer());
END $$;

ALTER FUNCTION public.serves_ticket(ticket bigint) OWNER TO steth_owner;

CREATE FUNCTION public.service_follows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    CASE TG_TABLE_NAME
        WHEN 'org' THEN PERFORM rename_service(ARRAY(SELECT d.id FROM device d WHERE d.org_id = NEW.id OR d.dealer_id = NEW.id));
        WHEN 'site' THEN PERFORM rename_service(ARRAY(SELECT d.id FROM device d WHERE d.site_id = NEW.id));
        ELSE IF TG_OP = 'UPDATE' THEN
            PERFORM rename_service(ARRAY[NEW.id]);
        ELSE
            PERFORM begin_service(NEW.id, NEW.created_at);
            INSERT INTO clientele (dealer_id, org_id) VALUES (NEW.dealer_id, NEW.org_id) ON CONFLICT DO NOTHING;
        END IF;
    END CASE;
    RETURN NULL;
END $$;

ALTER FUNCTION public.service_follows() OWNER TO steth_owner;

CREATE FUNCTION public.serving_dealers() RETURNS SETOF integer
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN QUERY SELECT s.dealer_id FROM service s WHERE s.org_id = viewer()
        UNION ALL SELECT c.dealer_id FROM service_change c WHERE c.org_id = viewer();
END $$;

ALTER FUNCTION public.serving_dealers() OWNER TO steth_owner;

CREATE FUNCTION public.settle_installation(put_back boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    known installation;
    here_system bigint := (SELECT c.system_identifier FROM pg_control_system() c);
    here_database oid := (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
    here_timeline integer := ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
    how text;
    mine bigint;
    beyond bigint;
BEGIN
    SELECT * INTO known FROM installation;
    IF NOT put_back AND (known.system_identifier, known.database, known.timeline)
            IS NOT DISTINCT FROM (here_system, here_database, here_timeline) THEN
        RETURN false;
    END IF;
    -- Waits for whoever has taken a number by the old base, so that none of them commits behind a reader.
    LOCK TABLE installation IN ACCESS EXCLUSIVE MODE;
    SELECT * INTO known FROM installation;
    mine := pg_current_xact_id()::text::bigint;
    beyond := greatest(
        (SELECT e.xid::text::bigint FROM device_event e ORDER BY e.xid DESC LIMIT 1),
        (SELECT e.xid::text::bigint FROM alert_event e ORDER BY e.xid DESC LIMIT 1),
        (SELECT e.xid::text::bigint FROM ticket_event e ORDER BY e.xid DESC LIMIT 1), 0);
    how := CASE
        -- A copy of before this table was there shows it by its rows alone.
        WHEN known.system_identifier IS NULL THEN CASE WHEN beyond > known.xid_base + mine THEN 'dump' END
        WHEN (known.system_identifier, known.database) <> (here_system, here_database) THEN 'dump'
        WHEN known.timeline <> here_timeline THEN 'timeline'
        -- Several who see the same are one.
        WHEN put_back AND coalesce(known.restored_at < clock_timestamp() - INTERVAL '1 minute', true) THEN 'gaps'
    END;
    UPDATE installation SET system_identifier = here_system, database = here_database, timeline = here_timeline;
    -- A template without devices has given out nothing.
    IF how IS NULL OR NOT EXISTS (SELECT FROM device) THEN
        RETURN false;
    END IF;
    -- By the time: a second copy made of the same backup knows nothing of what the first gave out. 2^31 transactions a
    -- second are more than any life has.
    beyond := greatest((extract(epoch FROM clock_timestamp())::bigint) << 31, beyond + 1, known.xid_base + mine + 1);
    UPDATE installation SET restores = restores + 1, restored_at = clock_timestamp(), restored_by = how,
        known_until = (SELECT max(m.at) FROM mark m), xid_base = beyond - mine, xid_from = beyond;
    DELETE FROM restored_device;
    INSERT INTO restored_device (device_id, epoch, heard_at)
    SELECT d.id, m.epoch, greatest(m.at, s.seen_at)
    FROM device d LEFT JOIN mark m ON m.device_id = d.id AND m.lane = 0
    LEFT JOIN device_state s ON s.device_id = d.id AND s.lane = 0
    WHERE d.status = 'active' AND greatest(m.at, s.seen_at) IS NOT NULL;
    RETURN true;
END $$;

ALTER FUNCTION public.settle_installation(put_back boolean) OWNER TO steth_owner;

CREATE FUNCTION public.severity_rank(severity text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT array_position(ARRAY['critical', 'major', 'minor', 'warning'], severity) $$;

ALTER FUNCTION public.severity_rank(severity text) OWNER TO steth_owner;

CREATE FUNCTION public.tell(told jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO telling (ticket_id, step, recipient_id, org_id, owner_id, message, params, next_at)
    SELECT k.id, t.step, r.id, k.org_id, r.owner_id, t.message, t.params, to_timestamp(t.at_ms / 1000.0)
    FROM jsonb_to_recordset(told) AS t (ticket_id bigint, step text, message text, params jsonb, at_ms bigint)
    JOIN ticket k ON k.id = t.ticket_id
    JOIN recipient r ON r.active AND r.owner_id IN (k.dealer_id, k.org_id) AND (r.org_id IS NULL OR r.org_id = k.org_id)
    ON CONFLICT (ticket_id, step, recipient_id) DO NOTHING;
$$;

ALTER FUNCTION public.tell(told jsonb) OWNER TO steth_owner;

CREATE FUNCTION public.tell_own(told jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT tell((SELECT jsonb_agg(t) FROM jsonb_array_elements(told) AS t JOIN ticket k ON k.id = (t ->> 'ticket_id')::bigint
        WHERE sees(k.org_id, k.dealer_id)));
$$;

ALTER FUNCTION public.tell_own(told jsonb) OWNER TO steth_owner;

CREATE FUNCTION public.tickets_ending(number text, most integer, OUT id bigint, OUT device_id integer) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY SELECT t.id, t.device_id FROM ticket t
        WHERE reverse(t.number) LIKE regexp_replace(reverse(tickets_ending.number), '([\\%_])', '\\\1', 'g') || '%'
            AND (sees(t.org_id, t.dealer_id) OR serves_device(t.device_id))
        ORDER BY t.id DESC LIMIT most;
END $$;

ALTER FUNCTION public.tickets_ending(number text, most integer, OUT id bigint, OUT device_id integer) OWNER TO steth_owner;

CREATE FUNCTION public.viewer() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('steth.org', true), '')::integer $$;

ALTER FUNCTION public.viewer() OWNER TO steth_owner;

CREATE FUNCTION public.works_alone(org integer) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
BEGIN
    RETURN EXISTS (SELECT FROM clientele c WHERE c.org_id = works_alone.org AND c.dealer_id = viewer())
        AND NOT EXISTS (SELECT FROM clientele c WHERE c.org_id = works_alone.org AND c.dealer_id <> viewer());
END $$;

ALTER FUNCTION public.works_alone(org integer) OWNER TO steth_owner;

CREATE TABLE public.account (
    id integer NOT NULL,
    org_id integer NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    last_login_at timestamp with time zone,
    password_made boolean DEFAULT false NOT NULL,
    org_kind text NOT NULL,
    CONSTRAINT account_role_check CHECK (
CASE org_kind
    WHEN 'operator'::text THEN (role = 'staff'::text)
    WHEN 'dealer'::text THEN (role = ANY (ARRAY['manager'::text, 'noc'::text, 'engineer'::text]))
    ELSE (role = ANY (ARRAY['equipment'::text, 'it'::text, 'department'::text]))
END)
);

ALTER TABLE public.account OWNER TO steth_owner;

ALTER TABLE public.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert (
    id uuid NOT NULL,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    lane smallint NOT NULL,
    rule text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    family text NOT NULL,
    severity text NOT NULL,
    condition text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    learned_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    cleared_at timestamp with time zone,
    count bigint DEFAULT 1 NOT NULL,
    message text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    dealer_id integer NOT NULL,
    CONSTRAINT alert_condition_check CHECK ((condition = ANY (ARRAY['pending'::text, 'active'::text, 'clearing'::text, 'no-data'::text, 'unconfirmed'::text, 'ok'::text]))),
    CONSTRAINT alert_kind_check CHECK ((kind = ANY (ARRAY['fault'::text, 'limit'::text, 'silence'::text, 'identity'::text, 'clock'::text, 'connection'::text, 'unjudged'::text]))),
    CONSTRAINT alert_severity_check CHECK ((severity = ANY (ARRAY['critical'::text, 'major'::text, 'minor'::text, 'warning'::text])))
);

ALTER TABLE public.alert OWNER TO steth_owner;

CREATE TABLE public.alert_event (
    id bigint NOT NULL,
    xid xid8 DEFAULT public.row_xid() NOT NULL,
    alert_id uuid,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    learned_at timestamp with time zone NOT NULL,
    event text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    message text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    dealer_id integer NOT NULL
);

ALTER TABLE public.alert_event OWNER TO steth_owner;

ALTER TABLE public.alert_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_operator (
    alert_id uuid NOT NULL,
    org_id integer NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    at timestamp with time zone NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    dealer_id integer NOT NULL,
    CONSTRAINT alert_operator_state_check CHECK ((state = ANY (ARRAY['unacknowledged'::text, 'acknowledged'::text])))
);

ALTER TABLE public.alert_operator OWNER TO steth_owner;

CREATE TABLE public.api_token (
    id integer NOT NULL,
    account_id integer NOT NULL,
    hash bytea NOT NULL,
    label text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    kind text DEFAULT 'token'::text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    CONSTRAINT api_token_kind_check CHECK ((kind = ANY (ARRAY['token'::text, 'login'::text, 'browser'::text])))
);

ALTER TABLE public.api_token OWNER TO steth_owner;

ALTER TABLE public.api_token ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit (
    id bigint NOT NULL,
    org_id integer,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    chain_id integer NOT NULL,
    "position" bigint NOT NULL
);

ALTER TABLE public.audit OWNER TO steth_owner;

CREATE TABLE public.audit_chain (
    id integer NOT NULL,
    org_id integer,
    entries bigint DEFAULT 0 NOT NULL,
    head bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL,
    signed jsonb
);

ALTER TABLE public.audit_chain OWNER TO steth_owner;

ALTER TABLE public.audit_chain ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_chain_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.audit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.box (
    site_id integer NOT NULL,
    id text NOT NULL,
    org_id integer NOT NULL,
    first_seen timestamp with time zone NOT NULL,
    last_seen timestamp with time zone NOT NULL
);

ALTER TABLE public.box OWNER TO steth_owner;

CREATE TABLE public.clientele (
    dealer_id integer NOT NULL,
    org_id integer NOT NULL
);

ALTER TABLE public.clientele OWNER TO steth_owner;

CREATE TABLE public.command (
    id text NOT NULL,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    ticket_id bigint,
    body jsonb NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    status text DEFAULT 'waiting'::text NOT NULL,
    replied_at timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    verdict jsonb,
    dealer_id integer NOT NULL,
    CONSTRAINT command_status_check CHECK ((status = ANY (ARRAY['waiting'::text, 'done'::text, 'refused'::text, 'failed'::text, 'expired'::text])))
);

ALTER TABLE public.command OWNER TO steth_owner;

CREATE TABLE public.contact (
    id integer NOT NULL,
    org_id integer NOT NULL,
    site_id integer,
    name text NOT NULL,
    part text NOT NULL,
    phone text NOT NULL,
    hours text DEFAULT ''::text NOT NULL,
    night smallint,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT contact_night_check CHECK (((night >= 1) AND (night <= 9))),
    CONSTRAINT contact_part_check CHECK ((part = ANY (ARRAY['department'::text, 'equipment'::text, 'it'::text, 'other'::text])))
);

ALTER TABLE public.contact OWNER TO steth_owner;

ALTER TABLE public.contact ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.contact_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.dead_letter (
    id bigint NOT NULL,
    partition smallint NOT NULL,
    device_id integer NOT NULL,
    lane smallint NOT NULL,
    began timestamp with time zone NOT NULL,
    code text NOT NULL,
    place text NOT NULL,
    detail text NOT NULL,
    since timestamp with time zone NOT NULL,
    at timestamp with time zone NOT NULL,
    count bigint NOT NULL,
    epoch text,
    seq bigint,
    content_type text NOT NULL,
    digest bytea NOT NULL,
    bytes integer NOT NULL,
    excerpt text NOT NULL
);

ALTER TABLE public.dead_letter OWNER TO steth_owner;

ALTER TABLE public.dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.device (
    id integer NOT NULL,
    uid text NOT NULL,
    org_id integer NOT NULL,
    site_id integer NOT NULL,
    partition smallint NOT NULL,
    model text NOT NULL,
    name text NOT NULL,
    department text DEFAULT ''::text NOT NULL,
    serial text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    code_hash bytea,
    code_expires_at timestamp with time zone,
    enrolled_at timestamp with time zone,
    inventory jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    changed_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    dealer_id integer DEFAULT public.only_dealer() NOT NULL,
    box_id text,
    asset_number text DEFAULT ''::text NOT NULL,
    registration_number text DEFAULT ''::text NOT NULL,
    udi text DEFAULT ''::text NOT NULL,
    made_on date,
    in_use_since date,
    use_until date,
    retired_at timestamp with time zone,
    retired_reason text DEFAULT ''::text NOT NULL,
    moved_from integer,
    CONSTRAINT device_dates_check CHECK (((made_on <= in_use_since) AND (in_use_since <= use_until) AND (made_on <= use_until))),
    CONSTRAINT device_partition_check CHECK (((partition >= 0) AND (partition <= 15))),
    CONSTRAINT device_status_check CHECK ((status = ANY (ARRAY['active'::text, 'retired'::text])))
);

ALTER TABLE public.device OWNER TO steth_owner;

CREATE TABLE public.device_event (
    id bigint NOT NULL,
    xid xid8 DEFAULT public.row_xid() NOT NULL,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    learned_at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL
);

ALTER TABLE public.device_event OWNER TO steth_owner;

ALTER TABLE public.device_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.device_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.gap (
    id bigint NOT NULL,
    device_id integer NOT NULL,
    lane smallint NOT NULL,
    epoch text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    since timestamp with time zone,
    said boolean DEFAULT false NOT NULL
);

ALTER TABLE public.gap OWNER TO steth_owner;

CREATE VIEW public.device_gap WITH (security_barrier='true') AS
 SELECT g.id,
    d.id AS device_id,
    g.lane,
    g.since,
    g.at,
    NULLIF(((g.last_seq - g.first_seq) + 1), 0) AS reports
   FROM (public.gap g
     JOIN public.device d ON ((d.id = g.device_id)));

ALTER VIEW public.device_gap OWNER TO steth_view;

ALTER TABLE public.device ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.device_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.mark (
    device_id integer NOT NULL,
    lane smallint NOT NULL,
    epoch text NOT NULL,
    seq bigint NOT NULL,
    digest bytea NOT NULL,
    previous_epoch text DEFAULT ''::text NOT NULL,
    reached timestamp with time zone,
    seen_clock_ms bigint DEFAULT 0 NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT mark_lane_check CHECK ((lane = ANY (ARRAY[0, 1])))
)
WITH (fillfactor='60');

ALTER TABLE public.mark OWNER TO steth_owner;

CREATE VIEW public.device_mark WITH (security_barrier='true') AS
 SELECT d.id AS device_id,
    d.uid AS device,
    k.lane,
    k.seq,
    k.reached,
    k.at
   FROM (public.mark k
     JOIN public.device d ON ((d.id = k.device_id)));

ALTER VIEW public.device_mark OWNER TO steth_view;

CREATE TABLE public.metric (
    id integer NOT NULL,
    name text NOT NULL,
    unit text DEFAULT ''::text NOT NULL
);

ALTER TABLE public.metric OWNER TO steth_owner;

CREATE TABLE public.reading (
    ts timestamp with time zone NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL
)
PARTITION BY RANGE (ts);

ALTER TABLE public.reading OWNER TO steth_owner;

CREATE VIEW public.device_reading WITH (security_barrier='true') AS
 SELECT r.ts,
    d.uid AS device,
    d.id AS device_id,
    r.metric_id,
    m.name AS metric,
    m.unit,
    r.value,
        CASE
            WHEN public.adds_up(r.value) THEN r.quality
            ELSE (2)::smallint
        END AS quality
   FROM ((public.reading r
     JOIN public.device d ON ((d.id = r.device_id)))
     JOIN public.metric m ON ((m.id = r.metric_id)));

ALTER VIEW public.device_reading OWNER TO steth_view;

CREATE TABLE public.device_refusal (
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    kind text NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    count bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    last timestamp with time zone NOT NULL,
    form text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    dealer_id integer NOT NULL,
    CONSTRAINT device_refusal_kind_check CHECK ((kind = ANY (ARRAY['refused'::text, 'untold'::text])))
);

ALTER TABLE public.device_refusal OWNER TO steth_owner;

CREATE TABLE public.device_state (
    device_id integer NOT NULL,
    lane smallint NOT NULL,
    org_id integer NOT NULL,
    engine bytea NOT NULL,
    latest bytea NOT NULL,
    epoch text DEFAULT ''::text NOT NULL,
    boot bigint DEFAULT 0 NOT NULL,
    connected boolean DEFAULT false NOT NULL,
    interval_s double precision DEFAULT 0 NOT NULL,
    agent text DEFAULT ''::text NOT NULL,
    seen_at timestamp with time zone,
    heartbeat jsonb DEFAULT '{}'::jsonb NOT NULL,
    as_of timestamp with time zone NOT NULL,
    equipment_connected boolean,
    clock_offset_ms bigint,
    dealer_id integer NOT NULL,
    CONSTRAINT device_state_lane_check CHECK ((lane = ANY (ARRAY[0, 1])))
)
WITH (fillfactor='50');

ALTER TABLE public.device_state OWNER TO steth_owner;

ALTER TABLE public.gap ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.gap_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.idempotency (
    account_id integer NOT NULL,
    key text NOT NULL,
    status integer NOT NULL,
    headers jsonb DEFAULT '{}'::jsonb NOT NULL,
    answer jsonb NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.idempotency OWNER TO steth_owner;

CREATE TABLE public.partition_lease (
    id smallint NOT NULL,
    owner text,
    lease_until timestamp with time zone,
    clock_ms bigint DEFAULT 0 NOT NULL
);

ALTER TABLE public.partition_lease OWNER TO steth_owner;

CREATE VIEW public.ingest_partition AS
 SELECT id,
    ((owner IS NOT NULL) AND public.lease_holds(lease_until)) AS owned,
    clock_ms
   FROM public.partition_lease l;

ALTER VIEW public.ingest_partition OWNER TO steth_view;

CREATE TABLE public.ingest_process (
    name text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

ALTER TABLE public.ingest_process OWNER TO steth_owner;

CREATE TABLE public.job (
    name text NOT NULL,
    ended_at timestamp with time zone,
    due_at timestamp with time zone NOT NULL,
    failing_since timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    error text DEFAULT ''::text NOT NULL
);

ALTER TABLE public.job OWNER TO steth_owner;

ALTER TABLE public.metric ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.metric_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.org (
    id integer NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    kind text DEFAULT 'hospital'::text NOT NULL,
    prefix text,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT org_check CHECK (((id = 0) = (kind = 'operator'::text))),
    CONSTRAINT org_check1 CHECK (((prefix IS NOT NULL) = (kind = 'dealer'::text))),
    CONSTRAINT org_kind_check CHECK ((kind = ANY (ARRAY['operator'::text, 'dealer'::text, 'hospital'::text]))),
    CONSTRAINT org_name_clean CHECK ((name = public.clean_name(name))),
    CONSTRAINT org_prefix_check CHECK ((prefix ~ '^[A-Z]{2,6}$'::text))
);

ALTER TABLE public.org OWNER TO steth_owner;

ALTER TABLE public.org ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.org_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.org_metric (
    metric_id integer NOT NULL,
    org_id integer NOT NULL
);

ALTER TABLE public.org_metric OWNER TO steth_owner;

CREATE TABLE public.partition (
    id smallint NOT NULL,
    generation bigint DEFAULT 0 NOT NULL,
    CONSTRAINT partition_id_check CHECK (((id >= 0) AND (id <= 15)))
);

ALTER TABLE public.partition OWNER TO steth_owner;

CREATE TABLE public.reading_1d (
    bucket timestamp with time zone NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    lo double precision,
    hi double precision,
    total double precision NOT NULL
);

ALTER TABLE public.reading_1d OWNER TO steth_owner;

CREATE TABLE public.reading_1h (
    bucket timestamp with time zone NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    lo double precision,
    hi double precision,
    total double precision NOT NULL
)
PARTITION BY RANGE (bucket);

ALTER TABLE public.reading_1h OWNER TO steth_owner;

CREATE TABLE public.reading_1m (
    bucket timestamp with time zone NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    n integer NOT NULL,
    bad integer NOT NULL,
    lo double precision,
    hi double precision,
    total double precision NOT NULL
)
PARTITION BY RANGE (bucket);

ALTER TABLE public.reading_1m OWNER TO steth_owner;

CREATE TABLE public.reading_aside (
    id bigint NOT NULL,
    device_id integer NOT NULL,
    metric_id integer NOT NULL,
    at_ms bigint NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL,
    received_at timestamp with time zone NOT NULL
);

ALTER TABLE public.reading_aside OWNER TO steth_owner;

ALTER TABLE public.reading_aside ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.reading_aside_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.recent_digest (
    device_id integer NOT NULL,
    digest bytea NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE public.recent_digest OWNER TO steth_owner;

CREATE TABLE public.recipient (
    id integer NOT NULL,
    org_id integer,
    name text NOT NULL,
    address text NOT NULL,
    language text DEFAULT 'zh'::text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    rest_from timestamp with time zone,
    rest_until timestamp with time zone,
    told_at timestamp with time zone,
    failing_since timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    error_params jsonb DEFAULT '{}'::jsonb NOT NULL,
    test_state text,
    test_at timestamp with time zone,
    heads boolean DEFAULT false NOT NULL,
    head_told_at timestamp with time zone,
    owner_id integer DEFAULT public.only_dealer() NOT NULL,
    CONSTRAINT recipient_check CHECK (((owner_id <> 0) AND (org_id <> owner_id))),
    CONSTRAINT recipient_language_check CHECK ((language = ANY (ARRAY['zh'::text, 'en'::text]))),
    CONSTRAINT recipient_name_clean CHECK ((name = public.clean_name(name))),
    CONSTRAINT recipient_test_state_check CHECK ((test_state = ANY (ARRAY['waiting'::text, 'told'::text, 'given-up'::text])))
);

ALTER TABLE public.recipient OWNER TO steth_owner;

ALTER TABLE public.recipient ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.recipient_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.remote_session (
    id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    state text DEFAULT 'prepared'::text NOT NULL,
    scopes text[] NOT NULL,
    runbook text,
    minutes integer NOT NULL,
    at timestamp with time zone NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    dealer_id integer NOT NULL,
    CONSTRAINT remote_session_state_check CHECK ((state = ANY (ARRAY['prepared'::text, 'withdrawn'::text])))
);

ALTER TABLE public.remote_session OWNER TO steth_owner;

ALTER TABLE public.remote_session ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.remote_session_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.restored_device (
    device_id integer NOT NULL,
    epoch text,
    heard_at timestamp with time zone NOT NULL
);

ALTER TABLE public.restored_device OWNER TO steth_owner;

CREATE TABLE public.rollup (
    level smallint NOT NULL,
    watermark timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    whole_from timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    CONSTRAINT rollup_level_check CHECK (((level >= 0) AND (level <= 2)))
);

ALTER TABLE public.rollup OWNER TO steth_owner;

CREATE TABLE public.rollup_aside (
    level smallint NOT NULL,
    device_id integer NOT NULL,
    lo timestamp with time zone NOT NULL,
    error text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    since timestamp with time zone NOT NULL,
    next_at timestamp with time zone NOT NULL
);

ALTER TABLE public.rollup_aside OWNER TO steth_owner;

CREATE TABLE public.rollup_dirty (
    level smallint NOT NULL,
    device_id integer,
    lo timestamp with time zone NOT NULL,
    hi timestamp with time zone NOT NULL,
    CONSTRAINT rollup_dirty_check CHECK ((hi > lo))
);

ALTER TABLE public.rollup_dirty OWNER TO steth_owner;

CREATE TABLE public.schema_version (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    edition text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.schema_version OWNER TO steth_owner;

CREATE VIEW public.seen_alert_event WITH (security_barrier='true') AS
 SELECT id,
    alert_id,
    device_id,
    at,
    learned_at,
    event,
    from_state,
    to_state,
    message,
        CASE
            WHEN public.sees(org_id, dealer_id) THEN actor
            ELSE ''::text
        END AS actor,
        CASE
            WHEN ((actor = ''::text) OR public.sees(org_id, dealer_id)) THEN params
            ELSE '{"who": "", "note": ""}'::jsonb
        END AS params
   FROM public.alert_event e;

ALTER VIEW public.seen_alert_event OWNER TO steth_view;

CREATE VIEW public.seen_device_event WITH (security_barrier='true') AS
 SELECT e.id,
    d.id AS device_id,
    e.at,
    e.learned_at,
    e.kind,
    e.body
   FROM (public.device_event e
     JOIN public.device d ON ((d.id = e.device_id)));

ALTER VIEW public.seen_device_event OWNER TO steth_view;

CREATE VIEW public.seen_metric WITH (security_barrier='true') AS
 SELECT id,
    name,
    unit
   FROM public.metric m
  WHERE public.sees_metric(id);

ALTER VIEW public.seen_metric OWNER TO steth_view;

CREATE TABLE public.ticket_event (
    id bigint NOT NULL,
    xid xid8 DEFAULT public.row_xid() NOT NULL,
    ticket_id bigint NOT NULL,
    org_id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    message text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    dealer_id integer NOT NULL
);

ALTER TABLE public.ticket_event OWNER TO steth_owner;

CREATE VIEW public.seen_ticket_event WITH (security_barrier='true') AS
 SELECT id,
    ticket_id,
    at,
    event,
    message,
        CASE
            WHEN public.sees(org_id, dealer_id) THEN actor
            ELSE ''::text
        END AS actor,
        CASE
            WHEN ((actor = ''::text) OR public.sees(org_id, dealer_id)) THEN params
            ELSE jsonb_build_object('who', '', 'note', '', 'old', (params -> 'old'::text), 'new', (params -> 'new'::text), 'active_alerts', (params -> 'active_alerts'::text), 'cause', (params -> 'cause'::text), 'actions', (params -> 'actions'::text), 'parts', (params -> 'parts'::text), 'words', (params -> 'words'::text), 'usable', (params -> 'usable'::text), 'since', (params -> 'since'::text), 'caller', '')
        END AS params
   FROM public.ticket_event e;

ALTER VIEW public.seen_ticket_event OWNER TO steth_view;

CREATE TABLE public.ticket_repair (
    id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    org_id integer NOT NULL,
    dealer_id integer NOT NULL,
    device_id integer NOT NULL,
    model text NOT NULL,
    family text NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    cause text NOT NULL,
    cause_words jsonb NOT NULL,
    actions text[] NOT NULL,
    parts jsonb NOT NULL,
    note text NOT NULL,
    CONSTRAINT ticket_repair_actions_check CHECK (((cardinality(actions) >= 1) AND (cardinality(actions) <= 5)))
);

ALTER TABLE public.ticket_repair OWNER TO steth_owner;

CREATE VIEW public.seen_ticket_repair WITH (security_barrier='true') AS
 SELECT id,
    ticket_id,
    org_id,
    dealer_id,
    device_id,
    model,
    family,
    at,
    cause,
    cause_words,
    actions,
    parts,
        CASE
            WHEN public.sees(org_id, dealer_id) THEN actor
            ELSE ''::text
        END AS actor,
        CASE
            WHEN public.sees(org_id, dealer_id) THEN note
            ELSE ''::text
        END AS note
   FROM public.ticket_repair r;

ALTER VIEW public.seen_ticket_repair OWNER TO steth_view;

CREATE VIEW public.whole_1m AS
 SELECT reading_1m.bucket,
    reading_1m.device_id,
    reading_1m.metric_id,
    reading_1m.n,
    reading_1m.bad,
    reading_1m.lo,
    reading_1m.hi,
    reading_1m.total
   FROM public.reading_1m
  WHERE (reading_1m.bucket < ( SELECT rollup.watermark
           FROM public.rollup
          WHERE (rollup.level = 0)))
UNION ALL
 SELECT date_bin('00:01:00'::interval, reading.ts, '1970-01-01 00:00:00+00'::timestamp with time zone) AS bucket,
    reading.device_id,
    reading.metric_id,
    (count(*) FILTER (WHERE ((reading.quality < 2) AND public.adds_up(reading.value))))::integer AS n,
    (count(*) FILTER (WHERE ((reading.quality >= 2) OR (NOT public.adds_up(reading.value)))))::integer AS bad,
    min(reading.value) FILTER (WHERE ((reading.quality < 2) AND public.adds_up(reading.value))) AS lo,
    max(reading.value) FILTER (WHERE ((reading.quality < 2) AND public.adds_up(reading.value))) AS hi,
    COALESCE(sum(reading.value) FILTER (WHERE ((reading.quality < 2) AND public.adds_up(reading.value))), (0)::double precision) AS total
   FROM public.reading
  WHERE (reading.ts >= ( SELECT rollup.watermark
           FROM public.rollup
          WHERE (rollup.level = 0)))
  GROUP BY (date_bin('00:01:00'::interval, reading.ts, '1970-01-01 00:00:00+00'::timestamp with time zone)), reading.device_id, reading.metric_id;

ALTER VIEW public.whole_1m OWNER TO steth_view;

CREATE VIEW public.whole_1h AS
 SELECT reading_1h.bucket,
    reading_1h.device_id,
    reading_1h.metric_id,
    reading_1h.n,
    reading_1h.bad,
    reading_1h.lo,
    reading_1h.hi,
    reading_1h.total
   FROM public.reading_1h
  WHERE (reading_1h.bucket < ( SELECT rollup.watermark
           FROM public.rollup
          WHERE (rollup.level = 1)))
UNION ALL
 SELECT date_bin('01:00:00'::interval, whole_1m.bucket, '1970-01-01 00:00:00+00'::timestamp with time zone) AS bucket,
    whole_1m.device_id,
    whole_1m.metric_id,
    (LEAST(sum(whole_1m.n), (2147483647)::bigint))::integer AS n,
    (LEAST(sum(whole_1m.bad), (2147483647)::bigint))::integer AS bad,
    min(whole_1m.lo) AS lo,
    max(whole_1m.hi) AS hi,
    sum(whole_1m.total) AS total
   FROM public.whole_1m
  WHERE (whole_1m.bucket >= ( SELECT rollup.watermark
           FROM public.rollup
          WHERE (rollup.level = 1)))
  GROUP BY (date_bin('01:00:00'::interval, whole_1m.bucket, '1970-01-01 00:00:00+00'::timestamp with time zone)), whole_1m.device_id, whole_1m.metric_id;

ALTER VIEW public.whole_1h OWNER TO steth_view;

CREATE VIEW public.whole_1d AS
 SELECT reading_1d.bucket,
    reading_1d.device_id,
    reading_1d.metric_id,
    reading_1d.n,
    reading_1d.bad,
    reading_1d.lo,
    reading_1d.hi,
    reading_1d.total
   FROM public.reading_1d
  WHERE (reading_1d.bucket < ( SELECT rollup.watermark
           FROM public.rollup
          WHERE (rollup.level = 2)))
UNION ALL
 SELECT date_bin('1 day'::interval, whole_1h.bucket, '1970-01-01 00:00:00+00'::timestamp with time zone) AS bucket,
    whole_1h.device_id,
    whole_1h.metric_id,
    (LEAST(sum(whole_1h.n), (2147483647)::bigint))::integer AS n,
    (LEAST(sum(whole_1h.bad), (2147483647)::bigint))::integer AS bad,
    min(whole_1h.lo) AS lo,
    max(whole_1h.hi) AS hi,
    sum(whole_1h.total) AS total
   FROM public.whole_1h
  WHERE (whole_1h.bucket >= ( SELECT rollup.watermark
           FROM public.rollup
          WHERE (rollup.level = 2)))
  GROUP BY (date_bin('1 day'::interval, whole_1h.bucket, '1970-01-01 00:00:00+00'::timestamp with time zone)), whole_1h.device_id, whole_1h.metric_id;

ALTER VIEW public.whole_1d OWNER TO steth_view;

CREATE VIEW public.series_1d WITH (security_barrier='true') AS
 SELECT r.bucket,
    d.uid AS device,
    r.device_id,
    r.metric_id,
    m.name AS metric,
    m.unit,
    r.n,
    r.bad,
    r.lo,
    r.hi,
    r.total
   FROM ((public.whole_1d r
     JOIN public.device d ON ((d.id = r.device_id)))
     JOIN public.metric m ON ((m.id = r.metric_id)));

ALTER VIEW public.series_1d OWNER TO steth_view;

CREATE VIEW public.series_1h WITH (security_barrier='true') AS
 SELECT r.bucket,
    d.uid AS device,
    r.device_id,
    r.metric_id,
    m.name AS metric,
    m.unit,
    r.n,
    r.bad,
    r.lo,
    r.hi,
    r.total
   FROM ((public.whole_1h r
     JOIN public.device d ON ((d.id = r.device_id)))
     JOIN public.metric m ON ((m.id = r.metric_id)));

ALTER VIEW public.series_1h OWNER TO steth_view;

CREATE VIEW public.series_1m WITH (security_barrier='true') AS
 SELECT r.bucket,
    d.uid AS device,
    r.device_id,
    r.metric_id,
    m.name AS metric,
    m.unit,
    r.n,
    r.bad,
    r.lo,
    r.hi,
    r.total
   FROM ((public.whole_1m r
     JOIN public.device d ON ((d.id = r.device_id)))
     JOIN public.metric m ON ((m.id = r.metric_id)));

ALTER VIEW public.series_1m OWNER TO steth_view;

CREATE TABLE public.service (
    id integer NOT NULL,
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    dealer_id integer NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone,
    shown boolean DEFAULT true NOT NULL,
    uid text NOT NULL,
    name text NOT NULL,
    model text NOT NULL,
    site_id integer NOT NULL,
    site text NOT NULL,
    time_zone text NOT NULL,
    hospital text NOT NULL,
    dealer text NOT NULL,
    department text DEFAULT ''::text NOT NULL,
    serial text DEFAULT ''::text NOT NULL,
    sought text GENERATED ALWAYS AS (lower(((((((((((((name || '
'::text) || hospital) || '
'::text) || site) || '
'::text) || department) || '
'::text) || serial) || '
'::text) || uid) || '
'::text) || model))) STORED NOT NULL,
    CONSTRAINT service_check CHECK ((until >= since)),
    CONSTRAINT service_check1 CHECK ((shown OR (until IS NOT NULL)))
);

ALTER TABLE public.service OWNER TO steth_owner;

CREATE TABLE public.service_change (
    device_id integer NOT NULL,
    org_id integer NOT NULL,
    dealer_id integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamp with time zone NOT NULL
);

ALTER TABLE public.service_change OWNER TO steth_owner;

ALTER TABLE public.service ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.service_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.shown_device AS
 SELECT device_id AS id,
    uid,
    org_id,
    dealer_id,
    name,
    model,
    site_id,
    site,
    time_zone,
    hospital,
    dealer,
    (until IS NULL) AS served,
    sought
   FROM public.service e
  WHERE (shown AND ((until IS NULL) OR (dealer_id = public.viewer())));

ALTER VIEW public.shown_device OWNER TO steth_view;

CREATE TABLE public.site (
    id integer NOT NULL,
    org_id integer NOT NULL,
    name text NOT NULL,
    time_zone text DEFAULT 'Asia/Shanghai'::text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT site_name_clean CHECK ((name = public.clean_name(name)))
);

ALTER TABLE public.site OWNER TO steth_owner;

ALTER TABLE public.site ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.site_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.telling (
    id bigint NOT NULL,
    ticket_id bigint NOT NULL,
    step text NOT NULL,
    recipient_id integer NOT NULL,
    org_id integer NOT NULL,
    message text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now() NOT NULL,
    told_at timestamp with time zone,
    error text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    refused smallint DEFAULT 0 NOT NULL,
    error_params jsonb DEFAULT '{}'::jsonb NOT NULL,
    owner_id integer NOT NULL,
    CONSTRAINT telling_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'told'::text, 'given-up'::text])))
);

ALTER TABLE public.telling OWNER TO steth_owner;

ALTER TABLE public.telling ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.telling_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ticket (
    id bigint NOT NULL,
    number text NOT NULL,
    org_id integer NOT NULL,
    site_id integer NOT NULL,
    device_id integer NOT NULL,
    family text NOT NULL,
    severity text NOT NULL,
    status text DEFAULT 'new'::text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    detected_at timestamp with time zone,
    opened_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_at timestamp with time zone,
    evidence_from timestamp with time zone NOT NULL,
    evidence_to timestamp with time zone NOT NULL,
    evidence_frozen_at timestamp with time zone,
    causes jsonb DEFAULT '[]'::jsonb NOT NULL,
    parts jsonb DEFAULT '[]'::jsonb NOT NULL,
    message text NOT NULL,
    params jsonb DEFAULT '{}'::jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    evidence_readings integer,
    evidence_cut boolean DEFAULT false NOT NULL,
    evidence_next_at timestamp with time zone,
    dealer_id integer NOT NULL,
    holder text DEFAULT ''::text NOT NULL,
    repaired_by text DEFAULT ''::text NOT NULL,
    arrived_at timestamp with time zone,
    reported_at timestamp with time zone,
    CONSTRAINT ticket_status_check CHECK ((status = ANY (ARRAY['new'::text, 'to-dispatch'::text, 'accepted'::text, 'on-site'::text, 'awaiting-parts'::text, 'to-verify'::text, 'closed'::text])))
);

ALTER TABLE public.ticket OWNER TO steth_owner;

CREATE TABLE public.ticket_alert (
    ticket_id bigint NOT NULL,
    alert_id uuid NOT NULL,
    org_id integer NOT NULL,
    dealer_id integer NOT NULL
);

ALTER TABLE public.ticket_alert OWNER TO steth_owner;

CREATE TABLE public.ticket_day (
    day date NOT NULL,
    last integer NOT NULL,
    block integer DEFAULT 0 NOT NULL,
    dealer_id integer NOT NULL
);

ALTER TABLE public.ticket_day OWNER TO steth_owner;

ALTER TABLE public.ticket_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ticket_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ticket_evidence (
    ticket_id bigint NOT NULL,
    org_id integer NOT NULL,
    metric text NOT NULL,
    unit text NOT NULL,
    at timestamp with time zone[] NOT NULL,
    value double precision[] NOT NULL,
    quality smallint[] NOT NULL,
    dealer_id integer NOT NULL
);

ALTER TABLE public.ticket_evidence OWNER TO steth_owner;

CREATE TABLE public.ticket_evidence_event (
    ticket_id bigint NOT NULL,
    org_id integer NOT NULL,
    event_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL,
    dealer_id integer NOT NULL
);

ALTER TABLE public.ticket_evidence_event OWNER TO steth_owner;

ALTER TABLE public.ticket ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ticket_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.ticket_repair ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ticket_repair_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.to_judge (
    id bigint NOT NULL,
    device_id integer NOT NULL,
    lane smallint NOT NULL,
    at timestamp with time zone NOT NULL,
    error text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    facts bytea NOT NULL
);

ALTER TABLE public.to_judge OWNER TO steth_owner;

ALTER TABLE public.to_judge ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.to_judge_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_name_key UNIQUE (name);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert_event
    ADD CONSTRAINT alert_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert_operator
    ADD CONSTRAINT alert_operator_pkey PRIMARY KEY (alert_id);

ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_org_id_key UNIQUE NULLS NOT DISTINCT (org_id);

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_position_key UNIQUE (chain_id, "position");

ALTER TABLE public.audit
    ADD CONSTRAINT audit_readable CHECK (((at >= '0001-01-02 00:00:00+00'::timestamp with time zone) AND (at <= '9999-12-30 00:00:00+00'::timestamp with time zone) AND (jsonb_typeof(detail) = 'object'::text) AND (NOT jsonb_path_exists(detail, 'strict $.*?(((@.type() == "object" || @.type() == "array") || @ > 9007199254740992) || @ < -9007199254740992)'::jsonpath)))) NOT VALID;

ALTER TABLE ONLY public.box
    ADD CONSTRAINT box_pkey PRIMARY KEY (site_id, id);

ALTER TABLE ONLY public.clientele
    ADD CONSTRAINT clientele_pkey PRIMARY KEY (dealer_id, org_id);

ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_event
    ADD CONSTRAINT device_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.device_refusal
    ADD CONSTRAINT device_refusal_pkey PRIMARY KEY (device_id, kind, source, reason);

ALTER TABLE ONLY public.device_state
    ADD CONSTRAINT device_state_pkey PRIMARY KEY (device_id, lane);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_uid_key UNIQUE (uid);

ALTER TABLE ONLY public.gap
    ADD CONSTRAINT gap_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (account_id, key);

ALTER TABLE ONLY public.ingest_process
    ADD CONSTRAINT ingest_process_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.keeping
    ADD CONSTRAINT keeping_pkey PRIMARY KEY (what);

ALTER TABLE ONLY public.mark
    ADD CONSTRAINT mark_pkey PRIMARY KEY (device_id, lane);

ALTER TABLE ONLY public.metric
    ADD CONSTRAINT metric_name_unit_key UNIQUE (name, unit);

ALTER TABLE ONLY public.metric
    ADD CONSTRAINT metric_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.org
    ADD CONSTRAINT org_kind_key UNIQUE (id, kind);

ALTER TABLE ONLY public.org_metric
    ADD CONSTRAINT org_metric_pkey PRIMARY KEY (metric_id, org_id);

ALTER TABLE ONLY public.org
    ADD CONSTRAINT org_name_key UNIQUE (name);

ALTER TABLE ONLY public.org
    ADD CONSTRAINT org_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.org
    ADD CONSTRAINT org_prefix_key UNIQUE (prefix);

ALTER TABLE ONLY public.partition_lease
    ADD CONSTRAINT partition_lease_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.partition
    ADD CONSTRAINT partition_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.reading_1d
    ADD CONSTRAINT reading_1d_pkey PRIMARY KEY (device_id, bucket, metric_id);

ALTER TABLE ONLY public.reading_1h
    ADD CONSTRAINT reading_1h_pkey PRIMARY KEY (device_id, bucket, metric_id);

ALTER TABLE ONLY public.reading_1m
    ADD CONSTRAINT reading_1m_pkey PRIMARY KEY (device_id, bucket, metric_id);

ALTER TABLE ONLY public.reading_aside
    ADD CONSTRAINT reading_aside_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.recent_digest
    ADD CONSTRAINT recent_digest_pkey PRIMARY KEY (device_id, digest);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_name UNIQUE NULLS NOT DISTINCT (owner_id, org_id, name);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.remote_session
    ADD CONSTRAINT remote_session_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.restored_device
    ADD CONSTRAINT restored_device_pkey PRIMARY KEY (device_id);

ALTER TABLE ONLY public.rollup_aside
    ADD CONSTRAINT rollup_aside_pkey PRIMARY KEY (level, device_id, lo);

ALTER TABLE ONLY public.rollup
    ADD CONSTRAINT rollup_pkey PRIMARY KEY (level);

ALTER TABLE ONLY public.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.service_change
    ADD CONSTRAINT service_change_pkey PRIMARY KEY (device_id);

ALTER TABLE ONLY public.service
    ADD CONSTRAINT service_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_of_org UNIQUE (id, org_id);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_org_id_name_key UNIQUE (org_id, name);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.telling
    ADD CONSTRAINT telling_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.telling
    ADD CONSTRAINT telling_ticket_id_step_recipient_id_key UNIQUE (ticket_id, step, recipient_id);

ALTER TABLE ONLY public.ticket_alert
    ADD CONSTRAINT ticket_alert_pkey PRIMARY KEY (ticket_id, alert_id);

ALTER TABLE public.ticket
    ADD CONSTRAINT ticket_check CHECK ((COALESCE(detected_at, reported_at) IS NOT NULL)) NOT VALID;

ALTER TABLE public.ticket
    ADD CONSTRAINT ticket_check1 CHECK (((status <> 'closed'::text) OR ((holder = ''::text) AND (repaired_by = ''::text)))) NOT VALID;

ALTER TABLE ONLY public.ticket_day
    ADD CONSTRAINT ticket_day_pkey PRIMARY KEY (dealer_id, day, block);

ALTER TABLE ONLY public.ticket_event
    ADD CONSTRAINT ticket_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ticket_evidence_event
    ADD CONSTRAINT ticket_evidence_event_pkey PRIMARY KEY (ticket_id, event_id);

ALTER TABLE ONLY public.ticket_evidence
    ADD CONSTRAINT ticket_evidence_pkey PRIMARY KEY (ticket_id, metric, unit);

ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_number_key UNIQUE (number);

ALTER TABLE ONLY public.ticket
    ADD CONSTRAINT ticket_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ticket_repair
    ADD CONSTRAINT ticket_repair_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.to_judge
    ADD CONSTRAINT to_judge_pkey PRIMARY KEY (id);

CREATE INDEX account_org ON public.account USING btree (org_id, id);

CREATE INDEX alert_dealer ON public.alert USING btree (dealer_id, occurred_at, id);

CREATE INDEX alert_device ON public.alert USING btree (device_id, occurred_at, id);

CREATE INDEX alert_ended ON public.alert USING btree (cleared_at) WHERE (condition = 'ok'::text);

CREATE INDEX alert_event_alert ON public.alert_event USING btree (alert_id, id);

CREATE INDEX alert_event_device ON public.alert_event USING btree (device_id, at);

CREATE INDEX alert_event_loose ON public.alert_event USING btree (learned_at) WHERE (alert_id IS NULL);

CREATE INDEX alert_event_tail ON public.alert_event USING btree (xid, id);

CREATE INDEX alert_open ON public.alert USING btree (device_id) WHERE (condition <> 'ok'::text);

CREATE INDEX alert_org ON public.alert USING btree (org_id, occurred_at, id);

CREATE INDEX alert_page ON public.alert USING btree (occurred_at DESC, id DESC);

CREATE INDEX alert_subject ON public.alert USING btree (subject, occurred_at, id);

CREATE INDEX api_token_account ON public.api_token USING btree (account_id, id);

CREATE INDEX clientele_org ON public.clientele USING btree (org_id);

CREATE INDEX command_ended ON public.command USING btree (issued_at) WHERE (status <> 'waiting'::text);

CREATE INDEX command_ticket ON public.command USING btree (ticket_id);

CREATE INDEX command_waiting ON public.command USING btree (expires_at) WHERE (status = 'waiting'::text);

CREATE INDEX contact_org ON public.contact USING btree (org_id, id);

CREATE INDEX dead_letter_at ON public.dead_letter USING btree (at);

CREATE INDEX dead_letter_device ON public.dead_letter USING btree (device_id, at);

CREATE UNIQUE INDEX dead_letter_kind ON public.dead_letter USING btree (partition, device_id, lane, began, code, place);

CREATE INDEX device_box ON public.device USING btree (site_id, box_id) WHERE (box_id IS NOT NULL);

CREATE INDEX device_changed ON public.device USING btree (changed_xid);

CREATE UNIQUE INDEX device_code ON public.device USING btree (code_hash) WHERE (code_hash IS NOT NULL);

CREATE INDEX device_dealer ON public.device USING btree (dealer_id, id);

CREATE INDEX device_event_device ON public.device_event USING btree (device_id, at);

CREATE INDEX device_event_tail ON public.device_event USING btree (xid, id);

CREATE INDEX device_moved_from ON public.device USING btree (moved_from) WHERE (moved_from IS NOT NULL);

CREATE INDEX device_org ON public.device USING btree (org_id);

CREATE INDEX device_partition ON public.device USING btree (partition);

CREATE INDEX device_refusal_last ON public.device_refusal USING btree (last) WHERE (kind = 'refused'::text);

CREATE INDEX gap_device ON public.gap USING btree (device_id, at);

CREATE INDEX gap_live ON public.gap USING btree (at) WHERE (lane = 0);

CREATE INDEX gap_unsaid ON public.gap USING btree (id) WHERE (NOT said);

CREATE INDEX idempotency_at ON public.idempotency USING btree (at);

CREATE INDEX reading_device_ts ON ONLY public.reading USING btree (device_id, ts);

CREATE INDEX recent_digest_at ON public.recent_digest USING btree (at);

CREATE INDEX remote_session_ticket ON public.remote_session USING btree (ticket_id);

CREATE INDEX rollup_aside_next ON public.rollup_aside USING btree (level, next_at);

CREATE INDEX rollup_dirty_hi ON public.rollup_dirty USING btree (level, hi);

CREATE INDEX service_change_due ON public.service_change USING btree (due_at);

CREATE INDEX service_device ON public.service USING btree (device_id, since);

CREATE UNIQUE INDEX service_now ON public.service USING btree (device_id) WHERE (until IS NULL);

CREATE INDEX service_org ON public.service USING btree (org_id);

CREATE INDEX service_place ON public.service USING btree (hospital, site, name, device_id) WHERE shown;

CREATE UNIQUE INDEX service_shown ON public.service USING btree (device_id, dealer_id) WHERE shown;

CREATE INDEX service_uid ON public.service USING btree (uid);

CREATE INDEX telling_ended ON public.telling USING btree (next_at) WHERE (state <> 'waiting'::text);

CREATE INDEX telling_first ON public.telling USING btree (at) WHERE (state = 'waiting'::text);

CREATE INDEX telling_waiting ON public.telling USING btree (recipient_id, next_at, id) WHERE (state = 'waiting'::text);

CREATE INDEX ticket_alert_alert ON public.ticket_alert USING btree (alert_id);

CREATE INDEX ticket_dealer ON public.ticket USING btree (dealer_id, id);

CREATE INDEX ticket_device ON public.ticket USING btree (device_id, id);

CREATE INDEX ticket_event_tail ON public.ticket_event USING btree (xid, id);

CREATE INDEX ticket_event_ticket ON public.ticket_event USING btree (ticket_id, id);

CREATE INDEX ticket_family ON public.ticket USING btree (family, id);

CREATE INDEX ticket_holder ON public.ticket USING btree (holder, id) WHERE (status <> 'closed'::text);

CREATE INDEX ticket_number_end ON public.ticket USING btree (reverse(number) text_pattern_ops);

CREATE UNIQUE INDEX ticket_one_open ON public.ticket USING btree (device_id, family) WHERE (status <> 'closed'::text);

CREATE INDEX ticket_org ON public.ticket USING btree (org_id, id);

CREATE INDEX ticket_repair_dealer ON public.ticket_repair USING btree (dealer_id, family, id);

CREATE INDEX ticket_repair_device ON public.ticket_repair USING btree (device_id, family, id);

CREATE INDEX ticket_repair_family ON public.ticket_repair USING btree (family, id);

CREATE INDEX ticket_repair_org ON public.ticket_repair USING btree (org_id, family, id);

CREATE INDEX ticket_repair_ticket ON public.ticket_repair USING btree (ticket_id, id);

CREATE INDEX ticket_site ON public.ticket USING btree (site_id, id);

CREATE INDEX ticket_uncopied ON public.ticket USING btree (id) WHERE ((evidence_readings IS NULL) AND (evidence_frozen_at IS NOT NULL));

CREATE INDEX ticket_unfrozen ON public.ticket USING btree (device_id) WHERE (evidence_frozen_at IS NULL);

CREATE INDEX to_judge_device ON public.to_judge USING btree (device_id, lane, id);

CREATE TRIGGER device_changed BEFORE INSERT OR UPDATE OF uid, org_id, dealer_id, site_id, partition, model, name, status, enrolled_at ON public.device FOR EACH ROW EXECUTE FUNCTION public.device_changed();

CREATE TRIGGER follows BEFORE INSERT ON public.audit FOR EACH ROW EXECUTE FUNCTION public.audit_follows();

CREATE TRIGGER leave_box AFTER UPDATE OF site_id ON public.device FOR EACH ROW WHEN ((old.box_id IS NOT NULL)) EXECUTE FUNCTION public.leave_box();

CREATE TRIGGER service_begins AFTER INSERT ON public.device FOR EACH ROW EXECUTE FUNCTION public.service_follows();

CREATE TRIGGER service_follows AFTER UPDATE OF name, model, department, serial, site_id, org_id ON public.device FOR EACH ROW EXECUTE FUNCTION public.service_follows();

CREATE TRIGGER service_follows AFTER UPDATE OF name ON public.org FOR EACH ROW EXECUTE FUNCTION public.service_follows();

CREATE TRIGGER service_follows AFTER UPDATE OF name, time_zone ON public.site FOR EACH ROW EXECUTE FUNCTION public.service_follows();

CREATE TRIGGER stays BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.audit_stays();

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_org_id_org_kind_fkey FOREIGN KEY (org_id, org_kind) REFERENCES public.org(id, kind);

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_chain_id_fkey FOREIGN KEY (chain_id) REFERENCES public.audit_chain(id);

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.box
    ADD CONSTRAINT box_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.box
    ADD CONSTRAINT box_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.clientele
    ADD CONSTRAINT clientele_dealer_id_fkey FOREIGN KEY (dealer_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.clientele
    ADD CONSTRAINT clientele_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id);

ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.contact
    ADD CONSTRAINT contact_site_id_org_id_fkey FOREIGN KEY (site_id, org_id) REFERENCES public.site(id, org_id);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_dealer_id_fkey FOREIGN KEY (dealer_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_moved_from_fkey FOREIGN KEY (moved_from) REFERENCES public.device(id);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_site_id_box_id_fkey FOREIGN KEY (site_id, box_id) REFERENCES public.box(site_id, id);

ALTER TABLE ONLY public.device
    ADD CONSTRAINT device_site_id_fkey FOREIGN KEY (site_id) REFERENCES public.site(id);

ALTER TABLE ONLY public.partition_lease
    ADD CONSTRAINT partition_lease_id_fkey FOREIGN KEY (id) REFERENCES public.partition(id);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.recipient
    ADD CONSTRAINT recipient_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.remote_session
    ADD CONSTRAINT remote_session_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id);

ALTER TABLE ONLY public.service_change
    ADD CONSTRAINT service_change_dealer_id_fkey FOREIGN KEY (dealer_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.service_change
    ADD CONSTRAINT service_change_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);

ALTER TABLE ONLY public.service_change
    ADD CONSTRAINT service_change_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.service
    ADD CONSTRAINT service_dealer_id_fkey FOREIGN KEY (dealer_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.service
    ADD CONSTRAINT service_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);

ALTER TABLE ONLY public.service
    ADD CONSTRAINT service_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.site
    ADD CONSTRAINT site_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.org(id);

ALTER TABLE ONLY public.telling
    ADD CONSTRAINT telling_recipient_id_fkey FOREIGN KEY (recipient_id) REFERENCES public.recipient(id);

ALTER TABLE ONLY public.telling
    ADD CONSTRAINT telling_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id);

ALTER TABLE ONLY public.ticket_alert
    ADD CONSTRAINT ticket_alert_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id);

ALTER TABLE ONLY public.ticket_event
    ADD CONSTRAINT ticket_event_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id);

ALTER TABLE ONLY public.ticket_evidence_event
    ADD CONSTRAINT ticket_evidence_event_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.ticket_evidence
    ADD CONSTRAINT ticket_evidence_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.ticket_repair
    ADD CONSTRAINT ticket_repair_device_id_fkey FOREIGN KEY (device_id) REFERENCES public.device(id);

ALTER TABLE ONLY public.ticket_repair
    ADD CONSTRAINT ticket_repair_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES public.ticket(id);

ALTER TABLE public.account ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.alert_operator ENABLE ROW LEVEL SECURITY;

CREATE POLICY alone ON public.site AS RESTRICTIVE FOR UPDATE TO steth_api USING (((public.viewer() = 0) OR public.works_alone(org_id)));

ALTER TABLE public.api_token ENABLE ROW LEVEL SECURITY;

CREATE POLICY append ON public.audit FOR INSERT TO steth_api WITH CHECK (true);

ALTER TABLE public.audit ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_chain ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.box ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.clientele ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.command ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.device ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.device_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.device_refusal ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.device_state ENABLE ROW LEVEL SECURITY;

CREATE POLICY every_alert ON public.alert TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_alert_event ON public.alert_event TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_aside ON public.reading_aside TO steth_ingest, steth_jobs USING (true);

CREATE POLICY every_box ON public.box TO steth_ingest USING (true) WITH CHECK (true);

CREATE POLICY every_change ON public.service_change TO steth_jobs USING (true);

CREATE POLICY every_command ON public.command TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_device ON public.device TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_event ON public.device_event TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_evidence ON public.ticket_evidence TO steth_jobs USING (true);

CREATE POLICY every_evidence_event ON public.ticket_evidence_event TO steth_jobs USING (true);

CREATE POLICY every_gap ON public.gap TO steth_ingest, steth_jobs, steth_view USING (true);

CREATE POLICY every_metric ON public.org_metric TO steth_ingest USING (true) WITH CHECK (true);

CREATE POLICY every_operator ON public.alert_operator TO steth_jobs USING (true);

CREATE POLICY every_org ON public.org TO steth_ingest, steth_jobs USING (true);

CREATE POLICY every_recipient ON public.recipient TO steth_jobs USING (true);

CREATE POLICY every_refusal ON public.device_refusal TO steth_ingest USING (true) WITH CHECK (true);

CREATE POLICY every_session ON public.remote_session TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_site ON public.site TO steth_ingest, steth_jobs USING (true);

CREATE POLICY every_state ON public.device_state TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_telling ON public.telling TO steth_jobs USING (true);

CREATE POLICY every_ticket ON public.ticket TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_ticket_alert ON public.ticket_alert TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_ticket_event ON public.ticket_event TO steth_ingest, steth_jobs USING (true) WITH CHECK (true);

CREATE POLICY every_token ON public.api_token TO steth_jobs USING (true);

CREATE POLICY for_good ON public.api_token AS RESTRICTIVE FOR UPDATE USING ((revoked_at IS NULL)) WITH CHECK ((revoked_at IS NOT NULL));

ALTER TABLE public.gap ENABLE ROW LEVEL SECURITY;

CREATE POLICY hospital ON public.service_change FOR SELECT USING (public.sees(org_id, NULL::integer));

CREATE POLICY no_staff ON public.account AS RESTRICTIVE FOR INSERT WITH CHECK ((role <> 'staff'::text));

CREATE POLICY old ON public.alert AS RESTRICTIVE FOR DELETE TO steth_jobs USING (((condition = 'ok'::text) AND (cleared_at < ( SELECT public.kept_since('event'::text) AS kept_since)) AND (NOT (EXISTS ( SELECT
   FROM public.ticket_alert t
  WHERE (t.alert_id = alert.id))))));

CREATE POLICY old ON public.alert_event AS RESTRICTIVE FOR DELETE TO steth_jobs USING (
CASE
    WHEN (alert_id IS NULL) THEN (learned_at < ( SELECT public.kept_since('event'::text) AS kept_since))
    ELSE (EXISTS ( SELECT
       FROM public.alert a
      WHERE ((a.id = alert_event.alert_id) AND (a.condition = 'ok'::text) AND (a.cleared_at < ( SELECT public.kept_since('event'::text) AS kept_since)) AND (NOT (EXISTS ( SELECT
               FROM public.ticket_alert t
              WHERE (t.alert_id = a.id)))))))
END);

CREATE POLICY old ON public.alert_operator AS RESTRICTIVE FOR DELETE TO steth_jobs USING ((EXISTS ( SELECT
   FROM public.alert a
  WHERE ((a.id = alert_operator.alert_id) AND (a.condition = 'ok'::text) AND (a.cleared_at < ( SELECT public.kept_since('event'::text) AS kept_since)) AND (NOT (EXISTS ( SELECT
           FROM public.ticket_alert t
          WHERE (t.alert_id = a.id))))))));

CREATE POLICY old ON public.api_token AS RESTRICTIVE FOR DELETE TO steth_jobs USING ((LEAST(expires_at, revoked_at) < ( SELECT public.kept_since('letter'::text) AS kept_since)));

CREATE POLICY old ON public.command AS RESTRICTIVE FOR DELETE TO steth_jobs USING ((issued_at < ( SELECT public.kept_since('event'::text) AS kept_since)));

CREATE POLICY old ON public.device_event AS RESTRICTIVE FOR DELETE TO steth_jobs USING ((learned_at < ( SELECT public.kept_since('event'::text) AS kept_since)));

CREATE POLICY old ON public.gap AS RESTRICTIVE FOR DELETE TO steth_jobs USING ((at < ( SELECT public.kept_since('event'::text) AS kept_since)));

CREATE POLICY old ON public.reading_aside AS RESTRICTIVE FOR DELETE TO steth_jobs USING ((received_at < ( SELECT public.kept_since('letter'::text) AS kept_since)));

CREATE POLICY old ON public.telling AS RESTRICTIVE FOR DELETE TO steth_jobs USING ((at < ( SELECT public.kept_since('event'::text) AS kept_since)));

ALTER TABLE public.org ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.org_metric ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.reading_aside ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.recipient ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.remote_session ENABLE ROW LEVEL SECURITY;

CREATE POLICY reported ON public.ticket AS RESTRICTIVE FOR INSERT TO steth_api WITH CHECK (((family = 'reported'::text) AND (EXISTS ( SELECT
   FROM public.device d
  WHERE ((d.id = ticket.device_id) AND (d.status = 'active'::text) AND ((d.org_id = ticket.org_id) AND (d.dealer_id = ticket.dealer_id) AND (d.site_id = ticket.site_id)))))));

ALTER TABLE public.service ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.service_change ENABLE ROW LEVEL SECURITY;

CREATE POLICY shown ON public.device_event FOR SELECT TO steth_view USING (true);

ALTER TABLE public.site ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.telling ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON public.account USING (public.sees(org_id, NULL::integer));

CREATE POLICY tenant ON public.alert USING ((public.sees(org_id, dealer_id) OR public.serves_device(device_id)));

CREATE POLICY tenant ON public.alert_event USING ((public.sees(org_id, dealer_id) OR public.serves_device(device_id))) WITH CHECK ((public.sees(org_id, dealer_id) AND (EXISTS ( SELECT
   FROM public.alert a
  WHERE ((a.id = alert_event.alert_id) AND ((a.device_id = alert_event.device_id) AND (a.org_id = alert_event.org_id) AND (a.dealer_id = alert_event.dealer_id)))))));

CREATE POLICY tenant ON public.alert_operator USING (public.sees(org_id, dealer_id)) WITH CHECK ((public.sees(org_id, dealer_id) AND (EXISTS ( SELECT
   FROM public.alert a
  WHERE ((a.id = alert_operator.alert_id) AND ((a.org_id = alert_operator.org_id) AND (a.dealer_id = alert_operator.dealer_id)))))));

CREATE POLICY tenant ON public.api_token TO steth_api USING ((EXISTS ( SELECT
   FROM public.account a
  WHERE (a.id = api_token.account_id))));

CREATE POLICY tenant ON public.audit USING (public.sees(org_id, NULL::integer));

CREATE POLICY tenant ON public.audit_chain USING (public.sees(org_id, NULL::integer));

CREATE POLICY tenant ON public.box USING ((public.sees(org_id, NULL::integer) OR (EXISTS ( SELECT
   FROM public.device d
  WHERE ((d.site_id = box.site_id) AND (d.box_id = box.id) AND (d.dealer_id = public.viewer()))))));

CREATE POLICY tenant ON public.clientele USING (public.sees(org_id, dealer_id)) WITH CHECK ((public.viewer() = 0));

CREATE POLICY tenant ON public.command USING ((public.sees(org_id, dealer_id) OR public.serves_device(device_id))) WITH CHECK (public.sees(org_id, dealer_id));

CREATE POLICY tenant ON public.contact USING ((public.sees(org_id, NULL::integer) OR (EXISTS ( SELECT
   FROM public.clientele c
  WHERE ((c.dealer_id = public.viewer()) AND (c.org_id = contact.org_id))))));

CREATE POLICY tenant ON public.device USING (public.sees(org_id, dealer_id)) WITH CHECK (((public.viewer() = 0) OR ((dealer_id = public.viewer()) AND (EXISTS ( SELECT
   FROM public.clientele c
  WHERE ((c.dealer_id = public.viewer()) AND (c.org_id = device.org_id)))))));

CREATE POLICY tenant ON public.device_event USING (public.sees(org_id, NULL::integer));

CREATE POLICY tenant ON public.device_refusal USING (public.sees(org_id, dealer_id));

CREATE POLICY tenant ON public.device_state USING (public.sees(org_id, dealer_id));

CREATE POLICY tenant ON public.org USING ((public.sees(id, NULL::integer) OR (EXISTS ( SELECT
   FROM public.clientele c
  WHERE ((c.dealer_id = public.viewer()) AND (c.org_id = org.id)))) OR (id IN ( SELECT d.d
   FROM public.serving_dealers() d(d))))) WITH CHECK (((public.viewer() = 0) OR public.works_alone(id)));

CREATE POLICY tenant ON public.org_metric USING (public.sees(org_id, NULL::integer));

CREATE POLICY tenant ON public.recipient USING (public.sees(NULL::integer, owner_id)) WITH CHECK (public.sees(NULL::integer, owner_id));

CREATE POLICY tenant ON public.remote_session USING ((public.sees(org_id, dealer_id) OR public.serves_device(device_id))) WITH CHECK (public.sees(org_id, dealer_id));

CREATE POLICY tenant ON public.service USING (public.sees(org_id, dealer_id));

CREATE POLICY tenant ON public.service_change USING ((public.viewer() = 0));

CREATE POLICY tenant ON public.site USING ((public.sees(org_id, NULL::integer) OR (EXISTS ( SELECT
   FROM public.clientele c
  WHERE ((c.dealer_id = public.viewer()) AND (c.org_id = site.org_id)))))) WITH CHECK (((public.viewer() = 0) OR (EXISTS ( SELECT
   FROM public.clientele c
  WHERE ((c.dealer_id = public.viewer()) AND (c.org_id = site.org_id))))));

CREATE POLICY tenant ON public.telling USING (public.sees(NULL::integer, owner_id));

CREATE POLICY tenant ON public.ticket USING ((public.sees(org_id, dealer_id) OR public.serves_device(device_id))) WITH CHECK (public.sees(org_id, dealer_id));

CREATE POLICY tenant ON public.ticket_alert USING ((public.sees(org_id, dealer_id) OR public.serves_ticket(ticket_id))) WITH CHECK (public.sees(org_id, dealer_id));

CREATE POLICY tenant ON public.ticket_event USING (
CASE event
    WHEN 'telling-given-up'::text THEN public.sees(NULL::integer, dealer_id)
    ELSE (public.sees(org_id, dealer_id) OR public.serves_ticket(ticket_id))
END) WITH CHECK ((public.sees(org_id, dealer_id) AND (EXISTS ( SELECT
   FROM public.ticket t
  WHERE ((t.id = ticket_event.ticket_id) AND ((t.org_id = ticket_event.org_id) AND (t.dealer_id = ticket_event.dealer_id)))))));

CREATE POLICY tenant ON public.ticket_evidence USING ((public.sees(org_id, dealer_id) OR public.serves_ticket(ticket_id)));

CREATE POLICY tenant ON public.ticket_evidence_event USING ((public.sees(org_id, dealer_id) OR public.serves_ticket(ticket_id)));

CREATE POLICY tenant ON public.ticket_repair USING ((public.sees(org_id, dealer_id) OR public.serves_device(device_id))) WITH CHECK ((public.sees(org_id, dealer_id) AND (EXISTS ( SELECT
   FROM public.ticket t
  WHERE ((t.id = ticket_repair.ticket_id) AND ((t.org_id = ticket_repair.org_id) AND (t.dealer_id = ticket_repair.dealer_id) AND (t.device_id = ticket_repair.device_id) AND (t.family = ticket_repair.family)))))));

ALTER TABLE public.ticket ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_alert ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_evidence ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_evidence_event ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ticket_repair ENABLE ROW LEVEL SECURITY;

GRANT ALL ON SCHEMA public TO steth_view;
GRANT USAGE ON SCHEMA public TO steth_ingest;
GRANT USAGE ON SCHEMA public TO steth_api;
GRANT USAGE ON SCHEMA public TO steth_jobs;

REVOKE ALL ON FUNCTION public.account_by_name(login text, OUT id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT password_hash text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.account_by_name(login text, OUT id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT password_hash text) TO steth_api;

REVOKE ALL ON FUNCTION public.add_hospital(hospital text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_hospital(hospital text) TO steth_api;

REVOKE ALL ON FUNCTION public.audit_head(org integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.audit_head(org integer) TO steth_api;

REVOKE ALL ON FUNCTION public.authenticate(token_hash bytea, now timestamp with time zone, OUT token_id integer, OUT account_id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.authenticate(token_hash bytea, now timestamp with time zone, OUT token_id integer, OUT account_id integer, OUT name text, OUT role text, OUT org_id integer, OUT org text, OUT version integer, OUT password_made boolean, OUT expires_at timestamp with time zone) TO steth_api;

REVOKE ALL ON FUNCTION public.begin_service(device integer, since timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.change_dealer(device integer, at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.change_dealer(device integer, at timestamp with time zone) TO steth_jobs;

REVOKE ALL ON FUNCTION public.drop_piece(whole text, begins timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.drop_piece(whole text, begins timestamp with time zone) TO steth_jobs;

GRANT SELECT ON TABLE public.keeping TO steth_ingest;
GRANT SELECT ON TABLE public.keeping TO steth_jobs;

REVOKE ALL ON FUNCTION public.leave_box() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.make_piece(whole text, begins timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_piece(whole text, begins timestamp with time zone) TO steth_jobs;

REVOKE ALL ON FUNCTION public.note_dropped(of_level integer, before timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.note_dropped(of_level integer, before timestamp with time zone) TO steth_jobs;

REVOKE ALL ON FUNCTION public.number_tickets(ids bigint[], days date[], blocks integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.number_tickets(ids bigint[], days date[], blocks integer[]) TO steth_ingest;
GRANT ALL ON FUNCTION public.number_tickets(ids bigint[], days date[], blocks integer[]) TO steth_jobs;
GRANT ALL ON FUNCTION public.number_tickets(ids bigint[], days date[], blocks integer[]) TO steth_api;

REVOKE ALL ON FUNCTION public.only_dealer() FROM PUBLIC;
GRANT ALL ON FUNCTION public.only_dealer() TO steth_api;

REVOKE ALL ON FUNCTION public.rename_service(devices integer[]) FROM PUBLIC;

GRANT SELECT ON TABLE public.installation TO steth_ingest;
GRANT SELECT ON TABLE public.installation TO steth_api;
GRANT SELECT ON TABLE public.installation TO steth_jobs;

REVOKE ALL ON FUNCTION public.sees_metric(metric integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.sees_metric(metric integer) TO steth_api;

REVOKE ALL ON FUNCTION public.serves_device(device integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.serves_device(device integer) TO steth_api;
GRANT ALL ON FUNCTION public.serves_device(device integer) TO steth_view;
GRANT ALL ON FUNCTION public.serves_device(device integer) TO steth_ingest;
GRANT ALL ON FUNCTION public.serves_device(device integer) TO steth_jobs;

REVOKE ALL ON FUNCTION public.serves_ticket(ticket bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.serves_ticket(ticket bigint) TO steth_api;
GRANT ALL ON FUNCTION public.serves_ticket(ticket bigint) TO steth_view;
GRANT ALL ON FUNCTION public.serves_ticket(ticket bigint) TO steth_ingest;
GRANT ALL ON FUNCTION public.serves_ticket(ticket bigint) TO steth_jobs;

REVOKE ALL ON FUNCTION public.serving_dealers() FROM PUBLIC;
GRANT ALL ON FUNCTION public.serving_dealers() TO steth_api;
GRANT ALL ON FUNCTION public.serving_dealers() TO steth_view;
GRANT ALL ON FUNCTION public.serving_dealers() TO steth_ingest;
GRANT ALL ON FUNCTION public.serving_dealers() TO steth_jobs;

REVOKE ALL ON FUNCTION public.settle_installation(put_back boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.settle_installation(put_back boolean) TO steth_ingest;
GRANT ALL ON FUNCTION public.settle_installation(put_back boolean) TO steth_api;
GRANT ALL ON FUNCTION public.settle_installation(put_back boolean) TO steth_jobs;

REVOKE ALL ON FUNCTION public.tell(told jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell(told jsonb) TO steth_ingest;
GRANT ALL ON FUNCTION public.tell(told jsonb) TO steth_jobs;

REVOKE ALL ON FUNCTION public.tell_own(told jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_own(told jsonb) TO steth_api;

REVOKE ALL ON FUNCTION public.tickets_ending(number text, most integer, OUT id bigint, OUT device_id integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tickets_ending(number text, most integer, OUT id bigint, OUT device_id integer) TO steth_api;

REVOKE ALL ON FUNCTION public.works_alone(org integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.works_alone(org integer) TO steth_api;

GRANT SELECT(id) ON TABLE public.account TO steth_api;

GRANT SELECT(org_id),INSERT(org_id) ON TABLE public.account TO steth_api;

GRANT SELECT(name),INSERT(name) ON TABLE public.account TO steth_api;

GRANT SELECT(role),INSERT(role),UPDATE(role) ON TABLE public.account TO steth_api;

GRANT INSERT(password_hash),UPDATE(password_hash) ON TABLE public.account TO steth_api;

GRANT SELECT(active),UPDATE(active) ON TABLE public.account TO steth_api;

GRANT SELECT(created_at) ON TABLE public.account TO steth_api;

GRANT SELECT(version),UPDATE(version) ON TABLE public.account TO steth_api;

GRANT SELECT(last_login_at),UPDATE(last_login_at) ON TABLE public.account TO steth_api;

GRANT SELECT(password_made),INSERT(password_made),UPDATE(password_made) ON TABLE public.account TO steth_api;

GRANT SELECT(org_kind),INSERT(org_kind) ON TABLE public.account TO steth_api;

GRANT SELECT,INSERT,UPDATE ON TABLE public.alert TO steth_ingest;
GRANT SELECT ON TABLE public.alert TO steth_api;
GRANT SELECT,DELETE ON TABLE public.alert TO steth_jobs;

GRANT INSERT ON TABLE public.alert_event TO steth_api;
GRANT INSERT ON TABLE public.alert_event TO steth_ingest;
GRANT DELETE ON TABLE public.alert_event TO steth_jobs;
GRANT SELECT ON TABLE public.alert_event TO steth_view;

GRANT SELECT(ctid) ON TABLE public.alert_event TO steth_jobs;

GRANT SELECT(id) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(xid) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(alert_id) ON TABLE public.alert_event TO steth_jobs;
GRANT SELECT(alert_id) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(device_id) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(org_id) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(at) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(learned_at) ON TABLE public.alert_event TO steth_jobs;
GRANT SELECT(learned_at) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(event) ON TABLE public.alert_event TO steth_api;

GRANT SELECT(dealer_id) ON TABLE public.alert_event TO steth_api;

GRANT SELECT,INSERT ON TABLE public.alert_operator TO steth_api;
GRANT DELETE ON TABLE public.alert_operator TO steth_jobs;

GRANT SELECT(alert_id) ON TABLE public.alert_operator TO steth_jobs;

GRANT UPDATE(state) ON TABLE public.alert_operator TO steth_api;

GRANT UPDATE(actor) ON TABLE public.alert_operator TO steth_api;

GRANT UPDATE(note) ON TABLE public.alert_operator TO steth_api;

GRANT UPDATE(at) ON TABLE public.alert_operator TO steth_api;

GRANT UPDATE(version) ON TABLE public.alert_operator TO steth_api;

GRANT DELETE ON TABLE public.api_token TO steth_jobs;

GRANT SELECT(ctid) ON TABLE public.api_token TO steth_jobs;

GRANT SELECT(id) ON TABLE public.api_token TO steth_api;

GRANT SELECT(account_id),INSERT(account_id) ON TABLE public.api_token TO steth_api;

GRANT INSERT(hash) ON TABLE public.api_token TO steth_api;

GRANT SELECT(label),INSERT(label) ON TABLE public.api_token TO steth_api;

GRANT SELECT(created_at),INSERT(created_at) ON TABLE public.api_token TO steth_api;

GRANT SELECT(expires_at) ON TABLE public.api_token TO steth_jobs;
GRANT SELECT(expires_at),INSERT(expires_at) ON TABLE public.api_token TO steth_api;

GRANT SELECT(revoked_at) ON TABLE public.api_token TO steth_jobs;
GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.api_token TO steth_api;

GRANT SELECT(kind),INSERT(kind) ON TABLE public.api_token TO steth_api;

GRANT SELECT(address),INSERT(address) ON TABLE public.api_token TO steth_api;

GRANT SELECT,INSERT ON TABLE public.audit TO steth_api;
GRANT SELECT ON TABLE public.audit TO steth_jobs;

GRANT SELECT ON TABLE public.audit_chain TO steth_api;
GRANT SELECT ON TABLE public.audit_chain TO steth_jobs;

GRANT UPDATE(signed) ON TABLE public.audit_chain TO steth_jobs;

GRANT SELECT,INSERT,DELETE ON TABLE public.box TO steth_ingest;
GRANT SELECT ON TABLE public.box TO steth_api;

GRANT UPDATE(last_seen) ON TABLE public.box TO steth_ingest;

GRANT SELECT,INSERT ON TABLE public.clientele TO steth_api;

GRANT SELECT ON TABLE public.command TO steth_api;
GRANT SELECT,INSERT ON TABLE public.command TO steth_ingest;
GRANT SELECT,INSERT,DELETE ON TABLE public.command TO steth_jobs;

GRANT UPDATE(sent_at) ON TABLE public.command TO steth_jobs;

GRANT UPDATE(status) ON TABLE public.command TO steth_ingest;
GRANT UPDATE(status) ON TABLE public.command TO steth_jobs;

GRANT UPDATE(replied_at) ON TABLE public.command TO steth_ingest;

GRANT UPDATE(reason) ON TABLE public.command TO steth_ingest;

GRANT UPDATE(verdict) ON TABLE public.command TO steth_ingest;

GRANT SELECT,DELETE ON TABLE public.contact TO steth_api;

GRANT INSERT(org_id) ON TABLE public.contact TO steth_api;

GRANT INSERT(site_id),UPDATE(site_id) ON TABLE public.contact TO steth_api;

GRANT INSERT(name),UPDATE(name) ON TABLE public.contact TO steth_api;

GRANT INSERT(part),UPDATE(part) ON TABLE public.contact TO steth_api;

GRANT INSERT(phone),UPDATE(phone) ON TABLE public.contact TO steth_api;

GRANT INSERT(hours),UPDATE(hours) ON TABLE public.contact TO steth_api;

GRANT INSERT(night),UPDATE(night) ON TABLE public.contact TO steth_api;

GRANT UPDATE(version) ON TABLE public.contact TO steth_api;

GRANT SELECT,INSERT ON TABLE public.dead_letter TO steth_ingest;
GRANT DELETE ON TABLE public.dead_letter TO steth_jobs;

GRANT SELECT(ctid) ON TABLE public.dead_letter TO steth_jobs;

GRANT SELECT(partition) ON TABLE public.dead_letter TO steth_jobs;

GRANT SELECT(device_id) ON TABLE public.dead_letter TO steth_jobs;

GRANT UPDATE(at) ON TABLE public.dead_letter TO steth_ingest;
GRANT SELECT(at) ON TABLE public.dead_letter TO steth_jobs;

GRANT UPDATE(count) ON TABLE public.dead_letter TO steth_ingest;
GRANT SELECT(count) ON TABLE public.dead_letter TO steth_jobs;

GRANT SELECT,INSERT ON TABLE public.device TO steth_api;
GRANT SELECT ON TABLE public.device TO steth_view;

GRANT SELECT(id) ON TABLE public.device TO steth_ingest;
GRANT SELECT(id) ON TABLE public.device TO steth_jobs;

GRANT SELECT(uid) ON TABLE public.device TO steth_ingest;
GRANT SELECT(uid) ON TABLE public.device TO steth_jobs;

GRANT SELECT(org_id) ON TABLE public.device TO steth_ingest;
GRANT SELECT(org_id) ON TABLE public.device TO steth_jobs;

GRANT SELECT(site_id) ON TABLE public.device TO steth_ingest;
GRANT SELECT(site_id) ON TABLE public.device TO steth_jobs;
GRANT UPDATE(site_id) ON TABLE public.device TO steth_api;

GRANT SELECT(partition) ON TABLE public.device TO steth_ingest;

GRANT SELECT(model) ON TABLE public.device TO steth_ingest;
GRANT SELECT(model) ON TABLE public.device TO steth_jobs;

GRANT SELECT(name) ON TABLE public.device TO steth_ingest;
GRANT SELECT(name) ON TABLE public.device TO steth_jobs;
GRANT UPDATE(name) ON TABLE public.device TO steth_api;

GRANT UPDATE(department) ON TABLE public.device TO steth_api;

GRANT SELECT(serial),UPDATE(serial) ON TABLE public.device TO steth_ingest;
GRANT UPDATE(serial) ON TABLE public.device TO steth_api;

GRANT SELECT(status) ON TABLE public.device TO steth_ingest;
GRANT SELECT(status) ON TABLE public.device TO steth_jobs;
GRANT UPDATE(status) ON TABLE public.device TO steth_api;

GRANT UPDATE(code_hash) ON TABLE public.device TO steth_api;

GRANT UPDATE(code_expires_at) ON TABLE public.device TO steth_api;

GRANT SELECT(enrolled_at) ON TABLE public.device TO steth_ingest;
GRANT UPDATE(enrolled_at) ON TABLE public.device TO steth_api;

GRANT SELECT(inventory),UPDATE(inventory) ON TABLE public.device TO steth_ingest;

GRANT UPDATE(version) ON TABLE public.device TO steth_api;

GRANT SELECT(changed_xid) ON TABLE public.device TO steth_ingest;

GRANT SELECT(dealer_id) ON TABLE public.device TO steth_ingest;
GRANT SELECT(dealer_id) ON TABLE public.device TO steth_jobs;

GRANT SELECT(box_id),UPDATE(box_id) ON TABLE public.device TO steth_ingest;
GRANT UPDATE(box_id) ON TABLE public.device TO steth_api;

GRANT UPDATE(asset_number) ON TABLE public.device TO steth_api;

GRANT UPDATE(registration_number) ON TABLE public.device TO steth_api;

GRANT UPDATE(udi) ON TABLE public.device TO steth_api;

GRANT UPDATE(made_on) ON TABLE public.device TO steth_api;

GRANT UPDATE(in_use_since) ON TABLE public.device TO steth_api;

GRANT UPDATE(use_until) ON TABLE public.device TO steth_api;

GRANT UPDATE(retired_at) ON TABLE public.device TO steth_api;

GRANT UPDATE(retired_reason) ON TABLE public.device TO steth_api;

GRANT SELECT,INSERT ON TABLE public.device_event TO steth_ingest;
GRANT SELECT,DELETE ON TABLE public.device_event TO steth_jobs;
GRANT SELECT ON TABLE public.device_event TO steth_view;

GRANT SELECT ON TABLE public.gap TO steth_view;
GRANT INSERT ON TABLE public.gap TO steth_ingest;
GRANT SELECT,INSERT,DELETE ON TABLE public.gap TO steth_jobs;

GRANT UPDATE(said) ON TABLE public.gap TO steth_jobs;

GRANT SELECT ON TABLE public.device_gap TO steth_api;

GRANT SELECT ON TABLE public.mark TO steth_view;
GRANT SELECT,INSERT,UPDATE ON TABLE public.mark TO steth_ingest;
GRANT SELECT ON TABLE public.mark TO steth_jobs;

GRANT SELECT ON TABLE public.device_mark TO steth_api;

GRANT SELECT,INSERT ON TABLE public.metric TO steth_ingest;
GRANT SELECT ON TABLE public.metric TO steth_view;
GRANT SELECT ON TABLE public.metric TO steth_jobs;

GRANT SELECT ON TABLE public.reading TO steth_view;
GRANT SELECT,INSERT ON TABLE public.reading TO steth_ingest;
GRANT SELECT ON TABLE public.reading TO steth_jobs;

GRANT SELECT ON TABLE public.device_reading TO steth_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.device_refusal TO steth_ingest;
GRANT SELECT ON TABLE public.device_refusal TO steth_api;

GRANT SELECT ON TABLE public.device_state TO steth_api;
GRANT SELECT,INSERT,UPDATE ON TABLE public.device_state TO steth_ingest;

GRANT SELECT(device_id) ON TABLE public.device_state TO steth_jobs;

GRANT SELECT(lane) ON TABLE public.device_state TO steth_jobs;

GRANT SELECT(interval_s) ON TABLE public.device_state TO steth_jobs;

GRANT SELECT(seen_at) ON TABLE public.device_state TO steth_jobs;

GRANT SELECT(heartbeat) ON TABLE public.device_state TO steth_jobs;

GRANT SELECT,INSERT,DELETE ON TABLE public.idempotency TO steth_api;
GRANT DELETE ON TABLE public.idempotency TO steth_jobs;

GRANT SELECT(ctid) ON TABLE public.idempotency TO steth_jobs;

GRANT SELECT(at) ON TABLE public.idempotency TO steth_jobs;

GRANT SELECT ON TABLE public.partition_lease TO steth_view;
GRANT SELECT,UPDATE ON TABLE public.partition_lease TO steth_ingest;
GRANT SELECT ON TABLE public.partition_lease TO steth_jobs;

GRANT SELECT ON TABLE public.ingest_partition TO steth_api;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ingest_process TO steth_ingest;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.job TO steth_jobs;

GRANT SELECT,INSERT ON TABLE public.org TO steth_api;
GRANT SELECT ON TABLE public.org TO steth_jobs;

GRANT SELECT(id) ON TABLE public.org TO steth_ingest;

GRANT UPDATE(name) ON TABLE public.org TO steth_api;

GRANT SELECT(prefix) ON TABLE public.org TO steth_ingest;
GRANT UPDATE(prefix) ON TABLE public.org TO steth_api;

GRANT UPDATE(version) ON TABLE public.org TO steth_api;

GRANT SELECT,INSERT ON TABLE public.org_metric TO steth_ingest;

GRANT SELECT ON TABLE public.partition TO steth_ingest;

GRANT UPDATE(generation) ON TABLE public.partition TO steth_ingest;

GRANT SELECT ON TABLE public.reading_1d TO steth_view;
GRANT SELECT,INSERT,UPDATE ON TABLE public.reading_1d TO steth_jobs;

GRANT SELECT ON TABLE public.reading_1h TO steth_view;
GRANT SELECT,INSERT,UPDATE ON TABLE public.reading_1h TO steth_jobs;

GRANT SELECT ON TABLE public.reading_1m TO steth_view;
GRANT SELECT,INSERT,UPDATE ON TABLE public.reading_1m TO steth_jobs;

GRANT INSERT ON TABLE public.reading_aside TO steth_ingest;
GRANT DELETE ON TABLE public.reading_aside TO steth_jobs;

GRANT SELECT(id) ON TABLE public.reading_aside TO steth_jobs;

GRANT SELECT(received_at) ON TABLE public.reading_aside TO steth_jobs;

GRANT SELECT,INSERT,DELETE ON TABLE public.recent_digest TO steth_ingest;

GRANT SELECT,INSERT,UPDATE ON TABLE public.recipient TO steth_api;
GRANT SELECT ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(rest_from) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(rest_until) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(told_at) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(failing_since) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(failures) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(error) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(error_params) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(test_state) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(test_at) ON TABLE public.recipient TO steth_jobs;

GRANT UPDATE(head_told_at) ON TABLE public.recipient TO steth_jobs;

GRANT SELECT ON TABLE public.remote_session TO steth_api;
GRANT INSERT ON TABLE public.remote_session TO steth_ingest;
GRANT INSERT ON TABLE public.remote_session TO steth_jobs;

GRANT UPDATE(state) ON TABLE public.remote_session TO steth_api;

GRANT UPDATE(version) ON TABLE public.remote_session TO steth_api;

GRANT SELECT,DELETE ON TABLE public.restored_device TO steth_jobs;

GRANT SELECT ON TABLE public.rollup TO steth_ingest;
GRANT SELECT ON TABLE public.rollup TO steth_view;
GRANT SELECT ON TABLE public.rollup TO steth_jobs;

GRANT UPDATE(watermark) ON TABLE public.rollup TO steth_jobs;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rollup_aside TO steth_jobs;

GRANT INSERT ON TABLE public.rollup_dirty TO steth_ingest;
GRANT SELECT,INSERT,DELETE ON TABLE public.rollup_dirty TO steth_jobs;

GRANT SELECT ON TABLE public.schema_version TO steth_ingest;
GRANT SELECT ON TABLE public.schema_version TO steth_api;
GRANT SELECT ON TABLE public.schema_version TO steth_jobs;

GRANT SELECT ON TABLE public.seen_alert_event TO steth_api;

GRANT SELECT ON TABLE public.seen_device_event TO steth_api;

GRANT SELECT ON TABLE public.seen_metric TO steth_api;

GRANT INSERT ON TABLE public.ticket_event TO steth_api;
GRANT INSERT ON TABLE public.ticket_event TO steth_ingest;
GRANT SELECT,INSERT ON TABLE public.ticket_event TO steth_jobs;
GRANT SELECT ON TABLE public.ticket_event TO steth_view;

GRANT SELECT(id) ON TABLE public.ticket_event TO steth_api;

GRANT SELECT(xid) ON TABLE public.ticket_event TO steth_api;

GRANT SELECT(ticket_id) ON TABLE public.ticket_event TO steth_api;

GRANT SELECT(org_id) ON TABLE public.ticket_event TO steth_api;

GRANT SELECT(at) ON TABLE public.ticket_event TO steth_api;

GRANT SELECT(event) ON TABLE public.ticket_event TO steth_api;

GRANT SELECT(dealer_id) ON TABLE public.ticket_event TO steth_api;

GRANT SELECT ON TABLE public.seen_ticket_event TO steth_api;

GRANT SELECT ON TABLE public.ticket_repair TO steth_view;
GRANT INSERT ON TABLE public.ticket_repair TO steth_api;

GRANT SELECT ON TABLE public.seen_ticket_repair TO steth_api;

GRANT SELECT ON TABLE public.series_1d TO steth_api;

GRANT SELECT ON TABLE public.series_1h TO steth_api;

GRANT SELECT ON TABLE public.series_1m TO steth_api;

GRANT SELECT ON TABLE public.service TO steth_view;
GRANT SELECT ON TABLE public.service TO steth_api;

GRANT SELECT ON TABLE public.service_change TO steth_jobs;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.service_change TO steth_api;

GRANT SELECT ON TABLE public.shown_device TO steth_api;

GRANT SELECT ON TABLE public.site TO steth_ingest;
GRANT SELECT,INSERT ON TABLE public.site TO steth_api;
GRANT SELECT ON TABLE public.site TO steth_jobs;

GRANT UPDATE(name) ON TABLE public.site TO steth_api;

GRANT UPDATE(time_zone) ON TABLE public.site TO steth_api;

GRANT UPDATE(address) ON TABLE public.site TO steth_api;

GRANT UPDATE(version) ON TABLE public.site TO steth_api;

GRANT SELECT ON TABLE public.telling TO steth_api;
GRANT SELECT,DELETE ON TABLE public.telling TO steth_jobs;

GRANT UPDATE(state) ON TABLE public.telling TO steth_jobs;

GRANT UPDATE(attempts) ON TABLE public.telling TO steth_jobs;

GRANT UPDATE(next_at) ON TABLE public.telling TO steth_jobs;

GRANT UPDATE(told_at) ON TABLE public.telling TO steth_jobs;

GRANT UPDATE(error) ON TABLE public.telling TO steth_jobs;

GRANT UPDATE(refused) ON TABLE public.telling TO steth_jobs;

GRANT UPDATE(error_params) ON TABLE public.telling TO steth_jobs;

GRANT SELECT,INSERT ON TABLE public.ticket TO steth_api;
GRANT SELECT,INSERT ON TABLE public.ticket TO steth_ingest;
GRANT SELECT ON TABLE public.ticket TO steth_jobs;

GRANT UPDATE(site_id) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(severity) ON TABLE public.ticket TO steth_ingest;
GRANT UPDATE(severity) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(status) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(closed_at) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(evidence_frozen_at) ON TABLE public.ticket TO steth_jobs;

GRANT UPDATE(version) ON TABLE public.ticket TO steth_ingest;
GRANT UPDATE(version) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(evidence_readings) ON TABLE public.ticket TO steth_jobs;

GRANT UPDATE(evidence_cut) ON TABLE public.ticket TO steth_jobs;

GRANT UPDATE(evidence_next_at) ON TABLE public.ticket TO steth_jobs;

GRANT UPDATE(holder) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(repaired_by) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(arrived_at) ON TABLE public.ticket TO steth_api;

GRANT UPDATE(reported_at) ON TABLE public.ticket TO steth_api;

GRANT SELECT,INSERT ON TABLE public.ticket_alert TO steth_ingest;
GRANT SELECT ON TABLE public.ticket_alert TO steth_api;
GRANT SELECT ON TABLE public.ticket_alert TO steth_jobs;

GRANT SELECT ON TABLE public.ticket_evidence TO steth_api;
GRANT INSERT ON TABLE public.ticket_evidence TO steth_jobs;

GRANT SELECT ON TABLE public.ticket_evidence_event TO steth_api;
GRANT INSERT ON TABLE public.ticket_evidence_event TO steth_jobs;

GRANT SELECT,INSERT,DELETE ON TABLE public.to_judge TO steth_ingest;

GRANT SELECT(at) ON TABLE public.to_judge TO steth_jobs;

GRANT UPDATE(error) ON TABLE public.to_judge TO steth_ingest;

GRANT UPDATE(attempts) ON TABLE public.to_judge TO steth_ingest;
