/* The descriptors of the programs, which master opens or inherits. */
#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/master.h"
#include "sallyport/base/fd.h"
#include "sallyport/ipc/generation.h"

#define OWN_BINARY "/proc/self/exe"
static const char *const programs[] = { "gate",   "auth",  "keys",  "log",
                                        "lookup", "check", "reader" };
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))
_Static_assert(PROGRAMS == MASTER_PROGRAMS, "each has its place");

int programs_find(const int *fd, const char *name)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        if (strcmp(programs[i], name) == 0)
            return fd[i];
    return -1;
}

static const char *name_of_program(const char *program,
                                   char name[GENERATION_NAME_MAX])
{
    snprintf(name, GENERATION_NAME_MAX, GENERATION_PROGRAM "%s", program);
    return name;
}

static int own_directory(char path[PATH_MAX])
{
    ssize_t n = readlink(OWN_BINARY, path, PATH_MAX - 1);

    if (n < 0)
        return -errno;
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return 0;
}

/* Are the inherited programs of our own build? They are, if this process was
 * executed from the inherited binary. An old supervisor can't execute that one,
 * and executes the installed program. */
static bool is_the_inherited_build(struct succession *s)
{
    FD_CLEANUP int inherited = succession_inherit(s, GENERATION_MASTER);
    struct stat a, b;

    return s->recovery && inherited >= 0 && fstat(inherited, &a) == 0 &&
           stat(OWN_BINARY, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static int open_program(struct succession *s, bool inherits,
                        const char *directory, const char *program)
{
    char name[GENERATION_NAME_MAX], path[PATH_MAX + NAME_MAX];
    int fd = -1;

    if (inherits)
        fd = succession_inherit(s, name_of_program(program, name));
    if (fd >= 0)
        return fd;
    snprintf(path, sizeof(path), "%s/%s", directory, program);
    fd = open(path, O_PATH | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int programs_open(struct succession *s, int *fd, struct complaint *c)
{
    bool inherits = is_the_inherited_build(s);
    char directory[PATH_MAX] = "";
    int r = own_directory(directory);

    if (r < 0)
        return complain(c, OWN_BINARY ": %s", strerror(-r));
    for (size_t i = 0; i < PROGRAMS; i++) {
        fd[i] = open_program(s, inherits, directory, programs[i]);
        if (fd[i] < 0)
            return complain(c, "%s/%s: %s", directory, programs[i],
                            strerror(-fd[i]));
    }
    return 0;
}

int programs_keep(struct succession *s, const int *fd)
{
    FD_CLEANUP int own = open(OWN_BINARY, O_PATH | O_CLOEXEC);
    char name[GENERATION_NAME_MAX];
    int r = own < 0 ? -errno : succession_keep(s, GENERATION_MASTER, own);

    for (size_t i = 0; i < PROGRAMS && r == 0; i++)
        r = succession_keep(s, name_of_program(programs[i], name), fd[i]);
    return r;
}

void programs_close(int *fd)
{
    for (size_t i = 0; i < PROGRAMS; i++)
        fd_close(&fd[i]);
}
