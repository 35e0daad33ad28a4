/* What the command line and a profile set: one table for both. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/complaint.h"

/* What happens when a name is taken, here or on the server. */
enum conflict_choice {
    CONFLICT_ASK, /* on a terminal; elsewhere as CONFLICT_RENAME */
    CONFLICT_SKIP,
    CONFLICT_RENAME, /* new-NAME, new-2-NAME ... */
    CONFLICT_OVERWRITE,
    CONFLICT_CHOICES,
};

/* Texts belong to the command line or to the profile, and outlive this. */
struct options {
    const char *cacert, *pin, *known_hosts, *cert, *key;
    const char *password_file, *netrc, *user, *config;
    bool trust_new;
    bool recursive, quiet, json, debug, preserve, compress, no_verify;
    bool no_resume, remove, dry_run, by_hash, all, help, version, yes;
    uint64_t parallel, retries, timeout, limit_rate;
    uint64_t conflict; /* enum conflict_choice */
};

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_RATE, /* bytes with k, M or G behind */
    OPTION_CONFLICT,
};

struct option_row {
    const char *name; /* without "--" */
    char letter;      /* 0: none */
    enum option_kind kind;
    size_t offset; /* in struct options */
    uint64_t least, most;
    bool in_profile;
    const char *value, *help; /* VALUE's name in the help */
};
extern const struct option_row option_rows[];
extern const size_t option_count;

void options_default(struct options *o);

/* Takes the options out of argv (any order, "--" ends them) and leaves the
 * words: their number, or a negative number with the complaint. */
int options_parse(struct options *o, int argc, char **argv,
                  struct complaint *c);
/* One "key = value" of a profile; flags take yes and no. 0 or -EINVAL. */
int options_set(struct options *o, const char *key, const char *value,
                struct complaint *c);
void options_print(void);

#endif
