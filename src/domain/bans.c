/* The table of bans. Gate searches it for each connection. 4,096 rows need some
 * microseconds, so there is no index that two processes would have to agree on.
 * The family of a key is written after the rest, and cleared before it. */
#include "sallyport/domain/bans.h"

#include <endian.h>
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
    struct address prefix = address_prefix(a, ban->bits);

    return address_same_host(&ban->network, &prefix);
}

bool ban_is_sound(const struct ban *ban)
{
    size_t len = strnlen(ban->reason, sizeof(ban->reason));

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)ban->reason[i] < ' ' || ban->reason[i] == 127)
            return false;
    return len < sizeof(ban->reason) &&
           ban_is_network(&ban->network, ban->bits) && ban->by_hand <= 1 &&
           ban->since >= 0 && ban->until >= 0;
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

static struct ban_key ban_key_of(const struct address *a)
{
    struct ban_key k = { .family = a->family };

    memcpy(&k.high, a->bytes, 8);
    memcpy(&k.low, a->bytes + 8, 8);
    k.high = be64toh(k.high);
    k.low = be64toh(k.low);
    return k;
}

/* Are the first BITS bits equal? 0: none are compared; 64 and more: all. */
static bool ban_same_bits(uint64_t a, uint64_t b, uint32_t bits)
{
    return bits == 0 || (a ^ b) >> (bits < 64 ? 64 - bits : 0) == 0;
}

static bool ban_key_holds(const struct ban_key *k, const struct ban_key *a,
                          int64_t now)
{
    uint32_t bits = k->bits;

    return ban_same_bits(k->high, a->high, bits) &&
           ban_same_bits(k->low, a->low, bits > 64 ? bits - 64 : 0) &&
           (k->until == 0 || k->until > now);
}

static uint32_t bans_rows(const struct bans *b)
{
    uint32_t rows = __atomic_load_n(&b->rows, __ATOMIC_ACQUIRE);

    return rows < BANS_MAX ? rows : BANS_MAX;
}

const struct ban *bans_over(const struct bans *b, const struct address *a,
                            int64_t now)
{
    struct ban_key sought = ban_key_of(a);
    uint32_t rows = bans_rows(b);

    for (uint32_t i = 0; i < rows; i++)
        if (__atomic_load_n(&b->key[i].family, __ATOMIC_ACQUIRE) ==
                sought.family &&
            ban_key_holds(&b->key[i], &sought, now))
            return &b->ban[i];
    return NULL;
}

static bool ban_is_over(const struct bans *b, uint32_t row, int64_t now)
{
    int64_t until = b->key[row].until;

    return b->key[row].family == 0 || (until != 0 && until <= now);
}

const struct ban *bans_find(const struct bans *b, const struct address *network,
                            unsigned bits, int64_t now)
{
    for (uint32_t i = 0; i < bans_rows(b); i++)
        if (!ban_is_over(b, i, now) && b->ban[i].bits == bits &&
            address_same_host(&b->ban[i].network, network))
            return &b->ban[i];
    return NULL;
}

static void bans_clear_row(struct bans *b, uint32_t row)
{
    __atomic_store_n(&b->key[row].family, 0, __ATOMIC_RELEASE);
    memset(&b->ban[row], 0, sizeof(b->ban[row]));
    b->changes++;
}

static void bans_set_row(struct bans *b, uint32_t row, const struct ban *ban)
{
    struct ban_key new = ban_key_of(&ban->network), *k = &b->key[row];

    bans_clear_row(b, row);
    b->ban[row] = *ban;
    b->ban[row].network.port = 0;
    k->high = new.high;
    k->low = new.low;
    k->bits = ban->bits;
    k->until = ban->until;
    __atomic_store_n(&k->family, new.family, __ATOMIC_RELEASE);
    if (row >= b->rows)
        __atomic_store_n(&b->rows, row + 1, __ATOMIC_RELEASE);
}

size_t bans_sweep(struct bans *b, int64_t now)
{
    uint32_t rows = bans_rows(b), last = 0;
    size_t n = 0;

    for (uint32_t i = 0; i < rows; i++) {
        if (b->key[i].family != 0 && ban_is_over(b, i, now))
            bans_clear_row(b, i);
        if (b->key[i].family == 0)
            continue;
        last = i + 1;
        n++;
    }
    __atomic_store_n(&b->rows, last, __ATOMIC_RELEASE);
    return n;
}

/* Returns a free row or that of the oldest automatic ban; BANS_MAX: there is
 * neither. */
static uint32_t bans_row_for_new(const struct bans *b)
{
    uint32_t rows = bans_rows(b), oldest = BANS_MAX;

    for (uint32_t i = 0; i < rows; i++) {
        if (b->key[i].family == 0)
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

    bans_sweep(b, now);
    old = bans_find(b, &ban->network, ban->bits, now);
    if (old && old->by_hand && !ban->by_hand)
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
