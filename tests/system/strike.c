/* A tracer of one program. It looks at no memory of it, so it works with each
 * processor. */
#include "strike.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "sallyport/base/buf.h"
#include "support/files.h"
#include "support/test.h"

#define SHARED STRIKE_SHARED
#define OUTPUT "strike.output"

const char *const strike_names[STRIKES] = {
    [STRIKE_INTERRUPT] = "SIGINT", [STRIKE_TERMINATE] = "SIGTERM",
    [STRIKE_KILL] = "SIGKILL",     [STRIKE_READ] = "a read error",
    [STRIKE_TIME] = "a timeout",
};

volatile int *strike_shared(void)
{
    int fd = open(SHARED, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert(fd >= 0 && ftruncate(fd, 5 * sizeof(int)) == 0);
    void *p =
        mmap(NULL, 5 * sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert(p != MAP_FAILED);
    close(fd);
    return p;
}

static pid_t strike_start(const char *preload, char *const arguments[])
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    int out = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    setenv("SALLYPORT_TEST_CLIENT", SHARED, 1);
    setenv("LD_PRELOAD", preload, 1);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execv(arguments[0], arguments);
    _exit(127);
}

static void strike_now(enum strike_kind kind, pid_t pid, volatile int *shared)
{
    static const int signals[STRIKES] = { [STRIKE_INTERRUPT] = SIGINT,
                                          [STRIKE_TERMINATE] = SIGTERM,
                                          [STRIKE_KILL] = SIGKILL };

    if (kind == STRIKE_READ || kind == STRIKE_TIME)
        shared[kind == STRIKE_TIME] = 1;
    else
        kill(pid, signals[kind]);
}

/* Has the program opened the file by the call that ends now? */
static bool strike_has_opened(pid_t pid, const char *file, long result)
{
    char link[64], path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/%d/fd/%ld", pid, result);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(path, '/');
    return slash && strcmp(slash + 1, file) == 0;
}

struct tracer {
    pid_t pid;
    const char *file;
    bool opening, opened;
    long calls;
};

/* Notes a stop at a system call. Returns true at the beginning of a call that
 * counts. */
static bool tracer_note(struct tracer *t)
{
    struct __ptrace_syscall_info info = { 0 };

    ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info);
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
        t->opening = info.entry.nr == SYS_openat;
    else if (t->opening && !t->opened)
        t->opened = strike_has_opened(t->pid, t->file, (long)info.exit.rval);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !t->opened)
        return false;
    t->calls++;
    return true;
}

static void strike_read_output(struct run_result *ret, int status)
{
    struct buf b;

    buf_init(&b, 1024 * 1024);
    cr_assert(files_read(OUTPUT, &b));
    *ret = (struct run_result){ .status = WIFSIGNALED(status)
                                              ? 128 + WTERMSIG(status)
                                              : WEXITSTATUS(status),
                                .text = strndup(b.data, b.len),
                                .len = b.len };
    buf_release(&b);
}

long strike_run(enum strike_kind kind, long at, const char *file,
                const char *preload, char *const arguments[],
                struct run_result *ret)
{
    volatile int *shared = strike_shared();
    struct tracer t = { .pid = strike_start(preload, arguments), .file = file };
    int status = 0;

    cr_assert_eq(waitpid(t.pid, &status, 0), t.pid);
    ptrace(PTRACE_SETOPTIONS, t.pid, NULL,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (WIFSTOPPED(status)) {
        int number = WSTOPSIG(status);

        if (number == (SIGTRAP | 0x80)) {
            number = 0;
            if (tracer_note(&t) && t.calls == at)
                strike_now(kind, t.pid, shared);
        } else if (number == SIGTRAP) {
            number = 0;
        }
        ptrace(PTRACE_SYSCALL, t.pid, NULL, (long)number);
        cr_assert_eq(waitpid(t.pid, &status, 0), t.pid);
    }
    strike_read_output(ret, status);
    munmap((void *)shared, 4 * sizeof(int));
    return t.calls;
}
