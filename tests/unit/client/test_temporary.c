/* Tests the digits of temporary names on servers. */
#include "client/transfer/transfer.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "support/files.h"
#include "support/scratch.h"
#include "support/test.h"

TestSuite(temporary, .init = scratch_make, .fini = scratch_remove);

/* Writes the temporary name of an upload of the file "own" to OUT, as another
 * call of the program would choose it. */
static void name_write(int out)
{
    static const struct options o;
    static struct site site = { .options = &o, .url = { .host = "server" } };
    static struct link l = { .site = &site };
    static struct job job = { .kind = JOB_PUT };
    static struct file_transfer t = { .link = &l, .job = &job, .lock = -1 };

    snprintf(t.local, sizeof(t.local), "%s/own", scratch);
    snprintf(t.remote, sizeof(t.remote), "own");
    job.local = t.local;
    const bool begun = temporary_begin(&t);
    _exit(begun && write(out, t.remote, 64) == 64 ? 0 : 1);
}

static bool same_machine(void)
{
    return true;
}

static bool other_network(void)
{
    return unshare(CLONE_NEWNET) == 0;
}

static bool other_id(void)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("/proc/sys/kernel/random/boot_id", "/etc/machine-id", NULL,
                 MS_BIND, NULL) == 0;
}

/* Returns false if the kernel doesn't let this user MOVE. */
static bool name_after(bool (*move)(void), char out[65])
{
    int ends[2], status;

    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        if (!move())
            _exit(2);
        name_write(ends[1]);
    }
    waitpid(child, &status, 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    if (WEXITSTATUS(status) == 0)
        cr_assert_eq(read(ends[0], out, 64), 64);
    close(ends[0]);
    close(ends[1]);
    return WEXITSTATUS(status) == 0;
}

/* A second machine, such as a container, can have the same host name, user and
 * paths, and doesn't see the lock of the first one. */
Test(temporary, names_of_machines)
{
    char path[PATH_MAX], first[65] = "", other[65] = "";

    snprintf(path, sizeof(path), "%s/own", scratch);
    files_write(path, "1", 1, 0644);
    cr_assert(name_after(same_machine, first));
    cr_assert(name_after(same_machine, other));
    cr_expect_str_eq(first, other);
    if (name_after(other_network, other))
        cr_expect_str_neq(first, other);
    if (name_after(other_id, other))
        cr_expect_str_neq(first, other);
}
