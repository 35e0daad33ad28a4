/* reader: the program that reads the configuration and the users file. Master
 * executes it and waits for its end, so no parser is in a process of root.
 * Descriptor 3 is the file, which master has opened; 4 is a file in memory for
 * the answer. Exit status 0: 4 has the settings or the users; EX_CONFIG: 4 has
 * the complaint. With the word "check" reader prints a line for each mistake in
 * the configuration on standard error, and writes no complaint. With
 * "check-users" it also prints a line for each mistake, and 4 gets the good
 * rows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/conf/conf.h"
#include "sallyport/sandbox/sandbox.h"
#include "sallyport/userparse/userparse.h"
#include "sallyport/users/image.h"

#define FILE_FD   3
#define ANSWER_FD 4
/* The uid of reader. It owns nothing and belongs to no account, since Debian
 * and systemd reserve it. Other daemons run as nobody (65534), so with that uid
 * they could send signals to reader. */
#define READER_ID 65533

/* Limits the size of the answer: if a hostile file takes over reader, it can't
 * fill the memory, since the kernel ends reader. The largest answer is a table
 * of users. If standard error is a long file, the limit leaves room for its
 * bytes and new lines. EPERM: the limit is already lower. */
static void limit_answer(void)
{
    struct rlimit limit = { .rlim_cur = USERS_IMAGE_MAX };
    struct stat said;

    if (fstat(STDERR_FILENO, &said) == 0 && S_ISREG(said.st_mode))
        limit.rlim_cur += (rlim_t)said.st_size;
    limit.rlim_max = limit.rlim_cur;
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 && errno != EPERM)
        die(EX_OSERR, "RLIMIT_FSIZE: %s", strerror(errno));
}

/* Accepts a sandbox with missing parts, since allow_weaker isn't known before
 * the configuration is read, and the file is root's own. */
static void enter_sandbox(void)
{
    const struct sandbox_plan plan = { .root = geteuid() == 0,
                                       .uid = READER_ID,
                                       .gid = READER_ID,
                                       .root_fd = -1,
                                       .filter = &filter_reader,
                                       .allow_weaker = ~0U };
    struct complaint c = { "" };
    unsigned weaker;

    if (sandbox_enter(PROCESS_READER, &plan, &weaker, &c) < 0)
        die(EX_OSERR, "%s", c.text);
}

static int refuse(const struct complaint *c)
{
    return fd_write_all(ANSWER_FD, c->text, strlen(c->text)) < 0 ? EX_OSERR
                                                                 : EX_CONFIG;
}

static void print_mistake(const char *mistake)
{
    stderr_print("%s", mistake);
}

/* Prints all mistakes if ALL is set; otherwise writes the first mistake as the
 * complaint. */
static int read_settings(const char *name, bool all)
{
    static struct settings s;
    struct complaint c = { "" };

    const int r = conf_read(&s, FILE_FD, name, all ? print_mistake : NULL, &c);

    if (r == 0)
        return settings_write(&s, ANSWER_FD) < 0 ? EX_OSERR : 0;
    if (all)
        return r == -EINVAL ? EX_CONFIG : EX_OSERR;
    if (r != -EINVAL) /* the file wasn't read */
        die(EX_OSERR, "%s", c.text);
    return refuse(&c);
}

/* If ALL is set, prints all mistakes, and writes the rows without a mistake:
 * the program check looks at their homes and shares. */
static int read_users(const char *name, bool all)
{
    struct complaint c = { "" };
    struct users u;
    int r = users_survey(&u, FILE_FD, name, all ? print_mistake : NULL, &c);

    if (!all && r == -EINVAL)
        return refuse(&c);
    if (r < 0) /* the file wasn't read */
        die(EX_OSERR, "%s", c.text);
    return users_write(&u, ANSWER_FD) < 0 ? EX_OSERR : 0;
}

static const struct {
    const char *name;
    int (*run)(const char *name, bool all); /* returns the exit status */
    bool all;
} modes[] = {
    { "settings", read_settings, false },
    { "check", read_settings, true },
    { "users", read_users, false },
    { "check-users", read_users, true },
};

int main(int argc, char **argv)
{
    stderr_title("sallyportd");
    if (argc < 3)
        die(EX_USAGE, "this program is started by sallyportd");
    settings_commands(argc > 3 ? argv[3] : SETTINGS_FILE);
    process_comm(PROCESS_READER);
    limit_answer();
    enter_sandbox();
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(modes[i].name, argv[1]) == 0)
            return modes[i].run(argv[2], modes[i].all);
    die(EX_USAGE, "this program is started by sallyportd");
}
