/* Types of settings: how each is read and written. */
#ifndef CONF_KINDS_H
#define CONF_KINDS_H

#include "sallyport/conf/conf.h"

/* One "key = value" that is written to a field. */
struct assignment {
    const struct setting *row;
    struct slice
        keyed; /* the rest of the key, after the prefix of a keyed row */
    struct slice value; /* trimmed */
    void *field;        /* in the struct settings */
    const char *place;  /* "FILE:LINE" */
    size_t line;
    struct complaint *complaint;
};

struct setting_kind {
    const char *syntax; /* the expected syntax, for complaints and documents */
    /* 0, or -EINVAL with the complaint; then the field doesn't change. */
    int (*set)(const struct assignment *a);
    /* Writes the text that set() would take; for a keyed row "KEYED = VALUE\n"
     * for each line. 0, -ENOBUFS or -ENOMEM */
    int (*show)(const void *field, struct buf *into);
    /* Instead of both: one of these. The field, an unsigned, gets its number.
     */
    const char *const *words;
    unsigned word_count;
};
extern const struct setting_kind setting_kinds[SETTING_TYPES];

/* By the row's kind. */
int kinds_set(const struct assignment *a);
int kinds_show(const struct setting *row, const struct settings *s,
               struct buf *into);

/* "PLACE: KEY = VALUE: …"; always -EINVAL. */
int kinds_refuse(const struct assignment *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same: "expected" and the kind's syntax. */
int kinds_refuse_syntax(const struct assignment *a);

/* In addresses.c. */
int addresses_set_listen(const struct assignment *a);
int addresses_set(const struct assignment *a);
int addresses_set_ports(const struct assignment *a);
int announced_set(const struct assignment *a); /* in announced.c */
int announced_show(const void *field, struct buf *into);
int labelled_set(const struct assignment *a); /* in labelled.c */
int labelled_show(const void *field, struct buf *into);
int addresses_show_listen(const void *field, struct buf *into);
int addresses_show(const void *field, struct buf *into);
int addresses_show_ports(const void *field, struct buf *into);

/* In suites.c. */
int suites_set_12(const struct assignment *a);
int suites_show_12(const void *field, struct buf *into);
int suites_set_13(const struct assignment *a);
int suites_show_13(const void *field, struct buf *into);

/* In networks.c. SYNTAX is the expected syntax, for complaints. */
int network_set(const struct assignment *a, struct slice text,
                const char *syntax, struct network *ret);
int network_show(const struct network *n, struct buf *into);
bool network_is(const struct network *a, const struct network *b);
int networks_set(const struct assignment *a);
int networks_show(const void *field, struct buf *into);

/* Settings that are right one by one and wrong together. */
int conf_check(const struct settings *s, struct complaint *c);
/* Each certificate has its key, each key and OCSP file its certificate. */
int labelled_check(const struct settings *s, struct complaint *c);
/* Reports all of them. Returns their number. */
size_t conf_check_all(const struct settings *s, settings_report *report);

/* The row of a key, or NULL. The key of a keyed row begins with the row's. */
const struct setting *table_find(struct slice key);
/* The key that is most similar to a misspelt one, or NULL. */
const char *nearest_key(struct slice key);

#endif
