/* A directory with a configuration, in which sallyportctl runs. */
#ifndef TEST_CTL_WORLD_H
#define TEST_CTL_WORLD_H

#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

#define WORLD_TEXT (1 << 16)

struct world {
    char conf[96], users[96], homes[96], shares[96];
    const char *out; /* takes standard output; NULL: struct run */
    unsigned fails;  /* this allocation of the command (support/allocation.h);
                         0: none does */
    struct nth *nth; /* fails a call of the command; NULL: none */
};
extern struct world world;

/* For TestSuite(): makes world in a scratch directory; scratch_remove() removes
 * it. */
void world_make(void);
/* Makes it anew, as the working directory, with two users in a team and a
 * share, and with objects to import: one, import, import2. */
#define WORLD_HASH                                                             \
    "$6$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"                      \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
void world_people(void);
/* cr_skip_test() doesn't call .fini. */
#define world_skip(why)                                                        \
    do {                                                                       \
        scratch_remove();                                                      \
        cr_skip_test(why);                                                     \
    } while (0)

/* The command has fewer allocations. */
#define NOTHING_FAILS 255

/* The results of one run. */
struct run {
    int code; /* 128 + the signal, if one ended it; NOTHING_FAILS */
    char out[WORLD_TEXT], err[WORLD_TEXT];
};

/* Runs ctl_run() in a process of its own. WORDS are separated by blanks, and
 * "--config" is added; INPUT is standard input. */
void run_ctl(struct run *r, const char *input, const char *words);
/* Does the same, and the exit code must be CODE. Returns the run (one per test
 * process, overwritten by the next). */
const struct run *expect_run(int code, const char *input, const char *words);
/* Do the same; standard output, or standard error, must contain SAID. */
void expect_out(int code, const char *input, const char *words,
                const char *said);
void expect_err(int code, const char *input, const char *words,
                const char *said);

/* Runs a command with --json, and returns its list in one line, without the
 * ages. The next call overwrites it. */
const char *world_json(const char *words);

/* Is it the password of the user in the users file? */
bool world_password_is(const char *name, const char *password);

/* Returns a file's text, or "" if there is none. The next call overwrites
 * it. */
const char *file_text(const char *path);
void file_write(const char *path, const char *text);
/* Adds lines to the configuration. */
void world_configure(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Returns "FOLDER/NAME", in one of four buffers that take turns. */
const char *in(const char *folder, const char *name);

#endif
