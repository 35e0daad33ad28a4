/* Calls functions that work on a disk or with a name service, in a fork with a
 * deadline. A disk that hangs blocks its caller in the kernel, and perhaps not
 * even SIGKILL ends the call. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sallyport/base/clock.h"

#define MOUNT_LINE (16 * PATH_MAX)
#define ROOM_MS    1000 /* so that `status` soon reports a disk that hangs */
#define SILENT_MAX 8

int disk_ms = 7000;
static int disk_used; /* ms of disk_ms that are used up */

/* The memory that a fork shares with its parent. */
struct fork_page {
    struct fail_page failed;
    bool done;
    max_align_t data[];
};

void disk_begin(void)
{
    disk_used = 0;
}

/* A program that reads the output of this program would otherwise wait for a
 * fork that hangs. */
void disk_silence(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
}

int disk_fork(disk_work *work, void *data, size_t size, int ms, bool quiet,
              struct complaint *why)
{
    const size_t all = sizeof(struct fork_page) + size;
    struct fork_page *p =
        mmap(NULL, all, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int ends[2], code, ended;
    pid_t pid;

    if (p == MAP_FAILED || pipe2(ends, O_CLOEXEC) < 0)
        fail(EX_OSERR, "can't start a process: %s", strerror(errno));
    memcpy(p->data, data, size);
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN); /* a write returns EPIPE instead */
        if (ctl.lock_fd > 0)
            close(ctl.lock_fd); /* or a fork that hangs would keep the lock */
        ctl.lock_fd = 0;
        if (quiet)
            disk_silence();
        at_fail = NULL;
        fail_to_parent(&p->failed);
        work(p->data);
        p->done = true;
        _exit(0);
    }
    if (pid < 0)
        fail(EX_OSERR, "can't start a process: %s", strerror(errno));
    close(ends[1]);
    struct pollfd end = { .fd = ends[0], .events = POLLIN };
    do /* a fork that has ended has closed its end of the pipe */
        ended = poll(&end, 1, ms);
    while (ended < 0 && errno == EINTR);
    code = ended ? EX_OSERR : -ETIMEDOUT;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, code == -ETIMEDOUT ? WNOHANG : 0);
    close(ends[0]);
    memcpy(data, p->data, size);
    snprintf(why->text, sizeof(why->text), "%s",
             code == -ETIMEDOUT ? "it doesn't answer" : "a process has failed");
    if (p->failed.code) {
        code = p->failed.code;
        *why = p->failed.why;
    }
    code = p->done ? 0 : code;
    munmap(p, all);
    return code;
}

int disk_try(disk_work *work, void *data, size_t size, struct complaint *why)
{
    const uint64_t begin = clock_ms();
    const int left = disk_ms - disk_used;
    int code = disk_fork(work, data, size, left > 0 ? left : 0, true, why);

    if (code == -ETIMEDOUT || ctl.lock_fd > 0)
        disk_used += (int)(clock_ms() - begin);
    return code;
}

void disk_run(disk_work *work, void *data, size_t size, const char *path)
{
    struct complaint why;
    int code = disk_try(work, data, size, &why);

    if (code == -ETIMEDOUT)
        fail(EX_TEMPFAIL, "%s doesn't answer; nothing was changed", path);
    if (code)
        fail(code, "%s", why.text);
}

void disk_mount_of(const char *path, char out[PATH_MAX])
{
    FILE *list = setmntent("/proc/self/mounts", "re");
    char line[MOUNT_LINE];
    struct mntent m;

    out[0] = '\0';
    while (list && getmntent_r(list, &m, line, sizeof(line)))
        if (user_path_within(path, m.mnt_dir) &&
            strlen(m.mnt_dir) >= strlen(out))
            slice_copy(slice_from(m.mnt_dir), out, PATH_MAX);
    if (list)
        endmntent(list);
}

int disk_try_each(disk_work *work, void *data, size_t size, const char *path,
                  struct complaint *why)
{
    static char silent[SILENT_MAX][PATH_MAX]; /* mounts without an answer */
    static size_t silents;
    char mount[PATH_MAX];
    int code;

    disk_mount_of(path, mount);
    for (size_t i = 0; i < silents; i++)
        if (strcmp(silent[i], mount) == 0)
            return -ETIMEDOUT;
    code = disk_fork(work, data, size,
                     silents == 0 || disk_ms < ROOM_MS ? disk_ms : ROOM_MS,
                     true, why);
    if (code == -ETIMEDOUT && silents < SILENT_MAX)
        memcpy(silent[silents++], mount, PATH_MAX);
    return code;
}

struct disk_question {
    const char *path;
    struct statvfs room;
    int error;
};

static void disk_ask(void *data)
{
    struct disk_question *q = data;

    q->error = statvfs(q->path, &q->room) < 0 ? -errno : 0;
}

int disk_room(const char *path, struct statvfs *ret)
{
    struct disk_question q = { .path = path };
    struct complaint why;
    int ms = disk_ms < ROOM_MS ? disk_ms : ROOM_MS;
    int code = disk_fork(disk_ask, &q, sizeof(q), ms, true, &why);

    *ret = q.room;
    return code == -ETIMEDOUT ? code : code ? -EIO : q.error;
}
