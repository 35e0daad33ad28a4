/* What the program check looks at. */
#ifndef SALLYPORT_SRC_CHECK_CHECK_H
#define SALLYPORT_SRC_CHECK_CHECK_H

#include <stdbool.h>

#include "sallyport/settings/settings.h"
#include "sallyport/users/users.h"

struct check {
    struct settings settings;
    struct users users;
    bool root;            /* run by root */
    const char *key_lost; /* why the partials' key isn't kept; "" if it is */
};

#endif
