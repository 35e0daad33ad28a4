/* Models a session as a client expects it. The model is a small state machine
 * after RFC 959, 2389, 2428, 3659, 4217 and docs, written without a look at the
 * server's own tables. It computes the correct replies, and the contents of the
 * user's home. */
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

/* The length of a partial that SIZE has reported, so that APPE continues there;
 * or a file's. After the partial or the file has changed, SIZE must be sent
 * again. */
struct told {
    char *path;
    size_t length;
    unsigned version; /* of the partial */
    unsigned file;    /* version of the file; 0: SIZE has reported none */
};

/* The direction of a transfer after its 150. */
enum flow { FLOW_NONE, FLOW_DOWN, FLOW_LIST, FLOW_UP };

struct transfer {
    enum flow flow;
    const char *verb;
    char path[TREE_PATH_MAX + 1];
    struct slice argument; /* NLST's argument, which precedes each name */
    bool pattern;          /* lists only names that match PATH's last part */
    size_t first, until;   /* the bytes of the file from FIRST up to UNTIL */
    unsigned char *head;   /* an upload continues after these FIRST bytes */
    bool copies;    /* HEAD is a copy of the finished file's first bytes */
    bool waits;     /* the partial doesn't change before the first byte comes */
    uint64_t least; /* the length that ALLO announced */
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
    uint64_t rest, until; /* REST's offset; of RANG the first byte, and the byte
                             after the last one */
    uint64_t announced;   /* by ALLO, for the next transfer */
    bool image;           /* TYPE I */
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

/* A command, for its rule. If the row needs an argument, there is one. PATH is
 * normal. */
struct call {
    const struct rule *rule;
    struct slice argument;
    char path[TREE_PATH_MAX + 1];
};

typedef void rule_fn(struct model *m, const struct call *c, struct expected *e);

enum wants { NOTHING_AT_ALL, PERHAPS, SOMETHING };

enum rule_flag {
    IS_PATH = 1,     /* the argument is a path */
    HAS_OPTIONS = 2, /* words like -la can come before the path */
    NEEDS_P = 4,     /* PROT P */
    KEEPS_REST = 8,  /* a pending REST stays for its transfer */
    KEEPS_FROM = 16, /* a pending RNFR stays for its RNTO */
    IS_SECRET = 32,  /* if it is sent in plain text, the session ends */
    IS_FILE = 64,    /* the path can't be a directory's */
};

struct rule {
    const char *verb;
    enum stage stage;
    enum wants wants;
    unsigned flags;
    short refused; /* known, but always refused with this code; 0: executed */
    rule_fn *fn;   /* NULL: the reply is CODE */
    short code;
};
extern const struct rule rules[];
extern const size_t rule_count;
const struct rule *rule_find(struct slice verb);

void model_init(struct model *m, const char *user);
/* Begins a new connection, up to its greeting. */
void model_connect(struct model *m);
/* Begins a new connection, and changes the model as if all commands that a
 * client sends before its first transfer had succeeded. */
void model_log_in(struct model *m);

/* Computes the replies to a line, and changes the model. */
void model_line(struct model *m, struct slice line, struct expected *e);

/* Functions for the rules. */
void expect(struct expected *e, short code);
void expect_either(struct expected *e, short code, short other);
bool model_path(const char *cwd, struct slice argument, char *ret);
/* Can ARGUMENT name only a directory, so that no new file can have this
 * name? */
bool model_is_folders(struct slice argument);
/* Returns the node at PATH, which the client called ARGUMENT. Returns NULL if
 * there is none, or if ARGUMENT can name only a directory and the node is a
 * file. */
struct node *model_find(struct model *m, struct slice argument,
                        const char *path);
bool model_is_bad_name(const char *path);
/* LIST, NLST and STAT treat a path that doesn't exist as a pattern. Returns the
 * directory with the names to match, or NULL if the path isn't a pattern or the
 * server can't look into its directory. */
struct node *model_pattern(struct model *m, const struct call *c);
/* Parses a number of digits only, which is at most MAX. Returns false if TEXT
 * isn't one. */
bool model_number(struct slice text, uint64_t max, uint64_t *ret);
/* Removes the first word of *REST and the blank after it. Returns the word. */
struct slice model_word(struct slice *rest);
/* VERSION: of a partial of LENGTH, or FILE: of a file; all 0: of nothing. */
void told_put(struct model *m, const char *path, size_t length,
              unsigned version, unsigned file);
const struct told *told_find(const struct model *m, const char *path);

/* Takes the name of STOU's file from its 150. Does nothing for other
 * commands. */
void transfer_named(struct model *m, const char *reply);
/* One of the next three functions ends the transfer that has begun. LEN bytes
 * came after those with which it began. transfer_stored(): all bytes and their
 * end came; computes the last reply. */
void transfer_stored(struct model *m, const unsigned char *bytes, size_t len,
                     struct expected *e);
/* transfer_cut(): the end of the bytes didn't come, since the upload was
 * cut. */
void transfer_cut(struct model *m, const unsigned char *bytes, size_t len);
/* transfer_over(): the end of any other transfer. */
void transfer_over(struct model *m);

/* transfer_bytes() returns a download's bytes. transfer_lists() returns true if
 * LISTING is the expected one. */
struct slice transfer_bytes(struct model *m);
bool transfer_lists(struct model *m, struct slice listing);

#endif
