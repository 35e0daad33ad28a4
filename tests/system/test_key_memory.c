/* Searches /proc/PID/mem of each process for keys. Only the process keys has
 * the private key, as README promises. Gate and the sessions of logged-in users
 * have the keys of tickets. Master and auth have the hashes of passwords. A
 * session has no address of another client. The tests need root, which alone
 * may read that memory. */
#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "support/processes.h"
#include "support/served.h"
#include "support/test.h"

#define SCALAR 32
#define BLOCK  (1u << 20)

struct mark {
    unsigned char bytes[64];
    size_t len;
};

/* Bytes to search for; one of these marks is enough. */
struct marks {
    struct mark of[3];
    size_t count;
};

static void add(struct marks *m, const void *bytes, size_t len)
{
    memcpy(m->of[m->count].bytes, bytes, len);
    m->of[m->count++].len = len;
}

/* Reads the key in the form in which OpenSSL holds it. */
static void read_scalar(const char *path, struct marks *m)
{
    unsigned char big[SCALAR], little[SCALAR];
    FILE *f = fopen(path, "r");
    BIGNUM *d = NULL;

    cr_assert(f, "%s", path);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    cr_assert(key);
    cr_assert(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d));
    cr_assert_eq(BN_bn2binpad(d, big, SCALAR), SCALAR);
    cr_assert_eq(BN_bn2lebinpad(d, little, SCALAR), SCALAR);
    add(m, big, SCALAR);
    add(m, little, SCALAR);
    BN_clear_free(d);
    EVP_PKEY_free(key);
    fclose(f);
}

/* Reads the private key. Adds also its form in the file: the first line of the
 * base64. */
static void read_marks(const struct server *server, struct marks *m)
{
    const char *path = server_path(server, "key.pem");
    char line[128] = "";
    FILE *f;

    read_scalar(path, m);
    f = fopen(path, "r");
    cr_assert(f && fgets(line, sizeof(line), f) &&
              fgets(line, sizeof(line), f));
    cr_assert_geq(strlen(line), 64);
    add(m, line, 64);
    fclose(f);
}

/* Returns the place of a mark, or NULL. */
static const unsigned char *find(const unsigned char *bytes, size_t len,
                                 const struct marks *m)
{
    const unsigned char *at = NULL;

    for (size_t i = 0; i < m->count && !at; i++)
        at = memmem(bytes, len, m->of[i].bytes, m->of[i].len);
    return at;
}

/* Returns the address of a mark, or 0. The blocks overlap, so that no mark is
 * missed at a border. */
static unsigned long find_in_range(int fd, unsigned long from, unsigned long to,
                                   const struct marks *m, size_t *seen)
{
    static unsigned char block[BLOCK];

    for (unsigned long at = from; at < to; at += BLOCK - 64) {
        size_t want = to - at < BLOCK ? to - at : BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)at);
        const unsigned char *found;

        if (n <= 0)
            return 0;
        *seen += (size_t)n;
        found = find(block, (size_t)n, m);
        if (found)
            return at + (unsigned long)(found - block);
        if (want < BLOCK)
            return 0;
    }
    return 0;
}

static int open_memory(pid_t pid)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s can't be read", path);
    return fd;
}

/* Returns the address of a mark in the process, or 0. */
static unsigned long find_in(pid_t pid, const struct marks *m)
{
    char path[64], line[512], rights[8];
    unsigned long from, to, found = 0;
    int mem = open_memory(pid);
    size_t seen = 0;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    cr_assert(maps, "%s can't be read", path);
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 &&
            rights[0] == 'r' && !found)
            found = find_in_range(mem, from, to, m, &seen);
    fclose(maps);
    close(mem);
    cr_assert(found || seen > 100000, "%s: hardly anything was read", path);
    return found;
}

/* Reads anna's hash from the users file. */
static void read_hash(const struct server *server, struct marks *m)
{
    FILE *f = fopen(server_path(server, "users"), "r");
    char line[1024], *hash, *end;

    cr_assert(f && fgets(line, sizeof(line), f));
    fclose(f);
    hash = strchr(line, ':') + 1;
    end = strchr(hash, ':');
    cr_assert(end && end - hash > 32);
    add(m, hash, 32);
}

/* Expects the marks only in processes with these titles (SECOND may be NULL).
 * Returns the number of processes that have a mark. */
static size_t only_in(const struct processes *p, const struct marks *m,
                      const char *first, const char *second)
{
    size_t holders = 0;

    for (size_t i = 0; i < p->count; i++) {
        const char *title = p->row[i].title;
        bool may =
            strcmp(title, first) == 0 || (second && strcmp(title, second) == 0);
        bool has = find_in(p->row[i].pid, m) != 0;

        cr_expect(may || !has, "%s", title);
        holders += has;
    }
    return holders;
}

/* Master and auth have the users file; no process sends a hash to another one.
 * A files, which is a fork of master, doesn't inherit the table. */
SessionTest(key_memory, keys_and_hashes, 120, PLAN(0))
{
    struct marks key = { 0 }, hash = { 0 };
    static struct processes p;

    read_marks(server, &key);
    read_hash(server, &hash);
    session_store(s, "STOR", "f", "x", 1);
    processes_wait(server->pid, "sallyport: files", 1, &p);
    cr_assert_geq(p.count, 7);
    cr_expect_eq(only_in(&p, &key, "sallyport: keys", NULL), 1);
    cr_expect_geq(only_in(&p, &hash, "sallyport: master", "sallyport: auth"),
                  2);
}

/* Reads the secret of the key that sealed the client's ticket: in gate's memory
 * it follows the key's name, which is in each ticket. */
static void read_ticket_key(pid_t gate, const struct session *s,
                            struct marks *m)
{
    struct tls_session *shown = tls_client_session(s->tls);
    unsigned char name[TLS_SESSION_KEY_NAME], secret[32];
    struct marks named = { 0 };
    unsigned long at;
    int mem;

    cr_assert(shown && tls_session_key_name(shown, name));
    tls_session_free(shown);
    add(&named, name, sizeof(name));
    at = find_in(gate, &named);
    cr_assert(at != 0, "gate has no key of this name");
    mem = open_memory(gate);
    cr_assert_eq(pread(mem, secret, sizeof(secret), (off_t)(at + sizeof(name))),
                 sizeof(secret));
    close(mem);
    add(m, secret, sizeof(secret));
}

/* An attacker in a session before login can neither seal nor open a ticket. */
Test(key_memory, tickets_after_login, .timeout = 120)
{
    struct session known, unknown;
    static struct processes p;
    struct marks m = { 0 };
    struct server server;
    size_t holders = 0;

    session_begin(&known, &server, PLAN(0));
    session_arrive(&unknown, &server);
    processes_wait(server.pid, "sallyport: session", 2, &p);
    read_ticket_key(processes_find(&p, "sallyport: gate")->pid, &known, &m);
    for (size_t i = 0; i < p.count; i++) {
        const char *title = p.row[i].title;
        bool session = strncmp(title, "sallyport: session", 18) == 0;
        bool may = strcmp(title, "sallyport: gate") == 0 ||
                   (session && strstr(title, "(anna)"));

        cr_expect_eq(find_in(p.row[i].pid, &m) != 0, may, "%s", title);
        holders += may;
    }
    cr_assert_eq(holders, 2);
    session_drop(&unknown);
    session_end(&known, &server);
}

#define SHARE_OF_ANNA "ledger7c1e90"

/* A files is a fork of master, which has just filled in the shares for anna's
 * files. */
Test(key_memory, no_share_of_another_user, .timeout = 120)
{
    const struct server_plan plan = {
        USERS({ .name = "anna", .keys = "shares=" SHARE_OF_ANNA ":full" },
              { .name = "bert" }),
        SHARES({ .name = SHARE_OF_ANNA }),
    };
    static struct processes p;
    struct session anna, bert;
    struct server server;
    struct marks m = { 0 };

    server_start(&server, &plan);
    session_enter(&anna, &server, "anna");
    session_enter(&bert, &server, "bert");
    add(&m, SHARE_OF_ANNA, strlen(SHARE_OF_ANNA));
    processes_wait(server.pid, "sallyport: files", 2, &p);
    cr_expect(find_in(processes_find(&p, "sallyport: files (anna)")->pid, &m));
    cr_expect_eq(
        find_in(processes_find(&p, "sallyport: files (bert)")->pid, &m), 0UL);
    session_drop(&anna);
    session_end(&bert, &server);
}

#define STRANGER  "127.173.219.77"
#define STRANGERS "127.173.219."
#define OWN       "sallyport: session 127.0.0.1"
#define PROXIED                                                                \
    PLAN(.listen = "127.0.0.1:0 proxy", .settings = "proxies = 127.0.0.1\n")

/* Connects to the control port as a stranger who is no proxy. Gate refuses the
 * connection. */
static void knock(const struct server *server, const char *stranger)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    struct sockaddr_in port = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)server->port),
                                .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char c;

    cr_assert_eq(inet_pton(AF_INET, stranger, &from.sin_addr), 1);
    cr_assert_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&port, sizeof(port)), 0);
    cr_assert_leq(recv(fd, &c, 1, 0), 0);
    close(fd);
}

/* Waits for COUNT sessions with this title, and expects no mark in them. */
static void in_no_session(const struct server *server, const struct marks *m,
                          const char *title, size_t count)
{
    static struct processes p;
    size_t found = 0;

    processes_wait(server->pid, title, count, &p);
    for (size_t i = 0; i < p.count; i++)
        if (strncmp(p.row[i].title, title, strlen(title)) == 0) {
            cr_expect_eq(find_in(p.row[i].pid, m), 0UL, "%s: %lx",
                         p.row[i].title, find_in(p.row[i].pid, m));
            found++;
        }
    cr_assert_eq(found, count);
}

/* Searches a session for another client's address, as bytes and as text. Gate
 * has just refused a client at this address. Another client has come from it by
 * the proxy; its session has reported the address to gate, and gate to
 * master. */
ServerTest(key_memory, no_address_of_another_client, 120, PROXIED)
{
    static const char header[] =
        "PROXY TCP4 " STRANGER " 127.0.0.1 4711 21\r\n";
    const unsigned char bytes[] = { 127, 173, 219, 77 };
    struct session first, s;
    struct marks m = { 0 };

    add(&m, bytes, sizeof(bytes));
    add(&m, STRANGER, strlen(STRANGER));
    knock(server, STRANGER);
    session_reach(&first, server);
    session_raw(&first, header, strlen(header));
    session_expect(&first, "220 {*}");
    session_reach(&s, server);
    in_no_session(server, &m, OWN, 1);
    session_drop(&s);
    session_drop(&first);
}

/* While log is stopped, more strangers come than the channel to log takes: gate
 * keeps no event, so a session inherits none. */
ServerTest(key_memory, no_address_while_log_stands, 120, PROXIED)
{
    static struct processes p;
    struct marks m = { 0 };
    char stranger[32];
    struct session s;
    pid_t log;

    add(&m, STRANGERS, strlen(STRANGERS));
    processes_of(server->pid, &p);
    log = processes_find(&p, "sallyport: log")->pid;
    kill(log, SIGSTOP);
    for (unsigned n = 1; n < 255; n++) {
        snprintf(stranger, sizeof(stranger), STRANGERS "%u", n);
        knock(server, stranger);
    }
    session_reach(&s, server);
    in_no_session(server, &m, OWN, 1);
    kill(log, SIGCONT);
    session_drop(&s);
}
