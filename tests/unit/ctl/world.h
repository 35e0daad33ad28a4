/* A directory with a configuration, in which sallyportctl runs. */
#ifndef TEST_CTL_WORLD_H
#define TEST_CTL_WORLD_H

#include "sallyport/base/buf.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

#define WORLD_TEXT (1 << 16)

struct world {
    char conf[96], users[96], homes[96], shares[96];
    const char *out; /* the file for standard output; NULL: struct run has it */
    unsigned fails;  /* the number of the command's allocation that fails
                        (support/allocation.h); 0: none */
    struct nth *nth; /* fails a call of the command; NULL: none */
};
extern struct world world;

/* Makes world in a scratch directory, for .init of TestSuite().
 * scratch_remove() removes it. */
void world_make(void);
/* Makes world anew, as the working directory. It has the users anna and bert,
 * the share old and the team legal, to which anna belongs, and the files one,
 * import and import2 with rows to import. */
#define WORLD_HASH                                                             \
    "$6$salt$abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"                      \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ./01234"
void world_people(void);
/* Skips the test, and removes the scratch directory, since cr_skip_test()
 * doesn't call .fini. */
#define world_skip(why)                                                        \
    do {                                                                       \
        scratch_remove();                                                      \
        cr_skip_test(why);                                                     \
    } while (0)

/* The code of a run whose command makes fewer than world.fails allocations. */
#define NOTHING_FAILS 255

/* The results of one run. */
struct run {
    int code; /* the exit code, 128 + a signal, or NOTHING_FAILS */
    char out[WORLD_TEXT], err[WORLD_TEXT];
};

/* Runs ctl_run() in a process of its own, with WORDS, which blanks separate,
 * and with "--config". INPUT is its standard input. */
void run_ctl(struct run *r, const char *input, const char *words);
/* Runs the program argv[0], which is ctl_run() if it is "sallyportctl", with IN
 * as its input. Adds its output to OUT and ERR, and returns its exit code. */
int world_fork(int argc, char **argv, struct slice in, struct buf *out,
               struct buf *err);
/* Calls run_ctl(). The exit code must be CODE. Returns the run, which the next
 * call overwrites. */
const struct run *expect_run(int code, const char *input, const char *words);
/* Call expect_run(). Standard output, or standard error, must contain SAID. */
void expect_out(int code, const char *input, const char *words,
                const char *said);
void expect_err(int code, const char *input, const char *words,
                const char *said);

/* Runs a command with --json. Returns its list in one line, without the ages.
 * The next call overwrites it. */
const char *world_json(const char *words);

/* Returns true if PASSWORD is the user's password in the users file. */
bool world_password_is(const char *name, const char *password);

/* Returns a file's text, or "" if there is none. The next call overwrites
 * it. */
const char *file_text(const char *path);
void file_write(const char *path, const char *text);
/* Returns "run: sallyportctl", with the configuration, and WORDS: a command in
 * a message. The text is valid until the next call. */
const char *world_command(const char *words);
/* Adds lines to the configuration. */
void world_configure(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* Returns "FOLDER/NAME", in one of four buffers that take turns. */
const char *in(const char *folder, const char *name);

#endif
