/* The client with other servers; tests/system/peers/serve starts them. */
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "peer.h"
#include "support/files.h"
#include "support/long.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define FILES     12
#define BIG_BYTES 700000
/* The short run strikes at so many system calls of an upload. */
#define STRIKES_SHORT 6

/* Clients that are struck between EPSV and the connection leave up to 300 ports
 * in a minute unused, and the server lets each of these rest for a minute. */
SERVER_SHARED(USERS({ .name = "anna" }, { .name = "pinned" }));

static void make_tree(void)
{
    static char noise[FILES * 20000];
    char name[32];

    files_noise(noise, sizeof(noise), 3);
    files_make_folder("tree", 0755);
    files_make_folder("tree/below", 0755);
    for (size_t i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "tree/%sa b%zu", i % 2 ? "below/" : "", i);
        files_write(name, noise, i * 20000, 0644);
    }
}

static struct criterion_test_params parameters_of_peers(void)
{
    static struct peer parameters[PEERS];

    memcpy(parameters, peers, sizeof(parameters));
    return cr_make_param_array(struct peer, parameters, PEERS);
}

/* sync must transfer a file if its content has changed but not its length, in
 * both directions. LIST has no exact times. */
static void expect_changes_seen(struct desk *d, const struct peer *p)
{
    const time_t later = time(NULL) + 100;
    char there[SERVER_PATH_MAX + 32];

    snprintf(there, sizeof(there), "%s/home%s/same/f", d->dir, p->dir);
    files_make_folder("same", 0755);
    files_write("same/f", "one", 3, 0644);
    files_set_time("same/f", later - 3600); /* no program seems to write it */
    desk_says(d, 0, "1 uploaded", "sync", "same", "/same", NULL);
    desk_says(d, 0, "0 uploaded, 1 the same", "sync", "same", "/same", NULL);
    files_write("same/f", "two", 3, 0644);
    files_set_time("same/f", later);
    desk_says(d, 0, "1 uploaded", "sync", "same", "/same", NULL);
    cr_assert_eq(unlink("same/f"), 0);
    desk_says(d, 0, "1 downloaded", "sync", "/same", "same", NULL);
    desk_says(d, 0, "1 the same", "sync", "/same", "same", NULL);
    files_write(there, "six", 3, 0644);
    files_set_time(there, later + 100);
    desk_says(d, 0, "1 downloaded", "sync", "/same", "same", NULL);
    /* The client sends this time to no server, and must not upload the file
     * again and again because of it. */
    files_set_time("same/f", 0);
    desk_says(d, 0, "0 uploaded, 1 the same", "sync", "same", "/same", NULL);
}

/* rm -r removes a link, but no file in the directory to which the link leads.
 */
static void expect_links_not_followed(struct desk *d, const struct peer *p)
{
    char home[2 * SERVER_PATH_MAX], path[sizeof(home) + 32];

    snprintf(home, sizeof(home), "%s/home%s", d->dir, p->dir);
    snprintf(path, sizeof(path), "%s/outside", home);
    files_make_folder(path, 0777);
    snprintf(path, sizeof(path), "%s/outside/mine", home);
    files_write(path, "mine", 4, 0666);
    char link[sizeof(path)];

    snprintf(link, sizeof(link), "%s/tree/link", home);
    cr_assert_eq(symlink("../outside", link), 0);
    desk_says(d, 0, NULL, "rm", "-r", "/tree/link", NULL);
    cr_expect(files_exists(path), "%s", p->name);
    cr_expect_not(files_exists(link), "%s", p->name);
}

/* A server may change such a path to another file's, unless it is known to keep
 * its bytes: here vsftpd, where the path begins with a directory, and FEAT
 * lacks UTF8. */
static void expect_names_kept(struct desk *d, const struct peer *p)
{
    static const char *const names[] = { "t ", " t", "t\xe9", " d/t", "d/ t" };
    static const char *const paths[] = { "/t%20", "/%20t", "/t%E9", "/%20d/t",
                                         "/d/%20t" };
    char there[SERVER_PATH_MAX + 32];

    files_make_folder(" d", 0755);
    files_make_folder("d", 0755);
    snprintf(there, sizeof(there), "%s/home%s/ d", d->dir, p->dir);
    files_make_folder(there, 0777);
    desk_says(d, 0, NULL, "mkdir", "/d", NULL);
    files_write("t", "text", 4, 0644);
    desk_says(d, 0, NULL, "put", "t", "/", NULL);
    for (size_t i = 0; i < 5; i++) {
        bool kept = i == 4 || (i > 0 && p->dir[0]);
        const int code = kept ? 0 : EX_DATAERR;
        const char *said = kept ? NULL : "this server may change";

        files_write(names[i], "text", 4, 0644);
        desk_says(d, code, said, "put", "--remove-source", "--conflict",
                  "overwrite", names[i], paths[i], NULL);
        cr_expect_eq(files_exists(names[i]), !kept, "%s, %zu", p->name, i);
        desk_says(d, kept ? 0 : EX_NOINPUT, NULL, "get", paths[i], "copy",
                  NULL);
        desk_says(d, code, said, "mv", "--conflict", "overwrite", "/t",
                  names[i], NULL);
        if (kept)
            desk_says(d, 0, NULL, "mv", paths[i], "/t", NULL);
        desk_says(d, code, said, "mkdir", paths[i], NULL);
    }
}

/* A link that the user has named leads to a file, whatever MLST says of it. */
static void expect_link_downloaded(struct desk *d, const struct peer *p)
{
    char link[2 * SERVER_PATH_MAX];

    snprintf(link, sizeof(link), "%s/home%s/tree/a-link-with-a-long-name",
             d->dir, p->dir);
    cr_assert_eq(symlink("c", link), 0);
    desk_says(d, 0, NULL, "get", "/tree/a-link-with-a-long-name", "l", NULL);
    cr_expect_eq(system("cmp c l"), 0, "%s", p->name);
    cr_assert_eq(unlink(link), 0);
}

ParameterizedTestParameters(peers, work)
{
    return parameters_of_peers();
}

/* Transfers several files in a session, in both directions; lists, renames and
 * removes files. */
ParameterizedTest(struct peer *p, peers, work, .timeout = 400)
{
    struct desk d;

    desk_begin_alone(&d);
    pid_t pid = peer_start(p, &d, "");
    make_tree();
    desk_says(&d, 0, NULL, "put", "-r", "tree", "/", NULL);
    desk_says(&d, 0, NULL, "get", "-r", "/tree", "back", NULL);
    desk_same("tree", "back");
    expect_changes_seen(&d, p);
    expect_names_kept(&d, p);
    desk_says(&d, 0, "below/", "ls", "/tree", NULL);
    desk_says(&d, 0, "12 files", "du", "/tree", NULL);
    desk_says(&d, 0, NULL, "mv", "/tree/a b0", "c", NULL);
    desk_says(&d, 0, NULL, "get", "--conflict", "skip", "/tree/c", NULL);
    cr_expect(files_exists("c"));
    expect_link_downloaded(&d, p);
    desk_says(&d, 0, NULL, "get", "--remove-source", "/tree/c", "d", NULL);
    desk_says(&d, 0, "0 bad", "doctor", "/", NULL);
    expect_links_not_followed(&d, p);
    desk_says(&d, 0, NULL, "rm", "-r", "/tree", NULL);
    desk_says(&d, 66, NULL, "get", "/tree/c", "x", NULL);
    peer_stop(pid);
    desk_end(&d);
}

/* A new name takes one data connection, for its upload, and one more after
 * each refusal: a control connection has few tickets. */
Test(peers, new_names_without_a_listing, .timeout = 120)
{
    char command[8192], name[16];
    size_t connections = 0;
    struct desk d;
    struct buf b;

    desk_begin_alone(&d);
    pid_t pid = peer_start(&peers[0], &d, "");
    files_make_folder("twenty", 0755);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "twenty/%d", i);
        files_write(name, name, strlen(name), 0644);
    }
    snprintf(command, sizeof(command),
             "%s put --debug --cacert %s --password-file %s twenty/* %s/ "
             "2>output",
             server_program("sallyport"), d.ca, d.password, d.url);
    cr_assert_eq(system(command), 0);
    buf_init(&b, 1024 * 1024);
    cr_assert(files_read("output", &b));
    struct slice rest = buf_slice(&b), line;
    while (slice_cut(&rest, '\n', &line))
        connections += (size_t)slice_starts(line, SLICE("> EPSV")) -
                       (size_t)slice_starts(line, SLICE("< 522"));
    cr_expect_eq(connections, 20);
    buf_release(&b);
    peer_stop(pid);
    desk_end(&d);
}

/* An account that may upload, but not list. */
Test(peers, uploads_without_a_listing, .timeout = 120)
{
    struct desk d;

    desk_begin_alone(&d);
    pid_t pid = peer_start(&peers[0], &d, "no_listing");
    files_make_folder("tree", 0755);
    files_make_folder("tree/sub", 0755);
    files_write("tree/a", "a", 1, 0644);
    files_write("tree/sub/b", "b", 1, 0644);
    desk_says(&d, 0, NULL, "put", "tree/a", "tree/sub/b", "/", NULL);
    desk_says(&d, 0, NULL, "put", "-r", "tree", "/", NULL);
    desk_same("tree", "home/in/tree");
    desk_says(&d, 0, NULL, "put", "-r", "--conflict", "overwrite", "tree/.",
              "/tree", NULL);
    desk_says(&d, EX_NOINPUT, "no such directory", "put", "tree/a", "/not/",
              NULL);
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

/* Strikes one upload, to sallyportd if SALLYPORT, otherwise to another server.
 * Returns the number of system calls, as strike_run() does. */
static long strike_one(struct desk *d, const char *home, bool sallyport,
                       enum strike_kind kind, long at)
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
    if (sallyport)
        cr_assert(wait_until(sessions_have_ended, &d->server, WAIT_MS));
    char has = stored(there);
    const char *what = strike_names[kind];
    cr_expect(r.status != 0 || has == 'w', "%s at call %ld: exit 0, but: %c",
              what, at, has);
    cr_expect(has != 'p', "%s at call %ld: a part is published: %s", what, at,
              r.text);
    /* Another server can reset a connection by itself before the strike. */
    cr_expect(!sallyport || kind != STRIKE_READ || r.status == 0 ||
                  r.status == EX_IOERR,
              "call %ld: %d: %s", at, r.status, r.text);
    run_release(&r);
    return calls;
}

static void strike_all(struct desk *d, const char *home, bool sallyport)
{
    long calls = strike_one(d, home, sallyport, STRIKE_KILL, 0);
    long step = !is_long() ? calls / STRIKES_SHORT : sallyport ? 1 : 11;

    cr_expect_gt(calls, 4 * STRIKES_SHORT);
    for (enum strike_kind kind = 0; kind < STRIKES; kind++)
        for (long at = 1 + kind * step / STRIKES; at <= calls; at += step)
            strike_one(d, home, sallyport, kind, at);
}

/* However an upload ends, the server has the old file or the whole new file. */
Test(peers, a_struck_upload_to_sallyport, .timeout = 2000)
{
    struct desk d;

    desk_begin(&d, "anna");
    desk_noise("big", BIG_BYTES);
    strike_all(&d, server_home(&d.server, "anna"), true);
    desk_end(&d);
}

ParameterizedTestParameters(peers, a_struck_upload)
{
    return parameters_of_peers();
}

/* These servers write in place, so the client uses a temporary name. */
ParameterizedTest(struct peer *p, peers, a_struck_upload, .timeout = 2000)
{
    char home[32];
    struct desk d;

    desk_begin_alone(&d);
    pid_t pid = peer_start(p, &d, "");
    desk_noise("big", BIG_BYTES);
    snprintf(home, sizeof(home), "home%s", p->dir);
    strike_all(&d, home, false);
    peer_stop(pid);
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
