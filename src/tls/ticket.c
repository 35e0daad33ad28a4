/* The owner's data in a ticket, and the keys that seal tickets. Runs in
 * session; gate makes the keys. Our own process sealed what is read here, but
 * it is checked like a stranger's input: a session under an attacker's control
 * has the keys too. */
#include "sallyport/tls/ticket.h"

#include <errno.h>
#include <string.h>

#include "sallyport/base/random.h"

#define FORMAT 2

/* Offsets of the fields. */
enum {
    AT_FORMAT = 0,
    AT_FAMILY = 1,
    AT_ADDRESS = 2,
    AT_SERIAL = 18,
    AT_VERSION = 26,
    AT_LENGTH = 34,
    AT_USER = 35,
    AT_END = AT_USER + USER_NAME_MAX
};
_Static_assert(AT_END == TICKET_OWNER_BYTES, "the header has the length");

static void put_number(unsigned char *at, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(n >> (56 - 8 * i));
}

static uint64_t get_number(const unsigned char *at)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | at[i];
    return n;
}

void ticket_owner_write(const struct ticket_owner *o,
                        unsigned char out[TICKET_OWNER_BYTES])
{
    size_t len = strnlen(o->user, USER_NAME_MAX);

    memset(out, 0, TICKET_OWNER_BYTES);
    out[AT_FORMAT] = FORMAT;
    out[AT_FAMILY] = o->address.family;
    memcpy(out + AT_ADDRESS, o->address.bytes, sizeof(o->address.bytes));
    put_number(out + AT_SERIAL, o->serial);
    put_number(out + AT_VERSION, o->version);
    out[AT_LENGTH] = (unsigned char)len;
    memcpy(out + AT_USER, o->user, len);
}

static bool is_padded(const unsigned char *bytes, size_t len)
{
    for (size_t i = AT_USER + len; i < AT_END; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static bool is_owner(const unsigned char *bytes)
{
    size_t len = bytes[AT_LENGTH];

    if (bytes[AT_FORMAT] != FORMAT)
        return false;
    if (bytes[AT_FAMILY] != 4 && bytes[AT_FAMILY] != 6)
        return false;
    return len > 0 && len <= USER_NAME_MAX &&
           !memchr(bytes + AT_USER, 0, len) && is_padded(bytes, len);
}

int ticket_owner_read(const void *bytes, size_t len, struct ticket_owner *ret)
{
    const unsigned char *from = bytes;

    if (len != TICKET_OWNER_BYTES || !is_owner(from))
        return -EINVAL;
    *ret = (struct ticket_owner){ .address.family = from[AT_FAMILY] };
    memcpy(ret->address.bytes, from + AT_ADDRESS, sizeof(ret->address.bytes));
    memcpy(ret->user, from + AT_USER, from[AT_LENGTH]);
    ret->serial = get_number(from + AT_SERIAL);
    ret->version = get_number(from + AT_VERSION);
    return 0;
}

enum ticket_origin ticket_origin(const struct ticket_owner *self,
                                 const struct ticket_owner *other)
{
    if (strcmp(self->user, other->user) != 0 ||
        self->version != other->version ||
        !address_same_host(&self->address, &other->address))
        return ORIGIN_FOREIGN;
    return self->serial == other->serial ? ORIGIN_SESSION : ORIGIN_USER;
}

void ticket_keys_init(struct ticket_keys *k)
{
    random_bytes(k, sizeof(*k));
}

void ticket_keys_turn(struct ticket_keys *k)
{
    k->before = k->now;
    random_bytes(&k->now, sizeof(k->now));
}

void ticket_keys_wipe(struct ticket_keys *k)
{
    explicit_bzero(k, sizeof(*k));
}
