/* A server behind a proxy: false headers at its data ports, and HAProxy between
 * the server and curl or lftp. transcripts/server/proxy*.txt have the other
 * cases. */
#include "ctl.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/ports.h"
#include "support/run.h"
#include "support/served.h"
#include "support/server_log.h"
#include "support/test.h"
#include "support/wait.h"

#define PROXY    "127.0.0.5"
#define SETTINGS "proxies = 127.0.0.5, 127.0.0.6\n"
#define CLIENT   "198.51.100.1"
#define OTHER    "198.51.100.66"

static const struct server_plan behind = {
    .listen = "127.0.0.1:0 proxy",
    .ports = "auto proxy",
    .settings = SETTINGS,
};

/* Writes a proxy's header for a connection of HOST, in VERSION 1 or 2. Returns
 * its length. */
static size_t header(char out[128], const char *host, int version)
{
    static const char start[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    unsigned a, b, c, d;

    if (version == 1)
        return (size_t)snprintf(out, 128,
                                "PROXY TCP4 %s 203.0.113.7 4711 21\r\n", host);
    cr_assert_eq(sscanf(host, "%u.%u.%u.%u", &a, &b, &c, &d), 4);
    memcpy(out, start, 16);
    memcpy(out + 16, (char[]){ (char)a, (char)b, (char)c, (char)d }, 4);
    memcpy(out + 20, "\xcb\0\x71\x07\x12\x67\0\x15", 8);
    return 28;
}

/* Connects as the proxy, and sends a header for HOST. */
static void connect_as(struct session *s, const struct server *server,
                       const char *host, int version)
{
    char bytes[128];

    session_init(s);
    snprintf(s->from, sizeof(s->from), PROXY);
    session_connect(s, server->port);
    session_raw(s, bytes, header(bytes, host, version));
}

static void open_as(struct session *s, const struct server *server,
                    const char *host, int version)
{
    connect_as(s, server, host, version);
    session_start_tls(s);
    cr_assert_eq(session_try_login(s, "anna", SERVER_PASSWORD), 230);
    session_do(s, "200 {*}", "PBSZ 0");
    session_do(s, "200 {*}", "PROT P");
}

/* Opens a data connection for HOST from another proxy, which is permitted. */
static void bring(struct session *s, struct data *d, const char *host,
                  int version)
{
    char bytes[128];
    size_t len = header(bytes, host, version);

    snprintf(s->from, sizeof(s->from), "127.0.0.6");
    data_connect_to(s, d, s->port);
    cr_assert_eq(send(d->fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void is_closed(struct data *d)
{
    char byte;

    cr_expect_leq(recv(d->fd, &byte, 1, 0), 0);
    close(d->fd);
}

static void store(struct session *s, const char *name, int version)
{
    struct data d;

    session_do(s, "229 {*}(|||{port}|){*}", "EPSV");
    bring(s, &d, CLIENT, version);
    session_do(s, "150 {*}", "STOR %s", name);
    data_secure(s, &d);
    data_finish(s, &d, "bytes", 5, "226 {*}");
}

/* A data connection with another host in its header must not get the file, nor
 * take the place of the right connection. */
ServerTest(proxy, a_liar_at_the_port, 60, &behind)
{
    struct session s;
    struct data d[3];
    struct buf got;

    open_as(&s, server, CLIENT, 1);
    store(&s, "secret", 1);
    session_do(&s, "229 {*}(|||{port}|){*}", "EPSV");
    bring(&s, &d[0], OTHER, 1);
    is_closed(&d[0]);
    session_do(&s, "150 {*}", "RETR secret");
    bring(&s, &d[1], OTHER, 2);
    bring(&s, &d[2], CLIENT, 2); /* waits in the queue after d[1] */
    is_closed(&d[1]);
    data_secure(&s, &d[2]);
    buf_init(&got, 1 << 20);
    data_read_all(&d[2], &got);
    data_close(&d[2]);
    session_expect(&s, "226 {*}");
    cr_expect(got.len == 5 && memcmp(got.data, "bytes", 5) == 0);
    buf_release(&got);
    server_log_wait(server, " data-refused ", "stranger=" OTHER ":4711",
                    "reason=\"not who is expected\"", NULL);
    session_close(&s);
}

/* ---- HAProxy ---- */

struct haproxy {
    pid_t pid;
    char log[SERVER_PATH_MAX];
};

static void write_conf(const struct server *server, const char *path,
                       const char *ports)
{
    struct buf conf;

    buf_init(&conf, 1 << 16);
    buf_add_format(&conf,
                   "global\n  log stdout format raw local0\n"
                   "defaults\n  mode tcp\n  log global\n"
                   "  timeout connect 10s\n  timeout client 60s\n"
                   "  timeout server 60s\n  timeout check 20s\n"
                   "  option log-health-checks\n"
                   "listen control\n  bind 127.0.0.9:%u\n"
                   "  option tcp-check\n  tcp-check expect rstring ^220\n"
                   "  server s 127.0.0.1:%u send-proxy-v2 source 127.0.0.5 "
                   "check check-send-proxy inter 200ms\n"
                   "listen data\n  bind 127.0.0.9:%s\n"
                   "  server s 127.0.0.1 send-proxy source 127.0.0.6\n",
                   server->port, server->port, ports);
    files_write(path, conf.data, conf.len, 0644);
    buf_release(&conf);
}

static void haproxy_start(struct haproxy *h, const struct server *server,
                          const char *ports)
{
    const char *path = server_path(server, "haproxy.cfg");
    snprintf(h->log, sizeof(h->log), "%s", server_path(server, "haproxy.log"));
    write_conf(server, path, ports);
    h->pid = fork();
    if (h->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen(h->log, "w", stdout) || dup2(1, 2) < 0)
            _exit(126);
        execlp("haproxy", "haproxy", "-db", "-f", path, NULL);
        _exit(127);
    }
}

static bool is_healthy(void *argument)
{
    const struct haproxy *h = argument;
    struct buf log;
    bool has;

    buf_init(&log, 1 << 20);
    files_read(h->log, &log);
    cr_assert_eq(buf_add(&log, "", 1), 0);
    has = strstr(log.data, "succeeded, reason: Layer7 check passed");
    cr_assert(!strstr(log.data, "failed, reason"), "%s", log.data);
    buf_release(&log);
    return has;
}

static void run_script(const struct server *server, const char *name)
{
    char port[16];
    struct run_result r;
    const char *script = in_source(name);

    snprintf(port, sizeof(port), "%u", server->port);
    const char *folder = server_path(server, "");
    run(&r, NULL, "bash", script, "127.0.0.9", port, "anna", SERVER_PASSWORD,
        folder, NULL);
    cr_expect_eq(r.status, 0, "%s: %d:\n%s", name, r.status, r.text);
    run_release(&r);
}

/* HAProxy sends headers of version 2 on control connections and of version 1 on
 * data connections, where the client's first TLS bytes are in the same segment.
 * Health checks run meanwhile. */
Test(proxy, by_haproxy, .timeout = 120)
{
    const unsigned first = ports_free(16);
    struct server_plan plan = behind;
    char range[32], ports[64];
    struct server server;
    struct haproxy h;
    struct buf log;

    snprintf(range, sizeof(range), "%u-%u", first, first + 15);
    snprintf(ports, sizeof(ports), "%s proxy", range);
    plan.ports = ports;
    server_start(&server, &plan);
    haproxy_start(&h, &server, range);
    cr_assert(wait_until(is_healthy, &h, WAIT_MS), "no health check passed");
    run_script(&server, "tests/system/proxied.sh");
    cr_expect(is_healthy(&h));
    kill(h.pid, SIGKILL);
    waitpid(h.pid, NULL, 0);
    server_log_wait(&server, " transfer ", "peer=127.0.0.77:", "verb=STOR",
                    NULL);
    server_log_wait(&server, " connect ",
                    "peer=127.0.0.77:", "via=127.0.0.5:", NULL);
    server_log(&server, &log);
    cr_expect(!strstr(log.data, "peer=127.0.0.5"), "%s", log.data);
    cr_expect(!strstr(log.data, "data-refused"), "%s", log.data);
    buf_release(&log);
    server_stop(&server);
}
