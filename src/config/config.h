/* The configuration: read once, checked as a whole, and from then on never changed. A reload makes
 * another one beside it; whoever is still at work with the old one holds a reference. Only the loop
 * takes and drops references. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/mistakes.h"
#include "base/options.h"
#include "core/conf.h"

struct arena;
struct connector;

#define CONFIG_PATH "/etc/tieline/tieline.yaml"
#define SOCKET_PATH "/run/tieline/tieline.sock"

struct tls_conf {
	const char *cert, *key; /* paths; both NULL: no TLS */
};

enum admin_listen { ADMIN_LISTEN_ADDRESS, ADMIN_LISTEN_NONE, ADMIN_LISTEN_SAME };

struct admin_conf {
	enum admin_listen how;
	const char *listen;   /* "host:port"; NULL unless how is ADDRESS */
	const char *socket;   /* NULL: not said, see config_socket */
	const char *password; /* NULL: the status page is off */
	struct secrets token, read_token;
};

struct log_conf {
	enum log_level level;
	enum log_format format;
};

struct media_conf {
	int64_t max_size, quota, url_life_msecs;
	struct option_list allow_private, deny_types;
};

struct alarms_conf {
	const char *webhook; /* NULL: none */
	const char *secret;
	int64_t raise_after_msecs;
	int64_t remind_msecs, backlog_age_msecs, silence_msecs; /* MSECS_NEVER */
};

struct config {
	const char *path;          /* as it was named; NULL where it was read from memory */
	const char *instance_key;  /* 64 hex; NULL: the store's */
	struct option_list listen; /* "host:port" */
	const char *public_url;    /* without trailing slash; NULL: none */
	struct tls_conf tls;
	struct option_list trusted_proxies;
	const char *ca_file; /* NULL: none */
	const char *store;   /* the path behind "sqlite:" */
	struct admin_conf admin;
	struct log_conf log;
	struct limits limits;
	struct retention retention;
	struct media_conf media;
	struct alarms_conf alarms;

	/* In the order of the file. Their ids are 0 until flow has asked the store. */
	struct endpoint_conf *endpoints;
	size_t nendpoints;
	struct bridge_conf *bridges;
	size_t nbridges;
};

/* Where a configuration comes from; all zero: the usual place. */
struct config_source {
	const char *path; /* NULL: $TIELINE_CONFIG, else CONFIG_PATH */
	const char *text; /* not NULL: this is the file's content, path only its name */
	size_t len;
	const char *listen, *log_level; /* said on the command line: wins over the file */
	const struct connector *const *connectors; /* NULL: connector_all() */
};

/* NULL: mistakes->count is not 0, and mistakes->exit is how to end (66: no such file; 77: not
 * allowed to read it; 78). mistakes may hold warnings either way. It was made by mistakes_init, and
 * is sorted here. The first reference is the caller's. */
struct config *config_load(const struct config_source *source, struct mistakes *mistakes);
struct config *config_ref(struct config *c);
void config_unref(struct config *c); /* takes NULL */
/* After a reload: who holds a reference to c holds all that come after it as well, since what is at work
 * meanwhile may borrow from any of them. */
void config_succeed(struct config *c, struct config *successor);

/* NULL where there is none of that name. */
struct endpoint_conf *config_endpoint(const struct config *c, const char *name);
struct bridge_conf *config_bridge(const struct config *c, const char *name);
/* Where the relay of this configuration is to be found: $TIELINE_SOCKET, else what admin.socket says,
 * else SOCKET_PATH, else, where that folder cannot be written, beside the store. In a. */
const char *config_socket(const struct config *c, struct arena *a);

/* For `tieline reload`: what cannot be taken over by the running relay is told as mistakes. */
void config_check_reload(const struct config *running, const struct config *wanted,
    struct mistakes *m);

/* The tables that a file is read by, for the manual: of the process, of every endpoint, of every bridge.
 * A platform's own keys are its connector's options. */
const struct option *config_process_options(void);
const struct option *config_endpoint_options(void);
const struct option *config_bridge_options(void);
/* What an endpoint's option is at this platform when nothing is said; NULL: what the table says. */
const char *config_platform_default(struct arena *a, const struct connector *c, const char *name);

#endif
