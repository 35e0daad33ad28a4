/* What the commands share: the program's state, and their table. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "jobs.h"
#include "link.h"
#include "options.h"
#include "profile.h"

struct client {
    struct options options; /* those of the command line, of the profile and of
                               the current line */
    struct options given;   /* those of the command line alone */
    struct profile profile;
    char *kept[OPTIONS_MAX]; /* texts of the last "open" */
    struct site site;
    struct link link;
    bool open;              /* site and link are open */
    bool interactive;       /* in the shell */
    bool reopened;          /* this line has changed the server */
    char cwd[URL_PATH_MAX]; /* remote, relative to the login directory */
    bool leave;             /* the shell ends */
};

/* A word of the command line: a local name or a path on the server. */
struct word {
    const char *text;
    bool remote;
    bool directory;          /* remote: it ended in "/" */
    char path[URL_PATH_MAX]; /* remote: relative to the login directory */
    const struct url *url;   /* one shot: the server of the command */
};

#define WORDS_MAX 4096

enum command_mode {
    ONE_SHOT = 1, /* sallyport NAME ... URL */
    IN_SHELL = 2,
    LOCAL = 4, /* opens no session by itself */
    OPENS = 8, /* its options replace those of the last server */
};

struct command {
    const char *name, *other; /* OTHER: a second name, or NULL */
    unsigned modes;
    int least, most;    /* words after the name; most < 0: any number */
    const char *remote; /* which words are remote in the shell: "r" remote, "l"
                           local, one letter a word, the last one repeats */
    int (*run)(struct client *c, struct word *w, int n);
    const char *syntax, *shell_syntax, *help, *example;
};
extern const struct command commands[];
extern const size_t command_count;

const struct command *command_find(const char *name, unsigned mode);

/* Each command returns an exit code of sysexits.h, and has reported what
 * failed. */
int cmd_put(struct client *c, struct word *w, int n);
int cmd_get(struct client *c, struct word *w, int n);
int cmd_cat(struct client *c, struct word *w, int n);
int cmd_mput(struct client *c, struct word *w, int n);
int cmd_mget(struct client *c, struct word *w, int n);
int cmd_ls(struct client *c, struct word *w, int n);
int cmd_du(struct client *c, struct word *w, int n);
int cmd_mkdir(struct client *c, struct word *w, int n);
int cmd_rm(struct client *c, struct word *w, int n);
int cmd_rmdir(struct client *c, struct word *w, int n);
int cmd_mv(struct client *c, struct word *w, int n);
int cmd_hash(struct client *c, struct word *w, int n);
int cmd_sync(struct client *c, struct word *w, int n);
int doctor_run(struct client *c, struct word *w, int n);
int cmd_open(struct client *c, struct word *w, int n);
int cmd_cd(struct client *c, struct word *w, int n);
int cmd_lcd(struct client *c, struct word *w, int n);
int cmd_pwd(struct client *c, struct word *w, int n);
int cmd_lpwd(struct client *c, struct word *w, int n);
int cmd_status(struct client *c, struct word *w, int n);
int cmd_shell(struct client *c, struct word *w, int n);
int cmd_help(struct client *c, struct word *w, int n);
int cmd_bye(struct client *c, struct word *w, int n);

/* How progress is shown with these options. */
enum progress_style client_style(const struct options *o);
/* Prints WHY, about WHAT. Returns its exit code. */
int client_error(const char *what, const struct failure *why);
/* Opens the server of URL, after closing an open one. Returns an exit code. */
int client_open(struct client *c, const struct url *url);
void client_leave(struct client *c);
/* WORD is a URL, or "PROFILE:PATH": then P and O get the profile's settings,
 * unless P has them already. 0; 1: it is neither; -1 with the reason. */
int open_target(struct options *o, struct profile *p, const char *word,
                struct url *ret, struct failure *why);
/* Does the jobs on the open server. Returns an exit code. */
int client_run_jobs(struct client *c, struct jobs *j);

/* The whole program. Returns its exit code. */
int client_main(int argc, char **argv);
/* Commands from a terminal, or the lines of standard input. */
int shell_run(struct client *c);
/* Runs the local COMMAND, or a shell if it is empty; its exit code. */
int shell_local(const char *command);
/* Help for one command (NULL: all commands) in MODE. */
void help_print(const struct command *row, unsigned mode);

#endif
