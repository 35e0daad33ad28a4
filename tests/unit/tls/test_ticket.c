/* Tests the contents of a ticket, as bytes, and the keys that seal it. */
#include "fixture.h"
#include "sallyport/tls/ticket.h"
#include "tls/tls.h"

#define LONGEST "abcdefghijklmnopqrstuvwxyz012345"

static struct ticket_owner owner(const char *user, const char *address,
                                 uint64_t serial)
{
    struct ticket_owner o = { .serial = serial, .version = ~serial };

    snprintf(o.user, sizeof(o.user), "%s", user);
    cr_assert_eq(address_parse(slice_from(address), &o.address), 0);
    return o;
}

Test(ticket, comes_back_as_it_was)
{
    const struct ticket_owner owners[] = {
        owner("a", "192.0.2.1", 1),
        owner("anna", "2001:db8::1", 0x0123456789abcdef),
        owner(LONGEST, "::1", UINT64_MAX),
    };

    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        unsigned char bytes[TICKET_OWNER_BYTES];
        struct ticket_owner got;

        ticket_owner_write(&owners[i], bytes);
        cr_assert_eq(ticket_owner_read(bytes, sizeof(bytes), &got), 0);
        cr_expect_eq(ticket_origin(&owners[i], &got), ORIGIN_SESSION, "%zu", i);
        cr_expect_str_eq(got.user, owners[i].user);
        cr_expect_eq(got.serial, owners[i].serial);
        cr_expect_eq(got.version, owners[i].version);
    }
}

/* Each row changes one byte of a ticket of the user "anna". */
static const struct {
    const char *why;
    size_t at;
    unsigned char to;
} damages[] = {
    { "the format before", 0, 1 }, { "no family", 1, 0 },
    { "family 5", 1, 5 },          { "no user", 34, 0 },
    { "a longer user", 34, 5 },    { "a shorter user", 34, 3 },
    { "over the end", 34, 33 },    { "a NUL in the user", 36, 0 },
    { "padding", 66, 1 },
};

Test(ticket, anything_else_is_refused)
{
    const struct ticket_owner anna = owner("anna", "192.0.2.1", 7);
    unsigned char bytes[TICKET_OWNER_BYTES + 1] = { 0 };
    struct ticket_owner got = { .serial = 99 };

    ticket_owner_write(&anna, bytes);
    for (size_t len = 0; len <= sizeof(bytes); len++)
        if (len != TICKET_OWNER_BYTES)
            cr_expect_eq(ticket_owner_read(bytes, len, &got), -EINVAL, "%zu",
                         len);
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        unsigned char was = bytes[damages[i].at];

        bytes[damages[i].at] = damages[i].to;
        cr_expect_eq(ticket_owner_read(bytes, TICKET_OWNER_BYTES, &got),
                     -EINVAL, "%s", damages[i].why);
        bytes[damages[i].at] = was;
    }
    cr_assert_eq(got.serial, 99, "untouched");
}

Test(ticket, whose_it_is)
{
    const struct ticket_owner self = owner("anna", "192.0.2.1", 7);
    struct {
        struct ticket_owner other;
        enum ticket_origin origin;
    } rows[] = {
        { owner("anna", "192.0.2.1", 7), ORIGIN_SESSION },
        { owner("anna", "192.0.2.1", 8), ORIGIN_USER },
        { owner("anna", "192.0.2.2", 7), ORIGIN_NOT_OWN },
        { owner("anna", "2001:db8::1", 7), ORIGIN_NOT_OWN },
        { owner("ann", "192.0.2.1", 7), ORIGIN_NOT_OWN },
        { owner("annab", "192.0.2.1", 7), ORIGIN_NOT_OWN },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        rows[i].other.version = self.version;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(ticket_origin(&self, &rows[i].other), rows[i].origin,
                     "%zu", i);
}

/* A ticket that was sealed before a change of the account isn't the user's any
 * more, even if this session got it. */
Test(ticket, of_another_version)
{
    const struct ticket_owner self = owner("anna", "192.0.2.1", 7);
    struct ticket_owner other = self;

    other.version++;
    cr_expect_eq(ticket_origin(&self, &other), ORIGIN_NOT_OWN);
    other.serial++;
    cr_expect_eq(ticket_origin(&self, &other), ORIGIN_NOT_OWN);
    other.version--;
    cr_expect_eq(ticket_origin(&self, &other), ORIGIN_USER);
}

/* A key is never all zeros, since everybody can guess such a key. */
Test(ticket, keys)
{
    const struct ticket_key zero = { { 0 }, { 0 }, { 0 } };
    struct tls_context *t = context_make();
    struct ticket_keys k = t->keys;
    struct ticket_key first = k.now;

    cr_assert(memcmp(&k.now, &zero, sizeof(zero)) != 0);
    cr_assert(memcmp(&k.before, &zero, sizeof(zero)) != 0);
    cr_assert(memcmp(&k.now, &k.before, sizeof(zero)) != 0);
    tls_context_free(t);
    ticket_keys_turn(&k);
    cr_assert(memcmp(&k.before, &first, sizeof(first)) == 0);
    cr_assert(memcmp(&k.now, &first, sizeof(first)) != 0);
    ticket_keys_turn(&k);
    cr_assert(memcmp(&k.before, &first, sizeof(first)) != 0);
}
