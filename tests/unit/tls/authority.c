/* A CA of clients, and files made of its certificates and lists. */
#include "authority.h"

char folder[64];
struct pki *pki;

void authority_begin(void)
{
    pki = pki_begin(folder, "ca");
}

void authority_end(void)
{
    pki_end(pki);
}

static int open_it(const char *file)
{
    int fd = file ? open(pki_path(pki, file), O_RDONLY | O_CLOEXEC) : -1;

    cr_assert(!file || fd >= 0, "%s", file);
    return fd;
}

int use_files(struct tls_context *t, struct tls_clients from, const char *ca,
              const char *crl, struct complaint *c)
{
    int r;

    from.ca.name = "the-ca.pem";
    from.crl.name = "the-crl.pem";
    from.ca.fd = open_it(ca);
    from.crl.fd = open_it(crl);
    r = tls_context_clients(t, &from, c);
    close(from.ca.fd);
    if (crl)
        close(from.crl.fd);
    return r;
}

void join_files(const char *into, const char *files)
{
    char command[2048];

    snprintf(command, sizeof(command), "cd %s && cat %s >%s", folder, files,
             into);
    cr_assert_eq(system(command), 0);
}
