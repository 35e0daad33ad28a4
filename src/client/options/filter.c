/* Which files a call leaves out, by their names and ages. */
#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "options.h"

/* A pattern with "/" in it is for the whole path, otherwise for the name. If it
 * ends in "/", it is for directories only. */
static bool filter_matches(const char *pattern, const char *path,
                           bool directory)
{
    char only[URL_PATH_MAX];
    size_t len = strlen(pattern);

    if (len > 0 && len < sizeof(only) && pattern[len - 1] == '/') {
        if (!directory)
            return false;
        memcpy(only, pattern, len - 1);
        only[len - 1] = '\0';
        pattern = only;
    }
    if (!strchr(pattern, '/'))
        return fnmatch(pattern, url_base(path), 0) == 0;
    return fnmatch(pattern + (pattern[0] == '/'), path, FNM_PATHNAME) == 0;
}

bool options_exclude(const struct options *o, const char *path, bool directory)
{
    for (size_t i = 0; i < o->filters; i++)
        if (filter_matches(o->filter[i].pattern, path, directory))
            return !o->filter[i].includes;
    return o->filters > 0 && o->filter[0].includes && !directory;
}

bool options_too_young(const struct options *o, time_t modified)
{
    time_t age = time(NULL) - modified, least = (time_t)o->min_age;

    /* A time far in the future doesn't mean that somebody is writing the
     * file. */
    return least > 0 && modified > 0 && age < least && age > -least;
}
