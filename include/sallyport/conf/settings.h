/* The settings. One table (src/conf/table.c) holds each key: type, range,
 * default, reloadable or not, help; the parser, --check, the manual page and
 * the example file come from it. Knows no process. */
#ifndef SALLYPORT_CONF_SETTINGS_H
#define SALLYPORT_CONF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/buf.h"
#include "sallyport/base/complaint.h"
#include "sallyport/base/slice.h"
#include "sallyport/base/suites.h"

#define SETTINGS_LISTEN_MAX 16
#define SETTINGS_TOLD_MAX   32
#define SETTINGS_PROXY_MAX  32
#define SETTINGS_PATH_MAX   1024
#define SETTINGS_PAIRS_MAX  16 /* certificates with their keys */
#define SETTINGS_NAME_MAX   64
#define SETTINGS_HOST_MAX   254
#define SETTINGS_TEXT_MAX   (256u << 10)
#define SETTING_ROWS_MAX    64 /* table.c asserts that they fit */

/* "50000-50099", or "auto 8": so many ports, chosen by the kernel. */
struct port_range {
    uint16_t first, last;
    uint16_t automatic; /* 0: the range holds */
    bool proxy; /* clients who came by a proxy come to them by a proxy, too */
};

/* An IP network, or one host. */
struct network {
    struct address address; /* its first one */
    unsigned bits;
};

/* Networks that a setting lists. */
struct networks {
    struct network list[SETTINGS_PROXY_MAX];
    size_t count;
};

/* What PASV tells clients: an address, or that of a host, which master looks
 * up again and again. */
struct public_address {
    struct address ip;            /* family 0: as connected, or not known yet */
    char host[SETTINGS_HOST_MAX]; /* "": none */
};

/* Clients of this network are told this one. */
struct told {
    struct network network;
    struct public_address address;
    size_t line; /* where it stands */
};

/* A path under a label. */
struct labelled {
    char label[SETTINGS_NAME_MAX];
    char path[SETTINGS_PATH_MAX];
    size_t line; /* where it stands */
};
struct labelled_list {
    struct labelled all[SETTINGS_PAIRS_MAX - 1];
    size_t count;
};

struct settings {
    struct address listen[SETTINGS_LISTEN_MAX]; /* port 0: chosen by kernel */
    bool listen_tls[SETTINGS_LISTEN_MAX];       /* from the first byte on */
    bool listen_proxy[SETTINGS_LISTEN_MAX];     /* by proxies only */
    size_t listen_count;
    struct networks proxies; /* whose word on a client's address counts */
    char certificate[SETTINGS_PATH_MAX];
    char key[SETTINGS_PATH_MAX];
    char ocsp_file[SETTINGS_PATH_MAX];                   /* "": none */
    struct labelled_list certificates, keys, ocsp_files; /* beside the first */
    unsigned client_certificates;       /* enum client_certificates */
    char client_ca[SETTINGS_PATH_MAX];  /* "": none */
    char client_crl[SETTINGS_PATH_MAX]; /* "": none */
    char users[SETTINGS_PATH_MAX];
    char homes[SETTINGS_PATH_MAX];   /* where user add makes homes */
    char empty[SETTINGS_PATH_MAX];   /* the empty folder to chroot to */
    char state[SETTINGS_PATH_MAX];   /* what outlives a restart */
    char control[SETTINGS_PATH_MAX]; /* the socket: settings_control() */
    struct port_range ports;
    struct public_address address;
    struct told told[SETTINGS_TOLD_MAX]; /* instead, to clients of a network */
    size_t told_count;
    uint64_t address_refresh; /* ms between two looks at a host name */
    uint64_t max_sessions, max_per_address, max_per_user;
    uint64_t startups;
    uint64_t max_fruitless; /* a minute, of one address */
    uint64_t crash_ban;     /* ms; 0: no address is banned */
    struct networks no_ban; /* exempt from both */
    uint64_t login_timeout, idle_timeout, connect_timeout, stall_timeout,
        hash_timeout;     /* ms */
    uint64_t login_delay; /* ms: wrong ones are answered at its multiples */
    uint64_t guess_delay; /* ms at most, after many failed logins */
    uint64_t login_tries;
    uint64_t max_file_size;   /* bytes, 0: no limit */
    uint64_t copy_max;        /* bytes, 0: no limit */
    uint64_t partial_days;    /* an unfinished upload's life */
    unsigned on_conflict;     /* enum conflict */
    unsigned conflict_name;   /* enum conflict_name */
    unsigned upload_eof;      /* enum upload_eof */
    unsigned data_binding;    /* enum data_binding */
    uint64_t ticket_lifetime; /* ms */
    struct tls_policy tls;
    bool active;           /* PORT and EPRT */
    bool ktls;             /* RETR by the kernel's TLS, if it has that */
    bool mode_z;           /* MODE Z may be asked for */
    bool ascii;            /* TYPE A changes line ends */
    uint64_t mode_z_level; /* 1 to 9, where a client asks for none */
    bool resume;
    bool fsync;
    bool sha256;                      /* of each upload, in its event */
    unsigned allow_weaker;            /* CAGE_ bits of sallyport/cage/cage.h */
    char uid_gate[SETTINGS_NAME_MAX]; /* a name or a number */
    char uid_auth[SETTINGS_NAME_MAX];
    char uid_keys[SETTINGS_NAME_MAX];
    char uid_log[SETTINGS_NAME_MAX];
    char uid_names[SETTINGS_NAME_MAX];
    uint64_t uid_first, uid_last; /* the users' range */

    char file[SETTINGS_PATH_MAX]; /* the configuration's name, for complaints */
    size_t line[SETTING_ROWS_MAX]; /* of each row of the table; 0: a default */
};

enum setting_type {
    SETTING_PATH,
    SETTING_FILE, /* a path, or none */
    SETTING_NAME,
    SETTING_NUMBER,   /* with an optional K, M, G (bytes, powers of 1024) */
    SETTING_DURATION, /* "300", "300s", "5min", "2h"; kept in ms */
    SETTING_YES_NO,
    SETTING_LISTEN, /* addresses with ports, comma separated */
    SETTING_ADDRESS,
    SETTING_TOLD, /* keyed by a network */
    SETTING_NETWORKS,
    SETTING_PORTS,
    SETTING_CONFLICT,
    SETTING_CONFLICT_NAME,
    SETTING_BINDING,
    SETTING_CLIENTS,
    SETTING_LABELLED, /* a path, keyed by a label */
    SETTING_UPLOAD_EOF,
    SETTING_TLS_VERSION,
    SETTING_SUITES_12,
    SETTING_SUITES_13,
    SETTING_WEAKER, /* words: ids chroot seccomp landlock */
    SETTING_TYPES
};

struct setting {
    const char *key;
    const char *keyed; /* what follows the key, in capitals, where it is a
                          prefix and each line a row of its own */
    enum setting_type type;
    bool reload;       /* can change while the server runs */
    size_t offset;     /* in struct settings */
    const char *value; /* the default, as it would stand in the file */
    uint64_t min, max; /* of the kept number, where there is one */
    const char *help;  /* one sentence */
};
extern const struct setting setting_table[];
extern const size_t setting_count;

/* What a client of this address is told in PASV replies: by the longest of the
 * networks that hold it, or the default. Family 0: as connected. */
const struct address *settings_told(const struct settings *s,
                                    const struct address *client);
/* Does TLS begin with the first byte (implicit TLS) on the listener of this
 * number? */
bool settings_implicit(const struct settings *s, uint64_t listener);
bool networks_hold(const struct networks *n, const struct address *a);
/* Does a connection to the listener of this number begin with a PROXY header?
 */
bool settings_proxied(const struct settings *s, uint64_t listener);
/* The public addresses by number: 0 is the default, 1 and up are those of the
 * networks; NULL: there are no more. */
struct public_address *settings_public(struct settings *s, size_t i);
/* Is one of them a host name? */
bool settings_have_hosts(const struct settings *s);

/* A certificate, its key and its OCSP response ("": none), by their paths. */
struct settings_pair {
    const char *certificate, *key, *ocsp;
};
/* By number: 0 is the first one, the others follow in their order; false: there
 * are no more. */
bool settings_pair(const struct settings *s, size_t i,
                   struct settings_pair *ret);

/* All defaults. */
void settings_default(struct settings *s);
/* Defaults, then the text (a whole configuration file; NAME is its name for
 * complaints). Unknown key, bad value, a key twice, a line too long, a value
 * out of range: -EINVAL with "NAME:LINE: …". Also checks that the settings fit
 * together (uid range, ports against sessions, descriptors). */
int settings_parse(struct settings *s, struct slice text, const char *name,
                   struct complaint *c);
/* Where the control socket lies: as `control` says; where it says nothing and
 * this process isn't root's, in the folder of the configuration. 0, or
 * -ENAMETOOLONG. */
int settings_control(const struct settings *s, char *out, size_t size);
/* What a reload makes of NOW, read anew, and OLD, in use: in NOW each row that
 * can't change while the server runs is as it was. KEPT gets the names of those
 * that the file has changed, with commas. 0, -ENOMEM, or -EINVAL with the
 * complaint. */
int settings_reload(struct settings *now, const struct settings *old,
                    struct buf *kept, struct complaint *c);
/* "FILE:LINE: KEY = VALUE: WHY", or "FILE: KEY (default) = VALUE: WHY", for
 * what shows only when a setting is used. Always -EINVAL. */
int settings_blame(const struct settings *s, const char *key,
                   struct complaint *c, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Turns a complaint "VALUE: WHY", where VALUE is that of KEY, into one of
 * settings_blame(); leaves any other ("VALUE:7: WHY") as it is. */
void settings_place(const struct settings *s, const char *key,
                    struct complaint *c);
/* The same for the path of any certificate or key. */
void settings_place_pair(const struct settings *s, struct complaint *c);
/* Opens PATH; refuses a file writable by group or others, too large, or not
 * regular. The text goes into *text (for the children). 0 or -EINVAL */
int settings_load(struct settings *s, const char *path, struct buf *text,
                  struct complaint *c);
/* For --check: tells all mistakes in the file, one by one, instead of the
 * first. How many there were, or -EINVAL with the complaint where it can't be
 * read. */
typedef void settings_tell(const char *mistake);
int settings_survey(const char *path, settings_tell *tell, struct complaint *c);
int settings_survey_text(struct slice text, const char *name,
                         settings_tell *tell, struct complaint *c);
/* A file that must not be readable by others, or be somebody else's (users,
 * key): -EINVAL with the complaint "NAME: …" naming the chmod or chown that
 * mends it. FD is open on it. */
int settings_private_file(int fd, const char *name, struct complaint *c);

/* The same for one that others may read, but nobody else may write. */
int settings_trusted_file(int fd, const char *name, struct complaint *c);

/* The effective settings, as a file. */
int settings_dump(const struct settings *s, struct buf *into);
/* The example file of etc/: every key with help and default, commented out. */
int settings_example(struct buf *into);

#endif
