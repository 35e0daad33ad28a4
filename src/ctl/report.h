/* What "report" counts (report.c), and the page that shows it (report_page.c).
 * A log of any length and content needs the same memory. */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include "log.h"

#define REPORT_DAYS_MAX  400
#define REPORT_NAMES_MAX 1000 /* counted one by one; all others together */
#define REPORT_TEXT_MAX  512
#define REPORT_FILES     12 /* the largest ones */
#define REPORT_BANS      20 /* the last ones */
#define REPORT_PAGE_MAX  (4 << 20)

enum { UPLOADS, DOWNLOADS, WAYS };

struct amount {
    uint64_t count, bytes;
};

/* The texts are log_safe()'s. */
struct tally_row {
    char name[REPORT_TEXT_MAX];
    struct amount of[WAYS]; /* of what has no direction, the first */
};

struct tally {
    struct tally_row *row; /* REPORT_NAMES_MAX */
    size_t rows;
    struct tally_row others; /* for which there was no row */
    void *index;             /* a tree of the rows, by name */
};

struct report_file {
    int64_t ms;
    uint64_t size;
    bool upload;
    char user[REPORT_TEXT_MAX], path[REPORT_TEXT_MAX];
};

struct report_ban {
    int64_t ms;
    char peer[REPORT_TEXT_MAX], reason[REPORT_TEXT_MAX];
};

struct report {
    struct context *x;
    int64_t since, until; /* ms since 1970 */
    int64_t first_day;    /* local days since 1970 */
    size_t days;
    struct amount total[WAYS], day[REPORT_DAYS_MAX][WAYS], hour[24][WAYS];
    uint64_t logins, failures, torn;
    struct tally users, causes, tls, clients;
    struct report_file file[REPORT_FILES]; /* the largest first */
    size_t files;
    struct report_ban ban[REPORT_BANS]; /* number N is ban[N % REPORT_BANS] */
    uint64_t bans;
};

/* Adds; a hostile log's numbers end at INT64_MAX. */
void amount_add(struct amount *a, uint64_t count, uint64_t bytes);

/* Writes the page. Returns 0, -ENOBUFS or -ENOMEM. */
int report_page(const struct report *r, struct buf *into);

#endif
