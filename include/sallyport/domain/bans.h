/* The table of bans: gate refuses connections from these addresses and
 * networks. All masters of one service share the memory of the table, and gate
 * reads it. Only the master that leads writes the table. The functions are
 * pure. The time is an argument, in seconds since 1970, so that a ban outlives
 * a restart. */
#ifndef SALLYPORT_DOMAIN_BANS_H
#define SALLYPORT_DOMAIN_BANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/address.h"
#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"

/* The most bans. A further ban ends the oldest automatic ban. Bans of the
 * administrator stay. */
#define BANS_MAX       4096
#define BAN_REASON_MAX 120 /* bytes, with the NUL */
/* The latest end: seconds since 1970, so that no sum of times overflows. */
#define BAN_UNTIL_MAX INT64_C(1000000000000)

/* A ban; also a record of the file in `state`. */
struct ban {
    struct address network; /* the network's first address; family 0: no ban */
    uint8_t bits;
    uint8_t by_hand;      /* 1: the administrator's */
    int64_t since, until; /* until 0: for ever */
    char reason[BAN_REASON_MAX];
};

/* BANS_UNREAD: the table was set up without the bans of the file in `state`,
 * since it can't be read; it wasn't renamed yet. */
enum { BANS_MADE = 1, BANS_UNREAD };

struct bans {
    uint32_t made;    /* 0: the table wasn't set up */
    uint32_t rows;    /* all rows from this number on are free */
    uint64_t changes; /* how often the table has changed */
    uint64_t saved;   /* `changes` when the file in `state` was written */
    struct ban ban[BANS_MAX];
};

#define BAN_BITS_MAX 128
#define BAN_SLOTS    ((size_t)2 * BANS_MAX) /* a power of two */

/* An index of the table, by which a ban is found quickly. Each process has its
 * own index, and rebuilds it when the table has changed. It begins as 0, except
 * for the key, which is random. */
struct ban_index {
    uint8_t key[SIPHASH_KEY];
    uint64_t changes; /* `changes` of the table when the index was made */
    bool bits[BAN_BITS_MAX + 1]; /* [N]: at least one ban has N bits */
    uint16_t slot[BAN_SLOTS];    /* a row + 1; 0: none */
};

/* Returns the ban that holds this address, or NULL. While another process
 * writes the table, the result can be wrong; the next call is right. */
const struct ban *bans_over(const struct bans *b, struct ban_index *index,
                            const struct address *a, int64_t now);
/* Returns the ban of exactly this network, or NULL. */
const struct ban *bans_find(const struct bans *b, const struct address *network,
                            unsigned bits, int64_t now);
/* Adds *BAN, or replaces the ban of the same network. An automatic ban replaces
 * neither a ban of the administrator nor a ban that ends later. Returns 1: the
 * network wasn't banned before; 0: it was; -ENOSPC: the table is full of the
 * administrator's bans. */
int bans_put(struct bans *b, const struct ban *ban, int64_t now);
/* Removes a ban that bans_find() or bans_over() has returned. */
void bans_remove(struct bans *b, const struct ban *ban);
size_t bans_count(const struct bans *b, int64_t now);
/* Fills an empty table with the records of a file, except bans that have ended.
 * Returns 0; -EBADMSG: a record isn't valid (ban_is_sound()), and the table
 * stays empty. */
int bans_restore(struct bans *b, struct slice records, int64_t now);

/* Is A the first address of a network with BITS bits? Returns false, too, if
 * BITS is more than an address of this family has. */
bool ban_is_network(const struct address *a, unsigned bits);
/* Is there a ban in *BAN, and hasn't it ended? */
bool ban_counts(const struct ban *ban, int64_t now);
/* Does the network hold the address? */
bool ban_holds(const struct ban *ban, const struct address *a);
/* Is a ban from a file valid? Checks each byte on which any code here or in
 * sallyportctl relies. */
bool ban_is_sound(const struct ban *ban);

#define BAN_TEXT_MAX (ADDRESS_TEXT_MAX + 4)

/* Writes "192.0.2.7", or "192.0.2.0/24" for a network. Returns OUT. */
const char *ban_text(const struct address *network, unsigned bits,
                     char out[BAN_TEXT_MAX]);

#endif
