/* The parts of sallyportctl. An "exit code" is 0 or a code of sysexits.h. A
 * function that returns one of the latter has filled in the complaint. */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sysexits.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/complain.h"
#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"
#include "sallyport/conf/conf.h"
#include "sallyport/domain/stored.h"
#include "sallyport/hash/hash.h"
#include "sallyport/ipc/channel.h"
#include "sallyport/unit/unit.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/places.h"
#include "sallyport/users/users_file.h"

#define CTL_LOCK_MS 10000

/* The indexes of the options; OPTIONS is their number. */
#define ROW(field, ...) OPTION_##field,
enum option_place {
#include "option_list.h"
    OPTIONS
};

/* The parsed command line. */
struct arguments {
    char **word; /* "user", "add", NAME; in argv; NULL after them */
    size_t words;
    /* The value, or "" of an option without one; NULL: not given. Each is also
     * a field with its name. */
    union {
        const char *option[OPTIONS];
        struct {
#define ROW(field, ...) const char *field;
#include "option_list.h"
        };
    };
};

#define WHEN_MAX 32

struct context {
    struct arguments args;
    struct settings settings; /* `homes` and `shares` as place_tidy() writes
                               * them */
    struct users users;       /* read without a lock, before the command */
    int lock_fd;              /* the lock of the users file; 0: none */
    int patience; /* ms to wait for an answer of the server; 0: the default */
};

/* The context of this process, which runs one command. */
extern struct context ctl;
/* The exit status of a command that has done its work: 0, or an answer such as
 * the "no" of "user can". */
extern int ctl_status;

enum ctl_takes {
    TAKES_NOTHING,
    TAKES_NAME, /* the name of a user, share or team */
    TAKES_NAME_OR_NOTHING,
    TAKES_NAME_AND_MORE, /* a name, and at least one further word */
    TAKES_NAME_AND_ANY,
    TAKES_VERB_AND_PATH, /* a name, a verb and a path, which may be missing */
    TAKES_SESSION,       /* a word that names sessions */
    TAKES_TWO_NAMES,     /* of users */
    TAKES_FILE,
    TAKES_NETWORK, /* an address or a network */
    TAKES_ACCOUNT, /* a user's name, or "share:" and a share's */
    TAKES_ACCOUNT_AND_SIZE,
    TAKES_ID, /* the id of an upload, and perhaps a user's name */
};

/* Bits: the kinds of a word. */
enum {
    A_FILE = 1,
    A_USER = 2,
    A_SHARE = 4,
    A_TEAM = 8,
    WITH_KIND = 16, /* shares and teams are written "share:NAME" */
    A_NAME = 64,    /* of a share or a team in their groups, otherwise of a
                     * user */
    A_MEMBER = 128, /* a member of a share, or a team */
    A_NEW = 256,    /* a name that isn't in use yet */
};

/* The words after the command. */
struct ctl_words {
    size_t least, most;
    const char *first, *second; /* the names of missing words; NULL: as in the
                                 * syntax */
    unsigned kinds, more_kinds; /* kinds of the first word, and of those after
                                 * it */
};
extern const struct ctl_words ctl_words[]; /* by TAKES_ */

/* Bits: needs of a command, before it runs or while it does. */
enum {
    READS_USERS = 1,
    ASKS_PASSWORD = 4,
    WITHOUT_SETTINGS = 8, /* so that an account need not be able to read the
                           * configuration */
    HAS_DEADLINE = 16,    /* ends after ctl_deadline_ms, and asks no question */
    ANY_SETTINGS = 32,    /* a part of the settings is enough */
};

/* Does the work of a command, with ctl; returns, or calls fail(). */
typedef void ctl_function(void);

struct ctl_command {
    const char *group;
    const char *name; /* NULL: the group is the whole command */
    ctl_function *run;
    enum ctl_takes takes;
    unsigned needs;
    const char *syntax; /* has the options that it takes, except --config and
                         * --help */
    const char *help, *example;
};
extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;

/* ms after which "user lock" has ended, even if a disk is dead. Tests shorten
 * it. */
extern int ctl_deadline_ms;

/* Runs the program, and ends the process. */
noreturn void ctl_run(int argc, char **argv);
/* Ends the process with CODE, or with another code if the output can't be
 * written. */
noreturn void ctl_end(int code);

/* Parses ARGV into ctl.args, and moves its words to the front. */
void arguments_parse(int argc, char **argv);
/* Returns the row of "home", or NULL if no option has that name. */
const struct ctl_option *arguments_option(struct slice name);
/* Does the command take the option? */
bool ctl_takes(const struct ctl_command *row, enum option_place option);

struct ctl_option {
    const char *name;
    const char *value; /* its name in the help; NULL: takes none */
    const char *key;   /* the key that it sets in a row; NULL: none of that
                        * name */
    const char *none;  /* the word that removes the key */
    const char *help;
};
extern const struct ctl_option ctl_options[]; /* by their places */

/* Takes TEXT, the value of OPTION, such as "90s", "10min", "12h", "7d" or
 * "4w". */
uint64_t arguments_seconds(const char *option, const char *text);

/* Writes "user add", or "status". Returns OUT. */
#define CTL_NAME 32
const char *ctl_name_of(const struct ctl_command *row, char out[CTL_NAME]);
/* Returns the row of the command line, or NULL. */
const struct ctl_command *ctl_command_of(const struct arguments *a);
/* help.c: prints the help of a command; a line for each command of the group;
 * and for each group. */
void help_command(const struct ctl_command *row);
void help_group(const char *group);
void help_overview(void);
/* Returns the length of the first part of a help text, which is enough for a
 * list. */
int help_short(const char *help);

/* Returns the current word or option for one of another program or an older
 * version, or NULL. */
const char *meant_now(struct slice word);
/* Is it the first word of a command? */
bool meant_is_group(const char *word);
/* Says that the words are no command, and which command was probably meant. */
noreturn void meant_instead(void);

/* complete.c: prints the words that may replace the last of the words after
 * --complete, for the completion of a shell. */
void complete_print(char **word);

/* Writes the path of NAME beside this program; or NAME, if that isn't known. */
void ctl_beside(const char *name, char out[PATH_MAX]);
/* run.c: loads the settings of the command line, or fails. PARTLY: for a
 * command that must work while somebody edits the configuration: a mistake in
 * it is a warning on standard error, unless it may be in the line of `users`.
 */
void ctl_load_settings(bool partly);

/* fail.c: the end of a command that fails. A function that can't do its work
 * calls fail(), so it returns only if it has done it. */

/* Calls at_fail, prints the complaint, and exits with CODE. In a fork the
 * parent gets the code and the complaint instead. */
noreturn void fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
noreturn void fail_no_memory(void);
/* fail() calls this first, once; NULL: nothing. It must not fail. */
extern void (*at_fail)(int code);
/* Memory that a fork shares with its parent; zero until the fork fails. */
struct fail_page {
    int code;
    struct complaint why;
};
void fail_to_parent(struct fail_page *page); /* NULL: there is none */
/* Calls WORK(DATA) for a caller that continues after a failure. Returns 0, or
 * the code of fail() with its complaint in *why; at_fail isn't called. */
typedef void fail_work(void *data);
int fail_caught(fail_work *work, void *data, struct complaint *why);

/* Returns the exit code for an errno of a file. */
int ctl_exit_of(int error);

/* Fails, since there is no "user", "share" or "team" of that name. */
noreturn void fail_missing(const char *what, struct slice name);
/* Finds the user named on the command line, or fails. */
const struct user *user_named(const struct users *u);

/* Runs in a fork for "partials": files_main(). Tests replace it. */
struct files_start;
extern void (*partials_files)(const struct files_start *start);

/* The commands. user_lock also unlocks, members_change grants, revokes, and
 * fills teams. line_change is for shares and teams, line_del and line_rename
 * for all three. */
ctl_function user_add, user_change, user_edit, user_passwd, user_lock,
    user_totp, user_list, user_show, user_can, user_import, invite_run;
ctl_function share_add, share_list, share_show, team_list, team_show;
ctl_function members_change, line_change, line_rename, line_del;
ctl_function partials_list, retention_run, inspect_list, inspect_order;
ctl_function quota_set_limit, quota_print;
ctl_function status_show, status_reload, check_run, metrics_show;
ctl_function who_show, sessions_kick, drain_run;
ctl_function bans_list, bans_add, bans_del;
ctl_function log_show, report_run;

/* user_can.c: says on standard error if the user can't log in. */
void user_hint(const struct user *user);
/* Asks systemd. Tests replace it. */
extern void (*paths_unit)(struct unit *u);

/* output.c: times, modes and JSON. */

/* Writes "2026-11-20T07:42:01Z" for seconds since 1970. Returns OUT. */
const char *when_text(int64_t seconds, char out[WHEN_MAX]);

/* Makes a JSON text, with '?' for each byte that isn't harmless on a terminal;
 * null for an empty one. The caller owns the value; NULL: no memory. */
json_t *json_foreign(struct slice s);
/* Does the same, but a text in UTF-8 keeps each byte. */
json_t *json_slice(struct slice s);
/* Does the same for a C string, which may be empty. */
json_t *json_text(const char *text);
/* Makes a text of a time in seconds since 1970; null for 0. Ownership as
 * above. */
json_t *json_time(int64_t seconds);
/* Makes "0660"; null for 0. */
json_t *json_mode(unsigned mode);
/* null if N isn't known. */
json_t *json_count(bool known, uint64_t n);
/* Return the text, or number, of a member; NONE, or 0, if it has none. */
const char *text_of(const json_t *of, const char *key, const char *none);
uint64_t number_of(const json_t *of, const char *key);
/* Prints VALUE and a line end, and frees it. VALUE NULL means no memory. */
void json_print(json_t *value);
/* A member of a JSON object as it is printed: a column of a list, or a line of
 * "show" if that isn't the value alone. A row without a key ends an array of
 * these. */
struct output_field {
    const char *title, *key; /* a column without a title is only in CSV */
    int width;               /* least width of a column; > 0: on the right */
    const char *none;        /* printed for null, and for an empty array or
                              * text */
    bool count;              /* print only the number of an array's elements */
    /* Writes an element of an array; "show" gives each its own line. */
    void (*element)(const json_t *one, struct buf *into);
    /* Writes the text of a column, from the whole object. */
    void (*text)(const json_t *row, struct buf *into);
};
/* Writes the member "age" (seconds) as a cell, rounded down: "3 d", "5 h". */
void output_age(const json_t *row, struct buf *into);
/* Prints the members of ONE, a size in its unit, with --json unchanged, and
 * frees it. NULL means no memory. FIELDS has the members that aren't printed as
 * they are; its last row is for all others. A member without a value, and
 * without a `none`, isn't printed. */
void output_one(json_t *one, const struct output_field *fields);
/* A table: columns as wide as their values, or CSV of the same columns (--csv),
 * or with --json an array of the whole objects. */
#define TABLE_COLUMNS 20
#define TABLE_MAX     (1u << 30)
struct table {
    const struct output_field *columns;
    json_t *list;
    struct buf cells; /* the cells as text, each with a NUL */
    int width[TABLE_COLUMNS];
    size_t last; /* the last column that is shown */
    size_t rows; /* with the titles */
    bool stream; /* prints each row at once, with the widths of the fields; JSON
                  * has an object a line */
};
void table_begin(struct table *t, const struct output_field *columns,
                 bool stream);
/* Adds ONE, and frees it. NULL means no memory. */
void table_add(struct table *t, json_t *one);
/* Prints the table. NOTHING, unless it is NULL, is printed for an empty table;
 * "": no line. */
void table_end(struct table *t, const char *nothing);
/* Prints the elements of an array as a table. */
void table_print(const json_t *rows, const struct output_field *columns,
                 const char *nothing);
/* Describes element I. The caller owns the value; NULL: no memory. */
typedef json_t *output_describe(size_t i);
/* Prints N elements as a table. */
void output_list(size_t n, output_describe *describe,
                 const struct output_field *columns);
/* Reports what a command has done to the WHAT ("user") NAME: prints the
 * sentence; or, with --json, DETAILS, which it frees. */
void output_done(const char *what, const char *name, json_t *details,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* disk.c: forks for work on a disk, or with NSS, which may be dead. */

/* ms that all questions of a command may take together, since disk_begin().
 * Tests shorten it. */
extern int disk_ms;
void disk_begin(void);
/* Works with a copy of the caller's data, in shared memory. */
typedef void disk_work(void *data);
/* Calls WORK in a fork, for at most MS milliseconds; QUIET: without standard
 * input and output. The fork doesn't have the lock. DATA, of SIZE bytes, is
 * then as the fork has left it. Returns 0; -ETIMEDOUT; or an exit code; *why
 * has the reason. */
int disk_fork(disk_work *work, void *data, size_t size, int ms, bool quiet,
              struct complaint *why);
/* Closes standard input and output in a fork that may hang. */
void disk_silence(void);
/* As disk_fork(), quiet, for as long as the command has left. */
int disk_try(disk_work *work, void *data, size_t size, struct complaint *why);
/* The same; but if the work fails, the command fails. PATH is named if it
 * doesn't answer. */
void disk_run(disk_work *work, void *data, size_t size, const char *path);
/* As statvfs(3), but it returns 0 or -errno; -ETIMEDOUT as above. */
int disk_room(const char *path, struct statvfs *ret);

/* password.c: lines and passwords, from the terminal or standard input. The
 * terminal's settings are always restored. */

/* Asks on /dev/tty. Returns 1 for "y" or "yes", 0 for another answer, and -1 if
 * nobody can be asked or nobody answered. */
int terminal_confirm(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Reads one line of standard input, without its end. The caller wipes OUT. */
void password_line(char *out, size_t size);
/* Reads a new password of the user of the command line: up to three times twice
 * from /dev/tty without echo; or one line of standard input, if that is no
 * terminal. If an option or an empty line on the terminal asks for it, makes
 * one of random letters and digits, which will be printed. OUT gets its hash,
 * which the caller wipes. */
void password_hash(struct secret *s, char out[HASH_MAX]);
/* Prints the password, if asked to, before it is set: a password that nobody
 * has seen would lock the user out. */
void password_show(const struct secret *s);
/* For at_fail: says that a printed secret doesn't count, unless the edit
 * stands. */
void secret_uncounted(int code);

/* home.c */

/* Opens the home, or the share's directory, PATH by O_PATH. Beneath BELOW, the
 * setting homes or shares, it follows no link. Returns the descriptor, or
 * -errno. */
int home_open(const char *path, const char *below);
/* Calls ON for each entry of the open DIRECTORY but "." and "..", until ON
 * returns another value than 0. Returns that value; 0; or -errno: the directory
 * can't be read. ON NULL returns 1. */
typedef int home_entry(void *owner, int directory, const char *name);
int home_each_entry(int directory, home_entry *on, void *owner);
/* Opens the parent directory of the home. Returns the descriptor, or -errno. */
int home_open_parent(const char *home, const char *below);

/* edit.c: loads the users without a lock. A missing file has no users. Fails if
 * the file can't be read, or if REPORT is NULL and it has a mistake. Otherwise
 * REPORT gets each mistake, and *u the correct rows. Returns the number of
 * mistakes. */
int edit_load_users(struct users *u, const char *path, users_report *report);
/* A REPORT that prints the mistake. */
users_report edit_print_mistake;
/* Reads ctl.users, or fails. */
void edit_read_users(void);
/* true if the last edit has changed the file. */
extern bool edit_stands;
/* edit_run() calls it after such an edit, under the lock; NULL: nothing. */
extern void (*edit_after)(void);
/* Return NULL if there is none. */
const struct share *share_find(const struct users *u, struct slice name);
const struct team *team_find(const struct users *u, struct slice name);
/* Returns the line of that user, share or team, as GROUP says; 0: there is
 * none. */
size_t line_find(const struct users *u, const char *group, struct slice name);

/* share.c: shares, teams, and who has them. */

/* Find the share or team named on the command line, or fail. */
const struct share *share_named(const struct users *u);
const struct team *team_named(const struct users *u);
/* Grants the share of the command line to USER:ROLE or team:TEAM:ROLE, in the
 * running edit. */
void share_grant(const char *word);
/* share_show.c: describes the lines that give a user rights in a share, as an
 * array. The team is null for the user's own line. */
json_t *grant_sources(const struct users *u, const struct user *user,
                      const char *share);
/* letter.c: prints everything that a partner needs; and on standard error what
 * is missing in it. */
void letter_print(const struct user *user);

/* user_show.c: returns the first COUNT limits, and networks and hours. The
 * caller owns the object. */
json_t *limits_json(const struct row_limits *l, int count);
/* server.c: the running server, through its control socket. */

#define SERVER_ANSWER_MS 30000 /* a process files may take 10 s to start */

/* The only connection of this process. */
extern struct server {
    struct channel channel;
    uint32_t request; /* number of the last request */
    char version[256];
    int patience; /* ms for an answer */
    bool ours;    /* it is of this build, as far as known; another build shows
                   * nothing (rows.h) */
} server;

/* These functions fail if the server doesn't answer properly. */

/* Connects, replaces an existing connection, and waits for the welcome. If the
 * server is busy, retries for a while. EX_UNAVAILABLE: no server runs. */
void server_open(void);
void server_close(void);
/* Returns the number for a new request. */
uint32_t server_request(void);
/* Waits for the first answer to the request that SEND() has sent with
 * RESULT. */
void server_asked(int result, struct message *answer);
/* Sends the request NAME with its fields, and waits for an answer of that
 * KIND. */
#define SERVER_ASK(answer, kind_, name, ...)                                   \
    do {                                                                       \
        server_asked(                                                          \
            SEND(&server.channel, name, server_request(), ##__VA_ARGS__),      \
            answer);                                                           \
        if ((answer)->kind != MSG_##kind_)                                     \
            server_lies("no answer to " #name);                                \
    } while (0)
/* Waits for the next answer to the same request. */
void server_next(struct message *answer);
/* Waits on any channel for an answer to REQUEST, up to MS milliseconds. A
 * refusal, or an answer to another request, is an error. */
void server_wait(struct channel *c, uint32_t request, struct message *answer,
                 int ms);
/* Fails because the server has sent WHAT, which isn't permitted. */
noreturn void server_lies(const char *what);
/* Sets *at, the place of this page of a list, to NEXT, the place of the next
 * one. Returns false after the last page. */
bool server_page(uint64_t next, uint64_t *at);

/* Refuses the name of a new user that "kick" would take for an address or a
 * session's serial. */
void sessions_name_check(const char *name);
/* Tells the running server, if there is one, that the users file has changed;
 * and for its log the command, with TEXT (unless NULL) in place of its words.
 * It ends the sessions that are no longer permitted, and their number is
 * printed. If the server can't be reached, that is printed, and isn't a
 * failure. */
void sessions_edited(const char *text);

/* status.c: reads what "status --json" prints into *ret, which the caller owns;
 * NULL after a failure. Returns 0, or the code of the failure. */
int status_read(json_t **ret, struct complaint *why);

#endif
