/* The parts of sallyportctl. An "exit code" is 0 or a code of sysexits.h. A
 * function that returns an exit code other than 0 has filled in the complaint.
 */
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
    char **word; /* "user", "add", NAME; in argv; a NULL follows */
    size_t words;
    /* The value of each option; "": the option is given, and takes no value;
     * NULL: not given. Each option is also a field with its name. */
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
    const struct ctl_command *command; /* as the log names it */
    char **rest;  /* the words after the command, and a NULL; or NULL */
    bool invites; /* a letter alone is on standard output */
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
    TAKES_SESSION,       /* a user's name, a session's serial, or an address */
    TAKES_TWO_NAMES,     /* two names of users */
    TAKES_FILE,
    TAKES_NETWORK, /* an address or a network */
    TAKES_ACCOUNT, /* nothing; a user's name; or "share:NAME" */
    TAKES_ACCOUNT_AND_SIZE,
    TAKES_ID, /* the id of an upload, and optionally a user's name */
};

/* Bits: the kinds of a word. */
enum {
    A_FILE = 1,
    A_USER = 2,
    A_SHARE = 4,
    A_TEAM = 8,
    WITH_KIND = 16, /* shares and teams are written "share:NAME" */
    A_NAME = 64,    /* a share or team in the group "share" or "team", otherwise
                     * a user */
    A_MEMBER = 128, /* a user; in the group "share" also a team */
    A_NEW = 256,    /* a name that no row has yet */
};

/* The words after the command. */
struct ctl_words {
    size_t least, most;
    /* Names of the first and second word, for the message that it is missing;
     * NULL: the first word of the syntax. */
    const char *first, *second;
    unsigned kinds, more_kinds; /* of the first word, and of all words after
                                 * it */
};
extern const struct ctl_words ctl_words[]; /* by enum ctl_takes */

/* Bits: needs of a command, before it runs or while it does. */
enum {
    READS_USERS = 1,
    ASKS_PASSWORD = 4,
    WITHOUT_SETTINGS = 8, /* the command loads settings itself, or needs none */
    HAS_DEADLINE = 16,    /* ends within ctl_deadline_ms, and never prompts */
    ANY_SETTINGS = 32,    /* works if the configuration has a mistake */
};

/* Runs a command with the data in ctl. Returns after success; otherwise calls
 * fail(). */
typedef void ctl_function(void);

struct ctl_command {
    const char *group;
    const char *name; /* NULL: the group is the whole command */
    ctl_function *run;
    enum ctl_takes takes;
    unsigned needs;
    /* Names the options of the command but --config and --help. */
    const char *syntax;
    const char *help, *example;
};
extern const struct ctl_command ctl_commands[];
extern const size_t ctl_command_count;

/* "user lock" ends within so many milliseconds, even if a disk hangs. Tests
 * shorten the time. */
extern int ctl_deadline_ms;

/* run/run.c: runs the program, and ends the process. */
noreturn void ctl_run(int argc, char **argv);
/* Ends the process with CODE, or with another code if the output can't be
 * written. */
noreturn void ctl_end(int code);

/* Parses ARGV into ctl.args. Moves the words to the front of ARGV. */
void arguments_parse(int argc, char **argv);
/* Returns the row of the option NAME, such as "home"; NULL: there is no such
 * option. */
const struct ctl_option *arguments_option(struct slice name);
/* Does the command take the option? */
bool ctl_takes(const struct ctl_command *row, enum option_place option);

struct ctl_option {
    const char *name;
    const char *value; /* its name in the help; NULL: there is no value */
    const char *key;   /* of a row, set by the option; NULL: it names no key */
    const char *none;  /* the word that removes the key */
    const char *help;
};
extern const struct ctl_option ctl_options[]; /* by enum option_place */

/* Returns the seconds of TEXT, the value of OPTION, such as "90s", "10min",
 * "12h", "7d" or "4w"; or fails. */
uint64_t arguments_seconds(const char *option, const char *text);

/* Writes the name of a command, such as "user add" or "status". Returns OUT. */
#define CTL_NAME 32
const char *ctl_name_of(const struct ctl_command *row, char out[CTL_NAME]);
/* Returns the row of the command that A has; NULL: no command has these words.
 */
const struct ctl_command *ctl_command_of(const struct arguments *a);
/* help.c: print the help of a command; a line for each command of a group; a
 * line for each group. */
void help_command(const struct ctl_command *row);
void help_group(const char *group);
void help_overview(void);
/* Returns the length of the first part of a help text, which is enough for a
 * list. */
int help_short(const char *help);

/* Is WORD the first word of a command? */
bool meant_is_group(const char *word);
/* Fails since the words are no command. The message names the command that was
 * probably meant. */
noreturn void meant_instead(void);

/* complete.c: prints the words that can replace the last word after --complete.
 * The completion of a shell calls it. */
void complete_print(char **word);

/* Writes the path of the file NAME in the directory of this program; only NAME
 * if that directory isn't known. */
void ctl_beside(const char *name, char out[PATH_MAX]);
/* Loads the settings from --config, or from its default, or fails.
 * PARTLY serves a command that must work while somebody edits the
 * configuration: a line with a mistake sets nothing, and is a warning on
 * standard error. It is a failure only if the line was perhaps meant to set
 * `users`. */
void ctl_load_settings(bool partly);

/* fail.c: the end of a command that fails. A function that can't do its work
 * calls fail(): if it returns, it has done the work. */

/* Calls at_fail, prints the complaint, and exits with CODE. In a fork gives
 * code and complaint to the parent instead. */
noreturn void fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
noreturn void fail_no_memory(void);
/* fail() calls at_fail first, and only once; NULL: calls nothing. The function
 * must not fail. */
extern void (*at_fail)(int code);
/* Memory that a fork shares with its parent; zero until the fork fails. */
struct fail_page {
    int code;
    struct complaint why;
};
void fail_to_parent(struct fail_page *page); /* NULL: there is no parent */
/* Calls WORK(DATA) for a caller that continues after a failure: fail() then
 * only ends WORK, and doesn't call at_fail. Returns 0; or the code of fail(),
 * with its complaint in *why. */
typedef void fail_work(void *data);
int fail_caught(fail_work *work, void *data, struct complaint *why);

/* Returns the exit code for an errno of a file. */
int ctl_exit_of(int error);

/* Fails since no WHAT ("user", "share" or "team") has that name. */
noreturn void fail_missing(const char *what, struct slice name);
/* Finds the user named on the command line, or fails. */
const struct user *user_named(const struct users *u);

/* The main function of process files, which a command runs in a fork to search
 * a home or share: files_main(). Tests replace it. */
struct files_start;
extern void (*partials_files)(const struct files_start *start);

/* The commands. user_lock also unlocks; members_change grants and revokes
 * shares, and fills teams; line_change serves shares and teams; line_del and
 * line_rename serve users, shares and teams. */
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

/* user_can.c: if the user can't log in, says why on standard error. */
void user_hint(const struct user *user);
/* Call it at the end of "user add" and "user change". After --expires or
 * --certificate, says on standard error why the user can't log in, if so. */
void given_hint(void);
/* Asks systemd where the service can write. Tests replace it. */
extern void (*paths_unit)(struct unit *u);

/* output.c: times, modes and JSON. */

/* Writes "2026-11-20T07:42:01Z" for seconds since 1970. Returns OUT. */
const char *when_text(int64_t seconds, char out[WHEN_MAX]);

/* Makes a JSON text, with '?' for each byte that isn't harmless on a terminal;
 * null for an empty text. The caller owns the value; NULL: no memory. */
json_t *json_foreign(struct slice s);
/* Does the same, but keeps each byte of a text in UTF-8. */
json_t *json_slice(struct slice s);
/* Does the same for a C string, but makes "" for an empty text. */
json_t *json_text(const char *text);
/* Makes a text of a time in seconds since 1970; null for 0. The caller owns the
 * value. */
json_t *json_time(int64_t seconds);
/* Makes "0660"; null for 0. */
json_t *json_mode(unsigned mode);
/* Makes N; null unless KNOWN. */
json_t *json_count(bool known, uint64_t n);
/* Return the text, or number, of the member KEY; NONE, or 0, if OF has no such
 * member. */
const char *text_of(const json_t *of, const char *key, const char *none);
uint64_t number_of(const json_t *of, const char *key);
/* Prints VALUE and a line end, and frees VALUE. VALUE NULL means no memory. */
void json_print(json_t *value);
/* Describes how a member of a JSON object is printed: as a column of a list, or
 * in a line of "show". A row without a key ends an array of such rows. */
struct output_field {
    const char *title, *key; /* a column without a title is only in CSV */
    int width;        /* least width; > 0: on the right; < 0: on the left */
    const char *none; /* printed for null, and for an empty array or text */
    bool count;       /* print only the number of an array's elements */
    /* Writes an element of an array; "show" prints each element in its own
     * line. */
    void (*element)(const json_t *one, struct buf *into);
    /* Writes the text of a column from ROW, the whole object. */
    void (*text)(const json_t *row, struct buf *into);
};
/* Writes the member "age" (seconds) as a cell, rounded down: "3 d", "5 h". */
void output_age(const json_t *row, struct buf *into);
/* Prints the members of ONE, sizes with a unit; with --json prints ONE as JSON.
 * Frees ONE; NULL means no memory. FIELDS has the members that aren't printed
 * as they are; its last row describes all other members. Omits a member that
 * has neither a value nor a `none`. */
void output_one(json_t *one, const struct output_field *fields);
/* A table: columns as wide as their values; with --csv the columns as CSV; with
 * --json an array of the whole objects. */
#define TABLE_COLUMNS 20
#define TABLE_MAX     (1u << 30)
struct table {
    const struct output_field *columns;
    json_t *list;
    struct buf cells; /* the cells as text, each with a NUL */
    int width[TABLE_COLUMNS];
    size_t last; /* the last column that is shown */
    size_t rows; /* counts the line of the titles too */
    bool stream; /* prints each row at once, with the widths of titles and
                    fields; JSON has an object in each line */
};
void table_begin(struct table *t, const struct output_field *columns,
                 bool stream);
/* Adds ONE, and frees it. NULL means no memory. */
void table_add(struct table *t, json_t *one);
/* Prints the table. If it has no rows, and isn't CSV or JSON, prints NOTHING
 * and a line end instead ("": prints nothing at all; NULL: prints the titles).
 */
void table_end(struct table *t, const char *nothing);
/* Prints the elements of an array as a table. */
void table_print(const json_t *rows, const struct output_field *columns,
                 const char *nothing);
/* Describes element I. The caller owns the value; NULL: no memory. */
typedef json_t *output_describe(size_t i);
/* Prints N elements as a table. */
void output_list(size_t n, output_describe *describe,
                 const struct output_field *columns);
/* Reports what the command has done to NAME, which is a WHAT, such as "user":
 * prints the sentence FORMAT; with --json, a line of JSON with DETAILS. Frees
 * DETAILS. */
void output_done(const char *what, const char *name, json_t *details,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* disk.c: work on a disk, or with NSS, in a fork, since it can hang. */

/* ms for all calls of disk_try() since disk_begin(). The time of a call counts
 * only if the command holds the lock, or if the call gets no answer. Tests set
 * a shorter time. */
extern int disk_ms;
void disk_begin(void);
/* Does work in a fork. DATA is a copy of the caller's data, in shared memory.
 */
typedef void disk_work(void *data);
/* Calls WORK(DATA) in a fork, and kills the fork after MS milliseconds (-1:
 * never). DATA has SIZE bytes, and is then as the fork has left it. The fork
 * doesn't have the lock. QUIET: the fork calls disk_silence(). Returns 0;
 * -ETIMEDOUT: WORK hangs; or an exit code. *why has the reason. */
int disk_fork(disk_work *work, void *data, size_t size, int ms, bool quiet,
              struct complaint *why);
/* Opens /dev/null as standard input, output and error, in a fork that can hang.
 */
void disk_silence(void);
/* Calls disk_fork(), quiet, for as long as the command has left of disk_ms. */
int disk_try(disk_work *work, void *data, size_t size, struct complaint *why);
/* Writes the mount point of PATH. Doesn't look at PATH: its disk can hang. */
void disk_mount_of(const char *path, char out[PATH_MAX]);
/* For each home of a list: calls disk_fork(), quiet, for disk_ms until a disk
 * hangs, then for a second. Does nothing for a PATH on a disk that has hung. */
int disk_try_each(disk_work *work, void *data, size_t size, const char *path,
                  struct complaint *why);
/* Calls disk_try(), and fails if the work fails. If it hangs, the message names
 * PATH. */
void disk_run(disk_work *work, void *data, size_t size, const char *path);
/* Calls statvfs(3). Returns 0 or -errno; -ETIMEDOUT: the disk hangs. */
int disk_room(const char *path, struct statvfs *ret);

/* password.c: reads lines and passwords, from the terminal or from standard
 * input. Always restores the settings of the terminal. */

/* Asks on /dev/tty. Returns 1: the answer is "y" or "yes"; 0: it is another
 * one; -1: standard input is no terminal, or nobody answered. */
int terminal_confirm(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Reads one line of standard input, without its end. The caller wipes OUT. */
void password_line(char *out, size_t size);
/* Gets a new password for the user of the command line into *s, and its hash
 * into OUT, which the caller wipes. With --print-password, or after an empty
 * line on the terminal, makes a password of random letters and digits, which
 * password_show() prints. Otherwise asks up to three times on /dev/tty, without
 * echo, each time for the password twice; if standard input isn't a terminal,
 * reads one line of it. */
void password_hash(struct secret *s, char out[HASH_MAX]);
/* Prints the password if password_hash() has made it. Call it before the edit:
 * a password that nobody has seen would lock the user out. */
void password_show(const struct secret *s);
/* A function for at_fail: says that the printed secret isn't valid, unless the
 * users file was changed. */
void secret_uncounted(int code);

/* home.c */

/* Opens PATH, a home or a share's directory, with O_PATH. Follows no link
 * beneath BELOW, the setting homes or shares. Returns the descriptor, or
 * -errno. */
int home_open(const char *path, const char *below);
/* Calls ON for each entry of the open DIRECTORY except "." and "..", until ON
 * returns a value other than 0. Returns the last value of ON; 0: there is no
 * entry; -errno: the directory can't be opened. ON NULL: returns 1 if there is
 * an entry. */
typedef int home_entry(void *owner, int directory, const char *name);
int home_each_entry(int directory, home_entry *on, void *owner);
/* Opens the parent directory of HOME, as home_open() does. Returns the
 * descriptor, or -errno. */
int home_open_parent(const char *home, const char *below);

/* edit.c: reads the users from the file PATH, without a lock. A missing file
 * has no users. Fails if the file can't be read, or is missing and had users
 * before. A mistake is a failure if REPORT is NULL; otherwise REPORT gets each
 * mistake, and *u the correct rows. Returns the number of mistakes. */
int edit_load_users(struct users *u, const char *path, users_report *report);
/* A REPORT that prints the mistake. */
users_report edit_print_mistake;
/* Reads ctl.users, or fails. */
void edit_read_users(void);
/* Is true if the last edit has changed the file. */
extern bool edit_stands;
/* edit_run() calls edit_after under the lock, after it has changed the file;
 * NULL: calls nothing. */
extern void (*edit_after)(void);
/* Return the share or team NAME, or NULL. */
const struct share *share_find(const struct users *u, struct slice name);
const struct team *team_find(const struct users *u, struct slice name);
/* Returns the line of the user, share or team NAME; GROUP is "user", "share" or
 * "team". 0: there is none. */
size_t line_find(const struct users *u, const char *group, struct slice name);

/* share.c: shares, teams, and who has them. */

/* Find the share or team named on the command line, or fail. */
const struct share *share_named(const struct users *u);
const struct team *team_named(const struct users *u);
/* Grants the share of the command line to WORD, which is USER:ROLE or
 * team:TEAM:ROLE, in the running edit. */
void share_grant(const char *word);
/* share_show.c: describes each line that gives the user rights in the share; in
 * the user's own line "team" is null. The caller owns the array. */
json_t *grant_sources(const struct users *u, const struct user *user,
                      const char *share);
/* letter.c: prints the letter, with everything that a partner needs except the
 * password; on standard error says what the letter lacks. */
void letter_print(const struct user *user);

/* share_show.c: describes the first COUNT limits, and networks and hours. The
 * caller owns the object. */
json_t *limits_json(const struct row_limits *l, int count);
/* server.c: the running server, through its control socket. */

#define SERVER_ANSWER_MS 30000 /* process files can take 10 s to start */

/* The only connection of this process. */
extern struct server {
    struct channel channel;
    uint32_t request; /* number of the last request */
    char version[256];
    int patience; /* ms for an answer */
    bool ours;    /* as far as known, the server is of this build; a server of
                     another build shows nothing (rows.h) */
} server;

/* The functions of server.c fail if the server doesn't answer properly. */

/* Connects, in place of an existing connection, and waits for the welcome. If
 * the server is busy, retries for a while. Fails with EX_UNAVAILABLE if no
 * server runs. */
void server_open(void);
void server_close(void);
/* Returns the number for a new request. */
uint32_t server_request(void);
/* Waits for the first answer to a request. RESULT is what the SEND() of the
 * request has returned. */
void server_asked(int result, struct message *answer);
/* Sends the request NAME with its fields, and waits for an answer of the kind
 * KIND. */
#define SERVER_ASK(answer, kind_, name, ...)                                   \
    do {                                                                       \
        server_asked(                                                          \
            SEND(&server.channel, name, server_request(), ##__VA_ARGS__),      \
            answer);                                                           \
        if ((answer)->kind != MSG_##kind_)                                     \
            server_lies("no answer to " #name);                                \
    } while (0)
/* Asks the server to show WHAT from PLACE on, and waits for the first answer.
 * Fails with EX_PROTOCOL if the server is of another build. */
void server_ask(enum showable what, uint64_t place, struct message *answer);
/* Waits for the next answer to the same request. */
void server_next(struct message *answer);
/* Waits up to MS milliseconds on the channel C for an answer to REQUEST. Fails
 * after a refusal, or after an answer to another request. */
void server_wait(struct channel *c, uint32_t request, struct message *answer,
                 int ms);
/* Fails because the server has sent an answer that isn't permitted; WHAT
 * describes the answer. */
noreturn void server_lies(const char *what);
/* Sets *at, the place of a page in a list, to NEXT, the place of the next page.
 * Returns false if the page was the last one (NEXT is 0). */
bool server_page(uint64_t next, uint64_t *at);

/* Refuses NAME for a new user if "kick" would take it for an address or a
 * session's serial. */
void sessions_name_check(const char *name);
/* Tells the running server, if there is one, that the users file has changed;
 * and, for its log, the command with its words, or with TEXT instead of them
 * (NULL: with the words). The server ends the sessions that are no longer
 * permitted; their number is printed. If the server can't be told, prints a
 * warning, sets sessions_unconfirmed, and doesn't fail. */
void sessions_edited(const char *text);
extern bool sessions_unconfirmed;

/* status.c: reads the object that "status --json" prints into *ret, which the
 * caller owns. Returns 0; or the code of the failure, with NULL in *ret. */
int status_read(json_t **ret, struct complaint *why);

#endif
