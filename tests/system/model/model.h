/* A client's expectations of a session: a small state machine after RFC 959,
 * 2389, 2428, 3659, 4217 and docs, written without a look at the server's own
 * tables. It computes the correct replies, and the contents of the user's
 * home. */
#ifndef TESTS_SYSTEM_MODEL_MODEL_H
#define TESTS_SYSTEM_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"
#include "tree.h"

#define MODEL_TRIES    3       /* login_tries of the server's settings */
#define MODEL_FILE_MAX 1000000 /* max_file_size of the server's settings */
#define MODEL_SAYS_MAX (2 * TREE_PATH_MAX + 64)

enum stage { PLAIN, SECURED, NAMED, LOGGED_IN };

/* After SIZE has reported a partial, an APPE continues it; once the partial has
 * changed, SIZE must be sent again. */
struct told {
    char *path;
    size_t length;
    unsigned version; /* of the partial */
};

/* The direction of a transfer after its 150. */
enum flow { FLOW_NONE, FLOW_DOWN, FLOW_LIST, FLOW_UP };

struct transfer {
    enum flow flow;
    const char *verb;
    char path[TREE_PATH_MAX + 1];
    struct slice argument; /* NLST's argument, which precedes each name */
    bool pattern;          /* only names that match PATH's last part */
    size_t first, until;   /* bytes of the file */
    unsigned char *head;   /* an upload continues after these FIRST bytes */
    bool copies;           /* they are a copy of the finished file's */
    bool waits;            /* the partial changes at the first byte only */
    uint64_t least;        /* the length that ALLO announced */
};

struct model {
    struct tree tree; /* lives longer than a session */
    const char *user;

    enum stage stage;
    bool ended;
    bool begun;  /* the first byte was sent */
    bool spoken; /* the first whole line was sent; a bad one doesn't count */
    unsigned unknown, wrong;
    bool name_is_right;
    bool has_pbsz, protected, only_epsv;
    bool port;   /* a port was announced, and not used yet */
    bool sha512; /* chosen by OPTS HASH */
    char cwd[TREE_PATH_MAX + 1];
    char from[TREE_PATH_MAX + 1]; /* of RNFR; "": none */
    uint64_t rest, until;         /* RANG: the first byte after the range */
    uint64_t announced;           /* by ALLO, for the next transfer */
    bool image;                   /* TYPE I */
    struct told told[TREE_MAX];
    size_t tolds;
    struct transfer transfer; /* valid after its 150 */
};

struct expected {
    short code[3]; /* any of these; 0 ends the list */
    bool ends;     /* the session ends after it */
    short last;    /* a second reply before the end; 0: none */
    bool secures;  /* the handshake follows */
    enum flow flow;
    char says[MODEL_SAYS_MAX]; /* text that the reply must contain; "": any */
};

/* A command as its rule gets it. The argument exists if the row needs one, and
 * PATH is normal. */
struct call {
    const struct rule *rule;
    struct slice argument;
    char path[TREE_PATH_MAX + 1];
};

typedef void rule_fn(struct model *m, const struct call *c, struct expected *e);

enum wants { NOTHING_AT_ALL, PERHAPS, SOMETHING };

enum rule_flag {
    IS_PATH = 1,     /* the argument is a path */
    HAS_OPTIONS = 2, /* words like -la come before the path */
    NEEDS_P = 4,     /* PROT P */
    KEEPS_REST = 8,  /* a pending REST stays for its transfer */
    KEEPS_FROM = 16, /* the same for RNFR and RNTO */
    IS_SECRET = 32,  /* in plain text it ends the session */
    IS_FILE = 64,    /* the path can't be a directory's */
};

struct rule {
    const char *verb;
    enum stage stage;
    enum wants wants;
    unsigned flags;
    short refused; /* known, but always refused with this code; 0: executed */
    rule_fn *fn;   /* NULL: always CODE */
    short code;
};
extern const struct rule rules[];
extern const size_t rule_count;
const struct rule *rule_find(struct slice verb);

void model_init(struct model *m, const char *user);
/* Begins a new connection, up to its greeting. */
void model_connect(struct model *m);
/* Does all that a client sends before its first transfer; all of it
 * succeeds. */
void model_log_in(struct model *m);

/* Computes the replies to a line, and changes the model. */
void model_line(struct model *m, struct slice line, struct expected *e);

/* Functions for the rules. */
void expect(struct expected *e, short code);
void expect_either(struct expected *e, short code, short other);
bool model_path(const char *cwd, struct slice argument, char *ret);
/* Does the argument name a directory only, so that no new file can have the
 * name? */
bool model_is_folders(struct slice argument);
/* Returns the node at PATH, which the client called ARGUMENT. Returns NULL also
 * if ARGUMENT names a directory but the node is a file. */
struct node *model_find(struct model *m, struct slice argument,
                        const char *path);
bool model_is_bad_name(const char *path);
/* If nothing has that name, LIST, NLST and STAT treat it as a pattern. Returns
 * the directory of the matching names, or NULL. */
struct node *model_pattern(struct model *m, const struct call *c);
/* Parses digits only, at most MAX. */
bool model_number(struct slice text, uint64_t max, uint64_t *ret);
/* Cuts the first word of *REST, with the blank after it. */
struct slice model_word(struct slice *rest);
void told_put(struct model *m, const char *path, size_t length,
              unsigned version);
const struct told *told_find(const struct model *m, const char *path);

/* The transfer that has begun ends with one of these calls. LEN bytes came
 * after those that it began with. STOU's name is in its 150. */
void transfer_named(struct model *m, const char *reply);
/* All bytes and their end came: computes the last reply. */
void transfer_stored(struct model *m, const unsigned char *bytes, size_t len,
                     struct expected *e);
/* The bytes have no end: the upload was cut. */
void transfer_cut(struct model *m, const unsigned char *bytes, size_t len);
/* Any other transfer has ended. */
void transfer_over(struct model *m);

/* Return a download's bytes; check whether LISTING is the expected one. */
struct slice transfer_bytes(struct model *m);
bool transfer_lists(struct model *m, struct slice listing);

#endif
