/* sallyportd: the supervisor. It runs for the whole life of the service, as
 * root if root started it; only the generations of masters below it change. It
 * finds the program "master" relative to its own binary, and passes its own
 * arguments on without reading them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/complain.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/process.h"
#include "supervisor.h"

/* Sets standard input to /dev/null, and makes sure that standard output and
 * standard error are open. Closes all other descriptors, except the LISTENERS
 * descriptors from 3 on. */
static int standard_descriptors(int listeners)
{
    int fd;

    fd_close_others(STDERR_FILENO + 1 + listeners, NULL, 0);
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        return -errno;
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        fd_set_cloexec(i, false);
    return close(fd);
}

/* Finds the program "master" beside our own file: for "/usr/sbin/sallyportd"
 * this is "/usr/sbin/../libexec/sallyport/master", unless the build was
 * configured otherwise. Call it once, at the start: after an upgrade the link
 * to our own file says "(deleted)". */
static int find_master(char *path, size_t size)
{
    ssize_t n =
        readlink("/proc/self/exe", path, size - sizeof(SALLYPORT_MASTER));

    if (n < 0)
        return -errno;
    path[n] = '\0';
    memcpy(strrchr(path, '/') + 1, SALLYPORT_MASTER, sizeof(SALLYPORT_MASTER));
    return 0;
}

int main(int argc, char **argv)
{
    static struct supervisor supervisor;
    char program[PATH_MAX + sizeof(SALLYPORT_MASTER)];
    char **arguments;
    int r, status, listeners = activation_count();

    process_title_init(argc, argv);
    stderr_title("sallyportd");
    if (standard_descriptors(listeners) < 0)
        die(EX_OSERR, "/dev/null: %s", strerror(errno));
    /* The process title overwrites the memory of argv. */
    arguments = calloc((size_t)argc + 1, sizeof(*arguments));
    for (int i = 0; i < argc; i++)
        if (!arguments || !(arguments[i] = strdup(argv[i])))
            die(EX_OSERR, "no memory");
    r = find_master(program, sizeof(program));
    if (r < 0)
        die(EX_OSERR, "/proc/self/exe: %s", strerror(-r));
    process_title("sallyportd: supervisor");
    r = supervisor_init(&supervisor, program, arguments);
    if (r < 0)
        die(EX_OSERR, "can't start: %s", strerror(-r));
    activation_take(&supervisor, listeners);
    status = supervisor_run(&supervisor);
    supervisor_release(&supervisor);
    return status;
}
