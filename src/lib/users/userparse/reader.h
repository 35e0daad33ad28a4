/* The state while the users file is read once (lines.c, resolve.c). */
#ifndef USERSFILE_READER_H
#define USERSFILE_READER_H

#include "sallyport/userparse/userparse.h"

/* The growing arrays of struct users. */
enum reader_array {
    ARRAY_USERS,
    ARRAY_SHARES,
    ARRAY_TEAMS,
    ARRAY_GRANTS,
    ARRAYS
};

struct reader {
    struct users *users;
    size_t room[ARRAYS]; /* how many items fit */
    size_t line;
    const char *file;
    struct complaint *complaint;
    users_report *report; /* NULL: the first mistake is the complaint */
    size_t mistakes;      /* their number */
    bool full;            /* a limit was reached: the rest isn't read */
    bool lenient;         /* skips what only older versions permit */
};

/* Counts one mistake, and reports it: to R's report, or if that is NULL, as the
 * complaint. The reading goes on. Always returns -EINVAL. */
int reader_mistake(struct reader *r, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Complains that memory is short, which says nothing about the file. Always
 * returns -ENOMEM. */
int reader_no_memory(const struct reader *r);
/* Makes room for item N in *ARRAY, a pointer, which this call can change. LINE
 * is for the complaint that there are too many items. Returns 0, -EINVAL or
 * -ENOMEM. */
int reader_room(struct reader *r, enum reader_array which, void *array,
                size_t n, size_t line);

/* resolve.c: call it after the last line. Finds values that two lines must not
 * share, gives the users their grants, and makes the table for users_find().
 * Returns 0 or -ENOMEM. */
int reader_resolve(struct reader *r);

#endif
