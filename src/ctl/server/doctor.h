/* The command "doctor": checks of a running installation. */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl.h"

/* The words of the client's doctor. */
enum finding {
    FINDING_GOOD,
    FINDING_NOTE,    /* good to know */
    FINDING_WARNING, /* it works, but not for ever or not for all */
    FINDING_BAD,     /* it doesn't work */
    FINDING_COUNT,
};

struct server_doctor {
    struct context *x;
    const char *check; /* the one under way */
    json_t *list;      /* NULL: text */
    size_t found[FINDING_COUNT];
    bool runs, drains; /* the server answers; and is drained */
    struct address listener[SETTINGS_LISTEN_MAX]; /* the running server's */
    size_t listeners;
};

/* Prints one finding of the check under way: a sentence, and what to do (or
 * NULL). */
void doctor_find(struct server_doctor *d, enum finding what, const char *advice,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* doctor_network.c */
void doctor_server(struct server_doctor *d);
void doctor_tls(struct server_doctor *d);
void doctor_address(struct server_doctor *d);
void doctor_ports(struct server_doctor *d);

/* doctor.c */
void doctor_disk(struct server_doctor *d);

/* Does a chain of the ruleset, as nft(8) prints it, drop the TCP ports FIRST to
 * LAST by its policy, while no rule permits them to anybody? */
bool firewall_refuses(const char *rules, unsigned first, unsigned last);
/* Is each of FIRST to LAST in a list such as "21, 30000-30999"? */
bool ports_listed(struct slice list, unsigned first, unsigned last);

#endif
