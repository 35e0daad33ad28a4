/* The table of users, as reader makes it. */
#ifndef TEST_SUPPORT_USERS_TABLE_H
#define TEST_SUPPORT_USERS_TABLE_H

/* Makes the table of a users file with this TEXT, which has no mistake: a
 * sealed file in memory, for users_take(). */
int users_table(const char *text);
/* Makes the change of a users file from BEFORE to NOW, which differ in a few
 * rows of users: the same for users_change_take(). */
int users_table_change(const char *before, const char *now);

#endif
