/* What a client may say, and how often it does. */
#ifndef TESTS_SYSTEM_MODEL_RECIPES_H
#define TESTS_SYSTEM_MODEL_RECIPES_H

#include "words.h"

struct recipe {
    unsigned weight, at_the_door; /* logged in, or not yet */
    const char *verb;             /* "": the maker makes a whole line */
    maker_fn *make;
};

/* Said of a step before: an upload that was cut. */
#define RECIPE_CUT "(cut)"

/* DOOR: nobody is logged in. BEFORE: the verb of the step before, or "". */
const struct recipe *recipe_pick(struct dice *d, bool door, const char *before);

#endif
