/* The arguments that clients send: good words, odd ones, and hostile ones. */
#ifndef TESTS_SYSTEM_MODEL_WORDS_H
#define TESTS_SYSTEM_MODEL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport/base/slice.h"

enum pool_name {
    GOOD_PATHS,
    ODD_PATHS,
    NUMBERS,
    MOMENTS, /* YYYYMMDDHHMMSS, and words that are almost a time */
    OCTALS,
    OPTIONS,
    TYPES,
    LETTERS,  /* for MODE, STRU, PROT */
    FAMILIES, /* for EPSV */
    MECHANISMS,
    COMMANDS,
    RUBBISH,
    WHOLE_LINES,
    POOL_COUNT
};

struct pool {
    const struct slice *words;
    size_t count;
};
extern const struct pool pools[POOL_COUNT];

/* The source of all choices: the same seed gives the same choices. */
#define WORD_MAX 20000
struct dice {
    uint64_t seed;
    const char *user;
    char last[WORD_MAX]; /* the path that was named last */
    size_t last_len;
};
void dice_init(struct dice *d, uint64_t seed, const char *user);
uint64_t dice_below(struct dice *d, uint64_t end);
bool dice_one_in(struct dice *d, uint64_t n);

/* Makes an argument from words, in OUT, which has room for WORD_MAX bytes. */
typedef struct slice maker_fn(struct dice *d, char *out);
maker_fn make_nothing, make_path, make_same, make_listed, make_number,
    make_block, make_range, make_summed, make_same_summed, make_timed,
    make_mdtm, make_site, make_option, make_type, make_letter, make_family,
    make_mechanism, make_name, make_password, make_command, make_rubbish,
    make_line;

#endif
