/* The state of one reading of the users file (users.c, resolve.c). */
#ifndef USERSFILE_READER_H
#define USERSFILE_READER_H

#include "sallyport/usersfile/usersfile.h"

/* How many items fit into the arrays of struct users. */
struct room {
    size_t users, shares, teams, grants, directories;
};

struct reader {
    struct users *users;
    struct room room;
    size_t line;
    const char *file;
    struct complaint *complaint;
    users_report *report; /* NULL: the first mistake ends the reading */
    size_t *mistakes;     /* the number of reported mistakes */
    bool full;            /* a limit was reached: the rest isn't read */
};

/* Reports one mistake, by the complaint or by report. Always -EINVAL. */
int reader_mistake(const struct reader *r, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a limit: "more than MOST WHAT". */
int reader_full(struct reader *r, size_t line, const char *what, unsigned most);
/* Nothing is known about the file. Always -ENOMEM. */
int reader_no_memory(const struct reader *r);
/* Returns an array with room for N + 1 items of SIZE bytes, OLD or another one;
 * or NULL with the complaint, and OLD is unchanged. */
void *reader_grow(const struct reader *r, void *old, size_t *room, size_t n,
                  size_t size);

/* After the last line (resolve.c): finds values that no two lines may have in
 * common, and gives each user the grants. 0, -EINVAL or -ENOMEM */
int reader_resolve(struct reader *r);

#endif
