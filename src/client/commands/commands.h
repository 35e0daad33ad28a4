/* The commands but help and doctor, the opening of a server, and walks. */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "client.h"
#include "transfer/transfer.h"

command_run cmd_put, cmd_get, cmd_cat, cmd_ls, cmd_mkdir, cmd_rm, cmd_rmdir,
    cmd_mv, cmd_chmod, cmd_hash, cmd_sync, cmd_open, cmd_cd, cmd_lcd, cmd_pwd,
    cmd_status, cmd_passwd, cmd_bye;
/* If the server has demanded a new password at the login, asks the user for the
 * new password, and sends it. If nobody can answer, prints the demand as a
 * failure. Returns 0 or an exit code. */
int passwd_demanded(struct client *c);

/* Closes the server that is open. */
void client_leave(struct client *c);
/* Opens the server of URL; first closes the server that is open. Returns an
 * exit code. */
int client_open(struct client *c, const struct url *url);
/* Is WORD of the form "PROFILE:PATH"? Then NAME gets the part before the
 * colon. */
bool open_profile_name(const char *word, char *name, size_t size);
/* Reads WORD as a URL or as "PROFILE:PATH". P and O get the settings of a
 * profile, unless P has them already. Returns 0; 1: WORD is neither; -1 with
 * the reason. */
int open_target(struct options *o, struct profile *p, const char *word,
                struct url *ret, struct failure *why);
/* Opens the server of URL for a session that begins in the directory of URL.
 * Returns an exit code. */
int open_session(struct client *c, const struct url *url);
/* Prints on a terminal which server is open. Called when a session begins, and
 * after "open". */
void open_greet(const struct client *c);

/* The use of a walk: look or remove (ls, rm); transfer each file (put,
 * get); or transfer files that differ (sync). */
enum tree_use { TREE_LOOKS, TREE_COPIES, TREE_SYNCS };

/* The jobs of one command (transfer/jobs.h), and their counters. A walk through
 * a local directory and its counterpart on the server has a job for each
 * directory. The walk prints each failure, and continues with the rest. */
struct tree;
typedef void tree_each(struct tree *t, struct job *job,
                       const struct listing_entry *e, const char *path);
struct tree {
    struct client *client;
    bool paths; /* ls prints whole paths */
    enum tree_use use;
    bool up; /* to the server */
    struct jobs jobs;
    atomic_size_t left_out; /* names that one of the sides can't have */
    atomic_size_t planned;  /* transfers that a dry run has printed */
    atomic_size_t same;     /* sync: files that need no transfer */
    pthread_mutex_t lock;   /* protects standard output */
};

void tree_begin(struct tree *t, struct client *c, enum tree_use use, bool up);
/* Releases the jobs. Returns the first failure's exit code, or 0; after Ctrl-C
 * EX_TEMPFAIL. */
int tree_end(struct tree *t);

/* Adds the transfer JOB; in a dry run only prints it. */
void tree_add(struct tree *t, const struct job *job, const char *local,
              const char *remote);

/* The greatest depth of directories. */
#define TREE_DEPTH_MAX 64

/* Adds the job that walks through a directory. A download makes LOCAL if it is
 * missing. The user has typed the first NAMED bytes of LOCAL; see
 * names_open(). TYPED: the user has typed all of REMOTE, which can be a link.
 */
void tree_walk(struct tree *t, size_t named, const char *local,
               const char *remote, bool typed);
/* Makes the local directory of JOB if it is missing; refuses a link unless the
 * user has named it. Sets MADE of the job. Returns 0; 1: this dry run would
 * make it; -1 with the reason. */
int tree_make_local(const struct tree *t, struct job *job, struct failure *why);
/* Makes the job for a directory inside the directory of the job ABOVE. */
struct job tree_below(struct job *above);
/* Lists the directory of JOB, and calls EACH for each entry. Sets STAYS of the
 * job if tree_cut(), which also gets NAMES, says so, or if the directory lies
 * too deep. Returns 0, or -1 with the reason. */
int tree_list(struct tree *t, struct job *job, struct link *l, bool names,
              tree_each *each, struct failure *why);
/* Is the listing THERE incomplete? If so, prints this as a failure. A listing
 * is incomplete if it is cut. With NAMES it is also incomplete if the client
 * has left lines out: lines that can't be read, and names that no local file
 * can have. */
bool tree_cut(struct tree *t, const char *remote, const struct listing *there,
              bool names);
/* Writes the local and the remote path of NAME in the directory of the job DIR.
 * If one of the paths is too long, prints this, leaves NAME out, and returns
 * false. */
bool tree_paths(struct tree *t, const struct job *dir, const char *name,
                char local[PATH_MAX], char remote[URL_PATH_MAX]);
/* Opens a local directory of the walk; see names_open() for NAMED. Returns NULL
 * with errno if this fails. */
DIR *tree_opendir(const char *local, size_t named);
/* Returns the next name in the directory LOCAL; NULL: at its end, or the
 * directory can't be read any more, which is printed as a failure. */
struct dirent *tree_readdir(struct tree *t, DIR *d, const char *local);
/* Prints WHY, the failure of WHAT, counts it, and keeps the first exit code.
 * tree_failed_errno() does the same for errno. */
void tree_failed(struct tree *t, const char *what, const struct failure *why);
void tree_failed_errno(struct tree *t, const char *what);

/* Calls EACH with the path of WORD. If the last component of the path is a
 * pattern, calls EACH with each path that matches, and with its entry E of the
 * listing; otherwise E is NULL. A pattern without a match is a failure; EACH
 * returns -1 for no match. Returns the first failure's exit code, or 0. */
typedef int expand_each(struct client *c, const char *path,
                        const struct listing_entry *e, void *of);
int tree_expand(struct client *c, const struct word *word, expand_each *each,
                void *of);
/* Answers like remote_look(). Asks the server only if E, the entry of
 * PATH in a listing, is NULL or lacks the size of a file. */
enum presence tree_stat(struct client *c, const char *path,
                        const struct listing_entry *e,
                        struct listing_entry *ret, struct failure *why);

/* Adds the job that removes PATH on the server with everything in it. In a dry
 * run the job only prints this. JOB is the removal of the directory above, or
 * NULL. */
tree_each remove_there;

/* Decides in a sync about a name that both sides have. Returns true if the
 * caller has nothing to do: the file needs no transfer, or a failure was
 * printed. If false, the caller adds JOB, which is
 * a transfer, or now a comparison, which decides later. */
bool sync_settled(struct tree *t, struct job *job, const char *local,
                  const struct stat *here, const struct listing_entry *there);
/* Writes DIR and NAME with one "/" between. Returns 0, or -1 if the path
 * doesn't fit. */
int tree_join(const char *dir, const char *name, char *out, size_t size);
/* Is NAME "." or ".."? */
bool tree_is_dots(const char *name);
/* Keeps CODE in *first if it is the first that isn't 0. */
void tree_keep(int *first, int code);

#endif
