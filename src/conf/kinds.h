/* One row a type of setting: how its text is read and written. */
#ifndef CONF_KINDS_H
#define CONF_KINDS_H

#include "sallyport/conf/settings.h"

/* One "key = value" on its way into a field. */
struct assignment {
    const struct setting *row;
    struct slice keyed; /* what follows the prefix of a keyed row */
    struct slice value; /* trimmed */
    void *field;        /* in the struct settings */
    const char *place;  /* "FILE:LINE" */
    size_t line;
    struct complaint *complaint;
};

struct setting_kind {
    const char *syntax; /* what is expected, for complaints and docs */
    /* 0, or -EINVAL with the complaint and the field untouched. */
    int (*set)(const struct assignment *a);
    /* The text that set() would take: 0, -ENOBUFS or -ENOMEM. Of a keyed row
     * "KEYED = VALUE\n" for each line. */
    int (*show)(const void *field, struct buf *into);
    size_t size; /* of the field; 0: it can't change by a reload */
};
extern const struct setting_kind setting_kinds[SETTING_TYPES];

/* "PLACE: KEY = VALUE: …"; always -EINVAL. */
int assignment_refuse(const struct assignment *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The network's types, in addresses.c; the plain ones are in kinds.c. */
int set_listen(const struct assignment *a);
int set_address(const struct assignment *a);
int set_ports(const struct assignment *a);
int set_told(const struct assignment *a); /* in told.c */
int show_told(const void *field, struct buf *into);
int set_labelled(const struct assignment *a); /* in labelled.c */
int show_labelled(const void *field, struct buf *into);
int show_listen(const void *field, struct buf *into);
int show_address(const void *field, struct buf *into);
int show_ports(const void *field, struct buf *into);

/* The value is one of WORDS, N of them, and the field its number. */
int set_word(const struct assignment *a, const char *const *words, unsigned n);

/* In suites.c. */
int set_tls_version(const struct assignment *a);
int show_tls_version(const void *field, struct buf *into);
int set_suites_12(const struct assignment *a);
int show_suites_12(const void *field, struct buf *into);
int set_suites_13(const struct assignment *a);
int show_suites_13(const void *field, struct buf *into);

/* In networks.c. SYNTAX is what is said to be expected. */
int set_network(const struct assignment *a, struct slice text,
                const char *syntax, struct network *ret);
int show_network(const struct network *n, struct buf *into);
bool network_is(const struct network *a, const struct network *b);
bool network_holds(const struct network *n, const struct address *a);
int set_networks(const struct assignment *a);
int show_networks(const void *field, struct buf *into);

/* Settings that are right one by one and wrong together. */
int settings_check(const struct settings *s, struct complaint *c);
/* Each certificate has its key, each key and OCSP file its certificate. */
int check_pairs(const struct settings *s, struct complaint *c);
/* The same, all of them: how many were told. */
size_t settings_check_all(const struct settings *s, settings_tell *tell);
/* Where KEY stands; 0: nowhere. */
size_t settings_line(const struct settings *s, const char *key);

/* The row of a key, or NULL; a keyed row's key begins with the row's. */
const struct setting *setting_find(struct slice key);
/* The key that a misspelt one is nearest to, or NULL. */
const char *setting_nearest(struct slice key);

#endif
