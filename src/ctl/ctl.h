/* Common parts of sallyportctl's commands. "An exit code" is 0 or a code of
 * sysexits.h; with the latter a function has filled in the complaint. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

#include "sallyport/base/complain.h"
#include "sallyport/conf/conf.h"
#include "sallyport/usersfile/usersfile.h"

#define CTL_LOCK_MS     10000
#define CERTIFICATE_MAX 2048

/* The parsed command line. */
struct arguments {
    const char *word[4]; /* "user", "add", NAME, one too many */
    size_t words;
    const char *config, *home, *comment, *role, *uid, *gid, *older_than;
    const char *on_conflict, *data_binding, *upload_eof, *certificate, *login;
    bool json, purge, yes, all, hash_stdin, help, version;
    unsigned given; /* bits of enum ctl_option */
};

enum ctl_option {
    OPTION_CONFIG = 1,
    OPTION_HOME = 2,
    OPTION_COMMENT = 4,
    OPTION_ROLE = 8,
    OPTION_UID = 16,
    OPTION_JSON = 32,
    OPTION_PURGE = 64,
    OPTION_YES = 128,
    OPTION_HELP = 256,
    OPTION_VERSION = 512,
    OPTION_OLDER_THAN = 1024,
    OPTION_ALL = 2048,
    OPTION_ON_CONFLICT = 4096,
    OPTION_DATA_BINDING = 8192,
    OPTION_CERTIFICATE = 16384,
    OPTION_LOGIN = 32768,
    OPTION_GID = 65536,
    OPTION_HASH_STDIN = 131072,
    OPTION_UPLOAD_EOF = 262144,
    /* Options that set a key in the last column of a row. */
    OPTIONS_OF_KEYS = OPTION_ON_CONFLICT | OPTION_DATA_BINDING |
                      OPTION_UPLOAD_EOF | OPTION_CERTIFICATE | OPTION_LOGIN,
    /* Options that set any column of a row. */
    OPTIONS_OF_USER = OPTIONS_OF_KEYS | OPTION_HOME | OPTION_COMMENT |
                      OPTION_ROLE | OPTION_UID | OPTION_GID | OPTION_HASH_STDIN,
};

struct context {
    struct arguments args;
    struct settings settings;
    struct complaint complaint;
    char certificate[CERTIFICATE_MAX]; /* the given one, as a row has it */
    int patience; /* ms for an answer of the server; 0: the default */
};

enum ctl_takes {
    TAKES_NOTHING,
    TAKES_NAME, /* a user's name */
    TAKES_NAME_OR_NOTHING,
    TAKES_SESSION, /* a word that names sessions */
};

struct ctl_command {
    const char *group;
    const char *name; /* NULL: the group is the whole command */
    enum ctl_takes takes;
    unsigned options; /* besides --config and --help */
    bool asks_password;
    int (*run)(struct context *x);
    const char *syntax, *help, *example;
};
extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;

/* Runs the program. Returns its exit code. */
int ctl_run(int argc, char **argv);

/* Parses ARGV. Returns 0, or EX_USAGE with the complaint: an unknown option, or
 * one without its value. */
int arguments_parse(struct arguments *a, int argc, char **argv,
                    struct complaint *c);
/* The name of the first given option that isn't in ALLOWED, or NULL. */
const char *arguments_beyond(const struct arguments *a, unsigned allowed);

/* Prints a line for each option in OF, bits of enum ctl_option. */
void arguments_help(unsigned of);

/* Fills in the complaint, and returns CODE. */
int ctl_fail(struct context *x, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The exit code for an errno of a file. */
int ctl_exit_of(int error);

/* Finds the user whose name is on the command line. Returns 0, or EX_NOUSER
 * with the complaint. *ret belongs to U. */
int ctl_find(struct context *x, const struct users *u, const struct user **ret);
/* The same, after loading the users file into *u without a lock. Returns an
 * exit code; in any case the caller calls users_release(). */
int ctl_load_user(struct context *x, struct users *u, const struct user **ret);

/* What a fork for "partials" does: files_main(). Tests replace it. */
struct files_start;
extern void (*partials_files)(const struct files_start *start);

/* The commands. Each returns an exit code. */
int user_add(struct context *x);
int user_change(struct context *x);
int user_passwd(struct context *x);
int user_del(struct context *x);
int user_list(struct context *x);
int user_show(struct context *x);
int user_lock(struct context *x);
int user_unlock(struct context *x);
int partials_list(struct context *x);
int partials_purge(struct context *x);
int status_show(struct context *x);
int status_reload(struct context *x);
int sessions_who(struct context *x);
int sessions_kick(struct context *x);

#endif
