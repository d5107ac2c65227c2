-- Version 1. Times are in microseconds since 1970. Ids of events and endpoints are text, and ids
-- of deliveries and tokens have 16 bytes. A time that is NULL never comes.
--
-- STRICT refuses values of the wrong type, which an index would not find in their place. A CHECK
-- refuses a wrong value that would hide its row from every reader. Any other value that cannot
-- be read is noticed when its row is read, and affects only that row. Rows of endpoints are read
-- field by field, and need neither.

-- The settings that apply to every client of the file: one row.
CREATE TABLE hookpost_schema (version INTEGER NOT NULL, payload_max INTEGER NOT NULL) STRICT;
INSERT INTO hookpost_schema (version, payload_max) VALUES (1, 1048576);

-- Each row is written once. `event` is its place in the order of events, replays and endpoints,
-- which all take their numbers from this table's row of `sqlite_sequence`. No number is used
-- twice, even after the newest event was removed. `encoding` is 'base64' if the host's own SQL
-- gave the payload as base64 text, which is decoded when it is read.
CREATE TABLE hookpost_event (
  event INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  not_before INTEGER,
  expires_at INTEGER,
  scope TEXT,
  idempotency_key TEXT,
  ordering_key TEXT,
  trace TEXT,
  content_type TEXT NOT NULL,
  encoding TEXT,
  payload BLOB NOT NULL,
  CHECK (event > 0)
) STRICT;
-- Keeps `event` unchanged: after the largest possible number, no event could be stored.
CREATE TRIGGER hookpost_event_number BEFORE UPDATE OF event ON hookpost_event
BEGIN
  SELECT RAISE(ABORT, 'hookpost: an event keeps its number');
END;
INSERT INTO sqlite_sequence (name, seq) VALUES ('hookpost_event', 0);
CREATE UNIQUE INDEX hookpost_event_id ON hookpost_event (tenant, id);
CREATE UNIQUE INDEX hookpost_event_idempotency ON hookpost_event (tenant, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

-- The state of an event that is not routed yet. `due_at` is its due time, or the end of its lease
-- if `token` is set. It is NULL while the event is parked behind an unrouted event of its
-- ordering key; `prior_due` is then its later due time. `unheard` is 1 until an engine has seen an
-- event that the host's own SQL published.
CREATE TABLE hookpost_routing (
  event INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  due_at INTEGER,
  prior_due INTEGER NOT NULL,
  token BLOB,
  after TEXT,
  ordering_key TEXT,
  unheard INTEGER NOT NULL DEFAULT 0 CHECK (unheard IN (0, 1)),
  CHECK (due_at IS NOT NULL OR ordering_key IS NOT NULL),
  CHECK (token IS NULL OR due_at IS NOT NULL)
) STRICT;
CREATE INDEX hookpost_routing_due ON hookpost_routing (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX hookpost_routing_tenant ON hookpost_routing (tenant, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX hookpost_routing_key ON hookpost_routing (tenant, ordering_key)
  WHERE ordering_key IS NOT NULL;

-- Events that no endpoint wanted. Only retention uses this table.
CREATE TABLE hookpost_unmatched (event INTEGER PRIMARY KEY, created_at INTEGER NOT NULL) STRICT;
CREATE INDEX hookpost_unmatched_created ON hookpost_unmatched (created_at);

-- `state` is 0 pending, 1 delivered, 2 failed, 3 cancelled; `why` adds what the word in `reason`
-- does not say. `due_at` is the due time, or the end of the lease if `token` is set. It is NULL
-- if the delivery has ended, or is parked behind an earlier one of its ordering key. `prior_due`
-- is the due time that a release restores, and the later due time of a parked delivery.
-- `tried_at` is the end of the last attempt while the delivery waits for a retry, and NULL
-- otherwise. `orphaned` is 1 if the endpoint was removed while the delivery was leased: it is not
-- tried again. `born` is the place in the order of the replay that made the delivery; NULL means
-- the place of its event.
CREATE TABLE hookpost_delivery (
  delivery INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  tenant TEXT NOT NULL,
  event INTEGER NOT NULL,
  lane INTEGER NOT NULL,
  round TEXT NOT NULL,
  test INTEGER NOT NULL,
  state INTEGER NOT NULL,
  reason TEXT,
  why TEXT,
  due_at INTEGER,
  token BLOB,
  prior_due INTEGER NOT NULL,
  claimed_at INTEGER,
  alone INTEGER NOT NULL,
  silent INTEGER NOT NULL,
  silent_alone INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  first_attempt_at INTEGER,
  born_at INTEGER NOT NULL,
  born INTEGER,
  settled_at INTEGER,
  ordering_key TEXT,
  tried_at INTEGER,
  orphaned INTEGER NOT NULL DEFAULT 0,
  CHECK (state BETWEEN 0 AND 3),
  CHECK (state <> 0 OR due_at IS NOT NULL OR ordering_key IS NOT NULL),
  CHECK (state NOT BETWEEN 1 AND 3 OR (due_at IS NULL AND token IS NULL)),
  CHECK (token IS NULL OR due_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX hookpost_delivery_id ON hookpost_delivery (id);
CREATE INDEX hookpost_delivery_tenant ON hookpost_delivery (tenant, id);
CREATE INDEX hookpost_delivery_event ON hookpost_delivery (event, id);
-- Indexes for what people often look for. Of 26 us of CPU per delivery over 1,000 lanes, the
-- first costs nothing for deliveries that succeed, and the second costs 0.3. An index of
-- (lane, id) over all states would cost 4.5.
CREATE INDEX hookpost_delivery_unsuccessful ON hookpost_delivery (tenant, state, id)
  WHERE state >= 2;
CREATE INDEX hookpost_delivery_pending ON hookpost_delivery (lane, id) WHERE state = 0;
-- A row is in one of these two indexes, and moves to the other when it is leased or released.
-- Their last columns are those of their conditions, so that the rows need not be read.
CREATE INDEX hookpost_delivery_due ON hookpost_delivery (lane, due_at, event, id, token)
  WHERE due_at IS NOT NULL AND token IS NULL;
CREATE INDEX hookpost_delivery_leased ON hookpost_delivery (lane, due_at, event, id, token, test)
  WHERE token IS NOT NULL;
-- Deliveries that wait for a retry, by their last attempt, for a lane that catches up. A delivery
-- that succeeds at once is never in it.
CREATE INDEX hookpost_delivery_tried ON hookpost_delivery (lane, tried_at, due_at, event, id, token)
  WHERE tried_at IS NOT NULL AND due_at IS NOT NULL;
CREATE INDEX hookpost_delivery_silent ON hookpost_delivery (due_at)
  WHERE silent > 0 AND due_at IS NOT NULL;
CREATE INDEX hookpost_delivery_key ON hookpost_delivery (lane, ordering_key, event)
  WHERE ordering_key IS NOT NULL AND state = 0;
CREATE INDEX hookpost_delivery_settled ON hookpost_delivery (state, settled_at)
  WHERE settled_at IS NOT NULL;

-- One row per lease with an attempt. `fault` is a word if there was no `status`.
CREATE TABLE hookpost_attempt (
  delivery INTEGER NOT NULL,
  token BLOB NOT NULL,
  number INTEGER NOT NULL,
  began_at INTEGER NOT NULL,
  took INTEGER NOT NULL,
  status INTEGER,
  fault TEXT,
  success INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (delivery, token)
) STRICT, WITHOUT ROWID;

-- One row per silent lease.
CREATE TABLE hookpost_silent_lease (
  delivery INTEGER NOT NULL,
  claimed_at INTEGER NOT NULL,
  token BLOB NOT NULL,
  PRIMARY KEY (delivery, claimed_at, token)
) STRICT, WITHOUT ROWID;

-- One row per endpoint that has or had a delivery or a gate. `turn` orders lanes that are ready at
-- the same moment: a lane that was served goes to the back. `deliveries` counts its deliveries in
-- any state: the lane of a removed endpoint goes with the last of them. A delivery that waits and
-- was last tried by `tried_by` may be sent `catch_up_gap` after that attempt.
CREATE TABLE hookpost_lane (
  lane INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  tenant TEXT NOT NULL,
  host TEXT NOT NULL,
  paused INTEGER NOT NULL,
  held_until INTEGER,
  ready_at INTEGER,
  turn INTEGER NOT NULL,
  deliveries INTEGER NOT NULL,
  width INTEGER NOT NULL,
  proven INTEGER NOT NULL,
  streak INTEGER NOT NULL,
  version INTEGER NOT NULL,
  failing_since INTEGER,
  failing_last INTEGER,
  failing_from INTEGER,
  failing_counts INTEGER,
  tried_by INTEGER,
  catch_up_gap INTEGER,
  registration INTEGER NOT NULL DEFAULT 0,
  renewal INTEGER NOT NULL DEFAULT 0,
  CHECK (length(endpoint) BETWEEN 1 AND 128 AND endpoint NOT GLOB '*[^!-~]*'),
  CHECK (length(tenant) BETWEEN 1 AND 128 AND tenant NOT GLOB '*[^!-~]*'),
  CHECK (proven IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX hookpost_lane_endpoint ON hookpost_lane (endpoint);
CREATE INDEX hookpost_lane_ready ON hookpost_lane (tenant, proven, ready_at, turn, endpoint)
  WHERE ready_at IS NOT NULL;
CREATE INDEX hookpost_lane_tenant ON hookpost_lane (tenant);
CREATE INDEX hookpost_lane_host ON hookpost_lane (host);

-- One row per tenant with proven lanes that are ready at some time, and one per tenant with such
-- doubtful lanes. The lanes of a line share their turns, so a tenant with many lanes is not served
-- earlier than a tenant with one. `ready_at` is never later than that of any of the line's lanes.
-- A line that was served goes behind those that wait.
CREATE TABLE hookpost_line (
  tenant TEXT NOT NULL,
  doubtful INTEGER NOT NULL,
  ready_at INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  CHECK (doubtful IN (0, 1)),
  PRIMARY KEY (tenant, doubtful)
) STRICT, WITHOUT ROWID;
CREATE INDEX hookpost_line_ready ON hookpost_line (doubtful, ready_at, turn, tenant);

-- Holds and pauses of tenants, and holds of hosts.
CREATE TABLE hookpost_gate (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  paused INTEGER NOT NULL,
  held_until INTEGER,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX hookpost_gate_paused ON hookpost_gate (paused) WHERE paused = 1;
CREATE INDEX hookpost_gate_held ON hookpost_gate (held_until) WHERE held_until IS NOT NULL;

-- `endpoint` is the place in the order of events at which the id was registered. It is never used
-- twice, so it and `version` always identify the same content. `renewal` counts how often the
-- endpoint began anew: with a new URL, with a new secret, or by being enabled. `sealed` holds
-- secrets and header values as the cipher of `key_id` sealed them, bound to `endpoint` and to
-- `sealed_version`, the version of the write that contained them. `began` is the endpoint's place
-- in the order of events; `since` is for people to read.
CREATE TABLE hookpost_endpoint (
  endpoint INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  profile TEXT NOT NULL,
  key_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  subscription TEXT NOT NULL,
  overrides TEXT NOT NULL,
  width INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  disabled_why TEXT,
  since INTEGER NOT NULL,
  version INTEGER NOT NULL,
  sealed_version INTEGER NOT NULL,
  renewal INTEGER NOT NULL DEFAULT 0,
  began INTEGER NOT NULL
);
CREATE UNIQUE INDEX hookpost_endpoint_id ON hookpost_endpoint (id);
CREATE INDEX hookpost_endpoint_tenant ON hookpost_endpoint (tenant, id);
CREATE INDEX hookpost_endpoint_url ON hookpost_endpoint (tenant, url, id);

-- The store's time, as the processes on the file agreed on it: one row. Times of the monotonic
-- clock count from the start of the machine that `boot` identifies. `zero` is the store's time at
-- that start, and `written` is when the row was written. `doubt_zero` is the value that a wall
-- clock has shown for `zero` since `doubt_since`. If the present time began far from the one
-- before, `gap_seen` is the last moment seen of that. If it began by a move, `moved_from` is the
-- last moment of the time before, and `moved_at` is when it moved.
CREATE TABLE hookpost_time (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  boot TEXT NOT NULL,
  zero INTEGER NOT NULL,
  written INTEGER NOT NULL,
  doubt_zero INTEGER,
  doubt_since INTEGER,
  doubt_noted INTEGER,
  gap_seen INTEGER,
  gap_began INTEGER,
  moved_from INTEGER,
  moved_at INTEGER
) STRICT;

-- Granted request starts, each until no limit that it was granted under counts it.
CREATE TABLE hookpost_start (
  scope TEXT NOT NULL,
  of TEXT NOT NULL,
  start_by INTEGER NOT NULL,
  starts INTEGER NOT NULL,
  counts_until INTEGER NOT NULL,
  PRIMARY KEY (scope, of, start_by)
) STRICT, WITHOUT ROWID;
CREATE INDEX hookpost_start_spent ON hookpost_start (counts_until);

-- Endpoints that were granted less than they asked for under a shared limit. Each row stays until
-- its endpoint is granted everything, or does not ask for long.
CREATE TABLE hookpost_waiter (
  scope TEXT NOT NULL,
  of TEXT NOT NULL,
  window_us INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  tenant TEXT NOT NULL,
  wanted INTEGER NOT NULL,
  since INTEGER NOT NULL,
  served_at INTEGER,
  comes_at INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  PRIMARY KEY (scope, of, window_us, endpoint)
) STRICT, WITHOUT ROWID;
CREATE INDEX hookpost_waiter_comes ON hookpost_waiter (comes_at);
