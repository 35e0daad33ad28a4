/* The user's input: options, URLs, profiles, and private files. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"
#include "show/show.h"

/* The choice if a name is taken, here or on the server. */
enum conflict_choice {
    CHOICE_ASK, /* asks on a terminal; elsewhere acts as CHOICE_RENAME */
    CHOICE_SKIP,
    CHOICE_RENAME, /* new-NAME, new-2-NAME ... */
    CHOICE_OVERWRITE,
    CHOICE_COUNT,
};

/* The source of a value. A later source in this list is stronger. */
enum option_source {
    OPTION_FROM_NOWHERE,
    OPTION_FROM_DEFAULT, /* the section [default] of the profiles */
    OPTION_FROM_PROFILE,
    OPTION_FROM_SESSION, /* the command line that began the session */
    OPTION_FROM_LINE,    /* the command line, or this line of a session */
};

#define OPTIONS_MAX 48

/* The texts belong to the command line or to the profile, and outlive this
 * struct. */
struct options {
    const char *cacert, *pin, *known_hosts, *cert, *key;
    const char *password_command, *password_file, *netrc, *user, *config,
        *proxy;
    bool trust_new;
    bool recursive, quiet, json, debug, no_preserve, no_verify;
    bool one_time_code, human, no_resume, remove_source, dry_run, by_hash, all,
        help, version, yes;
    uint64_t parallel, retries, timeout, limit_rate;
    uint64_t conflict;                 /* enum conflict_choice */
    uint64_t min_age;                  /* seconds */
    unsigned char source[OPTIONS_MAX]; /* source of each row's value */
};

enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_RATE, /* bytes; may have k, M or G at the end */
    OPTION_CONFLICT,
    OPTION_AGE, /* seconds; may have s, m, h or d at the end */
};

struct option_row {
    const char *name; /* without "--" */
    char letter;      /* 0: none */
    char also;        /* a second letter, which counts for these commands: */
    const char *also_for;
    enum option_kind kind;
    size_t offset; /* in struct options */
    uint64_t least, most;
    bool in_profile;
    const char *value, *help; /* VALUE: the value's name in the help; NULL:
                               * a flag */
    const char
        *commands; /* commands that use it, with blanks between; NULL: all */
};
extern const struct option_row option_rows[];
extern const size_t option_count;

void options_default(struct options *o);
/* Makes the names of files absolute, since lcd changes the directory. */
void options_fix_files(struct options *o);

/* Takes the options out of argv (in any order; "--" ends the options), and
 * leaves the words. Options that O has already count as given in an earlier
 * line. COMMAND is the command of a session's line, which may have letters of
 * its own; NULL: the first word is the command. Returns the number of words, or
 * -EINVAL with the complaint. */
int options_parse(struct options *o, const char *command, int argc, char **argv,
                  struct complaint *c);
/* Takes one "key = value" of a profile; the value of a flag is yes or no.
 * Returns 0, or -EINVAL with the complaint. */
int options_set(struct options *o, enum option_source source, const char *key,
                const char *value, struct complaint *c);
/* Returns the first option of this line that COMMAND doesn't use, or NULL. The
 * caller refuses such an option, since the user may rely on it (--min-age).
 * "open" also takes all options that a profile may have: they are for later
 * lines. Options from a profile never count as misfits. */
const struct option_row *options_misfit(const struct options *o,
                                        const char *command);
/* Is a file with this time of change younger than --min-age? Returns false for
 * 0, an unknown time. THEIRS: the time is by the server's clock. */
bool options_too_young(const struct options *o, time_t modified, bool theirs);
/* Does COMMAND use the option? */
bool option_is_for(const struct option_row *row, const char *command);

#define URL_PART_MAX 256
#define URL_PATH_MAX 4096

/* The last component of a path, or the whole path, as a pattern for fnmatch()
 * or glob(): a backslash precedes characters that the user has quoted or
 * encoded. */
#define URL_PATTERN_MAX PATH_MAX
struct url_pattern {
    char text[URL_PATTERN_MAX];
    size_t len;
    bool some;  /* it contains * ? or [, so it is a pattern */
    bool ended; /* a "/" follows the component */
    bool whole; /* "/" ends no component */
};
/* Adds the next character of the path. LITERAL: the character stands for
 * itself, not for a pattern. */
void url_pattern_add(struct url_pattern *p, char c, bool literal);

/* The server and the path of a URL: ftps://USER@HOST:PORT/PATH. */
struct url {
    bool implicit; /* TLS begins with the first byte */
    unsigned port;
    char user[URL_PART_MAX]; /* "": the URL has no user */
    char host[URL_PART_MAX]; /* an IPv6 address without brackets */
    /* Decoded, relative to the login directory, without "/" at its beginning;
     * "": the login directory itself. */
    char path[URL_PATH_MAX];
    bool directory; /* the path ended in "/", or is empty */
    struct url_pattern pattern;
};

/* Parses TEXT. Returns 0, or -EINVAL with the complaint. A password in a URL is
 * refused, since every user of the machine could read it. */
int url_parse(const char *text, struct url *ret, struct complaint *c);

/* Writes "HOST:PORT" or "[IPV6]:PORT". Returns OUT. */
#define URL_PLACE_MAX (URL_PART_MAX + 16)
const char *url_place(const struct url *u, char out[URL_PLACE_MAX]);

/* Parses the URL of a proxy, SCHEME://[USER@]HOST:PORT, and refuses a password
 * in the same way. *socks: is it a SOCKS proxy? Returns 0, or -EINVAL with the
 * complaint. */
int url_parse_proxy(const char *text, bool *socks, struct url *ret,
                    struct complaint *c);

/* Returns the last component of PATH, or "" if PATH ends in "/". */
const char *url_base(const char *path);
/* Appends NAME to DIR with one "/" between. DIR "" is the login directory. "."
 * has no effect, ".." goes up but never above the login directory, and a NAME
 * that begins with "/" begins at the login directory. Returns 0 or
 * -ENAMETOOLONG. */
int url_join(const char *dir, const char *name, char out[URL_PATH_MAX]);

/* Reads a whole file with secrets or trust, of at most INTO's maximum. It must
 * be a regular file of the caller or of root, and no other user may change it.
 * With SECRET no other user may read it. Exceptions are the group of root's
 * file, and root's files in /run/secrets and /run/credentials. Returns 0; 1:
 * the file is missing, unless it MUST exist; -1 with the reason. */
int private_read(const char *path, bool secret, bool must, struct buf *into,
                 struct failure *why);
/* Returns the length of a byte order mark of UTF-8 at the beginning of TEXT,
 * which editors of Windows write, or 0. */
size_t text_mark(const char *text, size_t len);
/* Writes the path $VARIABLE/sallyport/NAME or, if the variable isn't an
 * absolute path, $HOME/FALLBACK/sallyport/NAME. Returns 0; -1: HOME isn't an
 * absolute path either, or the path is too long. */
int private_place(const char *variable, const char *fallback, const char *name,
                  char out[PATH_MAX]);

/* Makes the missing directories above PATH, with mode 0700. */
void private_directories(char *path);

/* Profiles: named servers with their options, in ~/.config/sallyport/config:
 *
 *     [work]
 *     url = ftps://anna@drop.example.org/in
 *     cacert = /home/anna/drop.pem
 *     parallel = 4
 *
 * The section [default] is for all profiles. A setting of the named profile
 * counts more, and an option of the command line counts most. */

#define PROFILE_NAME_MAX 64

struct profile {
    char name[PROFILE_NAME_MAX]; /* "": no profile is loaded */
    struct buf text;             /* owned; the options point into it */
    const char *url;             /* NULL: none */
};

void profile_init(struct profile *p);

/* Reads section NAME (and [default]) into the options, which keep pointing into
 * *P. Returns 0; 1: there is no such section; -1 with the reason. */
int profile_load(struct profile *p, const char *name, struct options *o,
                 struct failure *why);

#endif
