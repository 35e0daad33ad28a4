/* What the commands of sallyportctl share. Functions that return "an exit
 * code" return 0 or one of sysexits.h, with the complaint said. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

#include "sallyport/base/complaint.h"
#include "sallyport/conf/settings.h"
#include "sallyport/users/users.h"

#define CTL_LOCK_MS     10000
#define CERTIFICATE_MAX 2048

/* The command line, cut up. */
struct arguments {
    const char *word[4]; /* "user", "add", NAME, one too many */
    size_t words;
    const char *config, *home, *comment, *role, *uid, *gid, *older_than;
    const char *on_conflict, *data_binding, *certificate, *login;
    bool json, purge, yes, all, hash_stdin, help, version;
    unsigned given; /* bit per row of the option table */
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
    /* The keys of a row's last column that an option sets. */
    OPTIONS_OF_KEYS = OPTION_ON_CONFLICT | OPTION_DATA_BINDING |
                      OPTION_CERTIFICATE | OPTION_LOGIN,
    /* All that a row has. */
    OPTIONS_OF_USER = OPTIONS_OF_KEYS | OPTION_HOME | OPTION_COMMENT |
                      OPTION_ROLE | OPTION_UID | OPTION_GID | OPTION_HASH_STDIN,
};

struct context {
    struct arguments args;
    struct settings settings;
    struct complaint complaint;
    char certificate[CERTIFICATE_MAX]; /* that was given, as a row has it */
    int patience; /* ms that the server has for an answer; 0: as usual */
};

enum ctl_takes {
    TAKES_NOTHING,
    TAKES_NAME, /* of a user */
    TAKES_NAME_OR_NOTHING,
    TAKES_SESSION, /* a word that names sessions */
};

struct ctl_command {
    const char *group;
    const char *name; /* NULL: the group is all of it */
    enum ctl_takes takes;
    unsigned options; /* besides --config and --help */
    bool asks_password;
    int (*run)(struct context *x);
    const char *syntax, *help, *example;
};
extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;

/* The whole program; its exit code. */
int ctl_run(int argc, char **argv);

/* EX_USAGE for what isn't an option or lacks its value. */
int arguments_parse(struct arguments *a, int argc, char **argv,
                    struct complaint *c);
/* The name of the first given option that isn't in ALLOWED, or NULL. */
const char *arguments_beyond(const struct arguments *a, unsigned allowed);

/* Prints a line for each option of those bits. */
void arguments_help(unsigned of);

/* Complains, and returns CODE. */
int ctl_fail(struct context *x, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The exit code that fits an errno of a file. */
int ctl_exit_of(int error);

/* The name on the command line as a row, or EX_NOUSER. */
int ctl_find(struct context *x, const struct users *u, const struct user **ret);

/* The commands, each an exit code. */
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
int server_status(struct context *x);
int server_reload(struct context *x);
int server_who(struct context *x);
int server_kick(struct context *x);

#endif
