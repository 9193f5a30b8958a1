/* SQL of the SQLite driver, all of it but the schema: one line per statement, all prepared at start,
 * so that a typo stops the first test and not the first message. */
#ifndef STORE_SQLITE_STMT_H
#define STORE_SQLITE_STMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/driver.h"

struct arena;
struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_value;

#define LINK_SELECT \
	"SELECT l.id, l.bridge, l.person, l.generation, l.customers, l.agents," \
	" l.first_c, l.first_a, l.flags, c.remote, c.ref, c.state, c.closed_at," \
	" a.remote, a.ref, a.state, a.closed_at, c.asked, a.asked, l.wanted," \
	" c.asked_at, a.asked_at, l.used FROM link l" \
	" LEFT JOIN thread c ON c.id = l.customers LEFT JOIN thread a ON a.id = l.agents "
#define DELIVERY_SELECT \
	"SELECT id, lane, link, bridge, pos, state, attempt, claimed, due, expires," \
	" step, part, flags, carry, reason, remote_id FROM delivery "
#define PERSON_SELECT "SELECT id, identity, remote, address, name, email, phone FROM person "
#define MEDIA_SELECT "SELECT id, event, n, state, sha, size, type, name, why FROM media "
#define LANE_SELECT "SELECT id, endpoint, person, contact, address, flags FROM lane "

#define WHO_SELECT "SELECT id, endpoint, identity, remote, address, name, email, phone FROM person "

#define MADE_SELECT \
	"SELECT m.remote, t.remote FROM idmap m JOIN event e ON e.id = m.ref >> 4" \
	" LEFT JOIN delivery d ON d.id = m.ref LEFT JOIN link l ON l.id = d.link" \
	" LEFT JOIN thread t ON t.id = l.agents WHERE m.endpoint = ?1 AND m.kind = ?2" \
	" AND m.ref & 15 <> 0 AND m.ref >> 4 > ?3 AND m.ref >> 4 <= ?4 AND e.origin = ?5"

/* No statistics are kept, so SQLite would go through a big table first as soon as through a small one: CROSS JOIN
 * says which comes first. */
#define QUERIES(X) \
	X(BEGIN, "BEGIN") \
	X(BEGIN_WRITE, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
\
	X(META_GET, "SELECT value FROM meta WHERE key = ?") \
	X(META_SET, \
	    "INSERT INTO meta(key, value) VALUES(?, ?)" \
	    " ON CONFLICT DO UPDATE SET value = excluded.value") \
	X(ENDPOINT_GET, "SELECT id, platform, ident FROM endpoint WHERE name = ?") \
	X(ENDPOINT_ADD, "INSERT INTO endpoint(name, platform, ident) VALUES(?, ?, ?)") \
	X(ENDPOINT_IDENT, "UPDATE endpoint SET platform = ?, ident = ? WHERE id = ?") \
	X(ENDPOINT_LINKED, \
	    "SELECT EXISTS(SELECT 1 FROM thread t CROSS JOIN bridge b CROSS JOIN link l" \
	    " ON l.bridge = b.id AND l.customers = t.id WHERE t.endpoint = ?1)" \
	    " OR EXISTS(SELECT 1 FROM thread t JOIN link l ON l.agents = t.id" \
	    " WHERE t.endpoint = ?1)") \
	X(ENDPOINT_MEMO, "SELECT memo FROM endpoint WHERE id = ?") \
	X(ENDPOINT_REMEMBER, "UPDATE endpoint SET memo = ?2 WHERE id = ?1 AND memo IS NOT ?2") \
	X(BRIDGE_GET, "SELECT id, since FROM bridge WHERE name = ?") \
	X(BRIDGE_ADD, "INSERT INTO bridge(name, since) VALUES(?, ?)") \
\
	X(IDMAP_ADD, \
	    "INSERT INTO idmap(endpoint, kind, remote, ref) VALUES(?, ?, ?, ?)" \
	    " ON CONFLICT DO NOTHING") \
	X(IDMAP_GET, "SELECT ref FROM idmap WHERE endpoint = ? AND kind = ? AND remote = ?") \
\
	X(EVENT_LAST, \
	    "SELECT max(coalesce((SELECT max(id) FROM event), 0)," \
	    " coalesce((SELECT max(event) FROM day), 0))") \
	X(EVENT_ADD, \
	    "INSERT INTO event(id, endpoint, thread, kind, origin, at_source, at_here," \
	    " routed, body) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(EVENT_BODY, "SELECT body FROM event WHERE id = ?") \
	X(EVENT_ROUTED, "UPDATE event SET routed = 1 WHERE id = ? AND routed = 0") \
	X(EVENT_IS_ROUTED, "SELECT routed FROM event WHERE id = ?") \
	X(EVENT_UNROUTED, "SELECT id, body FROM event WHERE routed = 0 ORDER BY id") \
	X(EVENT_NEXT, \
	    "SELECT id, at_here, routed, endpoint, origin FROM event WHERE id > ?" \
	    " ORDER BY id LIMIT 1") \
	X(EVENT_AT, "SELECT at_here FROM event WHERE id = ?") \
	X(EVENT_DELETE, "DELETE FROM event WHERE id = ?") \
\
	X(THREAD_GET, \
	    "SELECT id, ref, person, state, version, asked, asked_at, closed_at FROM thread" \
	    " WHERE endpoint = ? AND remote = ?") \
	X(THREAD_ADD, "INSERT INTO thread(endpoint, remote, ref, person) VALUES(?, ?, ?, ?)") \
	X(THREAD_REF, "UPDATE thread SET ref = ? WHERE id = ?") \
	X(THREAD_PERSON, "UPDATE thread SET person = ? WHERE id = ?") \
	X(THREAD_STATE, \
	    "UPDATE thread SET state = ?, version = ?, closed_at = ?, asked = ?, asked_at = ?" \
	    " WHERE id = ?") \
	X(THREAD_ASK, \
	    "UPDATE thread SET asked = ?2, asked_at = 0, closed_at = CASE WHEN ?2 <> ?3 THEN 0" \
	    " WHEN closed_at = 0 THEN ?4 ELSE closed_at END WHERE id = ?1") \
	X(THREAD_ASKED, \
	    "UPDATE thread SET asked_at = ?2 WHERE id = ?1 AND asked <> 0 AND asked_at = 0") \
	X(THREADS_ASKED, \
	    "SELECT endpoint, remote, asked_at FROM thread INDEXED BY thread_asked" \
	    " WHERE asked <> 0 AND asked_at <> 0 ORDER BY id") \
	X(THREAD_UNASK, \
	    "UPDATE thread SET asked = 0, closed_at = CASE WHEN state <> ?3 THEN 0" \
	    " WHEN closed_at = 0 THEN ?2 ELSE closed_at END" \
	    " WHERE id = ?1 AND asked <> 0 AND asked_at = 0") \
\
	X(PERSON_BY_ID, PERSON_SELECT "WHERE id = ?") \
	X(PERSON_BY_IDENTITY, PERSON_SELECT "WHERE identity = ?") \
	X(PERSON_ADD, \
	    "INSERT INTO person(identity, endpoint, remote, address, name, email, phone)" \
	    " VALUES(?, ?, ?, ?, ?, ?, ?)") \
	X(PERSON_SET, \
	    "UPDATE person SET remote = coalesce(?2, remote)," \
	    " address = coalesce(?3, address), name = coalesce(?4, name)," \
	    " email = coalesce(?5, email), phone = coalesce(?6, phone) WHERE id = ?1") \
\
	X(LANE_BY_ID, LANE_SELECT "WHERE id = ?") \
	X(LANE_BY_PERSON, LANE_SELECT "WHERE endpoint = ? AND person = ?") \
	X(LANE_BY_ADDRESS, \
	    LANE_SELECT "WHERE endpoint = ? AND address = ? ORDER BY id DESC LIMIT 1") \
	X(LANE_ADD, "INSERT INTO lane(endpoint, person, address) VALUES(?, ?, ?)") \
	X(LANE_SET, \
	    "UPDATE lane SET contact = ?, address = ?, flags = flags & ~1 | ? WHERE id = ?") \
\
	X(LINK_BY_ID, LINK_SELECT "WHERE l.id = ?") \
	X(LINK_BY_KEY, LINK_SELECT "WHERE l.bridge = ? AND l.customers = ? AND l.generation = ?") \
	X(LINK_BY_PAIR, \
	    LINK_SELECT "WHERE l.bridge = ? AND l.customers = ? AND l.agents = ?" \
			" ORDER BY l.id DESC LIMIT 1") \
	X(LINK_BY_CUSTOMERS, \
	    LINK_SELECT "WHERE l.bridge = ? AND l.customers = ?" \
			" ORDER BY l.generation DESC LIMIT 1") \
	X(LINK_BY_AGENTS, \
	    LINK_SELECT "WHERE l.bridge = ? AND l.agents = ?" \
			" ORDER BY l.id DESC LIMIT 1") \
	X(LINK_BY_PERSON, \
	    LINK_SELECT "WHERE l.bridge = ? AND l.person = ?" \
			" ORDER BY l.id DESC LIMIT 1") \
	X(LINK_ADD, \
	    "INSERT INTO link(bridge, person, customers, generation, agents, first_c, first_a)" \
	    " VALUES(?, ?, ?, ?, ?, ?, ?)") \
	X(LINK_NEXT_GENERATION, \
	    "SELECT coalesce(max(generation), 0) + 1 FROM link" \
	    " WHERE bridge = ? AND customers = ?") \
	X(LINK_AGENTS, "UPDATE link SET agents = ?2 WHERE id = ?1 AND agents IS NOT ?2") \
	X(LINK_CUSTOMERS, \
	    "UPDATE link SET customers = ?2, generation = max(generation, (SELECT" \
	    " coalesce(max(o.generation), 0) + 1 FROM link o" \
	    " WHERE o.bridge = link.bridge AND o.customers = ?2))" \
	    " WHERE id = ?1 AND customers IS NOT ?2") \
	X(LINK_FLAGS, "UPDATE link SET flags = flags | ?2 WHERE id = ?1 AND flags & ?2 <> ?2") \
	X(LINK_ADOPT, \
	    "UPDATE link SET agents = ?2, generation = max(generation, ?3)," \
	    " first_a = coalesce(first_a, ?4) WHERE id = ?1") \
	X(THREAD_IS_PAIRED, \
	    "SELECT EXISTS(SELECT 1 FROM thread t JOIN link l ON l.agents = t.id" \
	    " WHERE t.endpoint = ? AND t.remote = ?)") \
	X(THREAD_BEGAN, \
	    "SELECT l.first_a FROM thread t" \
	    " JOIN link l ON l.agents = t.id WHERE t.endpoint = ?1 AND t.remote = ?2 AND l.flags & ?3 <> 0" \
	    " UNION ALL SELECT l.first_c FROM thread t CROSS JOIN bridge b CROSS JOIN link l" \
	    " ON l.bridge = b.id AND l.customers = t.id" \
	    " WHERE t.endpoint = ?1 AND t.remote = ?2 AND l.flags & ?3 <> 0 LIMIT 1") \
	X(PARKED_IN_THREAD, \
	    "SELECT d.id FROM delivery d INDEXED BY delivery_parked JOIN event e ON e.id = d.id >> 4" \
	    " WHERE d.state = 11 AND d.bridge = ?1 AND d.link IS NULL AND e.thread = ?2" \
	    " AND d.reason = ?3 ORDER BY d.id LIMIT ?4") \
	X(LINK_WANTED, "UPDATE link SET wanted = ?2 WHERE id = ?1 AND wanted <> ?2") \
	X(LINK_IS_LEFT, \
	    "SELECT EXISTS(SELECT 1 FROM link o WHERE o.bridge = l.bridge AND o.customers = l.customers" \
	    " AND o.generation > l.generation) OR EXISTS(SELECT 1 FROM link o" \
	    " WHERE o.agents = l.agents AND o.bridge = l.bridge AND o.id > l.id)" \
	    " FROM link l WHERE l.id = ?") \
	X(LANE_OPENING, \
	    "SELECT l.id FROM delivery d INDEXED BY delivery_pending JOIN link l ON l.id = d.link" \
	    " WHERE d.lane = ? AND d.state < 10 AND l.bridge = ? AND l.agents IS NULL" \
	    " ORDER BY d.pos LIMIT 1") \
	X(LINK_FIRST_C, "UPDATE link SET first_c = ?2 WHERE id = ?1 AND first_c IS NULL") \
	X(LINK_FIRST_A, "UPDATE link SET first_a = ?2 WHERE id = ?1 AND first_a IS NULL") \
\
	X(DELIVERY_ADD, \
	    "INSERT INTO delivery(id, lane, link, bridge, pos, state, attempt, owner," \
	    " claimed, expires, flags, carry, reason) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(DELIVERY_GET, DELIVERY_SELECT "WHERE id = ?") \
	X(DELIVERY_FIRST, \
	    "SELECT state FROM delivery WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1") \
	X(DELIVERY_KEPT, \
	    "SELECT 1 FROM delivery WHERE id BETWEEN ? AND ?" \
	    " AND (state < 10 OR state = 11) LIMIT 1") \
	X(DELIVERY_HEAD, \
	    "SELECT id, state, due FROM delivery WHERE lane = ? AND state < 10" \
	    " AND NOT EXISTS(SELECT 1 FROM control c WHERE c.is_bridge = 1" \
	    " AND c.id = delivery.bridge AND c.control = 1)" \
	    " ORDER BY pos LIMIT 1") \
	X(DELIVERY_CLAIM, \
	    "UPDATE delivery SET state = ?, attempt = attempt + 1, owner = ?," \
	    " claimed = ? WHERE id = ?") \
	X(DELIVERY_STEP, "UPDATE delivery SET step = ?, part = ?, carry = ? WHERE id = ?") \
	X(DELIVERY_PLACE, "SELECT lane, link, bridge, flags FROM delivery WHERE id = ?") \
	X(DELIVERY_SETTLE, \
	    "UPDATE delivery SET state = ?2, due = ?3, step = ?4, part = ?5," \
	    " reason = ?6, why = ?7, remote_id = coalesce(?8, remote_id)," \
	    " carry = CASE ?2 WHEN 10 THEN NULL ELSE carry END," \
	    " ended = CASE WHEN ?2 < 10 THEN 0 ELSE ?9 END WHERE id = ?1") \
	X(DELIVERY_SHIFT, \
	    "UPDATE delivery SET expires = expires + ? WHERE state < 10 AND expires <> 0") \
	X(DELIVERY_NOT_OVER, \
	    "SELECT count(*) FROM delivery INDEXED BY delivery_pending WHERE state < 10") \
	X(DELIVERY_PENDING, \
	    "SELECT lane, state, due, id FROM delivery INDEXED BY delivery_pending" \
	    " WHERE state < 10 ORDER BY lane, pos") \
\
	X(STATUS_PENDING, \
	    "SELECT bridge, flags, id FROM delivery INDEXED BY delivery_pending WHERE state < 10") \
	X(STATUS_PARKED, \
	    "SELECT bridge, flags & 4, reason, count(*) FROM delivery" \
	    " INDEXED BY delivery_parked WHERE state = 11 GROUP BY 1, 2, 3 ORDER BY 3, 1, 2") \
	X(TALLY_GET, \
	    "SELECT bridge, side, sum(delivered) FROM tally WHERE hour > ? GROUP BY 1, 2") \
	X(TALLY_ADD, \
	    "INSERT INTO tally(bridge, side, hour, delivered) VALUES(?, ?, ?, ?)" \
	    " ON CONFLICT DO UPDATE SET delivered = delivered + excluded.delivered") \
	X(TALLY_DELETE, "DELETE FROM tally WHERE hour <= ?") \
	X(STATUS_BRIDGES, "SELECT id FROM bridge ORDER BY id") \
	X(PROBE, \
	    "INSERT INTO meta(key, value) VALUES('probed', ?)" \
	    " ON CONFLICT DO UPDATE SET value = excluded.value") \
\
	X(RAW_ADD, \
	    "INSERT INTO raw(endpoint, at, reason, offset, headers, body)" \
	    " VALUES(?, ?, ?, ?, ?, ?)") \
	X(RAW_TRIM, \
	    "DELETE FROM raw WHERE endpoint = ?1 AND id <= (SELECT id FROM raw" \
	    " WHERE endpoint = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)") \
	X(RAW_COUNTS, "SELECT endpoint, count(*) FROM raw GROUP BY 1") \
	X(RAW_NEXT, "SELECT id, endpoint, at FROM raw WHERE id > ? ORDER BY id LIMIT 1") \
	X(CALLBACK_ADD, "INSERT INTO callback(endpoint, at, headers, body) VALUES(?, ?, ?, ?)") \
	X(CALLBACK_OF_ADD, \
	    "INSERT INTO callback_of(callback, n, endpoint, remote, conversation)" \
	    " VALUES(?, ?, ?, ?, ?)") \
	X(CALLBACK_OF, \
	    "SELECT c.headers, c.body FROM callback_of o JOIN callback c ON c.id = o.callback" \
	    " WHERE o.endpoint = ? AND o.remote = ? ORDER BY c.id LIMIT 1") \
	X(CALLBACK_NEXT, "SELECT id, endpoint, at FROM callback WHERE id > ? ORDER BY id LIMIT 1") \
	X(CALLBACK_DELETE, "DELETE FROM callback WHERE id = ?") \
	X(CALLBACK_OF_DELETE, "DELETE FROM callback_of WHERE callback = ?") \
\
	X(DELIVERIES_OVER, \
	    "SELECT bridge, state >= 10 AND state <> 11 FROM delivery WHERE id BETWEEN ? AND ?") \
	X(DELIVERY_NEXT, "SELECT id FROM delivery WHERE id > ? ORDER BY id LIMIT 1") \
	X(ERRAND_FIRM, \
	    "SELECT 1 FROM errand WHERE event = ?1 AND due = 1 AND (firm = 1 OR step = ?2)") \
	X(MIGRATION_ACTIVE, \
	    "SELECT first FROM migration WHERE state IN (?, ?, ?, ?) ORDER BY first LIMIT 1") \
	X(DAY_ADD, \
	    "INSERT INTO day(day, event) VALUES(?, ?)" \
	    " ON CONFLICT DO UPDATE SET event = max(event, excluded.event)") \
	X(DAY_BEFORE, "SELECT event FROM day WHERE day < ? ORDER BY day DESC LIMIT 1") \
	X(LINK_NEXT, \
	    "SELECT id, bridge, person, customers, agents, used FROM link WHERE id > ?" \
	    " ORDER BY id LIMIT 1") \
	X(LINK_NEWEST, "SELECT max(id) FROM link") \
	X(LINK_USED, "UPDATE link SET used = ?2 WHERE id = ?1 AND used < ?2") \
	X(LINK_DELETE, "DELETE FROM link WHERE id = ?") \
	X(LINK_MOVING, \
	    "SELECT 1 FROM migration WHERE bridge = ? AND state IN (0, 1, 2, 6) LIMIT 1") \
	X(LINK_IS_PARKED, \
	    "SELECT 1 FROM delivery d INDEXED BY delivery_parked LEFT JOIN lane l ON l.id = d.lane" \
	    " LEFT JOIN event e ON e.id = d.id >> 4 LEFT JOIN thread t ON t.id = e.thread" \
	    " WHERE d.state = 11 AND (d.link = ?1 OR l.person = ?2 OR t.person = ?2) LIMIT 1") \
	X(PERSON_IS_BUSY, \
	    "SELECT 1 FROM endpoint CROSS JOIN lane l ON l.endpoint = endpoint.id AND l.person = ?" \
	    " CROSS JOIN delivery d INDEXED BY delivery_pending ON d.lane = l.id AND d.state < 10 LIMIT 1") \
	X(THREADS_UNROUTED, \
	    "SELECT 1 FROM event e INDEXED BY event_unrouted LEFT JOIN thread t ON t.id = e.thread" \
	    " WHERE e.routed = 0 AND (e.thread IN (?1, ?2) OR t.person = ?3) LIMIT 1") \
	X(THREAD_IS_LINKED, \
	    "SELECT 1 FROM link WHERE agents = ?1 UNION ALL SELECT 1 FROM bridge b CROSS JOIN link l" \
	    " ON l.bridge = b.id AND l.customers = ?1 LIMIT 1") \
	X(QUESTION_OF_THREAD, \
	    "DELETE FROM question WHERE endpoint = (SELECT endpoint FROM thread WHERE id = ?1)" \
	    " AND conversation = (SELECT remote FROM thread WHERE id = ?1)") \
	X(FACT_OF_THREAD, "DELETE FROM fact WHERE subject = ? AND place = 0") \
	X(THREAD_DELETE, "DELETE FROM thread WHERE id = ? AND id < (SELECT max(id) FROM thread)") \
	X(PERSON_IS_LINKED, \
	    "SELECT 1 FROM bridge b CROSS JOIN link l ON l.bridge = b.id AND l.person = ? LIMIT 1") \
	X(FACT_OF_PERSON, "DELETE FROM fact WHERE subject = ? AND place <> 0") \
	X(ALIAS_OF_PERSON, \
	    "DELETE FROM alias WHERE (endpoint, now) IN (SELECT l.endpoint, l.contact FROM endpoint" \
	    " CROSS JOIN lane l ON l.endpoint = endpoint.id AND l.person = ?" \
	    " WHERE l.contact IS NOT NULL)") \
	X(LANE_OF_PERSON, \
	    "DELETE FROM lane WHERE id IN (SELECT l.id FROM endpoint CROSS JOIN lane l" \
	    " ON l.endpoint = endpoint.id AND l.person = ?) AND id < (SELECT max(id) FROM lane)") \
	X(THREADS_OF_PERSON, \
	    "DELETE FROM thread WHERE person = ? AND id < (SELECT max(id) FROM thread)") \
	X(PERSON_DELETE, "DELETE FROM person WHERE id = ? AND id < (SELECT max(id) FROM person)") \
	X(MIRROR_OF_LINK, "DELETE FROM mirror WHERE link = ?") \
	X(WHO_EMAIL, \
	    WHO_SELECT "WHERE lower(email) = lower(?1) OR id IN (SELECT subject FROM fact" \
		       " WHERE place <> 0 AND (lower(json_extract(seen, '$.email')) = lower(?1)" \
		       " OR lower(json_extract(ours, '$.email')) = lower(?1))) ORDER BY id") \
	X(WHO_PHONE, \
	    WHO_SELECT "WHERE identity = 'tel:' || ?1 OR '+' || ltrim(replace(replace(replace(" \
		       "replace(replace(phone, ' ', ''), '-', ''), '(', ''), ')', ''), '.', '')," \
		       " '+') = ?1 ORDER BY id") \
	X(WHO_ID, \
	    WHO_SELECT \
	    "WHERE (endpoint = ?2 AND ?1 IN (remote, address)) OR id IN (SELECT person" \
	    " FROM lane WHERE endpoint = ?2 AND (contact = ?1 OR address = ?1)) ORDER BY id") \
	X(LANES_OF, \
	    "SELECT l.id, l.endpoint, l.contact, l.address FROM endpoint CROSS JOIN lane l" \
	    " ON l.endpoint = endpoint.id AND l.person = ?") \
	X(TALKS_OF, \
	    "SELECT id, endpoint, remote, ref, state FROM thread WHERE id IN (SELECT id FROM thread" \
	    " WHERE person = ?1 UNION SELECT l.customers FROM bridge b CROSS JOIN link l" \
	    " ON l.bridge = b.id AND l.person = ?1 UNION SELECT l.agents FROM bridge b" \
	    " CROSS JOIN link l" \
	    " ON l.bridge = b.id AND l.person = ?1)") \
	X(LINKS_OF, \
	    "SELECT l.id FROM bridge b CROSS JOIN link l ON l.bridge = b.id AND l.person = ?") \
	X(FACTS_OF, \
	    "SELECT place, seen, ours, was FROM fact WHERE subject = ?1 AND (place <> 0) = ?2") \
	X(EVENT_THREADS, "SELECT id, thread FROM event WHERE id > ? ORDER BY id LIMIT ?") \
	X(MEDIA_OF_EVENT, "SELECT id, sha, size FROM media WHERE event = ?") \
	X(DELIVERIES_WAITING, \
	    "SELECT state FROM delivery WHERE id BETWEEN ? AND ? AND (state < 10 OR state = 11)") \
	X(DELIVERY_ERASE, \
	    "UPDATE delivery SET carry = NULL, why = NULL," \
	    " ended = CASE WHEN state < 10 OR state = 11 THEN ?3 ELSE ended END," \
	    " state = CASE WHEN state < 10 OR state = 11 THEN 12 ELSE state END" \
	    " WHERE id BETWEEN ?1 AND ?2") \
	X(DELIVERY_PLACES, \
	    "SELECT id, lane, link, why IS NOT NULL OR carry IS NOT NULL OR state < 10 OR state = 11" \
	    " FROM delivery WHERE id > ? ORDER BY id LIMIT ?") \
	X(RAW_BODIES, "SELECT id, body FROM raw WHERE id > ? ORDER BY id LIMIT ?") \
	X(CALLBACK_BODIES, "SELECT id, body FROM callback WHERE id > ? ORDER BY id LIMIT ?") \
	X(CALLBACK_TALKS, \
	    "SELECT endpoint, conversation FROM callback_of WHERE callback = ?" \
	    " AND conversation IS NOT NULL") \
	X(TALK_MOVING, \
	    "SELECT 1 FROM migration m CROSS JOIN migration_item i ON i.migration = m.id AND i.remote = ?" \
	    " WHERE i.state = 0 AND m.state IN (?, ?) LIMIT 1") \
	X(ITEM_BLANK, \
	    "UPDATE OR REPLACE migration_item SET remote = 'erased:' || ?1 WHERE remote = ?2" \
	    " AND migration IN (SELECT id FROM migration)") \
	X(WISH_BLANK, \
	    "UPDATE migration SET wish = json_set(wish, '$.only', 'erased:')" \
	    " WHERE instr(lower(json_extract(wish, '$.only')), lower(?)) > 0") \
	X(THREAD_BLANK, \
	    "UPDATE thread SET remote = 'erased:' || id, ref = NULL, asked = 0, asked_at = 0" \
	    " WHERE id = ?") \
	X(LANES_BLANK, \
	    "UPDATE lane SET contact = NULL, address = NULL, flags = 0 WHERE id IN (SELECT l.id" \
	    " FROM endpoint CROSS JOIN lane l ON l.endpoint = endpoint.id AND l.person = ?)") \
	X(PERSON_BLANK, \
	    "UPDATE person SET identity = 'erased:' || id, remote = NULL, address = NULL," \
	    " name = NULL, email = NULL, phone = NULL WHERE id = ?") \
	X(IDMAP_FIRST, \
	    "SELECT endpoint, kind, remote, ref FROM idmap ORDER BY endpoint, kind, remote LIMIT 1") \
	X(IDMAP_NEXT, \
	    "SELECT endpoint, kind, remote, ref FROM idmap WHERE (endpoint, kind, remote) > (?, ?, ?)" \
	    " ORDER BY endpoint, kind, remote LIMIT 1") \
	X(IDMAP_DELETE, "DELETE FROM idmap WHERE endpoint = ? AND kind = ? AND remote = ?") \
\
	X(SWEEP_GET, "SELECT done, reached FROM sweep WHERE endpoint = ?") \
	X(SWEEP_SET, \
	    "INSERT INTO sweep(endpoint, done, reached) VALUES(?, ?, ?) ON CONFLICT DO UPDATE" \
	    " SET done = excluded.done, reached = excluded.reached") \
\
	X(PARKED_SCAN, \
	    "SELECT id, bridge, flags, reason, coalesce(why, carry), ended FROM delivery" \
	    " INDEXED BY delivery_parked WHERE state = 11 ORDER BY id DESC") \
	X(RAW_SCAN, "SELECT id, endpoint, at, reason FROM raw ORDER BY id DESC") \
	X(RAW_GET, "SELECT endpoint, at, reason, offset, headers, body FROM raw WHERE id = ?") \
	X(RAW_DROP, "DELETE FROM raw WHERE id = ?") \
	X(MEND_REQUEUE, \
	    "UPDATE delivery SET state = ?2, due = 0, expires = ?3, reason = 0, why = NULL," \
	    " pos = coalesce(?4, pos), ended = 0 WHERE id = ?1") \
	X(MEND_DISCARD, "UPDATE delivery SET state = 12, ended = ?2 WHERE id = ?1") \
	X(DELIVERY_TAKE_BACK, \
	    "UPDATE delivery SET flags = flags | ?4 WHERE id BETWEEN ?1 AND ?2 AND bridge = ?3" \
	    " AND state < 10") \
	X(DELIVERY_IN_BRIDGE, \
	    "SELECT id FROM delivery WHERE id BETWEEN ? AND ? AND bridge = ? AND flags & ? = ?") \
	X(MEND_DELETE, "DELETE FROM delivery WHERE id = ?") \
	X(MEND_FLAG, "UPDATE delivery SET flags = flags | 8 WHERE id = ?") \
	X(DELIVERY_COUNT, "SELECT count(*) FROM delivery WHERE id BETWEEN ? AND ?") \
	X(DELIVERY_ENDED, "SELECT why, ended, flags FROM delivery WHERE id = ?") \
	X(DELIVERY_OF_EVENT, "SELECT id FROM delivery WHERE id BETWEEN ? AND ? ORDER BY id") \
	X(EVENT_UNROUTE, "UPDATE event SET routed = 0 WHERE id = ?") \
	X(LANE_HOLD, "UPDATE lane SET flags = flags | 2 WHERE id = ?") \
	X(LANE_FREE, "UPDATE lane SET flags = flags & ~2 WHERE id = ? AND flags & 2 <> 0") \
	X(LANES_FROM, "SELECT id, endpoint, person, flags FROM lane WHERE id >= ? ORDER BY id") \
	X(LANES_HELD, "SELECT id FROM lane INDEXED BY lane_held WHERE flags & 2 <> 0 ORDER BY id") \
	X(ATTEMPT_ADD, \
	    "INSERT INTO attempt(delivery, n, at, attempt, step, state, reason, why, who)" \
	    " SELECT ?1, coalesce((SELECT max(n) FROM attempt WHERE delivery = ?1), 0) + 1, ?2," \
	    " CASE WHEN ?3 < 0 THEN (SELECT attempt FROM delivery WHERE id = ?1) ELSE ?3 END," \
	    " ?4, ?5, ?6, ?7, ?8") \
	X(ATTEMPT_TRIM, \
	    "DELETE FROM attempt WHERE delivery = ?1" \
	    " AND n <= (SELECT max(n) FROM attempt WHERE delivery = ?1) - ?2") \
	X(ATTEMPTS, \
	    "SELECT at, attempt, step, state, reason, why, who FROM attempt" \
	    " WHERE delivery = ? ORDER BY n") \
	X(ATTEMPT_DELETE, "DELETE FROM attempt WHERE delivery BETWEEN ? AND ?") \
	X(EDIT_GET, "SELECT text, at, who FROM edit WHERE delivery = ?") \
	X(EDIT_SET, \
	    "INSERT INTO edit(delivery, text, at, who) VALUES(?, ?, ?, ?)" \
	    " ON CONFLICT DO UPDATE SET text = excluded.text, at = excluded.at, who = excluded.who") \
	X(EDIT_FOLD, \
	    "INSERT INTO edit(delivery, text, at, who) SELECT id, ?5, ?6, NULL FROM delivery" \
	    " WHERE id BETWEEN ?1 AND ?2 AND bridge = ?3 AND flags & 4 = ?4" \
	    " AND part = 0 AND state IN (0, 2, 11)" \
	    " ON CONFLICT DO UPDATE SET text = excluded.text, at = excluded.at WHERE who IS NULL") \
	X(EDIT_FLAG, \
	    "UPDATE delivery SET flags = flags | 8 WHERE id BETWEEN ?1 AND ?2 AND bridge = ?3" \
	    " AND flags & 4 = ?4 AND part = 0 AND state IN (0, 2, 11)") \
	X(EDIT_DELETE, "DELETE FROM edit WHERE delivery BETWEEN ? AND ?") \
\
	X(CONTROL_SET, \
	    "INSERT INTO control(is_bridge, id, control) VALUES(?, ?, ?)" \
	    " ON CONFLICT DO UPDATE SET control = excluded.control") \
	X(CONTROL_GET, "SELECT control FROM control WHERE is_bridge = ? AND id = ?") \
\
	X(MEDIA_OF, MEDIA_SELECT "WHERE event = ? AND n = ?") \
	X(MEDIA_GET, MEDIA_SELECT "WHERE id = ?") \
	X(MEDIA_ADD, "INSERT INTO media(event, n, at) VALUES(?, ?, ?)") \
	X(MEDIA_SET, \
	    "UPDATE media SET state = ?2, sha = ?3, size = ?4, type = ?5, name = ?6, why = ?7" \
	    " WHERE id = ?1") \
	X(MEDIA_KEEP, "UPDATE media SET keep = ?2 WHERE event = ?1 AND keep < ?2") \
	X(MEDIA_SHARED, "SELECT 1 FROM media WHERE sha = ? LIMIT 1") \
	X(MEDIA_WANTED, "SELECT DISTINCT event FROM media WHERE state = 0 ORDER BY event LIMIT ?") \
	X(MEDIA_BYTES, \
	    "SELECT coalesce(sum(size), 0) FROM (SELECT sha, max(size) AS size FROM media" \
	    " WHERE sha IS NOT NULL GROUP BY sha)") \
	X(MEDIA_NEXT, \
	    "SELECT id, event, sha, size FROM media WHERE id > ? AND keep < ? AND at < ?" \
	    " ORDER BY id LIMIT 1") \
	X(MEDIA_DELETE, "DELETE FROM media WHERE id = ?") \
\
	X(ALARM_SET, \
	    "INSERT OR REPLACE INTO alarm(id, kind, endpoint, bridge, since, raised, reminded, cleared," \
	    " owed, text, next) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(ALARM_TRIM, "DELETE FROM alarm WHERE id <= ? AND cleared <> 0") \
	X(ALARM_COUNT, "SELECT count(*) FROM alarm") \
	X(ALARMS, \
	    "SELECT id, kind, endpoint, bridge, since, raised, reminded, cleared, owed, text, next" \
	    " FROM alarm ORDER BY id") \
	X(HOUR_ADD, "INSERT OR IGNORE INTO heard(endpoint, hour) VALUES(?, ?)") \
	X(HOUR_TRIM, "DELETE FROM heard WHERE endpoint = ? AND hour < ?") \
	X(HOUR_COUNT, "SELECT count(*) FROM heard") \
	X(HOURS, "SELECT endpoint, hour FROM heard ORDER BY endpoint, hour") \
\
	X(ERRAND_GET, \
	    "SELECT delivery, endpoint, state, reason, why, made, due, firm, healed FROM errand" \
	    " WHERE event = ? AND step = ?") \
	X(ERRAND_SET, \
	    "INSERT OR REPLACE INTO errand(event, step, delivery, endpoint, state, reason, why," \
	    " made, due, firm, healed) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") \
	X(ERRAND_SAID, "UPDATE errand SET due = 0 WHERE event = ? AND step = ?") \
	X(ERRAND_DROP, "DELETE FROM errand WHERE event = ? AND step = ?") \
	X(ERRAND_UNDUE, "DELETE FROM errand WHERE event = ? AND step = ? AND due = 1") \
	X(ERRANDS_DUE, \
	    "SELECT event, step, endpoint FROM errand INDEXED BY errand_due WHERE due = 1" \
	    " ORDER BY event") \
	X(ERRAND_DELETE, "DELETE FROM errand WHERE event = ?") \
\
	X(FACT_GET, "SELECT seen, ours, was, version FROM fact WHERE subject = ? AND place = ?") \
	X(FACT_SET, \
	    "INSERT INTO fact(subject, place, seen, ours, was, version) VALUES(?, ?, ?, ?, ?, ?)" \
	    " ON CONFLICT DO UPDATE SET seen = excluded.seen, ours = excluded.ours," \
	    " was = excluded.was, version = excluded.version") \
	X(FACT_MOVE, "UPDATE OR REPLACE fact SET subject = ?3 WHERE subject = ?1 AND place = ?2") \
	X(MIRROR_OWE, \
	    "INSERT INTO mirror(link, side, step, endpoint, seq, made) VALUES(?, ?, ?, ?, 1, ?)" \
	    " ON CONFLICT DO UPDATE SET seq = seq + 1, endpoint = excluded.endpoint") \
	X(MIRROR_GET, "SELECT seq, made FROM mirror WHERE link = ? AND side = ? AND step = ?") \
	X(MIRROR_DROP, "DELETE FROM mirror WHERE link = ? AND side = ? AND step = ?") \
	X(MIRRORS, "SELECT link, side, step, endpoint FROM mirror ORDER BY link") \
	X(PERSON_BY_REMOTE, \
	    PERSON_SELECT "WHERE endpoint = ? AND remote = ? ORDER BY id DESC LIMIT 1") \
	X(LANE_BY_CONTACT, LANE_SELECT "WHERE endpoint = ? AND contact = ? ORDER BY id LIMIT 1") \
	X(LINKS, "SELECT id FROM link WHERE id < ? ORDER BY id DESC LIMIT ?") \
	X(LINKS_BY_REMOTE, \
	    "SELECT id FROM (" \
	    "SELECT k.id FROM thread t JOIN link k ON k.agents = t.id" \
	    " WHERE t.endpoint = ?1 AND t.remote = ?2" \
	    " UNION SELECT k.id FROM thread t JOIN link k ON k.customers = t.id" \
	    " AND k.bridge IN (SELECT id FROM bridge)" \
	    " WHERE t.endpoint = ?1 AND t.remote = ?2" \
	    " UNION SELECT k.id FROM person p CROSS JOIN link k ON k.person = p.id" \
	    " AND k.bridge IN (SELECT id FROM bridge)" \
	    " WHERE p.endpoint = ?1 AND p.remote = ?2" \
	    " UNION SELECT k.id FROM lane n CROSS JOIN link k ON k.person = n.person" \
	    " AND k.bridge IN (SELECT id FROM bridge)" \
	    " WHERE n.endpoint = ?1 AND n.contact = ?2" \
	    ") WHERE id < ?3 ORDER BY id DESC LIMIT ?4") \
	X(LINKS_BY_WHO, \
	    "SELECT k.id FROM person p CROSS JOIN link k ON k.person = p.id" \
	    " AND k.bridge IN (SELECT id FROM bridge)" \
	    " WHERE (p.email = ?1 COLLATE NOCASE OR p.phone = ?1) AND k.id < ?2" \
	    " ORDER BY k.id DESC LIMIT ?3") \
	X(LANE_CONTACT, "UPDATE lane SET contact = ? WHERE id = ?") \
	X(LANE_PERSON, "UPDATE lane SET person = ? WHERE id = ?") \
	X(LANE_IS_BUSY, \
	    "SELECT EXISTS(SELECT 1 FROM delivery INDEXED BY delivery_pending" \
	    " WHERE lane = ? AND state < 10)") \
	X(LINK_PERSON, \
	    "UPDATE link SET person = ?3 WHERE bridge = ?1 AND customers = ?2 AND person <> ?3") \
	X(THREAD_ENDPOINT, "SELECT endpoint FROM thread WHERE id = ?") \
	X(ALIAS_SET, \
	    "INSERT INTO alias(endpoint, kind, remote, now) VALUES(?, ?, ?, ?)" \
	    " ON CONFLICT DO UPDATE SET now = excluded.now") \
\
	X(QUESTION_SET, \
	    "INSERT OR REPLACE INTO question(endpoint, conversation, told, labels, answered)" \
	    " VALUES(?, ?, ?, ?, ?)") \
	X(QUESTION_DELETE, "DELETE FROM question WHERE endpoint = ? AND conversation = ?") \
	X(QUESTION_OLD, "DELETE FROM question WHERE told < ?") \
	X(QUESTION_COUNT, "SELECT count(*) FROM question") \
	X(QUESTIONS, \
	    "SELECT endpoint, conversation, told, labels, answered FROM question ORDER BY told") \
\
	X(MIGRATION_ADD, \
	    "INSERT INTO migration(bridge, state, wish, first, begun) VALUES(?, ?, ?, ?, ?)") \
	X(MIGRATION_SET, \
	    "UPDATE migration SET state = ?2, cursor = ?3, why = ?4, ended = ?5," \
	    " conversations = ?6, read = ?7, written = ?8, failed = ?9, files = ?10," \
	    " skipped = ?11 WHERE id = ?1") \
	X(MIGRATION_COUNT, "SELECT count(*) FROM migration") \
	X(MIGRATIONS, \
	    "SELECT id, bridge, state, wish, cursor, why, first, begun, ended, conversations," \
	    " read, written, failed, files, skipped FROM migration ORDER BY id DESC") \
	X(MIGRATION_ITEM_SET, \
	    "INSERT INTO migration_item(migration, remote, state, read, written, failed, files," \
	    " skipped) VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET" \
	    " state = excluded.state, read = excluded.read, written = excluded.written," \
	    " failed = excluded.failed, files = excluded.files, skipped = excluded.skipped") \
	X(MIGRATION_ITEM_GET, \
	    "SELECT remote, state, read, written, failed, files, skipped FROM migration_item" \
	    " WHERE migration = ? AND remote = ?") \
	X(MIGRATION_ITEM_COUNT, \
	    "SELECT count(*) FROM migration_item WHERE migration = ? AND state <= ?") \
	X(MIGRATION_ITEMS, \
	    "SELECT remote, state, read, written, failed, files, skipped FROM migration_item" \
	    " WHERE migration = ? AND state <= ?") \
	X(MIGRATION_MADE_FIRST, MADE_SELECT " ORDER BY m.remote LIMIT ?6") \
	X(MIGRATION_MADE, MADE_SELECT " AND m.remote > ?7 ORDER BY m.remote LIMIT ?6") \
	X(MIGRATION_ENDED, \
	    "SELECT count(*) FROM migration m CROSS JOIN idmap i" \
	    " ON i.endpoint = ? AND i.kind = ? AND i.remote = m.id || ':' || ? WHERE m.bridge = ?") \
	X(MIGRATION_LINKS, \
	    "SELECT a.remote FROM thread c JOIN link l ON l.bridge = ?1 AND l.customers = c.id" \
	    " JOIN thread a ON a.id = l.agents WHERE c.endpoint = ?2 AND c.remote = ?3" \
	    " ORDER BY l.generation LIMIT ?4") \
	X(MIGRATION_EVENT, "SELECT origin, routed FROM event WHERE id = ?") \
	X(MIGRATION_DELIVERY, "SELECT state FROM delivery WHERE id BETWEEN ? AND ? AND bridge = ?")

enum query {
#define X(name, sql) Q_##name,
	QUERIES(X)
#undef X
	    QUERY_COUNT
};

enum stmt_result { STMT_ROW, STMT_DONE, STMT_ERROR };

struct stmt {
	struct sqlite3_stmt *handle;
	const char *name;
	struct store_failure *failure; /* of the driver: filled by what fails first */
	int at;                        /* parameters bound so far */
	int rc;                        /* first bind that failed */
};

int stmt_prepare_all(struct stmt q[QUERY_COUNT], struct sqlite3 *db, struct store_failure *failure,
    struct err *err);
void stmt_finalize_all(struct stmt q[QUERY_COUNT]);
/* Ends whatever is open, so that a transaction can end. */
void stmt_reset_all(struct stmt q[QUERY_COUNT]);

/* Binds go left to right. Texts and blobs are borrowed until stmt_end, or the next stmt_begin. */
struct stmt *stmt_begin(struct stmt *q);
void stmt_null(struct stmt *q);
void stmt_i64(struct stmt *q, int64_t n);
void stmt_id(struct stmt *q, int64_t id);        /* 0: NULL */
void stmt_text(struct stmt *q, const char *s);   /* NULL: NULL */
void stmt_remote(struct stmt *q, const char *s); /* decimal ids as numbers */
void stmt_blob(struct stmt *q, const void *p, size_t len);
void stmt_value(struct stmt *q, const struct sqlite3_value *v); /* of whatever type */
/* A row that is read to its end is closed by STMT_DONE; else stmt_end. */
enum stmt_result stmt_step(struct stmt *q);
void stmt_end(struct stmt *q);
/* For a statement that gives no row. */
int stmt_run(struct stmt *q);
/* Steps and ends a statement that is only asked whether there is a row, or for one number: 1 with
 * *n, 0 without a row, -1. */
int stmt_number(struct stmt *q, int64_t *n);

int64_t stmt_col_i64(struct stmt *q, int col);
int stmt_col_int(struct stmt *q, int col);
const char *stmt_col_text(struct stmt *q, int col, struct arena *a); /* a copy; NULL stays NULL */
const char *stmt_col_peek(struct stmt *q, int col);                  /* until the next step */
const void *stmt_col_blob(struct stmt *q, int col, size_t *len);     /* until the next step */
struct sqlite3_value *stmt_col_value(struct stmt *q, int col); /* a copy, for sqlite3_value_free */

/* Fills failure from the last error of db, unless something failed before. Returns -1. */
int sqlite_failed(struct sqlite3 *db, struct store_failure *failure, const char *what);

#endif
