/* Certificates and keys. A fork of master copies each file, since a disk can
 * hang, and gate, keys and auth get the copies (setup.c). Runs in master. */
#include "children.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/fd.h"
#include "sallyport/domain/tls.h"

#define MAKE_ONE                                                               \
    "; make one: /usr/libexec/sallyport/make-certificate --out DIRECTORY "     \
    "NAME (in the sources: certs/make), or name a public CA's certificate"

/* One byte more than the largest file can have. */
#define COPY_MAX ((8u << 20) + 1)

/* The input of the fork. */
struct certificate_source {
    const char *path;
    enum settings_file kind;
    int copy; /* gets the copy of the file or, after a mistake, the complaint */
};

static int certificate_source_copy(const struct certificate_source *f,
                                   struct complaint *c)
{
    static const char mark[] = "-----BEGIN CERTIFICATE-----";
    FD_CLEANUP int there =
        open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char begin[sizeof(mark) - 1];
    struct complaint why = { "" };
    int r;

    if (there < 0)
        return complain(
            c, "%s: %s%s", f->path, strerror(errno),
            errno == ENOENT && f->kind == SETTINGS_REGULAR ? MAKE_ONE : "");
    r = settings_check_file(there, f->path, f->kind, &why);
    /* Read only the beginning, since master must never have a key in memory. */
    if (r < 0 && f->kind == SETTINGS_PRIVATE &&
        pread(there, begin, sizeof(begin), 0) == (ssize_t)sizeof(begin) &&
        memcmp(begin, mark, sizeof(begin)) == 0)
        return complain(c,
                        "%s: begins with a certificate; are key and "
                        "certificate swapped?",
                        f->path);
    if (r < 0)
        return complain(c, "%s", why.text);
    r = fd_copy(f->copy, there, COPY_MAX);
    return r < 0 ? complain(c, "%s: %s", f->path, strerror(-r)) : 0;
}

/* Runs in the fork. */
static int certificate_source_main(void *arg)
{
    const struct certificate_source *f = arg;
    struct complaint c = { "" };

    if (certificate_source_copy(f, &c) == 0)
        return 0;
    return ftruncate(f->copy, 0) == 0 &&
                   pwrite(f->copy, c.text, strlen(c.text), 0) > 0
               ? EX_CONFIG
               : EX_OSERR;
}

/* Complains that the fork has failed with STATUS, its wait status or -errno.
 * Returns -ETIMEDOUT or -EINVAL. */
static int certificate_source_failed(const struct certificate_source *f,
                                     int status, struct complaint *c)
{
    ssize_t n;

    if (status == -ETIMEDOUT) {
        complain(c, "%s: its disk doesn't answer", f->path);
        return status;
    }
    if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != EX_CONFIG)
        return complain(c, "%s: can't be copied: %s", f->path,
                        strerror(status < 0 ? -status : EIO));
    n = pread(f->copy, c->text, sizeof(c->text) - 1, 0);
    c->text[n < 0 ? 0 : n] = '\0';
    return -EINVAL;
}

/* Copies the file into memory. So a restarted child and a recovery get the same
 * bytes, even if somebody has overwritten the file meanwhile. A recovery uses
 * the copy of the generation before it, which has checked the file. At the
 * server's first start, such as after a reboot, gate accepts an expired
 * certificate and logs it, since some clients accept it, too; --check and a
 * reload refuse it. Returns 0; or, with the complaint, -ETIMEDOUT: the disk
 * hangs; or -EINVAL. */
static int certificate_file_open(struct master *m, size_t place,
                                 const char *path, enum settings_file kind,
                                 struct complaint *c)
{
    struct named_file *f = &m->certificates->file[place];
    const bool has_dates = place < SETUP_KEY;
    struct certificate_source from = { .path = path, .kind = kind };
    int r;

    f->name = path;
    if (!path[0])
        return 0;
    f->fd = succession_recover_file(&m->succession, path);
    if (f->fd < 0) {
        f->fd = memfd_create("certificate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (f->fd < 0)
            return complain(c, "memfd: %s", strerror(errno));
        from.copy = f->fd;
        r = exec_wait(errand_fork(m, ERRAND_LOOKS, certificate_source_main,
                                  &from, &f->fd, 1),
                      (int)m->deadlines.reader);
        if (r != 0)
            return certificate_source_failed(&from, r, c);
        r = fd_seal(f->fd);
        if (r < 0)
            return complain(c, "%s: %s", path, strerror(-r));
    }
    f->in_use = has_dates && !m->check &&
                (m->succession.generation <= 1 ||
                 succession_had_file(&m->succession, f->name, f->fd, COPY_MAX));
    return 0;
}

/* Refuses a client_ca or a client_crl to which another user can write, since
 * that user could let anybody in. */
static int certificate_files_open(struct master *m, struct complaint *c)
{
    struct certificates *set = m->certificates;
    const struct settings *s = &m->settings;
    struct settings_pair names;
    int r = 0;

    for (; settings_pair(s, set->count, &names); set->count++) {
        r = certificate_file_open(m, SETUP_CERTIFICATE + set->count,
                                  names.certificate, SETTINGS_REGULAR, c);
        if (r == 0)
            r = certificate_file_open(m, SETUP_KEY + set->count, names.key,
                                      SETTINGS_PRIVATE, c);
        if (r < 0)
            return r;
    }
    if (s->client_certificates == CLIENTS_OFF)
        return 0;
    r = certificate_file_open(m, SETUP_CLIENT_CA, s->client_ca,
                              SETTINGS_TRUSTED, c);
    return r < 0 ? r
                 : certificate_file_open(m, SETUP_CLIENT_CRL, s->client_crl,
                                         SETTINGS_TRUSTED, c);
}

int certificates_open(struct master *m, struct complaint *c)
{
    int r = certificate_files_open(m, c);

    if (r == 0)
        return 0;
    settings_place_pair(&m->settings, c);
    certificates_release(m->certificates);
    return r;
}

void certificates_release(struct certificates *set)
{
    for (size_t i = 0; i < SETUP_PLACES; i++)
        fd_close(&set->file[i].fd);
    set->count = 0;
}

/* Returns true if the file F can be read, and has other bytes than its copy. */
static bool certificate_has_changed(const struct named_file *f)
{
    FD_CLEANUP int there =
        open(f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct buf now, copy;
    bool other;

    buf_init(&now, COPY_MAX);
    buf_init(&copy, COPY_MAX);
    other = there >= 0 && fd_read_file(there, &now) == 0 &&
            fd_read_file(f->fd, &copy) == 0 &&
            !slice_equal(buf_slice(&now), buf_slice(&copy));
    buf_release(&now);
    buf_release(&copy);
    return other;
}

/* Runs in the fork. Reads no key. */
static int certificates_compare(void *arg)
{
    const struct certificates *set = arg;

    for (size_t i = SETUP_CLIENT_CA; i < SETUP_KEY; i++)
        if (set->file[i].fd >= 0 && certificate_has_changed(&set->file[i]))
            return (int)i;
    return 0;
}
_Static_assert(SETUP_KEY < 256, "a place is an exit status");

static void certificates_on_compared(void *owner, int status)
{
    struct certificates *set = owner;

    if (status >= 0 && WIFEXITED(status))
        set->changed = (size_t)WEXITSTATUS(status);
}

static void certificates_on_timer(void *owner)
{
    struct master *m = owner;
    struct certificates *set = m->certificates;
    int keep[SETUP_PLACES];
    size_t n = 0;
    pid_t pid;

    if (m->state != MASTER_RUNNING)
        return;
    loop_timer_set(&m->loop, &set->timer, m->deadlines.compare);
    if (errands_hanging(m, set) > 0)
        return;
    for (size_t i = SETUP_CLIENT_CA; i < SETUP_KEY; i++)
        if (set->file[i].fd >= 0)
            keep[n++] = set->file[i].fd;
    pid = errand_fork(m, ERRAND_LOOKS, certificates_compare, set, keep, n);
    if (pid > 0)
        errand_watch(m, pid, m->deadlines.reader, certificates_on_compared,
                     set);
}

void certificates_watch(struct master *m)
{
    m->certificates->timer =
        (struct loop_timer){ .on_timer = certificates_on_timer, .owner = m };
    loop_timer_set(&m->loop, &m->certificates->timer, m->deadlines.compare);
}

int certificates_on_expiry_is(void *owner, struct msg_expiry_is *msg)
{
    struct child *gate = owner;
    struct certificates *set = gate->master->certificates;
    const uint64_t pair = msg->place - SETUP_CERTIFICATE; /* huge if the place
                                                           * isn't a pair's */
    struct certificate_facts *f;

    if (msg->place != SETUP_CLIENT_CA && msg->place != SETUP_CLIENT_CRL &&
        pair >= set->count)
        return channel_refuse(&gate->channel, "a certificate that isn't there");
    set->file[msg->place].expires = msg->expires;
    if (pair >= set->count)
        return 0;
    f = &set->facts[pair];
    f->self_signed = msg->self_signed;
    if (slice_copy(msg->fingerprint, f->fingerprint, sizeof(f->fingerprint)) ||
        slice_copy(msg->pin, f->pin, sizeof(f->pin)) ||
        slice_copy(msg->name, f->host, sizeof(f->host)))
        return channel_refuse(&gate->channel,
                              "a fingerprint or a name that is too long");
    return 0;
}
