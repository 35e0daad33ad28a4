/* The types of settings, and the functions that read their values. */
#ifndef CONF_KINDS_H
#define CONF_KINDS_H

#include <stdio.h>

#include "sallyport/conf/conf.h"

/* One "key = value", to be written to a field. */
struct assignment {
    const struct setting *row;
    struct slice
        keyed; /* the rest of the key, after the prefix of a keyed row */
    struct slice value; /* trimmed */
    struct settings *settings;
    void *field;       /* the row's field in the settings */
    const char *place; /* "FILE:LINE" */
    size_t line;
    struct complaint *complaint;
};

struct setting_kind {
    const char *syntax; /* the expected syntax, for complaints and documents */
    /* Returns 0, or -EINVAL with the complaint; then the field doesn't
     * change. */
    int (*set)(const struct assignment *a);
    /* For a type that takes a word of a list: the list. The field, an unsigned,
     * gets the number of the word. */
    const char *const *words;
    unsigned word_count;
};
/* The kinds of the rows in table.c: the second argument of ROW() names the
 * kind. */
extern const struct setting_kind kind_path, kind_optional_path, kind_group,
    kind_number, kind_min_free, kind_mode, kind_duration, kind_yes_no,
    kind_listen, kind_address, kind_announced, kind_networks, kind_ports,
    kind_conflict, kind_binding, kind_clients, kind_labelled, kind_upload_eof,
    kind_log_format, kind_tls_version, kind_suites, kind_weaker;

/* Complains "PLACE: KEY = VALUE: …". Always returns -EINVAL. */
int kinds_refuse(const struct assignment *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Complains in the same form: "expected", and the kind's syntax. */
int kinds_refuse_syntax(const struct assignment *a);

/* The functions of addresses.c. */
int addresses_set_listen(const struct assignment *a);
int addresses_set(const struct assignment *a);
int addresses_set_ports(const struct assignment *a);
int announced_set(const struct assignment *a);
int networks_set(const struct assignment *a);

/* describe.c: writes the example of the configuration: all settings as
 * comments, with their defaults. */
void describe_example(FILE *out);
/* Writes PAGE, a manual page, with a paragraph for each setting in place of the
 * line `.\" settings`. Returns 0; -EINVAL: PAGE has no such line. */
int describe_manual(FILE *out, const char *page);

/* Gives a mistake to REPORT, unless REPORT is NULL. The first mistake stays in
 * *c. Always returns -EINVAL. */
int conf_mistake(const char *text, conf_report *report, struct complaint *c);
/* Finds settings that are right one by one, but wrong together. Returns 0 or
 * -EINVAL. */
int conf_check(const struct settings *s, conf_report *report,
               struct complaint *c);

/* Returns the row of a key, or NULL. The key of a keyed row begins with the
 * row's key. */
const struct setting *table_find(struct slice key);
/* If only older versions have a setting of this key or value, returns the words
 * that say what to do instead, with "; " at their end, or ""; *key becomes "KEY
 * = VALUE" if only the value is refused. Otherwise returns NULL. */
const char *table_retired(struct slice *key, struct slice value);
/* Returns the key that is most similar to a misspelt one, or NULL. */
const char *table_nearest(struct slice key);

#endif
