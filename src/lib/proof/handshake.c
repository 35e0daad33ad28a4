/* Splits a TLS 1.3 handshake into its messages (RFC 8446 4). Runs in auth. The
 * bytes come from a session, which an attacker can control: this code checks
 * every length, and that no byte is missing or left over. It must read the
 * messages in the same way as the client that signed them: otherwise other
 * bytes could pass as a proof. */
#include "handshake.h"

#include <errno.h>
#include <string.h>

/* Message types of the parts (RFC 8446 4). */
enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, REQUEST = 13 };
static const uint32_t types[PART_COUNT] = {
    [PART_HELLO] = CLIENT_HELLO, [PART_ANSWER] = SERVER_HELLO,
    [PART_EXTENSIONS] = 8,       [PART_REQUEST] = REQUEST,
    [PART_CERTIFICATE] = 11,     [PART_VERIFY] = 15,
    [PART_FINISHED] = 20,        [PART_CLIENT_CERTIFICATE] = 11,
    [PART_CLIENT_VERIFY] = 15,   [PART_CLIENT_FINISHED] = 20,
};

#define RANDOM 32

static struct slice take_bytes(struct slice *from, size_t len)
{
    struct slice head = { from->ptr, len };

    from->ptr += len;
    from->len -= len;
    return head;
}

static int take_number(struct slice *from, size_t bytes, uint32_t *ret)
{
    if (from->len < bytes)
        return -EINVAL;
    *ret = 0;
    for (size_t i = 0; i < bytes; i++)
        *ret = *ret << 8 | (unsigned char)from->ptr[i];
    take_bytes(from, bytes);
    return 0;
}

/* Takes a vector off the front of *from. The first BYTES bytes (1 to 3) of the
 * vector contain its length. */
static int take_vector(struct slice *from, size_t bytes, struct slice *ret)
{
    uint32_t len;

    if (take_number(from, bytes, &len) < 0 || from->len < len)
        return -EINVAL;
    *ret = take_bytes(from, len);
    return 0;
}

static int take_message(struct slice *from, uint32_t type, struct slice *body)
{
    uint32_t found;

    if (take_number(from, 1, &found) < 0 || found != type)
        return -EINVAL;
    return take_vector(from, 3, body);
}

/* Takes the second ClientHello, which follows a HelloRetryRequest. */
static int take_retry(struct handshake *h, struct slice *rest)
{
    struct slice at = *rest, body;
    const char *start = at.ptr;

    if (take_message(&at, CLIENT_HELLO, &body) < 0)
        return -EINVAL;
    h->retry = (struct slice){ start, (size_t)(at.ptr - start) };
    h->covered = at;
    if (take_message(&at, SERVER_HELLO, &body) < 0)
        return -EINVAL;
    if (at.len > 0 && at.ptr[0] == CLIENT_HELLO) {
        *rest = at;
        return 0;
    }
    h->retry = SLICE("");
    h->covered = *rest;
    return 0;
}

int handshake_cut(struct handshake *h, struct slice messages)
{
    struct slice rest = messages;

    *h = (struct handshake){ 0 };
    if (take_retry(h, &rest) < 0)
        return -EINVAL;
    for (size_t i = 0; i < PART_COUNT; i++) {
        if (i == PART_CLIENT_VERIFY)
            h->covered.len = (size_t)(rest.ptr - h->covered.ptr);
        if (take_message(&rest, types[i], &h->body[i]) < 0)
            return -EINVAL;
    }
    return rest.len == 0 ? 0 : -EINVAL;
}

/* The hashes of the cipher suites (RFC 8446 B.4). */
static const struct {
    uint32_t code;
    const char *digest;
} suites[] = {
    { 0x1301, "SHA2-256" }, { 0x1302, "SHA2-384" }, { 0x1303, "SHA2-256" },
    { 0x1304, "SHA2-256" }, { 0x1305, "SHA2-256" },
};

const char *handshake_digest(const struct handshake *h)
{
    struct slice at = h->body[PART_ANSWER], id;
    uint32_t version, suite;

    if (take_number(&at, 2, &version) < 0 || at.len < RANDOM)
        return NULL;
    take_bytes(&at, RANDOM);
    if (take_vector(&at, 1, &id) < 0 || take_number(&at, 2, &suite) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
        if (suites[i].code == suite)
            return suites[i].digest;
    return NULL;
}

bool handshake_names(const struct handshake *h, uint64_t serial)
{
    unsigned char expected[PROOF_SERIAL_BYTES];
    struct slice at = h->body[PART_REQUEST], context, all, data;
    uint32_t type;
    size_t found = 0;

    proof_write_serial(serial, expected);
    /* A request with a context comes later, and isn't a part of the handshake.
     */
    if (take_vector(&at, 1, &context) < 0 || context.len > 0 ||
        take_vector(&at, 2, &all) < 0 || at.len > 0)
        return false;
    while (all.len > 0) {
        if (take_number(&all, 2, &type) < 0 || take_vector(&all, 2, &data) < 0)
            return false;
        if (type != PROOF_EXTENSION)
            continue;
        if (data.len != sizeof(expected) ||
            memcmp(data.ptr, expected, sizeof(expected)) != 0)
            return false;
        found++;
    }
    return found == 1;
}

int handshake_certificate(const struct handshake *h, enum handshake_part list,
                          struct slice *ret)
{
    struct slice at = h->body[list], context, all;

    if (take_vector(&at, 1, &context) < 0 || context.len > 0 ||
        take_vector(&at, 3, &all) < 0 || at.len > 0)
        return -EINVAL;
    return take_vector(&all, 3, ret);
}

int handshake_signature(const struct handshake *h, uint16_t *scheme,
                        struct slice *ret)
{
    struct slice at = h->body[PART_CLIENT_VERIFY];
    uint32_t code;

    if (take_number(&at, 2, &code) < 0 || take_vector(&at, 2, ret) < 0 ||
        at.len > 0)
        return -EINVAL;
    *scheme = (uint16_t)code;
    return 0;
}
