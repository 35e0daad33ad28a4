/* What a client may expect of a session: a small state machine after RFC 959,
 * 2389, 2428, 3659, 4217 and docs, written without a look at the server's own
 * tables. It says which replies are right, and what is in the user's home. */
#ifndef TESTS_SYSTEM_MODEL_MODEL_H
#define TESTS_SYSTEM_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"
#include "tree.h"

#define MODEL_TRIES    3       /* login_tries of the server's settings */
#define MODEL_FILE_MAX 1000000 /* its max_file_size */
#define MODEL_SAYS_MAX (2 * TREE_PATH_MAX + 64)

enum stage { PLAIN, SECURED, NAMED, LOGGED_IN };

/* SIZE told of a partial: an APPE that follows continues there. */
struct told {
    char *path;
    size_t length;
    unsigned version; /* of the partial */
};

/* What a transfer does once it has its 150. */
enum flow { FLOW_NONE, FLOW_DOWN, FLOW_LIST, FLOW_UP };

struct transfer {
    enum flow flow;
    const char *verb;
    char path[TREE_PATH_MAX + 1];
    struct slice argument; /* NLST's, before each name */
    bool pattern;          /* only names that match PATH's last part */
    size_t first, until;   /* bytes of the file */
    unsigned char *head;   /* what an upload continues behind: FIRST bytes */
    bool copies;           /* which are those of the finished file */
    bool waits;            /* what was cut before stands until its first byte */
};

struct model {
    struct tree tree; /* outlives sessions */
    const char *user;

    enum stage stage;
    bool ended;
    bool begun;  /* the first byte was sent */
    bool spoken; /* the first whole line was sent; a bad one doesn't count */
    unsigned unknown, wrong;
    bool name_is_right;
    bool has_pbsz, protected, only_epsv;
    bool port;   /* told, and not used yet */
    bool sha512; /* by OPTS HASH */
    char cwd[TREE_PATH_MAX + 1];
    char from[TREE_PATH_MAX + 1]; /* of RNFR; "": none */
    uint64_t rest, until;         /* RANG: the first byte that doesn't count */
    struct told told[TREE_MAX];
    size_t tolds;
    struct transfer transfer; /* since its 150 */
};

struct expected {
    short code[3]; /* any of these; 0 ends the list */
    bool ends;     /* and then the session */
    short last;    /* a second reply before that; 0: none */
    bool secures;  /* and then the handshake */
    enum flow flow;
    char says[MODEL_SAYS_MAX]; /* must be in the reply; "": anything */
};

/* A command as its rule gets it: the argument is there if the row wants one,
 * and PATH is normal. */
struct call {
    const struct rule *rule;
    struct slice argument;
    char path[TREE_PATH_MAX + 1];
};

typedef void rule_fn(struct model *m, const struct call *c, struct expected *e);

enum wants { NOTHING_AT_ALL, PERHAPS, SOMETHING };

enum rule_flag {
    IS_PATH = 1,     /* the argument is a path */
    HAS_OPTIONS = 2, /* behind words like -la */
    NEEDS_P = 4,     /* PROT P */
    KEEPS_REST = 8,  /* a REST waits on for its transfer */
    KEEPS_FROM = 16, /* the same of RNFR and RNTO */
    IS_SECRET = 32,  /* in plain text it is the end */
    IS_FILE = 64,    /* the path can't be that of a directory */
};

struct rule {
    const char *verb;
    enum stage stage;
    enum wants wants;
    unsigned flags;
    short refused; /* known, and never done; 0: done */
    rule_fn *fn;   /* NULL: always CODE */
    short code;
};
extern const struct rule rules[];
extern const size_t rule_count;
const struct rule *rule_find(struct slice verb);

void model_init(struct model *m, const char *user);
void model_release(struct model *m);
/* A new connection, greeted. */
void model_connect(struct model *m);
/* All that a client sends up to its first transfer, all of it accepted. */
void model_log_in(struct model *m);

/* What a line brings, and what has changed then. */
void model_line(struct model *m, struct slice line, struct expected *e);

/* For the rules. */
void expect(struct expected *e, short code);
void expect_either(struct expected *e, short code, short other);
bool model_path(const char *cwd, struct slice argument, char *ret);
/* What the last part of it can't be for something new. */
bool model_is_folders(struct slice argument);
/* What is at PATH, which the client called ARGUMENT; NULL also for a file that
 * is called a directory. */
struct node *model_find(struct model *m, struct slice argument,
                        const char *path);
bool model_is_bad_name(const char *path);
/* Nothing has that name, and LIST, NLST and STAT take it for a pattern: the
 * directory whose names it is for; or NULL. */
struct node *model_pattern(struct model *m, const struct call *c);
/* Digits only, and not more than MAX. */
bool model_number(struct slice text, uint64_t max, uint64_t *ret);
/* The first word of *REST, which loses it and the blank behind it. */
struct slice model_word(struct slice *rest);
void told_put(struct model *m, const char *path, size_t length,
              unsigned version);
const struct told *told_find(const struct model *m, const char *path);

/* The transfer that has begun ends by one of these; LEN bytes came behind what
 * it began with. STOU's name is in its 150. */
void transfer_named(struct model *m, const char *reply);
/* All came, and their end: what the last reply says. */
void transfer_stored(struct model *m, const unsigned char *bytes, size_t len,
                     struct expected *e);
/* No end came. */
void transfer_cut(struct model *m, const unsigned char *bytes, size_t len);
/* Any other. */
void transfer_over(struct model *m);

/* Of a download: its bytes. Of a listing: true if this is it. */
struct slice transfer_bytes(struct model *m);
bool transfer_lists(struct model *m, struct slice listing);

#endif
