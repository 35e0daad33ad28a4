/* reader: the program that reads the configuration. Master executes it and
 * waits for its end, so no parser is in a process of root. Descriptor 3 is the
 * file, which master has opened; 4 is a file in memory for the answer. Exit
 * status: 0 with the settings in 4; EX_CONFIG with the complaint in 4, or, with
 * the word "check", after a line for each mistake on standard error. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/stderr.h"
#include "sallyport/conf/conf.h"
#include "sallyport/sandbox/sandbox.h"

#define FILE_FD   3
#define ANSWER_FD 4
#define NOBODY    65534 /* it owns nothing, and lives for a moment */

/* The limit stays, since one of the settings is held against it. */
static size_t open_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die(EX_OSERR, "RLIMIT_NOFILE can't be read");
    return limit.rlim_max;
}

/* What the configuration excuses isn't known yet, so everything may be missing:
 * the file is root's own. */
static void enter_sandbox(void)
{
    const struct sandbox_plan plan = { .root = geteuid() == 0,
                                       .uid = NOBODY,
                                       .gid = NOBODY,
                                       .root_fd = -1,
                                       .filter = &filter_reader,
                                       .max_files = open_files(),
                                       .allow_weaker = ~0U };
    struct complaint c = { "" };
    unsigned weaker;

    if (sandbox_enter(PROCESS_READER, &plan, &weaker, &c) < 0)
        die(EX_OSERR, "%s", c.text);
}

static void print_mistake(const char *mistake)
{
    stderr_print("%s", mistake);
}

/* The complaint isn't written if all mistakes were printed. */
static int read_settings(const char *name, conf_report *report)
{
    static struct settings s;
    struct complaint c = { "" };

    if (conf_read(&s, FILE_FD, name, report, &c) == 0)
        return settings_write(&s, ANSWER_FD) < 0 ? EX_OSERR : 0;
    if (!report && fd_write_all(ANSWER_FD, c.text, strlen(c.text)) < 0)
        return EX_OSERR;
    return EX_CONFIG;
}

int main(int argc, char **argv)
{
    stderr_title("sallyportd");
    if (argc != 3)
        die(EX_USAGE, "this program is started by sallyportd");
    process_comm(PROCESS_READER);
    enter_sandbox();
    return read_settings(argv[2],
                         strcmp(argv[1], "check") == 0 ? print_mistake : NULL);
}
