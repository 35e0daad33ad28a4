/* Tests several revocation lists in one file: which of them are refused, and
 * when the warnings are due. */
#include <openssl/pem.h>

#include "authority.h"
#include "tls/tls.h"

TestSuite(crl, .init = authority_begin, .fini = authority_end);

/* Writes both lists, made in the same second, to one file. */
static void write_two(const struct pki_crl *one, const struct pki_crl *other)
{
    struct pki_crl a = *one, b = *other;

    a.now = b.now = time(NULL);
    a.file = "a.pem";
    b.file = "b.pem";
    pki_list_as(pki, &a);
    pki_list_as(pki, &b);
    join_files("lists.pem", "a.pem b.pem");
}

static int use(struct tls_context *t, bool in_use, struct complaint *c)
{
    const struct tls_clients from = { .mode = CLIENTS_REQUEST,
                                      .crl.in_use = in_use };

    return use_files(t, from, "ca.pem", "lists.pem", c);
}

/* Returns OpenSSL's result for a leaf, with the context's lists. */
static const char *verdict(struct tls_context *t, const char *leaf)
{
    FILE *f = fopen(pki_path(pki, leaf), "r");
    X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    X509_STORE_CTX *v = X509_STORE_CTX_new();
    X509_STORE *store = NULL;
    const char *words;

    cr_assert(x && fclose(f) == 0);
    SSL_CTX_get0_verify_cert_store(t->ssl, &store);
    cr_assert_eq(X509_STORE_CTX_init(v, store, x, NULL), 1);
    X509_verify_cert(v);
    words = X509_verify_cert_error_string(X509_STORE_CTX_get_error(v));
    X509_STORE_CTX_free(v);
    X509_free(x);
    return words;
}

/* Each row has two lists, which the test gives in both orders. `other` revokes
 * the leaf. */
static const struct {
    const char *what;
    struct pki_crl one, other;
    bool refused;
} rows[] = {
    { "a newer one",
      { .from = -2 * DAY, .to = 9 * DAY },
      { .from = -DAY, .to = DAY, .gone = "leaf" },
      true },
    { "a newer one that is over",
      { .from = -2 * DAY, .to = 9 * DAY },
      { .from = -DAY, .to = -60, .gone = "leaf" },
      true },
    { "a newer one for a part, over",
      { .from = -2 * DAY, .to = 9 * DAY },
      { .from = -DAY, .to = -60, .gone = "leaf", .scope = "onlyuser:TRUE" },
      true },
    { "one for the same part",
      { .from = -2 * DAY, .to = DAY, .scope = "onlyuser:TRUE" },
      { .from = -DAY, .to = DAY, .gone = "leaf", .scope = "onlyuser:TRUE" },
      true },
    { "one for another part",
      { .from = -DAY, .to = DAY, .scope = "onlyCA:TRUE" },
      { .from = -2 * DAY, .to = DAY, .gone = "leaf", .scope = "onlyuser:TRUE" },
      false },
};

/* The server must refuse such lists even if they are already in use: OpenSSL
 * would ignore certificates that only the newer list revokes. */
static void try_row(size_t i, bool turned)
{
    struct tls_context *t = context_make();
    struct complaint c = { "" };

    write_two(turned ? &rows[i].other : &rows[i].one,
              turned ? &rows[i].one : &rows[i].other);
    cr_assert_eq(use(t, true, &c), rows[i].refused ? -EINVAL : 0, "%s: %s",
                 rows[i].what, c.text);
    if (rows[i].refused)
        cr_expect_str_eq(c.text, "the-crl.pem: revocation lists 1 and 2 are "
                                 "for the same certificates; keep only the "
                                 "newer one");
    else
        cr_expect_str_eq(verdict(t, "leaf.pem"), "certificate revoked",
                         "%s, %d", rows[i].what, turned);
    tls_context_free(t);
}

Test(crl, two_of_one_ca)
{
    pki_issue(pki, &(struct pki_leaf){ .name = "leaf" });
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        try_row(i, false);
        try_row(i, true);
    }
}

/* The parts that a list can name. Two lists can be about one certificate if
 * both can be about one kind and have a distribution point in common. A list
 * without a distribution point has all of them. */
enum { USERS = 1, CAS = 2, ALL = USERS | CAS, EVERYWHERE = 7 };

static const struct {
    const char *scope;
    unsigned kinds, places;
} parts[] = {
    { NULL, ALL, EVERYWHERE },
    { "onlyuser:TRUE", USERS, EVERYWHERE },
    { "onlyCA:TRUE", CAS, EVERYWHERE },
    { "onlyAA:TRUE", 0, EVERYWHERE },
    { "fullname:URI:http://x/1", ALL, 1 },
    { "fullname:URI:http://x/2", ALL, 2 },
    { "fullname:URI:http://x/1,onlyuser:TRUE", USERS, 1 },
    { "fullname:URI:http://x/2,onlyuser:TRUE", USERS, 2 },
    { "fullname:URI:http://x/1,onlyCA:TRUE", CAS, 1 },
    { "fullname:URI:http://x/1,onlysomereasons:keyCompromise", ALL, 1 },
};

/* The newer of two lists expires first. Then OpenSSL would return to the older.
 */
Test(crl, of_two_parts)
{
    const size_t n = sizeof(parts) / sizeof(parts[0]);

    for (size_t i = 0; i < n * n; i++) {
        const size_t x = i / n, y = i % n;
        const bool same = (parts[x].kinds & parts[y].kinds) &&
                          (parts[x].places & parts[y].places);
        struct tls_context *t = context_make();
        struct complaint c = { "" };

        write_two(&(struct pki_crl){ .from = -2 * DAY,
                                     .to = 9 * DAY,
                                     .scope = parts[x].scope },
                  &(struct pki_crl){
                      .from = -DAY, .to = DAY, .scope = parts[y].scope });
        cr_expect_eq(use(t, false, &c), same ? -EINVAL : 0, "%s, %s: %s",
                     parts[x].scope, parts[y].scope, c.text);
        tls_context_free(t);
    }
}

/* The server must refuse a delta list: OpenSSL would use no list, and revoked
 * clients would get in. */
Test(crl, of_changes_only)
{
    struct tls_context *t = context_make();
    struct complaint c = { "" };

    pki_issue(pki, &(struct pki_leaf){ .name = "leaf" });
    write_two(&(struct pki_crl){ .from = -2 * DAY, .to = DAY, .number = 1 },
              &(struct pki_crl){ .from = -DAY,
                                 .to = DAY,
                                 .gone = "leaf",
                                 .number = 2,
                                 .delta = true });
    cr_expect_lt(use(t, false, &c), 0);
    cr_expect_str_eq(c.text, "the-crl.pem: revocation list 2 is a delta list; "
                             "give complete lists");
    tls_context_free(t);
}

/* Each list has dates of its own, here a list for a day and a list for 320
 * days. */
Test(crl, each_is_spoken_of)
{
    struct tls_context *t = context_make();
    struct tls_date d;
    size_t n = 0;
    struct complaint c = { "" };

    write_two(&(struct pki_crl){ .from = -DAY / 2,
                                 .to = DAY / 2,
                                 .scope = "onlyuser:TRUE" },
              &(struct pki_crl){
                  .from = -300 * DAY, .to = 20 * DAY, .scope = "onlyCA:TRUE" });
    cr_assert_eq(use(t, false, &c), 0, "%s", c.text);
    while (tls_context_date(t, n, &d))
        n++;
    cr_assert(tls_context_date(t, n - 2, &d));
    cr_expect_str_eq(d.what, "revocation list");
    cr_expect(d.number == 1 && d.warn > time(NULL));
    cr_expect_eq(d.expires - d.warn, DAY / 4);
    cr_assert(tls_context_date(t, n - 1, &d));
    cr_expect(d.number == 2 && d.warn < time(NULL));
    cr_expect_eq(d.expires - d.warn, 30 * DAY);
    tls_context_free(t);
}
