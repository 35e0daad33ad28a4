/* The commands that a client sends, and how often. */
#ifndef TESTS_SYSTEM_MODEL_RECIPES_H
#define TESTS_SYSTEM_MODEL_RECIPES_H

#include "words.h"

struct recipe {
    unsigned weight, at_the_door; /* weight after the login, and before it */
    const char *verb;             /* "": the maker makes a whole line */
    maker_fn *make;
};

/* Stands for the step before if it was an upload that was cut. */
#define RECIPE_CUT "(cut)"

/* Chooses the next command. DOOR: the client isn't logged in. BEFORE: the verb
 * of the last step, RECIPE_CUT, or "". */
const struct recipe *recipe_pick(struct dice *d, bool door, const char *before);

#endif
