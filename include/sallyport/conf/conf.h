/* The configuration's file. One table (src/conf/table.c) has for each key its
 * type, range, default and help. The parser, the manual page, docs/settings.md
 * and the example file follow from it. Doesn't depend on any process. */
#ifndef SALLYPORT_CONF_CONF_H
#define SALLYPORT_CONF_CONF_H

#include "sallyport/base/slice.h"
#include "sallyport/settings/settings.h"

enum setting_type {
    SETTING_PATH,
    SETTING_FILE, /* a path, or none */
    SETTING_NAME,
    SETTING_NUMBER,   /* with an optional K, M, G (bytes, powers of 1024) */
    SETTING_DURATION, /* "300", "300s", "5min", "2h"; kept in ms */
    SETTING_YES_NO,
    SETTING_LISTEN, /* addresses with ports, comma separated */
    SETTING_ADDRESS,
    SETTING_ANNOUNCED, /* keyed by a network */
    SETTING_NETWORKS,
    SETTING_PORTS,
    SETTING_CONFLICT,
    SETTING_CONFLICT_NAME,
    SETTING_BINDING,
    SETTING_CLIENTS,
    SETTING_LABELLED, /* a path, keyed by a label */
    SETTING_UPLOAD_EOF,
    SETTING_TLS_VERSION,
    SETTING_SUITES_12,
    SETTING_SUITES_13,
    SETTING_WEAKER, /* words: ids chroot seccomp landlock */
    SETTING_TYPES
};

struct setting {
    const char *key;
    const char *keyed; /* the rest of the key, in capitals, if the row's key is
                          a prefix and lines with different keys add up */
    enum setting_type type;
    size_t offset;     /* in struct settings */
    const char *value; /* the default, as it would stand in the file */
    uint64_t min, max; /* of the number in the field, if it is one */
    const char *help;  /* one sentence */
};
extern const struct setting setting_table[];
extern const size_t setting_count;

/* Sets all defaults. */
void conf_default(struct settings *s);

/* Gets each mistake, "NAME:LINE: …". */
typedef void conf_report(const char *mistake);
/* Sets the defaults, then parses TEXT, a whole configuration file. NAME is its
 * name for complaints. Also checks that the settings fit together (uid range,
 * ports and sessions, descriptors). 0; or -EINVAL with the first mistake as the
 * complaint, and all of them for REPORT (NULL: nobody): an unknown key, a bad
 * value, a key that occurs twice, a line too long, a value out of range. *s
 * changes only on success. */
int conf_parse(struct settings *s, struct slice text, const char *name,
               conf_report *report, struct complaint *c);
/* The same for the open file FD, whose name is PATH. FD stays the caller's. */
int conf_read(struct settings *s, int fd, const char *path, conf_report *report,
              struct complaint *c);
/* The same with settings_open(), and without a report. */
int conf_load(struct settings *s, const char *path, struct complaint *c);

#endif
