/* A change of some rows of users: the lines in which two texts of the users
 * file differ, and the rows of them, which reader writes for master and auth.
 * So an edit of one row costs what one row costs. What isn't so simple is left
 * to a reading of the whole text. */
#ifndef SALLYPORT_USERS_CHANGE_H
#define SALLYPORT_USERS_CHANGE_H

#include "sallyport/users/image.h"
#include "sallyport/users/users.h"

/* changed_lines.c */

/* Whole lines: the bytes AT to BEFORE - 1 of the old text have become those
 * from AT to NOW - 1 of the new one. */
struct users_lines {
    size_t at, before, now;
};

/* Finds the lines that differ. FOUND: they are few, and only of users or of
 * nobody. WHOLE: they aren't. */
enum users_lines_result {
    USERS_LINES_SAME,
    USERS_LINES_FOUND,
    USERS_LINES_WHOLE
};
enum users_lines_result users_lines_find(struct users_lines *l,
                                         struct slice before, struct slice now);
/* Are the lines TEXT few and whole, and only of users or of nobody? */
bool users_lines_ok(struct slice text);

/* change.c */

struct users_change {
    struct users_image image; /* of ADDED; it has the names that go */
    struct users *added; /* the rows that come; their shares and teams are those
                            of the table */
    size_t left;         /* the number of users afterwards */
};

/* Do the rows ADDED fit into the table U without the rows that GOES marks: is
 * no name and no uid there twice, and aren't there too many of any kind? *LEFT
 * gets the number of users afterwards. Both tables have been indexed. Returns
 * 0, -ESTALE or -ENOMEM. */
int users_rows_fit(const struct users *u, const bool *goes,
                   const struct users *added, size_t *left);
/* Is that what the sealed file FD has, and no whole table? */
bool users_is_change(int fd);
/* Takes the change of the table U from the sealed file FD, and believes nothing
 * of it. Returns 0; -ESTALE: it doesn't fit the table, or a name or a uid would
 * be there twice; another -errno. *why has the reason. In any case the caller
 * calls users_change_put() or users_change_release(). */
int users_change_take(struct users_change *c, const struct users *u, int fd,
                      struct complaint *why);
/* Puts it into the table, which then owns it. The rows are in no order any
 * more, and their lines are those of the old text. */
void users_change_put(struct users_change *c, struct users *u);
void users_change_release(struct users_change *c);

/* same.c: have both tables the same users, shares and teams, but for the lines
 * and the order of the users? */
bool users_same(const struct users *a, const struct users *b);

#endif
