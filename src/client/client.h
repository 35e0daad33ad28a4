/* Shared by all commands: the program's state, and the table of commands. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "link/link.h"
#include "options/options.h"
#include "show/show.h"
#include "transfer/transfer.h"

struct client {
    struct options
        options; /* from the command line, the profile and the current line */
    struct options given; /* from the command line alone */
    struct profile profile;
    struct site site;
    struct link link;
    bool open;              /* site and link are open */
    bool interactive;       /* in the shell */
    char cwd[URL_PATH_MAX]; /* remote, relative to the login directory */
    bool leave;             /* the shell must end */
};

/* A word of the command line: a local name or a path on the server. */
struct word {
    const char *text;
    bool remote;
    bool directory;             /* remote: it ended in "/" */
    char path[URL_PATH_MAX];    /* remote: relative to the login directory */
    struct url_pattern pattern; /* the path's last component; on the command
                                 * line only for a remote word */
    const struct url *url;      /* outside the shell: the command's server */
};

#define WORDS_MAX   4096
#define SHELL_WORDS 256 /* in a line of a session */

enum command_mode {
    ONE_SHOT = 1, /* on the command line: sallyport NAME ... URL */
    IN_SHELL = 2,
    LOCAL = 4, /* opens no connection by itself */
    OPENS = 8, /* has no options; sets the options of its server */
};

/* Returns an exit code of sysexits.h, and has printed its failures. */
typedef int command_run(struct client *c, struct word *w, int n);

struct client_command {
    const char *name, *other[2]; /* OTHER: further names, or NULL */
    unsigned modes;
    struct {
        int least, most;
    } words; /* after the name; most < 0: any number */
    struct {
        /* Which words are remote in the shell: a letter for each word, "r" for
         * remote, "l" for local; the last letter repeats. */
        const char *remote;
        /* Which words are URLs on the command line: a letter for all words but
         * the last, and a letter for the last; "r" for a URL, "l" for a local
         * name, "." for either. "": none of them names a server. */
        const char *urls;
    } kinds;
    command_run *run; /* not of "!" */
    struct {
        const char *line, *shell;
    } syntax; /* on the command line; in a session */
    const char *help;
    struct {
        const char *line, *shell; /* each without the other one's */
    } example;
};
extern const struct client_command commands[];
extern const size_t commands_count;

const struct client_command *commands_find(const char *name, unsigned mode);
/* Says that there is no command NAME, and which one is similar. Returns an exit
 * code. */
int command_unknown(const char *name, unsigned mode);

command_run cmd_put, cmd_get, cmd_cat, cmd_ls, cmd_du, cmd_mkdir, cmd_rm,
    cmd_rmdir, cmd_mv, cmd_chmod, cmd_hash, cmd_sync, doctor_run, cmd_open,
    cmd_cd, cmd_lcd, cmd_pwd, cmd_status, cmd_passwd, cmd_help, cmd_bye;
/* Makes a directory with its missing parents. Returns an exit code. */
int mkdir_one(struct client *c, const char *path);
/* If the server has demanded a new password at the login, asks for one and
 * changes it, or says so. Returns an exit code. */
int passwd_demanded(struct client *c);

/* Shows progress and failures as the options say. ROW (or NULL) is the command
 * that will run with these words. */
void client_show(const struct options *o, const struct client_command *row,
                 char **text, int n);
/* Prints WHY, the failure of WHAT. Returns its exit code. */
int client_error(const char *what, const struct failure *why);
/* Prints a failure of WHAT in these words. Returns CODE. */
int client_refuse(const char *what, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Checks that COMMAND takes all options of this line. Prints the first option
 * that it doesn't take, with WHO as the command's name. Returns an exit
 * code. */
int client_misfit(const struct options *o, const char *command,
                  const char *who);
/* Runs the whole program. Returns its exit code. */
int client_main(int argc, char **argv);
/* Runs a session: commands from a terminal, or the lines of standard input. */
int shell_run(struct client *c);
/* Says on a terminal which server the session has: at the beginning, and after
 * "open". */
void shell_greet(const struct client *c);

/* Prints the help for one command (NULL: all commands) in MODE. Returns 0. */
int help_print(const struct client_command *row, unsigned mode);

/* Does an upload of sync keep the file's time? */
enum tree_times {
    TIMES_UNKNOWN,
    TIMES_STAY,  /* the account may set times on the server */
    TIMES_CHANGE /* an upload gets the time of its end */
};

/* Does the command only look or remove; transfer each file (put, get); or
 * transfer files that differ? */
enum tree_use { TREE_LOOKS, TREE_COPIES, TREE_SYNCS };

/* The jobs of one command (transfer/jobs.h), and their counters. A walk through
 * a local directory and its counterpart on the server has a job for each
 * directory; it prints each failure and continues with the rest. */
struct tree;
typedef void tree_each(struct tree *t, struct job *job,
                       const struct listing_entry *e, const char *path);
struct tree {
    struct client *client;
    tree_each *each; /* of ls and du */
    bool paths;      /* ls prints whole paths */
    enum tree_use use;
    bool up; /* to the server */
    struct jobs jobs;
    atomic_size_t left_out;  /* names that are too long for one of the sides */
    atomic_size_t planned;   /* transfers that a dry run has printed */
    atomic_size_t same;      /* sync: files that need no transfer */
    atomic_size_t removed;   /* names */
    atomic_bool untimed;     /* the user was told that the server gives no
                              * times */
    _Atomic(uint64_t) bytes; /* of du */
    atomic_size_t files;
    atomic_int times;      /* sync: enum tree_times */
    atomic_size_t surplus; /* names that sync --delete will remove */
    bool removing;         /* all transfers are over */
    atomic_bool unlisted;  /* the user was told that listings lack names */
    atomic_size_t older;   /* files of the same size that are older here */
    pthread_mutex_t lock;  /* protects standard output, and jobs.later */
};

void tree_begin(struct tree *t, struct client *c, enum tree_use use, bool up);
/* Returns the first failure's exit code, or 0. */
int tree_end(struct tree *t);

/* Adds a transfer, or prints its line in a dry run. */
void tree_add(struct tree *t, const struct job *job, const char *local,
              const char *remote);

/* Do --exclude and --include leave PATH out? The walk began in its first ROOT
 * bytes. */
bool tree_excludes(const struct tree *t, const char *path, size_t root,
                   bool directory);
/* Returns the time of the last change of a file on the server; 0: unknown. Asks
 * the server if --min-age needs the time and a listing without MLSD lacks it; a
 * file without a time is then a failure, and counts as new. */
time_t tree_time(struct tree *t, struct link *l, const char *remote,
                 const struct listing_entry *e);
/* May a file that the user has named be transferred, by its NAME and age? */
bool tree_passes(const struct tree *t, const char *name, time_t modified);

/* The greatest depth of directories. */
#define TREE_DEPTH_MAX 64

/* Adds the job that walks through a directory. A download makes LOCAL if it is
 * missing. The user has typed the first NAMED bytes of LOCAL; see
 * names_open(). */
void tree_walk(struct tree *t, size_t named, const char *local,
               const char *remote);
/* Makes the job of a directory inside the job ABOVE. */
struct job tree_below(struct job *above);
/* Lists the directory of a job, and calls EACH with everything in it. If the
 * listing isn't whole, prints this, and the job STAYS; see tree_cut() for
 * NAMES. Returns 0, or -1 with the reason. */
int tree_list(struct tree *t, struct job *job, struct link *l, bool names,
              tree_each *each, struct failure *why);
/* Is THERE cut, or (NAMES) does it lack names that no file here may have? Then
 * prints this as a failure. */
bool tree_cut(struct tree *t, const char *remote, const struct listing *there,
              bool names);
/* Writes the paths of NAME in the directory of DIR. Returns false, and leaves
 * NAME out, if one of them is too long. */
bool tree_paths(struct tree *t, const struct job *dir, const char *name,
                char local[PATH_MAX], char remote[URL_PATH_MAX]);
/* Opens a local directory of the walk, or returns NULL with errno. */
DIR *tree_opendir(const char *local, size_t named);
/* Returns the next name in the directory LOCAL, or NULL at its end. Prints a
 * failure if it can't be read any more. */
struct dirent *tree_readdir(struct tree *t, DIR *d, const char *local);
/* Prints the failure, counts it, and keeps the first exit code. */
void tree_failed(struct tree *t, const char *what, const struct failure *why);
void tree_failed_errno(struct tree *t, const char *what);

/* Calls EACH with the path of WORD or, if its last component is a pattern, with
 * the paths that match, and their listing entry (E; or NULL). A pattern without
 * a match is a failure. Returns the first failure's exit code, or 0. */
typedef int expand_each(struct client *c, const char *path,
                        const struct listing_entry *e, void *of);
int tree_expand(struct client *c, const struct word *word, expand_each *each,
                void *of);
/* As remote_stat_named(), unless E, an entry of a listing, has the answer. */
enum presence tree_stat(struct client *c, const char *path,
                        const struct listing_entry *e,
                        struct listing_entry *ret, struct failure *why);

/* Adds the job that removes PATH of the server with everything in it, or prints
 * that in a dry run. JOB is the removal of its directory, or NULL. */
tree_each remove_there;

/* Says that a directory stays, since names in it stay: LOCAL itself, or the
 * directory that LOCAL would replace. */
void remove_refuse(struct tree *t, const char *local);
/* Holds the removal of a name: on the server until everything in DIR is
 * transferred, here until everything is. Returns NULL if there is nothing to
 * remove. */
struct job *remove_hold_there(struct tree *t, struct job *dir,
                              const char *local, const char *remote,
                              const struct listing_entry *e);
struct job *remove_hold_here(struct tree *t, const struct job *dir,
                             const char *local, const char *remote);

/* Sync: called for a file on both sides. Returns true if it needs no transfer;
 * may turn JOB into a comparison, which decides later. */
bool sync_settled(struct tree *t, struct job *job, const char *local,
                  const char *remote, const struct stat *here,
                  const struct listing_entry *there);
/* Sync: asks for a file that the server's listing lacks. */
job_step sync_ask;

/* Collect the names that sync --delete removes on the target, if any. A walk
 * calls them: for names in the server's directory of DIR that the open local
 * directory HERE lacks; or for local names that the listing lacks. */
void surplus_of_server(struct tree *t, struct job *dir, int here,
                       const struct listing *there);
int surplus_of_local(struct tree *t, const struct job *dir, struct link *l,
                     const struct listing *there, struct failure *why);
/* The step after everything in DIR: decides which of its surplus names may
 * go. */
job_step surplus_settle;

/* Writes DIR and NAME with one "/" between. Returns 0, or -1 if that doesn't
 * fit. */
int tree_join(const char *dir, const char *name, char *out, size_t size);
/* Is NAME "." or ".."? */
bool tree_is_dots(const char *name);
/* Keeps CODE in *first if it is the first that isn't 0. */
void tree_keep(int *first, int code);

/* Cuts LINE of the shell, in place, into at most MAX words. Blanks separate
 * them, '...' and "..." enclose them, and \ makes the next byte literal.
 * Returns their number, or -EINVAL: a quote isn't closed; -E2BIG. */
int split_line(char *line, char **word, int max);
/* Reads the word that begins at TYPED, a line as split_line() cuts it, as a
 * path. A quoted character, or one after \, isn't part of a pattern. */
void split_pattern(const char *typed, struct url_pattern *ret);

#endif
