/* How many logins have failed lately, by name and by address, and what the next
 * one has to wait for that. Master sees no name: auth sends a keyed hash of it,
 * of unknown names too. */
#ifndef SALLYPORT_SRC_MASTER_SESSIONS_GUESSES_H
#define SALLYPORT_SRC_MASTER_SESSIONS_GUESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sallyport/base/address.h"
#include "sallyport/base/siphash.h"

#define GUESS_SLOTS     65536 /* of each table */
#define GUESS_NAME_FREE 5     /* failures before there is a delay */
#define GUESS_NAME_MS   60000 /* after which one of them is forgotten */
#define GUESS_DEBT      30    /* more failures than this don't count */
#define GUESS_KNOWN_MS  (7 * 24 * 3600 * UINT64_C(1000))

/* The prefixes of an address that are counted. The wider ones have the higher
 * thresholds: they may belong to many. */
struct guess_level {
    uint8_t family;
    unsigned bits;
    uint64_t free; /* failures before there is a delay */
    uint64_t ms;   /* after which one of them is forgotten */
    size_t slowed; /* logins that may wait out a delay at a time */
};
/* Those of FAMILY: how many, from *first on. */
size_t guesses_levels(uint8_t family, const struct guess_level **first);

struct guess_known {
    uint64_t pair; /* hash of name and prefix */
    uint64_t at;   /* ms; 0: none */
};

struct guess_tables;

struct guesses {
    struct guess_tables *tables;
};

/* Under which the supervisor keeps the memory: a build that lays it out in
 * another way changes the number, and begins with empty tables. */
#define GUESSES_NAME "guesses 1"

/* One attempt: the keyed hash of its name, and the client. */
struct guess {
    uint64_t name; /* 0: none came */
    struct address peer;
    bool trusted; /* its address isn't counted */
};

/* The memory FD, of that size, which the masters of one service share. New, it
 * is empty. -1: memory of our own, for a test. 0 or -errno */
int guesses_init(struct guesses *g, int fd);
off_t guesses_size(void);
void guesses_release(struct guesses *g);
/* Times are clock_ms(). What an attempt at NOW has to wait, 0 to MOST ms. From
 * where this user logged in lately only the failures of that very pair count:
 * others can't lock the user out. */
uint64_t guesses_delay(const struct guesses *g, const struct guess *what,
                       uint64_t most, uint64_t now);
void guesses_failed(struct guesses *g, const struct guess *what, uint64_t now);
void guesses_succeeded(struct guesses *g, const struct guess *what,
                       uint64_t now);

#endif
