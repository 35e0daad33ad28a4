/* Types of settings: how each is read. */
#ifndef CONF_KINDS_H
#define CONF_KINDS_H

#include "sallyport/base/buf.h"
#include "sallyport/conf/conf.h"

/* One "key = value" that is written to a field. */
struct assignment {
    const struct setting *row;
    struct slice
        keyed; /* the rest of the key, after the prefix of a keyed row */
    struct slice value; /* trimmed */
    struct settings *settings;
    void *field;       /* the row's, in the settings */
    const char *place; /* "FILE:LINE" */
    size_t line;
    struct complaint *complaint;
};

struct setting_kind {
    const char *syntax; /* the expected syntax, for complaints and documents */
    /* 0, or -EINVAL with the complaint; then the field doesn't change. */
    int (*set)(const struct assignment *a);
    /* If it takes one of some words: the field, an unsigned, gets its number.
     */
    const char *const *words;
    unsigned word_count;
};
extern const struct setting_kind setting_kinds[SETTING_TYPES];

/* "PLACE: KEY = VALUE: …"; always -EINVAL. */
int kinds_refuse(const struct assignment *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same: "expected" and the kind's syntax. */
int kinds_refuse_syntax(const struct assignment *a);

/* In addresses.c. */
int addresses_set_listen(const struct assignment *a);
int addresses_set(const struct assignment *a);
int addresses_set_ports(const struct assignment *a);
int announced_set(const struct assignment *a);
int networks_set(const struct assignment *a);

/* In describe.c. Adds the example of the configuration: all settings as
 * comments, with their defaults. 0, -ENOBUFS or -ENOMEM */
int describe_example(struct buf *into);
/* Adds PAGE, a manual page, with a paragraph for each setting in place of the
 * line `.\" settings`. 0, -ENOBUFS, -ENOMEM; -EINVAL: no such line */
int describe_manual(struct buf *into, const char *page);

/* A mistake: for REPORT, unless it is NULL; the first one stays in *c. Always
 * -EINVAL. */
int conf_mistake(const char *text, conf_report *report, struct complaint *c);
/* Settings that are right one by one and wrong together. 0 or -EINVAL */
int conf_check(const struct settings *s, conf_report *report,
               struct complaint *c);

/* The row of a key, or NULL. The key of a keyed row begins with the row's. */
const struct setting *table_find(struct slice key);
/* If it is the key of a setting that only older versions have: what to do
 * instead, "…; ", or "". Else NULL. */
const char *table_retired(struct slice key);
/* The key that is most similar to a misspelt one, or NULL. */
const char *table_nearest(struct slice key);

#endif
