/* Counts recent failed logins by name and by address, and computes how long the
 * next login has to wait. Master sees no name: auth sends a keyed hash of it,
 * also of unknown names. */
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
#define GUESS_NAME_MS   60000 /* ms until one failure is forgotten */
#define GUESS_DEBT      30    /* more failures than this don't count */
#define GUESS_KNOWN_MS  (7 * 24 * 3600 * UINT64_C(1000))

/* The prefixes of an address whose failures are counted. Wider prefixes have
 * higher thresholds, since they may belong to many people. */
struct guess_level {
    uint8_t family;
    unsigned bits;
    uint64_t free; /* failures before there is a delay */
    uint64_t ms;   /* until one failure is forgotten */
    size_t slowed; /* how many logins may be delayed at a time */
};
/* Points *first to the levels of FAMILY, which follow each other. Returns their
 * number. */
size_t guesses_levels(uint8_t family, const struct guess_level **first);

struct guess_known {
    uint64_t pair; /* hash of name and prefix */
    uint64_t at;   /* ms; 0: the slot is empty */
};

struct guess_tables;

struct guesses {
    struct guess_tables *tables;
};

/* The name under which the supervisor keeps the memory. A build with another
 * layout changes the number, and begins with empty tables. */
#define GUESSES_NAME "guesses 1"

/* One attempt: the keyed hash of its name, and the client. */
struct guess {
    uint64_t name; /* 0: auth sent none */
    struct address peer;
    bool trusted; /* an address whose failures aren't counted */
};

/* Maps the memory FD, of guesses_size() bytes, which the masters of one service
 * share. New memory is empty. -1: memory of its own, for a test. Returns 0 or
 * -errno. */
int guesses_init(struct guesses *g, int fd);
off_t guesses_size(void);
void guesses_release(struct guesses *g);
/* Returns how many ms an attempt at NOW has to wait, 0 to MOST. If this user
 * has logged in from there lately, only the failures of that pair of name and
 * prefix count, so that others can't lock the user out. Times are
 * clock_ms(). */
uint64_t guesses_delay(const struct guesses *g, const struct guess *what,
                       uint64_t most, uint64_t now);
void guesses_failed(struct guesses *g, const struct guess *what, uint64_t now);
void guesses_succeeded(struct guesses *g, const struct guess *what,
                       uint64_t now);

#endif
