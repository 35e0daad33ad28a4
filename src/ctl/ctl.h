/* The parts of sallyportctl. "An exit code" is 0 or a code of sysexits.h; with
 * the latter a function has filled in the complaint. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"
#include "sallyport/conf/conf.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/usersfile/usersfile.h"

#define CTL_LOCK_MS     10000
#define CERTIFICATE_MAX 2048

/* The parsed command line. */
struct arguments {
    const char *word[4]; /* "user", "add", NAME, one too many */
    size_t words;
    const char *config, *home, *comment, *role, *uid, *gid, *older_than;
    const char *on_conflict, *data_binding, *upload_eof, *certificate, *login;
    const char *expires, *ttl, *format, *prefix, *shadow;
    bool print_password, dry_run, hashes;
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
    OPTION_EXPIRES = 1 << 30,
    OPTION_TTL = 1 << 29,
    OPTION_PRINT_PASSWORD = 1 << 28,
    OPTION_FORMAT = 1 << 27,
    OPTION_PREFIX = 1 << 26,
    OPTION_SHADOW = 1 << 25,
    OPTION_DRY_RUN = 1 << 24,
    OPTION_HASHES = 1 << 23,
    /* Options that set a key in the last column of a row. */
    OPTIONS_OF_KEYS = OPTION_ON_CONFLICT | OPTION_DATA_BINDING |
                      OPTION_UPLOAD_EOF | OPTION_CERTIFICATE | OPTION_LOGIN |
                      OPTION_EXPIRES | OPTION_TTL,
    /* Options that set any column of a row. */
    OPTIONS_OF_USER = OPTIONS_OF_KEYS | OPTION_HOME | OPTION_COMMENT |
                      OPTION_ROLE | OPTION_UID | OPTION_GID | OPTION_HASH_STDIN,
};

#define WHEN_MAX 32

struct context {
    struct arguments args;
    struct settings settings;
    struct complaint complaint;
    char certificate[CERTIFICATE_MAX]; /* the given one, as a row has it */
    char expires[WHEN_MAX];            /* the end of --ttl, likewise */
    int patience; /* ms for an answer of the server; 0: the default */
};

enum ctl_takes {
    TAKES_NOTHING,
    TAKES_NAME, /* a user's name */
    TAKES_NAME_OR_NOTHING,
    TAKES_SESSION,   /* a word that names sessions */
    TAKES_TWO_NAMES, /* of users */
    TAKES_FILE,
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
int user_rename(struct context *x);
int user_import(struct context *x);
int user_export(struct context *x);
int user_del(struct context *x);
int user_list(struct context *x);
int user_show(struct context *x);
int user_lock(struct context *x);
int user_unlock(struct context *x);
int user_totp(struct context *x);
int user_totp_off(struct context *x);
int partials_list(struct context *x);
int partials_purge(struct context *x);
int status_show(struct context *x);
int status_reload(struct context *x);
int sessions_who(struct context *x);
int sessions_kick(struct context *x);

/* output.c: times and JSON. */

/* Writes "2026-11-20T07:42:01Z" for seconds since 1970. Returns OUT. */
const char *when_text(int64_t seconds, char out[WHEN_MAX]);
/* Writes how long ago that is, rounded down: "3 d", "5 h", "12 min", "40 s".
 * Returns OUT. */
const char *when_ago(int64_t seconds, int64_t now, char out[WHEN_MAX]);

/* JSON is UTF-8: other bytes of TEXT become '?'. The caller owns the value;
 * NULL: no memory. */
json_t *json_text(const char *text);
/* A time in seconds since 1970 as text; null for 0. Ownership as above. */
json_t *json_time(int64_t seconds);
/* Prints VALUE and a line end, and frees it. VALUE NULL means no memory.
 * Returns an exit code. */
int json_write(struct context *x, json_t *value);

/* password.c: lines and passwords, from the terminal or standard input. In
 * every case the terminal's settings are restored. */

/* Asks on /dev/tty. Returns 1 for "y" or "yes", 0 for another answer, and -1 if
 * nobody can be asked or nobody answered. */
int terminal_confirm(const char *question);

#define PASSWORD_MIN 8

/* Reads a new password: twice from /dev/tty without echo; or one line of
 * standard input, if that is no terminal. Returns an exit code. */
int password_read(struct secret *s, const char *user, struct complaint *c);
/* Reads one line of standard input, without its end. Returns an exit code; the
 * caller wipes OUT. */
int password_line(char *out, size_t size, struct complaint *c);
/* Reads the password, or makes one of random letters and digits if it will be
 * printed. Returns an exit code. */
int password_take(struct context *x, struct secret *s, const char *user);
/* Prints it if that was asked for. */
void password_show(const struct context *x, const struct secret *s);

/* home.c: homes, made and removed. */

/* Copies an absolute path without "//" and without '/' at its end. Returns 0 or
 * -ENAMETOOLONG. It looks only at the text. */
int home_tidy(struct slice path, char *out, size_t size);
/* Is PATH equal to DIRECTORY or beneath it? Both come from home_tidy(). */
bool home_beneath(const char *path, const char *directory);

/* Is one of them equal to the other or beneath it? HOME comes from home_tidy().
 */
bool home_overlaps(const char *home, const char *other);

/* Makes the home with mode 0700; as root it gives it to UID and GID. *made is
 * false if the home existed and is kept. It refuses a symbolic link and
 * somebody else's directory; OFFER: the user could have that owner's uid. It
 * also makes HOMES if that alone is missing. Returns an exit code. */
int home_make(const char *home, const char *homes, uid_t uid, gid_t gid,
              bool offer, bool *made, struct complaint *c);
/* Removes a home that is empty. */
void home_unmake(const char *home);

/* Removes the home and all that is in it. Conditions: the home is beneath
 * HOMES, its path from there has no symbolic link, UID owns it, and nothing is
 * mounted in it (nor by mount --bind). Otherwise it removes nothing. Returns an
 * exit code. */
int purge_home(const char *home, const char *homes, uid_t uid,
               struct complaint *c);

/* edit.c: an edit of the users file, which is replaced in one step. */

/* Checks the finished file before it gets its name. Returns 0, or a negative
 * number, which replace_file() returns. */
typedef int replace_check(int fd, void *owner);

/* Writes NAME.new in the directory, syncs it, renames it to NAME, and syncs the
 * directory. Owner, group and mode come from LIKE (NULL: the caller's, 0600),
 * but others get no rights. If the process is killed, the old or the new file
 * is there, complete. The caller holds the lock of the directory. Returns 0 or
 * -errno. *stands: the new file has its name, even if the sync of the directory
 * has failed. */
int replace_file(int directory_fd, const char *name, struct slice bytes,
                 const struct stat *like, replace_check *check, void *owner,
                 bool *stands);

/* An edit of the users file: locked, and atomic. Lines that it doesn't change
 * keep every byte. */

struct edit_line {
    struct slice text; /* without its end; ptr NULL: removed */
    char *own;         /* the bytes of a changed one */
};

struct edit {
    char path[PATH_MAX]; /* the users file, links resolved */
    char *name;          /* the file's name: the end of path */
    int directory_fd, lock_fd;
    bool exists;
    bool stands; /* the new file has replaced the old one */
    bool ended;  /* the last line has a line end */
    struct stat old;
    struct buf text;        /* the old file */
    struct edit_line *line; /* of the new file; line N is line[N - 1] */
    size_t lines, room;
    struct users users; /* the old file */
    struct complaint *complaint;
};

/* All functions of type int below return an exit code, with the complaint
 * filled in. */

/* Loads the users without a lock. A missing file has none. In any case the
 * caller calls users_release(). If the file has a mistake, it returns
 * EX_DATAERR; unless REPORT is NULL, it gets each mistake, and *u the correct
 * rows. */
int edit_load_users(struct users *u, const char *path, users_report *report,
                    struct complaint *c);
/* Waits up to LOCK_MS for the lock, and reads the file. In any case the caller
 * calls edit_release(). */
int edit_open(struct edit *e, const char *path, unsigned lock_ms,
              struct complaint *c);
/* The same without a lock, to show the file. */
int edit_look(struct edit *e, const char *path, struct complaint *c);
void edit_release(struct edit *e);
/* Calls MAKE, which changes the file, under the lock. Then the running server
 * is told, also of a change that a power cut may undo. */
int edit_run(struct context *x,
             int (*make)(struct context *x, struct edit *e, void *given),
             void *given);

/* Lines have the numbers of the old file, from 1 on; those that were appended
 * come after them. Slices are valid until the line is changed. */
enum edit_kind { EDIT_USER, EDIT_SHARE, EDIT_TEAM, EDIT_OTHER };
/* The next line of that kind after the line AFTER, or the one with that name;
 * 0: there is none. */
size_t edit_next(const struct edit *e, enum edit_kind kind, size_t after);
size_t edit_find(const struct edit *e, enum edit_kind kind, struct slice name);
/* The name of the user, share or team. */
struct slice edit_name(const struct edit *e, size_t line);
/* The value of KEY in the last column; ptr NULL: it isn't there. */
struct slice edit_key(const struct edit *e, size_t line, const char *key);

/* LINE has no line end. */
int edit_append(struct edit *e, struct slice line);
void edit_remove(struct edit *e, size_t line);
/* Replaces a column of a user's line; the last column has edit_set_key(). */
enum edit_column {
    EDIT_NAME,
    EDIT_HASH,
    EDIT_UID,
    EDIT_GID,
    EDIT_COMMENT,
    EDIT_HOME,
};
int edit_set_column(struct edit *e, size_t line, enum edit_column column,
                    const char *text);
/* Sets KEY=VALUE in the last column, and removes an older value of KEY. VALUE
 * NULL only removes it. */
int edit_set_key(struct edit *e, size_t line, const char *key,
                 const char *value);

/* An entry NAME or NAME:ROLE of a list with commas (shares=, teams=). */
struct entry {
    struct slice text, name, role; /* role.ptr NULL: without one */
};
/* Cuts the next entry from *rest; false: there is none. */
bool entry_next(struct slice *rest, struct entry *ret);
/* Puts ENTRY into the list, in the order of the names, and removes an older one
 * of NAME. ENTRY NULL only removes it; a list without entries is removed. */
int edit_set_entry(struct edit *e, size_t line, const char *key,
                   struct slice name, const char *entry);
int edit_commit(struct edit *e);

/* The highest id that was ever assigned (USERS.last-uid or .last-gid); 0:
 * none. */
enum edit_last { EDIT_LAST_UID, EDIT_LAST_GID };
int edit_last_id(struct edit *e, enum edit_last which, uint64_t *ret);
/* Records the id as used, forever. */
int edit_spend_id(struct edit *e, enum edit_last which, uint64_t id);

/* fields.c: the columns of a user's row that options set, for "user add" and
 * "user change". First names of client certificates, in the form in which
 * people copy them. */

/* Writes the name as a row of the users file has it. A fingerprint as
 * openssl(1) prints it ("AA:BB:…") becomes lower case without colons. A space
 * becomes \20 and a ';' \3B, with or without a backslash before it. Returns 0
 * or -ENAMETOOLONG. */
int certificate_tidy(const char *text, char out[CERTIFICATE_MAX]);

struct fields {
    const char *comment;           /* NULL: not given */
    char home[USER_HOME_MAX + 1];  /* home_tidy()'s form; "": not given */
    char homes[SETTINGS_PATH_MAX]; /* the setting, in home_tidy()'s form */
    char hash[USER_HASH_MAX + 1];  /* "": not given; fields_wipe() wipes it */
    unsigned rights;               /* 0: not given */
    uint64_t uid, gid;             /* 0: not given */
};

/* Each function returns an exit code, with the complaint filled in. */

/* Takes the given options, except the hash. */
int fields_take(struct context *x, struct fields *f);
/* Takes HOME, an absolute path, into f->home. */
int fields_take_home(struct context *x, struct fields *f, const char *home);
/* With --hash-stdin: reads the hash, one line of standard input. */
int fields_take_hash(struct context *x, struct fields *f);
/* Refuses the uid and the home of F if another row than OWN has them. OWN may
 * be NULL. */
int fields_check(struct context *x, const struct fields *f,
                 const struct users *u, const struct user *own);
/* Could the user have the uid that the home belongs to? */
bool fields_may_own(const struct context *x, const struct fields *f,
                    const struct users *u);
void fields_wipe(struct fields *f);

/* Keys in the last column of a user's row that have an option. */

#define KEYS_TEXT_MAX (CERTIFICATE_MAX + 192)

/* Functions of type int return an exit code, with the complaint filled in. */

/* Checks that the value of each given option is permitted, and gives it the
 * form that a row has. */
int keys_check(struct context *x);
/* Writes " key=value" for each given option, for a new row. */
void keys_text(const struct context *x, char out[KEYS_TEXT_MAX]);
/* Sets the given options in the user's row. */
int keys_set(struct context *x, struct edit *e, size_t line);

/* At the end of a command: prints a hint if a certificate was given, but the
 * server never asks for one; or if the given expiry has passed. */
void keys_hint(const struct context *x);

/* user_add.c: new rows, for "user add" and "user import". Functions of type int
 * return an exit code, with the complaint filled in. */

struct addition {
    const char *name;
    struct fields f;
    struct slice options; /* the last column */
    bool made;            /* the home is new */
};

/* The home is NAME in DIRECTORY. */
int addition_take_home(struct context *x, struct addition *a,
                       const char *directory);
/* Checks name, uid and home against the existing rows. */
int addition_check(struct context *x, const struct addition *a,
                   const struct users *u);
/* Makes the home, and adds the row. The caller commits the edit; if that fails,
 * it calls home_unmake() if the home was made. */
int addition_put(struct context *x, struct addition *a, struct edit *e);

/* Uids of users. None is assigned twice, even if its user is removed. */
struct uids {
    uint64_t highest;  /* that is or was a user's */
    uint64_t recorded; /* edit_last_id() */
};

int uids_open(struct context *x, struct uids *u, struct edit *e);
/* Sets *uid to the next one and *gid to the same number, unless they aren't 0.
 * NAME is the user's. */
int uids_assign(struct context *x, struct uids *u, struct slice name,
                uint64_t *uid, uint64_t *gid);
/* Records the assigned uids as used: before anything else is written. */
int uids_record(struct uids *u, struct edit *e);
/* Has an account of the system (NSS) this uid? Its owner could read and change
 * the user's files. */
bool uid_is_of_system(uint64_t uid);

/* server.c: the running server, through its control socket. */

#define SERVER_ANSWER_MS 30000 /* a process files may take 10 s to start */

struct server {
    struct context *x;
    struct channel channel;
    uint32_t request; /* number of the last request */
    char version[256];
    uint64_t pid;
    int patience; /* ms for an answer */
    bool busy;    /* it has no free place now */
};

/* The functions below return an exit code, with the complaint filled in. In any
 * case the caller calls server_close(). */

/* Connects and waits for the server's welcome. If the server is busy, it
 * retries for a while. EX_UNAVAILABLE: no server runs. */
int server_open(struct server *s, struct context *x);
void server_close(struct server *s);
/* The number for a new request. */
uint32_t server_request(struct server *s);
/* Waits for the first answer to the request that SEND() has sent with
 * RESULT. */
int server_asked(struct server *s, int result, struct message *answer);
/* Waits for the next answer to the same request. */
int server_next(struct server *s, struct message *answer);
/* Waits on any channel for an answer to REQUEST, up to MS milliseconds. A
 * refusal, or an answer to another request, is an error. */
int server_wait(struct context *x, struct channel *c, uint32_t request,
                struct message *answer, int ms);
/* Escapes TEXT of the server for printing. Returns 0, or -ENAMETOOLONG: it
 * doesn't fit into OUT. */
int server_escape(struct slice text, char *out, size_t size);
/* Returns EX_PROTOCOL, with the complaint that the server sent WHAT, which is
 * not permitted. */
int server_lies(struct context *x, const char *what);

/* sessions.c: sends the running server, if there is one, the news that the
 * users file has changed. It ends the sessions that are no longer permitted,
 * and their number is printed. If the server can't be reached, that is a
 * printed line and no failure. */
void sessions_edited(struct context *x);

#endif
