/* The client with other servers; tests/system/peers/serve starts them. */
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "peer.h"
#include "support/files.h"
#include "support/long.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define BIG_BYTES 700000
/* The short run strikes at so many system calls of an upload. */
#define STRIKES_SHORT 6

/* Clients that are struck between EPSV and the connection leave up to 300 ports
 * in a minute unused, and the server lets each of these rest for a minute. */
SERVER_SHARED(USERS({ .name = "anna" }, { .name = "pinned" }));

ParameterizedTestParameters(peers, refused)
{
    static struct peer parameters[PEERS];

    memcpy(parameters, peers, sizeof(parameters));
    return cr_make_param_array(struct peer, parameters, PEERS);
}

/* The client speaks to no other server, but doctor looks at each. */
ParameterizedTest(struct peer *p, peers, refused, .timeout = 120)
{
    static const char says[] = "this is no Sallyport server, and sallyport "
                               "speaks to no other; use curl, lftp or rclone";
    struct desk d;

    desk_begin_alone(&d);
    pid_t pid = peer_start(p, &d);
    files_write("f", "text", 4, 0644);
    desk_says(&d, EX_UNAVAILABLE, says, "ls", "/", NULL);
    desk_says(&d, EX_UNAVAILABLE, says, "put", "f", "/", NULL);
    desk_says(&d, EX_UNAVAILABLE, says, "sync", ".", "/", NULL);
    desk_says(&d, 0, "0 bad", "doctor", "/", NULL);
    peer_stop(pid);
    desk_end(&d);
}

/* Traces a client, and strikes at one of its system calls. The tracer doesn't
 * read the client's memory, so it works on every kind of processor. */

enum strike_kind {
    STRIKE_INTERRUPT, /* Ctrl-C */
    STRIKE_TERMINATE,
    STRIKE_KILL,
    STRIKE_READ, /* read() of the file fails with EIO */
    STRIKE_TIME, /* each timeout expires at once */
    STRIKES
};

#define STRIKE_SHARED "strike.shared"
#define OUTPUT        "strike.output"

static const char *const strike_names[STRIKES] = {
    [STRIKE_INTERRUPT] = "SIGINT", [STRIKE_TERMINATE] = "SIGTERM",
    [STRIKE_KILL] = "SIGKILL",     [STRIKE_READ] = "a read error",
    [STRIKE_TIME] = "a timeout",
};

/* Makes and maps the file STRIKE_SHARED; preload/client.c reads its numbers. */
static volatile int *strike_shared(void)
{
    int fd = open(STRIKE_SHARED, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

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
    setenv("SALLYPORT_TEST_CLIENT", STRIKE_SHARED, 1);
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

/* Has the system call that returned RESULT opened FILE? */
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

/* Records a stop at a system call. Returns true at the beginning of a call
 * after FILE was opened. */
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

/* Runs the program in ARGUMENTS with the library PRELOAD. Counts its system
 * calls after it has opened FILE, and strikes before call number AT (from 1; 0:
 * never). Returns the number of these calls. */
static long strike_run(enum strike_kind kind, long at, const char *file,
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
    munmap((void *)shared, 5 * sizeof(int));
    return t.calls;
}

/* Returns what the server's file is: 'o': the old file; 'w': the whole new
 * file; 'p': anything else. */
static char stored(const char *path)
{
    struct buf whole, there;

    buf_init(&whole, 2 * BIG_BYTES);
    buf_init(&there, 2 * BIG_BYTES);
    cr_assert(files_read("big", &whole));
    files_read(path, &there);
    bool old = there.len == 4 && memcmp(there.data, "old\n", 4) == 0;
    bool new =
        there.len == whole.len &&memcmp(there.data, whole.data, whole.len) == 0;
    buf_release(&whole);
    buf_release(&there);
    return (char)(old ? 'o' : new ? 'w' : 'p');
}

/* Counts the log's lines with this event of anna. */
static size_t logged(const struct buf *log, const char *event)
{
    struct slice rest = buf_slice(log), line;
    size_t n = 0;

    while (slice_cut(&rest, '\n', &line))
        n += memmem(line.ptr, line.len, event, strlen(event)) &&
             memmem(line.ptr, line.len, " user=anna", 10);
    return n;
}

static bool sessions_have_ended(void *of)
{
    struct buf log;

    server_log(of, &log);
    bool yes = logged(&log, "Z login ") == logged(&log, "Z end ");
    buf_release(&log);
    return yes;
}

/* Strikes one upload. Returns the number of system calls, as strike_run() does.
 */
static long strike_one(struct desk *d, const char *home, enum strike_kind kind,
                       long at)
{
    char url[256], there[2 * SERVER_PATH_MAX];
    char *words[] = { (char *)server_program("sallyport"),
                      "put",
                      "--cacert",
                      (char *)d->ca,
                      "--password-file",
                      (char *)d->password,
                      "--retries=0",
                      "--conflict=overwrite",
                      "big",
                      url,
                      NULL };
    struct run_result r;

    snprintf(there, sizeof(there), "%s/up", home);
    unlink(there);
    files_write(there, "old\n", 4, 0644);
    files_give_to_owner_of(home, there);
    snprintf(url, sizeof(url), "%s/up", d->url);
    long calls =
        strike_run(kind, at, "big", server_build(CLIENT_PRELOAD), words, &r);
    cr_assert(wait_until(sessions_have_ended, &d->server, WAIT_MS));
    char has = stored(there);
    const char *what = strike_names[kind];
    cr_expect(r.status != 0 || has == 'w', "%s at call %ld: exit 0, but: %c",
              what, at, has);
    cr_expect(has != 'p', "%s at call %ld: a part is published: %s", what, at,
              r.text);
    cr_expect(kind != STRIKE_READ || r.status == 0 || r.status == EX_IOERR,
              "call %ld: %d: %s", at, r.status, r.text);
    run_release(&r);
    return calls;
}

static void strike_all(struct desk *d, const char *home)
{
    long calls = strike_one(d, home, STRIKE_KILL, 0);
    long step = is_long() ? 1 : calls / STRIKES_SHORT;

    cr_expect_gt(calls, 4 * STRIKES_SHORT);
    for (enum strike_kind kind = 0; kind < STRIKES; kind++)
        for (long at = 1 + kind * step / STRIKES; at <= calls; at += step)
            strike_one(d, home, kind, at);
}

/* However an upload ends, the server has the old file or the whole new file. */
Test(peers, a_struck_upload_to_sallyport, .timeout = 2000)
{
    struct desk d;

    desk_begin(&d, "anna");
    desk_noise("big", BIG_BYTES);
    strike_all(&d, server_home(&d.server, "anna"));
    desk_end(&d);
}

/* The pin is wrong. Whichever option of libcurl the client can't set, it must
 * not log in. */
Test(peers, an_option_that_cannot_be_set, .timeout = 120)
{
    char *words[] = {
        (char *)server_program("sallyport"),
        "ls",
        "--pin=sha256//0000000000000000000000000000000000000000000=",
        "--password-file",
        NULL,
        NULL,
        NULL
    };
    struct desk d;

    desk_begin(&d, "pinned");
    volatile int *shared = strike_shared();
    words[4] = d.password;
    words[5] = d.url;
    setenv("SALLYPORT_TEST_CLIENT", STRIKE_SHARED, 1);
    setenv("LD_PRELOAD", server_build(CLIENT_PRELOAD), 1);
    int call = 0;
    do {
        struct run_result r;

        shared[2] = ++call;
        shared[3] = 0;
        run_arguments(&r, NULL, words);
        cr_expect_neq(r.status, 0, "call %d: %s", call, r.text);
        run_release(&r);
    } while (shared[3] >= call);
    unsetenv("LD_PRELOAD");
    cr_expect_gt(call, 20);
    cr_expect_not(server_log_has(&d.server, "user=pinned"));
    desk_end(&d);
}

/* If the client can't read all names of a local directory, put -r must fail,
 * and sync must fail. */
Test(peers, a_directory_that_cannot_be_read, .timeout = 60)
{
    struct desk d;

    desk_begin(&d, "anna");
    files_make_folder("half", 0755);
    files_write("half/a", "text", 4, 0644);
    volatile int *shared = strike_shared();
    shared[4] = 1;
    setenv("SALLYPORT_TEST_CLIENT", STRIKE_SHARED, 1);
    setenv("LD_PRELOAD", server_build(CLIENT_PRELOAD), 1);
    desk_says(&d, EX_IOERR, "half: Input/output error", "put", "-r", "half",
              "/", NULL);
    desk_says(&d, EX_IOERR, "half: Input/output error", "sync", "half", "/",
              NULL);
    unsetenv("LD_PRELOAD");
    desk_end(&d);
}
