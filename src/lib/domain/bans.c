/* The table of bans. Gate and master search the table for each connection: a
 * search of 4,096 rows would cost as much as a refusal (31 us), so gate and
 * master each have an index. A writer clears the family of a row first, and
 * writes the family last. When a change is complete, the writer counts the
 * change. */
#include "sallyport/domain/bans.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool ban_is_network(const struct address *a, unsigned bits)
{
    struct address first;

    if ((a->family != 4 && a->family != 6) || bits > address_bits(a))
        return false;
    first = address_prefix(a, bits);
    return address_same_host(&first, a);
}

bool ban_holds(const struct ban *ban, const struct address *a)
{
    uint8_t family = __atomic_load_n(&ban->network.family, __ATOMIC_ACQUIRE);
    unsigned bits = ban->bits, whole = bits / 8;

    return family != 0 && family == a->family && bits <= address_bits(a) &&
           memcmp(ban->network.bytes, a->bytes, whole) == 0 &&
           (bits % 8 == 0 ||
            (ban->network.bytes[whole] ^ a->bytes[whole]) >> (8 - bits % 8) ==
                0);
}

bool ban_is_sound(const struct ban *ban)
{
    size_t len = strnlen(ban->reason, sizeof(ban->reason));

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)ban->reason[i] < ' ' || ban->reason[i] == 127)
            return false;
    return len < sizeof(ban->reason) &&
           ban_is_network(&ban->network, ban->bits) && ban->by_hand <= 1 &&
           ban->since >= 0 && ban->until >= 0 && ban->until <= BAN_UNTIL_MAX;
}

const char *ban_text(const struct address *network, unsigned bits,
                     char out[BAN_TEXT_MAX])
{
    char host[ADDRESS_TEXT_MAX];

    address_text(network, host);
    if (bits == address_bits(network))
        snprintf(out, BAN_TEXT_MAX, "%s", host);
    else
        snprintf(out, BAN_TEXT_MAX, "%s/%u", host, bits & 0xff);
    return out;
}

static uint32_t bans_rows(const struct bans *b)
{
    uint32_t rows = __atomic_load_n(&b->rows, __ATOMIC_ACQUIRE);

    return rows < BANS_MAX ? rows : BANS_MAX;
}

bool ban_counts(const struct ban *ban, int64_t now)
{
    return ban->network.family != 0 && (ban->until == 0 || ban->until > now);
}

static size_t ban_slot(const struct ban_index *x, const struct address *network,
                       unsigned bits)
{
    uint8_t bytes[2 + 16] = { network->family, (uint8_t)bits };

    memcpy(bytes + 2, network->bytes, sizeof(network->bytes));
    return siphash(x->key, bytes, sizeof(bytes)) % BAN_SLOTS;
}

static void ban_index_update(struct ban_index *x, const struct bans *b)
{
    uint64_t changes = __atomic_load_n(&b->changes, __ATOMIC_ACQUIRE);
    uint32_t rows = bans_rows(b);

    if (x->changes == changes)
        return;
    memset(x->bits, 0, sizeof(x->bits));
    memset(x->slot, 0, sizeof(x->slot));
    for (uint32_t i = 0; i < rows; i++) {
        const struct ban *ban = &b->ban[i];
        unsigned bits = __atomic_load_n(&ban->bits, __ATOMIC_RELAXED);
        size_t at = ban_slot(x, &ban->network, bits);

        if (ban->network.family == 0 || bits > BAN_BITS_MAX)
            continue;
        while (x->slot[at] != 0)
            at = (at + 1) % BAN_SLOTS;
        x->slot[at] = (uint16_t)(i + 1);
        x->bits[bits] = true;
    }
    x->changes = changes;
}

const struct ban *bans_over(const struct bans *b, struct ban_index *x,
                            const struct address *a, int64_t now)
{
    ban_index_update(x, b);
    for (unsigned bits = 0; bits <= address_bits(a); bits++) {
        if (!x->bits[bits])
            continue;
        struct address network = address_prefix(a, bits);

        for (size_t at = ban_slot(x, &network, bits); x->slot[at] != 0;
             at = (at + 1) % BAN_SLOTS) {
            const struct ban *ban = &b->ban[x->slot[at] - 1];

            if (ban_holds(ban, a) && ban_counts(ban, now))
                return ban;
        }
    }
    return NULL;
}

const struct ban *bans_find(const struct bans *b, const struct address *network,
                            unsigned bits, int64_t now)
{
    for (uint32_t i = 0; i < bans_rows(b); i++)
        if (b->ban[i].bits == bits &&
            address_same_host(&b->ban[i].network, network) &&
            ban_counts(&b->ban[i], now))
            return &b->ban[i];
    return NULL;
}

size_t bans_count(const struct bans *b, int64_t now)
{
    size_t n = 0;

    for (uint32_t i = 0; i < bans_rows(b); i++)
        n += ban_counts(&b->ban[i], now);
    return n;
}

static void bans_clear_row(struct bans *b, uint32_t row)
{
    __atomic_store_n(&b->ban[row].network.family, 0, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&b->changes, 1, __ATOMIC_RELEASE);
}

static void bans_set_row(struct bans *b, uint32_t row, const struct ban *ban)
{
    struct ban new = *ban;

    bans_clear_row(b, row);
    new.network.family = 0;
    new.network.port = 0;
    b->ban[row] = new;
    __atomic_store_n(&b->ban[row].network.family, ban->network.family,
                     __ATOMIC_RELEASE);
    if (row >= b->rows)
        __atomic_store_n(&b->rows, row + 1, __ATOMIC_RELEASE);
    __atomic_add_fetch(&b->changes, 1, __ATOMIC_RELEASE);
}

/* Returns a free row, or the row of the oldest automatic ban. BANS_MAX: neither
 * exists. */
static uint32_t bans_row_for_new(const struct bans *b)
{
    uint32_t rows = bans_rows(b), oldest = BANS_MAX;

    for (uint32_t i = 0; i < rows; i++) {
        if (b->ban[i].network.family == 0)
            return i;
        if (!b->ban[i].by_hand &&
            (oldest == BANS_MAX || b->ban[i].since < b->ban[oldest].since))
            oldest = i;
    }
    return rows < BANS_MAX ? rows : oldest;
}

int bans_put(struct bans *b, const struct ban *ban, int64_t now)
{
    const struct ban *old;
    uint32_t row;

    uint32_t rows = bans_rows(b), last = 0;

    for (uint32_t i = 0; i < rows; i++) {
        if (ban_counts(&b->ban[i], now))
            last = i + 1;
        else if (b->ban[i].network.family != 0)
            bans_clear_row(b, i);
    }
    __atomic_store_n(&b->rows, last, __ATOMIC_RELEASE);
    old = bans_find(b, &ban->network, ban->bits, now);
    if (old && !ban->by_hand && (old->by_hand || old->until >= ban->until))
        return 0;
    row = old ? (uint32_t)(old - b->ban) : bans_row_for_new(b);
    if (row == BANS_MAX)
        return -ENOSPC;
    bans_set_row(b, row, ban);
    return old == NULL;
}

void bans_remove(struct bans *b, const struct ban *ban)
{
    bans_clear_row(b, (uint32_t)(ban - b->ban));
}

int bans_restore(struct bans *b, struct slice records, int64_t now)
{
    struct ban ban;

    if (records.len % sizeof(ban) != 0)
        return -EBADMSG;
    for (size_t at = 0; at < records.len; at += sizeof(ban)) {
        memcpy(&ban, records.ptr + at, sizeof(ban));
        if (!ban_is_sound(&ban)) {
            memset(b, 0, sizeof(*b));
            return -EBADMSG;
        }
        if (ban_counts(&ban, now) && b->rows < BANS_MAX)
            bans_set_row(b, b->rows, &ban);
    }
    b->saved = b->changes;
    return 0;
}
