/* sallyportd: the supervisor. Root, where it is run by root, and always the
 * same process: what changes are the generations of masters below it. It finds
 * the program "master" next to its own binary, gives it its own arguments, and
 * so needs to know none of them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/die.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/process.h"
#include "supervisor.h"

#define MASTER "../libexec/sallyport/master"

/* 0, 1 and 2 are open from here on, and nothing else is. */
static int standard_descriptors(void)
{
    int fd;

    fd_close_others(STDERR_FILENO + 1, NULL, 0);
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        return -errno;
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        fd_set_cloexec(i, false);
    return close(fd);
}

/* "/usr/sbin/sallyportd" to "/usr/sbin/../libexec/sallyport/master". Looked up
 * once: an upgrade replaces our own file, and the link then says "(deleted)".
 */
static int find_master(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - sizeof(MASTER));

    if (n < 0)
        return -errno;
    path[n] = '\0';
    memcpy(strrchr(path, '/') + 1, MASTER, sizeof(MASTER));
    return 0;
}

/* The title overwrites the memory of argv. */
static char **copy_arguments(int argc, char **argv)
{
    char **copy = calloc((size_t)argc + 1, sizeof(*copy));

    for (int i = 0; copy && i < argc; i++)
        if (!(copy[i] = strdup(argv[i])))
            return NULL;
    return copy;
}

int main(int argc, char **argv)
{
    static struct supervisor supervisor;
    char program[PATH_MAX + sizeof(MASTER)];
    char **arguments;
    int r, status;

    process_title_init(argc, argv);
    die_title("sallyportd");
    if (standard_descriptors() < 0)
        die(EX_OSERR, "/dev/null: %s", strerror(errno));
    arguments = copy_arguments(argc, argv);
    if (!arguments)
        die(EX_OSERR, "no memory");
    r = find_master(program, sizeof(program));
    if (r < 0)
        die(EX_OSERR, "/proc/self/exe: %s", strerror(-r));
    process_title("sallyportd: supervisor");
    r = supervisor_init(&supervisor, program, arguments);
    if (r < 0)
        die(EX_OSERR, "can't start: %s", strerror(-r));
    status = supervisor_run(&supervisor);
    supervisor_release(&supervisor);
    for (char **a = arguments; *a; a++)
        free(*a);
    free(arguments);
    return status;
}
