/* The configuration file. One table (src/lib/settings/conf/table.c) has the
 * type, range, default and help of each key. The parser, the manual page and
 * the example file follow from it. */
#ifndef SALLYPORT_CONF_CONF_H
#define SALLYPORT_CONF_CONF_H

#include "sallyport/base/slice.h"
#include "sallyport/settings/settings.h"

struct setting {
    const char *key;
    const char *keyed; /* NULL: the row has one key. Otherwise .key is a prefix,
                          and .keyed names the rest of the key, such as "LABEL";
                          each line with another rest adds a value */
    const struct setting_kind *kind; /* how the value is read */
    size_t offset;                   /* in struct settings */
    const char *value; /* the default, as the file would have it */
    uint64_t min, max; /* bounds of a number */
    const char *help;  /* one sentence */
};
extern const struct setting setting_table[];
extern const size_t setting_count;

/* Sets all defaults. */
void conf_default(struct settings *s);

/* A function that gets each mistake, "NAME:LINE: …". */
typedef void conf_report(const char *mistake);
/* Sets the defaults, then parses TEXT, a whole configuration file. Complaints
 * call it NAME. Also checks that the settings fit together (uid range, ports
 * and sessions, descriptors). Returns 0; or -EINVAL with the first mistake as
 * the complaint. REPORT, unless it is NULL, gets all mistakes: an unknown key,
 * a bad value, a key that occurs twice, a line that is too long, a value out of
 * range. *s changes only on success. */
int conf_parse(struct settings *s, struct slice text, const char *name,
               conf_report *report, struct complaint *c);
/* Does the same for the open file FD, which complaints call PATH. FD stays the
 * caller's. Returns -EIO if FD can't be read. */
int conf_read(struct settings *s, int fd, const char *path, conf_report *report,
              struct complaint *c);
/* Opens PATH with settings_open(), and does the same. A command that needs few
 * settings passes a REPORT. Then a line with a mistake goes to REPORT and sets
 * nothing, conf_load() doesn't check that the settings fit together, and it
 * fails only if the file can't be read, or if a line with a mistake was perhaps
 * meant to set `users`. */
int conf_load(struct settings *s, const char *path, conf_report *report,
              struct complaint *c);

#endif
