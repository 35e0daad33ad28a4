/* See certificates.h. */
#include "certificates.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "child.h"
#include "core/master.h"
#include "sallyport/base/fd.h"
#include "sallyport/domain/client_certificates.h"

static void close_file(struct named_file *f)
{
    fd_close(&f->fd);
    free(f->name);
    f->name = NULL;
}

static int open_regular(const char *path, struct complaint *c)
{
    FD_CLEANUP int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat s;

    if (fd < 0 || fstat(fd, &s) < 0)
        return complain(c, "%s: %s", path, strerror(errno));
    if (!S_ISREG(s.st_mode))
        return complain(c, "%s: not a regular file", path);
    return fd_take(&fd);
}

typedef int file_check(int fd, const char *name, struct complaint *c);

/* A descriptor, or -EINVAL with the complaint. After a crash it is the file
 * that was in use, and was judged then. */
static int open_checked(struct master *m, const char *path, file_check *check,
                        struct complaint *c)
{
    FD_CLEANUP int fd = succession_recover_file(&m->succession, path);

    if (fd >= 0)
        return fd_take(&fd);
    fd = open_regular(path, c);
    if (fd < 0 || (check && check(fd, path, c) < 0))
        return -EINVAL;
    return fd_take(&fd);
}

/* Whoever can write to it could let anybody in. */
static int open_file(struct master *m, struct named_file *f, const char *path,
                     struct complaint *c)
{
    if (!path[0])
        return 0;
    f->name = strdup(path);
    if (!f->name)
        return complain(c, "no memory");
    f->fd = open_checked(m, path, settings_trusted_file, c);
    f->in_use = !m->check && (m->succession.generation <= 1 ||
                              succession_had_file(&m->succession, path, f->fd));
    return f->fd < 0 ? -EINVAL : 0;
}

static int open_clients(struct master *m, struct complaint *c)
{
    const struct settings *s = &m->settings;
    int r;

    if (s->client_certificates == CLIENTS_OFF)
        return 0;
    r = open_file(m, &m->certificates->client_ca, s->client_ca, c);
    return r != 0
               ? r
               : open_file(m, &m->certificates->client_crl, s->client_crl, c);
}

static int open_staple(struct master *m, struct pair_files *p, const char *path,
                       struct complaint *c)
{
    struct complaint why = { "" };

    if (!path[0])
        return 0;
    p->staple_name = strdup(path);
    if (!p->staple_name)
        return complain(c, "no memory");
    p->staple = open_checked(m, path, NULL, &why);
    if (p->staple >= 0)
        return 0;
    if (m->check)
        return complain(c, "%s", why.text);
    master_report(m, EVENT_SERVICE, PROCESS_MASTER,
                  "%s; the certificate in %s goes out without it", why.text,
                  p->certificate_name);
    return 0;
}

static int open_pair(struct master *m, struct pair_files *p,
                     const struct settings_pair *names, struct complaint *c)
{
    p->certificate_name = strdup(names->certificate);
    p->key_name = strdup(names->key);
    if (!p->certificate_name || !p->key_name)
        return complain(c, "no memory");
    p->certificate = open_checked(m, names->certificate, NULL, c);
    if (p->certificate < 0)
        return -EINVAL;
    p->key = open_checked(m, names->key, settings_private_file, c);
    if (p->key < 0)
        return -EINVAL;
    p->in_use =
        succession_had_file(&m->succession, names->certificate, p->certificate);
    return open_staple(m, p, names->ocsp, c);
}

static int open_pairs(struct master *m, struct complaint *c)
{
    struct certificates *set = m->certificates;
    struct settings_pair names;

    for (size_t i = 0; settings_pair(&m->settings, i, &names); i++) {
        set->pair[set->count++] = (struct pair_files){
            .certificate = -1, .key = -1, .staple = -1, .number = i + 1
        };
        if (open_pair(m, &set->pair[i], &names, c) != 0)
            return -EINVAL;
    }
    return open_clients(m, c);
}

void certificates_init(struct certificates *set)
{
    *set = (struct certificates){ .client_ca.fd = -1, .client_crl.fd = -1 };
}

int certificates_open(struct master *m, struct complaint *c)
{
    if (open_pairs(m, c) == 0)
        return 0;
    settings_place_pair(&m->settings, c);
    certificates_release(m->certificates);
    return -EINVAL;
}

static void keep_file(struct master *m, const char *path, int fd)
{
    if (fd >= 0)
        succession_keep_file(&m->succession, path, fd);
}

void certificates_keep(struct master *m)
{
    const struct certificates *set = m->certificates;

    for (size_t i = 0; i < set->count; i++) {
        keep_file(m, set->pair[i].certificate_name, set->pair[i].certificate);
        keep_file(m, set->pair[i].key_name, set->pair[i].key);
        keep_file(m, set->pair[i].staple_name, set->pair[i].staple);
    }
    keep_file(m, set->client_ca.name, set->client_ca.fd);
    keep_file(m, set->client_crl.name, set->client_crl.fd);
}

static void close_pair(struct pair_files *p)
{
    fd_close(&p->certificate);
    fd_close(&p->key);
    fd_close(&p->staple);
    free(p->certificate_name);
    free(p->key_name);
    free(p->staple_name);
}

void certificates_release(struct certificates *set)
{
    while (set->count > 0)
        close_pair(&set->pair[--set->count]);
    close_file(&set->client_ca);
    close_file(&set->client_crl);
}

int certificates_on_pair(void *owner, struct msg_pair_is *msg)
{
    struct child *gate = owner;
    struct certificates *set = gate->master->certificates;

    if (msg->number == 0 || msg->number > set->count)
        return channel_refuse(&gate->channel, "a certificate that isn't there");
    set->pair[msg->number - 1].expires = (uint64_t)msg->expires;
    set->pair[msg->number - 1].staple_until = (uint64_t)msg->staple_until;
    return 0;
}
