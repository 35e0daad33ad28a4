/* The private key is in the memory of keys, and of no other process: what
 * README promises, searched in /proc/PID/mem while a client is logged in. As
 * root, who alone may look. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/processes.h"
#include "support/session.h"

#define SCALAR 32
#define BLOCK  (1u << 20)

/* The key as OpenSSL holds it, and as it stands in the file. */
struct marks {
    unsigned char big[SCALAR], little[SCALAR];
    char line[65]; /* the first of its base64 */
};

static void read_scalar(const char *path, struct marks *m)
{
    FILE *f = fopen(path, "r");
    BIGNUM *d = NULL;

    cr_assert(f, "%s", path);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    cr_assert(key);
    cr_assert(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d));
    cr_assert_eq(BN_bn2binpad(d, m->big, SCALAR), SCALAR);
    cr_assert_eq(BN_bn2lebinpad(d, m->little, SCALAR), SCALAR);
    BN_clear_free(d);
    EVP_PKEY_free(key);
    fclose(f);
}

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
    snprintf(m->line, sizeof(m->line), "%.64s", line);
    fclose(f);
}

static bool holds(const unsigned char *bytes, size_t len, const struct marks *m)
{
    return memmem(bytes, len, m->big, SCALAR) ||
           memmem(bytes, len, m->little, SCALAR) ||
           memmem(bytes, len, m->line, 64);
}

/* Blocks overlap, so that nothing hides at a border. */
static bool range_holds(int fd, unsigned long from, unsigned long to,
                        const struct marks *m, size_t *seen)
{
    static unsigned char block[BLOCK];

    for (unsigned long at = from; at < to; at += BLOCK - 64) {
        size_t want = to - at < BLOCK ? to - at : BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)at);

        if (n <= 0)
            return false;
        *seen += (size_t)n;
        if (holds(block, (size_t)n, m))
            return true;
        if (want < BLOCK)
            return false;
    }
    return false;
}

static bool process_holds(pid_t pid, const struct marks *m)
{
    char path[64], line[512], rights[8];
    unsigned long from, to;
    bool found = false;
    size_t seen = 0;

    snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(maps && mem >= 0, "%s can't be read", path);
    while (fgets(line, sizeof(line), maps))
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 &&
            rights[0] == 'r')
            found |= range_holds(mem, from, to, m, &seen);
    fclose(maps);
    close(mem);
    cr_assert_gt(seen, 100000, "%s: hardly anything was read", path);
    return found;
}

Test(key_memory, keys_alone, .timeout = 120)
{
    const struct server_plan plan = { 0 };
    static struct processes p;
    struct server server;
    struct session s;
    struct marks m;

    server_start(&server, &plan);
    read_marks(&server, &m);
    session_init(&s);
    session_open(&s, &server, "anna");
    session_store(&s, "STOR", "f", "x", 1);
    processes_wait(server.pid, "sallyport: files", 1, &p);
    for (size_t i = 0; i < p.count; i++) {
        bool keys = strcmp(p.row[i].title, "sallyport: keys") == 0;

        cr_expect_eq(process_holds(p.row[i].pid, &m), keys, "%s",
                     p.row[i].title);
    }
    cr_assert_geq(p.count, 7);
    session_close(&s);
    server_stop(&server);
}
