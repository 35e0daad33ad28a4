/* Writing JSON. */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl.h"
#include "when.h"

json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    char *plain;

    if (value)
        return value;
    plain = strdup(text);
    for (char *c = plain; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = plain ? json_string(plain) : NULL;
    free(plain);
    return value;
}

json_t *json_time(int64_t seconds)
{
    char when[WHEN_MAX];

    return seconds > 0 ? json_string(when_text(seconds, when)) : json_null();
}

int json_write(struct context *x, json_t *value)
{
    int r = value ? json_dumpf(value, stdout, JSON_INDENT(2)) : -1;

    json_decref(value);
    if (r)
        return ctl_fail(x, EX_IOERR, "JSON can't be written");
    putchar('\n');
    return 0;
}
