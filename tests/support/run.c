/* Runs a program. Its output goes to a file without a name, so that the output
 * can have any size and no process must read it meanwhile. */
#include "run.h"
#include "fail.h"
#include "sallyport/base/fd.h"
#include "test.h"
#include "wait.h"

#define RUN_MS        240000
#define ARGUMENTS_MAX 32

static _Noreturn void become(char *const arguments[], int in, int out)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid(); /* so that the program has no terminal on which it could ask */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    fd_close_others(3, NULL, 0);
    execvp(arguments[0], arguments);
    _exit(127);
}

static int input_file(const char *input)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    FAIL_IF(fd < 0, "memfd_create: %s", strerror(errno));
    if (input)
        FAIL_IF(fd_write_all(fd, input, strlen(input)), "input");
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void take_output(int fd, struct run_result *ret)
{
    off_t size = lseek(fd, 0, SEEK_END);

    FAIL_IF(size < 0, "lseek: %s", strerror(errno));
    ret->len = (size_t)size;
    ret->text = malloc(ret->len + 1);
    FAIL_IF(!ret->text, "no memory");
    FAIL_IF(pread(fd, ret->text, ret->len, 0) != size, "pread");
    ret->text[ret->len] = '\0';
}

void run_start(struct running *ret, const char *input, char *const arguments[])
{
    FD_CLEANUP int in = input_file(input);

    ret->path = arguments[0];
    ret->out = memfd_create("output", MFD_CLOEXEC);
    FAIL_IF(ret->out < 0, "memfd_create: %s", strerror(errno));
    ret->pid = fork();
    FAIL_IF(ret->pid < 0, "fork: %s", strerror(errno));
    if (ret->pid == 0)
        become(arguments, in, ret->out);
}

void run_finish(struct running *r, struct run_result *ret)
{
    int status = 0;

    if (!wait_exit(r->pid, &status, RUN_MS)) {
        kill(r->pid, SIGKILL);
        take_output(r->out, ret);
        FAIL("%s did not end:\n%s", r->path, ret->text);
    }
    take_output(r->out, ret);
    fd_close(&r->out);
    ret->status =
        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_arguments(struct run_result *ret, const char *input,
                   char *const arguments[])
{
    struct running r;

    run_start(&r, input, arguments);
    run_finish(&r, ret);
}

void run(struct run_result *ret, const char *input, const char *path, ...)
{
    char *arguments[ARGUMENTS_MAX] = { (char *)(uintptr_t)path };
    size_t n = 0;
    va_list list;

    va_start(list, path);
    while (arguments[n] && n + 2 < ARGUMENTS_MAX)
        arguments[++n] = va_arg(list, char *);
    va_end(list);
    FAIL_IF(arguments[n], "too many arguments");
    run_arguments(ret, input, arguments);
}

void run_release(struct run_result *r)
{
    free(r->text);
    r->text = NULL;
}
