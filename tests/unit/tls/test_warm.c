/* A session that was forked after the preparation opens nothing inside the
 * sandbox: it does all of TLS with a few system calls. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/rand.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "raw.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define RULE(call, verdict)                                                    \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                         \
        BPF_STMT(BPF_RET | BPF_K, (verdict))
#define NUMBER offsetof(struct seccomp_data, nr)
/* The low half of the fifth argument of sendto and recvfrom, which is an
 * address. */
#define ADDRESS offsetof(struct seccomp_data, args[4])
#define NO_ADDRESS(call)                                                       \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 4),                         \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ADDRESS),                           \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),                          \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),                          \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* The calls that TLS needs at run time; poll is only for the test's waits. */
static struct sock_filter strict[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
    NO_ADDRESS(SYS_sendto),
    NO_ADDRESS(SYS_recvfrom),
    RULE(SYS_setsockopt, SECCOMP_RET_ALLOW), /* TCP_QUICKACK */
    RULE(SYS_shutdown, SECCOMP_RET_ALLOW),
    RULE(SYS_getpid, SECCOMP_RET_ALLOW),    /* OpenSSL checks for a fork before
                                               each random number */
    RULE(SYS_getrandom, SECCOMP_RET_ALLOW), /* seeds, again after a fork */
    RULE(SYS_brk, SECCOMP_RET_ALLOW),
    RULE(SYS_mmap, SECCOMP_RET_ALLOW),
    RULE(SYS_munmap, SECCOMP_RET_ALLOW),
    RULE(SYS_poll, SECCOMP_RET_ALLOW),
    RULE(SYS_exit_group, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};
/* The sanitizers make system calls of their own, so this filter forbids only
 * calls that open something. */
static struct sock_filter no_opening[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
    RULE(SYS_open, SECCOMP_RET_KILL_PROCESS),
    RULE(SYS_openat, SECCOMP_RET_KILL_PROCESS),
    RULE(SYS_openat2, SECCOMP_RET_KILL_PROCESS),
    RULE(SYS_socket, SECCOMP_RET_KILL_PROCESS),
    RULE(SYS_connect, SECCOMP_RET_KILL_PROCESS),
    RULE(SYS_execve, SECCOMP_RET_KILL_PROCESS),
    RULE(SYS_fork, SECCOMP_RET_KILL_PROCESS),
    RULE(SYS_clone, SECCOMP_RET_KILL_PROCESS),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void enter(const struct sock_filter *rules, size_t n)
{
    struct sock_fprog program = { (unsigned short)n,
                                  (struct sock_filter *)rules };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(100);
}

static void enter_sandbox(void)
{
    if (SANITIZED)
        enter(no_opening, sizeof(no_opening) / sizeof(no_opening[0]));
    else
        enter(strict, sizeof(strict) / sizeof(strict[0]));
}

#define UPLOAD 1500007u

static char empty[] = "/tmp/sallyport-empty-XXXXXX";

/* Runs LIFE in a child: in an empty root, if this process may do so, and in the
 * sandbox. */
static pid_t fork_session(struct line *l, int (*life)(struct line *))
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    close(l->far);
    if (geteuid() == 0 && (chroot(empty) != 0 || chdir("/") != 0))
        _exit(101);
    enter_sandbox();
    _exit(life(l));
}

/* A session's life. Its exit status shows where it stopped. */
static int serve(struct line *l)
{
    unsigned char *bytes = malloc(DATA);
    size_t n, got = 0;
    enum stream_state st;
    if (line_handshake(l) != STREAM_OK)
        return 1;
    while ((st = line_read(l, bytes, DATA, &n)) == STREAM_OK)
        got += n;
    if (st != STREAM_CLOSED || got != UPLOAD)
        return 2;
    if (line_write_all(l, bytes, 100000) != STREAM_OK ||
        line_shutdown(l) != STREAM_OK)
        return 3;
    stream_free(l->s);
    free(bytes);
    return 0;
}

static void play_transfer(struct tls_client *c, struct peer *p)
{
    char bytes[4096];
    long n;
    play_write_all(c, p);
    while ((n = tls_client_read(c, bytes, sizeof(bytes))) > 0)
        p->last += n;
    p->ok = p->ok && n == TLS_CLIENT_END;
}

/* Plays gate, which makes the context and forks. The child enters the sandbox
 * before the client connects. The clients use each version, and curves and
 * suites that the preparation didn't use. */
static void session_in_sandbox(struct tls_context *t,
                               const struct tls_client_options *o)
{
    struct peer p = { .play = play_transfer, .bytes = UPLOAD, .options = *o };
    struct line l;
    int status;
    line_open(&l, DATA, 0);
    cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
    pid_t pid = fork_session(&l, serve);
    close(l.near);
    peer_start(&p, &l);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    peer_join(&p);
    cr_assert(!WIFSIGNALED(status), "killed by %d", WTERMSIG(status));
    cr_assert_eq(WEXITSTATUS(status), 0, "stopped at %d", WEXITSTATUS(status));
    cr_assert(p.ok, "%s", p.error);
    cr_assert_eq(p.last, 100000);
    stream_free(l.s);
    line_hang_up(&l);
}

Test(warm, a_sandboxed_session_opens_nothing)
{
    static const struct tls_client_options clients[] = {
        { .version = TLS1_2_VERSION },
        { .version = TLS1_3_VERSION },
        { .version = TLS1_3_VERSION, .groups = "P-384" },
        { .version = TLS1_3_VERSION, .groups = "P-521" },
        { .version = TLS1_2_VERSION,
          .ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305" },
        { .version = TLS1_2_VERSION,
          .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384" },
    };
    struct tls_context *t = context_make();

    cr_assert(mkdtemp(empty));
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
        session_in_sandbox(t, &clients[i]);
    tls_context_free(t);
    rmdir(empty);
}

/* Fails, with a text of the error, which must be in memory, too. */
static int fail(struct line *l)
{
    enum stream_state st = line_handshake(l);
    return st == STREAM_FAILED && strlen(stream_cause(l->s)) > 0 ? 0 : 1;
}

LineTest(warm, a_sandboxed_failure_opens_nothing, line_secured(l, CONTROL, 0))
{
    int status;

    cr_assert(mkdtemp(empty));
    cr_assert_eq(send(l->far, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
    cr_assert_gt(waitpid(fork_session(l, fail), &status, 0), 0);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
    rmdir(empty);
}

static void shake_hands_blocking(struct raw *r, struct line *l)
{
    struct pollfd p = { l->far, POLLIN, 0 };
    while (!raw_step(r)) {
        raw_say(r, l);
        cr_assert_eq(poll(&p, 1, 30000), 1);
        raw_hear(r, l);
    }
}

/* Two sessions of one gate must not draw the same random numbers, although both
 * begin with gate's generator. Gate uses _Fork(), so no fork handler of
 * libcrypto runs. */
Test(warm, forks_draw_different_numbers)
{
    struct tls_context *t = context_make();
    unsigned char drawn[2][32];

    cr_assert_eq(RAND_bytes(drawn[0], 32), 1);
    for (int i = 0; i < 2; i++) {
        struct raw r;
        struct line l;
        int status;
        line_open(&l, CONTROL, 0);
        cr_assert_eq(stream_secure(l.s, t, STREAM_CONTROL), 0);
        pid_t pid = _Fork();
        if (pid == 0)
            _exit(line_handshake(&l) == STREAM_OK ? 0 : 1);
        raw_open(&r, TLS1_2_VERSION, NULL);
        shake_hands_blocking(&r, &l);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        cr_assert_eq(SSL_get_server_random(r.ssl, drawn[i], 32), 32u);
        raw_close(&r);
        line_close(&l);
    }
    cr_assert_neq(memcmp(drawn[0], drawn[1], 32), 0);
    tls_context_free(t);
}
