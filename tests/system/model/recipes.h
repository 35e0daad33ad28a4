/* The commands that a client may send, and how often. */
#ifndef TESTS_SYSTEM_MODEL_RECIPES_H
#define TESTS_SYSTEM_MODEL_RECIPES_H

#include "words.h"

struct recipe {
    unsigned weight, at_the_door; /* weights: logged in, and before the login */
    const char *verb;             /* "": the maker makes a whole line */
    maker_fn *make;
};

/* Stands for a step before: an upload that was cut. */
#define RECIPE_CUT "(cut)"

/* DOOR: nobody has logged in. BEFORE: the verb of the last step, or "". */
const struct recipe *recipe_pick(struct dice *d, bool door, const char *before);

#endif
