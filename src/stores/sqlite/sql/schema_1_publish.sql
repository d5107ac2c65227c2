-- `INSERT INTO hookpost_publish (event) VALUES (?1)` publishes an event from any client of the
-- file, inside that client's own transaction. The trigger uses only functions and syntax of
-- SQLite 3.38: a client whose SQLite cannot read this trigger cannot read the host's tables.
--
-- Before 3.47 RAISE takes only a literal. An error that names the given value is therefore made
-- with an invalid JSON path: SQLite's message quotes the path.
CREATE VIEW hookpost_publish (event) AS SELECT NULL WHERE 0;
CREATE TRIGGER hookpost_publish_insert INSTEAD OF INSERT ON hookpost_publish BEGIN
  SELECT RAISE(ABORT, 'hookpost: event must be the text of one JSON object')
  WHERE CASE WHEN typeof(NEW.event) <> 'text' THEN 1 WHEN NOT json_valid(NEW.event) THEN 1
    ELSE json_type(NEW.event) <> 'object' END;

  SELECT json_extract('{}', 'hookpost: key ' || substr(key, 1, 64) || ': is unknown; known are id, tenant, '
    || 'type, payload, payload_base64, content_type, scope, ordering_key, idempotency_key, created_at, '
    || 'not_before and expires_at')
  FROM json_each(NEW.event)
  WHERE key NOT IN ('id', 'tenant', 'type', 'payload', 'payload_base64', 'content_type', 'scope',
    'ordering_key', 'idempotency_key', 'created_at', 'not_before', 'expires_at');

  SELECT json_extract('{}', 'hookpost: key ' || key || ': must occur once')
  FROM json_each(NEW.event) GROUP BY key HAVING count(*) > 1;

  SELECT json_extract('{}', 'hookpost: key ' || wanted || ': is missing')
  FROM (SELECT 'tenant' AS wanted UNION ALL SELECT 'type')
  WHERE wanted NOT IN (SELECT key FROM json_each(NEW.event) WHERE type <> 'null');

  SELECT RAISE(ABORT, 'hookpost: key payload: exactly one of payload and payload_base64 must be there')
  WHERE (SELECT count(*) FROM json_each(NEW.event)
    WHERE key IN ('payload', 'payload_base64') AND type <> 'null') <> 1;

  SELECT json_extract('{}', 'hookpost: key ' || key || ': must be 1 to 128 visible ASCII characters'
    || CASE key WHEN 'id' THEN ', none of them a dot'
      WHEN 'type' THEN ', none of them an asterisk' ELSE '' END)
  FROM json_each(NEW.event)
  WHERE key IN ('id', 'tenant', 'type', 'scope', 'ordering_key', 'idempotency_key')
    AND type <> 'null'
    AND (type <> 'text' OR length(value) NOT BETWEEN 1 AND 128 OR value GLOB '*[^!-~]*'
      OR instr(value, char(0)) OR (key = 'id' AND instr(value, '.'))
      OR (key = 'type' AND instr(value, '*')));

  SELECT RAISE(ABORT, 'hookpost: key content_type: must be 1 to 128 printable ASCII characters')
  FROM json_each(NEW.event)
  WHERE key = 'content_type' AND type <> 'null'
    AND (type <> 'text' OR length(value) NOT BETWEEN 1 AND 128 OR value GLOB '*[^ -~]*'
      OR instr(value, char(0)));

  SELECT RAISE(ABORT, 'hookpost: key payload: must be a text: a JSON string, which holds the JSON of the payload escaped')
  FROM json_each(NEW.event) WHERE key = 'payload' AND type NOT IN ('null', 'text');

  SELECT RAISE(ABORT, 'hookpost: key payload_base64: must be padded standard base64')
  FROM json_each(NEW.event)
  WHERE key = 'payload_base64' AND type <> 'null'
    AND (type <> 'text' OR length(value) % 4 OR instr(value, char(0))
      OR rtrim(value, '=') GLOB '*[^A-Za-z0-9+/]*'
      OR length(value) - length(rtrim(value, '=')) > 2);

  SELECT json_extract('{}', 'hookpost: key ' || key || ': ' || size || ' bytes exceed the limit of '
    || payload_max)
  FROM hookpost_schema, (SELECT key, CASE key WHEN 'payload' THEN length(CAST(value AS BLOB))
      ELSE length(value) / 4 * 3 - (length(value) - length(rtrim(value, '='))) END AS size
    FROM json_each(NEW.event) WHERE key IN ('payload', 'payload_base64') AND type = 'text')
  WHERE size > payload_max;

  SELECT json_extract('{}', 'hookpost: key ' || key
    || ': must be an RFC 3339 moment such as 2025-01-15T10:30:00Z')
  FROM (SELECT key, value, type, zone,
      substr(value, 20, length(value) - 19 - length(zone)) AS fraction
    FROM (SELECT key, value, type, ltrim(substr(value, 20), '.0123456789') AS zone
      FROM json_each(NEW.event)))
  WHERE key IN ('created_at', 'not_before', 'expires_at') AND type <> 'null'
    AND (type <> 'text' OR instr(value, char(0)) OR length(value) > 40
      OR substr(value, 1, 19) NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][Tt ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]'
      OR substr(value, 12, 2) > '23'
      OR (fraction <> '' AND (fraction NOT GLOB '.[0-9]*' OR instr(substr(fraction, 2), '.')))
      OR (zone NOT IN ('Z', 'z') AND zone NOT GLOB '[+-][0-9][0-9]:[0-9][0-9]')
      OR coalesce(strftime('%Y-%m-%d', substr(value, 1, 10)), '') <> substr(value, 1, 10)
      OR strftime('%s', substr(value, 1, 10) || 'T' || substr(value, 12, 8) || zone) IS NULL);

  -- An id or idempotency key that is there already has the same content, and nothing is
  -- written; or it has another, which is an error. Content is all but the id and the creation.
  -- Payloads are compared as they are stored, so a text is another content than base64.
  INSERT INTO hookpost_event (tenant, id, kind, created_at, not_before, expires_at, scope,
    idempotency_key, ordering_key, content_type, encoding, payload)
  SELECT given.tenant, coalesce(given.id, lower(hex(randomblob(16)))), given.kind,
    coalesce(given.created_at, strftime('%s', 'now') * 1000000
      + CAST(substr(strftime('%f', 'now'), 4, 3) AS INTEGER) * 1000),
    given.not_before, given.expires_at, given.scope, given.idempotency_key, given.ordering_key,
    given.content_type, given.encoding, given.payload
  FROM (SELECT
      max(CASE key WHEN 'id' THEN value END) AS id,
      max(CASE key WHEN 'tenant' THEN value END) AS tenant,
      max(CASE key WHEN 'type' THEN value END) AS kind,
      max(CASE WHEN key = 'payload_base64' AND type = 'text' THEN 'base64' END) AS encoding,
      CAST(max(CASE WHEN key IN ('payload', 'payload_base64') THEN value END) AS BLOB) AS payload,
      coalesce(max(CASE key WHEN 'content_type' THEN value END), 'application/json') AS content_type,
      max(CASE key WHEN 'scope' THEN value END) AS scope,
      max(CASE key WHEN 'ordering_key' THEN value END) AS ordering_key,
      max(CASE key WHEN 'idempotency_key' THEN value END) AS idempotency_key,
      max(CASE key WHEN 'created_at' THEN micros END) AS created_at,
      max(CASE key WHEN 'not_before' THEN micros END) AS not_before,
      max(CASE key WHEN 'expires_at' THEN micros END) AS expires_at
    FROM (SELECT key, type, value, CASE WHEN key IN ('created_at', 'not_before', 'expires_at') THEN
        strftime('%s', substr(value, 1, 10) || 'T' || substr(value, 12, 8) || zone) * 1000000
        + CAST(substr(substr(value, 21, max(0, length(value) - 20 - length(zone))) || '000000', 1, 6)
          AS INTEGER) END AS micros
      FROM (SELECT key, type, value, ltrim(substr(value, 20), '.0123456789') AS zone
        FROM json_each(NEW.event)))) AS given
  LEFT JOIN hookpost_event AS there ON there.event = coalesce(
    (SELECT event FROM hookpost_event AS named
      WHERE named.tenant = given.tenant AND named.id = given.id),
    (SELECT event FROM hookpost_event AS named
      WHERE named.tenant = given.tenant AND named.idempotency_key = given.idempotency_key))
  WHERE CASE WHEN there.event IS NULL THEN 1
    WHEN there.kind = given.kind AND there.content_type = given.content_type
      AND there.scope IS given.scope AND there.idempotency_key IS given.idempotency_key
      AND there.ordering_key IS given.ordering_key AND there.not_before IS given.not_before
      AND there.expires_at IS given.expires_at AND there.trace IS NULL
      AND there.encoding IS given.encoding AND there.payload = given.payload THEN 0
    ELSE json_extract('{}', 'hookpost: key '
      || CASE WHEN there.id = given.id THEN 'id' ELSE 'idempotency_key' END
      || ': was used for another content, by event ' || there.id) END;

  SELECT RAISE(ABORT, 'hookpost: key expires_at: must be after the event may first be sent')
  FROM hookpost_event
  WHERE changes() > 0 AND event = last_insert_rowid()
    AND expires_at <= max(created_at, coalesce(not_before, created_at));

  INSERT INTO hookpost_routing (event, tenant, ordering_key, unheard, due_at, prior_due)
  SELECT event, tenant, ordering_key, 1,
    CASE WHEN ordering_key IS NULL OR NOT EXISTS (SELECT 1 FROM hookpost_routing AS older
      WHERE older.tenant = stored.tenant
        AND older.ordering_key = stored.ordering_key) THEN moment END,
    moment
  FROM (SELECT event, tenant, ordering_key, min(created_at, strftime('%s', 'now') * 1000000
      + CAST(substr(strftime('%f', 'now'), 4, 3) AS INTEGER) * 1000) AS moment
    FROM hookpost_event WHERE event = last_insert_rowid()) AS stored
  WHERE changes() > 0;
END;
