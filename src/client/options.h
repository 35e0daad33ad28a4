/* The options of the command line and of a profile: one table for both. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/complain.h"

/* The reaction to a name that is taken, here or on the server. */
enum conflict_choice {
    CONFLICT_ASK, /* on a terminal; elsewhere as CONFLICT_RENAME */
    CONFLICT_SKIP,
    CONFLICT_RENAME, /* new-NAME, new-2-NAME ... */
    CONFLICT_OVERWRITE,
    CONFLICT_CHOICES,
};

/* The source of a value; a later one in this list counts more. */
enum option_source {
    OPTION_FROM_NOWHERE,
    OPTION_FROM_DEFAULT, /* the section [default] of the profiles */
    OPTION_FROM_PROFILE,
    OPTION_FROM_SESSION, /* an earlier line: the one that opened the server */
    OPTION_FROM_LINE,    /* the command line, or this line of a session */
};

#define OPTIONS_MAX 40

/* The texts belong to the command line or to the profile, and outlive this
 * struct. */
struct options {
    const char *cacert, *pin, *known_hosts, *cert, *key;
    const char *password_file, *netrc, *user, *config;
    bool trust_new;
    bool recursive, quiet, json, debug, preserve, compress, no_verify;
    bool no_resume, remove, dry_run, by_hash, all, help, version, yes;
    uint64_t parallel, retries, timeout, limit_rate;
    uint64_t conflict;                 /* enum conflict_choice */
    unsigned char source[OPTIONS_MAX]; /* of each row's value */
};

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_RATE, /* bytes; may have k, M or G at the end */
    OPTION_CONFLICT,
};

struct option_row {
    const char *name; /* without "--" */
    char letter;      /* 0: none */
    enum option_kind kind;
    size_t offset; /* in struct options */
    uint64_t least, most;
    bool in_profile;
    const char *value, *help; /* VALUE: its name in the help */
    const char
        *commands; /* commands that use it, with blanks between; NULL: all */
};
extern const struct option_row option_rows[];
extern const size_t option_count;

void options_default(struct options *o);

/* Takes the options out of argv (in any order, "--" ends them) and leaves the
 * words. Returns their number, or a negative number with the complaint. */
int options_parse(struct options *o, int argc, char **argv,
                  struct complaint *c);
/* Takes one "key = value" of a profile; flags have yes or no. Returns 0 or
 * -EINVAL. */
int options_set(struct options *o, enum option_source source, const char *key,
                const char *value, struct complaint *c);
/* Copies the texts of the current line, so that O outlives it; texts in GIVEN
 * aren't copied. KEPT owns the copies, and those of the last call are freed.
 * Returns 0 or -ENOMEM. */
int options_keep(struct options *o, struct options *given,
                 char *kept[OPTIONS_MAX]);
void options_drop(char *kept[OPTIONS_MAX]);
/* The present options of the command line count as those of an earlier line
 * from now on. */
void options_age(struct options *o);
/* Returns the first option of this line that COMMAND doesn't use, or NULL.
 * Somebody may rely on such an option, as on --dry-run. An option that a
 * profile may have doesn't count: a command needn't use it. */
const struct option_row *options_misfit(const struct options *o,
                                        const char *command);
/* Does COMMAND use the option? */
bool option_is_for(const struct option_row *row, const char *command);
/* Prints help: for all options (COMMAND is NULL), for those of COMMAND alone
 * (OWN), or for those that all commands have. */
void options_print(const char *command, bool own);

#endif
