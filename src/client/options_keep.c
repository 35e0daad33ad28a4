/* Keeps the texts of a line that must outlive it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

void options_drop(char *kept[OPTIONS_MAX])
{
    for (size_t i = 0; i < OPTIONS_MAX; i++) {
        free(kept[i]);
        kept[i] = NULL;
    }
}

static const char **options_text(struct options *o, size_t row)
{
    return (const char **)(void *)((char *)o + option_rows[row].offset);
}

/* Does the text of this row come from the current line? */
static bool options_is_new(struct options *o, struct options *given, size_t row)
{
    return option_rows[row].kind == OPTION_TEXT &&
           o->source[row] == OPTION_FROM_LINE &&
           *options_text(o, row) != *options_text(given, row);
}

int options_keep(struct options *o, struct options *given,
                 char *kept[OPTIONS_MAX])
{
    char *copy[OPTIONS_MAX] = { NULL };

    for (size_t i = 0; i < option_count; i++) {
        if (!options_is_new(o, given, i))
            continue;
        copy[i] = strdup(*options_text(o, i));
        if (!copy[i]) {
            options_drop(copy);
            return -ENOMEM;
        }
        *options_text(o, i) = copy[i];
    }
    options_drop(kept);
    memcpy(kept, copy, sizeof(copy));
    return 0;
}
