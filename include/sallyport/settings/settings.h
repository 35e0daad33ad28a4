/* The settings that are in force, as the room conf has read them. The struct
 * has no pointers, so that one process can pass its bytes to another. */
#ifndef SALLYPORT_SETTINGS_SETTINGS_H
#define SALLYPORT_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/random.h"
#include "sallyport/domain/limits.h"
#include "sallyport/domain/tls.h"

/* The configuration file, if there is no --config. */
#define SETTINGS_FILE "/etc/sallyport/sallyport.conf"

/* In the directory `state`: the key of the partials' names, unless
 * `partials_key` names another file. */
#define SETTINGS_KEY_FILE "partials.key"
/* In the directory `state`: the bans. */
#define SETTINGS_BANS_FILE "bans"

#define SETTINGS_LISTEN_MAX    16
#define SETTINGS_ANNOUNCED_MAX 32
#define SETTINGS_PROXY_MAX     32
#define SETTINGS_PATH_MAX      256
#define SETTINGS_NAME_MAX      64
/* The most bytes of a line with a key, without the line end: 32 networks fit.
 */
#define SETTINGS_LINE_MAX 2000u
#define SETTINGS_TEXT_MAX (256u << 10)
#define SETTING_ROWS_MAX  96 /* the table asserts that its rows fit */
#define SETTINGS_KEY_MAX  32 /* bytes of a key, with its NUL */
/* Ids that the settings must not give to users, shares or accounts: the uids of
 * reader (src/server/reader/main.c) and of nobody, and the (uid_t)-1 of 16
 * bits. */
#define SETTINGS_RESERVED_FIRST 65533
#define SETTINGS_RESERVED_LAST  65535
/* The accounts of gate, auth, log and keys. */
#define SETTINGS_ACCOUNTS  4
#define SETTINGS_SHOWN_MAX 100 /* bytes of a value that a complaint shows */

/* "30000-30999", or "auto": the kernel chooses each port. */
struct port_range {
    uint16_t first, last;
    bool automatic;
    bool proxy; /* clients of a proxy also make data connections through it */
};

/* A list of networks, the value of a setting. */
struct networks {
    struct network list[SETTINGS_PROXY_MAX];
    size_t count;
};

/* The address that PASV announces to clients from a network. */
struct announced {
    struct network network;
    struct address
        address; /* family 0: the address that the client connected to */
    size_t line; /* its line in the file */
};

/* The value of a key with a label: a path. */
struct labelled {
    char label[SETTINGS_NAME_MAX];
    char path[SETTINGS_PATH_MAX];
    size_t line; /* its line in the file */
};
struct labelled_list {
    struct labelled all[CERTIFICATES_MAX - 1];
    size_t count;
};

/* The line and value that a key has in the configuration file, for complaints.
 */
struct setting_said {
    char key[SETTINGS_KEY_MAX];
    size_t line;                   /* 0: the key has its default */
    char value[SETTINGS_PATH_MAX]; /* as in the file, or its first bytes */
};

/* An address of `listen`, and its words. */
struct settings_listener {
    struct address address; /* port 0: the kernel chooses */
    bool implicit;          /* tls: TLS begins with the first byte */
    bool proxied;           /* proxy: a connection begins with a PROXY header */
};

struct settings {
    struct settings_listener listen[SETTINGS_LISTEN_MAX];
    size_t listen_count;
    struct networks
        proxies; /* addresses of proxies, whose PROXY headers are accepted */
    char certificate[SETTINGS_PATH_MAX];
    char key[SETTINGS_PATH_MAX];
    struct labelled_list certificates, keys; /* more pairs, each with a label */
    unsigned client_certificates;            /* enum client_certificates */
    char client_ca[SETTINGS_PATH_MAX];       /* "": none */
    char client_crl[SETTINGS_PATH_MAX];      /* "": none */
    char users[SETTINGS_PATH_MAX];
    char homes[SETTINGS_PATH_MAX];  /* where `user add` makes homes */
    char shares[SETTINGS_PATH_MAX]; /* where `share add` makes directories */
    char empty[SETTINGS_PATH_MAX];  /* the empty directory to chroot to */
    char state[SETTINGS_PATH_MAX];  /* the directory for data that outlives a
                                       restart */
    char partials_key[SETTINGS_PATH_MAX];  /* "": in `state` */
    char control_group[SETTINGS_NAME_MAX]; /* "": none */
    unsigned log_format;                   /* enum log_format */
    struct port_range ports;
    struct address address;
    struct announced
        announced[SETTINGS_ANNOUNCED_MAX]; /* addresses for clients of certain
                                            * networks */
    size_t announced_count;
    uint64_t max_sessions, max_per_address, max_per_user;
    uint64_t startups;
    uint64_t max_fruitless; /* per minute and address */
    uint64_t crash_ban;     /* ms; 0: no address is banned */
    uint64_t ban_after;     /* wrong passwords in an hour; 0: no ban */
    uint64_t ban_time;      /* ms */
    struct networks no_ban; /* networks exempt from max_fruitless and bans */
    uint64_t login_timeout, drain_timeout, idle_timeout, connect_timeout,
        stall_timeout, hash_timeout; /* ms */
    uint64_t login_delay; /* ms: the server answers a wrong password only at a
                             multiple of this time */
    uint64_t guess_delay; /* ms: the longest delay after many failed logins */
    uint64_t login_tries;
    uint64_t totp_time;     /* ms */
    bool password_change;   /* all users may change their passwords; users with
                               must_change= always may */
    uint64_t hash_cost;     /* of new hashes of passwords */
    uint64_t max_file_size; /* bytes, 0: no limit */
    uint64_t copy_max;      /* bytes, 0: no limit */
    struct min_free min_free; /* space that uploads must leave free */
    uint64_t bandwidth_up,
        bandwidth_down;       /* bytes per second of a session; 0: no limit */
    uint64_t partial_days;    /* days until an unfinished upload is removed */
    unsigned on_conflict;     /* enum conflict */
    unsigned upload_eof;      /* enum upload_eof */
    unsigned data_binding;    /* enum data_binding */
    uint64_t ticket_lifetime; /* ms */
    struct tls_policy tls;
    bool mode_z; /* MODE Z is offered */
    bool ascii;  /* TYPE A converts line ends */
    bool resume;
    bool fsync;
    bool sha256;           /* the event of each upload has its SHA-256 */
    unsigned allow_weaker; /* enum sandbox_part bits */
    uint64_t accounts; /* the first of SETTINGS_ACCOUNTS uids, which are also
                          gids; 0: accounts by name */
    uint64_t uid_first, uid_last; /* the range of users */
    uint64_t gid_first, gid_last; /* the range of shares */
    unsigned file_mode, dir_mode; /* modes of what users make in their homes */

    char file[SETTINGS_PATH_MAX]; /* the configuration's name, for complaints */
    struct setting_said
        said[SETTING_ROWS_MAX]; /* one entry for each row of the table */
    size_t said_count;
    struct complaint retired; /* about the first reported line with a setting
                                 that only older versions have; "": none */
};

/* Returns the address that PASV announces to this client: the address of the
 * smallest network that contains the client, or the default. Family 0: the
 * address that the client connected to. */
const struct address *settings_announced(const struct settings *s,
                                         const struct address *client);
/* Returns listener NUMBER. NUMBER can come from another process: if it is too
 * large, the result is a listener that is neither implicit nor proxied. */
const struct settings_listener *settings_listener(const struct settings *s,
                                                  uint64_t number);
bool settings_networks_hold(const struct networks *n, const struct address *a);
/* If the kernel has no IPv6 and `listen` has its default, removes the IPv6
 * addresses from `listen`, and returns true. */
bool settings_leave_out_ipv6(struct settings *s);

/* Returns the element with this label, or NULL. */
const struct labelled *settings_find_label(const struct labelled_list *l,
                                           const char *label);

/* A certificate and its key, by their paths. */
struct settings_pair {
    const char *certificate, *key;
};
/* Writes pair I: 0 is the pair without a label; the pairs with labels follow in
 * their order. Returns false if there is no pair I. */
bool settings_pair(const struct settings *s, size_t i,
                   struct settings_pair *ret);

/* Lets the commands of complaints name the configuration FILE, unless it is the
 * default one. */
void settings_commands(const char *file);
/* Is FILE the default configuration, by whatever path? */
bool settings_is_default(const char *file);
/* Writes the path of the control socket of a server with --config FILE:
 * /run/sallyport/control for root's SETTINGS_FILE, else "control" beside FILE.
 * Only the text counts: a link made later moves no socket. Returns 0 or
 * -ENAMETOOLONG. */
int settings_control(const char *file, char *out, size_t size);
/* Returns the line of KEY; 0: KEY has its default. */
size_t settings_line(const struct settings *s, const char *key);
/* Complains about a mistake that shows only when the server uses a setting:
 * "FILE:LINE: KEY = VALUE: WHY", or "FILE: KEY (default) = VALUE: WHY". Always
 * returns -EINVAL. */
int settings_blame(const struct settings *s, const char *key,
                   struct complaint *c, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Turns a complaint "VALUE: WHY", with the value of KEY, into a complaint of
 * settings_blame(). Doesn't change a complaint about a line of the file VALUE
 * ("VALUE:7: WHY"). */
void settings_place(const struct settings *s, const char *key,
                    struct complaint *c);
/* Complains as settings_blame() does about ONE, the value of a key with a
 * label; KEY is the prefix of that key. */
int settings_blame_labelled(const struct settings *s, const char *key,
                            const struct labelled *one, struct complaint *c,
                            const char *why);
/* Does the same as settings_place() for a complaint that begins with the path
 * of any certificate or key. */
void settings_place_pair(const struct settings *s, struct complaint *c);
/* Checks the type, owner and mode of the open file FD. Returns 0, or -EINVAL
 * with the complaint "NAME: …", which names the chmod or chown to run. */
enum settings_file {
    SETTINGS_REGULAR, /* any regular file, which anybody may read */
    SETTINGS_TRUSTED, /* others may read it, but must not own or write it */
    SETTINGS_PRIVATE  /* others must not own, write or read it: the users file,
                       * a key */
};
int settings_check_file(int fd, const char *name, enum settings_file kind,
                        struct complaint *c);

/* Writes the path of the key of the partials' names: COMMON, the value of
 * `partials_key`, or if COMMON is empty, a file in STATE. */
#define SETTINGS_KEY_PATH_MAX                                                  \
    (SETTINGS_PATH_MAX + sizeof(SETTINGS_KEY_FILE) + 1)
void settings_key_path(const char *state, const char *common,
                       char out[SETTINGS_KEY_PATH_MAX]);
/* Reads the key of the partials' names from the file NAME in DIRECTORY; PATH is
 * for the complaint. Returns 0; -ENOENT or -EACCES: the file can't be read;
 * -EINVAL: the file isn't SETTINGS_PRIVATE; -EBADMSG: its content isn't a key.
 */
int settings_read_key(int directory, const char *name, const char *path,
                      uint8_t key[SIPHASH_KEY], struct complaint *c);

/* Opens the configuration file PATH. Refuses a file that group or others can
 * write, or that isn't regular. Returns a descriptor; or, with the
 * complaint, -EINVAL; -EIO: the disk or the table of files fails. */
int settings_open(const char *path, struct complaint *c);

/* Writes the settings to FD, an empty file in memory, for settings_take() in a
 * process of the same build; the caller seals it. Returns 0 or -errno. */
int settings_write(const struct settings *s, int fd);
/* Reads the settings of a sealed file. FD stays the caller's. Returns 0, or
 * -EINVAL with the complaint; then *s doesn't change. */
int settings_take(struct settings *s, int fd, struct complaint *c);

#endif
